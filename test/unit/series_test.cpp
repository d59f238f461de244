#include "assist/series.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <functional>

namespace assist {
namespace {

constexpr std::int32_t kStart = 20089 * 24;  // 2025-01-01 00:00, a Wednesday

// Noise that is the same everywhere: -1..1, of mean 0.
double Noise(std::int32_t i) {
  auto x = static_cast<std::uint32_t>(i) * 2654435761U;
  x ^= x >> 16;
  x *= 2246822519U;
  x ^= x >> 13;
  return static_cast<double>(x) / 2147483648.0 - 1;
}

// Office hours: times double by noon on weekdays.
double Season(std::int32_t hour) {
  const std::int32_t day = hour / 24 % 7;
  if (day == 2 || day == 3) return 0;
  return std::log(2.0) * (0.5 - 0.5 * std::cos(2 * M_PI * (hour % 24) / 24));
}

using Level = std::function<double(std::int32_t)>;  // ln added at an hour since the start; NAN = not measured

std::vector<HourPoint> Make(int weeks, const Level& level, double share = 0.1, const Level& season = Season) {
  std::vector<HourPoint> points;
  for (std::int32_t i = 0; i < weeks * kHoursPerWeek; ++i) {
    const double value = season(kStart + i) + 0.15 * Noise(i) + level(i);
    if (!std::isnan(value)) points.push_back({kStart + i, static_cast<float>(value), static_cast<float>(share)});
  }
  return points;
}

Judgement Judge(const std::vector<HourPoint>& points, const ShiftSettings& settings = {}) {
  return JudgeSeries(points, settings, std::pmr::new_delete_resource());
}

constexpr std::int32_t kShift = 6 * kHoursPerWeek + 10;
Level From(std::int32_t hour, double ratio) {
  return [=](std::int32_t i) { return i >= hour ? std::log(ratio) : 0; };
}

TEST(Series, NothingHappens) {
  EXPECT_TRUE(Judge({}).shifts.empty());
  EXPECT_TRUE(Judge({{kStart, 1, 1}}).shifts.empty());
  EXPECT_TRUE(Judge(Make(12, [](std::int32_t) { return 0.0; })).shifts.empty());
  const auto flat = [](std::int32_t) { return 0.0; };
  EXPECT_TRUE(Judge(Make(12, flat, 0.1, flat)).shifts.empty());
}

TEST(Series, NormalIsOfTheHour) {
  const std::vector<HourPoint> points = Make(6, [](std::int32_t) { return 0.0; });
  const Judgement judged = Judge(points);
  ASSERT_EQ(points.size(), judged.normal.size());
  EXPECT_EQ(Normal::From::kLearning, judged.normal[100].from);
  EXPECT_EQ(Normal::From::kHourOfDay, judged.normal[2 * kHoursPerWeek].from);
  for (std::size_t i = 4 * kHoursPerWeek; i < points.size(); ++i) {
    ASSERT_EQ(Normal::From::kHourOfWeek, judged.normal[i].from);
    ASSERT_NEAR(Season(points[i].hour), judged.normal[i].value, 0.16) << i;
  }
}

TEST(Series, DoublingIsFound) {
  const Judgement judged = Judge(Make(9, From(kShift, 2)));
  ASSERT_EQ(1u, judged.shifts.size());
  const Shift& shift = judged.shifts[0];
  EXPECT_NEAR(kStart + kShift, shift.onset, 1);
  EXPECT_LE(shift.found, kStart + kShift + 12);
  EXPECT_LE(shift.warned, kStart + kShift + 12);
  EXPECT_GE(shift.warned, shift.found);
  EXPECT_EQ(kNever, shift.until);
  EXPECT_NEAR(2, shift.ratio, 0.1);
  EXPECT_LT(shift.low, 2);
  EXPECT_GT(shift.high, 2);
  EXPECT_NEAR(0.05, shift.impact, 0.005);
  EXPECT_LT(shift.p, 1e-9);
}

TEST(Series, ImprovementIsFound) {
  const Judgement judged = Judge(Make(8, From(kShift, 0.5)));
  ASSERT_EQ(1u, judged.shifts.size());
  EXPECT_NEAR(kStart + kShift, judged.shifts[0].onset, 1);
  EXPECT_NEAR(0.5, judged.shifts[0].ratio, 0.05);
  EXPECT_LT(judged.shifts[0].impact, 0);
}

TEST(Series, SmallOrCheapShiftsAreNot) {
  EXPECT_TRUE(Judge(Make(9, From(kShift, 1.1))).shifts.empty());
  EXPECT_TRUE(Judge(Make(9, From(kShift, 2), 0.01)).shifts.empty());
  ShiftSettings settings;
  settings.min_ratio = 3;
  EXPECT_TRUE(Judge(Make(9, From(kShift, 2)), settings).shifts.empty());
  const Judgement some = Judge(Make(9, From(kShift, 1.3)));
  ASSERT_EQ(1u, some.shifts.size());
  EXPECT_EQ(kNever, some.shifts[0].warned);  // too little for a warning
}

TEST(Series, SpikesAreNot) {
  EXPECT_TRUE(Judge(Make(10, [](std::int32_t i) { return i % 83 == 0 ? std::log(10) : 0; })).shifts.empty());
  EXPECT_TRUE(Judge(Make(10, [](std::int32_t i) { return i >= kShift && i < kShift + 3 ? std::log(100) : 0; })).shifts.empty());
}

TEST(Series, EndsWhenItIsOver) {
  const Judgement judged = Judge(Make(11, [](std::int32_t i) { return i >= kShift && i < kShift + 60 ? std::log(2) : 0; }));
  ASSERT_EQ(1u, judged.shifts.size());
  EXPECT_NEAR(kStart + kShift + 60, judged.shifts[0].until, 2);
}

TEST(Series, GoesOnToAnotherLevel) {
  const Judgement judged = Judge(Make(9, [](std::int32_t i) { return std::log(i >= kShift + 200 ? 4 : i >= kShift ? 2 : 1); }));
  ASSERT_EQ(2u, judged.shifts.size());
  EXPECT_NEAR(kStart + kShift + 200, judged.shifts[1].onset, 3);
  EXPECT_NEAR(judged.shifts[1].onset, judged.shifts[0].until, 3);
  EXPECT_NEAR(4, judged.shifts[1].ratio, 0.3);
}

TEST(Series, BecomesNormal) {
  const Judgement judged = Judge(Make(16, From(kShift, 2)));
  ASSERT_EQ(1u, judged.shifts.size());
  EXPECT_NEAR(kStart + kShift + 4 * kHoursPerWeek, judged.shifts[0].until, 3);
}

TEST(Series, AccountsForWhatWasNotMeasured) {
  // Nights are not measured, and a week is missing.
  const auto level = [](std::int32_t i) {
    if (i % 24 < 6 || (i >= 700 && i < 868)) return static_cast<double>(NAN);
    return i >= kShift + 168 ? std::log(2) : 0;
  };
  const Judgement judged = Judge(Make(10, level));
  ASSERT_EQ(1u, judged.shifts.size());
  EXPECT_NEAR(kStart + kShift + 168, judged.shifts[0].onset, 8);
}

TEST(Series, ClockChangeIsNoShift) {
  // A load that goes by another clock comes an hour later from some day on. Steep, so that it is seen.
  const std::int32_t change = 8 * kHoursPerWeek;
  const auto steep = [](std::int32_t hour) { return hour % 24 >= 6 && hour % 24 < 18 ? ((hour % 2) != 0 ? 2.0 : 0.0) : 0.0; };
  const Level flat = [](std::int32_t) { return 0.0; };
  const auto moved = [=](std::int32_t hour) { return steep(hour - kStart >= change ? hour - 1 : hour); };
  ShiftSettings settings;
  settings.min_points = 3;
  const std::vector<HourPoint> points = Make(9, flat, 0.1, moved);
  settings.clock_change = kStart + change;
  EXPECT_TRUE(Judge(points, settings).shifts.empty());
}

TEST(Series, MonthEndIsNoShift) {
  using std::chrono::days, std::chrono::sys_days, std::chrono::year_month_day;
  const auto batch = [](std::int32_t i) {
    const year_month_day date{sys_days{days{(kStart + i) / 24}}};
    return unsigned(date.day()) == 1 ? std::log(4) : 0;
  };
  // January and February are reported, as nothing like it was known; from then on it is.
  for (const Shift& shift : Judge(Make(24, batch)).shifts) {
    const year_month_day date{sys_days{days{shift.onset / 24}}};
    EXPECT_LE(unsigned(date.month()), 3u) << unsigned(date.month()) << "-" << unsigned(date.day());
  }
}

// Of noise that lasts for hours, with a level that goes on to others: each shift begins after the one before is over, and
// lasts; and what begins where another one did is that one.
TEST(Series, ShiftsFollowEachOther) {
  int found = 0;
  for (int n = 0; n < 60; ++n) {
    double lasting = 0;
    const auto points = Make(9, [&](std::int32_t i) {
      lasting = 0.55 * lasting + 0.25 * Noise(i * 60 + n);
      return lasting + (i >= kShift ? std::log(1.5) : 0) + (i >= kShift + 7 + n % 20 ? std::log(1.6) : 0);
    });
    const Judgement judged = Judge(points);
    for (std::size_t k = 0; k < judged.shifts.size(); ++k) {
      const Shift& shift = judged.shifts[k];
      EXPECT_GT(shift.until, shift.onset) << n;
      if (k > 0) {
        EXPECT_GE(shift.onset, judged.shifts[k - 1].until) << n;
      }
      found += shift.onset >= kStart + kShift - 12 && shift.ratio > 1.3;
    }
  }
  EXPECT_GE(found, 60);
}

// The worked example of Benjamini and Hochberg 1995, section 3.1: of 15 p-values the first four are rejected at 0.05, where
// Bonferroni rejects three.
TEST(Discovery, BenjaminiHochbergExample) {
  std::vector<double> p = {0.3240, 0.0001, 0.0344, 0.0004, 0.6528, 0.0019, 0.0278, 0.0095,
                           0.0201, 0.0298, 0.4262, 0.0459, 0.5719, 0.7590, 1.0000};
  EXPECT_EQ(0.0095, DiscoveryThreshold(p, 15, 0.05));
}

TEST(Discovery, MoreTestsAskForMore) {
  std::vector<double> p = {0.004};
  EXPECT_EQ(0.004, DiscoveryThreshold(p, 10, 0.05));
  EXPECT_LT(DiscoveryThreshold(p, 100, 0.05), 0);
  // Beside others that are certain it may be told.
  p = {0.004, 1e-9, 1e-9, 1e-9, 1e-9, 1e-9, 1e-9, 1e-9, 1e-9};
  EXPECT_EQ(0.004, DiscoveryThreshold(p, 100, 0.05));
  EXPECT_LT(DiscoveryThreshold({}, 100, 0.05), 0);
}

}  // namespace
}  // namespace assist
