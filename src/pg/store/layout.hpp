// Layout of the shared memory: what capture writes, the collector gathers and views read.
//
// Two levels. Every backend has a Slot of its own that only it writes: a small set-associative table of
// counters, one SlotEntry per (statement, plan). The central store has one StatementEntry per statement
// with its plans, predicates and errors. The collector moves what slots gained into the central store; a
// reader adds both up, so that nothing waits for the collector.
//
// Locking
//   SlotEntry fields         single writer (the slot's owner), `sequence` odd while it writes
//   SlotEntry "taken" copy   Partition lock of the entry's statement (exclusive to change); where the entry
//                            has an indexid, the index table's lock too, taken after it
//   central entries, chains  Partition lock of (dbid, queryid)
//   index counters           index_table_lock: shared to add to one (atomically), exclusive to make or read them
//   free lists               Store::free_lock (spinlock)
//   text arena               TextArena::lock, below any partition lock
// Backends take these locks only by store_lock_briefly() until they end: what cannot be had soon is counted as lost.
//
// No pointers, virtuals or std types: indices and offsets only. Units are in the field names.
#pragma once

#include "assist/histogram.hpp"
#include "pg/server.hpp"
#include "pg/store/planning_text.hpp"
#include "pg/store/small_histogram.hpp"

extern "C" {
#include "datatype/timestamp.h"
#include "storage/lwlock.h"
#include "storage/spin.h"
#include "utils/dsa.h"
}

namespace assist::pg {

inline constexpr uint32 kStoreMagic = 0x41535354;  // "ASST"
inline constexpr uint32 kStoreVersion = 8;

inline constexpr int kPartitions = 32;
inline constexpr int kSlotSets = 16;
inline constexpr int kSlotWays = 4;
inline constexpr int kSlotEntries = kSlotSets * kSlotWays;
inline constexpr int kIndexSlots = 32;       // indexes a backend counts before it hands one over
inline constexpr int kIndexWays = 4;
inline constexpr int kSamplesPerPlan = 3;
inline constexpr uint32 kNone = 0xffffffff;  // end of a chain

// Monotonic sums. exec_ns2 is the exact sum of squares, so that deltas of long sums lose nothing.
struct Counters {
  uint64 calls;
  uint64 plans;
  uint64 errors;
  uint64 plan_ns;
  uint64 exec_ns;
  uint64 rows;
  uint64 blks_hit, blks_read, blks_dirtied;
  uint64 temp_read, temp_written;  // blocks
  uint64 wal_bytes;
  uint64 jit_ns;
  uint64 sampled;                  // executions with actual row counts
  unsigned __int128 exec_ns2;
};
static_assert(sizeof(Counters) == 128);

struct alignas(64) SlotEntry {
  uint32 sequence;       // odd while the owner writes
  uint32 until_sample;   // executions until the next sampled one
  uint64 queryid;        // 0 = free
  uint64 planid;         // 0 = none (utility, errors before planning)
  Oid userid, dbid;
  bool toplevel;
  bool constraint_check; // a foreign key's own query
  uint16 first_samples;  // executions of this entry that were sampled because it is new
  Oid indexid;           // the plan is a scan of this index and nothing else: its calls are the index's use
  uint32 minmax_epoch;   // Store::reset_epoch that min and max belong to
  uint32 sample_period;  // executions the next sampled one stands for, without itself
  uint64 min_ns, max_ns;
  // --- second line on: sums
  alignas(64) Counters sums;
  TimestampTz last_seen;
  uint16 latency[kLatencyBuckets];  // modulo 2^16; the collector takes differences
};
static_assert(sizeof(SlotEntry) == 448);

// What the collector has already moved of a SlotEntry.
struct alignas(64) SlotTaken {
  Counters sums;
  uint16 latency[kLatencyBuckets];
};

// Of an index, or of a table that is scanned sequentially: oids of relations are of one kind.
struct IndexCounter {
  Oid dbid, indexid;             // 0 = free
  uint64 executor_scans;         // statement executions that scanned it
  uint64 constraint_checks;      // of these, by foreign-key triggers
  uint64 tuples;                 // index entries or rows returned, from sampled executions, weighted
  TimestampTz last_use;
};

// What a backend runs, for the sampler of waits. It stays when the statement has ended: whether it is of now is told
// by `moment`, which is the server's st_activity_start_timestamp of the client's message in which it was told.
struct Running {
  uint32 sequence;               // odd while the owner writes
  Oid userid;
  uint64 queryid;                // of the innermost recorded statement; 0 = none yet
  TimestampTz moment;
  int depth;                     // statements around it
  Oid dbid;                      // the backend's
  uint64 top_queryid;            // unless depth is 0: of the statement that the client sent; 0 = not recorded
  Oid top_userid;
};
static_assert(sizeof(Running) == 48);

struct alignas(64) Slot {
  // Written by the owner alone.
  alignas(64) Running running;
  alignas(64) uint64 activity;   // raised by every change below: lets a reader skip an idle slot
  uint64 lost_calls, lost_ns;    // executions that could not be recorded
  uint64 sampled_ns, sampled_executions;  // for the overhead account
  uint64 passed_statements, passed_top_ns;  // what got no place in a full store: admit.hpp
  Oid passed_dbid;
  Counters passed;
  uint32 index_sequence;
  uint32 unused;
  IndexCounter indexes[kIndexSlots];
  SlotEntry entries[kSlotEntries];
  // Written by the collector, or by the owner when it hands an entry over.
  alignas(64) uint64 taken_activity;
  uint64 taken_lost_calls;
  uint64 taken_passed_statements, taken_passed_top_ns;
  Counters taken_passed;
  uint64 text_wanted;            // bit per entry: its statement's text is not in the store
  SlotTaken taken[kSlotEntries];
  IndexCounter taken_indexes[kIndexSlots];
};

struct StatementEntry {
  StatementKey key;
  uint32 next;                   // in the bucket, or in the free list
  uint32 first_plan, first_predicate, first_error;
  uint32 plan_count;
  double usage;                  // what eviction goes by: see evict.hpp
  TimestampTz first_seen, last_seen;
  uint64 min_ns, max_ns;
  dsa_pointer text;              // TextBlock
  uint64 evicted_plan_calls;     // of plans no longer kept
  Counters sums;
  Counters pending;              // of them, what history has not recorded yet
  uint32 latency[kLatencyBuckets];
  SmallHistogram pending_latency;
};

struct PlanEntry {
  uint64 planid;
  uint32 next;
  uint32 sample_count;
  TimestampTz first_seen, last_seen;
  uint64 calls, exec_ns, sampled;
  uint64 pending_calls, pending_ns;  // of them, what history has not recorded yet
  double estimated_cost;         // planner units, of the execution seen last
  double misestimate;            // worst node of the worst sampled execution: >= 1; 0 = not known
  bool underestimated;
  dsa_pointer plan;              // TextBlock: EXPLAIN JSON without literals
  dsa_pointer constants;         // TextBlock: see constants.hpp
  dsa_pointer samples[kSamplesPerPlan];  // TextBlock: see samples
  SmallHistogram latency;
};

enum class PredicateUse : uint8 { kFilter, kIndex, kJoin, kSort, kGroup, kSpillSort, kSpillHash };

// Head of a sample's block.
struct SampleHead {
  TimestampTz at;
  uint64 exec_ns, rows;
  uint32 constants_bytes;        // of the constants block that follows; then the plan's JSON
  char application[64];
};

// One relation's use in one plan. For the spills rows_in is temp bytes and rows_out needed bytes.
struct PredicateEntry {
  uint64 planid;
  uint64 shape;                  // hash of columns, expressions and operators
  uint32 next;
  Oid relid;
  PredicateUse use;
  bool limited;                  // stopped early by a LIMIT above: row counts are partial
  double executions;             // weighted
  double rows_in, rows_out;      // weighted sums
  double estimated_selectivity;  // weighted sum
  dsa_pointer description;       // TextBlock: see predicates
};

struct ErrorEntry {
  uint32 next;
  int sqlstate;
  uint64 errors;
  TimestampTz last_seen;
  char message[104];             // the untranslated format: no values in it
};

struct IndexEntry {
  IndexCounter counter;          // sums over all slots' past
};

// Which constants of a statement's source its normalised text calls $first, $first+1 ...: each by its place
// among the numbers and strings that ConstantScan finds. Kept so that the constants of any later execution
// can be read from its source.
inline constexpr int kMostConstants = 64;
inline constexpr uint16 kWithSign = 0x8000;  // the constant takes in the sign before the number
struct TextConstants {
  uint16 count;
  uint16 first;
  uint16 total;          // constants in the text, where their number may vary; 0 = it does not
  uint16 list;           // position in ordinal of a list that stands for any number of constants, or kNoList
  uint16 list_length;    // constants that it had in the text
  uint16 ordinal[kMostConstants];
};
inline constexpr uint16 kNoList = 0xffff;
inline Size text_constants_size(const TextConstants& c) {
  return offsetof(TextConstants, ordinal) + c.count * sizeof(uint16);
}

// Header of a block in the arena.
struct TextBlock {
  uint32 references;
  uint32 bytes;
  uint32 flags;                  // kTextCut
  uint32 extra;                  // offset of a second part in data, 0 = none
  char data[FLEXIBLE_ARRAY_MEMBER];
};
inline constexpr uint32 kTextCut = 1;


// What statements that are no longer kept had done and history had not recorded: per database, of the first few.
struct Leftover {
  Oid dbid;                      // 0 = free
  Counters sums;
};
inline constexpr int kLeftovers = 16;

// Gaps: stretches of which the counters know nothing.
struct Gap {
  TimestampTz from, until;
};
inline constexpr int kGaps = 8;

struct Component {               // a line of assist.status
  char state[32];
  char detail[128];
  char last_error[128];
  TimestampTz last_run;
  uint32 sequence;
  int pid;
};
enum ComponentId : int { kCollector, kLauncher, kAnalyst, kComponents };

struct Store {
  uint32 magic, version;
  uint32 slot_count, bucket_count, statement_capacity, plan_capacity, predicate_capacity, error_capacity,
      index_capacity, asked_count;
  uint32 reset_epoch;            // raised by every reset: minima and maxima start anew
  TimestampTz started, reset_at;
  slock_t free_lock;
  uint32 free_statement, free_plan, free_predicate, free_error;
  uint32 statement_count, plan_count, predicate_count, error_count;
  // Account of what was given up, under free_lock.
  uint64 evictions, evicted_calls, evicted_plans, lost_texts, lost_calls, lost_predicates;
  // Index counters that gave way to others, and the last use of any of them: what has no counter may have been used
  // until then. Under index_table_lock.
  uint64 evicted_indexes;
  TimestampTz index_use_lost;
  Gap gaps[kGaps];
  uint32 gap_count;
  // When the server was down between a shutdown and a start: nothing is missing, but nothing was seen either.
  Gap absences[kGaps];
  uint32 absence_count;
  TimestampTz recordable_since;  // when a standby was promoted: what came before it is in no history
  slock_t component_lock;
  Component components[kComponents];
  // The brake on sampling, set by the collector: periods between samples are this many times longer.
  uint32 sampling_slowdown;      // 1 = none
  Leftover leftovers[kLeftovers];  // under free_lock
  uint64 room_second;            // of the monotonic clock, and how often room may still be made in it: admit.hpp
  int32 room_left;
  uint64 taken_exec_ns;          // of top-level statements, since the start; under free_lock
  // Bytes from here to the server's array of PgBackendStatus, which no function of the server names: the first
  // backend that records tells. 0 = not told yet.
  int64 backend_status_at;
  Size total_bytes;              // of main shared memory
  // Offsets from the start of the Store.
  Size slots_at, buckets_at, statements_at, plans_at, predicates_at, errors_at, indexes_at, asked_at, arena_at;
  Size arena_bytes;
};

}  // namespace assist::pg
