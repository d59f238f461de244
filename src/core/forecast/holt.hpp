// Exponential smoothing with a damped trend, in which no single hour counts for much.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <memory_resource>
#include <span>
#include <vector>

namespace assist::forecast {

struct HoltParameters {
  double alpha, beta, phi;
};

// Where the smoothing stands after an hour.
struct HoltState {
  double level, slope;  // per hour
  double rest;          // of the last value, beyond the level; 0 = not measured
};

class Holt {
 public:
  explicit Holt(std::pmr::memory_resource* memory) : states_(memory) {}

  // Chooses what has the least absolute error up to `horizon` ahead. `clip`: the most that an hour
  // may differ from what was expected. `slope`: what a trend begins with.
  void Choose(std::span<const double> values, double clip, double slope, int horizon);
  // The states after each hour, with what was chosen. The first `fit` hours tell the
  // autocorrelation of what remains.
  void Run(std::span<const double> values, std::size_t fit, double clip, double slope);

  const HoltState& After(std::size_t hour) const { return states_[hour]; }
  // `lead` hours after that state.
  double Ahead(const HoltState& state, int lead) const {
    const auto n = static_cast<std::size_t>(lead);
    return state.level + state.slope * damped_[n] + state.rest * rest_[n];
  }
  // REQUIRES: called before Ahead() of leads up to this.
  void Prepare(int horizon, std::pmr::memory_resource* memory);

 private:
  HoltParameters parameters_{0.1, 0, 1};
  double rho_ = 0;  // autocorrelation of the rest
  std::pmr::vector<HoltState> states_;
  std::pmr::vector<double> damped_, rest_;
};

}  // namespace assist::forecast
