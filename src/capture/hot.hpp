// The pieces of the hot path, inlined into the hooks: one statement passes here once.
#pragma once

#include "capture/capture.hpp"

extern "C" {
#include "access/genam.h"     // for IndexScanDesc
#include "access/relscan.h"
#include "nodes/execnodes.h"
#include "port/atomics.h"
#include "utils/rel.h"
}

#pragma GCC visibility push(hidden)

namespace assist::capture {

// --- plan id

inline constexpr uint64 kPlanSeed = 0x51ed270b;

pg_attribute_always_inline uint64 fold(uint64 hash, uint64 value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
  return hash ^ (hash >> 29);
}

// An index tells its relation.
pg_attribute_always_inline uint64 index_shape(Oid index, const List* quals, int direction) {
  return index | (static_cast<uint64>(list_length(quals) * 8 + direction + 1) << 32);
}

// The plans of short statements are one node: those are hashed without a walk.
pg_attribute_always_inline Fingerprint plan_fingerprint(const PlannedStmt* statement) {
  const Plan* plan = statement->planTree;
  if (likely(statement->subplans == NIL)) {
    if (IsA(plan, IndexScan) && statement->appendRelations == NIL) {
      const auto* scan = reinterpret_cast<const IndexScan*>(plan);
      const uint64 shape = index_shape(scan->indexid, scan->indexqual, scan->indexorderdir);
      return {fold(kPlanSeed ^ T_IndexScan, shape) | 1, false, scan->indexid};
    }
    if (IsA(plan, Result) && plan->lefttree == nullptr) return {fold(kPlanSeed, T_Result) | 1, false, InvalidOid};
  }
  return walk_fingerprint(statement);
}

// --- counters

pg_attribute_always_inline void begin_write(SlotEntry* entry) {
  ++entry->sequence;
  pg_write_barrier();
}

pg_attribute_always_inline void end_write(SlotEntry* entry) {
  pg_write_barrier();
  ++entry->sequence;
  ++own_slot->activity;
}

pg_attribute_always_inline void add_plans(SlotEntry* entry, uint64 queryid) {
  if (planned.count == 0 || planned.statement.queryid != queryid) return;
  entry->sums.plans += planned.count;
  entry->sums.plan_ns += planned.ns;
  planned.count = 0;
}

pg_attribute_always_inline void record_execution_inline(const Open& open, uint64 jit_ns, TimestampTz now) {
  SlotEntry* entry = open.entry;
  if (unlikely(open.claims != entry_claims || entry == nullptr)) {
    // Nested statements may have taken the entry's place while this one ran.
    entry = find_or_claim_entry({open.queryid, open.planid, open.userid, open.depth == 0}, nullptr, open.sole_index);
    if (entry == nullptr) {
      count_lost_execution(open.exec_ns);
      return;
    }
  }
  const uint64 ns = open.exec_ns;
  const uint32 epoch = store()->reset_epoch;
  begin_write(entry);
  Counters& sums = entry->sums;
  ++sums.calls;
  sums.exec_ns += ns;
  sums.exec_ns2 += static_cast<unsigned __int128>(ns) * ns;
  sums.rows += open.rows;
  sums.blks_hit += open.used.blks_hit;
  const Usage& used = open.used;
  if (unlikely((used.blks_read | used.blks_dirtied | used.temp_read | used.temp_written) != 0)) {
    sums.blks_read += used.blks_read;
    sums.blks_dirtied += used.blks_dirtied;
    sums.temp_read += used.temp_read;
    sums.temp_written += used.temp_written;
  }
  sums.wal_bytes += open.used.wal_bytes;
  if (unlikely((jit_ns | open.weight) > 0)) {
    sums.jit_ns += jit_ns;
    sums.sampled += open.weight > 0;
  }
  if (entry->minmax_epoch != epoch) {
    entry->minmax_epoch = epoch;  // the reset took the texts along
    __atomic_fetch_or(&own_slot->text_wanted, text_bit(entry), __ATOMIC_RELAXED);
    entry->min_ns = PG_UINT64_MAX;
    entry->max_ns = 0;
  }
  if (ns < entry->min_ns) entry->min_ns = ns;
  if (ns > entry->max_ns) entry->max_ns = ns;
  ++entry->latency[LatencyBucket(ns)];
  entry->last_seen = now;
  add_plans(entry, open.queryid);
  end_write(entry);
}

// --- index use

struct IndexUse {
  TimestampTz now;
  uint32 weight;
  bool constraint_check;
  bool tuples_only;   // the scan itself is counted by the entry's calls
};

int claim_index_counter(int first, Oid relation);
void record_index_use_below(const IndexUse& use, PlanState* state);

pg_attribute_always_inline void count_scan(const IndexUse& use, Relation scanned, const Instrumentation* instrument) {
  if (scanned == nullptr) return;
  const Oid index = RelationGetRelid(scanned);  // or a table
  const int first = static_cast<int>(index % (kIndexSlots / kIndexWays)) * kIndexWays;
  int place = first;
  while (place < first + kIndexWays &&
         (own_slot->indexes[place].indexid != index || own_slot->indexes[place].dbid != MyDatabaseId))
    ++place;
  if (unlikely(place == first + kIndexWays)) {
    place = claim_index_counter(first, index);
    if (place < 0) return;
  }
  IndexCounter* counter = &own_slot->indexes[place];
  ++own_slot->index_sequence;
  pg_write_barrier();
  if (!use.tuples_only) ++(use.constraint_check ? counter->constraint_checks : counter->executor_scans);
  counter->last_use = use.now;
  if (use.weight > 0 && instrument != nullptr)
    counter->tuples += static_cast<uint64>(instrument->ntuples + instrument->tuplecount) * use.weight;
  pg_write_barrier();
  ++own_slot->index_sequence;
}

inline void record_index_use(const QueryDesc* desc, const Open& open, TimestampTz now) {
  // Nested statements, as those of foreign keys, may have taken the entry's place.
  const bool check = likely(open.claims == entry_claims && open.entry != nullptr)
                         ? open.entry->constraint_check
                         : is_constraint_query({open.queryid, open.planid, open.userid, open.depth == 0}, desc->sourceText);
  const IndexUse use = {now, open.weight, check, open.sole_index != InvalidOid};
  record_index_use_below(use, desc->planstate);
}

}  // namespace assist::capture

#pragma GCC visibility pop
