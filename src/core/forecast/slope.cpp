// Theil-Sen, Kendall, and the season of the week.

#include "core/forecast/slope.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/series/median.hpp"

namespace assist::forecast {

namespace {

constexpr double kEighty = 1.2816, kAdmitted = 1.5;  // of the half width of 80 %
constexpr double kMedian = 1.5708;
constexpr double kMostCorrelated = 0.97;
constexpr std::size_t kEnoughOfWeekday = 3;

// n (n - 1) (2 n + 5) / 18 less that of ties.
double VarianceOfS(std::span<const DayPoint> points, std::pmr::vector<double>& scratch) {
  const auto term = [](double n) { return n * (n - 1) * (2 * n + 5) / 18; };
  double out = 0;
  for (auto part = points.begin(); part != points.end();) {
    scratch.clear();
    const int now = part->part;
    for (; part != points.end() && part->part == now; ++part) scratch.push_back(part->value);
    std::sort(scratch.begin(), scratch.end());
    out += term(static_cast<double>(scratch.size()));
    for (auto at = scratch.begin(); at != scratch.end();) {
      const auto end = std::upper_bound(at, scratch.end(), *at);
      out -= term(static_cast<double>(end - at));
      at = end;
    }
  }
  return out;
}

// By how much autocorrelation raises the variance; its estimate is too low in short series.
double Correlated(std::span<const DayPoint> points, double per_day) {
  double product = 0, square = 0, mean = 0;
  const auto n = static_cast<double>(points.size());
  const auto rest = [&](std::size_t i) { return points[i].value - per_day * points[i].day - mean; };
  for (const DayPoint& point : points) mean += (point.value - per_day * point.day) / n;
  for (std::size_t i = 0; i < points.size(); ++i) {
    square += rest(i) * rest(i);
    if (i > 0) product += rest(i) * rest(i - 1);
  }
  if (square <= 0) return 1;
  const double rho = product / square;
  const double corrected = std::clamp(rho + (1 + 3 * rho) / n, 0.0, kMostCorrelated);
  return (1 + corrected) / (1 - corrected);
}

}  // namespace

bool Slope::Admits(double other) const {
  return other >= per_day - kAdmitted * (per_day - low) &&
         other <= per_day + kAdmitted * (high - per_day);
}

Slope SlopeOf(std::span<const DayPoint> points, std::pmr::memory_resource* memory) {
  std::pmr::vector<double> slopes(memory), scratch(memory);
  slopes.reserve(points.size() * (points.size() - 1) / 2);
  double s = 0;
  for (std::size_t i = 0; i < points.size(); ++i)
    for (std::size_t k = i + 1; k < points.size() && points[k].part == points[i].part; ++k) {
      const double rise = points[k].value - points[i].value;
      slopes.push_back(rise / (points[k].day - points[i].day));
      s += static_cast<double>(rise > 0) - static_cast<double>(rise < 0);
    }
  Slope out;
  if (slopes.size() < 3) return out;
  const auto n = static_cast<double>(slopes.size());
  const auto at = [&](double rank) {
    return slopes[static_cast<std::size_t>(std::clamp(rank, 0.0, n - 1))];
  };
  out.per_day = MedianOf(std::span(slopes));
  std::sort(slopes.begin(), slopes.end());
  const double variance = VarianceOfS(points, scratch);
  if (variance <= 0) return out;  // all the same
  const double correlated = std::sqrt(Correlated(points, out.per_day));
  const double deviation = std::sqrt(variance) * correlated;
  out.z = s == 0 ? 0 : (s - std::copysign(1, s)) / deviation;
  out.plain_z = out.z * correlated;
  out.low = std::min(out.per_day, at((n - kEighty * deviation) / 2));
  out.high = std::max(out.per_day, at((n + kEighty * deviation) / 2));
  return out;
}

void TakeOutWeek(std::span<DayPoint> points, double per_day, std::pmr::memory_resource* memory) {
  std::array<double, 7> median{};
  std::pmr::vector<double> scratch(memory);
  for (int weekday = 0; weekday < 7; ++weekday) {
    scratch.clear();
    for (const DayPoint& point : points)
      if (point.day % 7 == weekday) scratch.push_back(point.value - per_day * point.day);
    if (scratch.size() < kEnoughOfWeekday) return;
    median[static_cast<std::size_t>(weekday)] = MedianOf(std::span(scratch));
  }
  double mean = 0;
  for (const double value : median) mean += value / 7;
  for (DayPoint& point : points)
    point.value -= median[static_cast<std::size_t>(point.day % 7)] - mean;
}

// From how much two points differ that are a few days and two weeks apart: noise does not grow with
// the distance, a walk does.
Wander WanderOf(std::span<const DayPoint> points, double per_day,
                std::pmr::memory_resource* memory) {
  constexpr std::size_t kNear = 2, kFarApart = 10;
  std::pmr::vector<double> scratch(memory);
  const auto variance = [&](std::size_t apart) {
    scratch.clear();
    for (std::size_t i = apart; i < points.size(); ++i)
      scratch.push_back(std::abs(points[i].value - points[i - apart].value -
                                 per_day * (points[i].day - points[i - apart].day)));
    const double deviation = 1.4826 * MedianOf(std::span(scratch));
    return deviation * deviation;
  };
  const double near = variance(kNear);
  const std::size_t apart = std::min(kFarApart, points.size() / 2);
  const double walk =
      apart > kNear ? std::max(0.0, (variance(apart) - near) / static_cast<double>(apart - kNear))
                    : 0;
  const double noise = std::max(0.0, near - walk * kNear) / 2;
  // A median has pi / 2 times the variance of a mean; a walk over n steps, n / 3 of one step's.
  const double most = std::min<double>(14, static_cast<double>(points.size()));
  const double best = walk > 0 ? std::sqrt(3 * kMedian * noise / walk) : most;
  const double recent = std::floor(std::clamp(best, 1.0, std::max(most, 1.0)));
  return {noise, walk, static_cast<std::size_t>(recent),
          noise * kMedian / recent + walk * recent / 3};
}

double LevelAt(std::span<const DayPoint> points, double per_day, int day,
               std::pmr::memory_resource* memory) {
  std::pmr::vector<double> scratch(memory);
  for (const DayPoint& point : points) scratch.push_back(point.value + per_day * (day - point.day));
  return MedianOf(std::span(scratch));
}

}  // namespace assist::forecast
