// Growth over a month, what is unusual, and the tables that matter.

#include <algorithm>
#include <cmath>

#include "assist/alert.hpp"
#include "core/forecast/slope.hpp"
#include "core/series/median.hpp"

namespace assist {

namespace {

constexpr double kCoreShare = 0.8;
constexpr std::size_t kEnd = 3, kWeek = 7;
constexpr double kApart = kMonthDays - kEnd;

// NaN where less than two thirds were measured.
double MedianOfDays(std::span<const double> levels, std::pmr::memory_resource* memory) {
  std::pmr::vector<double> there(memory);
  for (const double level : levels)
    if (std::isfinite(level)) there.push_back(level);
  if (there.size() * 3 < levels.size() * 2) return std::numeric_limits<double>::quiet_NaN();
  return MedianOf(std::span(there));
}

}  // namespace

MonthGrowth GrowthOfMonth(std::span<const double> levels, std::pmr::memory_resource* memory) {
  MonthGrowth growth;
  std::pmr::vector<forecast::DayPoint> points(memory);
  for (std::size_t day = 0; day < levels.size(); ++day)
    if (std::isfinite(levels[day])) points.push_back({static_cast<int>(day), levels[day]});
  growth.days_there = static_cast<int>(points.size());
  const double before = MedianOfDays(levels.first(kEnd), memory),
               now = MedianOfDays(levels.last(kEnd), memory),
               week = MedianOfDays(levels.last(kWeek), memory);
  if (growth.days_there < kMonthDaysNeeded || !(before > 0) || std::isnan(now)) return growth;
  growth.before = before;
  growth.now = now;
  const double trend = forecast::SlopeOf(points, memory).per_day * kApart;
  const double held = std::isnan(week) ? 0 : week - before;
  growth.pct = 100 * std::min(now - before, std::max(trend, held)) / before;
  return growth;
}

std::pmr::vector<TableTraffic> CoreTables(std::span<const TableTraffic> tables,
                                          std::pmr::memory_resource* memory) {
  std::pmr::vector<TableTraffic> core(memory);
  double total = 0;
  for (const TableTraffic& table : tables) {
    if (table.live_rows < kSmallTable || table.rows <= 0) continue;
    core.push_back(table);
    total += table.rows;
  }
  std::sort(core.begin(), core.end(), [](const TableTraffic& a, const TableTraffic& b) {
    return a.rows != b.rows ? a.rows > b.rows : a.id < b.id;
  });
  double carried = 0;
  std::size_t n = 0;
  for (; n < std::min(core.size(), kMostCoreTables) && carried < kCoreShare * total; ++n)
    carried += core[n].rows;
  core.resize(n);
  return core;
}

}  // namespace assist
