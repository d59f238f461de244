// Departures from what was, at once: behind events and other plans.

#include <algorithm>
#include <cmath>

#include "assist/step.hpp"
#include "pg/own_sql.hpp"
#include "pg/regress/detectors.hpp"
#include "pg/regress/store.hpp"

namespace assist::pg {

namespace {

// An event is looked behind for so long, against so long before it.
constexpr TimestampTz kFollowed = 2 * kHour;
constexpr auto kCompared = static_cast<TimestampTz>(kStepHours) * kHour,
               kComparedWeek = static_cast<TimestampTz>(kStepWeekHours) * kHour;

// An event and the intervals around it tell the onset to the minute, and a new plan is seen to the
// second.
constexpr double kToTheInterval = 2.0 / 60;

struct Triggers {
  std::vector<TimestampTz> events;                          // that may concern any statement
  std::map<std::uint32_t, std::vector<TimestampTz>> plans;  // of one statement, another plan
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
      "o.first_seen < p.first_seen)"
      // Or back to one that it had before.
      " UNION SELECT id, main_plan_since FROM assist.history_statement WHERE main_plan_since > $1 "
      "AND plan_before IS NOT NULL",
      since, [&](const Row& row) {
        add(triggers.plans[static_cast<std::uint32_t>(row.Integer(0))], row.Integer(1));
      });
  return triggers;
}

double HoursSince(TimestampTz origin, TimestampTz moment) {
  return static_cast<double>(moment - origin) / static_cast<double>(kHour);
}

void AppendSteps(TimestampTz origin, const std::vector<Slice>& slices, std::vector<StepSlice>& to) {
  const std::size_t at_calls = ColumnOf(HistoryKind::kStatement, "calls"),
                    at_exec = ColumnOf(HistoryKind::kStatement, "exec_us");
  for (const Slice& slice : slices)
    to.push_back({HoursSince(origin, slice.start), HoursSince(origin, slice.until),
                  static_cast<double>(slice.values[at_calls]),
                  static_cast<double>(slice.values[at_exec]) / 1000});
}

}  // namespace

void FindAfterEvents(TimestampTz now) {
  const Triggers triggers = ReadTriggers(now);
  if (triggers.earliest == 0) return;
  Sums before, after;
  const TimestampTz since = triggers.earliest - kCompared;
  ReadSlices(HistoryKind::kStatement, since, triggers.earliest, nullptr, "exec_us", &before);
  const Slices recent =
      ReadSlices(HistoryKind::kStatement, triggers.earliest, now, nullptr, "exec_us", &after);
  const std::set<std::uint32_t> wanted = HeaviestStatements(before, after);
  if (wanted.empty()) return;
  // A week ago, with what a coarse interval has within reach.
  const TimestampTz week_ago = triggers.earliest - kComparedWeek - kHour,
                    week_until = triggers.earliest - 7 * 24 * kHour + 2 * kFollowed;
  const Slices all = ReadSlices(HistoryKind::kStatement, since, now, &wanted, "exec_us"),
               week = ReadSlices(HistoryKind::kStatement, week_ago, week_until, &wanted, "exec_us");
  const auto total_since = [&](TimestampTz onset) {
    double total = 0;
    for (const RecordedInterval& interval : recent.intervals)
      if (interval.start >= onset) total += interval.total;
    return total / 1000;
  };
  for (const auto& [id, slices] : all.objects) {
    Guarded([] { CHECK_FOR_INTERRUPTS(); });
    std::vector<StepSlice> steps;
    if (const auto then = week.objects.find(id); then != week.objects.end())
      AppendSteps(week_ago, then->second, steps);
    AppendSteps(week_ago, slices, steps);
    TimestampTz onset = 0;
    double impact = 0;
    Step best{};
    const auto consider = [&](TimestampTz at, StepReason reason) {
      const auto step = FindStep(steps, HoursSince(week_ago, at), reason);
      if (!step || step->sureness <= best.sureness) return;
      const double total = total_since(at),
                   costs = (step->after_ms - step->before_ms) * step->after_calls;
      if (total <= 0 || std::abs(costs) < kMinImpact * total) return;
      best = *step;
      onset = at;
      impact = costs / total;
    };
    for (const TimestampTz at : triggers.events) consider(at, StepReason::kAnything);
    if (const auto own = triggers.plans.find(id); own != triggers.plans.end())
      for (const TimestampTz at : own->second) consider(at, StepReason::kOwn);
    if (onset == 0) continue;
    StoreRegression({.statement = id,
                     .seasonal = false,
                     .warning = true,
                     .onset = onset,
                     .until = 0,
                     .before_ms = best.before_ms,
                     .after_ms = best.after_ms,
                     .ratio = best.ratio,
                     .low = best.low,
                     .high = best.high,
                     .impact = impact},
                    ReadDeparture(ReadStatementFacts(id), slices, onset - 24 * kHour, onset, now,
                                  kToTheInterval));
  }
}

}  // namespace assist::pg
