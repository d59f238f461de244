// Index use by the executor's own attribution: once per execution and index that a plan really scanned.
// What the planner probes, and what nothing reached, does not count.

#include "capture/capture.hpp"

extern "C" {
#include "access/genam.h"     // for IndexScanDesc
#include "access/relscan.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "utils/rel.h"
}

namespace assist::capture {

namespace {

struct Use {
  Slot* slot;
  bool constraint_check;
  uint32 weight;
  TimestampTz now;
};

// The counter of an index in this backend's table; nullptr when it is full and nobody takes the oldest.
// REQUIRES: index_sequence is odd.
IndexCounter* counter_of(Slot* slot, Oid index) {
  constexpr int kWays = 4;
  const int first = static_cast<int>(index % (kIndexSlots / kWays)) * kWays;
  int oldest = first;
  for (int i = first; i < first + kWays; ++i) {
    IndexCounter& c = slot->indexes[i];
    if (c.indexid == index && c.dbid == MyDatabaseId) return &c;
    if (c.indexid == InvalidOid) {
      c.dbid = MyDatabaseId;
      c.indexid = index;
      return &c;
    }
    if (c.last_use < slot->indexes[oldest].last_use) oldest = i;
  }
  if (!store_lock_briefly(index_table_lock(), LW_EXCLUSIVE)) return nullptr;
  IndexCounter gain;
  if (index_gain(slot->indexes[oldest], slot->taken_indexes[oldest], &gain)) merge_index_counter(gain);
  slot->indexes[oldest] = {MyDatabaseId, index, 0, 0, 0, 0};
  slot->taken_indexes[oldest] = slot->indexes[oldest];
  LWLockRelease(index_table_lock());
  return &slot->indexes[oldest];
}

void count_scan(const Use& use, IndexScanDesc scan, const Instrumentation* instrument) {
  if (scan == nullptr || scan->indexRelation == nullptr) return;
  Slot* slot = use.slot;
  ++slot->index_sequence;
  pg_write_barrier();
  IndexCounter* counter = counter_of(slot, RelationGetRelid(scan->indexRelation));
  if (counter != nullptr) {
    if (use.constraint_check)
      ++counter->constraint_checks;
    else
      ++counter->executor_scans;
    counter->last_use = use.now;
    if (instrument != nullptr && use.weight > 0)
      counter->tuples += static_cast<uint64>(instrument->ntuples + instrument->tuplecount) * use.weight;
  }
  pg_write_barrier();
  ++slot->index_sequence;
  ++slot->activity;
}

bool visit(PlanState* state, void* context) {
  if (state == nullptr) return false;
  const Use& use = *static_cast<const Use*>(context);
  switch (nodeTag(state)) {
    case T_IndexScanState:
      count_scan(use, reinterpret_cast<IndexScanState*>(state)->iss_ScanDesc, state->instrument);
      break;
    case T_IndexOnlyScanState:
      count_scan(use, reinterpret_cast<IndexOnlyScanState*>(state)->ioss_ScanDesc, state->instrument);
      break;
    case T_BitmapIndexScanState: {
      // Opened with the executor, so that only the server's own count tells whether it ran.
      IndexScanDesc scan = reinterpret_cast<BitmapIndexScanState*>(state)->biss_ScanDesc;
      if (scan != nullptr && scan->indexRelation != nullptr) {
        const PgStat_TableStatus* counts = scan->indexRelation->pgstat_info;
        if (counts == nullptr || assist_index_scans(counts) > 0) count_scan(use, scan, state->instrument);
      }
      break;
    }
    default:
      if (outerPlanState(state) == nullptr && innerPlanState(state) == nullptr && state->initPlan == NIL &&
          state->subPlan == NIL && IsA(state, SeqScanState))
        return false;
      break;
  }
  return assist_walk_planstate(state, visit, context);
}

}  // namespace

void record_index_use(QueryDesc* desc, const Open& open) {
  if (desc->planstate == nullptr || slot() == nullptr) return;
  Use use = {slot(), open.entry != nullptr && open.entry->constraint_check, open.weight,
             GetCurrentStatementStartTimestamp()};
  visit(desc->planstate, &use);
}

}  // namespace assist::capture
