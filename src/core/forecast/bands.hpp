// Bands around a forecast, from the errors that it made on held-back hours.
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

namespace assist::forecast {

struct Miss {
  float error;         // measured - forecast
  std::uint16_t lead;  // hours
  std::uint8_t hour;   // of the day
  bool second;         // half of the held-back hours
};

// How far below and above the forecast a band reaches.
struct Reach {
  double low, high;  // low <= 0 <= high
};

class Bands {
 public:
  // Shares that the bands are to hold.
  static constexpr std::array kShares = {0.80, 0.95};

  // Reorders `misses`.
  Bands(std::span<Miss> misses, std::pmr::memory_resource* memory);

  // Of kShares[share]; leads farther than any seen reach as far as the last.
  Reach Of(std::size_t share, int lead, int hour) const;
  // Share of misses of one half inside the bands of the other.
  double coverage(std::size_t share) const { return coverage_[share]; }

 private:
  static constexpr std::size_t kSteps = 12;  // of leads: 1-2, 3-6, 7-12, 13-24, 25-48, doubling
  static std::size_t StepOf(int lead);
  using Steps = std::array<Reach, kSteps>;

  // In units of the hour's usual error.
  Steps Quantiles(std::span<const Miss> misses, double share, int half);
  void Check(std::span<const Miss> misses, std::size_t share);

  std::array<double, 24> usual_{};  // error of the hour of the day
  std::array<Steps, kShares.size()> steps_{};
  std::array<double, kShares.size()> coverage_{};
  std::pmr::vector<double> scratch_;
};

}  // namespace assist::forecast
