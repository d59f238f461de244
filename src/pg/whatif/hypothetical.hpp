// Hypothetical indexes: what CREATE INDEX would make, seen by the planner alone.
//
// A set is defined inside one (sub)transaction, whose locks keep its tables as they were, and
// injected by get_relation_info_hook into one planner call at a time: the hook looks at a pointer
// that PlannerScope sets and clears, and injects only into that call, never into a planner call
// nested in it (a function folded while planning would otherwise execute, and cache, a plan over an
// index that is not there).
//
// IndexOptInfo.hypothetical is set, so the server opens none of them: neither the end-point probes
// of get_actual_variable_range nor the statistics of GIN and BRIN.
//
// Everything here is palloc'ed in the set's context and trivially destructible.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"  // for Query
#include "nodes/pathnodes.h"   // for PlannerInfo
#include "nodes/plannodes.h"   // for PlannedStmt
#include "utils/relcache.h"    // for Relation
}

namespace assist::pg {

// copyObject(), whose macro needs typeof.
template <typename T>
T* copy_node(const T* node) {
  return static_cast<T*>(copyObjectImpl(node));
}

// What the planner is told of an index's size.
struct IndexSize {
  double rows;        // of the table
  double tuples;      // entries; -1 = as many as the table has rows
  BlockNumber pages;  // whole index
  int tree_height;    // levels above the leaves; -1 = unknown (not a b-tree)
};

struct HypotheticalIndex {
  Oid oid;             // unused at the time of definition; never opened
  Oid relation;        // table, materialized view or partitioned table
  char relation_kind;  // relkind of it
  const char* name;    // unquoted
  Oid method;          // pg_am
  Oid tablespace;      // InvalidOid = the database's
  bool unique;
  bool deduplicate;
  int fillfactor;
  int ncolumns, nkeys;                   // all columns; key columns, which come first
  AttrNumber attribute[INDEX_MAX_KEYS];  // 0 = the next of expressions
  Oid type[INDEX_MAX_KEYS];
  Oid collation[INDEX_MAX_KEYS];
  Oid opfamily[INDEX_MAX_KEYS];
  Oid opcintype[INDEX_MAX_KEYS];
  Oid key_type[INDEX_MAX_KEYS];  // as stored, where the operator class says so; else the column's
  int16 option[INDEX_MAX_KEYS];  // indoption
  bool can_return[INDEX_MAX_KEYS];
  List* expressions;                // as RelationGetIndexExpressions gives them, varno 1
  List* predicate;                  // implicitly ANDed, varno 1
  IndexSize size;                   // of a partitioned table: not set, each partition has its own
  const HypotheticalIndex* parent;  // the definition a partition's index comes from
  List* partitions;                 // HypotheticalIndex* made so far for partitions of `relation`
};

struct HypotheticalSet {
  MemoryContext context;
  List* indexes;  // HypotheticalIndex*
  List* hidden;   // OIDs of existing indexes the planner must not see
  List* samples;  // of tables, for sizes (hypothetical_sample.cpp)
  bool trusted;   // its definitions are ours: SELECT on the table is not asked for
};

// An empty set in the current memory context.
HypotheticalSet* make_hypothetical_set();

// Parses and analyses one CREATE INDEX statement as the server would and adds it; nothing is
// executed. Takes AccessShareLock on the table. ERRORs are the server's own for CREATE INDEX,
// besides: 22023 when the text is not one CREATE INDEX statement, 42501 without SELECT on the
// table, 0A000 for what cannot be predicted.
HypotheticalIndex* define_hypothetical_index(HypotheticalSet* set, const char* create_index);

// Hides an existing index, and the partitions' indexes of a partitioned one. ERRORs: 42P01, 42809,
// 42501.
void hide_index(HypotheticalSet* set, Oid index);

// The index's size; for a partitioned table's, the sum over its partitions, which are locked
// AccessShare. Bytes.
int64 predicted_index_bytes(HypotheticalSet* set, HypotheticalIndex* index);

// The partition's index that `index` of a partitioned table brings along; nullptr when `partition`
// cannot have one. REQUIRES: `partition` is locked.
HypotheticalIndex* derive_partition_index(HypotheticalSet* set, HypotheticalIndex* index,
                                          Oid partition);

// Fills index->size from the statistics of its table (hypothetical_size.cpp). `table` is open.
void predict_index_size(HypotheticalSet* set, HypotheticalIndex* index, Relation table);

// True while a planner call of ours runs in this backend: nobody should count it.
bool what_if_active() noexcept;

// Whether the planning is that of the innermost PlannerScope's query, and not of one that it runs.
bool plans_for_us(const PlannerInfo* root) noexcept;

// For one guarded planner() call and the EXPLAIN of its plan. `query` is the tree handed to
// planner().
class PlannerScope {
 public:
  PlannerScope(HypotheticalSet* set, Query* query) noexcept;
  ~PlannerScope();
  PlannerScope(const PlannerScope&) = delete;
  PlannerScope& operator=(const PlannerScope&) = delete;

 private:
  void* outer_;
  Query* outer_query_;
};

// The defined indexes that the plan scans (once each, in order of definition): HypotheticalIndex*.
List* used_hypothetical_indexes(const HypotheticalSet* set, const PlannedStmt* plan);

}  // namespace assist::pg
