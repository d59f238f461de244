// The race of the methods on held-back hours.

#include <algorithm>
#include <cmath>

#include "core/forecast/bands.hpp"
#include "core/forecast/measured.hpp"
#include "core/forecast/models.hpp"

namespace assist {

namespace {

using forecast::Bands;
using forecast::Miss;
using forecast::Models;
using forecast::Reach;

constexpr std::size_t kMost = 1680;         // hours that are looked at: ten weeks
constexpr std::size_t kLeast = 72;          // hours
constexpr std::size_t kMoreHeldBack = 336;  // beyond the horizon, where there is enough
// Hours between the moments that are forecast from, at least: all hours of the week come up.
constexpr std::size_t kStep = 11, kMoments = 48;
constexpr std::size_t kLong = 2;               // horizons, to be forgiven for one bad quarter
constexpr int kEveryLead = 24, kLeadStep = 5;  // hours
constexpr int kStale = 24;                     // hours
constexpr double kSimpler = 0.98;              // a method must be so much better than a simpler one

constexpr std::array<std::string_view, kForecastMethods> kNames = {
    "last value",          "same hour of the day", "same hour of the week",       "damped trend",
    "damped trend, daily", "damped trend, weekly", "damped trend, weekly factors"};

// Absolute errors in the quarters of what was held back.
struct Errors {
  std::array<double, 4> sum{};
  double all() const { return sum[0] + sum[1] + sum[2] + sum[3]; }
  // In all of the quarters, or but for one that is not the last; those without measurements do not
  // count.
  bool IsBelow(const Errors& other, bool but_one) const {
    int worse = 0;
    for (std::size_t n = 0; n < sum.size(); ++n)
      if (sum[n] > other.sum[n]) worse += n + 1 < sum.size() ? 1 : 2;
    return worse <= (but_one ? 1 : 0);
  }
};

class Race {
 public:
  Race(std::span<const double> values, std::int32_t start, int horizon,
       const ForecastSettings& settings, std::pmr::memory_resource* memory)
      : values_(values),
        start_(start),
        horizon_(horizon),
        settings_(settings),
        memory_(memory),
        models_(values, start, settings.non_negative, memory) {
    const auto ahead = static_cast<std::size_t>(horizon);
    held_back_ =
        std::max({std::min(values.size() / 3, ahead + kMoreHeldBack), ahead, std::size_t{24}});
    fit_ = values.size() - held_back_;
    step_ = std::max(kStep, held_back_ / kMoments | 1);
  }

  void Run(Forecast& out) {
    out.hours_held_back = static_cast<int>(held_back_);
    models_.Fit(fit_, horizon_, true);
    const Errors naive = Error(ForecastMethod::kNaive);
    out.mases.fill(NAN);
    Errors best = naive;
    for (std::size_t m = 0; m < kForecastMethods; ++m) {
      const auto method = static_cast<ForecastMethod>(m);
      if (!models_.Can(method)) continue;
      const Errors errors = Error(method);
      out.mases[m] = naive.all() > 0 ? errors.all() / naive.all() : errors.all() > 0 ? HUGE_VAL : 0;
      if (errors.all() < best.all() * (out.method == ForecastMethod::kNaive ? 1 : kSimpler)) {
        best = errors;
        out.method = method;
      }
    }
    out.mase = out.mases[static_cast<std::size_t>(out.method)];
    const bool is_long = held_back_ >= kLong * static_cast<std::size_t>(horizon_);
    const bool better =
        best.all() < naive.all() * (1 - settings_.least_gain) && best.IsBelow(naive, is_long);
    if (!better && !IsConstant()) {
      out.silence = ForecastSilence::kNoBetterThanNaive;
      return;
    }
    std::pmr::vector<Miss> misses(memory_);
    Each([&](std::size_t origin, int lead, std::size_t at) {
      const double expected = models_.Ahead(out.method, origin, lead);
      misses.push_back({static_cast<float>(values_[at] - expected),
                        static_cast<std::uint16_t>(lead), HourOfDay(at), IsSecond(at)});
    });
    const Bands bands(misses, memory_);
    out.coverage80 = bands.coverage(0);
    out.coverage95 = bands.coverage(1);
    models_.Fit(out.method, values_.size(), horizon_, false);
    for (int lead = out.first - LastHour(); lead <= horizon_; ++lead)
      out.hours.push_back(Hour(out.method, bands, lead));
  }

 private:
  std::int32_t LastHour() const { return start_ + static_cast<std::int32_t>(values_.size()) - 1; }
  std::uint8_t HourOfDay(std::size_t i) const {
    return static_cast<std::uint8_t>((static_cast<std::size_t>(start_) + i) % 24);
  }
  bool IsSecond(std::size_t i) const { return i >= fit_ + held_back_ / 2; }
  bool IsConstant() const {
    return std::all_of(values_.begin(), values_.end(),
                       [&](double v) { return std::isnan(v) || v == values_[0]; });
  }

  // Calls with origin, lead and target of what was held back. Beyond a day not every lead, but
  // every hour of the day.
  template <typename F>
  void Each(F&& call) const {
    for (std::size_t origin = fit_ - 1; origin + 1 < values_.size(); origin += step_)
      for (int lead = 1; lead <= horizon_; lead += lead < kEveryLead ? 1 : kLeadStep) {
        const std::size_t at = origin + static_cast<std::size_t>(lead);
        if (at >= values_.size()) break;
        if (!std::isnan(values_[at])) call(origin, lead, at);
      }
  }

  Errors Error(ForecastMethod method) const {
    Errors out;
    Each([&](std::size_t origin, int lead, std::size_t at) {
      out.sum[(at - fit_) * out.sum.size() / held_back_] +=
          std::abs(values_[at] - models_.Ahead(method, origin, lead));
    });
    return out;
  }

  ForecastHour Hour(ForecastMethod method, const Bands& bands, int lead) const {
    const std::size_t last = values_.size() - 1;
    const double mean = models_.Ahead(method, last, lead);
    const int hour = HourOfDay(last + static_cast<std::size_t>(lead));
    const Reach most = bands.Of(0, lead, hour), nearly_all = bands.Of(1, lead, hour);
    const auto bound = [&](double value) {
      return settings_.non_negative ? std::max(value, 0.0) : value;
    };
    return {bound(mean), bound(mean + most.low), bound(mean + most.high),
            bound(mean + std::min(most.low, nearly_all.low)),
            bound(mean + std::max(most.high, nearly_all.high))};
  }

  std::span<const double> values_;
  std::int32_t start_;
  int horizon_;
  ForecastSettings settings_;
  std::pmr::memory_resource* memory_;
  Models models_;
  std::size_t fit_, held_back_, step_;
};

}  // namespace

std::string_view NameOf(ForecastMethod method) { return kNames[static_cast<std::size_t>(method)]; }

Forecast ForecastSeries(const HourSeries& series, int horizon, const ForecastSettings& settings,
                        std::pmr::memory_resource* memory) {
  Forecast out{.hours = std::pmr::vector<ForecastHour>(memory)};
  out.mases.fill(NAN);
  out.first = series.start + static_cast<std::int32_t>(series.values.size());
  // From the first to the last that was measured.
  std::pmr::vector<double> values(series.values.begin(), series.values.end(), memory);
  for (double& value : values)
    if (!forecast::IsMeasured(value)) value = NAN;
  const auto measured = [](double v) { return !std::isnan(v); };
  std::size_t stale = 0;
  while (!values.empty() && !measured(values.back())) {
    values.pop_back();
    ++stale;
  }
  if (!values.empty() && stale > static_cast<std::size_t>(kStale)) {
    out.silence = ForecastSilence::kStale;
    out.hours_there = static_cast<int>(stale);
    out.hours_needed = kStale;
    return out;
  }
  const auto ahead = static_cast<std::size_t>(horizon) + stale;
  auto begin = values.begin();
  const std::size_t most = std::max(kMost, 4 * ahead);
  if (values.size() > most) begin = values.end() - static_cast<std::ptrdiff_t>(most);
  begin = std::find_if(begin, values.end(), measured);
  const std::span<const double> there(begin, values.end());
  const std::size_t needed = std::max(kLeast, 3 * ahead);
  out.hours_there = static_cast<int>(there.size());
  out.hours_needed = static_cast<int>(needed);
  if (there.size() < needed) {
    out.silence = ForecastSilence::kTooShort;
    return out;
  }
  const auto count = static_cast<std::size_t>(std::count_if(there.begin(), there.end(), measured));
  if (count * 2 < there.size()) {
    out.silence = ForecastSilence::kTooFewMeasured;
    out.hours_there = static_cast<int>(count);
    out.hours_needed = static_cast<int>(there.size() / 2);
    return out;
  }
  const auto start = series.start + static_cast<std::int32_t>(begin - values.begin());
  out.hours.reserve(static_cast<std::size_t>(horizon));
  Race(there, start, static_cast<int>(ahead), settings, memory).Run(out);
  return out;
}

}  // namespace assist
