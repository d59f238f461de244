// assist._progress(): what long runs are at.

#include <cstring>

#include "pg/progress.hpp"
#include "pg/row_sink.hpp"

extern "C" {
#include "catalog/pg_authid.h"  // for ROLE_PG_READ_ALL_STATS
#include "miscadmin.h"          // for GetUserId
#include "utils/acl.h"
}

namespace {

using namespace assist::pg;  // NOLINT: this file shows the server's progress

const char* name_of(std::int64_t of) {
  switch (static_cast<ProgressOf>(of)) {
    case ProgressOf::kAnalysis:
      return "analysis";
    case ProgressOf::kAdviseIndexes:
      return "advise_indexes";
  }
  return nullptr;
}

const char* phase_name(std::int64_t phase) {
  switch (static_cast<ProgressPhase>(phase)) {
    case ProgressPhase::kRecordingHistory:
      return "recording history";
    case ProgressPhase::kReadingCatalogs:
      return "reading catalogs";
    case ProgressPhase::kReadingStatements:
      return "reading statements";
    case ProgressPhase::kChoosingIndexes:
      return "choosing indexes";
    case ProgressPhase::kPlanningWithChosen:
      return "planning with the chosen indexes";
    case ProgressPhase::kVerifying:
      return "verifying built indexes";
    case ProgressPhase::kMeasuringBloat:
      return "measuring bloat";
    case ProgressPhase::kJudging:
      return "judging rules";
    case ProgressPhase::kStoring:
      return "storing recommendations";
  }
  return "initializing";
}

// As pg_stat_get_progress_info(): what others do is for those who may see statistics.
bool may_see(Oid user) {
  return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
         has_privs_of_role(GetUserId(), user);
}

void put_backend(RowSink& sink, const PgBackendStatus& backend) {
  std::int64_t params[PROGRESS_PARAMS];
  for (int i = 0; i < PROGRESS_PARAMS; ++i) params[i] = backend.st_progress_param[i];
  sink.int4(backend.st_procpid);
  sink.oid(backend.st_databaseid);
  if (!may_see(backend.st_userid)) {
    for (int i = 0; i < 6; ++i) sink.null();
    sink.end_row();
    return;
  }
  sink.text(name_of(params[PROGRESS_OF]));
  sink.text(phase_name(params[PROGRESS_PHASE]));
  for (int i = PROGRESS_STATEMENTS_TOTAL; i < PROGRESS_PARAMS; ++i)
    sink.int8(params[i]);
  sink.end_row();
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_progress) {
  Guarded([&] {
    RowSink sink(fcinfo);
    for (int i = 1; i <= pgstat_fetch_stat_numbackends(); ++i) {
      const PgBackendStatus* backend = assist_backend_status(i);
      if (backend == nullptr) continue;
      int command;
      static_assert(sizeof command == sizeof backend->st_progress_command);
      memcpy(&command, &backend->st_progress_command, sizeof command);
      if (backend->st_procpid > 0 && command == kProgressCommand) put_backend(sink, *backend);
    }
    sink.finish();
  });
  return Datum{0};
}
