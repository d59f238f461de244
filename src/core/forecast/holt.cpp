// Several settings are smoothed side by side; the one that forecast best is kept.

#include "core/forecast/holt.hpp"

#include <algorithm>
#include <limits>

#include "core/series/median.hpp"

namespace assist::forecast {

namespace {

// Without a trend, and with one that is learned at critical damping (beta = alpha^2 / 4) and fades
// to half in two weeks.
constexpr double kPhi = 0.998;
constexpr std::array kChoices = {
    HoltParameters{0.01, 0, 0},
    HoltParameters{0.03, 0, 0},
    HoltParameters{0.1, 0, 0},
    HoltParameters{0.3, 0, 0},
    HoltParameters{0.8, 0, 0},
    HoltParameters{0.01, 0.000025, kPhi},
    HoltParameters{0.03, 0.000225, kPhi},
    HoltParameters{0.1, 0.0025, kPhi},
};
constexpr std::array kLeads = {1, 3, 6, 12, 24, 48, 96, 168, 336, 672};
constexpr std::size_t kBetween = 13;  // hours from one trial to the next: all hours of the day

double Start(std::span<const double> values) {
  std::array<double, 24> few;
  std::size_t n = 0;
  for (std::size_t i = 0; i < values.size() && n < few.size(); ++i)
    if (!std::isnan(values[i])) few[n++] = values[i];
  return MedianOf(std::span(few.data(), n));
}

double Damped(double phi, int lead) {  // phi + phi^2 + ... of so many
  return phi == 0 ? 0 : phi * (1 - std::pow(phi, lead)) / (1 - phi);
}

}  // namespace

void Holt::Choose(std::span<const double> values, double clip, double slope, int horizon) {
  constexpr std::size_t kCount = kChoices.size();
  std::array<double, kCount> level, trend, error{};
  std::array<std::array<double, kCount>, kLeads.size()> damped;
  std::size_t leads = 0;
  for (; leads < kLeads.size() && (leads == 0 || kLeads[leads] <= horizon); ++leads)
    for (std::size_t k = 0; k < kCount; ++k)
      damped[leads][k] = Damped(kChoices[k].phi, kLeads[leads]);
  level.fill(Start(values));
  for (std::size_t k = 0; k < kCount; ++k) trend[k] = kChoices[k].phi == 0 ? 0 : slope;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool measured = !std::isnan(values[i]);
    for (std::size_t k = 0; k < kCount; ++k) {
      const HoltParameters& p = kChoices[k];
      const double carried = p.phi * trend[k], expected = level[k] + carried;
      const double e = measured ? std::clamp(values[i] - expected, -clip, clip) : 0;
      level[k] = expected + p.alpha * e;
      trend[k] = carried + p.beta * e;
    }
    if (i < values.size() / 4 || i % kBetween != 0) continue;
    for (std::size_t l = 0; l < leads; ++l) {
      const std::size_t at = i + static_cast<std::size_t>(kLeads[l]);
      if (at >= values.size() || std::isnan(values[at])) continue;
      for (std::size_t k = 0; k < kCount; ++k)
        error[k] += std::min(std::abs(values[at] - level[k] - damped[l][k] * trend[k]), 2 * clip);
    }
  }
  parameters_ = kChoices[static_cast<std::size_t>(std::min_element(error.begin(), error.end()) -
                                                  error.begin())];
}

void Holt::Run(std::span<const double> values, std::size_t fit, double clip, double slope) {
  states_.clear();
  states_.reserve(values.size());
  const HoltParameters& p = parameters_;
  double level = Start(values), trend = p.phi == 0 ? 0 : slope, last = 0;
  double product = 0, square = 0;
  for (const double value : values) {
    const bool measured = !std::isnan(value);
    const double carried = p.phi * trend, expected = level + carried;
    const double e = measured ? std::clamp(value - expected, -clip, clip) : 0;
    level = expected + p.alpha * e;
    trend = carried + p.beta * e;
    const double rest = measured ? (1 - p.alpha) * e : 0;
    if (states_.size() < fit) {
      product += rest * last;
      square += rest * rest;
    }
    last = rest;
    states_.push_back({level, trend, rest});
  }
  rho_ = square > 0 ? std::clamp(product / square, 0.0, 0.98) : 0;
}

void Holt::Prepare(int horizon, std::pmr::memory_resource* memory) {
  const auto n = static_cast<std::size_t>(horizon) + 1;
  damped_ = std::pmr::vector<double>(n, 0, memory);
  rest_ = std::pmr::vector<double>(n, 0, memory);
  double sum = 0, power = 1, rest = 1;
  for (std::size_t h = 1; h < n; ++h) {
    power *= parameters_.phi;
    sum += power;
    rest *= rho_;
    damped_[h] = sum;
    rest_[h] = rest;
  }
}

}  // namespace assist::forecast
