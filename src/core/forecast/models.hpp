// The ways to forecast, fitted on the first hours of a series and asked from any later one.
#pragma once

#include <array>
#include <cmath>
#include <optional>

#include "assist/forecast.hpp"
#include "core/forecast/holt.hpp"
#include "core/forecast/season.hpp"

namespace assist::forecast {

class Models {
 public:
  // `values` begin and end with a measured one.
  Models(std::span<const double> values, std::int32_t start, bool non_negative,
         std::pmr::memory_resource* memory);

  // The first `fit` hours tell seasons and, if `choose`, parameters; what follows only where the
  // level stands. Forecasts reach up to `horizon`.
  void Fit(std::size_t fit, int horizon, bool choose);
  void Fit(ForecastMethod method, std::size_t fit, int horizon, bool choose);

  bool Can(ForecastMethod method) const { return can_[static_cast<std::size_t>(method)]; }
  // What `method` expects `lead` hours after `origin`, knowing the hours up to that one.
  // REQUIRES: Fit() with fit <= origin + 1, lead <= horizon.
  double Ahead(ForecastMethod method, std::size_t origin, int lead) const;

 private:
  struct Trend {
    Trend(int of, bool factors, std::pmr::memory_resource* memory)
        : period(of), ratio(factors), parts(memory), season(memory), holt(memory) {}
    int period;
    bool ratio;
    Decomposition parts;
    std::pmr::vector<double> season;  // of each hour, as far as forecasts reach
    Holt holt;
  };

  const Trend& TrendOf(ForecastMethod method) const {
    return trends_[static_cast<std::size_t>(method) -
                   static_cast<std::size_t>(ForecastMethod::kTrend)];
  }
  Trend& TrendOf(ForecastMethod method) {
    return const_cast<Trend&>(static_cast<const Models*>(this)->TrendOf(method));
  }
  void FitTrend(Trend& trend, std::size_t fit, int horizon, bool choose);
  void FitSame(std::pmr::vector<double>& table, std::size_t fit, std::size_t period,
               std::size_t most, std::size_t farthest);

  std::span<const double> values_;
  std::int32_t start_;
  bool non_negative_, positive_;
  std::pmr::memory_resource* memory_;
  std::array<bool, kForecastMethods> can_{};
  std::pmr::vector<double> last_;        // measured, at each hour
  std::pmr::vector<double> logarithms_;  // empty where something is not above 0
  std::pmr::vector<double> work_;
  std::pmr::vector<double> same_day_, same_week_;  // of each hour, from those before
  std::array<Trend, 4> trends_;
};

}  // namespace assist::forecast
