// Days to the limits of assist.capacity: of the kOften fullest things once an hour, of the others
// once a day.
//
// The age of this database, its connections and the disk it is on come from history, which knows
// every minute of them. Of everything else the level at the first visit of a day (UTC) is kept, for
// sixteen weeks and 10,000 things, the fullest first; the present one stands for today. Of the
// connections of databases and roles, which come and go, it is the most that any hour's visit saw.

#include "pg/forecast/capacity_forecast.hpp"

#include <charconv>
#include <cmath>
#include <map>

#include "assist/forecast.hpp"
#include "pg/memory.hpp"
#include "pg/forecast/metric_series.hpp"
#include "pg/own_sql.hpp"

extern "C" {
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

constexpr int kDays = 112;
constexpr std::size_t kOften = 500, kBatch = 2000;  // rows
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct Thing {
  std::string resource, object;
  double used = 0, limit = 0;
  double forced = 0;             // of an age: where autovacuum sets it back whatever happens
  std::string_view metric = {};  // of the database's history; empty = kept by us
};
using Name = std::pair<std::string, std::string>;

// Things with a limit: those of the server, then keys, the fullest first.
std::vector<Thing> ReadThings() {
  std::vector<Thing> things;
  Query(
      "WITH server AS MATERIALIZED (SELECT resource, object, used::float8 AS used, "
      "\"limit\"::float8"
      "  AS most, resource = 'connections' AND object <> 'server' AS of_role FROM "
      "assist._capacity_server())"
      " SELECT r.resource, r.object, r.used, r.most, CASE r.resource"
      "  WHEN 'xid' THEN current_setting('autovacuum_freeze_max_age')::float8"
      "  WHEN 'multixact' THEN current_setting('autovacuum_multixact_freeze_max_age')::float8"
      "  ELSE 0 END,"
      " CASE WHEN r.resource = 'connections' AND r.object = 'server' THEN 3"
      "  WHEN r.resource = 'disk' AND 'tablespace pg_default' = ANY (string_to_array(r.object, ', "
      "')) THEN 4"
      "  WHEN r.object <> current_database() THEN 0 WHEN r.resource = 'xid' THEN 1"
      "  WHEN r.resource = 'multixact' THEN 2 ELSE 0 END"
      " FROM (SELECT resource, object, used, most, NULL::float8 AS pct FROM server WHERE NOT "
      "of_role"
      "  UNION ALL (SELECT resource, object, used, most, NULL FROM server WHERE of_role"
      "   ORDER BY used / most DESC LIMIT 200)"
      "  UNION ALL (SELECT resource, object, used::float8, \"limit\"::float8, used_pct::float8"
      "  FROM assist._capacity_keys() ORDER BY used_pct DESC LIMIT 10000)) r"
      " WHERE r.used IS NOT NULL AND r.most IS NOT NULL ORDER BY r.pct DESC NULLS FIRST",
      [&](const Row& row) {
        constexpr std::string_view kMetrics[] = {"", "xid_age", "mxid_age", "connections",
                                                 "disk_free_bytes"};
        Thing& thing = things.emplace_back();
        thing.resource = row.Text(0);
        thing.object = row.Text(1);
        thing.used = row.Real(2);
        thing.limit = row.Real(3);
        thing.forced = row.Real(4);
        thing.metric = kMetrics[row.Integer(5)];
      });
  return things;
}

struct Hour {
  bool begins = false, day_begins = false;
};
Hour BeginHour() {
  Hour hour;
  QueryFresh(
      "INSERT INTO assist.capacity_judged AS j (one, hour, day) VALUES (true, date_trunc('hour', "
      "clock_timestamp()), '-infinity') ON CONFLICT (one) DO UPDATE SET hour = excluded.hour"
      " WHERE j.hour <> excluded.hour RETURNING j.day <> clock_timestamp()::date",
      {}, [&](const Row& row) {
        hour = {true, row.Flag(0)};
      });
  if (hour.day_begins) Execute("UPDATE assist.capacity_judged SET day = clock_timestamp()::date");
  return hour;
}

// ---- levels that we keep

using Levels = std::vector<double>;

// By day up to today, whose place is the last.
std::map<Name, Levels> ReadLevels() {
  std::map<Name, Levels> all;
  QueryFresh(
      "SELECT resource, object, clock_timestamp()::date - first_day, levels FROM "
      "assist.capacity_level",
      {}, [&](const Row& row) {
        const std::int64_t days = row.Integer(2) + 1;
        if (days < 1 || days > 10 * kDays) return;
        Levels& levels = all[{std::string(row.Text(0)), std::string(row.Text(1))}];
        levels.assign(static_cast<std::size_t>(days), kUnknown);
        const auto items = row.Items(3);
        for (std::size_t i = 0; i < items.size() && i < levels.size(); ++i)
          if (items[i].kind == Cell::Kind::kReal) levels[i] = items[i].real;
      });
  return all;
}

std::string TextOf(double value) {
  if (std::isnan(value)) return "";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

// Columns of text, written a batch at a time.
template <std::size_t N>
class Batch {
 public:
  explicit Batch(const char* sql) : sql_(sql) {}
  void Add(std::array<std::string, N> row) {
    for (std::size_t c = 0; c < N; ++c) columns_[c].push_back(std::move(row[c]));
    if (columns_[0].size() == kBatch) Write();
  }
  void Write() {
    if (columns_[0].empty()) return;
    std::array<std::vector<std::string_view>, N> views;
    Arg args[N];
    for (std::size_t c = 0; c < N; ++c) {
      views[c].assign(columns_[c].begin(), columns_[c].end());
      args[c] = Arg::Texts(views[c]);
    }
    Execute(sql_, args);
    for (auto& column : columns_) column.clear();
  }

 private:
  const char* sql_;
  std::array<std::vector<std::string>, N> columns_;
};

void KeepLevels(const std::vector<Thing>& things) {
  Batch<3> batch(
      "INSERT INTO assist.capacity_level AS l (resource, object, first_day, levels)"
      " SELECT r, o, clock_timestamp()::date, ARRAY[v::float8] FROM unnest($1, $2, $3) u (r, o, v)"
      " ON CONFLICT (resource, object) DO UPDATE SET"
      "  first_day = greatest(l.first_day, excluded.first_day - 111),"
      "  levels = (SELECT a.levels[greatest(1, cardinality(a.levels) - 111):] FROM"
      "   (SELECT l.levels || array_fill('NaN'::float8, ARRAY[least(111, excluded.first_day - "
      "l.first_day - cardinality(l.levels))]) || excluded.levels AS levels) a)"
      " WHERE l.first_day + cardinality(l.levels) <= excluded.first_day");
  for (const Thing& thing : things)
    if (thing.metric.empty()) batch.Add({thing.resource, thing.object, TextOf(thing.used)});
  batch.Write();
}

// What comes and goes is told by its most of a day.
bool IsOfMoments(const Thing& thing) { return thing.resource == "connections"; }

void KeepPeaks(const std::vector<Thing>& things) {
  Batch<3> batch(
      "UPDATE assist.capacity_level l SET levels[cardinality(l.levels)] = u.v::float8"
      " FROM unnest($1, $2, $3) u (r, o, v) WHERE l.resource = u.r AND l.object = u.o"
      " AND l.first_day + cardinality(l.levels) - 1 = clock_timestamp()::date"
      " AND l.levels[cardinality(l.levels)] < u.v::float8");
  for (const Thing& thing : things)
    if (thing.metric.empty() && IsOfMoments(thing))
      batch.Add({thing.resource, thing.object, TextOf(thing.used)});
  batch.Write();
}

void ForgetLevels() {
  // Gone for four weeks.
  Execute(
      "DELETE FROM assist.capacity_level WHERE first_day + cardinality(levels) < "
      "clock_timestamp()::date - 28");
}

// ---- from history

std::map<std::string_view, Levels> ReadHistory() {
  constexpr std::string_view kMetrics[] = {"xid_age", "mxid_age", "connections", "disk_free_bytes"};
  std::vector<MetricSource> sources;
  for (const std::string_view metric : kMetrics) sources.push_back(DatabaseMetric(metric));
  const auto series =
      ReadMetrics(sources, MetricStep::kDay, kDays - 1, GetCurrentTimestamp(), nullptr, 0);
  std::map<std::string_view, Levels> all;
  for (std::size_t i = 0; i < series.size(); ++i) {
    Levels& levels = all[kMetrics[i]];
    levels = series[i].values;
    levels.push_back(series[i].current);
  }
  return all;
}

// ---- the forecast

DaysToLimit DaysOf(const Thing& thing, Levels levels, std::pmr::memory_resource* memory) {
  const bool age = thing.forced > 0;
  if (thing.metric == "disk_free_bytes") {
    // What is free falls to nothing, however large the disk is by then.
    for (double& level : levels) level = -level;
    return DaysUntil(levels, 0, LevelKind::kFills, memory);
  }
  // By what is now; or by the most of today, which is not over: as much as yesterday may yet come.
  if (IsOfMoments(thing)) {
    levels.back() = std::fmax(levels.back(), thing.used);
    if (levels.size() > 1) levels.back() = std::fmax(levels.back(), levels[levels.size() - 2]);
  } else {
    levels.back() = thing.used;
  }
  const bool down = thing.limit < thing.used && thing.resource == "sequence";
  if (down)
    for (double& level : levels) level = -level;
  return DaysUntil(levels, down ? -thing.limit : thing.limit,
                   age ? LevelKind::kSaw : LevelKind::kFills, memory);
}

std::array<std::string, 7> RowOf(const Thing& thing, const DaysToLimit& days) {
  std::string reason = Reason(days);
  // Nobody needs to do anything about an age before.
  if (reason.empty() && thing.used < thing.forced && days.level < thing.forced)
    reason = "below the age at which autovacuum freezes whatever happens";
  if (!reason.empty())
    return {thing.resource, thing.object, "", "", "", TextOf(days.per_day), std::move(reason)};
  return {thing.resource,
          thing.object,
          TextOf(days.days),
          TextOf(days.low),
          TextOf(days.high),
          TextOf(days.per_day),
          ""};
}

}  // namespace

void ForecastCapacity() {
  bool there = false;
  Query("SELECT to_regclass('assist.capacity_forecast') IS NOT NULL",
        [&](const Row& row) { there = row.Flag(0); });
  if (!there) return;
  const Hour hour = BeginHour();
  if (!hour.begins) return;
  std::vector<Thing> things = ReadThings();
  if (hour.day_begins) {
    KeepLevels(things);
    ForgetLevels();
  } else if (things.size() > kOften) {
    things.resize(kOften);
  }
  KeepPeaks(things);
  const auto kept = ReadLevels();
  const auto recorded = ReadHistory();
  // What says nothing new is not written; all once a day, so that what is gone can be told.
  Batch<7> batch(hour.day_begins
#define ASSIST_WRITE                                                                             \
  "INSERT INTO assist.capacity_forecast AS f (resource, object, at, days, low, high, per_day, "  \
  "reason) SELECT r, o, clock_timestamp(), nullif(d, '')::float8, nullif(l, '')::float8, "       \
  "nullif(h, '')::float8, nullif(p, '')::float8, nullif(w, '')"                                  \
  " FROM unnest($1, $2, $3, $4, $5, $6, $7) u (r, o, d, l, h, p, w)"                             \
  " ON CONFLICT (resource, object) DO UPDATE SET at = excluded.at, days = excluded.days, low = " \
  "excluded.low, high = excluded.high, per_day = excluded.per_day, reason = excluded.reason"
                     ? ASSIST_WRITE
                     : ASSIST_WRITE
                     " WHERE excluded.days IS NOT NULL OR f.reason IS DISTINCT FROM "
                     "excluded.reason");
#undef ASSIST_WRITE
  for (const Thing& thing : things) {
    Guarded([] { CHECK_FOR_INTERRUPTS(); });
    const ScopedContext context("assist capacity");
    ContextResource memory(context.get());
    Levels levels;
    if (!thing.metric.empty()) {
      levels = recorded.at(thing.metric);
    } else if (const auto found = kept.find({thing.resource, thing.object}); found != kept.end()) {
      levels = found->second;
    }
    if (levels.empty()) levels.push_back(thing.used);
    batch.Add(RowOf(thing, DaysOf(thing, std::move(levels), &memory)));
  }
  batch.Write();
  Execute("DELETE FROM assist.capacity_forecast WHERE at < clock_timestamp() - interval '2 days'");
}

}  // namespace assist::pg
