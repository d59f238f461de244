// The launcher, a background worker without a database, on primaries only (it starts when recovery
// has ended). It knows which databases there are, and sends an analyst to each in turn every
// assist.interval, at most assist.max_workers at a time. Whether the extension is there only the
// analyst can see; where it was not, the next visit is five intervals away.

#include "worker/launcher.hpp"

#include <algorithm>

#include "pg/fault.hpp"
#include "pg/settings.hpp"
#include "pg/store/store.hpp"
#include "pg/visits.hpp"

extern "C" {
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"  // for SplitIdentifierString
}

namespace assist::worker {

using namespace assist::pg;  // NOLINT: written in terms of settings and visits

namespace {

constexpr int kMostWorkers = 64;
constexpr long kNapMs = 1000;  // while something is due soon or an analyst is on its way
constexpr long kIdleMs = 60000;

struct Running {
  Oid dbid;  // 0 = free
  BackgroundWorkerHandle* handle;
};

Running running[kMostWorkers];
bool was_refused = false;  // said in the log once, not every second

struct Databases {
  Oid* oids;
  int count;
};

bool is_chosen(const char* name, List* names) {
  if (names == NIL) return true;
  ListCell* cell;
  foreach (cell, names)
    if (strcmp(static_cast<const char*>(lfirst(cell)), name) == 0) return true;
  return false;
}

// Names of assist.databases; NIL = all. In the current memory context.
List* chosen_names() {
  if (databases == nullptr || strcmp(databases, "*") == 0) return NIL;
  List* names = NIL;
  if (!SplitIdentifierString(pstrdup(databases), ',', &names)) return NIL;
  return names;
}

// Databases one may connect to, templates left out: a visitor would stand in the way of CREATE
// DATABASE. In the current memory context.
Databases list_databases() {
  MemoryContext caller = CurrentMemoryContext;
  List* found = NIL;
  StartTransactionCommand();
  PushActiveSnapshot(GetTransactionSnapshot());
  List* names = chosen_names();
  Relation relation = table_open(DatabaseRelationId, AccessShareLock);
  TableScanDesc scan = table_beginscan_catalog(relation, 0, nullptr);
  HeapTuple tuple;
  while ((tuple = heap_getnext(scan, ForwardScanDirection)) != nullptr) {
    const auto* form = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
    // A connection limit of -2 marks a database whose DROP was interrupted.
    if (!form->datallowconn || form->datistemplate || form->datconnlimit == -2) continue;
    if (!is_chosen(NameStr(form->datname), names)) continue;
    MemoryContext transaction = MemoryContextSwitchTo(caller);
    found = lappend_oid(found, form->oid);
    MemoryContextSwitchTo(transaction);
  }
  table_endscan(scan);
  table_close(relation, AccessShareLock);
  PopActiveSnapshot();
  CommitTransactionCommand();
  MemoryContextSwitchTo(caller);
  Databases list = {
      static_cast<Oid*>(palloc(sizeof(Oid) * static_cast<Size>(list_length(found) + 1))), 0};
  ListCell* cell;
  foreach (cell, found) list.oids[list.count++] = lfirst_oid(cell);
  return list;
}

// Frees the places of analysts that have ended. How many are under way.
int reap() {
  int count = 0;
  for (Running& place : running) {
    if (place.dbid == InvalidOid) continue;
    pid_t pid;
    if (GetBackgroundWorkerPid(place.handle, &pid) == BGWH_STOPPED) {
      release_visit(place.dbid);
      pfree(place.handle);
      place = {};
      continue;
    }
    ++count;
  }
  return count;
}

bool start_analyst(Oid dbid) {
  BackgroundWorker worker = {};
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker.bgw_restart_time = BGW_NEVER_RESTART;
  worker.bgw_notify_pid = MyProcPid;
  worker.bgw_main_arg = ObjectIdGetDatum(dbid);
  strlcpy(worker.bgw_library_name, "pg_assist", sizeof worker.bgw_library_name);
  strlcpy(worker.bgw_function_name, "assist_analyst_main", sizeof worker.bgw_function_name);
  strlcpy(worker.bgw_name, "pg_assist analyst", sizeof worker.bgw_name);
  strlcpy(worker.bgw_type, "pg_assist analyst", sizeof worker.bgw_type);
  for (Running& place : running) {
    if (place.dbid != InvalidOid) continue;
    MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
    const bool started = RegisterDynamicBackgroundWorker(&worker, &place.handle);
    MemoryContextSwitchTo(caller);
    if (started) place.dbid = dbid;
    return started;
  }
  return false;
}

// Sends analysts to what is due. How long to sleep, ms.
long send_analysts() {
  if (interval_s <= 0) {
    report_component(kLauncher, "off", "assist.interval = 0", nullptr);
    return kIdleMs;
  }
  const int64 interval = static_cast<int64>(interval_s) * USECS_PER_SEC;
  const Databases list = list_databases();
  keep_visits(list.oids, list.count);
  const int most = std::min(max_workers, kMostWorkers);
  int count = reap();
  bool refused = false;
  TimestampTz next = GetCurrentTimestamp() + kIdleMs * 1000;
  // Those that have waited longest come first, so that one worker gets round.
  for (;;) {
    const TimestampTz now = GetCurrentTimestamp();
    Oid due = InvalidOid;
    TimestampTz since = 0;
    for (int i = 0; i < list.count; ++i) {
      const bool is_due = visit_is_due(list.oids[i], now, interval);
      const TimestampTz at = next_visit(list.oids[i], interval);
      if (is_due) {
        if (due == InvalidOid || at < since) {
          due = list.oids[i];
          since = at;
        }
      } else {
        next = std::min(next, std::max(at, now));
      }
    }
    if (due == InvalidOid || count >= most || refused) break;
    if (!reserve_visit(due, now)) break;
    if (start_analyst(due)) {
      ++count;
    } else {
      forgo_visit(due);
      refused = true;
    }
  }
  if (refused && !was_refused)
    ereport(LOG,
            (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
             errmsg("pg_assist could not start an analyst: no background worker is free"),
             errhint("It tries again every second. You may need to raise max_worker_processes.")));
  was_refused = refused;
  report_component(kLauncher, refused ? "waiting" : "running",
                   refused ? "no free background worker: see max_worker_processes" : "", nullptr);
  if (count > 0 || refused) return kNapMs;
  const int64 wait = (next - GetCurrentTimestamp()) / 1000;
  return std::clamp<long>(static_cast<long>(wait), 100, kIdleMs);
}

void run() {
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
  pgstat_report_appname("pg_assist launcher");
  forget_reservations();
  MemoryContext memory =
      AllocSetContextCreateInternal(TopMemoryContext, "assist launcher", ALLOCSET_DEFAULT_SIZES);
  for (;;) {
    MemoryContextSwitchTo(memory);
    fault_point("launcher");
    const long sleep = send_analysts();
    MemoryContextSwitchTo(TopMemoryContext);
    MemoryContextReset(memory);
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

void register_launcher() {
  BackgroundWorker worker = {};
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker.bgw_restart_time = 10;
  strlcpy(worker.bgw_library_name, "pg_assist", sizeof worker.bgw_library_name);
  strlcpy(worker.bgw_function_name, "assist_launcher_main", sizeof worker.bgw_function_name);
  strlcpy(worker.bgw_name, "pg_assist launcher", sizeof worker.bgw_name);
  strlcpy(worker.bgw_type, "pg_assist launcher", sizeof worker.bgw_type);
  RegisterBackgroundWorker(&worker);
}

}  // namespace assist::worker

extern "C" PGDLLEXPORT void assist_launcher_main(Datum);
extern "C" void assist_launcher_main(Datum) { assist::worker::run(); }
