// The load of the database as a whole, against the same hours of the days before.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "pg/alert/measure.hpp"
#include "pg/history/slices.hpp"

namespace assist::pg {

namespace {

constexpr int kDays = 7;
constexpr TimestampTz kHourUs = USECS_PER_HOUR, kLately = 15 * USECS_PER_MINUTE;
constexpr double kSeen = 1800;  // seconds of the two hours around
struct Columns {
  std::size_t calls = ColumnOf(HistoryKind::kDatabase, "calls"),
              errors = ColumnOf(HistoryKind::kDatabase, "errors"),
              temp = ColumnOf(HistoryKind::kDatabase, "temp_bytes"),
              connections = ColumnOf(HistoryKind::kDatabase, "connections");
  Load Of(const BlockTimes& times, const HistoryBlock& block) const {
    Load load;
    for (std::size_t r = 0; r < block.rows(); ++r)
      load.Add({.calls = static_cast<double>(block.values[calls][r]),
                .errors = static_cast<double>(block.values[errors][r]),
                .temp_bytes = static_cast<double>(block.values[temp][r]),
                .connections = static_cast<double>(block.values[connections][r])});
    load.seconds = times.observed_s;
    return load;
  }
};

// An hour before to an hour after, of each of the last days.
std::vector<UsualDay> DaysBefore(TimestampTz now) {
  const Columns at;
  UsualDay days[kDays + 1];
  ForEachFinestBlock(
      HistoryKind::kDatabase, now - kDays * USECS_PER_DAY - kHourUs, now - USECS_PER_DAY + kHourUs,
      [&](const BlockTimes& times, const HistoryBlock& block) {
        const TimestampTz middle = times.start + (times.until - times.start) / 2;
        const auto day = (now - middle + USECS_PER_DAY / 2) / USECS_PER_DAY;
        if (day < 1 || day > kDays || std::abs(now - middle - day * USECS_PER_DAY) > kHourUs)
          return;
        days[day].Add(at.Of(times, block));
      });
  std::vector<UsualDay> seen;
  for (const UsualDay& day : days)
    if (day.seconds() >= kSeen) seen.push_back(day);
  return seen;
}

struct Unusual {
  LoadKind kind;
  const char* metric;
  const char* title;  // of what is shown and how many times as much that is
  const char* what_to_do;
  double shown_per;  // of the value
};

constexpr Unusual kUnusual[] = {
    {LoadKind::kErrors, "error_rate", "%.1f %% of the statements fail, %.1f times as many as usual",
     "Which and why: SELECT sqlstate, errors, last_message FROM assist.errors ORDER BY last_seen "
     "DESC. What changed: assist.markers.",
     100},
    {LoadKind::kConnections, "connection_storm", "%.0f connections, %.1f times as many as usual",
     "Whose: SELECT usename, application_name, client_addr, state, count(*) FROM pg_stat_activity "
     "GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC. Slow statements or locks make clients open more of "
     "them; a pooler bounds them.",
     1},
    {LoadKind::kTemp, "temp_usage",
     "%.0f MB of temporary files an hour, %.1f times as much as usual",
     "Which statements: SELECT query, temp_blks_written FROM assist.statements ORDER BY 2 DESC. "
     "What work_mem they need is in assist.recommendations.",
     1 / 1048576.0},
};

// Since it was judged last, or in a quarter of an hour.
Load Lately(const AlertBook& book, const MetricDescriptor& metric, const AlertObject& here,
            TimestampTz now) {
  const Columns at;
  const TimestampTz judged = book.JudgedUntil(metric, here.key);
  Load lately;
  ForEachRecentBlock(HistoryKind::kDatabase, now,
                     [&](const BlockTimes& times, const HistoryBlock& block) {
                       if (judged != 0 ? times.start >= judged : times.until > now - kLately)
                         lately.Add(at.Of(times, block));
                     });
  return lately;
}

void JudgeLoad(AlertBook& book, const Unusual& one, const AlertObject& here,
               const std::vector<UsualDay>& before, TimestampTz now) {
  const MetricDescriptor& metric = *FindMetric(one.metric);
  const Load lately = Lately(book, metric, here, now);
  if (lately.seconds <= 0) return;
  const double times = TimesUsual(one.kind, lately, before);
  if (std::isnan(times))
    return book.SetState(metric, Learning(static_cast<double>(before.size()), kUsualDaysNeeded));
  char title[160];
  std::snprintf(title, sizeof title, one.title, LoadOf(one.kind, lately) * one.shown_per, times);
  book.Judge(metric, here, times,
             {.title = title,
              .what_to_do = one.what_to_do,
              .sql = {},
              .evidence = NumbersJson({{"calls", lately.calls},
                                       {"errors", lately.errors},
                                       {"connections", lately.connections},
                                       {"temp_bytes", lately.temp_bytes},
                                       {"observed_s", lately.seconds},
                                       {"compared_days", static_cast<double>(before.size())}})});
  book.SetState(metric, "evaluated");
}

}  // namespace

void MeasureUnusualLoad(AlertBook& book, TimestampTz now) {
  std::vector<const Unusual*> wanted;
  for (const Unusual& one : kUnusual)
    if (book.IsWanted(*FindMetric(one.metric))) wanted.push_back(&one);
  if (wanted.empty()) return;
  const AlertObject here = ThisDatabase();
  const std::vector<UsualDay> before = DaysBefore(now);
  for (const Unusual* one : wanted) JudgeLoad(book, *one, here, before, now);
}

}  // namespace assist::pg
