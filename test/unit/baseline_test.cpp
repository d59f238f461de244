#include "assist/baseline.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace assist {
namespace {

constexpr std::int32_t kStart = 480000;

// `at(hour)`, and `noise` in logarithms.
template <typename F>
std::vector<double> Hours(int hours, double noise, F&& at) {
  std::mt19937 random(7);
  std::normal_distribution<double> draw(0, 1);
  std::vector<double> values;
  for (int i = 0; i < hours; ++i) values.push_back(at(kStart + i) * std::exp(noise * draw(random)));
  return values;
}

Baseline Of(const std::vector<double>& values, bool counted = true) {
  return BaselineAfter(kStart, values, counted, std::pmr::new_delete_resource());
}

TEST(Baseline, IsTheMedianOfTheHourOfTheWeek) {
  const auto season = [](int hour) {
    return hour % 168 == (kStart + 5 * 168) % 168 ? 5000.0 : 1000.0;
  };
  const Baseline found = Of(Hours(5 * 168, 0.1, season));
  EXPECT_EQ(found.from, Normal::From::kHourOfWeek);
  EXPECT_NEAR(found.normal, 5000, 600);
  EXPECT_NEAR(found.low, found.normal / std::exp(0.22), 300);
  EXPECT_NEAR(found.high, found.normal * std::exp(0.22), 300);
  EXPECT_DOUBLE_EQ(found.weeks, 5);
}

TEST(Baseline, LearnsTheDayBeforeTheWeek) {
  const Baseline found = Of(Hours(15 * 24, 0.1, [](int) { return 3.0; }), false);
  EXPECT_EQ(found.from, Normal::From::kHourOfDay);
  EXPECT_NEAR(found.normal, 3, 0.3);
}

TEST(Baseline, SaysNothingWhileItLearns) {
  for (const int hours : {0, 1, 50}) {
    const Baseline found = Of(Hours(hours, 0.1, [](int) { return 3.0; }));
    EXPECT_EQ(found.from, Normal::From::kLearning);
    EXPECT_TRUE(std::isnan(found.normal));
    EXPECT_TRUE(std::isnan(found.low));
  }
}

TEST(Baseline, ZeroIsACountAndNoTime) {
  const std::vector<double> zeros(5 * 168, 0.0);
  EXPECT_DOUBLE_EQ(Of(zeros).normal, 0);
  EXPECT_DOUBLE_EQ(Of(zeros).high, 0);
  EXPECT_EQ(Of(zeros, false).from, Normal::From::kLearning);
  EXPECT_DOUBLE_EQ(Of(zeros, false).weeks, 0);
}

TEST(Baseline, WhatBeganYesterdayIsNotNormal) {
  const Baseline found =
      Of(Hours(5 * 168, 0.05, [](int h) { return h > kStart + 5 * 168 - 30 ? 3000.0 : 1000.0; }));
  EXPECT_NEAR(found.normal, 1000, 100);
  EXPECT_LT(found.high, 1300);
}

TEST(Baseline, GapsAreLeftOut) {
  auto values = Hours(5 * 168, 0.1, [](int) { return 100.0; });
  for (std::size_t i = 0; i < values.size(); i += 5) values[i] = std::nan("");
  const Baseline found = Of(values);
  EXPECT_NEAR(found.normal, 100, 15);
  EXPECT_NEAR(found.weeks, 4, 0.01);
}

}  // namespace
}  // namespace assist
