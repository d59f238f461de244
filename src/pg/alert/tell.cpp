// NOTIFY assist_events, and a line of the log.

#include "pg/alert/tell.hpp"

#include "pg/guard.hpp"
#include "pg/settings.hpp"

extern "C" {
#include "commands/async.h"
#include "commands/dbcommands.h"  // for get_database_name
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"  // for pg_notification_queue_usage
#include "utils/json.h"        // for escape_json
}

namespace assist::pg {

namespace {

// A listener that does not read fills the queue, and then every NOTIFY fails: ours gives way
// before.
constexpr double kQueueRoom = 0.5;

void notify(std::int64_t id, const char* severity, const char* kind, const char* status) {
  if (DatumGetFloat8(DirectFunctionCall1(pg_notification_queue_usage, Datum{0})) > kQueueRoom)
    return;
  StringInfoData payload;
  initStringInfo(&payload);
  appendStringInfo(&payload, "{\"id\": %lld, \"severity\": ", static_cast<long long>(id));
  escape_json(&payload, severity);
  appendStringInfoString(&payload, ", \"kind\": ");
  escape_json(&payload, kind);
  appendStringInfoString(&payload, ", \"status\": ");
  escape_json(&payload, status);
  appendStringInfoChar(&payload, '}');
  Async_Notify("assist_events", payload.data);
}

void log_line(std::int64_t id, const char* severity, const char* kind, const char* status) {
  ereport(LOG, (errmsg("pg_assist: %s alert %lld (%s) in database \"%s\" is %s", severity,
                       static_cast<long long>(id), kind, get_database_name(MyDatabaseId), status),
                errhidestmt(true), errhidecontext(true)));
}

}  // namespace

void TellOfAlert(std::int64_t id, const char* severity, const char* kind, const char* status) {
  Guarded([&] {
    notify(id, severity, kind, status);
    if (log_alerts) log_line(id, severity, kind, status);
  });
}

}  // namespace assist::pg
