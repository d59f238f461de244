// Scans by the executor's own attribution: once per execution and index that a plan really scanned, and once
// per table that it scanned sequentially. What the planner probes, what COPY, CREATE INDEX and the like read,
// and what nothing reached, does not count.

#include "capture/hot.hpp"

extern "C" {
#include "access/genam.h"     // for IndexScanDesc
#include "access/relscan.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "utils/rel.h"
}

namespace assist::capture {

// Another relation's place in this backend's table, its gains handed over; -1 when that cannot be done now.
int claim_index_counter(int first, Oid relation) {
  Slot* slot = own_slot;
  int place = first;
  for (int i = first; i < first + kIndexWays; ++i) {
    if (slot->indexes[i].indexid == InvalidOid) {
      place = i;
      break;
    }
    if (slot->indexes[i].last_use < slot->indexes[place].last_use) place = i;
  }
  // What was taken of it changes under this lock, alone: with it shared, nobody else changes it.
  const IndexCounter& old = slot->indexes[place];
  const bool locked = old.indexid == InvalidOid ? store_lock_briefly(index_table_lock(), LW_SHARED)
                                                : lock_index_counter(old.dbid, old.indexid, true);
  if (!locked) return -1;
  IndexCounter gain;
  if (index_gain(old, slot->taken_indexes[place], &gain)) merge_index_counter(gain);
  ++slot->index_sequence;
  pg_write_barrier();
  slot->indexes[place] = {MyDatabaseId, relation, 0, 0, 0, 0};
  slot->taken_indexes[place] = slot->indexes[place];
  pg_write_barrier();
  ++slot->index_sequence;
  LWLockRelease(index_table_lock());
  return place;
}

namespace {

inline Relation scanned_index(IndexScanDesc scan) { return scan == nullptr ? nullptr : scan->indexRelation; }

pg_noinline bool visit(PlanState* state, void* context) {
  if (state == nullptr) return false;
  const IndexUse& use = *static_cast<const IndexUse*>(context);
  switch (nodeTag(state)) {
    case T_IndexScanState:
      count_scan(use, scanned_index(reinterpret_cast<IndexScanState*>(state)->iss_ScanDesc), state->instrument);
      break;
    case T_IndexOnlyScanState:
      count_scan(use, scanned_index(reinterpret_cast<IndexOnlyScanState*>(state)->ioss_ScanDesc), state->instrument);
      break;
    case T_SeqScanState: {
      const ScanState& scan = reinterpret_cast<SeqScanState*>(state)->ss;
      // Begun with the first row that was asked for. Temporary tables come and go with sessions: their oids
      // would fill the table of counters.
      if (scan.ss_currentScanDesc != nullptr && !RelationUsesLocalBuffers(scan.ss_currentRelation))
        count_scan(use, scan.ss_currentRelation, state->instrument);
      break;
    }
    case T_BitmapHeapScanState:
      if (!reinterpret_cast<BitmapHeapScanState*>(state)->initialized) return false;  // nothing reached it
      break;
    case T_BitmapIndexScanState: {
      // Opened with the executor, so that only the server's own count tells whether it ran.
      IndexScanDesc scan = reinterpret_cast<BitmapIndexScanState*>(state)->biss_ScanDesc;
      if (scan != nullptr && scan->indexRelation != nullptr) {
        const PgStat_TableStatus* counts = scan->indexRelation->pgstat_info;
        if (counts == nullptr || assist_index_scans(counts) > 0) count_scan(use, scan->indexRelation, state->instrument);
      }
      return false;
    }
    default:
      break;
  }
  // A leaf without sub-plans needs no walk.
  if (state->lefttree == nullptr && state->initPlan == NIL && state->subPlan == NIL &&
      (IsA(state, IndexScanState) || IsA(state, IndexOnlyScanState) || IsA(state, SeqScanState)))
    return false;
  return assist_walk_planstate(state, visit, context);
}

}  // namespace

void record_index_use_below(const IndexUse& use, PlanState* state) {
  visit(state, const_cast<IndexUse*>(&use));
}

}  // namespace assist::capture
