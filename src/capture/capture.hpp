// What the parts of capture share. Built with -fno-exceptions -fno-rtti: nothing here has a destructor,
// throws or allocates on the hot path. See README.md in this folder.
#pragma once

#include "pg/settings.hpp"
#include "pg/store/store.hpp"
#include "pg/suppress.hpp"

extern "C" {
#include "access/parallel.h"
#include "access/xact.h"
#include "executor/execdesc.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "port/atomics.h"
}

// Hidden, declarations included: what is shared between these files is reached without the offset table.
#pragma GCC visibility push(hidden)

namespace assist::capture {

using namespace assist::pg;  // NOLINT: capture is written in terms of the store

// The server's resource counters that are recorded.
struct Usage {
  uint64 blks_hit, blks_read, blks_dirtied, temp_read, temp_written, wal_bytes;
};

// A statement between its start and its end, in this backend. Kept apart from the executor's memory, which
// an abort frees before our callbacks run.
struct Open {
  const QueryDesc* desc;  // identity only; nullptr = being planned
  SlotEntry* entry;       // nullptr: no room; the execution will count as lost
  uint64 claims;          // entry_claims when `entry` was found: it is still this statement's if that stands
  uint64 queryid, planid;
  Oid userid;
  SubTransactionId subid;
  int depth;              // statements around it
  uint32 weight;          // executions this one stands for, as a sample; 0 = not sampled
  bool live;              // false: an entry of the stack left over by closing out of order
  bool running;           // control is inside it now: an abort means that it failed
  bool scans_relation;
  bool limited;           // not run to its end: stopped by a row count
  Oid sole_index;         // the plan is a scan of this index and nothing else
  // Set by start_counting().
  uint64 exec_ns;
  uint64 rows;
  Usage used;             // sums over the runs
  void start_counting() {
    exec_ns = rows = 0;
    used = {};
  }
};
static_assert(sizeof(Open) == 128);  // a power of two: places on the stack are found by shifting

// A statement being planned now.
struct Planning {
  uint64 queryid;
  Oid userid;
  SubTransactionId subid;
  int depth;              // statements around it
};
inline constexpr int kMostPlannings = 32;

// --- open.cpp
extern Planning plannings[kMostPlannings + 1];  // one inside the other; what is deeper shares the last place
extern int planning_count;
extern SubTransactionId current_subid;  // as GetCurrentSubTransactionId() says, without the call
extern int depth;         // statements whose code is running now, utility included
extern Open* open_stack;
extern int open_top, open_capacity;
bool grow_open_stack();

// A new entry on top, with desc and entry still to be set; nullptr: no memory.
inline Open* push_open(uint64 queryid, Oid userid) {
  if (unlikely(open_top == open_capacity) && !grow_open_stack()) return nullptr;
  Open* open = &open_stack[open_top++];
  open->queryid = queryid;
  open->userid = userid;
  open->subid = current_subid;
  open->depth = depth;
  open->weight = 0;
  open->live = open->running = true;
  open->scans_relation = open->limited = false;
  return open;
}
// nullptr: not recorded. The pointer is good until the next push.
Open* find_open_below(const QueryDesc* desc);
inline Open* find_open(const QueryDesc* desc) {
  Open* top = open_stack + open_top - 1;
  return likely(open_top > 0 && top->desc == desc && top->live) ? top : find_open_below(desc);
}
void pop_dead();
inline void pop_open(Open* open) {
  open->live = false;
  --open_top;
  if (unlikely(open != open_stack + open_top || (open_top > 0 && !open_stack[open_top - 1].live))) pop_dead();
}
void install_transaction_callbacks();

// --- record.cpp
extern Slot* own_slot;    // this backend's; nullptr = nothing can be recorded
bool attach_slot();
void detach_slot();
struct EntryKey {
  uint64 queryid, planid;
  Oid userid;
  bool toplevel;
};
inline bool matches(const SlotEntry& entry, const EntryKey& key) {
  return entry.queryid == key.queryid && entry.planid == key.planid && entry.userid == key.userid &&
         entry.dbid == MyDatabaseId && entry.toplevel == key.toplevel;
}
extern uint64 entry_claims;  // entries of the slot that were given to another statement, so far
bool is_constraint_query(const EntryKey& key, const char* source);
inline uint64 text_bit(const SlotEntry* entry) { return uint64{1} << (entry - own_slot->entries); }
// The first of the entries that a statement may have: all of its plans have the same ones, so that they can be asked
// for before the plan is looked at.
inline SlotEntry* entries_of(uint64 queryid, Oid userid) {
  return &own_slot->entries[static_cast<uint32>(queryid ^ userid) % kSlotSets * kSlotWays];
}
// With many sessions the slot has left the processor's cache when its session runs again: the memory is asked for ahead
// of its use.
inline void fetch_entries(const SlotEntry* set) {
  __builtin_prefetch(set, 1);
  __builtin_prefetch(set + 1, 1);
}
inline void fetch_sums(const SlotEntry* entry) {
  __builtin_prefetch(&entry->sums, 1);
  __builtin_prefetch(&entry->sums.blks_dirtied, 1);
  __builtin_prefetch(&entry->last_seen, 1);
}
SlotEntry* claim_entry(const EntryKey& key, const char* source, Oid sole_index);
inline SlotEntry* find_or_claim_entry(const EntryKey& key, const char* source, Oid sole_index) {
  SlotEntry* entry = entries_of(key.queryid, key.userid);
  for (int way = 0; way < kSlotWays; ++way, ++entry)
    if (matches(*entry, key)) return entry;
  return claim_entry(key, source, sole_index);
}
void record_execution(const Open& open, uint64 jit_ns, TimestampTz now);
void record_error(const Open& open, int sqlstate, const char* message);
// Planning that no execution has claimed yet: kept until one does, or the transaction ends.
struct Planned {
  Planning statement;
  uint64 count;            // 0 = none
  uint64 ns;
};
extern Planned planned;
void flush_planning();
inline void record_planning(const Planning& statement, uint64 ns) {
  if (unlikely(planned.count > 0)) {
    if (planned.statement.queryid == statement.queryid) {
      planned.ns += ns;
      ++planned.count;
      return;
    }
    flush_planning();
  }
  planned.statement = statement;
  planned.ns = ns;
  planned.count = 1;
}
void count_lost_execution(uint64 ns);

// Whether a statement that starts now is recorded. The slot is not attached in parallel workers and while
// our own work is suppressed.
inline bool enabled() {
  return (likely(own_slot != nullptr) || attach_slot()) &&
         (track == kTrackAll || (track == kTrackTop && depth == 0));
}

// --- running.cpp: what runs now, for the sampler of waits (see Running). A statement is told when control enters it,
// and what is around it again when control comes back; the outermost one stays.
extern Running* told;                     // in own_slot; without one, in this process
extern const TimestampTz* message_moment; // the server's st_activity_start_timestamp
void begin_telling();       // own_slot is this backend's from now on
void end_telling();
void save_running();        // what is told now, under the present depth
void tell_saved(int around);  // again
void tell_innermost();      // after an error that was caught: what goes on
pg_attribute_always_inline void tell_running(uint64 queryid, Oid userid, int own_depth) {
  if (unlikely(depth > 0)) save_running();
  Running* running = told;
  ++running->sequence;
  pg_write_barrier();
  running->queryid = queryid;
  running->userid = userid;
  running->depth = own_depth;
  running->moment = *message_moment;
  pg_write_barrier();
  ++running->sequence;
}
inline void tell_around(int around) {
  if (unlikely(around > 0)) tell_saved(around);
}

// --- errors.cpp
extern int last_sqlstate;
extern char last_message[104];
extern ErrorContextCallback error_watch;
void put_error_watch();
// Makes sure that we hear of every ERROR from here on: error_watch lies at the bottom of the stack of error
// contexts, where it stays until an ERROR reaches the main loop.
inline void watch_errors() {
  if (unlikely(error_context_stack != &error_watch)) put_error_watch();
}
void install_error_hook();
void forget_error();

// --- fingerprint.cpp
// Structure of the plan: nodes, relations, indexes, join types; partition children folded into their
// parent. Never 0.
struct Fingerprint {
  uint64 planid;
  bool scans_relation;  // an index scan or a sequential one occurs in it
  Oid sole_index;       // it is a scan of this index and nothing else; then scans_relation is false
};
Fingerprint walk_fingerprint(const PlannedStmt* plan);
// The range table index of the topmost parent of `rti`.
Index root_relation(const PlannedStmt* plan, Index rti);

// --- text.cpp
// Query ids whose text this backend knows to be in the store. A collision costs one look-up.
inline constexpr int kKnownTexts = 1024;
extern uint64 known_texts[kKnownTexts];
// The reset they were learnt after: a reset takes the texts away.
extern uint32 known_texts_epoch;
void forget_known_texts();
// A statement that got no place for its text in a full store is known by the complement of its query id, until it runs or is
// parsed again.
inline bool is_passed_over(uint64 queryid) { return known_texts[queryid % kKnownTexts] == ~queryid; }
// Puts a statement's text into the store.
void learn_text(const char* source, const Query* query, JumbleState* jumble);
inline void see_parse(const char* source, const Query* query, JumbleState* jumble) {
  const uint64 queryid = query->queryId;
  if (unlikely(known_texts[queryid % kKnownTexts] != queryid || known_texts_epoch != store()->reset_epoch))
    learn_text(source, query, jumble);
}
// Of a utility statement whose text the store asks for: the next parse supplies it.
void forget_wanted_text(const Open& open);
// Registers the text of a statement that was parsed before we could see it, if the store asks for it.
void supply_text(const QueryDesc* desc, const Open& open);

// --- sampling.cpp
uint32 decide_sample(SlotEntry* entry);
// Called before ExecutorStart: executions that this one stands for; 0 = not sampled.
inline uint32 choose_sample(SlotEntry* entry) {
  if (likely(entry->until_sample > 0)) {
    --entry->until_sample;
    return 0;
  }
  return decide_sample(entry);
}

// --- deep.cpp
// Reads a sampled execution's plan state: estimates against actual rows, predicates, the plan itself, its
// constants. Reads what spilled of any. Never fails the statement.
void record_deep(QueryDesc* desc, const Open& open);

// --- predicates.cpp (inside record_deep)
struct PlanFacts {
  QueryDesc* desc;
  const Open* open;
  List* deparse_context;   // of the plan
  double misestimate;      // worst node, >= 1; 0 = none known
  bool underestimated;
};
void record_predicates(PlanFacts* facts);
void record_spills(QueryDesc* desc, const Open& open);

// --- plan_text.cpp (inside record_deep): palloc'd, literals masked
// EXPLAIN (FORMAT JSON) of the plan, with actual rows when `analyze`.
char* plan_json(QueryDesc* desc, bool analyze, int* length);
// Lines "oid schema.name" of the relations that the plan reads or writes.
char* plan_relations(const PlannedStmt* plan);

// --- constants.cpp (inside record_deep): palloc'd block of the execution's parameters and constants; nullptr where
// there is no text, and unless `whole` where it has no constants
char* constants_block(QueryDesc* desc, const Open& open, bool whole, Size* bytes);

// The text of the statement within its source.
const char* statement_text(const QueryDesc* desc, int* length);

// --- hooks.cpp
void install_hooks();

}  // namespace assist::capture

#pragma GCC visibility pop
