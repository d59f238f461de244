// The median of a few numbers or many.
#pragma once

#include <algorithm>
#include <span>

namespace assist {

// Reorders `values`; 0 of none.
template <typename Number>
Number MedianOf(std::span<Number> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

}  // namespace assist
