// Recorded intervals cut into hours or days.

#include "assist/steps.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace assist {

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

}  // namespace

StepCollector::StepCollector(std::int64_t first, std::size_t count, std::int64_t step_us, Adds adds,
                             std::pmr::memory_resource* memory)
    : first_(first),
      step_us_(step_us),
      adds_(adds),
      level_(kUnknown),
      steps_(count, Step{kUnknown, 0}, memory) {}

// visit(step, share of the interval that is in it, whether the interval ends in it)
template <typename F>
void StepCollector::ForEachStep(std::int64_t from_us, std::int64_t until_us, F&& visit) {
  const std::int64_t length = until_us - from_us;
  if (length <= 0 || length > 2 * step_us_) return;
  for (std::int64_t step = from_us / step_us_; step * step_us_ < until_us; ++step) {
    if (step < first_ || step >= first_ + static_cast<std::int64_t>(steps_.size())) continue;
    const std::int64_t begin = std::max(from_us, step * step_us_),
                       end = std::min(until_us, (step + 1) * step_us_);
    visit(steps_[static_cast<std::size_t>(step - first_)],
          static_cast<double>(end - begin) / static_cast<double>(length), end == until_us);
  }
}

void StepCollector::Add(std::int64_t from_us, std::int64_t until_us, double observed_s,
                        double value) {
  found_ = true;
  level_ = value;
  ForEachStep(from_us, until_us, [&](Step& step, double share, bool last) {
    step.seen_s += observed_s * share;
    if (std::isnan(step.value)) {
      step.value = adds_ == Adds::kSum ? value * share : value;
    } else if (adds_ == Adds::kSum) {
      step.value += value * share;
    } else if (adds_ == Adds::kLargest) {
      step.value = std::max(step.value, value);
    } else if (last) {
      step.value = value;
    }
  });
}

void StepCollector::AddNothing(std::int64_t from_us, std::int64_t until_us, double observed_s) {
  if (found_) Add(from_us, until_us, observed_s, adds_ == Adds::kLast ? level_ : 0);
}

double StepCollector::At(std::size_t step, double least_seen) const {
  const Step& at = steps_[step];
  if (adds_ == Adds::kLast) return at.value;
  const double length_s = static_cast<double>(step_us_) / 1e6;
  if (at.seen_s <= 0 || at.seen_s < least_seen * length_s) return kUnknown;
  return adds_ == Adds::kSum ? at.value * length_s / at.seen_s : at.value;
}

}  // namespace assist
