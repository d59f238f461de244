// Departures from what was, and from what is normal at this hour of the week.

#include <algorithm>
#include <cmath>

#include "assist/series.hpp"
#include "pg/memory.hpp"
#include "pg/own_sql.hpp"
#include "pg/regress/regress.hpp"
#include "pg/regress/store.hpp"

extern "C" {
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

constexpr TimestampTz kHour = USECS_PER_HOUR;
// An event is looked behind for so long, against so long before it.
constexpr TimestampTz kFollowed = 2 * kHour, kCompared = 24 * kHour;
// Behind another plan of its own; behind what may concern any statement it takes more to be sure.
constexpr double kMinCalls = 30, kMinSlices = 3, kMinSliceCalls = 3;
constexpr double kMinAnyCalls = 100, kMinAnySlices = 10;
constexpr double kMinRatio = 1.5, kSureRatio = 1.3;
constexpr double kMinImpact = 0.01;
constexpr std::size_t kMostStatements = 200;
constexpr TimestampTz kSeries = 35 * 24 * kHour;
constexpr double kSeenOfHour = 2700;  // seconds

// An event and the intervals around it tell the onset to the minute, and a new plan is seen to the
// second.
constexpr double kToTheInterval = 2.0 / 60;

using Sums = std::map<std::uint32_t, double>;

double Total(const Sums& sums) {
  double total = 0;
  for (const auto& [id, part] : sums) total += part;
  return total;
}

// Those that take their share of either total, the largest.
std::set<std::uint32_t> Heaviest(const Sums& a, const Sums& b, double share) {
  std::map<std::uint32_t, double> shares;
  for (const Sums* sums : {&a, &b}) {
    const double total = Total(*sums);
    for (const auto& [id, part] : *sums)
      if (id != 0 && total > 0) shares[id] = std::max(shares[id], part / total);
  }
  std::vector<std::pair<double, std::uint32_t>> order;
  for (const auto& [id, part] : shares)
    if (part >= share) order.emplace_back(part, id);
  std::sort(order.rbegin(), order.rend());
  if (order.size() > kMostStatements) order.resize(kMostStatements);
  std::set<std::uint32_t> heaviest;
  for (const auto& [part, id] : order) heaviest.insert(id);
  return heaviest;
}

// ---- at once, after events

struct Level {
  double calls = 0, exec_us = 0, slices = 0, sum = 0,
         squares = 0;  // of logarithms of the means of slices
  void Add(const Slice& slice) {
    const std::size_t at_calls = ColumnOf(HistoryKind::kStatement, "calls"),
                      at_exec = ColumnOf(HistoryKind::kStatement, "exec_us");
    const auto n = static_cast<double>(slice.values[at_calls]),
               us = static_cast<double>(slice.values[at_exec]);
    calls += n;
    exec_us += us;
    if (n < kMinSliceCalls || us <= 0) return;
    const double y = std::log(us / n);
    ++slices;
    sum += y;
    squares += y * y;
  }
  bool Enough(bool own) const {
    return calls >= (own ? kMinCalls : kMinAnyCalls) &&
           slices >= (own ? kMinSlices : kMinAnySlices);
  }
  double Mean() const { return exec_us / calls / 1000; }
  // Of the mean of the logarithms.
  double Error2() const {
    return slices < 2 ? 0 : std::max(0.0, squares - sum * sum / slices) / (slices - 1) / slices;
  }
};

struct Found {
  TimestampTz onset = 0;
  double before_ms = 0, after_ms = 0, ratio = 1, low = 1, high = 1, impact = 0, sureness = 0;
};

// The change at a moment; nothing where it is small, unsure, of no weight, or over.
bool ChangeAt(TimestampTz onset, bool own, const std::vector<Slice>& slices, double total_after_us,
              Found& found) {
  Level before, after, last;
  for (const Slice& slice : slices) {
    if (slice.until <= onset)
      before.Add(slice);
    else if (slice.start >= onset)
      after.Add(slice);  // an interval that the onset parts says nothing
  }
  for (auto slice = slices.rbegin();
       slice != slices.rend() && slice->start >= onset && last.calls < kMinCalls; ++slice)
    last.Add(*slice);
  if (!before.Enough(true) || !after.Enough(own) || total_after_us <= 0) return false;
  const double change = std::log(after.Mean() / before.Mean());
  // No surer than some per cent, however even the slices are.
  const double error = std::sqrt(before.Error2() + after.Error2() + 0.0025);
  const double low = std::exp(change - 1.96 * error), high = std::exp(change + 1.96 * error);
  const double impact = (after.Mean() - before.Mean()) * 1000 * after.calls / total_after_us;
  const double ratio = std::exp(change), now = last.Mean() / before.Mean();
  const bool slower = change > 0;
  if (slower ? ratio < kMinRatio || low < kSureRatio || now < kMinRatio
             : ratio > 1 / kMinRatio || high > 1 / kSureRatio || now > 1 / kMinRatio)
    return false;
  if (std::abs(impact) < kMinImpact) return false;
  found = {onset, before.Mean(), after.Mean(), ratio, low, high, impact, std::abs(change) / error};
  return true;
}

struct Triggers {
  std::vector<TimestampTz> events;                          // that may concern any statement
  std::map<std::uint32_t, std::vector<TimestampTz>> plans;  // first sight of another plan
  TimestampTz earliest = 0;
};

// What happens all the time, as ANALYZE by autovacuum, is no reason to look: another plan tells of
// it.
Triggers ReadTriggers(TimestampTz now) {
  Triggers triggers;
  const auto add = [&](std::vector<TimestampTz>& to, TimestampTz at) {
    to.push_back(at);
    triggers.earliest = triggers.earliest == 0 ? at : std::min(triggers.earliest, at);
  };
  const Arg since[] = {Arg::Moment(now - kFollowed)};
  Query(
      "SELECT at FROM (SELECT DISTINCT at FROM assist.event WHERE at > $1"
      "  AND (kind IN ('setting', 'mark', 'restart', 'promotion')"
      "   OR kind = 'ddl' AND command ~ '^(ALTER|DROP INDEX|CLUSTER)')) e ORDER BY at DESC LIMIT "
      "20",
      since, [&](const Row& row) { add(triggers.events, row.Integer(0)); });
  Query(
      "SELECT p.statement, p.first_seen FROM assist.history_plan p JOIN assist.history_statement s "
      "ON s.id = p.statement"
      " WHERE p.first_seen > $1 AND p.first_seen > s.first_seen + interval '1 second'"
      " AND EXISTS (SELECT 1 FROM assist.history_plan o WHERE o.statement = p.statement AND "
      "o.first_seen < p.first_seen)",
      since, [&](const Row& row) {
        add(triggers.plans[static_cast<std::uint32_t>(row.Integer(0))], row.Integer(1));
      });
  return triggers;
}

void FindAfterEvents(TimestampTz now) {
  const Triggers triggers = ReadTriggers(now);
  if (triggers.earliest == 0) return;
  Sums before, after;
  const TimestampTz since = triggers.earliest - kCompared;
  ReadSlices(HistoryKind::kStatement, since, triggers.earliest, nullptr, "exec_us", &before);
  const Slices recent =
      ReadSlices(HistoryKind::kStatement, triggers.earliest, now, nullptr, "exec_us", &after);
  const std::set<std::uint32_t> wanted = Heaviest(before, after, kMinImpact);
  if (wanted.empty()) return;
  const Slices all = ReadSlices(HistoryKind::kStatement, since, now, &wanted, "exec_us");
  const auto total_since = [&](TimestampTz onset) {
    double total = 0;
    for (const RecordedInterval& interval : recent.intervals)
      if (interval.start >= onset) total += interval.total;
    return total;
  };
  for (const auto& [id, slices] : all.objects) {
    Guarded([] { CHECK_FOR_INTERRUPTS(); });
    Found best, found;
    const auto consider = [&](TimestampTz onset, bool own) {
      if (ChangeAt(onset, own, slices, total_since(onset), found) && found.sureness > best.sureness)
        best = found;
    };
    for (const TimestampTz onset : triggers.events) consider(onset, false);
    if (const auto own = triggers.plans.find(id); own != triggers.plans.end())
      for (const TimestampTz onset : own->second) consider(onset, true);
    if (best.onset == 0) continue;
    const StatementFacts facts = ReadStatementFacts(id);
    StoreRegression(
        {.statement = id,
         .seasonal = false,
         .warning = true,
         .onset = best.onset,
         .until = 0,
         .before_ms = best.before_ms,
         .after_ms = best.after_ms,
         .ratio = best.ratio,
         .low = best.low,
         .high = best.high,
         .impact = best.impact},
        ReadDeparture(facts, slices, best.onset - kCompared, best.onset, now, kToTheInterval));
  }
}

// ---- against the season, hour by hour

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
      " WHERE s.id = $1 AND m.value > 0 AND m.at > clock_timestamp() - interval '35 "
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
      "  FROM generate_series(date_trunc('hour', clock_timestamp()) - interval '35 days',"
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

void FindAgainstSeason(TimestampTz now) {
  Sums week, days;
  ReadSlices(HistoryKind::kStatement, now - 7 * 24 * kHour, now, nullptr, "exec_us", &week);
  ReadSlices(HistoryKind::kStatement, now - 48 * kHour, now, nullptr, "exec_us", &days);
  const std::set<std::uint32_t> wanted = Heaviest(week, days, kMinImpact);
  if (wanted.empty()) return;
  const Slices all = ReadSlices(HistoryKind::kStatement, now - kSeries, now, &wanted, "exec_us");
  std::map<std::int32_t, Hour> observed;
  for (const RecordedInterval& interval : all.intervals) {
    observed[interval.hour].seconds += interval.observed_s;
    observed[interval.hour].total_us += interval.total;
  }
  const ShiftSettings settings{.clock_change = ClockChange()};
  for (const auto& [id, slices] : all.objects) {
    Guarded([] { CHECK_FOR_INTERRUPTS(); });
    const ScopedContext context("assist series");
    ContextResource memory(context.get());
    const std::vector<HourPoint> points = PointsOf(id, slices, observed);
    const Judgement judged = JudgeSeries(points, settings, &memory);
    for (const Shift& shift : judged.shifts) {
      const TimestampTz onset = MomentOf(shift.onset),
                        until = shift.until == kNever ? 0 : MomentOf(shift.until);
      if (until != 0 && until < now - 48 * kHour) continue;
      const Departure departure =
          ReadDeparture(ReadStatementFacts(id), slices, onset - 7 * 24 * kHour, onset,
                        until == 0 ? now : until, 1);
      double normal = departure.before.mean_ms;
      for (std::size_t i = 0; i < points.size(); ++i)
        if (points[i].hour >= shift.onset && judged.normal[i].from != Normal::From::kLearning) {
          normal = std::exp(judged.normal[i].value);
          break;
        }
      StoreRegression({.statement = id,
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
  }
}

}  // namespace

void FindRegressions() {
  if (!HasRegressions()) return;
  const TimestampTz now = GetCurrentTimestamp();
  FindAfterEvents(now);
  CloseRegressions(now);
  if (HourIsOver()) FindAgainstSeason(now);
}

}  // namespace assist::pg
