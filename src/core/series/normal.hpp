// What is normal at an hour.
#pragma once

#include <vector>

#include "assist/series.hpp"

namespace assist {

class NormalLevel {
 public:
  NormalLevel(std::span<const HourPoint> points, std::pmr::memory_resource* memory)
      : points_(points), left_out_(memory) {}

  const HourPoint* At(std::int32_t hour) const;  // nullptr = not measured
  // From points before `hour`. `spread` of residuals, as far as it is known.
  Normal Of(std::int32_t hour, double spread = 0) const;
  // Hours from `first` on do not tell what is normal ...
  void LeaveOutFrom(std::int32_t first) { left_out_.push_back({first, kNever}); }
  // ... up to this one ...
  void LeaveOutUntil(std::int32_t end) { left_out_.back().end = end; }
  // ... or they alone do, and what was before does not.
  void BeginAnew() {
    begin_ = left_out_.back().first;
    left_out_.clear();
  }
  bool IsLeftOut(std::int32_t hour) const;

 private:
  struct Hours {
    std::int32_t first, end;
  };
  std::span<const HourPoint> points_;
  std::pmr::vector<Hours> left_out_;
  std::int32_t begin_ = 0;
};

}  // namespace assist
