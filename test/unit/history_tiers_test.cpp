#include "assist/history_tiers.hpp"

#include <gtest/gtest.h>

#include <map>

namespace assist {
namespace {

constexpr std::int64_t kMinute = 60'000'000, kHour = 60 * kMinute, kDay = 24 * kHour;

std::string Problem(std::string_view text) {
  std::string problem;
  EXPECT_FALSE(ParseTiers(text, &problem).has_value()) << text;
  return problem;
}

TEST(HistoryTiers, Parse) {
  std::string problem;
  const auto tiers = ParseTiers("1min:6h, 5min:3d,1h : 60 d , 1d:3y", &problem);
  ASSERT_TRUE(tiers.has_value()) << problem;
  ASSERT_EQ(4u, tiers->size());
  EXPECT_EQ(kMinute, (*tiers)[0].period_us);
  EXPECT_EQ(6 * kHour, (*tiers)[0].keep_us);
  EXPECT_EQ(kDay, (*tiers)[3].period_us);
  EXPECT_EQ(3 * 365 * kDay, (*tiers)[3].keep_us);
  EXPECT_TRUE(ParseTiers("10s:1w", &problem).has_value());
}

TEST(HistoryTiers, WhatDoesNotFitIsRefused) {
  for (const std::string_view text : {"", ",", "1min", "1min:", ":6h", "1min:6h,", "1 month:6h", "-1min:6h", "0s:1h", "1.5h:3d", "99999999999y:1d",
                                      "9223372036854775807s:1d"})
    EXPECT_NE("", Problem(text));
  EXPECT_EQ("\"1h:2h\": three periods at least are kept", Problem("1h:2h"));
  EXPECT_EQ("\"7min:3d\": its period is not a multiple of the one before", Problem("5min:6h,7min:3d"));
  EXPECT_EQ("\"5min:6h\": its period is not a multiple of the one before", Problem("5min:3h,5min:6h"));
  EXPECT_EQ("\"5min:6h\": it is not kept for longer than the one before", Problem("1min:6h,5min:6h"));
  EXPECT_EQ("\"1d:3y\": the tier before it is not kept for two of its periods, of which it is made", Problem("1min:6h,1d:3y"));
  EXPECT_EQ("\"5d:1y\": there are four tiers at most", Problem("1s:1h,1min:6h,1h:3d,1d:60d,5d:1y"));
}

TEST(HistoryTiers, Periods) {
  const HistoryTier tier = {kHour, 60 * kDay};
  EXPECT_EQ(5 * kHour, PeriodOf(tier, 5 * kHour));
  EXPECT_EQ(5 * kHour, PeriodOf(tier, 6 * kHour - 1));
  EXPECT_EQ(-kHour, PeriodOf(tier, -1));
}

// Whatever is within the time that is kept is never in the slot that is emptied.
TEST(HistoryTiers, RingKeepsWhatItPromises) {
  for (const HistoryTier& tier : {HistoryTier{kMinute, 6 * kHour}, HistoryTier{5 * kMinute, 3 * kDay}, HistoryTier{kHour, 10 * kHour}, HistoryTier{kDay, 100 * kDay}}) {
    std::map<int, std::int64_t> since;  // of each slot
    std::int64_t span = 0;
    for (std::int64_t at = -20 * tier.period_us; at < 3 * tier.keep_us; at += tier.period_us) {
      const RingSlot slot = SlotOf(tier, 2, at);
      ASSERT_GE(slot.number, 2 * kRingSlots);
      ASSERT_LT(slot.number, 3 * kRingSlots);
      ASSERT_LE(slot.since_us, at);
      const auto there = since.find(slot.number);
      span = slot.since_us - SlotOf(tier, 2, slot.since_us - 1).since_us;
      // Emptied: the last block in it ended before what is kept.
      if (there != since.end() && there->second < slot.since_us) {
        ASSERT_LE(there->second + span, at - tier.keep_us + tier.period_us);
      }
      since[slot.number] = slot.since_us;
    }
    ASSERT_LE(kRingSlots * span, tier.keep_us * 2);
    ASSERT_EQ(static_cast<std::size_t>(kRingSlots), since.size());
  }
}

}  // namespace
}  // namespace assist
