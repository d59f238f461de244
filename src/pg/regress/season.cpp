// Departures from what is normal at this hour of the week.

#include <algorithm>
#include <cmath>

#include "assist/series.hpp"
#include "pg/memory.hpp"
#include "pg/own_sql.hpp"
#include "pg/regress/detectors.hpp"
#include "pg/regress/store.hpp"

namespace assist::pg {

namespace {

// Two months and some days: what comes every month is known by then.
constexpr TimestampTz kSeries = 70 * 24 * kHour;
constexpr double kMinCalls = 30, kSeenOfHour = 2700;  // of an hour; seconds

struct Hour {
  double calls = 0, exec_us = 0, seconds = 0, total_us = 0;
};

// Imported means and calls of a statement, where nothing was recorded.
void AddImported(std::uint32_t statement, std::map<std::int32_t, HourPoint>& points) {
  const Arg whose[] = {Arg::Int4(static_cast<std::int32_t>(statement))};
  Query(
      "SELECT floor(extract(epoch FROM " ASSIST_LOCAL("m.at") ") / 3600)::int4, avg(m.value), "
      "coalesce(avg(p.value), 0.1)"
      " FROM assist.history_statement s JOIN assist.history_imported m ON m.metric = "
      "'mean_exec_time' AND m.object = s.queryid::text"
      " LEFT JOIN assist.history_imported p ON p.metric = 'share' AND p.object = m.object AND p.at "
      "= m.at"
      " WHERE s.id = $1 AND m.value > 0 AND m.at > clock_timestamp() - interval '70 "
      "days' GROUP BY 1",
      whose, [&](const Row& row) {
        const auto hour = static_cast<std::int32_t>(row.Integer(0));
        points.try_emplace(hour, HourPoint{hour, static_cast<float>(std::log(row.Real(1))),
                                           static_cast<float>(row.Real(2))});
      });
}

// The last hour of the series at which the clock was set, 0 = none.
std::int32_t ClockChange() {
  std::int32_t hour = 0;
  Query(
      "SELECT floor(extract(epoch FROM local) / 3600)::int4 FROM (SELECT local, local - utc AS now,"
      "  lag(local - utc) OVER (ORDER BY utc) AS before"
      " FROM (SELECT " ASSIST_LOCAL("t") " AS local, timezone('UTC', t) AS utc"
      "  FROM generate_series(date_trunc('hour', clock_timestamp()) - interval '70 days',"
      "   clock_timestamp(), interval '1 hour') t) h) o"
      " WHERE now <> before ORDER BY local DESC LIMIT 1",
      [&](const Row& row) { hour = static_cast<std::int32_t>(row.Integer(0)); });
  return hour;
}

TimestampTz MomentOf(std::int32_t hour) {
  TimestampTz moment = 0;
  const Arg args[] = {Arg::Int4(hour)};
  Query("SELECT " ASSIST_LOCAL("timestamp '1970-01-01' + $1 * interval '1 hour'"), args,
        [&](const Row& row) { moment = row.Integer(0); });
  return moment;
}

std::vector<HourPoint> PointsOf(std::uint32_t id, const std::vector<Slice>& slices,
                                const std::map<std::int32_t, Hour>& observed) {
  const std::size_t at_calls = ColumnOf(HistoryKind::kStatement, "calls"),
                    at_exec = ColumnOf(HistoryKind::kStatement, "exec_us");
  std::map<std::int32_t, Hour> hours;
  for (const Slice& slice : slices) {
    Hour& hour = hours[slice.hour];
    hour.calls += static_cast<double>(slice.values[at_calls]);
    hour.exec_us += static_cast<double>(slice.values[at_exec]);
  }
  std::map<std::int32_t, HourPoint> points;
  for (const auto& [at, hour] : hours) {
    const Hour& seen = observed.at(at);
    if (seen.seconds < kSeenOfHour || hour.calls < kMinCalls || hour.exec_us <= 0) continue;
    points[at] = {at, static_cast<float>(std::log(hour.exec_us / 1000 / hour.calls)),
                  static_cast<float>(seen.total_us > 0 ? hour.exec_us / seen.total_us : 0)};
  }
  AddImported(id, points);
  std::vector<HourPoint> series;
  for (const auto& [at, point] : points) series.push_back(point);
  return series;
}

struct Found {
  std::uint32_t statement;
  Shift shift;
  double normal_ms;  // at its onset
};

// What was normal when the level changed, in ms.
double NormalAt(const Shift& shift, const std::vector<HourPoint>& points, const Judgement& judged) {
  for (std::size_t i = 0; i < points.size(); ++i)
    if (points[i].hour >= shift.onset && judged.normal[i].from != Normal::From::kLearning)
      return std::exp(judged.normal[i].value);
  return 0;
}

void Store(const Found& found, const std::vector<Slice>& slices, TimestampTz now) {
  const Shift& shift = found.shift;
  const TimestampTz onset = MomentOf(shift.onset),
                    until = shift.until == kNever ? 0 : MomentOf(shift.until);
  const Departure departure =
      ReadDeparture(ReadStatementFacts(found.statement), slices, onset - 7 * 24 * kHour, onset,
                    until == 0 ? now : until, 1);
  const double normal = found.normal_ms > 0 ? found.normal_ms : departure.before.mean_ms;
  StoreRegression({.statement = found.statement,
                   .seasonal = true,
                   .warning = shift.warned != kNever,
                   .onset = onset,
                   .until = until,
                   .before_ms = normal,
                   .after_ms = normal * shift.ratio,
                   .ratio = shift.ratio,
                   .low = shift.low,
                   .high = shift.high,
                   .impact = shift.impact},
                  departure);
}

}  // namespace

void FindAgainstSeason(TimestampTz now) {
  Sums week, days;
  ReadSlices(HistoryKind::kStatement, now - 7 * 24 * kHour, now, nullptr, "exec_us", &week);
  ReadSlices(HistoryKind::kStatement, now - 48 * kHour, now, nullptr, "exec_us", &days);
  const std::set<std::uint32_t> wanted = HeaviestStatements(week, days);
  if (wanted.empty()) return;
  const Slices all = ReadSlices(HistoryKind::kStatement, now - kSeries, now, &wanted, "exec_us");
  std::map<std::int32_t, Hour> observed;
  for (const RecordedInterval& interval : all.intervals) {
    observed[interval.hour].seconds += interval.observed_s;
    observed[interval.hour].total_us += interval.total;
  }
  const ShiftSettings settings{.clock_change = ClockChange()};
  std::vector<Found> found;
  std::vector<double> chances;
  for (const auto& [id, slices] : all.objects) {
    Guarded([] { CHECK_FOR_INTERRUPTS(); });
    const ScopedContext context("assist series");
    ContextResource memory(context.get());
    const std::vector<HourPoint> points = PointsOf(id, slices, observed);
    const Judgement judged = JudgeSeries(points, settings, &memory);
    for (const Shift& shift : judged.shifts) {
      const TimestampTz until = shift.until == kNever ? now : MomentOf(shift.until);
      if (MomentOf(shift.onset) < now - kNormalAfter || until < now - 48 * kHour) continue;
      found.push_back({id, shift, NormalAt(shift, points, judged)});
      chances.push_back(shift.p);
    }
  }
  const double most = DiscoveryThreshold(chances, all.objects.size(), kDiscoveryRate);
  for (const Found& one : found)
    if (one.shift.warned != kNever || one.shift.p <= most)
      Store(one, all.objects.at(one.statement), now);
}

}  // namespace assist::pg
