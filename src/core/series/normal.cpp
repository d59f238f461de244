// The median of the same hour of the week, or of the day.

#include "core/series/normal.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/series/median.hpp"

namespace assist {

namespace {

constexpr std::size_t kWeeks = 4, kEnoughWeeks = 3;
constexpr int kWeeksBack = 10;  // to find so many that were not left out
constexpr double kAlike = 0.5;  // of the spread
constexpr std::size_t kEnoughBeside = 6;
constexpr std::size_t kDays = 14, kEnoughDays = 7, kEnoughWeekendDays = 3;

bool IsWeekend(std::int32_t hour) {
  const std::int32_t day = hour / 24 % 7;  // 1970-01-01 was a Thursday
  return day == 2 || day == 3;
}

template <std::size_t N>
struct Few {
  std::array<float, N> values;
  std::size_t count = 0;
  bool IsFull() const { return count == N; }
  void Add(float value) { values[count++] = value; }
  float Median() { return MedianOf(std::span(values.data(), count)); }
};

}  // namespace

const HourPoint* NormalLevel::At(std::int32_t hour) const {
  const auto found =
      std::lower_bound(points_.begin(), points_.end(), hour,
                       [](const HourPoint& p, std::int32_t h) { return p.hour < h; });
  return found != points_.end() && found->hour == hour ? &*found : nullptr;
}

bool NormalLevel::IsLeftOut(std::int32_t hour) const {
  return hour < begin_ || std::any_of(left_out_.begin(), left_out_.end(), [hour](const Hours& h) {
           return hour >= h.first && hour < h.end;
         });
}

Normal NormalLevel::Of(std::int32_t hour, double spread) const {
  const auto add = [this](auto& few, std::int32_t at) {
    const HourPoint* point = At(at);
    if (point != nullptr && !IsLeftOut(at)) few.Add(point->value);
  };
  Few<kWeeks> weeks;
  std::array<std::int32_t, kWeeks> taken;
  for (int w = 1; w <= kWeeksBack && !weeks.IsFull(); ++w) {
    const std::size_t before = weeks.count;
    add(weeks, hour - w * kHoursPerWeek);
    if (weeks.count > before) taken[before] = hour - w * kHoursPerWeek;
  }
  Few<kDays> days;
  for (int d = 1; d <= static_cast<int>(kDays); ++d)
    if (IsWeekend(hour - d * 24) == IsWeekend(hour)) add(days, hour - d * 24);
  if (weeks.count < kEnoughWeeks) {
    if (days.count >= (IsWeekend(hour) ? kEnoughWeekendDays : kEnoughDays))
      return {Normal::From::kHourOfDay, days.Median()};
    return {};
  }
  Few<kWeeks * 3 + kDays> pool;
  for (std::size_t i = 0; i < weeks.count; ++i) pool.Add(weeks.values[i]);
  const float own = weeks.Median();
  const auto like = [&](float median) { return std::abs(median - own) < kAlike * spread; };
  Few<kWeeks * 2> beside;
  for (std::size_t i = 0; i < weeks.count; ++i)
    for (const int h : {-1, 1}) add(beside, taken[i] + h);
  if (beside.count >= kEnoughBeside) {
    Few<kWeeks* 2> copy = beside;
    if (like(copy.Median()))
      for (std::size_t i = 0; i < beside.count; ++i) pool.Add(beside.values[i]);
  }
  if (days.count >= kEnoughBeside) {
    Few<kDays> copy = days;
    if (like(copy.Median()))
      for (std::size_t i = 0; i < days.count; ++i) pool.Add(days.values[i]);
  }
  return {Normal::From::kHourOfWeek, pool.Median()};
}

}  // namespace assist
