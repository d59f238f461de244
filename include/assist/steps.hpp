// Values per hour or per day, out of recorded intervals that keep to neither.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "assist/history.hpp"

namespace assist {

inline constexpr double kSeenOfStep = 0.75;  // of an hour that counts as measured

// One column of one object. Intervals are given in their order, in microseconds since 1970 on the
// clock that the steps are of.
//
// A sum is spread evenly over its interval, and then told per step that was wholly seen; a level is
// that at the end of the step; of the largest, the largest. An interval longer than two steps says
// nothing of any of them. What comes before the object was first seen is unknown, not 0.
class StepCollector {
 public:
  // Steps `first` .. `first + count - 1`, counted since 1970.
  StepCollector(std::int64_t first, std::size_t count, std::int64_t step_us, Adds adds,
                std::pmr::memory_resource* memory);

  void Add(std::int64_t from_us, std::int64_t until_us, double observed_s, double value);
  // The interval was recorded and the object was not in it: it did nothing, its level stayed.
  void AddNothing(std::int64_t from_us, std::int64_t until_us, double observed_s);

  // NaN = not seen for at least that share of it (a level: not at all).
  double At(std::size_t step, double least_seen = kSeenOfStep) const;
  std::size_t size() const { return steps_.size(); }

 private:
  struct Step {
    double value;  // sum, level or largest so far; NaN = none
    double seen_s;
  };
  template <typename F>
  void ForEachStep(std::int64_t from_us, std::int64_t until_us, F&& visit);

  std::int64_t first_, step_us_;
  Adds adds_;
  double level_;  // NaN = not known yet
  bool found_ = false;
  std::pmr::vector<Step> steps_;
};

}  // namespace assist
