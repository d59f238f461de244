// Pending work, with the transaction that records it.

#include "pg/store/pending.hpp"

#include <memory>

#include "pg/guard.hpp"

extern "C" {
#include "access/xact.h"
#include "miscadmin.h"
}

namespace assist::pg {

namespace {

bool is_anything(const Counters& sums) { return (sums.calls | sums.plans | sums.errors) != 0; }

// Taken and not yet committed. In malloc's memory: the end of a transaction can neither allocate
// nor fail.
struct Taken {
  std::unique_ptr<PendingWork> work;
  Oid dbid;
  SubTransactionId in;
};
constinit std::vector<Taken>* taken_so_far = nullptr;
std::vector<Taken>& all_taken() {
  if (taken_so_far == nullptr) taken_so_far = new std::vector<Taken>;
  return *taken_so_far;
}

void add_back(StatementEntry* statement, const PendingStatement& from, const PendingPlan* plans) {
  add_counters(&statement->pending, from.sums);
  uint64 latency[kLatencyBuckets];
  for (int b = 0; b < kLatencyBuckets; ++b) latency[b] = count_in(from.latency, b);
  add_to(&statement->pending_latency, latency, used_buckets(latency));
  for (uint32 n = 0; n < from.plan_count; ++n) {
    PlanEntry* plan = find_plan(statement, plans[n].planid);
    if (plan == nullptr) continue;
    plan->pending_calls += plans[n].calls;
    plan->pending_ns += plans[n].exec_ns;
  }
}

void put_back(const Taken& taken) {
  for (const PendingStatement& from : taken.work->statements) {
    StatementEntry* statement = nullptr;
    if (from.key.queryid != 0) {
      LWLock* lock = partition_lock(partition_of(from.key.dbid, from.key.queryid));
      LWLockAcquire(lock, LW_EXCLUSIVE);
      statement = find_statement(from.key);
      if (statement != nullptr)
        add_back(statement, from, taken.work->plans.data() + from.first_plan);
      LWLockRelease(lock);
    }
    if (statement == nullptr) add_leftover(taken.dbid, from.sums);
  }
}

// What it took would be lost if the prepared transaction were rolled back, in another session.
void refuse_to_prepare() {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("cannot PREPARE a transaction that has recorded history"),
                  errhint("Call assist.refresh() and assist.record_history() outside of it.")));
}

void at_end(XactEvent event, void*) {
  if (event == XACT_EVENT_PRE_PREPARE && !all_taken().empty()) refuse_to_prepare();
  if (event == XACT_EVENT_ABORT)
    for (const Taken& taken : all_taken()) put_back(taken);
  if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
    all_taken().clear();
}

void at_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
                           void*) {
  for (auto taken = all_taken().begin(); taken != all_taken().end();) {
    if (taken->in >= mine && event == SUBXACT_EVENT_ABORT_SUB) {
      put_back(*taken);
      taken = all_taken().erase(taken);
      continue;
    }
    if (taken->in >= mine && event == SUBXACT_EVENT_COMMIT_SUB) taken->in = parent;
    ++taken;
  }
}

void register_once() {
  static bool registered = false;
  if (registered) return;
  RegisterXactCallback(at_end, nullptr);
  RegisterSubXactCallback(at_subtransaction_end, nullptr);
  registered = true;
}

uint32 count_of(Oid dbid) {
  uint32 count = 0;
  for (uint32 p = 0; p < kPartitions; ++p) {
    LWLockAcquire(partition_lock(p), LW_SHARED);
    for (uint32 b = p; b < store()->bucket_count; b += kPartitions)
      for (uint32 i = *bucket_at(b); i != kNone; i = statement_at(i)->next)
        count += statement_at(i)->key.dbid == dbid && is_anything(statement_at(i)->pending);
    LWLockRelease(partition_lock(p));
  }
  return count;
}

// Whatever there is room for: what has come since it was counted waits for the next time.
void take(PendingWork* work, Oid dbid) {
  for (uint32 p = 0; p < kPartitions; ++p) {
    LWLockAcquire(partition_lock(p), LW_EXCLUSIVE);
    for (uint32 b = p; b < store()->bucket_count; b += kPartitions) {
      for (uint32 i = *bucket_at(b); i != kNone; i = statement_at(i)->next) {
        StatementEntry* e = statement_at(i);
        if (e->key.dbid != dbid || !is_anything(e->pending)) continue;
        if (work->statements.size() + 1 >= work->statements.capacity() ||
            work->plans.capacity() - work->plans.size() < e->plan_count)
          continue;
        PendingStatement& to = work->statements.emplace_back();
        to.key = e->key;
        to.sums = e->pending;
        to.latency = e->pending_latency;
        to.first_plan = static_cast<uint32>(work->plans.size());
        for (uint32 n = e->first_plan; n != kNone; n = plan_at(n)->next) {
          PlanEntry* plan = plan_at(n);
          if (plan->pending_calls == 0) continue;
          work->plans.push_back({plan->planid, plan->pending_calls, plan->pending_ns});
          plan->pending_calls = plan->pending_ns = 0;
        }
        to.plan_count = static_cast<uint32>(work->plans.size()) - to.first_plan;
        e->pending = {};
        e->pending_latency = {};
      }
    }
    LWLockRelease(partition_lock(p));
  }
  PendingStatement rest = {};
  rest.key.dbid = dbid;
  SpinLockAcquire(&store()->free_lock);
  for (Leftover& leftover : store()->leftovers) {
    if (leftover.dbid != dbid) continue;
    rest.sums = leftover.sums;
    leftover = {};
  }
  SpinLockRelease(&store()->free_lock);
  if (is_anything(rest.sums)) work->statements.push_back(rest);
}

}  // namespace

void add_leftover(Oid dbid, const Counters& sums) {
  if (!is_anything(sums)) return;
  SpinLockAcquire(&store()->free_lock);
  Leftover* place = nullptr;
  for (Leftover& leftover : store()->leftovers)
    if (leftover.dbid == dbid || (place == nullptr && leftover.dbid == InvalidOid))
      place = &leftover;
  if (place != nullptr) {
    place->dbid = dbid;
    add_counters(&place->sums, sums);
  }
  SpinLockRelease(&store()->free_lock);
}

static void forget_pending_of(StatementEntry* e) {
  e->pending = {};
  e->pending_latency = {};
  for (uint32 n = e->first_plan; n != kNone; n = plan_at(n)->next)
    plan_at(n)->pending_calls = plan_at(n)->pending_ns = 0;
}

void forget_pending() {
  for (uint32 b = 0; b < store()->bucket_count; ++b)
    for (uint32 i = *bucket_at(b); i != kNone; i = statement_at(i)->next)
      forget_pending_of(statement_at(i));
  memset(store()->leftovers, 0, sizeof store()->leftovers);
}

void forget_unrecordable(TimestampTz now) {
  for (uint32 p = 0; p < kPartitions; ++p) {
    LWLockAcquire(partition_lock(p), LW_EXCLUSIVE);
    for (uint32 b = p; b < store()->bucket_count; b += kPartitions)
      for (uint32 i = *bucket_at(b); i != kNone; i = statement_at(i)->next)
        if (is_anything(statement_at(i)->pending)) forget_pending_of(statement_at(i));
    LWLockRelease(partition_lock(p));
  }
  SpinLockAcquire(&store()->free_lock);
  memset(store()->leftovers, 0, sizeof store()->leftovers);
  store()->recordable_since = now;
  SpinLockRelease(&store()->free_lock);
}

PendingWork TakePending() {
  Guarded([] {
    register_once();
    take_all_slots();
  });
  const uint32 count = count_of(MyDatabaseId);
  auto work = std::make_unique<PendingWork>();
  work->statements.reserve(count + 64);
  work->plans.reserve(count * static_cast<std::size_t>(2) + 1024);
  PendingWork copy;
  copy.statements.reserve(work->statements.capacity());
  copy.plans.reserve(work->plans.capacity());
  all_taken().reserve(all_taken().size() + 1);
  take(work.get(), MyDatabaseId);
  copy = *work;
  all_taken().push_back({std::move(work), MyDatabaseId, GetCurrentSubTransactionId()});
  return copy;
}

}  // namespace assist::pg
