#include "assist/steps.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assist {
namespace {

constexpr std::int64_t kSecond = 1000000, kMinute = 60 * kSecond, kHour = 60 * kMinute;

class Steps : public testing::Test {
 protected:
  StepCollector Hours(Adds adds, std::size_t count = 4) {
    return {100, count, kHour, adds, std::pmr::new_delete_resource()};
  }
  static constexpr std::int64_t kStart = 100 * kHour;
};

TEST_F(Steps, SumsAreSpreadOverTheHoursOfTheirInterval) {
  auto hours = Hours(Adds::kSum);
  hours.Add(kStart, kStart + kHour, 3600, 10);
  hours.Add(kStart + kHour, kStart + 3 * kHour, 7200, 10);
  EXPECT_DOUBLE_EQ(hours.At(0), 10);
  EXPECT_DOUBLE_EQ(hours.At(1), 5);
  EXPECT_DOUBLE_EQ(hours.At(2), 5);
  EXPECT_TRUE(std::isnan(hours.At(3)));
}

TEST_F(Steps, AnHourThatWasMostlySeenIsToldAsAWholeOne) {
  auto hours = Hours(Adds::kSum);
  hours.Add(kStart, kStart + 48 * kMinute, 48 * 60, 48);
  hours.Add(kStart + kHour, kStart + kHour + 30 * kMinute, 30 * 60, 30);
  EXPECT_DOUBLE_EQ(hours.At(0), 60);
  EXPECT_TRUE(std::isnan(hours.At(1)));
  EXPECT_DOUBLE_EQ(hours.At(1, 0.25), 60);
}

TEST_F(Steps, SecondsNotObservedDoNotCount) {
  auto hours = Hours(Adds::kSum);
  hours.Add(kStart, kStart + kHour, 1800, 30);
  EXPECT_TRUE(std::isnan(hours.At(0)));
}

TEST_F(Steps, AbsenceIsZeroForASumAndNoChangeOfALevel) {
  auto sums = Hours(Adds::kSum), levels = Hours(Adds::kLast);
  for (auto* hours : {&sums, &levels}) {
    hours->AddNothing(kStart, kStart + kHour, 3600);  // before it was first seen
    hours->Add(kStart + kHour, kStart + 2 * kHour, 3600, 7);
    hours->AddNothing(kStart + 2 * kHour, kStart + 3 * kHour, 3600);
    EXPECT_TRUE(std::isnan(hours->At(0)));
    EXPECT_DOUBLE_EQ(hours->At(1), 7);
    EXPECT_TRUE(std::isnan(hours->At(3)));  // not recorded
  }
  EXPECT_DOUBLE_EQ(sums.At(2), 0);
  EXPECT_DOUBLE_EQ(levels.At(2), 7);
}

TEST_F(Steps, ALevelIsThatAtTheEndOfTheHour) {
  auto hours = Hours(Adds::kLast);
  hours.Add(kStart, kStart + 20 * kMinute, 1200, 1);
  hours.Add(kStart + 20 * kMinute, kStart + 55 * kMinute, 2100, 2);
  hours.Add(kStart + 55 * kMinute, kStart + 65 * kMinute, 600, 3);
  EXPECT_DOUBLE_EQ(hours.At(0), 2);
  EXPECT_DOUBLE_EQ(hours.At(1), 3);
}

TEST_F(Steps, OfTheLargestTheLargest) {
  auto hours = Hours(Adds::kLargest);
  hours.Add(kStart, kStart + 30 * kMinute, 1800, 9);
  hours.Add(kStart + 30 * kMinute, kStart + kHour, 1800, 4);
  EXPECT_DOUBLE_EQ(hours.At(0), 9);
}

TEST_F(Steps, ADayToldAsOneSaysNothingOfItsHours) {
  auto hours = Hours(Adds::kSum, 30);
  hours.Add(kStart, kStart + 24 * kHour, 86400, 24);
  for (std::size_t i = 0; i < hours.size(); ++i) EXPECT_TRUE(std::isnan(hours.At(i)));
}

TEST_F(Steps, WhatIsOutsideIsCutOff) {
  auto hours = Hours(Adds::kSum);
  hours.Add(kStart - kHour / 2, kStart + kHour / 2, 3600, 2);
  hours.Add(kStart + kHour / 2, kStart + kHour, 1800, 1);
  hours.Add(kStart + 3 * kHour, kStart + 5 * kHour, 7200, 8);
  hours.Add(kStart + 9 * kHour, kStart + 9 * kHour, 0, 8);
  EXPECT_DOUBLE_EQ(hours.At(0), 2);
  EXPECT_DOUBLE_EQ(hours.At(3), 4);
}

}  // namespace
}  // namespace assist
