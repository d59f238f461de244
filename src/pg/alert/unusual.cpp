// Statements that are new, are missing, or run at hours at which they never did; tables under them
// that were changed.

#include <algorithm>
#include <cstdio>
#include <map>

#include "pg/alert/measure.hpp"
#include "pg/history/slices.hpp"

extern "C" {
#include "miscadmin.h"  // for MyDatabaseId
}

namespace assist::pg {

namespace {

constexpr TimestampTz kHourUs = USECS_PER_HOUR;
constexpr int kWeek = 7, kFortnight = 14;
constexpr double kHourSeen = 2700, kMinHourUs = 60e6, kMinDayUs = 600e6;
constexpr double kMinSteadyCalls = 100, kMinSteadyShare = 0.05, kMinShare = 0.01;
constexpr double kNewDays = 2;

struct Sum {
  double calls = 0, exec_us = 0;
};
struct Hours {
  std::map<std::uint32_t, Sum> of;
  double seconds = 0, exec_us = 0;
  double ShareOf(std::uint32_t id) const {
    const auto found = of.find(id);
    return found == of.end() || exec_us <= 0 ? 0 : found->second.exec_us / exec_us;
  }
  double CallsOf(std::uint32_t id) const {
    const auto found = of.find(id);
    return found == of.end() ? 0 : found->second.calls;
  }
};

Hours ReadHours(TimestampTz since, TimestampTz until) {
  const std::size_t calls = ColumnOf(HistoryKind::kStatement, "calls"),
                    exec = ColumnOf(HistoryKind::kStatement, "exec_us");
  Hours hours;
  ForEachFinestBlock(HistoryKind::kStatement, since, until,
                     [&](const BlockTimes& times, const HistoryBlock& block) {
                       hours.seconds += times.observed_s;
                       for (std::size_t r = 0; r < block.rows(); ++r) {
                         Sum& sum = hours.of[block.keys[r]];
                         sum.calls += static_cast<double>(block.values[calls][r]);
                         sum.exec_us += static_cast<double>(block.values[exec][r]);
                         hours.exec_us += static_cast<double>(block.values[exec][r]);
                       }
                     });
  return hours;
}

// Days since each was first seen; no utilities, as an index is built or a dump made once. Of those
// that take so much of the hour, or have an alert.
std::map<std::uint32_t, double> AgesOf(const Hours& hour, TimestampTz now) {
  std::vector<std::int64_t> ids;
  for (const auto& [id, sum] : hour.of)
    if (id != 0 && hour.ShareOf(id) >= kMinShare) ids.push_back(id);
  std::map<std::uint32_t, double> ages;
  const Arg args[] = {Arg::Integers(ids), Arg::Moment(now)};
  Query(
      "SELECT s.id, extract(epoch FROM $2 - s.first_seen)::float8 / 86400 FROM "
      "assist.history_statement s WHERE s.toplevel AND s.command IN ('SELECT', 'INSERT', 'UPDATE', "
      "'DELETE', 'MERGE') AND (s.id = ANY ($1::int4[]) OR s.id IN (SELECT "
      "a.statement FROM assist.alert a WHERE a.metric IN ('new_statement', 'unusual_hours', "
      "'vanished_statement') AND a.status <> 'resolved'))",
      args,
      [&](const Row& row) { ages[static_cast<std::uint32_t>(row.Integer(0))] = row.Real(1); });
  return ages;
}

std::string Title(const char* format, double value) {
  char text[160];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

struct Judged {
  const MetricDescriptor& metric;
  const char* title;
  const char* what_to_do;
};

void JudgeStatement(AlertBook& book, const Judged& judged, const AlertObject& object, double value,
                    const Hours& hour) {
  if (!book.IsKnownOrBeyond(judged.metric, object, value)) return;
  const double calls = hour.CallsOf(object.statement), share = hour.ShareOf(object.statement);
  book.Judge(judged.metric, object, value,
             {.title = Title(judged.title, value),
              .what_to_do = judged.what_to_do,
              .sql = {},
              .evidence = NumbersJson({{"calls_last_hour", calls},
                                       {"share_of_time_pct", 100 * share},
                                       {"time_of_hour_s", hour.exec_us / 1e6}})});
}

void MeasureNew(AlertBook& book, const Hours& hour, const std::map<std::uint32_t, double>& ages,
                const std::map<std::uint32_t, AlertObject>& objects, double days) {
  const MetricDescriptor& metric = *FindMetric("new_statement");
  if (!book.IsWanted(metric)) return;
  if (days < kNewDays) return book.SetState(metric, Learning(days, kNewDays));
  const Judged judged = {metric,
                         "A statement that was not there yesterday takes %.0f %% of the time",
                         "Is it meant to? What came with it: assist.markers; what would help: "
                         "assist.recommendations."};
  for (const auto& [id, object] : objects) {
    const auto age = ages.find(id);
    const bool is_new = age != ages.end() && age->second < 1 && hour.exec_us >= kMinHourUs;
    JudgeStatement(book, judged, object, is_new ? 100 * hour.ShareOf(id) : 0, hour);
  }
  book.SetState(metric, "evaluated");
}

void MeasureHours(AlertBook& book, const Hours& hour, const std::map<std::uint32_t, double>& ages,
                  const std::map<std::uint32_t, AlertObject>& objects, TimestampTz now,
                  double days) {
  const MetricDescriptor& metric = *FindMetric("unusual_hours");
  if (!book.IsWanted(metric)) return;
  if (days < kFortnight) return book.SetState(metric, Learning(days, kFortnight));
  // Only where something may be found: that is two weeks of blocks.
  bool any = false;
  for (const auto& [id, object] : objects)
    any |= book.IsKnownOrBeyond(metric, object, 100 * hour.ShareOf(id));
  std::map<std::uint32_t, double> ran;
  if (any && hour.exec_us >= kMinHourUs)
    for (int day = 1; day <= kFortnight; ++day) {
      const Hours then =
          ReadHours(now - day * USECS_PER_DAY - 2 * kHourUs, now - day * USECS_PER_DAY + kHourUs);
      for (const auto& [id, sum] : then.of) ran[id] += sum.calls;
    }
  const Judged judged = {
      metric, "A statement takes %.0f %% of the time, at an hour at which it never ran",
      "A job that was late or started twice, or somebody who looks for "
      "something: SELECT role_name, start, calls FROM assist.statement_history."};
  for (const auto& [id, object] : objects) {
    const auto age = ages.find(id);
    const bool unusual = hour.exec_us >= kMinHourUs && age != ages.end() &&
                         age->second >= kFortnight && !ran.contains(id);
    JudgeStatement(book, judged, object, unusual ? 100 * hour.ShareOf(id) : 0, hour);
  }
  book.SetState(metric, "evaluated");
}

void MeasureVanished(AlertBook& book, const Hours& hour, TimestampTz now, double days) {
  const MetricDescriptor& metric = *FindMetric("vanished_statement");
  if (!book.IsWanted(metric)) return;
  if (days < kWeek) return book.SetState(metric, Learning(days, kWeek));
  std::map<std::uint32_t, std::pair<int, double>> steady;  // days, fewest calls
  for (int day = 1; day <= kWeek; ++day) {
    const Hours then = ReadHours(now - day * USECS_PER_DAY - kHourUs, now - day * USECS_PER_DAY);
    if (then.seconds < kHourSeen)
      return book.SetState(metric, "waits: this hour was not seen on each of the last 7 days");
    for (const auto& [id, sum] : then.of) {
      if (id == 0 || sum.calls < kMinSteadyCalls || then.ShareOf(id) < kMinSteadyShare) continue;
      auto& [n, fewest] = steady.try_emplace(id, 0, sum.calls).first->second;
      ++n;
      fewest = std::min(fewest, sum.calls);
    }
  }
  std::vector<std::int64_t> ids;
  for (const auto& [id, known] : steady)
    if (known.first == kWeek) ids.push_back(id);
  const Judged judged = {metric, "%.0f %% of the calls of a statement that always runs are missing",
                         "Is a job, a client or a feature gone, or does it run another statement "
                         "instead? What changed: assist.markers."};
  for (const auto& [id, object] : TopLevelStatements(ids)) {
    const double missing = 100 * (1 - hour.CallsOf(id) / steady[id].second);
    JudgeStatement(book, judged, object, std::max(0.0, missing), hour);
  }
  book.SetState(metric, "evaluated");
}

// DDL on tables that the statements use which take the time.
void MeasureSchemaChanges(AlertBook& book, TimestampTz now) {
  const MetricDescriptor& metric = *FindMetric("schema_change");
  if (!book.IsWanted(metric)) return;
  struct Change {
    AlertObject object;
    std::string what;
    double share = 0;
    bool recent = false;
  };
  std::map<std::string, Change> changes;
  const Arg args[] = {Arg::Moment(now), Arg::Object(MyDatabaseId)};
  // Of the table itself or of an index of it; what only adds an index changes nothing that was.
  Query(
      "SELECT t.name, c.oid, max(concat_ws(' ', e.command, e.object)), max(e.at) > $1 - interval "
      "'1 day'"
      " FROM assist.event e CROSS JOIN LATERAL (SELECT DISTINCT format('%I.%I', h.schema_name, "
      "coalesce(h.table_name, h.name)) AS name FROM assist.history_relation h WHERE h.dbid = $2 "
      "AND "
      "format('%I.%I', h.schema_name, h.name) IN (e.object, e.relation_name)) t"
      " JOIN pg_namespace n ON true JOIN pg_class c ON c.relnamespace = n.oid AND "
      "format('%I.%I', n.nspname, c.relname) = t.name"
      " WHERE e.kind = 'ddl' AND e.at > $1 - interval '2 days' AND e.at <= $1 AND e.command ~ "
      "'^(ALTER|DROP|TRUNCATE|CLUSTER|REFRESH)' GROUP BY 1, 2 LIMIT 100",
      args, [&](const Row& row) {
        const std::string name(row.Text(0));
        changes[name] = {
            .object = {.name = name, .key = name, .relation = row.Object(1), .relation_name = name},
            .what = std::string(row.Text(2)),
            .share = 0,
            .recent = row.Flag(3)};
      });
  if (changes.empty()) return book.SetState(metric, "evaluated");
  const Hours day = ReadHours(now - USECS_PER_DAY, now);
  std::vector<std::int64_t> ids;
  for (const auto& [id, sum] : day.of)
    if (id != 0 && day.ShareOf(id) >= kMinShare) ids.push_back(id);
  const Arg whose[] = {Arg::Integers(ids)};
  Query(
      "SELECT id, relation_names FROM assist.history_statement WHERE id = ANY ($1::int4[]) AND "
      "toplevel",
      whose, [&](const Row& row) {
        for (const Cell& name : row.Items(1))
          if (const auto change = changes.find(std::string(name.text)); change != changes.end())
            change->second.share += day.ShareOf(static_cast<std::uint32_t>(row.Integer(0)));
      });
  for (const auto& [name, change] : changes) {
    const double pct =
        change.recent && day.exec_us >= kMinDayUs ? std::min(100.0, 100 * change.share) : 0;
    if (!book.IsKnownOrBeyond(metric, change.object, pct)) continue;
    book.Judge(
        metric, change.object, pct,
        {.title = Title("A table was changed whose statements take %.0f %% of the time", pct),
         .what_to_do = change.what + ": assist.regressions tells whether they have become "
                                     "slower, assist.markers who did it.",
         .sql = {},
         .evidence =
             NumbersJson({{"share_of_time_pct", pct}, {"time_of_day_s", day.exec_us / 1e6}})});
  }
  book.SetState(metric, "evaluated");
}

}  // namespace

void MeasureUnusualStatements(AlertBook& book, TimestampTz now) {
  const double days = static_cast<double>(now - HistorySince(HistoryKind::kStatement, now)) /
                      static_cast<double>(USECS_PER_DAY);
  const Hours hour = ReadHours(now - kHourUs, now);
  if (hour.seconds >= kHourSeen) {
    const auto ages = AgesOf(hour, now);
    std::vector<std::int64_t> ids;
    for (const auto& [id, age] : ages) ids.push_back(id);
    const auto objects = TopLevelStatements(ids);
    MeasureNew(book, hour, ages, objects, days);
    MeasureHours(book, hour, ages, objects, now, days);
    MeasureVanished(book, hour, now, days);
  } else {
    for (const char* name : {"new_statement", "unusual_hours", "vanished_statement"})
      book.SetState(*FindMetric(name), "waits: the last hour was not seen as a whole");
  }
  MeasureSchemaChanges(book, now);
}

}  // namespace assist::pg
