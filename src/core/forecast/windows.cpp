// The quiet hours of a day or a week.

#include <algorithm>
#include <cmath>

#include "assist/forecast.hpp"
#include "core/forecast/measured.hpp"
#include "core/series/median.hpp"

namespace assist {

namespace {

constexpr std::size_t kDay = 24, kWeek = 168;
constexpr std::size_t kMostHours = 8 * kWeek;
constexpr int kNeededWeeks = 2, kNeededDays = 3;
constexpr double kOften = 0.9;        // of the periods, high_load holds
constexpr double kNotQuiet = 0.8;     // of the busiest window
constexpr double kQuiet = 0.5;        // of the same period's busiest window
constexpr std::int64_t kMonday = 96;  // hour of 1970-01-05 00:00

double Quantile(std::span<double> values, double p) {
  std::sort(values.begin(), values.end());
  const double at = p * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

class Profile {
 public:
  Profile(const HourSeries& load, WindowProfile profile, int hours,
          std::pmr::memory_resource* memory)
      : period_(profile == WindowProfile::kWeekly ? kWeek : kDay),
        hours_(static_cast<std::size_t>(hours)),
        values_(load.values),
        memory_(memory),
        of_slot_(period_, Loads(memory), memory) {
    std::int64_t start = load.start;
    if (values_.size() > kMostHours) {
      start += static_cast<std::int64_t>(values_.size() - kMostHours);
      values_ = values_.last(kMostHours);
    }
    const auto period = static_cast<std::int64_t>(period_);
    // So that slot 0 is Monday's (or each day's) first hour.
    first_slot_ = static_cast<std::size_t>(((start - kMonday) % period + period) % period);
  }

  int periods() {  // by hours that were measured
    const auto measured = std::count_if(values_.begin(), values_.end(),
                                        [](double v) { return forecast::IsMeasured(v); });
    const auto span = static_cast<std::ptrdiff_t>(values_.size());
    // A day in seven without measurements is still a week.
    return static_cast<int>(std::min(span, measured * 7 / 6) /
                            static_cast<std::ptrdiff_t>(period_));
  }

  // The mean load of each window that was measured as a whole, by where it begins.
  void Collect() {
    std::pmr::vector<double> busiest(memory_);  // window of each period
    for (std::size_t i = 0; i + hours_ <= values_.size(); ++i) {
      double sum = 0;
      for (std::size_t n = i; n < i + hours_; ++n) sum += values_[n];
      if (!forecast::IsMeasured(sum)) continue;
      const double mean = sum / static_cast<double>(hours_);
      const std::size_t slot = first_slot_ + i, period = slot / period_;
      if (busiest.size() <= period) busiest.resize(period + 1, 0);
      busiest[period] = std::max(busiest[period], mean);
      of_slot_[slot % period_].push_back({mean, period});
    }
    busiest_ = std::move(busiest);
  }

  void Choose(int count, int needed, QuietWindows& out) {
    std::pmr::vector<double> means(memory_);
    std::pmr::vector<QuietWindow> all(memory_);
    for (std::size_t slot = 0; slot < period_; ++slot) {
      const Loads& loads = of_slot_[slot];
      if (static_cast<int>(loads.size()) < needed) continue;
      means.clear();
      int quiet = 0;
      for (const Load& load : loads) {
        means.push_back(load.mean);
        quiet += load.mean <= kQuiet * busiest_[load.period];
      }
      QuietWindow window{};
      window.day = period_ == kWeek ? static_cast<int>(slot / kDay) : -1;
      window.start_hour = static_cast<int>(slot % kDay);
      window.minutes = static_cast<int>(hours_ * 60);
      window.load = MedianOf(std::span(means));
      window.high_load = Quantile(means, kOften);
      window.times_seen = static_cast<int>(loads.size());
      window.times_quiet = quiet;
      all.push_back(window);
    }
    double peak = 0;
    for (const QuietWindow& window : all) peak = std::max(peak, window.load);
    for (QuietWindow& window : all) {
      window.share_of_peak = peak > 0 ? window.load / peak : 0;
      window.spread = peak > 0 ? (window.high_load - window.load) / peak : 0;
    }
    std::stable_sort(all.begin(), all.end(), [](const QuietWindow& a, const QuietWindow& b) {
      return a.high_load != b.high_load ? a.high_load < b.high_load : a.load < b.load;
    });
    for (const QuietWindow& window : all) {
      if (static_cast<int>(out.windows.size()) >= count) break;
      if (window.high_load > kNotQuiet * peak || peak == 0) break;
      if (std::none_of(out.windows.begin(), out.windows.end(),
                       [&](const QuietWindow& other) { return Overlap(window, other); }))
        out.windows.push_back(window);
    }
    if (out.windows.empty() && count > 0) out.silence = WindowSilence::kNoQuiet;
  }

 private:
  struct Load {
    double mean;
    std::size_t period;
  };
  using Loads = std::pmr::vector<Load>;

  bool Overlap(const QuietWindow& a, const QuietWindow& b) const {
    const auto at = [](const QuietWindow& w) {
      return static_cast<std::size_t>(std::max(w.day, 0)) * kDay +
             static_cast<std::size_t>(w.start_hour);
    };
    const std::size_t apart = (at(a) + period_ - at(b)) % period_;
    return apart < hours_ || period_ - apart < hours_;
  }

  std::size_t period_, hours_;
  std::span<const double> values_;
  std::pmr::memory_resource* memory_;
  std::pmr::vector<Loads> of_slot_;
  std::pmr::vector<double> busiest_;
  std::size_t first_slot_ = 0;
};

}  // namespace

QuietWindows BestWindows(const HourSeries& load, WindowProfile profile, int hours, int count,
                         std::pmr::memory_resource* memory) {
  QuietWindows out{.windows = std::pmr::vector<QuietWindow>(memory)};
  Profile loads(load, profile, hours, memory);
  out.periods_there = loads.periods();
  out.periods_needed = profile == WindowProfile::kWeekly ? kNeededWeeks : kNeededDays;
  if (out.periods_there < out.periods_needed) {
    out.silence = WindowSilence::kTooShort;
    return out;
  }
  loads.Collect();
  loads.Choose(count, out.periods_needed, out);
  return out;
}

}  // namespace assist
