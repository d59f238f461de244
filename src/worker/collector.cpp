// The collector, a background worker without a database. Nothing waits for it: views add the slots to the
// central store, and a backend whose slot is full hands entries over itself. Once a second it takes what the slots
// gained; in between, every assist.wait_interval, it looks at what the sessions wait for.

#include "worker/collector.hpp"

#include <algorithm>

#include "pg/fault.hpp"
#include "pg/settings.hpp"
#include "pg/store/pending.hpp"
#include "pg/store/store.hpp"
#include "pg/store/waits.hpp"
#include "worker/wait_sampler.hpp"

extern "C" {
#include "access/xlog.h"  // for RecoveryInProgress
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
}

namespace assist::worker {

using namespace assist::pg;  // NOLINT: written in terms of the store

namespace {

constexpr long kTickMs = 1000;
constexpr uint32 kMostSlowdown = 1024;

// What sampling took of the time of statements since the last look, against assist.max_overhead.
void brake() {
  static uint64 last_sampled = 0, last_exec = 0;
  Store& s = *store();
  uint64 sampled = 0;
  for (uint32 i = 0; i < s.slot_count; ++i) sampled += slot_at(i)->sampled_ns;
  const uint64 exec = s.taken_exec_ns;
  const double took = static_cast<double>(sampled - last_sampled);
  const double of = static_cast<double>(exec - last_exec) + took;
  if (of < 50e6 && took < 10e6) return;  // too little to judge: look again later
  last_sampled = sampled;
  last_exec = exec;
  const double percent = of > 0 ? 100 * took / of : 0;
  const uint32 now = s.sampling_slowdown;
  if (percent > max_overhead_percent && now < kMostSlowdown)
    s.sampling_slowdown = now * 2;
  else if (percent < max_overhead_percent / 2 && now > 1)
    s.sampling_slowdown = now / 2;
}

void gather() {
  static TimestampTz last = 0;
  fault_point("collector");
  take_all_slots();
  const TimestampTz now = GetCurrentTimestamp();
  if (now < last) {
    forget_future(now);
    forget_future_activity(now);
  }
  last = now;
  if (RecoveryInProgress()) forget_unrecordable(now);
  brake();
  report_component(kCollector, "running", nullptr, nullptr);
}

void run() {
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  pgstat_report_appname("pg_assist collector");
  report_component(kCollector, "running", "", nullptr);
  start_wait_sampler();
  uint64 next_ms = 0;  // of gathering, by the monotonic clock
  for (;;) {
    if (assist_now_ns() / 1000000 >= next_ms) {
      gather();
      next_ms = assist_now_ns() / 1000000 + kTickMs;
    }
    const long until_sample = sample_waits();
    const uint64 now_ms = assist_now_ns() / 1000000;
    const long until_tick = next_ms > now_ms ? static_cast<long>(next_ms - now_ms) : 0;
    const long sleep = until_sample < 0 ? until_tick : std::min(until_sample, until_tick);
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, sleep, PG_WAIT_EXTENSION);
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
