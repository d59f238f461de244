// What statements did and history has not recorded yet: taken out of the store, and put back when
// it could not be.
#pragma once

#include <vector>

#include "pg/store/store.hpp"

namespace assist::pg {

struct PendingPlan {
  uint64 planid;
  uint64 calls, exec_ns;
};

struct PendingStatement {
  StatementKey key;  // queryid 0 = of statements no longer kept
  Counters sums;
  SmallHistogram latency;
  uint32 first_plan, plan_count;  // in PendingWork::plans
};

struct PendingWork {
  std::vector<PendingStatement> statements;
  std::vector<PendingPlan> plans;
};

// Adds to what is left of statements that go. No lock may be needed; takes free_lock.
void add_leftover(Oid dbid, const Counters& sums);

// Nothing is left to record. For the start of the server, before others are there.
void forget_pending();

// The same while others are at work, on a standby, where nothing can be recorded: what is recorded after its
// promotion begins now. Waits for partition locks.
void forget_unrecordable(TimestampTz now);

// Takes everything of this database, after the slots have been gathered. It is put back if the
// current transaction, or the subtransaction that it is taken in, does not commit. Throws
// std::bad_alloc, with nothing taken.
PendingWork TakePending();

}  // namespace assist::pg
