// Empirical quantiles per step of leads, of errors in units of their hour's; checked crosswise.

#include "core/forecast/bands.hpp"

#include <algorithm>
#include <cmath>

#include "core/series/median.hpp"

namespace assist::forecast {

namespace {

constexpr double kShrink = 30;  // misses that all hours together count for at each
constexpr double kOutlier = 5;  // times the median: errors count for no more in an hour's scale
constexpr double kWidest = 4;   // that crosswise checks widen a band to
constexpr int kBoth = -1;

// Of sorted values, between neighbours.
double Quantile(std::span<const double> sorted, double p) {
  const double at = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::size_t Bands::StepOf(int lead) {
  if (lead <= 12) return lead <= 2 ? 0 : lead <= 6 ? 1 : 2;
  std::size_t step = 3;
  for (int end = 24; lead > end && step + 1 < kSteps; end *= 2) ++step;
  return step;
}

Bands::Bands(std::span<Miss> misses, std::pmr::memory_resource* memory) : scratch_(memory) {
  for (const Miss& miss : misses) scratch_.push_back(std::abs(miss.error));
  const double median = MedianOf(std::span(scratch_));
  double mean = 0;
  for (const double error : scratch_) mean += error;
  mean = scratch_.empty() ? 0 : mean / static_cast<double>(scratch_.size());
  const double cap = median > 0 ? kOutlier * median : HUGE_VAL;
  std::array<double, 24> sum{}, count{};
  double all = 0;
  for (const Miss& miss : misses) {
    const double error = std::min<double>(std::abs(miss.error), cap);
    all += error;
    for (const int off : {-1, 0, 1}) {  // with its neighbours
      const auto hour = static_cast<std::size_t>((miss.hour + 24 + off) % 24);
      sum[hour] += error;
      ++count[hour];
    }
  }
  all = misses.empty() ? 0 : all / static_cast<double>(misses.size());
  for (std::size_t hour = 0; hour < usual_.size(); ++hour)
    usual_[hour] = (sum[hour] + kShrink * all) / (count[hour] + kShrink);
  if (all == 0) usual_.fill(1);
  std::sort(misses.begin(), misses.end(),
            [](const Miss& a, const Miss& b) { return StepOf(a.lead) < StepOf(b.lead); });
  for (std::size_t share = 0; share < kShares.size(); ++share) {
    steps_[share] = Quantiles(misses, kShares[share], kBoth);
    Check(misses, share);
  }
}

Bands::Steps Bands::Quantiles(std::span<const Miss> misses, double share, int half) {
  Steps out{};
  std::size_t step = 0;
  Reach widest{0, 0};
  for (auto at = misses.begin(); at != misses.end();) {
    scratch_.clear();
    const std::size_t now = StepOf(at->lead);
    for (; at != misses.end() && StepOf(at->lead) == now; ++at)
      if (half == kBoth || at->second == (half == 1))
        scratch_.push_back(at->error / usual_[at->hour]);
    for (; step < now; ++step) out[step] = widest;
    if (scratch_.empty()) continue;
    std::sort(scratch_.begin(), scratch_.end());
    widest.low = std::min(widest.low, Quantile(scratch_, (1 - share) / 2));
    widest.high = std::max(widest.high, Quantile(scratch_, (1 + share) / 2));
  }
  for (; step < kSteps; ++step) out[step] = widest;
  return out;
}

void Bands::Check(std::span<const Miss> misses, std::size_t share) {
  const std::array<Steps, 2> of_half = {Quantiles(misses, kShares[share], 0),
                                        Quantiles(misses, kShares[share], 1)};
  scratch_.clear();
  double inside = 0;
  for (const Miss& miss : misses) {
    const Reach& reach = of_half[miss.second ? 0 : 1][StepOf(miss.lead)];
    const double error = miss.error / usual_[miss.hour];
    const double side = error < 0 ? reach.low : reach.high;
    const double ratio = error == 0 ? 0 : side == 0 ? kWidest : error / side;
    inside += ratio <= 1;
    scratch_.push_back(ratio);
  }
  if (scratch_.empty()) return;
  coverage_[share] = inside / static_cast<double>(scratch_.size());
  std::sort(scratch_.begin(), scratch_.end());
  const double widen = std::clamp(Quantile(scratch_, kShares[share]), 1.0, kWidest);
  for (Reach& reach : steps_[share]) reach = {reach.low * widen, reach.high * widen};
}

Reach Bands::Of(std::size_t share, int lead, int hour) const {
  const Reach& reach = steps_[share][StepOf(lead)];
  const double usual = usual_[static_cast<std::size_t>(hour)];
  return {reach.low * usual, reach.high * usual};
}

}  // namespace assist::forecast
