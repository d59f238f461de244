// A time limit for a piece of work.

#include "pg/time_limit.hpp"

extern "C" {
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

// What catches query_canceled over and over ends the worker that waits for it; a session has a user for that.
constexpr int kMostCancels = 3;

constinit volatile sig_atomic_t expired = false;
constinit volatile sig_atomic_t cancels = 0;
constinit TimeoutId timeout = MAX_TIMEOUTS;  // until registered

void expire() {
  expired = true;
  QueryCancelPending = true;
  cancels = cancels + 1;
  if (cancels > kMostCancels && MyBackendType == B_BG_WORKER) ProcDiePending = true;
  InterruptPending = true;
  SetLatch(MyLatch);
}

}  // namespace

TimeLimit::TimeLimit(int ms) : statement_timeout_(get_timeout_active(STATEMENT_TIMEOUT)) {
  expired = false;
  cancels = 0;
  Guarded([&] {
    if (timeout == MAX_TIMEOUTS) timeout = RegisterTimeout(USER_TIMEOUT, expire);
    enable_timeout_every(timeout, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms), ms);
  });
}

TimeLimit::~TimeLimit() {
  disable_timeout(timeout, false);
  // It may have passed when there was nothing left to cancel.
  if (expired) QueryCancelPending = false;
}

bool TimeLimit::Exceeded(const PgError& error) noexcept {
  const bool other = statement_timeout_ && !get_timeout_active(STATEMENT_TIMEOUT);
  if (!expired || other || error.sqlstate() != ERRCODE_QUERY_CANCELED) return false;
  expired = false;  // a cancel from here on is the user's
  return true;
}

}  // namespace assist::pg
