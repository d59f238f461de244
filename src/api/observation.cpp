// assist._statements() and its like: what the views of sql/20_observation.sql read.
//
// Each function reads the store into C++ rows first, with no ERROR possible, and then hands them to the
// server in one guarded call. Roles without pg_read_all_stats see their own statements.

#include <cmath>

#include "pg/guard.hpp"
#include "pg/row_sink.hpp"
#include "pg/settings.hpp"
#include "pg/store_read.hpp"

extern "C" {
#include "mb/pg_wchar.h"
#include "miscadmin.h"
}

namespace {

using namespace assist::pg;  // NOLINT: this file is the store's face in SQL

constexpr double kMs = 1e-6;  // nanoseconds to milliseconds

struct Viewer {
  bool all;
  Oid user;
  bool sees(const StatementKey& key) const { return all || key.userid == user; }
};

Viewer BeginReading() {
  Viewer viewer = {false, InvalidOid};
  Guarded([&] {
    require_preload();
    viewer = {reads_all_stats(), GetUserId()};
  });
  return viewer;
}

void put_key(RowSink& sink, const StatementKey& key) {
  sink.oid(key.userid);
  sink.oid(key.dbid);
  sink.int8(static_cast<int64>(key.queryid));
  sink.boolean(key.toplevel);
}

// Texts come from other databases too: their encoding may be another one.
void put_text(RowSink& sink, const std::string& text) {
  if (pg_verify_mbstr(GetDatabaseEncoding(), text.data(), static_cast<int>(text.size()), true))
    sink.text(text.data(), text.size());
  else
    sink.text("<text in another encoding>");
}

void put_json(RowSink& sink, const std::string& json) {
  if (json.empty() || !pg_verify_mbstr(GetDatabaseEncoding(), json.data(), static_cast<int>(json.size()), true))
    sink.null();
  else
    sink.datum(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.c_str())));
}

// Splits lines "oid name" into two arrays.
void put_relations(RowSink& sink, const std::string& lines) {
  Datum oids[64], names[64];
  int n = 0;
  const char* p = lines.c_str();
  while (*p != '\0' && n < 64) {
    char* rest;
    const auto oid = static_cast<Oid>(strtoul(p, &rest, 10));
    const char* name = *rest == ' ' ? rest + 1 : rest;
    const char* end = strchr(name, '\n');
    const Size length = end != nullptr ? static_cast<Size>(end - name) : strlen(name);
    oids[n] = ObjectIdGetDatum(oid);
    names[n++] = PointerGetDatum(cstring_to_text_with_len(name, static_cast<int>(length)));
    p = name + length + (end != nullptr ? 1 : 0);
  }
  sink.datum(PointerGetDatum(construct_array(oids, n, OIDOID, sizeof(Oid), true, TYPALIGN_INT)));
  sink.datum(PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT)));
}

double stddev_ms(const Counters& sums) {
  if (sums.calls < 1) return 0;
  const auto n = static_cast<long double>(sums.calls);
  const auto total = static_cast<long double>(sums.exec_ns);
  const long double variance = (static_cast<long double>(sums.exec_ns2) - total * total / n) / n;
  return variance > 0 ? static_cast<double>(sqrtl(variance)) * kMs : 0;
}

double quantile_ms(const uint64* latency, double q, double min_ms, double max_ms) {
  return assist::LatencyQuantileMs(std::span<const uint64>(latency, assist::kLatencyBuckets), q, min_ms, max_ms);
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_statements) {
  const Viewer viewer = BeginReading();
  const std::vector<StatementRow> rows = ReadStatements(true);
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const StatementRow& row : rows) {
      const Counters& s = row.sums;
      if (!viewer.sees(row.key) || (s.calls | s.errors | s.plans) == 0) continue;
      put_key(sink, row.key);
      if (row.has_text)
        put_text(sink, row.text);
      else
        sink.null();
      sink.boolean(row.cut);
      row.command.empty() ? sink.null() : sink.text(row.command.c_str());
      put_relations(sink, row.relations);
      sink.int8(static_cast<int64>(s.calls));
      sink.int8(static_cast<int64>(s.plans));
      sink.int8(static_cast<int64>(s.errors));
      sink.float8(static_cast<double>(s.plan_ns) * kMs);
      sink.float8(static_cast<double>(s.exec_ns) * kMs);
      const double min_ms = s.calls > 0 && row.min_ns != PG_UINT64_MAX ? static_cast<double>(row.min_ns) * kMs : 0;
      const double max_ms = static_cast<double>(row.max_ns) * kMs;
      const double top_ms = max_ms > 0 ? max_ms : 1e12;
      sink.float8(min_ms);
      sink.float8(max_ms);
      sink.float8(s.calls > 0 ? static_cast<double>(s.exec_ns) * kMs / static_cast<double>(s.calls) : 0);
      sink.float8(stddev_ms(s));
      for (const double q : {0.5, 0.95, 0.99}) sink.float8(quantile_ms(row.latency, q, min_ms, top_ms));
      sink.int8(static_cast<int64>(s.rows));
      sink.int8(static_cast<int64>(s.blks_hit));
      sink.int8(static_cast<int64>(s.blks_read));
      sink.int8(static_cast<int64>(s.blks_dirtied));
      sink.int8(static_cast<int64>(s.temp_read));
      sink.int8(static_cast<int64>(s.temp_written));
      sink.int8(static_cast<int64>(s.wal_bytes));
      sink.float8(static_cast<double>(s.jit_ns) * kMs);
      sink.int4(static_cast<int32>(row.plan_count));
      sink.int8(static_cast<int64>(s.sampled));
      sink.moment(row.first_seen);
      sink.moment(row.last_seen);
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_plans) {
  const Viewer viewer = BeginReading();
  const std::vector<PlanRow> rows = ReadPlans();
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const PlanRow& row : rows) {
      if (!viewer.sees(row.key)) continue;
      put_key(sink, row.key);
      sink.int8(static_cast<int64>(row.planid));
      sink.int8(static_cast<int64>(row.calls));
      sink.float8(static_cast<double>(row.exec_ns) * kMs);
      sink.float8(row.calls > 0 ? static_cast<double>(row.exec_ns) * kMs / static_cast<double>(row.calls) : 0);
      sink.float8(quantile_ms(row.latency, 0.95, 0, 1e12));
      row.estimated_cost > 0 ? sink.float8(row.estimated_cost) : sink.null();
      row.misestimate >= 1 ? sink.float8(row.misestimate) : sink.null();
      row.misestimate > 1 ? sink.text(row.underestimated ? "under" : "over") : sink.null();
      put_json(sink, row.plan);
      sink.int8(static_cast<int64>(row.sampled));
      sink.moment(row.first_seen);
      sink.moment(row.last_seen);
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_errors) {
  const Viewer viewer = BeginReading();
  const std::vector<ErrorRow> rows = ReadErrors();
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const ErrorRow& row : rows) {
      if (!viewer.sees(row.key)) continue;
      put_key(sink, row.key);
      sink.text(unpack_sql_state(row.entry.sqlstate));
      sink.int8(static_cast<int64>(row.entry.errors));
      row.entry.message[0] != '\0' ? sink.text(row.entry.message) : sink.null();
      sink.moment(row.entry.last_seen);
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_index_use) {
  BeginReading();
  const std::vector<IndexCounter> rows = ReadIndexes();
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const IndexCounter& row : rows) {
      sink.oid(row.dbid);
      sink.oid(row.indexid);
      sink.int8(static_cast<int64>(row.executor_scans));
      sink.int8(static_cast<int64>(row.tuples));
      sink.moment(row.last_use);
      sink.int8(static_cast<int64>(row.constraint_checks));
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_reset) {
  Guarded([&] {
    require_preload();
    reset_store(PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0),
                PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1),
                PG_ARGISNULL(2) ? 0 : static_cast<uint64>(PG_GETARG_INT64(2)));
  });
  PG_RETURN_VOID();
}
