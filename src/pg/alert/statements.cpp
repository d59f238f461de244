// Statements: their time per call, and how much more often they are called than a week ago.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "pg/alert/measure.hpp"
#include "pg/history/slices.hpp"

namespace assist::pg {

namespace {

constexpr double kMinCalls = 30;
constexpr TimestampTz kUsual = 15 * USECS_PER_MINUTE;  // or longer, until there are enough calls
constexpr double kMinGrownCalls = 1000, kMinShare = 0.01, kSeenOfDay = 20 * 3600.0;
constexpr std::size_t kMostStatements = 200;

struct Work {
  double calls = 0, exec_us = 0, rows = 0, seconds = 0;
  TimestampTz since = 0;  // nothing before is looked at; 0 = as much as it takes
  double MeanMs() const { return exec_us / 1000 / calls; }
};

struct Statement {
  AlertObject object;
  std::string command, query, advice;
  std::int64_t recommendation = 0;
};

// Top-level statements among these, with what is recommended for them.
std::map<std::uint32_t, Statement> ReadStatements(const std::vector<std::int64_t>& ids) {
  std::map<std::uint32_t, Statement> statements;
  const Arg args[] = {Arg::Integers(ids)};
  Query(
      "SELECT s.id, s.queryid::text, s.userid::int8::text, coalesce(s.command, ''), "
      "coalesce(s.query, ''), coalesce(r.sql, ''), coalesce(r.id, 0)"
      " FROM assist.history_statement s LEFT JOIN LATERAL (SELECT o.id, o.sql FROM "
      "assist.recommendation o WHERE o.status IN ('open', 'approved') AND s.queryid = "
      "ANY (o.queryids) ORDER BY o.benefit_ms_per_day DESC LIMIT 1) r ON true"
      " WHERE s.id = ANY ($1::int4[]) AND s.toplevel",
      args, [&](const Row& row) {
        const auto id = static_cast<std::uint32_t>(row.Integer(0));
        Statement& statement = statements[id];
        statement.object = {.name = std::string(row.Text(1)),
                            .key = std::string(row.Text(1)) + "/" + std::string(row.Text(2)),
                            .statement = id,
                            .relation_name = {}};
        statement.command = row.Text(3);
        statement.query = row.Text(4);
        statement.advice = row.Text(5);
        statement.recommendation = row.Integer(6);
      });
  return statements;
}

std::string Formatted(const char* format, double a, double b, double c) {
  char text[200];
  std::snprintf(text, sizeof text, format, a, b, c);
  return text;
}

// Its place in the history of the incidents that there are of it.
std::map<std::uint32_t, TimestampTz> JudgedBefore() {
  std::map<std::uint32_t, TimestampTz> judged;
  Query(
      "SELECT statement, max(judged_until) FROM assist.alert WHERE statement IS NOT NULL AND "
      "metric IN ('single_row_time', 'list_time') AND (status <> 'resolved' OR resolved_at > "
      "clock_timestamp() - interval '1 day') GROUP BY 1",
      [&](const Row& row) { judged[static_cast<std::uint32_t>(row.Integer(0))] = row.Integer(1); });
  return judged;
}

// What each statement did lately: since it was judged last if it was, else in a quarter of an hour
// or as much longer as it took to have enough calls.
std::map<std::uint32_t, Work> RecentWork(TimestampTz now) {
  const auto judged = JudgedBefore();
  const std::size_t calls = ColumnOf(HistoryKind::kStatement, "calls"),
                    exec = ColumnOf(HistoryKind::kStatement, "exec_us"),
                    rows = ColumnOf(HistoryKind::kStatement, "rows");
  std::map<std::uint32_t, Work> work;
  ForEachRecentBlock(HistoryKind::kStatement, now,
                     [&](const BlockTimes& times, const HistoryBlock& block) {
                       for (std::size_t r = 0; r < block.rows(); ++r) {
                         const std::uint32_t id = block.keys[r];
                         if (id == 0) continue;
                         const auto [at, is_new] = work.try_emplace(id);
                         Work& of = at->second;
                         if (is_new)
                           if (const auto before = judged.find(id);
                               before != judged.end() && before->second <= now)
                             of.since = before->second;
                         if (of.since != 0 ? times.start < of.since
                                           : times.until <= now - kUsual && of.calls >= kMinCalls)
                           continue;
                         of.calls += static_cast<double>(block.values[calls][r]);
                         of.exec_us += static_cast<double>(block.values[exec][r]);
                         of.rows += static_cast<double>(block.values[rows][r]);
                         of.seconds += times.observed_s;
                       }
                     });
  return work;
}

AlertText TimeText(const Statement& statement, const Work& work, StatementShape shape) {
  AlertText text;
  text.title = Formatted(shape == StatementShape::kSingleRow
                             ? "A statement of one row takes %.4g ms (%.0f calls)"
                             : "A list takes %.4g ms (%.0f calls, %.0f rows each)",
                         work.MeanMs(), work.calls, work.rows / work.calls);
  text.evidence = NumbersJson({{"calls", work.calls},
                               {"mean_exec_time_ms", work.MeanMs()},
                               {"rows_per_call", work.rows / work.calls},
                               {"observed_s", work.seconds}});
  text.what_to_do =
      statement.recommendation != 0
          ? "Recommendation " + std::to_string(statement.recommendation) +
                " is about it; its migration: SELECT assist.migration_script(" +
                std::to_string(statement.recommendation) + ")."
          : "Its plans: SELECT plan FROM assist.plans WHERE queryid = " + statement.object.name +
                "; what it waits for, whether it was faster before: assist.regressions, "
                "assist.statement_history.";
  text.sql = statement.advice;
  return text;
}

}  // namespace

std::map<std::uint32_t, AlertObject> TopLevelStatements(const std::vector<std::int64_t>& ids) {
  std::map<std::uint32_t, AlertObject> objects;
  for (auto& [id, statement] : ReadStatements(ids)) objects[id] = statement.object;
  return objects;
}

void MeasureTimes(AlertBook& book, TimestampTz now) {
  const MetricDescriptor& single = *FindMetric("single_row_time");
  const MetricDescriptor& list = *FindMetric("list_time");
  if (!book.IsWanted(single) && !book.IsWanted(list)) return;
  auto work = RecentWork(now);
  // The largest totals first: what does not count any more is the least.
  std::vector<std::pair<double, std::int64_t>> order;
  for (const auto& [id, of] : work)
    if (of.calls >= kMinCalls) order.emplace_back(of.exec_us, id);
  std::sort(order.rbegin(), order.rend());
  std::vector<std::int64_t> ids;
  for (const auto& [us, id] : order) ids.push_back(id);
  const auto statements = ReadStatements(ids);
  int judged = 0;
  for (const std::int64_t id : ids) {
    const auto found = statements.find(static_cast<std::uint32_t>(id));
    if (found == statements.end()) continue;
    const Statement& statement = found->second;
    const Work& of = work[found->first];
    const StatementShape shape = ShapeOf(statement.command, statement.query, of.rows / of.calls);
    if (shape == StatementShape::kOther) continue;
    ++judged;
    const MetricDescriptor& metric = shape == StatementShape::kSingleRow ? single : list;
    if (book.IsKnownOrBeyond(metric, statement.object, of.MeanMs()))
      book.Judge(metric, statement.object, of.MeanMs(), TimeText(statement, of, shape));
  }
  const std::string state = judged > 0 ? "evaluated" : "no statement was called often enough";
  book.SetState(single, state);
  book.SetState(list, state);
}

void MeasureCallGrowth(AlertBook& book, TimestampTz now) {
  const MetricDescriptor& metric = *FindMetric("call_growth");
  if (!book.IsWanted(metric)) return;
  constexpr int kWeeks = 4;
  const double days = static_cast<double>(now - HistorySince(HistoryKind::kStatement, now)) /
                      static_cast<double>(USECS_PER_DAY);
  if (days < 8) return book.SetState(metric, Learning(days, 8));
  const std::size_t calls = ColumnOf(HistoryKind::kStatement, "calls"),
                    exec = ColumnOf(HistoryKind::kStatement, "exec_us");
  // [0] the last day, [n] the same hours n weeks before.
  struct Day {
    double seconds = 0, exec_us = 0;
    std::map<std::uint32_t, std::pair<double, double>> of;  // calls, time
  };
  Day week[kWeeks + 1];
  for (int n = 0; n <= kWeeks; ++n) {
    const TimestampTz until = now - n * 7 * USECS_PER_DAY;
    ForEachFinestBlock(HistoryKind::kStatement, until - USECS_PER_DAY, until,
                       [&](const BlockTimes& times, const HistoryBlock& block) {
                         week[n].seconds += times.observed_s;
                         for (std::size_t r = 0; r < block.rows(); ++r) {
                           auto& sum = week[n].of[block.keys[r]];
                           sum.first += static_cast<double>(block.values[calls][r]);
                           sum.second += static_cast<double>(block.values[exec][r]);
                           week[n].exec_us += static_cast<double>(block.values[exec][r]);
                         }
                       });
  }
  if (week[0].seconds < kSeenOfDay || week[1].seconds < kSeenOfDay)
    return book.SetState(metric,
                         "waits: of the last day or the same a week ago not enough was seen");
  struct Grown {
    double before, share;
  };
  std::map<std::uint32_t, Grown> grown;
  std::vector<std::pair<double, std::int64_t>> order;
  for (const auto& [id, sum] : week[0].of) {
    const double share = week[0].exec_us > 0 ? sum.second / week[0].exec_us : 0;
    if (id == 0 || sum.first < kMinGrownCalls || share < kMinShare) continue;
    double before = 0;  // calls in as long a time
    for (int n = 1; n <= kWeeks; ++n)
      if (const auto then = week[n].of.find(id);
          then != week[n].of.end() && week[n].seconds >= kSeenOfDay)
        before = std::max(before, then->second.first / week[n].seconds * week[0].seconds);
    // What was not there, or hardly, is new and has not grown.
    if (before < kMinGrownCalls / 10) continue;
    grown[id] = {before, share};
    order.emplace_back(sum.second, id);
  }
  std::sort(order.rbegin(), order.rend());
  if (order.size() > kMostStatements) order.resize(kMostStatements);
  std::vector<std::int64_t> ids;
  for (const auto& [us, id] : order) ids.push_back(id);
  for (const auto& [id, statement] : ReadStatements(ids)) {
    const Grown& is = grown[id];
    const double now_calls = week[0].of[id].first, pct = 100 * (now_calls / is.before - 1);
    AlertText text;
    text.title = Formatted(
        "%.0f %% more calls than in the same hours of the weeks before "
        "(%.0f a day, were %.0f)",
        pct, now_calls, is.before);
    text.evidence = NumbersJson({{"calls", now_calls},
                                 {"calls_before", is.before},
                                 {"share_of_time_pct", 100 * is.share},
                                 {"observed_s", week[0].seconds}});
    text.what_to_do =
        "Is it more users, a deployment (assist.markers), or a loop that ought to be one "
        "statement? assist.compare_periods() shows what else changed.";
    if (book.IsKnownOrBeyond(metric, statement.object, pct))
      book.Judge(metric, statement.object, pct, text);
  }
  book.SetState(metric, "evaluated");
}

}  // namespace assist::pg
