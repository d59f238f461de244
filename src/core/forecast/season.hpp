// The level of a series, and what an hour of the week (or day) usually is above it.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

namespace assist::forecast {

class Decomposition {
 public:
  explicit Decomposition(std::pmr::memory_resource* memory)
      : level_(memory), season_(memory), days_(memory), scratch_(memory) {}

  // The level of each hour: medians of days, of seven of them, straight lines between; goes on at
  // both ends with the usual slope. REQUIRES: a measured value.
  void FitLevel(std::span<const double> values);
  // After FitLevel() of the same values; period is 24 or 168, or 1 for none. `start` is the hour
  // of values[0].
  void FitSeason(std::span<const double> values, std::int32_t start, int period);

  double slope() const { return slope_; }  // of the level, per hour
  // The season of so many hours from `start` on.
  void Repeat(std::int32_t start, std::size_t hours, std::pmr::vector<double>& out) const;
  // How much values are scattered about level and season: 1.4826 times the median distance, or
  // its mean where more than half have none.
  double Scatter(std::span<const double> values, std::span<const double> season);

 private:
  std::pmr::vector<double> level_, season_, days_, scratch_;
  double slope_ = 0;
};

}  // namespace assist::forecast
