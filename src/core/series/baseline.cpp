// What is normal at the next hour, in the metric's own unit.

#include "assist/baseline.hpp"

#include <algorithm>
#include <cmath>

#include "core/series/median.hpp"

namespace assist {

namespace {

constexpr std::int32_t kSpreadHours = 2 * kHoursPerWeek;
constexpr std::size_t kEnough = 24;
constexpr double kDeviation = 1.4826;  // of a normal distribution, from the median absolute one
constexpr double kNineteenOfTwenty = 1.96;

}  // namespace

Baseline BaselineAfter(std::int32_t start, std::span<const double> values, bool counted,
                       std::pmr::memory_resource* memory) {
  const auto from_log = [counted](double y) {
    return counted ? std::max(0.0, std::expm1(y)) : std::exp(y);
  };
  std::pmr::vector<HourPoint> points(memory);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double v = values[i];
    if (std::isnan(v) || v < 0 || (v == 0 && !counted)) continue;
    points.push_back({start + static_cast<std::int32_t>(i),
                      static_cast<float>(counted ? std::log1p(v) : std::log(v)), 1});
  }
  Baseline out;
  out.weeks = static_cast<double>(points.size()) / kHoursPerWeek;
  // The hour itself: of what comes before it only its place matters.
  const std::int32_t now = start + static_cast<std::int32_t>(values.size());
  points.push_back({now, points.empty() ? 0 : points.back().value, 1});
  const Judgement judged = JudgeSeries(points, {}, memory);
  const Normal normal = judged.normal.back();
  out.from = normal.from;
  if (normal.from == Normal::From::kLearning) return out;
  out.normal = from_log(normal.value);
  const auto is_shifted = [&](std::int32_t hour) {
    return std::any_of(judged.shifts.begin(), judged.shifts.end(), [hour](const Shift& shift) {
      return hour >= shift.onset && hour < shift.until;
    });
  };
  std::pmr::vector<float> away(memory);
  for (std::size_t i = 0; i + 1 < points.size(); ++i)
    if (points[i].hour >= now - kSpreadHours && !is_shifted(points[i].hour) &&
        judged.normal[i].from != Normal::From::kLearning)
      away.push_back(std::abs(points[i].value - judged.normal[i].value));
  if (away.size() < kEnough) return out;
  const double band = kNineteenOfTwenty * kDeviation * MedianOf(std::span(away));
  out.low = from_log(normal.value - band);
  out.high = from_log(normal.value + band);
  return out;
}

}  // namespace assist
