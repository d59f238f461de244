// The analyst: one visit of one database, then it is gone.
//
// It connects as the bootstrap superuser, as every worker without a role does, and therefore runs
// nothing of a user's: its own statements go by OwnerScope, users' statements are planned under
// their own roles, and settings of the database and its owner that could change what a name means
// are overridden.

#include "pg/analysis/analysis.hpp"
#include "pg/settings.hpp"
#include "pg/store/store.hpp"
#include "pg/visits.hpp"

extern "C" {
#include "access/xact.h"
#include "commands/dbcommands.h"  // for get_database_name
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
}

namespace assist::worker {

using namespace assist::pg;  // NOLINT: written in terms of the analysis

namespace {

struct Override {
  const char* name;
  const char* value;
};

// Locks are not waited for long: whoever drops or updates the extension comes first.
constexpr Override kOverrides[] = {
    {"role", "none"},
    {"search_path", "pg_catalog, pg_temp"},
    {"application_name", "pg_assist analyst"},
    {"lock_timeout", "200ms"},
    {"statement_timeout", "0"},
    {"idle_in_transaction_session_timeout", "0"},
    {"default_transaction_isolation", "read committed"},
    {"default_transaction_read_only", "off"},
    {"default_transaction_deferrable", "off"},
    {"row_security", "on"},
    {"zero_damaged_pages", "off"},
    {"synchronous_commit", "off"},
    {"max_parallel_workers_per_gather", "0"},
    {"jit", "off"},
    {"assist.track", "none"},
};

void override_settings() {
  for (const Override& item : kOverrides)
    SetConfigOption(item.name, item.value, PGC_SUSET, PGC_S_OVERRIDE);
}

// Name of the database when it has the extension, else an empty text.
void look_around(Oid dbid, char* name, Size size) {
  name[0] = '\0';
  StartTransactionCommand();
  const bool exists = OidIsValid(get_extension_oid("pg_assist", true));
  const char* found = exists ? get_database_name(dbid) : nullptr;
  if (found != nullptr) strlcpy(name, found, size);
  CommitTransactionCommand();
  note_extension(dbid, exists);
}

struct Outcome {
  int open = 0;
  int sqlstate = 0;  // 0 = no error
  char message[128] = "";
};

// In no transaction before and after. Exceptions end here.
Outcome Analyze() noexcept {
  Outcome outcome;
  try {
    outcome.open = RunAnalysis({.own_transactions = true});
  } catch (const PgError& error) {
    outcome.sqlstate = error.sqlstate();
    strlcpy(outcome.message, error.what(), sizeof outcome.message);
  } catch (const AssistError& error) {
    outcome.sqlstate = error.sqlstate();
    strlcpy(outcome.message, error.what(), sizeof outcome.message);
  } catch (const std::exception& error) {
    outcome.sqlstate = ERRCODE_INTERNAL_ERROR;
    strlcpy(outcome.message, error.what(), sizeof outcome.message);
  }
  return outcome;
}

// A lock that somebody holds, or objects that went away: the next visit does it.
bool passes_by_itself(int sqlstate) {
  return sqlstate == ERRCODE_LOCK_NOT_AVAILABLE || sqlstate == ERRCODE_UNDEFINED_TABLE ||
         sqlstate == ERRCODE_UNDEFINED_OBJECT || sqlstate == ERRCODE_UNDEFINED_SCHEMA ||
         sqlstate == ERRCODE_T_R_DEADLOCK_DETECTED;
}

// The same error is logged once, not at each visit: the last one stands in assist.status.
void report(const char* database, const Outcome& outcome) {
  char text[128];
  if (outcome.sqlstate == 0) {
    if (outcome.open < 0)
      snprintf(text, sizeof text, "database %s: another analysis is running", database);
    else
      snprintf(text, sizeof text, "database %s: %d open recommendations", database, outcome.open);
    report_component(kAnalyst, "idle", text, nullptr);
    return;
  }
  if (passes_by_itself(outcome.sqlstate)) {
    snprintf(text, sizeof text, "database %s: put off: %s", database, outcome.message);
    report_component(kAnalyst, "idle", text, nullptr);
    return;
  }
  snprintf(text, sizeof text, "database %s: %s", database, outcome.message);
  const Store* shared = store();
  const bool known =
      shared != nullptr && strcmp(shared->components[kAnalyst].last_error, text) == 0;
  report_component(kAnalyst, "failing", nullptr, text);
  if (!known)
    ereport(LOG,
            (errcode(outcome.sqlstate),
             errmsg("pg_assist could not analyze database \"%s\": %s", database, outcome.message)));
}

void run(Oid dbid) {
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  if (!begin_visit(dbid)) return;
  BackgroundWorkerInitializeConnectionByOid(dbid, InvalidOid, 0);
  override_settings();
  char name[NAMEDATALEN];
  look_around(dbid, name, sizeof name);
  if (name[0] == '\0') return;
  pgstat_report_activity(STATE_RUNNING, "pg_assist analysis");
  report_component(kAnalyst, "running", nullptr, nullptr);
  MemoryContextSwitchTo(TopMemoryContext);
  const Outcome outcome = Analyze();
  if (outcome.sqlstate != 0) AbortCurrentTransaction();
  report(name, outcome);
}

}  // namespace

}  // namespace assist::worker

extern "C" PGDLLEXPORT void assist_analyst_main(Datum);
extern "C" void assist_analyst_main(Datum dbid) { assist::worker::run(DatumGetObjectId(dbid)); }
