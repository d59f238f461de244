// What counts as a measurement.
#pragma once

#include <cmath>

namespace assist::forecast {

// Neither NaN nor infinite, nor so large that squares and sums of it are.
inline bool IsMeasured(double value) { return std::abs(value) <= 1e150; }

}  // namespace assist::forecast
