// Alerts: what opens one, what does not, and what ends it.
#include "assist/alert.hpp"

#include <cmath>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace assist {
namespace {

constexpr Hysteresis kThree = {3, 3};
constexpr Threshold kTimes = {51, 100};

std::string Play(AlertState& state, std::initializer_list<double> values) {
  std::string changes;
  for (const double value : values)
    switch (Advance(state, LevelOf(value, kTimes, Better::kLower), kThree)) {
      case AlertChange::kNone:
        changes += '.';
        break;
      case AlertChange::kForgotten:
        changes += 'f';
        break;
      case AlertChange::kOpened:
        changes += state.critical ? 'C' : 'W';
        break;
      case AlertChange::kRaised:
        changes += '+';
        break;
      case AlertChange::kLowered:
        changes += '-';
        break;
      case AlertChange::kResolved:
        changes += 'r';
        break;
    }
  return changes;
}

TEST(Metrics, AreUniqueAndInOrder) {
  std::set<std::string_view> names;
  for (const MetricDescriptor& metric : AllMetrics()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_FALSE(metric.meaning.empty());
    EXPECT_EQ(FindMetric(metric.name), &metric);
    if (!std::isnan(metric.critical)) {
      EXPECT_EQ(metric.critical > metric.warning, metric.better == Better::kLower) << metric.name;
    }
  }
  EXPECT_EQ(FindMetric("no_such"), nullptr);
}

TEST(Level, HasMargins) {
  EXPECT_EQ(LevelOf(45, kTimes, Better::kLower), Level::kGood);
  EXPECT_EQ(LevelOf(50, kTimes, Better::kLower), Level::kNear);
  EXPECT_EQ(LevelOf(51, kTimes, Better::kLower), Level::kNear);
  EXPECT_EQ(LevelOf(52, kTimes, Better::kLower), Level::kWarning);
  EXPECT_EQ(LevelOf(95, kTimes, Better::kLower), Level::kNearCritical);
  EXPECT_EQ(LevelOf(101, kTimes, Better::kLower), Level::kCritical);
  const Threshold ratio = {99, 95};
  EXPECT_EQ(LevelOf(99.5, ratio, Better::kHigher), Level::kGood);
  EXPECT_EQ(LevelOf(99.05, ratio, Better::kHigher), Level::kNear);
  EXPECT_EQ(LevelOf(98, ratio, Better::kHigher), Level::kWarning);
  EXPECT_EQ(LevelOf(95.1, ratio, Better::kHigher), Level::kNearCritical);
  EXPECT_EQ(LevelOf(94, ratio, Better::kHigher), Level::kCritical);
  EXPECT_EQ(LevelOf(100, {100, kOff}, Better::kHigher), Level::kGood);
  const Threshold free = {50e9, 20e9};
  EXPECT_EQ(LevelOf(60e9, free, Better::kMore), Level::kGood);
  EXPECT_EQ(LevelOf(51e9, free, Better::kMore), Level::kNear);
  EXPECT_EQ(LevelOf(40e9, free, Better::kMore), Level::kWarning);
  EXPECT_EQ(LevelOf(21e9, free, Better::kMore), Level::kNearCritical);
  EXPECT_EQ(LevelOf(19e9, free, Better::kMore), Level::kCritical);
  EXPECT_EQ(LevelOf(0, {0, kOff}, Better::kLower), Level::kGood);
  EXPECT_EQ(LevelOf(1, {0, kOff}, Better::kLower), Level::kWarning);
  EXPECT_EQ(LevelOf(1e9, {}, Better::kLower), Level::kGood);
  EXPECT_EQ(LevelOf(101, {kOff, 100}, Better::kLower), Level::kCritical);
  EXPECT_EQ(LevelOf(60, {kOff, 100}, Better::kLower), Level::kGood);
}

TEST(Alert, OpensAndEnds) {
  AlertState state;
  EXPECT_EQ(Play(state, {60, 60, 60, 60, 10, 10, 10, 10}), "..W...r.");
  EXPECT_EQ(state.status, AlertStatus::kResolved);
}

TEST(Alert, SingleSpikesAreNone) {
  AlertState state;
  EXPECT_EQ(Play(state, {10, 5000}), "..");
  EXPECT_EQ(state.status, AlertStatus::kPending);
  EXPECT_EQ(Play(state, {10}), "f");
  AlertState twice;
  EXPECT_EQ(Play(twice, {5000, 5000, 50}), "..f");  // near is no breach
}

TEST(Alert, HasTheSeverityThatLasted) {
  AlertState state;
  EXPECT_EQ(Play(state, {5000, 60, 5000}), "..W");
  EXPECT_EQ(Play(state, {60, 200, 200, 60, 200, 200, 200}), "......+") << "by three in a row";
  EXPECT_EQ(Play(state, {95, 95, 95}), "...");
  EXPECT_EQ(Play(state, {60, 60, 60}), "..-");
  AlertState critical;
  EXPECT_EQ(Play(critical, {200, 200, 200}), "..C");
}

TEST(Alert, AroundTheThresholdItStaysOne) {
  AlertState state;
  EXPECT_EQ(Play(state, {52, 52, 52}), "..W");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Play(state, {50, 52, 49}), "...");
  EXPECT_EQ(Play(state, {10, 10, 52, 10, 10}), ".....");
  EXPECT_EQ(state.times_opened, 1);
}

TEST(Alert, FlappingIsSlowedDown) {
  AlertState state;
  int changes = 0;
  for (int i = 0; i < 600; ++i) {
    const double value = i % 8 < 4 ? 200 : 10;  // half an hour's rhythm, days of it
    changes += Advance(state, LevelOf(value, kTimes, Better::kLower), kThree) != AlertChange::kNone;
  }
  EXPECT_LE(changes, 4);
  EXPECT_EQ(state.status, AlertStatus::kOpen);
  std::string changes_after;
  for (int i = 0; i < 12; ++i) changes_after += Play(state, {10});
  EXPECT_EQ(changes_after, ".r..........");
}

TEST(Shape, TellsLookupsFromListsAndReports) {
  using enum StatementShape;
  EXPECT_EQ(ShapeOf("SELECT", "SELECT * FROM t WHERE id = $1", 1), kSingleRow);
  EXPECT_EQ(ShapeOf("SELECT", "SELECT * FROM t WHERE id = $1", 0), kSingleRow);
  EXPECT_EQ(ShapeOf("UPDATE", "UPDATE t SET a = $1 WHERE id = $2", 1), kSingleRow);
  EXPECT_EQ(ShapeOf("UPDATE", "UPDATE t SET a = $1", 500), kOther);
  EXPECT_EQ(ShapeOf("SELECT", "SELECT * FROM t ORDER BY a LIMIT $1 OFFSET $2", 20), kList);
  EXPECT_EQ(ShapeOf("SELECT", "SELECT * FROM t FETCH FIRST $1 ROWS ONLY", 5000), kList);
  EXPECT_EQ(ShapeOf("SELECT", "SELECT * FROM t WHERE c = $1", 100), kList);
  EXPECT_EQ(ShapeOf("SELECT", "SELECT * FROM t", 100000), kOther);
  EXPECT_EQ(ShapeOf("SELECT", "SELECT count(*) FROM t", 1), kOther);
  EXPECT_EQ(ShapeOf("SELECT", "SELECT c, SUM (x) FROM t GROUP BY c LIMIT $1", 10), kOther);
  EXPECT_EQ(ShapeOf("SELECT", "SELECT pg_sleep($1)", 1), kOther);
  EXPECT_EQ(ShapeOf("SELECT", "SELECT * FROM assist.alerts LIMIT $1", 1), kOther);
  EXPECT_EQ(ShapeOf("SELECT", "SELECT count FROM t WHERE a = $1 /* sum(x) */ AND b = 'max(y)'", 1),
            kSingleRow);
  EXPECT_EQ(ShapeOf("SELECT", "SELECT \"group\", by FROM t -- GROUP BY", 1), kSingleRow);
  EXPECT_EQ(ShapeOf("VACUUM", "VACUUM t", 0), kOther);
  EXPECT_EQ(ShapeOf("SELECT", "SELECT 'unfinished", 1), kSingleRow);
}

std::vector<double> Month(double from, double to) {
  std::vector<double> levels(kMonthDays);
  for (std::size_t i = 0; i < kMonthDays; ++i)
    levels[i] = from + (to - from) * static_cast<double>(i) / (kMonthDays - 1);
  return levels;
}

TEST(Growth, OfAMonth) {
  auto* memory = std::pmr::get_default_resource();
  EXPECT_NEAR(GrowthOfMonth(Month(1000, 1320), memory).pct, 30, 1);
  EXPECT_NEAR(GrowthOfMonth(Month(1000, 1000), memory).pct, 0, 1e-9);
  EXPECT_LT(GrowthOfMonth(Month(1000, 700), memory).pct, 0);
}

TEST(Growth, ARebuildDoesNotCount) {
  auto* memory = std::pmr::get_default_resource();
  for (const std::size_t days : {1u, 2u, 3u}) {
    auto levels = Month(1000, 1010);
    for (std::size_t i = 0; i < days; ++i) levels[kMonthDays - 1 - i] = 2000;
    EXPECT_LT(GrowthOfMonth(levels, memory).pct, 2) << days;
  }
  auto levels = Month(1000, 1010);
  for (std::size_t i = 0; i < 5; ++i) levels[kMonthDays - 1 - i] = 2000;
  EXPECT_GT(GrowthOfMonth(levels, memory).pct, 90) << "what stays is growth";
}

TEST(Growth, LearnsFirst) {
  auto* memory = std::pmr::get_default_resource();
  auto levels = Month(1000, 2000);
  for (std::size_t i = 0; i < 3; ++i) levels[i] = NAN;
  EXPECT_TRUE(std::isnan(GrowthOfMonth(levels, memory).pct));
  levels = Month(1000, 2000);
  for (std::size_t i = 5; i < 20; ++i) levels[i] = NAN;
  EXPECT_TRUE(std::isnan(GrowthOfMonth(levels, memory).pct));
  EXPECT_EQ(GrowthOfMonth(levels, memory).days_there, 18);
}

std::vector<UsualDay> Days(std::initializer_list<Load> loads) {
  std::vector<UsualDay> days;
  for (const Load& load : loads) days.emplace_back().Add(load);
  return days;
}

TEST(Usual, IsTheMostOfTheDaysBefore) {
  const auto days = Days({{.connections = 20}, {.connections = 40}, {.connections = 30}});
  EXPECT_DOUBLE_EQ(TimesUsual(LoadKind::kConnections, {.connections = 80}, days), 2);
  EXPECT_TRUE(std::isnan(
      TimesUsual(LoadKind::kConnections, {.connections = 80}, std::span(days).first(2))));
}

TEST(Usual, LittleIsNothing) {
  const auto few = Days({{.connections = 1}, {.connections = 2}, {.connections = 1}});
  EXPECT_DOUBLE_EQ(TimesUsual(LoadKind::kConnections, {.connections = 19}, few), 0);
  EXPECT_DOUBLE_EQ(TimesUsual(LoadKind::kConnections, {.connections = 20}, few), 2);
  // Nineteen failures, or one in a hundred.
  const auto none = Days({{.calls = 1000}, {.calls = 1000}, {.calls = 1000}});
  EXPECT_DOUBLE_EQ(TimesUsual(LoadKind::kErrors, {.calls = 81, .errors = 19}, none), 0);
  EXPECT_DOUBLE_EQ(TimesUsual(LoadKind::kErrors, {.calls = 3000, .errors = 29}, none), 0);
  EXPECT_DOUBLE_EQ(TimesUsual(LoadKind::kErrors, {.calls = 80, .errors = 20}, none), 200);
}

TEST(Usual, AReportIsNotSpreadOverTheHours) {
  // Ten minutes of two hours, every day: as much in ten minutes is as usual.
  constexpr double kGigabyte = 1073741824;
  UsualDay day;
  day.Add({.seconds = 6000});
  day.Add({.temp_bytes = 2 * kGigabyte, .seconds = 600});
  day.Add({.seconds = 600});
  const std::vector<UsualDay> days(3, day);
  EXPECT_DOUBLE_EQ(
      TimesUsual(LoadKind::kTemp, {.temp_bytes = kGigabyte, .seconds = 300}, days), 1);
  EXPECT_DOUBLE_EQ(
      TimesUsual(LoadKind::kTemp, {.temp_bytes = 10 * kGigabyte, .seconds = 300}, days), 10);
  // One failure of three statements is no usual share.
  UsualDay quiet;
  quiet.Add({.calls = 2, .errors = 1, .seconds = 60});
  quiet.Add({.calls = 9998, .errors = 0, .seconds = 60});
  const std::vector<UsualDay> quiet_days(3, quiet);
  EXPECT_DOUBLE_EQ(
      TimesUsual(LoadKind::kErrors, {.calls = 80, .errors = 20}, quiet_days), 200);
}

TEST(CoreTables, CarryFourFifths) {
  auto* memory = std::pmr::get_default_resource();
  const TableTraffic tables[] = {{1, 500, 20000}, {2, 300, 20000}, {3, 150, 20000},
                                 {4, 50, 20000},  {5, 9000, 100},  {6, 0, 1e6}};
  const auto core = CoreTables(tables, memory);
  ASSERT_EQ(core.size(), 2u) << "the busiest of all is small";
  EXPECT_EQ(core[0].id, 1u);
  EXPECT_EQ(core[1].id, 2u);
  EXPECT_TRUE(CoreTables({}, memory).empty());
}

}  // namespace
}  // namespace assist
