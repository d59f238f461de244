// Try blocks for code without exceptions.

#include "pg/guard_c.hpp"

extern "C" {
#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
}

namespace assist::pg {

void run_watched(void (*body)(void*), void (*on_error)(int, void*), void* arg) {
  PG_TRY();
  {
    body(arg);
  }
  PG_CATCH();
  {
    on_error(geterrcode(), arg);
    PG_RE_THROW();
  }
  PG_END_TRY();
}

bool can_contain() {
  return IsTransactionState() && !IsInParallelMode() && !IsParallelWorker() && CritSectionCount == 0;
}

bool run_contained(void (*body)(void*), void* arg) {
  MemoryContext memory = CurrentMemoryContext;
  ResourceOwner owner = CurrentResourceOwner;
  const uint32 interrupts = InterruptHoldoffCount;
  const uint32 cancels = QueryCancelHoldoffCount;
  volatile bool ok = false;
  volatile bool begun = false;
  HOLD_INTERRUPTS();
  PG_TRY();
  {
    BeginInternalSubTransaction(nullptr);
    begun = true;
    MemoryContextSwitchTo(memory);
    body(arg);
    ReleaseCurrentSubTransaction();
    ok = true;
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(memory);
    FlushErrorState();
    if (begun) RollbackAndReleaseCurrentSubTransaction();
  }
  PG_END_TRY();
  MemoryContextSwitchTo(memory);
  CurrentResourceOwner = owner;
  InterruptHoldoffCount = interrupts;
  QueryCancelHoldoffCount = cancels;
  return ok;
}

}  // namespace assist::pg
