// assist.baselines: what is normal at this hour, of what is watched; assist.baseline(): of any metric.
//
// Watched are at most kMostStatements statements and kMostTables tables, over kHours hours: each kind of blocks
// is read once.

#include "assist/baseline.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "pg/history/slices.hpp"
#include "pg/memory.hpp"
#include "pg/forecast/metric_series.hpp"
#include "pg/own_sql.hpp"
#include "pg/row_sink.hpp"

namespace {

using namespace assist;
using namespace assist::pg;

constexpr std::size_t kMostStatements = 60, kMostTables = 20;
constexpr double kLeastShare = 0.01;
constexpr int kHours = 35 * 24;
constexpr double kLeastOfHour = 1.0 / 6;  // of the present one, to be told

struct Watched {
  std::string object, query;  // empty = none
  Oid userid = InvalidOid;
  std::int64_t queryid = 0;
  bool toplevel = false;
  MetricSource source;
};

struct Line {
  const Watched* of;
  TimestampTz hour;
  double current;
  Baseline baseline;
};

Watched Watch(HistoryKind kind, std::string_view metric, std::uint32_t key) {
  Watched watched;
  watched.source.metric = MetricOf(kind, metric);
  watched.source.keys = {key};
  watched.source.imported = true;
  watched.source.name = metric;
  return watched;
}

std::vector<Watched> WatchDatabase() {
  std::vector<Watched> all;
  for (const std::string_view metric :
       {"calls", "total_exec_time", "connections", "active", "wal_bytes", "temp_bytes", "errors"})
    all.push_back(Watch(HistoryKind::kDatabase, metric, 1));
  return all;
}

// Statements with at least kLeastShare of the last week's time, those that took the most first.
std::vector<Watched> WatchStatements(bool all_roles, Oid caller, TimestampTz now) {
  std::map<std::uint32_t, double> sums;
  ReadSlices(HistoryKind::kStatement, now - 7 * kDayUs, now, nullptr, "exec_us", &sums);
  double total = 0;
  for (const auto& [id, part] : sums) total += part;
  std::vector<std::pair<double, std::uint32_t>> order;
  for (const auto& [id, part] : sums)
    if (id != 0 && part > 0 && part >= kLeastShare * total) order.emplace_back(part, id);
  std::sort(order.rbegin(), order.rend());
  if (order.size() > kMostStatements) order.resize(kMostStatements);
  std::vector<std::int64_t> ids;
  for (const auto& [part, id] : order) ids.push_back(id);
  std::vector<Watched> watched;
  const Arg args[] = {Arg::Integers(ids), Arg::Bool(all_roles), Arg::Object(caller)};
  assist::pg::Query(
      "SELECT s.id, s.queryid, s.userid, s.toplevel, s.query FROM assist.history_statement s"
      " WHERE s.id = ANY ($1::int[]) AND ($2 OR s.userid = $3"
      "  AND s.role_name = (SELECT rolname FROM pg_roles WHERE oid = $3))"
      " ORDER BY array_position($1::int[], s.id)",
      args, [&](const Row& row) {
        for (const std::string_view metric : {"mean_exec_time", "calls"}) {
          Watched& one = watched.emplace_back(
              Watch(HistoryKind::kStatement, metric, static_cast<std::uint32_t>(row.Integer(0))));
          one.queryid = row.Integer(1);
          one.userid = row.Object(2);
          one.toplevel = row.Flag(3);
          one.query = row.Text(4);
          one.object = one.source.object = std::to_string(one.queryid);
        }
      });
  return watched;
}

// The largest tables.
std::vector<Watched> WatchTables(bool all_roles, Oid caller) {
  std::vector<Watched> watched;
  const Arg args[] = {Arg::Object(MyDatabaseId), Arg::Bool(all_roles), Arg::Object(caller),
                      Arg::Int4(static_cast<std::int32_t>(kMostTables))};
  assist::pg::Query(
      "SELECT h.id, format('%I.%I', n.nspname, c.relname) FROM assist.history_relation h"
      " JOIN pg_class c ON c.oid = h.relid JOIN pg_namespace n ON n.oid = c.relnamespace"
      " WHERE h.dbid = $1 AND h.kind = 3 AND ($2 OR pg_has_role($3, c.relowner, 'USAGE'))"
      " ORDER BY c.relpages DESC, c.oid LIMIT $4",
      args, [&](const Row& row) {
        for (const std::string_view metric : {"reads", "writes"}) {
          Watched& one = watched.emplace_back(
              Watch(HistoryKind::kTable, metric, static_cast<std::uint32_t>(row.Integer(0))));
          one.object = one.source.object = row.Text(1);
        }
      });
  return watched;
}

// The present hour where enough of it was seen, else the one before.
void Judge(std::span<const Watched> watched, TimestampTz now, const pg_tz* zone,
           std::vector<Line>& lines) {
  if (watched.empty()) return;
  std::vector<MetricSource> sources;
  for (const Watched& one : watched) sources.push_back(one.source);
  const auto series = ReadMetrics(sources, MetricStep::kHour, kHours, now, zone, kLeastOfHour);
  const TimestampTz hour = now - Guarded([&] { return on_clock(now, zone); }) % kHourUs;
  for (std::size_t i = 0; i < series.size(); ++i) {
    Guarded([] { CHECK_FOR_INTERRUPTS(); });
    const ScopedContext context("assist baseline");
    ContextResource memory(context.get());
    std::span<const double> values = series[i].values;
    const bool is_time = watched[i].source.name == "mean_exec_time";
    // What never happens is not worth a line.
    const auto& metric = watched[i].source.metric;  // none: it was imported
    const HistoryKind kind = metric ? metric->kind : HistoryKind::kStatement;
    if ((kind == HistoryKind::kTable || (kind == HistoryKind::kDatabase && !values.empty())) &&
        std::none_of(values.begin(), values.end(), [](double v) { return v > 0; }))
      continue;
    Line& line = lines.emplace_back();
    line = {&watched[i], hour, series[i].current, {}};
    if (std::isnan(line.current) && !values.empty() && !std::isnan(values.back())) {
      line.current = values.back();
      line.hour = hour - kHourUs;
      values = values.first(values.size() - 1);
    }
    line.baseline = BaselineAfter(series[i].start, values, !is_time, &memory);
  }
}

void number(RowSink& sink, double value) { std::isnan(value) ? sink.null() : sink.float8(value); }

const char* state_of(Normal::From from) {
  switch (from) {
    case Normal::From::kHourOfWeek:
      return "hour of week";
    case Normal::From::kHourOfDay:
      return "hour of day";
    default:
      return "learning";
  }
}

void put_baseline(RowSink& sink, const Line& line) {
  sink.datum(TimestampTzGetDatum(line.hour));
  number(sink, line.baseline.normal);
  number(sink, line.baseline.low);
  number(sink, line.baseline.high);
  number(sink, line.current);
  sink.text(state_of(line.baseline.from));
  sink.float8(std::round(line.baseline.weeks * 10) / 10);
  sink.end_row();
}

void emit(FunctionCallInfo fcinfo, const std::vector<Line>& lines) {
  RowSink sink(fcinfo);
  for (const Line& line : lines) {
    const Watched& of = *line.of;
    sink.text(of.source.name.c_str());
    of.object.empty() ? sink.null() : sink.text(of.object.c_str());
    of.query.empty() ? sink.null() : sink.text(of.query.c_str());
    sink.oid(of.userid);
    of.queryid == 0 ? sink.null() : sink.int8(of.queryid);
    of.queryid == 0 ? sink.null() : sink.boolean(of.toplevel);
    put_baseline(sink, line);
  }
  sink.finish();
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_baselines) {
  const bool all = Guarded([] { return reads_all_stats(); });
  const Oid caller = GetUserId();
  const pg_tz* zone = session_timezone;
  const TimestampTz now = GetCurrentTimestamp();
  std::vector<Watched> database, statements, tables;
  std::vector<Line> lines;
  {
    const OwnerScope scope;
    if (all) database = WatchDatabase();
    statements = WatchStatements(all, caller, now);
    tables = WatchTables(all, caller);
    Judge(database, now, zone, lines);
    Judge(statements, now, zone, lines);
    Judge(tables, now, zone, lines);
  }
  Guarded([&] { emit(fcinfo, lines); });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_baseline) {
  std::vector<Line> lines;
  Watched watched;
  if (!PG_ARGISNULL(0)) {
    const auto argument = [&](int n) {
      return Guarded([&] { return text_to_cstring(PG_GETARG_TEXT_PP(n)); });
    };
    const char* metric = argument(0);
    const char* object = PG_ARGISNULL(1) ? nullptr : argument(1);
    watched.source = FindMetric(metric, object == nullptr ? std::nullopt
                                                          : std::optional<std::string_view>(object));
    const pg_tz* zone = session_timezone;
    const OwnerScope scope;
    Judge({&watched, 1}, GetCurrentTimestamp(), zone, lines);
  }
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const Line& line : lines) put_baseline(sink, line);
    sink.finish();
  });
  return Datum{0};
}
