// assist._lock_tree(): who waits for which lock, and for whom, as trees.

#include <unordered_set>
#include <vector>

#include "assist/lock_forest.hpp"
#include "pg/guard.hpp"
#include "pg/store/lock_waits.hpp"
#include "pg/row_sink.hpp"
#include "pg/settings.hpp"
#include "pg/store/store.hpp"

extern "C" {
#include "storage/lmgr.h"
}

namespace {

using namespace assist::pg;  // NOLINT: this file shows the lock manager

struct Waiter {
  LockWait wait;
  LOCKTAG row;      // the row that it is after, where it waits for a transaction
  bool has_row;
};

// All that wait. Allocates while no lock is held.
std::vector<Waiter> ReadWaiters() {
  std::vector<Waiter> waiters;
  for (uint32 i = 0; i < store()->slot_count; ++i) {
    const auto proc = static_cast<int>(i);
    if (!may_wait_for_lock(proc)) continue;
    Waiter waiter = {};
    if (!read_lock_wait(proc, &waiter.wait)) continue;
    waiter.has_row = waiter.wait.tag.locktag_type == LOCKTAG_TRANSACTION && find_tuple_lock(proc, &waiter.row);
    waiters.push_back(waiter);
  }
  return waiters;
}

// database, relation, and what it is besides, as pg_locks names the parts.
void put_object(RowSink& sink, const Waiter& waiter) {
  const LOCKTAG& tag = waiter.has_row ? waiter.row : waiter.wait.tag;
  const char* rest = nullptr;
  Oid database = InvalidOid, relation = InvalidOid;
  switch (tag.locktag_type) {
    case LOCKTAG_RELATION:
    case LOCKTAG_RELATION_EXTEND:
    case LOCKTAG_PAGE:
    case LOCKTAG_TUPLE:
    case LOCKTAG_SPECULATIVE_TOKEN:
      database = tag.locktag_field1;
      if (tag.locktag_type == LOCKTAG_SPECULATIVE_TOKEN) break;
      relation = tag.locktag_field2;
      if (tag.locktag_type == LOCKTAG_TUPLE)
        rest = psprintf("row (%u,%u)", tag.locktag_field3, tag.locktag_field4);
      else if (tag.locktag_type == LOCKTAG_PAGE)
        rest = psprintf("page %u", tag.locktag_field3);
      else if (tag.locktag_type == LOCKTAG_RELATION_EXTEND)
        rest = "extension";
      break;
    case LOCKTAG_DATABASE_FROZEN_IDS:
      database = tag.locktag_field1;
      break;
    case LOCKTAG_TRANSACTION:
      rest = psprintf("transaction %u", tag.locktag_field1);
      break;
    case LOCKTAG_VIRTUALTRANSACTION:
      rest = psprintf("transaction %u/%u", tag.locktag_field1, tag.locktag_field2);
      break;
    case LOCKTAG_ADVISORY:
      database = tag.locktag_field1;
      rest = tag.locktag_field4 == 1
                 ? psprintf("advisory lock " INT64_FORMAT,
                            static_cast<int64>((uint64{tag.locktag_field2} << 32) | tag.locktag_field3))
                 : psprintf("advisory lock (%u, %u)", tag.locktag_field2, tag.locktag_field3);
      break;
    default:
      database = tag.locktag_field1;
      rest = psprintf("%u of class %u", tag.locktag_field3, tag.locktag_field2);
  }
  sink.oid(database);
  sink.oid(relation);
  sink.text(rest);
}

Datum int_array(const int* values, int n) {
  auto* elements = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(n + 1)));
  for (int i = 0; i < n; ++i) elements[i] = Int32GetDatum(values[i]);
  return PointerGetDatum(construct_array(elements, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_lock_tree) {
  Guarded([] { require_preload(); });
  const std::vector<Waiter> waiters = ReadWaiters();
  // One node for each that waits, and for each that is waited for.
  std::vector<assist::LockNode> nodes;
  std::vector<const Waiter*> waiter_of;
  std::unordered_set<int> known;
  for (const Waiter& waiter : waiters) {
    if (!known.insert(waiter.wait.pid).second) continue;  // several workers of one session
    nodes.push_back({waiter.wait.pid, waiter.wait.since,
                     std::vector<int>(waiter.wait.blockers, waiter.wait.blockers + waiter.wait.blocker_count)});
    waiter_of.push_back(&waiter);
  }
  for (const Waiter* waiter : std::vector<const Waiter*>(waiter_of)) {
    for (int i = 0; i < waiter->wait.blocker_count; ++i) {
      if (!known.insert(waiter->wait.blockers[i]).second) continue;
      nodes.push_back({waiter->wait.blockers[i], 0, {}});
      waiter_of.push_back(nullptr);
    }
  }
  const std::vector<assist::LockPlace> places = assist::ArrangeLocks(nodes);
  Guarded([&] {
    RowSink sink(fcinfo);
    int n = 0;
    for (const assist::LockPlace& place : places) {
      const Waiter* waiter = waiter_of[place.node];
      sink.int4(++n);
      sink.int4(place.depth);
      sink.datum(int_array(place.path.data(), static_cast<int>(place.path.size())));
      sink.int4(nodes[place.node].pid);
      if (waiter == nullptr) {
        for (int i = 0; i < 7; ++i) sink.null();
        sink.end_row();
        continue;
      }
      const LockWait& wait = waiter->wait;
      sink.datum(int_array(wait.blockers, wait.blocker_count));
      sink.text(LockTagTypeNames[wait.tag.locktag_type]);
      sink.text(GetLockmodeName(wait.tag.locktag_lockmethodid, wait.mode));
      put_object(sink, *waiter);
      sink.moment(wait.since);
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}
