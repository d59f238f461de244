// The collector, a background worker without a database. Nothing waits for it: views add the slots to the
// central store, and a backend whose slot is full hands entries over itself.

#include "worker/collector.hpp"

#include "pg/settings.hpp"
#include "pg/store.hpp"

extern "C" {
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
}

namespace assist::worker {

using namespace assist::pg;  // NOLINT: written in terms of the store

namespace {

constexpr long kTickMs = 1000;

void run() {
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  pgstat_report_appname("pg_assist collector");
  report_component(kCollector, "running", "", nullptr);
  for (;;) {
    take_all_slots();
    report_component(kCollector, "running", nullptr, nullptr);
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kTickMs, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
    if (ConfigReloadPending) {
      ConfigReloadPending = false;
      ProcessConfigFile(PGC_SIGHUP);
    }
  }
}

}  // namespace

void register_collector() {
  BackgroundWorker worker = {};
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
  worker.bgw_start_time = BgWorkerStart_ConsistentState;
  worker.bgw_restart_time = 5;
  strlcpy(worker.bgw_library_name, "pg_assist", sizeof worker.bgw_library_name);
  strlcpy(worker.bgw_function_name, "assist_collector_main", sizeof worker.bgw_function_name);
  strlcpy(worker.bgw_name, "pg_assist collector", sizeof worker.bgw_name);
  strlcpy(worker.bgw_type, "pg_assist collector", sizeof worker.bgw_type);
  RegisterBackgroundWorker(&worker);
}

}  // namespace assist::worker

extern "C" PGDLLEXPORT void assist_collector_main(Datum);
extern "C" void assist_collector_main(Datum) { assist::worker::run(); }
