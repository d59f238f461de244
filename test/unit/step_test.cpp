#include "assist/step.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

namespace assist {
namespace {

using Level =
    std::function<double(double)>;  // ms a call at an hour from the onset; NAN = not called

// Intervals of five minutes, from a week and two hours before the onset.
std::vector<StepSlice> Make(double hours_after, const Level& level, double calls = 20) {
  std::vector<StepSlice> slices;
  const auto add = [&](int from, int until) {
    for (int i = from; i < until; ++i) {
      const double ms = level((i + 0.5) / 12);
      // Some per cent of noise, that is the same everywhere.
      if (!std::isnan(ms))
        slices.push_back(
            {i / 12.0, (i + 1) / 12.0, calls, calls * ms * (1 + 0.02 * ((i % 5 + 5) % 5 - 2))});
    }
  };
  add(-170 * 12, -166 * 12);
  add(-26 * 12, static_cast<int>(hours_after * 12));
  return slices;
}

std::optional<Step> Any(const std::vector<StepSlice>& slices) {
  return FindStep(slices, 0, StepReason::kAnything);
}
std::optional<Step> Own(const std::vector<StepSlice>& slices) {
  return FindStep(slices, 0, StepReason::kOwn);
}
Level From(double hour, double ratio) {
  return [=](double at) { return at >= hour ? ratio : 1; };
}

TEST(Step, NothingThere) {
  EXPECT_FALSE(Any({}));
  EXPECT_FALSE(Any(Make(2, From(0, 1))));
  EXPECT_FALSE(Own({{0, 1, 100, 100}}));
  EXPECT_FALSE(Own({{-1, 0, 100, 100}}));
}

TEST(Step, DoublingAndHalving) {
  const auto slower = Any(Make(2, From(0, 2)));
  ASSERT_TRUE(slower);
  EXPECT_NEAR(1, slower->before_ms, 0.02);
  EXPECT_NEAR(2, slower->after_ms, 0.04);
  EXPECT_NEAR(2, slower->ratio, 0.05);
  EXPECT_LT(slower->low, 2);
  EXPECT_GT(slower->low, 1.3);
  EXPECT_GT(slower->high, 2);
  EXPECT_EQ(480, slower->after_calls);
  const auto faster = Any(Make(2, From(0, 0.5)));
  ASSERT_TRUE(faster);
  EXPECT_NEAR(0.5, faster->ratio, 0.02);
  EXPECT_LT(faster->high, 1 / 1.3);
}

TEST(Step, TakesEnough) {
  EXPECT_FALSE(Any(Make(0.9, From(0, 2))));  // eleven intervals
  EXPECT_TRUE(Any(Make(1, From(0, 2))));     // but an hour
  EXPECT_TRUE(Own(Make(0.25, From(0, 2))));
  EXPECT_FALSE(Own(Make(0.17, From(0, 2))));     // two
  EXPECT_FALSE(Own(Make(0.25, From(0, 2), 9)));  // 27 calls
  EXPECT_FALSE(Any(Make(2, From(0, 1.4))));
}

TEST(Step, IsOver) {
  EXPECT_FALSE(Any(Make(2, [](double at) { return at >= 0 && at < 1.5 ? 5 : 1; })));
}

TEST(Step, WhatBeganLaterIsNotOfThisMoment) {
  EXPECT_FALSE(Any(Make(2, From(1.2, 10))));
  EXPECT_TRUE(Any(Make(2, From(0.25, 2))));  // as sessions took it up
}

TEST(Step, WhatBeganBeforeIsNotOfThisMoment) {
  EXPECT_FALSE(Any(Make(2, From(-2, 2))));
  EXPECT_FALSE(Any(Make(2, [](double at) { return std::exp2(at / 12); })));  // a drift
}

TEST(Step, SeasonIsNone) {
  // Office hours begin at the onset, yesterday and a week ago too.
  const auto office = [](double at) {
    const double hour = at - 24 * std::floor(at / 24);
    return hour < 9 ? 2.5 : 1;
  };
  EXPECT_FALSE(Any(Make(2, office)));
  // On Mondays only.
  const auto monday = [](double at) {
    return (at >= 0 && at < 9) || at < -159 ? at < -168 ? 1 : 2.5 : 1;
  };
  EXPECT_FALSE(Any(Make(2, monday)));
  // Twice as long as this hour of other days.
  const auto doubled = Any(Make(2, [&](double at) { return office(at) * (at >= 0 ? 2 : 1); }));
  ASSERT_TRUE(doubled);
  EXPECT_NEAR(2, doubled->ratio, 0.1);
  EXPECT_NEAR(2.5, doubled->before_ms, 0.1);
}

TEST(Step, ANightlyBatchIsNone) {
  // Not called in the hours before it.
  const auto batch = [](double at) {
    const double hour = at - 24 * std::floor(at / 24);
    return hour < 3 ? 100.0 : hour < 8 || hour >= 18 ? static_cast<double>(NAN) : 10.0;
  };
  EXPECT_FALSE(Any(Make(2, batch)));
  const auto step = Any(Make(2, [&](double at) { return batch(at) * (at >= 0 ? 3 : 1); }));
  ASSERT_TRUE(step);
  EXPECT_NEAR(3, step->ratio, 0.1);
}

TEST(Step, NoiseOfHoursMakesUnsure) {
  // Every hour has another level: the intervals within it do not tell.
  const auto noisy = [](double at) {
    return std::exp(0.5 * std::sin(37 * std::floor(at))) * (at >= 0 ? 2 : 1);
  };
  EXPECT_FALSE(Any(Make(1.5, noisy)));
  EXPECT_TRUE(Any(Make(1.5, [&](double at) { return noisy(at) * (at >= 0 ? 10 : 1); })));
}

TEST(Step, EarlierLevelsDoNotHideIt) {
  // Slow a week ago and until twenty hours ago: an index was made then, and is dropped now.
  const auto step = Any(Make(2, [](double at) { return at >= 0 || at < -20 ? 300 : 1; }));
  ASSERT_TRUE(step);
  EXPECT_GT(step->ratio, 3);
}

TEST(Step, LittleHistorySuffices) {
  std::vector<StepSlice> slices;
  for (int i = -4; i < 3; ++i)
    slices.push_back({i / 60.0, (i + 1) / 60.0, 20, i >= 0 ? 200.0 : 20.0});
  ASSERT_TRUE(Own(slices));
  EXPECT_NEAR(10, Own(slices)->ratio, 0.1);
}

TEST(Step, AnIntervalThatTheOnsetPartsSaysNothing) {
  std::vector<StepSlice> slices = Make(2, From(0, 2));
  const auto onset = 0.5 / 12;
  const auto step = FindStep(slices, onset, StepReason::kAnything);
  ASSERT_TRUE(step);
  EXPECT_EQ(460, step->after_calls);
}

TEST(CompareLevels, SaysHowMuchWhateverItIs) {
  const auto halved = CompareLevels(Make(2, From(0, 0.5)), 0);
  ASSERT_TRUE(halved);
  EXPECT_NEAR(0.5, halved->ratio, 0.02);
  EXPECT_LT(halved->high, 0.7);
  const auto slightly = CompareLevels(Make(2, From(0, 1.1)), 0);
  ASSERT_TRUE(slightly);
  EXPECT_NEAR(1.1, slightly->ratio, 0.03);
  EXPECT_LT(slightly->low, 1);
  const auto same = CompareLevels(Make(48, From(0, 1)), 0);
  ASSERT_TRUE(same);
  EXPECT_NEAR(1, same->ratio, 0.03);
  EXPECT_LT(same->low, 1);
  EXPECT_GT(same->high, 1);
}

TEST(CompareLevels, SeasonIsNoChange) {
  // Each day four times as slow from the onset's hour on, for half of the day.
  const Level season = [](double at) { return std::fmod(at + 240, 24) < 12 ? 4 : 1; };
  const auto found = CompareLevels(Make(6, season), 0);
  ASSERT_TRUE(found);
  EXPECT_NEAR(1, found->ratio, 0.1);
}

TEST(CompareLevels, LevelsThatDisagreeGiveOneAndAWideInterval) {
  // Slower than two hours ago, faster than on the day before.
  const auto found =
      CompareLevels(Make(2, [](double at) { return at >= 0 ? 2 : at >= -2 ? 1 : 4; }), 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(1, found->ratio);
  EXPECT_LT(found->low, 0.6);
  EXPECT_GT(found->high, 1.9);
}

TEST(CompareLevels, WhatRunsOnceADayIsComparedWithTheDaysBefore) {
  std::vector<StepSlice> slices;
  for (int day = -7; day < 3; ++day)
    for (int i = 0; i < 4; ++i)
      slices.push_back({day * 24 + 3 + i * 0.1, day * 24 + 3.1 + i * 0.1, 5, 5 * (day < 0 ? 8.0 : 2)});
  EXPECT_FALSE(FindStep(slices, 0, StepReason::kOwn));
  const auto found = CompareLevels(slices, 0);
  ASSERT_TRUE(found);
  EXPECT_NEAR(0.25, found->ratio, 0.01);
}

TEST(CompareLevels, NothingOfFewCalls) {
  EXPECT_FALSE(CompareLevels({}, 0));
  EXPECT_FALSE(CompareLevels(Make(0.1, From(0, 0.5)), 0));
  const std::vector<StepSlice> one = {{-1, 0, 100, 100}, {0, 1, 100, 10}};
  EXPECT_FALSE(CompareLevels(one, 0));
}

}  // namespace
}  // namespace assist
