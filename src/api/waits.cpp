// assist._waits() and its like: what the views of sql/71_waits.sql read.

#include "pg/guard.hpp"
#include "pg/row_sink.hpp"
#include "pg/settings.hpp"
#include "pg/store/waits.hpp"

extern "C" {
#include "miscadmin.h"
}

namespace {

using namespace assist::pg;  // NOLINT: this file shows the store

void put_event(RowSink& sink, uint32 event, uint32 custom_events) {
  if (event == 0) {
    sink.text("CPU");
    sink.text("CPU");
  } else if (event == assist::kAnyEvent) {
    sink.null();
    sink.null();
  } else {
    sink.text(pgstat_get_wait_event_type(event));
    sink.text(assist_wait_event_name(event, custom_events));
  }
}

void put_queryid(RowSink& sink, uint64 queryid) {
  queryid != 0 ? sink.int8(static_cast<int64>(queryid)) : sink.null();
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_waits) {
  Guarded([] { require_preload(); });
  const std::vector<WaitRow> rows = ReadWaits(InvalidOid);
  Guarded([&] {
    const bool all = reads_all_stats();
    const Oid user = GetUserId();
    const uint32 custom_events = assist_custom_wait_events();
    RowSink sink(fcinfo);
    for (const WaitRow& row : rows) {
      if (!all && row.key.userid != user) continue;
      sink.oid(row.key.userid);
      sink.oid(row.key.dbid);
      put_queryid(sink, row.key.queryid);
      row.key.userid != InvalidOid ? sink.boolean(row.key.toplevel) : sink.null();
      put_event(sink, row.key.event, custom_events);
      sink.int8(static_cast<int64>(row.samples));
      sink.float8(static_cast<double>(row.wait_us) / 1e3);
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_activity_history) {
  Guarded([] { require_preload(); });
  const std::vector<ActivityRow> rows = ReadActivity();
  Guarded([&] {
    const bool all = reads_all_stats();
    const Oid user = GetUserId();
    const uint32 custom_events = assist_custom_wait_events();
    RowSink sink(fcinfo);
    for (const ActivityRow& row : rows) {
      const ActivitySample& s = row.sample;
      if (!all && s.userid != user) continue;
      sink.moment(s.at);
      sink.int4(s.pid);
      s.leader_pid != 0 ? sink.int4(s.leader_pid) : sink.null();
      sink.oid(s.userid);
      sink.oid(s.dbid);
      put_queryid(sink, s.queryid);
      sink.boolean(s.toplevel);
      put_queryid(sink, s.top_queryid);
      sink.text(row.application);
      sink.text(s.state == ActivityState::kActive ? "active" : "idle in transaction");
      put_event(sink, s.event, custom_events);
      s.blocked_by != kNobody ? sink.int4(s.blocked_by) : sink.null();
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}
