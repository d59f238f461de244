#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "assist/forecast.hpp"

namespace assist {
namespace {

double Noise(int i) {
  auto x = static_cast<std::uint32_t>(i + 5) * 2654435761U;
  x ^= x >> 16;
  x *= 2246822519U;
  x ^= x >> 13;
  return static_cast<double>(x) / 2147483648.0 - 1;
}

DaysToLimit Days(int days, double limit, const std::function<double(int)>& level, LevelKind kind = LevelKind::kFills) {
  std::vector<double> levels;
  for (int i = 0; i < days; ++i) levels.push_back(level(i));
  return DaysUntil(levels, limit, kind, std::pmr::new_delete_resource());
}

// 100 at the beginning.
double Growing(int i) { return 100 + 2 * i + Noise(i); }

TEST(DaysToLimit, SteadyGrowth) {
  const DaysToLimit out = Days(56, 270, Growing);  // 210 on the last day
  ASSERT_EQ(LimitSilence::kNone, out.silence) << Reason(out);
  EXPECT_EQ("", Reason(out));
  EXPECT_NEAR(30, out.days, 1);
  EXPECT_NEAR(2, out.per_day, 0.05);
  EXPECT_NEAR(210, out.level, 1);
  EXPECT_LT(out.low, 30);
  EXPECT_GT(out.high, 30);
  EXPECT_GT(out.low, 27);
  EXPECT_LT(out.high, 33);
}

TEST(DaysToLimit, WhatIsReached) {
  const DaysToLimit out = Days(56, 200, Growing);
  EXPECT_EQ(LimitSilence::kNone, out.silence);
  EXPECT_EQ(0, out.days);
  EXPECT_EQ(0, out.high);
}

TEST(DaysToLimit, FlatIsSilent) {
  for (const int days : {14, 28, 56, 112}) EXPECT_EQ(LimitSilence::kNoTrend, Days(days, 110, [](int i) { return 100 + Noise(i); }).silence) << days;
  EXPECT_EQ(LimitSilence::kNoTrend, Days(56, 110, [](int) { return 100.0; }).silence);
  EXPECT_EQ("no growth that could be told from none", Reason(Days(56, 110, [](int) { return 100.0; })));
  EXPECT_EQ(LimitSilence::kFalling, Days(56, 300, [](int i) { return 200 - i + Noise(i); }).silence);
}

TEST(DaysToLimit, WeekIsNoTrend) {
  // From Monday on it rises all week, and is cleaned up on Sundays.
  const auto week = [](int i) { return 100 + 5.0 * (i % 7) + 0.3 * Noise(i); };
  for (int days = 21; days < 56; ++days) EXPECT_NE(LimitSilence::kNone, Days(days, 140, week).silence) << days;
  // With growth under it, the growth is found.
  const DaysToLimit out = Days(56, 200, [&](int i) { return week(i) + i; });
  ASSERT_EQ(LimitSilence::kNone, out.silence) << Reason(out);
  EXPECT_NEAR(1, out.per_day, 0.1);
}

TEST(DaysToLimit, OneJumpIsNoTrend) {
  for (const int at : {3, 20, 40, 50, 53, 54, 55}) {
    const DaysToLimit out = Days(56, 160, [=](int i) { return 100 + 0.2 * Noise(i) + (i >= at ? 40 : 0); });
    EXPECT_NE(LimitSilence::kNone, out.silence) << at << ": " << out.days;
  }
  // Two days of a rebuild, whenever.
  for (int at = 20; at < 56; ++at) {
    const DaysToLimit out = Days(56, 160, [=](int i) { return 100 + 0.2 * Noise(i) + (i >= at && i < at + 2 ? 40 : 0); });
    EXPECT_EQ(LimitSilence::kNoTrend, out.silence) << at;
  }
  // Growth goes on beside a jump at its own rate, from where it is now.
  const DaysToLimit out = Days(56, 310, [](int i) { return Growing(i) + (i >= 30 ? 60 : 0); });
  ASSERT_EQ(LimitSilence::kNone, out.silence) << Reason(out);
  EXPECT_EQ(1, out.jumps);
  EXPECT_NEAR(20, out.days, 2);
}

TEST(DaysToLimit, StairsAreGrowth) {
  // A load every week.
  const DaysToLimit out = Days(70, 300, [](int i) { return 100 + 14 * std::floor(i / 7.0) + 0.2 * Noise(i); });
  ASSERT_EQ(LimitSilence::kNone, out.silence) << Reason(out);
  EXPECT_NEAR(2, out.per_day, 0.3);
}

TEST(DaysToLimit, GrowthThatStopped) {
  const DaysToLimit out = Days(56, 250, [](int i) { return 100 + 2 * std::min(i, 35) + Noise(i); });
  EXPECT_EQ(LimitSilence::kStopped, out.silence) << out.days;
}

TEST(DaysToLimit, GrowthThatDoubled) {
  const DaysToLimit out = Days(56, 300, [](int i) { return 100 + i + std::max(0, i - 30) + Noise(i); });  // 180 now, at 2 a day
  ASSERT_EQ(LimitSilence::kNone, out.silence) << Reason(out);
  EXPECT_NEAR(60, out.days, 8);  // at the rate of all weeks it would be 80
}

TEST(DaysToLimit, FreezesThatWork) {
  // The age grows by 10 million a day and falls back at 200 million: never near 2 thousand million.
  const auto age = [](int i) { return 1e6 * (30 + 10 * (i % 18)) + 1e5 * Noise(i); };
  for (int days = 40; days < 60; ++days) {
    const DaysToLimit out = Days(days, 2147e6, age, LevelKind::kSaw);
    EXPECT_EQ(LimitSilence::kResetBelowLimit, out.silence) << days;
    EXPECT_GE(out.resets, 1);
    EXPECT_NEAR(200e6, out.highest_peak, 1e6);
  }
  EXPECT_EQ("it fell back 2 times, each time from below the limit", Reason(Days(50, 2147e6, age, LevelKind::kSaw)));
  // One reset is enough only for what is known to be reset.
  EXPECT_EQ(LimitSilence::kResetBelowLimit, Days(30, 2147e6, age, LevelKind::kSaw).silence);
  const DaysToLimit once = Days(30, 500e6, age);
  EXPECT_TRUE(once.silence != LimitSilence::kNone || std::isinf(once.high));
  // Peaks at the limit: it is reached again with every tooth.
  const DaysToLimit again = Days(50, 195e6, age, LevelKind::kSaw);
  ASSERT_EQ(LimitSilence::kNone, again.silence) << Reason(again);
  EXPECT_NEAR((195 - 160) / 10.0, again.days, 1);
}

TEST(DaysToLimit, FreezeThatIsBlocked) {
  // As before, but the last tooth goes on: something holds the oldest transaction.
  const DaysToLimit out = Days(80, 2147e6, [](int i) { return 1e6 * (30 + 10 * (i < 36 ? i % 18 : i - 36)) + 1e5 * Noise(i); }, LevelKind::kSaw);
  ASSERT_EQ(LimitSilence::kNone, out.silence) << Reason(out);
  EXPECT_NEAR((2147 - 460) / 10.0, out.days, 5);
}

TEST(DaysToLimit, PeaksThatGrow) {
  // Falls back every ten days, each time less far.
  const auto level = [](int i) { return 100 + 20.0 * (i / 10) + 10.0 * (i % 10) + 0.5 * Noise(i); };
  const DaysToLimit out = Days(80, 500, level);
  ASSERT_EQ(LimitSilence::kNone, out.silence) << Reason(out);
  EXPECT_NEAR(2, out.per_day, 0.3);
}

TEST(DaysToLimit, GapsAndShortHistories) {
  EXPECT_EQ("the history is too short: 0 of the 14 days that are needed", Reason(Days(0, 100, Growing)));
  EXPECT_EQ(LimitSilence::kTooShort, Days(13, 1000, Growing).silence);
  const auto holes = [](int i) { return i % 3 == 1 || (i > 20 && i < 30) ? NAN : Growing(i); };
  const DaysToLimit out = Days(57, 272, holes);
  ASSERT_EQ(LimitSilence::kNone, out.silence) << Reason(out);
  EXPECT_NEAR(30, out.days, 2);
  // Two weeks with nine days.
  const DaysToLimit few = Days(30, 200, [](int i) { return i < 16 ? Growing(i) : i % 3 == 0 ? NAN : 130 + 4.0 * (i - 15) + 0.1 * Noise(i); });
  ASSERT_EQ(LimitSilence::kNone, few.silence) << Reason(few);
  EXPECT_NEAR(186, few.level, 3);
  EXPECT_EQ("nothing was measured in the last 5 days", Reason(Days(56, 1000, [](int i) { return i > 50 ? NAN : Growing(i); })));
  EXPECT_EQ(LimitSilence::kTooShort, Days(200, 1000, [](int i) { return i % 20 == 0 ? 1.0 : NAN; }).silence);
}

TEST(DaysToLimit, FarAway) {
  EXPECT_EQ(LimitSilence::kFar, Days(56, 1e6, Growing).silence);
  EXPECT_EQ(LimitSilence::kNone, Days(56, 5000, Growing).silence);
}

}  // namespace
}  // namespace assist
