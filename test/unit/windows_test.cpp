#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "assist/forecast.hpp"

namespace assist {
namespace {

constexpr std::int32_t kStart = 20094 * 24;  // 2025-01-06 00:00, a Monday
constexpr int kWeek = 168;

// 0 = Monday 00:00.
using Load = std::function<double(int week, int hour)>;

QuietWindows Find(int weeks, const Load& load, WindowProfile profile, int hours, int count) {
  std::vector<double> values;
  for (int i = 0; i < weeks * kWeek; ++i) values.push_back(load(i / kWeek, i % kWeek));
  return BestWindows({kStart, values}, profile, hours, count, std::pmr::new_delete_resource());
}

// Busy by day, less at night, least on Sunday from 3 to 5.
double Shop(int, int hour) {
  if (hour >= 6 * 24 + 3 && hour < 6 * 24 + 5) return 5;
  return hour % 24 >= 1 && hour % 24 < 6 ? 20 : 100;
}

TEST(BestWindows, TheQuietestHours) {
  const QuietWindows out = Find(4, Shop, WindowProfile::kWeekly, 2, 3);
  ASSERT_EQ(WindowSilence::kNone, out.silence) << Reason(out);
  ASSERT_EQ(3u, out.windows.size());
  const QuietWindow& best = out.windows[0];
  EXPECT_EQ(6, best.day);
  EXPECT_EQ(3, best.start_hour);
  EXPECT_EQ(120, best.minutes);
  EXPECT_DOUBLE_EQ(5, best.load);
  EXPECT_DOUBLE_EQ(0.05, best.share_of_peak);
  EXPECT_DOUBLE_EQ(0, best.spread);
  EXPECT_EQ(4, best.times_seen);
  EXPECT_EQ(4, best.times_quiet);
  EXPECT_DOUBLE_EQ(0.2, out.windows[1].share_of_peak);
}

TEST(BestWindows, NoneOverlap) {
  const QuietWindows out = Find(3, Shop, WindowProfile::kWeekly, 3, 20);
  for (std::size_t a = 0; a < out.windows.size(); ++a)
    for (std::size_t b = 0; b < a; ++b) {
      const int apart = std::abs(out.windows[a].day * 24 + out.windows[a].start_hour - out.windows[b].day * 24 - out.windows[b].start_hour);
      EXPECT_GE(std::min(apart, kWeek - apart), 3);
    }
  EXPECT_GE(out.windows.size(), 7u);
}

TEST(BestWindows, PastMidnight) {
  const Load night = [](int, int hour) { return hour % 24 >= 23 || hour % 24 < 2 ? 1.0 : 50.0; };
  const QuietWindows daily = Find(1, night, WindowProfile::kDaily, 3, 1);
  ASSERT_EQ(1u, daily.windows.size());
  EXPECT_EQ(-1, daily.windows[0].day);
  EXPECT_EQ(23, daily.windows[0].start_hour);
  EXPECT_EQ(6, daily.windows[0].times_seen);  // seven days have six such nights
  // From Sunday to Monday too.
  const Load weekend = [](int, int hour) { return hour == kWeek - 1 || hour == 0 ? 1.0 : 50.0; };
  const QuietWindows weekly = Find(3, weekend, WindowProfile::kWeekly, 2, 1);
  ASSERT_EQ(1u, weekly.windows.size());
  EXPECT_EQ(6, weekly.windows[0].day);
  EXPECT_EQ(23, weekly.windows[0].start_hour);
}

TEST(BestWindows, ReliablyQuiet) {
  // Tuesday at 2 is the quietest of all, but for a batch in one week of four; Wednesday at 2 is always quiet.
  const Load load = [](int week, int hour) {
    if (hour == 26) return week % 4 == 1 ? 500.0 : 1.0;
    return hour == 50 ? 10.0 : 100.0;
  };
  const QuietWindows out = Find(8, load, WindowProfile::kWeekly, 1, 2);
  ASSERT_EQ(WindowSilence::kNone, out.silence);
  EXPECT_EQ(2, out.windows[0].day);
  EXPECT_EQ(2, out.windows[0].start_hour);
  EXPECT_EQ(1u, out.windows.size());  // the other is not offered
}

TEST(BestWindows, NotMeasuredIsNotQuiet) {
  // The server was down on Mondays at 4, or nobody measured.
  const Load load = [](int, int hour) { return hour == 4 ? NAN : hour == 30 ? 10.0 : 100.0; };
  const QuietWindows out = Find(4, load, WindowProfile::kWeekly, 1, 5);
  ASSERT_EQ(1u, out.windows.size());
  EXPECT_EQ(1, out.windows[0].day);
  EXPECT_EQ(6, out.windows[0].start_hour);
  // A window that was whole only once is not judged.
  const QuietWindows once = Find(4, [](int week, int hour) { return hour == 4 ? (week == 0 ? 0.0 : NAN) : hour == 30 ? 10.0 : 100.0; }, WindowProfile::kWeekly, 1, 5);
  ASSERT_EQ(1u, once.windows.size());
  EXPECT_EQ(1, once.windows[0].day);
}

TEST(BestWindows, Silence) {
  EXPECT_EQ("the history is too short: 1 of the 2 weeks that are needed", Reason(Find(1, Shop, WindowProfile::kWeekly, 2, 1)));
  EXPECT_EQ(WindowSilence::kNone, Find(1, Shop, WindowProfile::kDaily, 2, 1).silence);
  EXPECT_EQ("the history is too short: 0 of the 3 days that are needed", Reason(BestWindows({kStart, {}}, WindowProfile::kDaily, 1, 1, std::pmr::new_delete_resource())));
  EXPECT_EQ(WindowSilence::kNoQuiet, Find(4, [](int, int) { return 7.0; }, WindowProfile::kWeekly, 2, 1).silence);
  EXPECT_EQ(WindowSilence::kNoQuiet, Find(4, [](int, int) { return 0.0; }, WindowProfile::kWeekly, 2, 1).silence);
  EXPECT_EQ(WindowSilence::kTooShort, Find(4, [](int, int) { return NAN; }, WindowProfile::kWeekly, 2, 1).silence);
  EXPECT_TRUE(Find(4, Shop, WindowProfile::kWeekly, 2, 0).windows.empty());
}

TEST(BestWindows, WholeDays) {
  const QuietWindows out = Find(4, [](int, int hour) { return hour >= 144 ? 10.0 : 100.0; }, WindowProfile::kWeekly, 24, 1);
  ASSERT_EQ(1u, out.windows.size());
  EXPECT_EQ(6, out.windows[0].day);
  EXPECT_EQ(0, out.windows[0].start_hour);
}

}  // namespace
}  // namespace assist
