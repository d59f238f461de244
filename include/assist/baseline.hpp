// What is normal for a metric at an hour, and within which bounds.
#pragma once

#include <limits>
#include <memory_resource>
#include <span>

#include "assist/series.hpp"

namespace assist {

struct Baseline {
  Normal::From from = Normal::From::kLearning;
  double normal = std::numeric_limits<double>::quiet_NaN();  // NaN while learning
  double low = std::numeric_limits<double>::quiet_NaN();     // 19 of 20 hours were between these,
  double high = std::numeric_limits<double>::quiet_NaN();    // as far as their level was normal
  double weeks = 0;                                          // measured
};

// Of the hour that follows `values`, the first of which is that of hour `start`; NaN = not
// measured, none is negative. `counted`: 0 is a value like others (calls, bytes); otherwise a
// factor is what counts (milliseconds), and 0 is no value.
//
// Normal is as JudgeSeries() has it. The bounds are 1.96 deviations (from the median absolute one)
// of what the last two weeks' hours were from their normal; NaN with fewer than 24 of them.
Baseline BaselineAfter(std::int32_t start, std::span<const double> values, bool counted,
                       std::pmr::memory_resource* memory);

}  // namespace assist
