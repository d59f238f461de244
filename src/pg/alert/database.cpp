// The database: blocks found in memory, and its size.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "pg/alert/measure.hpp"
#include "pg/history/slices.hpp"

extern "C" {
#include "commands/dbcommands.h"  // for get_database_name
#include "miscadmin.h"            // for MyDatabaseId
}

namespace assist::pg {

namespace {

constexpr double kMinAccesses = 50000, kMinGrowthBytes = 256 * 1048576.0;
constexpr TimestampTz kUsual = 15 * USECS_PER_MINUTE;

}  // namespace

AlertObject ThisDatabase() {
  const char* name = Guarded([] { return get_database_name(MyDatabaseId); });
  return {.name = name, .key = name, .relation_name = {}};
}

void MeasureCacheHits(AlertBook& book, TimestampTz now) {
  const MetricDescriptor& metric = *FindMetric("cache_hit_ratio");
  if (!book.IsWanted(metric)) return;
  const AlertObject here = ThisDatabase();
  const TimestampTz judged = book.JudgedUntil(metric, here.key);
  const std::size_t hit = ColumnOf(HistoryKind::kDatabase, "blks_hit"),
                    read = ColumnOf(HistoryKind::kDatabase, "blks_read");
  double hits = 0, reads = 0, seconds = 0;
  ForEachRecentBlock(
      HistoryKind::kDatabase, now, [&](const BlockTimes& times, const HistoryBlock& block) {
        if (judged != 0 ? times.start < judged
                        : times.until <= now - kUsual && hits + reads >= kMinAccesses)
          return;
        seconds += times.observed_s;
        for (std::size_t r = 0; r < block.rows(); ++r) {
          hits += static_cast<double>(block.values[hit][r]);
          reads += static_cast<double>(block.values[read][r]);
        }
      });
  if (hits + reads < kMinAccesses)
    return book.SetState(metric, "waits: too few blocks were accessed");
  const double pct = 100 * hits / (hits + reads);
  char title[160];
  std::snprintf(title, sizeof title,
                "%.2f %% of the blocks were found in shared buffers (%.0f accesses, %.0f not)", pct,
                hits + reads, reads);
  book.Judge(
      metric, here, pct,
      {.title = title,
       .what_to_do = "Which statements read: SELECT query, shared_blks_read FROM assist.statements "
                     "ORDER BY shared_blks_read DESC. Indexes for them come first "
                     "(assist.recommendations), shared_buffers after that; a report that reads a "
                     "large table once is no reason.",
       .sql = {},
       .evidence =
           NumbersJson({{"hit_blocks", hits}, {"read_blocks", reads}, {"observed_s", seconds}})});
  book.SetState(metric, "evaluated");
}

void MeasureDatabaseGrowth(AlertBook& book, TimestampTz now) {
  const MetricDescriptor& metric = *FindMetric("database_growth");
  if (!book.IsWanted(metric)) return;
  const ScopedContext context("assist growth");
  ContextResource memory(context.get());
  const std::size_t bytes = ColumnOf(HistoryKind::kDatabase, "bytes");
  std::map<std::size_t, std::pmr::vector<double>> days;
  const TimestampTz first = now - static_cast<TimestampTz>(kMonthDays) * USECS_PER_DAY;
  ForEachFinestBlock(
      HistoryKind::kDatabase, first, now, [&](const BlockTimes& times, const HistoryBlock& block) {
        const TimestampTz middle = times.start + (times.until - times.start) / 2;
        auto& day =
            days.try_emplace(static_cast<std::size_t>((middle - first) / USECS_PER_DAY), &memory)
                .first->second;
        for (std::size_t r = 0; r < block.rows(); ++r)
          if (block.values[bytes][r] > 0)
            day.push_back(static_cast<double>(block.values[bytes][r]));
      });
  std::pmr::vector<double> levels(kMonthDays, kOff, &memory);
  for (auto& [day, sizes] : days) {
    if (day >= kMonthDays || sizes.empty()) continue;
    std::sort(sizes.begin(), sizes.end());
    levels[day] = sizes[sizes.size() / 2];
  }
  const MonthGrowth growth = GrowthOfMonth(levels, &memory);
  if (std::isnan(growth.pct)) return book.SetState(metric, Learning(growth.days_there, 31));
  const AlertObject here = ThisDatabase();
  const bool small = growth.now - growth.before < kMinGrowthBytes;
  const double pct = small ? std::min(growth.pct, 0.0) : growth.pct;
  char title[160];
  std::snprintf(title, sizeof title,
                "The database has grown by %.0f %% in 30 days (%.0f to %.0f MB)", pct,
                growth.before / 1048576, growth.now / 1048576);
  book.Judge(
      metric, here, pct,
      {.title = title,
       .what_to_do =
           "What grew: SELECT relation_name, max(size_bytes) - min(size_bytes) AS bytes FROM "
           "assist.table_history WHERE start > now() - interval '30 days' GROUP BY 1 ORDER "
           "BY 2 DESC. Is it data, bloat (assist.recommendations), or what could be archived? "
           "How long the disk lasts: assist.capacity.",
       .sql = {},
       .evidence = NumbersJson({{"size_bytes", growth.now},
                                {"size_before_bytes", growth.before},
                                {"measured_days", static_cast<double>(growth.days_there)}})});
  book.SetState(metric, "evaluated");
}

}  // namespace assist::pg
