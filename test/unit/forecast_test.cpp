#include "assist/forecast.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace assist {
namespace {

constexpr std::int32_t kStart = 20089 * 24;  // 2025-01-01 00:00, a Wednesday
constexpr int kDay = 24, kWeek = 168;

// Noise that is the same everywhere: -1..1, of mean 0.
double Noise(std::int32_t i) {
  auto x = static_cast<std::uint32_t>(i + 77) * 2654435761U;
  x ^= x >> 16;
  x *= 2246822519U;
  x ^= x >> 13;
  return static_cast<double>(x) / 2147483648.0 - 1;
}

// Office hours: 100 at night and on weekends, 300 at noon.
double Office(std::int32_t i) {
  const std::int32_t hour = kStart + i, day = hour / kDay % 7;
  if (day == 2 || day == 3) return 100;
  return 200 - 100 * std::cos(2 * M_PI * (hour % kDay) / kDay);
}

using Value = std::function<double(std::int32_t)>;

std::vector<double> Make(int hours, const Value& value) {
  std::vector<double> out;
  for (std::int32_t i = 0; i < hours; ++i) out.push_back(value(i));
  return out;
}

Forecast Ahead(const std::vector<double>& values, int horizon, const ForecastSettings& settings = {}) {
  return ForecastSeries({kStart, values}, horizon, settings, std::pmr::new_delete_resource());
}

// Mean absolute distance from what really comes.
double Error(const Forecast& forecast, const Value& truth) {
  double sum = 0;
  for (std::size_t h = 0; h < forecast.hours.size(); ++h)
    sum += std::abs(forecast.hours[h].mean - truth(forecast.first - kStart + static_cast<std::int32_t>(h)));
  return sum / static_cast<double>(forecast.hours.size());
}

void ExpectOrder(const Forecast& forecast) {
  for (const ForecastHour& hour : forecast.hours) {
    EXPECT_LE(hour.low95, hour.low80);
    EXPECT_LE(hour.low80, hour.mean);
    EXPECT_LE(hour.mean, hour.high80);
    EXPECT_LE(hour.high80, hour.high95);
  }
}

TEST(Forecast, SeasonOfTheWeek) {
  const Value truth = [](std::int32_t i) { return Office(i) + 10 * Noise(i); };
  const Forecast forecast = Ahead(Make(6 * kWeek + 5, truth), kWeek);
  ASSERT_EQ(ForecastSilence::kNone, forecast.silence) << Reason(forecast);
  EXPECT_EQ("", Reason(forecast));
  ASSERT_EQ(static_cast<std::size_t>(kWeek), forecast.hours.size());
  EXPECT_EQ(kStart + 6 * kWeek + 5, forecast.first);
  EXPECT_LT(forecast.mase, 0.2);
  EXPECT_LT(Error(forecast, truth), 8);  // the noise's own is 5
  EXPECT_NEAR(0.8, forecast.coverage80, 0.1);
  EXPECT_NEAR(0.95, forecast.coverage95, 0.05);
  ExpectOrder(forecast);
  int inside = 0;
  for (int h = 0; h < kWeek; ++h) {
    const double value = truth(6 * kWeek + 5 + h);
    inside += value >= forecast.hours[static_cast<std::size_t>(h)].low80 && value <= forecast.hours[static_cast<std::size_t>(h)].high80;
  }
  EXPECT_NEAR(0.8 * kWeek, inside, 0.1 * kWeek);
}

TEST(Forecast, GrowthGoesOn) {
  const Value truth = [](std::int32_t i) { return Office(i) * (1 + 0.1 * i / kWeek) + 10 * Noise(i); };
  const Forecast forecast = Ahead(Make(8 * kWeek, truth), kWeek);
  ASSERT_EQ(ForecastSilence::kNone, forecast.silence);
  EXPECT_GE(forecast.method, ForecastMethod::kTrend);
  // A copy of the last week would be low by a tenth of 200.
  EXPECT_LT(Error(forecast, truth), 15);
}

TEST(Forecast, SpikesDoNotComeBack) {
  // A rebuild for 20 hours last week, and single hours a hundred times as high: none of it is expected again.
  const auto values = Make(6 * kWeek, [](std::int32_t i) {
    if (i >= 5 * kWeek + 30 && i < 5 * kWeek + 50) return 3000.0;
    return Office(i) * (i % 97 == 0 ? 100 : 1) + 5 * Noise(i);
  });
  const Forecast forecast = Ahead(values, kWeek, {.non_negative = true});
  ASSERT_EQ(ForecastSilence::kNone, forecast.silence) << Reason(forecast);
  EXPECT_LT(Error(forecast, Office), 12);
  for (const ForecastHour& hour : forecast.hours) EXPECT_LT(hour.mean, 400);
}

TEST(Forecast, NewLevelIsKept) {
  // Twice as much since two and a half weeks: the median of four weeks is not expected any more.
  const auto level = [](std::int32_t i) { return Office(i) * (i >= 5 * kWeek + 84 ? 2 : 1); };
  const Forecast forecast = Ahead(Make(8 * kWeek, [&](std::int32_t i) { return level(i) + 5 * Noise(i); }), kDay);
  ASSERT_EQ(ForecastSilence::kNone, forecast.silence) << Reason(forecast);
  EXPECT_LT(Error(forecast, level), 40);
}

TEST(Forecast, CounterThatBeganAnew) {
  // Grows by 10 an hour with noise, and began at 0 three days ago.
  const Value truth = [](std::int32_t i) { return 10.0 * (i >= 5 * kWeek - 72 ? i - (5 * kWeek - 72) : i) + 20 * Noise(i); };
  const Forecast forecast = Ahead(Make(5 * kWeek, truth), kDay, {.non_negative = true});
  for (const ForecastHour& hour : forecast.hours) {
    EXPECT_GE(hour.low95, 0);
    EXPECT_LT(hour.mean, 3000);  // and not the 8,400 of before
  }
}

TEST(Forecast, RandomWalkIsSilent) {
  double level = 1000;
  const auto values = Make(8 * kWeek, [&](std::int32_t i) { return level += 10 * Noise(i); });
  const Forecast forecast = Ahead(values, kDay);
  EXPECT_EQ(ForecastSilence::kNoBetterThanNaive, forecast.silence);
  EXPECT_TRUE(forecast.hours.empty());
  EXPECT_NE(std::string::npos, Reason(forecast).find("no method was better than the last value")) << Reason(forecast);
}

TEST(Forecast, ShortIsSilent) {
  EXPECT_EQ(ForecastSilence::kTooShort, Ahead({}, 1).silence);
  EXPECT_EQ("the history is too short: 0 of the 72 hours that are needed", Reason(Ahead({}, 1)));
  EXPECT_EQ(ForecastSilence::kTooShort, Ahead({1}, 1).silence);
  EXPECT_EQ("the history is too short: 336 of the 504 hours that are needed", Reason(Ahead(Make(2 * kWeek, Office), kWeek)));
  EXPECT_EQ(ForecastSilence::kNone, Ahead(Make(2 * kWeek, Office), kDay).silence);
}

TEST(Forecast, GapsAreAllowed) {
  const Value truth = [](std::int32_t i) { return Office(i) + 5 * Noise(i); };
  // Nights, a whole week, the first day and the last hours are missing.
  const auto values = Make(8 * kWeek, [&](std::int32_t i) {
    const bool gap = i < 30 || i % kDay < 4 || (i >= 900 && i < 1068) || i >= 8 * kWeek - 7;
    return gap ? (i % 2 == 0 ? NAN : INFINITY) : truth(i);
  });
  const Forecast forecast = Ahead(values, kWeek);
  ASSERT_EQ(ForecastSilence::kNone, forecast.silence) << Reason(forecast);
  ASSERT_EQ(static_cast<std::size_t>(kWeek), forecast.hours.size());
  EXPECT_EQ(kStart + 8 * kWeek, forecast.first);
  ExpectOrder(forecast);
  double sum = 0;
  int n = 0;
  for (int h = 0; h < kWeek; ++h)
    if (h % kDay >= 4) {
      sum += std::abs(forecast.hours[static_cast<std::size_t>(h)].mean - truth(8 * kWeek + h));
      ++n;
    }
  EXPECT_LT(sum / n, 8);
  EXPECT_EQ(ForecastSilence::kStale, Ahead(Make(8 * kWeek, [&](std::int32_t i) { return i > 8 * kWeek - 30 ? NAN : truth(i); }), kDay).silence);
  EXPECT_EQ(ForecastSilence::kTooFewMeasured, Ahead(Make(8 * kWeek, [&](std::int32_t i) { return i % 3 != 0 ? NAN : truth(i); }), kDay).silence);
  EXPECT_EQ(ForecastSilence::kTooShort, Ahead(Make(8 * kWeek, [&](std::int32_t) { return NAN; }), kDay).silence);
}

TEST(Forecast, ConstantStays) {
  for (const double value : {0.0, 42.0, -3.0}) {
    const Forecast forecast = Ahead(Make(2 * kWeek, [&](std::int32_t) { return value; }), kDay);
    ASSERT_EQ(ForecastSilence::kNone, forecast.silence);
    EXPECT_EQ(0, forecast.mase);
    EXPECT_EQ(value, forecast.hours[23].mean);
    EXPECT_EQ(value, forecast.hours[23].low95);
    EXPECT_EQ(value, forecast.hours[23].high95);
  }
  // Constant for long, but not always: a width of nothing would promise too much.
  EXPECT_EQ(ForecastSilence::kNoBetterThanNaive, Ahead(Make(6 * kWeek, [](std::int32_t i) { return i < 10 ? 1.0 : 2.0; }), kDay).silence);
}

TEST(Forecast, BelowZeroOnlyWhereItMay) {
  const Value falling = [](std::int32_t i) { return 900.0 - i + 10 * std::sin(2 * M_PI * i / kDay) + 3 * Noise(i); };
  const auto values = Make(5 * kWeek + 40, falling);  // 20 at the end
  const Forecast cut = Ahead(values, 72, {.non_negative = true}), free = Ahead(values, 72);
  ASSERT_EQ(ForecastSilence::kNone, cut.silence) << Reason(cut);
  ASSERT_EQ(ForecastSilence::kNone, free.silence) << Reason(free);
  EXPECT_EQ(0, cut.hours.back().mean);
  EXPECT_LT(free.hours.back().mean, -20);
  for (const ForecastHour& hour : cut.hours) EXPECT_GE(hour.low95, 0);
  EXPECT_EQ(ForecastSilence::kNone, Ahead(Make(4 * kWeek, [](std::int32_t i) { return -Office(i) + Noise(i); }), kDay).silence);
}

TEST(Forecast, BandsGrowWithTheHorizon) {
  // A level that wanders, under a season.
  double level = 0;
  const auto values = Make(8 * kWeek, [&](std::int32_t i) { return Office(i) + (level += 6 * Noise(i)); });
  const Forecast forecast = Ahead(values, kWeek);
  ASSERT_EQ(ForecastSilence::kNone, forecast.silence) << Reason(forecast);
  const auto width = [&](std::size_t h) { return forecast.hours[h].high80 - forecast.hours[h].low80; };
  EXPECT_GT(width(1 * kDay), width(0));
  EXPECT_GE(width(6 * kDay), width(0 * kDay) * 1.3);
  for (std::size_t day = 1; day < 7; ++day) EXPECT_GE(width(day * kDay), width((day - 1) * kDay) - 1e-9);
}

TEST(Forecast, LongHorizonsAndLongSeries) {
  const auto values = Make(40 * kWeek, [](std::int32_t i) { return Office(i) + 5 * Noise(i); });
  const Forecast forecast = Ahead(values, 2016);
  ASSERT_EQ(ForecastSilence::kNone, forecast.silence) << Reason(forecast);
  EXPECT_LT(Error(forecast, Office), 8);
}

TEST(Forecast, HugeAndTinyValues) {
  for (const double factor : {1e-300, 1e147, 1e300}) {
    const Forecast forecast = Ahead(Make(4 * kWeek, [&](std::int32_t i) { return factor * (Office(i) + Noise(i)); }), kDay);
    for (const ForecastHour& hour : forecast.hours) EXPECT_TRUE(std::isfinite(hour.mean));
  }
}

// Whatever comes in, what comes out is in order.
TEST(Forecast, AnythingGoes) {
  auto pick = [n = 0](int below) mutable { return static_cast<int>((Noise(n++) + 1) / 2 * below) % below; };
  for (int round = 0; round < 400; ++round) {
    const int length = pick(round % 4 == 0 ? 3000 : 600), gaps = pick(4), kind = pick(5);
    std::vector<double> values;
    for (int i = 0; i < length; ++i) {
      const double value = kind == 0 ? pick(3) : kind == 1 ? Noise(i + round) * 1e308 : kind == 2 ? -1e-310 * i : kind == 3 ? Office(i) : i % 200;
      values.push_back(gaps > 0 && pick(8) < gaps ? (pick(2) == 0 ? NAN : -INFINITY) : value);
    }
    const int horizon = 1 + pick(300);
    const Forecast forecast = Ahead(values, horizon, {.non_negative = pick(2) == 0});
    EXPECT_EQ(forecast.silence == ForecastSilence::kNone ? static_cast<std::size_t>(horizon) : 0, forecast.hours.size());
    EXPECT_EQ(forecast.silence == ForecastSilence::kNone, Reason(forecast).empty());
    if (kind != 1) ExpectOrder(forecast);
    const DaysToLimit days = DaysUntil(values, pick(300), pick(2) == 0 ? LevelKind::kFills : LevelKind::kSaw, std::pmr::new_delete_resource());
    EXPECT_EQ(days.silence == LimitSilence::kNone, Reason(days).empty());
    if (days.silence == LimitSilence::kNone && kind != 1) {
      EXPECT_LE(0, days.low);
      EXPECT_LE(days.low, days.days);
      EXPECT_LE(days.days, days.high);
    }
    const int hours = 1 + pick(24);
    const QuietWindows windows = BestWindows({kStart + pick(200), values}, pick(2) == 0 ? WindowProfile::kDaily : WindowProfile::kWeekly, hours, 10,
                                             std::pmr::new_delete_resource());
    EXPECT_EQ(windows.silence == WindowSilence::kNone, !windows.windows.empty());
    for (const QuietWindow& window : windows.windows) EXPECT_EQ(60 * hours, window.minutes);
  }
}

}  // namespace
}  // namespace assist
