// The settings, each with its range, unit and moment of change.

#include "pg/settings.hpp"

#include <climits>
#include <string>

#include "assist/history_tiers.hpp"
#include "pg/store/store.hpp"
#include "pg/suppress.hpp"

extern "C" {
#include "miscadmin.h"  // for process_shared_preload_libraries_in_progress
#include "utils/guc.h"
#include "utils/varlena.h"  // for SplitIdentifierString
}

namespace assist::pg {

int track = kTrackAll;
bool track_utility = true;
bool track_planning = true;
double sample_rate = 0.001;
bool keep_constants = true;
bool sample_parameters = false;
int mask_literals = kMaskExports;
int max_text_bytes = 16384;
int max_statements = 5000;
int max_plans_per_statement = 10;
int text_memory_kb = 16384;
int max_workers = 1;
int activity_samples = 6000;
int wait_interval_ms = 50;
char* databases = nullptr;
int interval_s = 60;
double max_overhead_percent = 1.0;
bool save_statistics = true;
bool log_alerts = false;
char* history_tiers = nullptr;

void (*on_suppress)() = nullptr;
int capture_suppressed = 0;

namespace {

constexpr config_enum_entry kTrackOptions[] = {
    {"none", kTrackNone, false}, {"top", kTrackTop, false}, {"all", kTrackAll, false}, {nullptr, 0, false}};

constexpr config_enum_entry kMaskOptions[] = {
    {"off", kMaskOff, false}, {"exports", kMaskExports, false}, {"on", kMaskOn, false}, {nullptr, 0, false}};

constexpr int kLeastWaitIntervalMs = 10;

// "*" or a list of identifiers.
bool check_databases(char** value, void**, GucSource) {
  if (strcmp(*value, "*") == 0) return true;
  char* copy = pstrdup(*value);
  List* names = NIL;
  const bool ok = SplitIdentifierString(copy, ',', &names);
  list_free(names);
  pfree(copy);
  if (!ok) GUC_check_errdetail("List syntax is invalid.");
  return ok;
}

// A function of its own: what has a destructor is gone before anything may fail.
bool tiers_problem(const char* value, char* problem, Size room) {
  try {
    std::string why;
    if (assist::ParseTiers(value, &why).has_value()) return false;
    strlcpy(problem, why.c_str(), room);
  } catch (...) {
    strlcpy(problem, "out of memory", room);
  }
  return true;
}

bool check_tiers(char** value, void**, GucSource) {
  char problem[200];
  if (!tiers_problem(*value, problem, sizeof problem)) return true;
  GUC_check_errdetail("%s", problem);
  GUC_check_errhint("For example: 1min:6h, 5min:3d, 1h:60d, 1d:3y.");
  return false;
}

bool check_wait_interval(int* value, void**, GucSource) {
  if (*value == 0 || *value >= kLeastWaitIntervalMs) return true;
  GUC_check_errdetail("It is 0 or at least %d ms.", kLeastWaitIntervalMs);
  return false;
}

struct BoolSetting {
  const char* name;
  const char* what;
  bool* value;
  bool fallback;
  GucContext context;
};

struct IntSetting {
  const char* name;
  const char* what;
  int* value;
  int fallback, min, max;
  GucContext context;
  int flags;
  GucIntCheckHook check = nullptr;
};

struct RealSetting {
  const char* name;
  const char* what;
  double* value;
  double fallback, min, max;
  GucContext context;
};

const BoolSetting kBools[] = {
    {"assist.track_utility", "Records utility statements too.", &track_utility, true, PGC_SUSET},
    {"assist.track_planning", "Records planning time.", &track_planning, true, PGC_SUSET},
    {"assist.keep_constants",
     "Keeps one set of constants per statement and plan, for planning it again; they are never shown.",
     &keep_constants, true, PGC_SUSET},
    {"assist.sample_parameters", "Shows the parameters of sampled executions in assist.samples.",
     &sample_parameters, false, PGC_SUSET},
    {"assist.save", "Saves what was observed at shutdown and reads it back at start.", &save_statistics,
     true, PGC_SIGHUP},
    {"assist.log_alerts", "Writes a line to the server log when an alert is opened, becomes critical or is resolved.",
     &log_alerts, false, PGC_SIGHUP},
};

const IntSetting kInts[] = {
    {"assist.max_statements", "Statements kept in shared memory.", &max_statements, 5000, 100, 1000000,
     PGC_POSTMASTER, 0},
    {"assist.max_plans_per_statement", "Plans kept of each statement.", &max_plans_per_statement, 10, 1,
     100, PGC_POSTMASTER, 0},
    {"assist.text_memory", "Shared memory for statement texts, plans and samples.", &text_memory_kb,
     16384, 1024, INT_MAX / 2, PGC_POSTMASTER, GUC_UNIT_KB},
    {"assist.max_text_length", "Longer statement texts are cut and marked.", &max_text_bytes, 16384, 256,
     1048576, PGC_SUSET, GUC_UNIT_BYTE},
    {"assist.wait_interval", "Time between two samples of what each session waits for; 0 turns it off, the least is 10 ms.",
     &wait_interval_ms, 50, 0, 1000, PGC_SIGHUP, GUC_UNIT_MS, check_wait_interval},
    {"assist.activity_samples", "Samples kept in assist.activity_history.", &activity_samples, 6000, 0, 10000000,
     PGC_POSTMASTER, 0},
    {"assist.interval", "Time between two visits of the analyst to a database; 0 turns it off.",
     &interval_s, 60, 0, 86400, PGC_SIGHUP, GUC_UNIT_S},
    {"assist.max_workers", "Analysts that may work at a time.", &max_workers, 1, 1, 16, PGC_POSTMASTER, 0},
};

const RealSetting kReals[] = {
    {"assist.sample_rate",
     "Share of executions measured with actual row counts; the first ones of a new plan always are.",
     &sample_rate, 0.001, 0, 1, PGC_SUSET},
    {"assist.max_overhead", "Per cent of execution time that sampling may cost before it slows down.",
     &max_overhead_percent, 1.0, 0, 100, PGC_SIGHUP},
};

}  // namespace

void define_settings() {
  // Sizes are fixed at server start; without preload there is nothing that they would size.
  const auto fits = [](GucContext context) {
    return context != PGC_POSTMASTER || process_shared_preload_libraries_in_progress;
  };
  DefineCustomEnumVariable("assist.track", "Statements that are recorded.",
                           "top: those that clients send; all: those inside functions too.", &track,
                           kTrackAll, kTrackOptions, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  DefineCustomEnumVariable("assist.mask_literals", "Masks the constants in what is shown.",
                           "exports: in assist.export(), and in assist.samples what is recognised as personal data or "
                           "secret; on: all of them in both; off: nothing.",
                           &mask_literals, kMaskExports, kMaskOptions, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  for (const BoolSetting& s : kBools)
    DefineCustomBoolVariable(s.name, s.what, nullptr, s.value, s.fallback, s.context, 0, nullptr, nullptr,
                             nullptr);
  for (const IntSetting& s : kInts)
    if (fits(s.context))
      DefineCustomIntVariable(s.name, s.what, nullptr, s.value, s.fallback, s.min, s.max, s.context,
                              s.flags, s.check, nullptr, nullptr);
  for (const RealSetting& s : kReals)
    DefineCustomRealVariable(s.name, s.what, nullptr, s.value, s.fallback, s.min, s.max, s.context, 0,
                             nullptr, nullptr, nullptr);
  DefineCustomStringVariable("assist.databases", "Databases that the analyst visits.",
                             "A list of names separated by commas, or * for all.", &databases, "*",
                             PGC_SIGHUP, GUC_LIST_INPUT, check_databases, nullptr, nullptr);
  DefineCustomStringVariable("assist.history_tiers", "Periods in which history is recorded, and how long each is kept.",
                             "The finest first, each a multiple of the one before.", &history_tiers,
                             "1min:6h, 5min:3d, 1h:60d, 1d:3y", PGC_SIGHUP, 0, check_tiers, nullptr, nullptr);
  MarkGUCPrefixReserved("assist");
}

bool is_preloaded() { return store() != nullptr; }

void require_preload() {
  if (is_preloaded()) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("pg_assist is not preloaded"),
                  errhint("Put shared_preload_libraries = 'pg_assist' into postgresql.conf and restart the "
                          "server.")));
}

}  // namespace assist::pg
