// What gives way when the store is full: whole statements, or the details of statements (texts,
// plans, samples, predicates), those used least first. Usage is the number of executions, halved
// every hour.
#pragma once

#include "pg/store/store.hpp"
#include "pg/store/text_arena.hpp"

namespace assist::pg {

// A statement begins with a usage of 2: its first execution is expected and not yet gathered.
double fresh_usage(TimestampTz now);

// REQUIRES for all below: the partition lock of the statement, exclusive.
// `first`: these executions are the first that are gathered.
void add_usage(StatementEntry* statement, uint64 executions, bool first, TimestampTz now);

// The clock was put back: no usage exceeds that of as many executions as there were, all of them now.
void limit_usage(StatementEntry* statement, TimestampTz now);

// Makes room for one statement. REQUIRES: partition `held` is locked exclusively; others are taken
// only if free.
bool evict_statement(uint32 held);

void release_blocks(PlanEntry* plan);

enum class Spare {
  kUsedMore,  // statements used as much as this one keep what they have
  kNobody,
};
// Frees plans, samples, constants and predicates of the statement that is used least among those of
// the same partition that have any; false: there is none.
bool free_details(const StatementEntry* statement, Spare spare);

// A block for `statement`, for which others that are used less give up details and, for a text,
// texts. nullptr when there is nothing to be had.
TextBlock* allocate_text_for(const StatementEntry* statement, Size bytes, dsa_pointer* pointer);
TextBlock* allocate_detail_for(const StatementEntry* statement, Size bytes, double share,
                               dsa_pointer* pointer);

}  // namespace assist::pg
