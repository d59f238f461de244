// When a level reaches its limit: spikes and one-off jumps taken out, teeth of a saw judged by
// their peaks, everything else by the rate of as long a time as agrees with the recent one.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "assist/forecast.hpp"
#include "core/forecast/measured.hpp"
#include "core/forecast/slope.hpp"
#include "core/series/median.hpp"

namespace assist {

namespace {

using forecast::DayPoint;
using forecast::LevelAt;
using forecast::Slope;
using forecast::SlopeOf;

constexpr std::size_t kMostDays = 112;
constexpr std::array kWindows = {14, 28, 56, 112};
constexpr std::size_t kNeeded = 14, kEnoughOfWindow = 8;
constexpr std::size_t kStaleDays = 3;
constexpr double kSure = 2.58;           // Kendall's z at 1 %
constexpr double kSurePeaks = 1.96;      // of the peaks of a saw: at 5 %
constexpr std::size_t kEnoughPeaks = 5;  // for a trend of peaks
constexpr double kSpike = 6, kStep = 6;  // times the spread
constexpr double kStepOfRange = 0.25;    // and so much of all that it moves within
constexpr std::size_t kOneOff = 2;       // jumps; more are the way it grows
constexpr std::size_t kBeside = 5;       // points that tell how high one was
constexpr double kHigherThanEver = 0.1;  // of a tooth's height, above the highest peak
constexpr double kFar = 3650;            // days
constexpr double kCautious = 1.25;       // deviations are estimates themselves
constexpr double kSoonest = 1.0 / 24;    // days
constexpr double kEighty = 1.2816;       // deviations, on either side of 80 %

class Levels {
 public:
  Levels(std::span<const double> levels, double limit, LevelKind kind,
         std::pmr::memory_resource* memory)
      : limit_(limit),
        kind_(kind),
        memory_(memory),
        points_(memory),
        steps_(memory),
        scratch_(memory) {
    const std::size_t skip = levels.size() > kMostDays ? levels.size() - kMostDays : 0;
    for (std::size_t i = skip; i < levels.size(); ++i)
      if (forecast::IsMeasured(levels[i])) points_.push_back({static_cast<int>(i), levels[i]});
    today_ = static_cast<int>(levels.size()) - 1;
  }

  DaysToLimit Judge() {
    out_.days_there = static_cast<int>(points_.size());
    out_.days_needed = static_cast<int>(kNeeded);
    if (points_.size() < kNeeded) return Silent(LimitSilence::kTooShort);
    const auto stale = static_cast<std::size_t>(today_ - points_.back().day);
    if (stale > kStaleDays) {
      out_.days_there = static_cast<int>(stale);
      out_.days_needed = static_cast<int>(kStaleDays);
      return Silent(LimitSilence::kStale);
    }
    out_.level = points_.back().value;
    if (out_.level >= limit_) {
      out_.days = out_.low = out_.high = 0;
      return out_;
    }
    LeaveOutSpikes();
    FindSteps();
    if (out_.resets >= (kind_ == LevelKind::kSaw ? 1 : 2)) return Saw();
    TakeOutJumps();
    return Growth();
  }

 private:
  DaysToLimit Silent(LimitSilence why) {
    out_.silence = why;
    return out_;
  }
  double Median() { return MedianOf(std::span(scratch_)); }

  // Points far from the median of the five around them: a rebuild, a large sort, today's bulk
  // load of which nobody knows yet whether it stays. A fall of today is one.
  void LeaveOutSpikes() {
    std::pmr::vector<double> away(memory_);
    scratch_.clear();
    for (std::size_t i = 1; i < points_.size(); ++i)
      scratch_.push_back(std::abs(points_[i].value - points_[i - 1].value));
    double spread = Median();
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const std::size_t first = std::min(i < 2 ? 0 : i - 2, points_.size() - 5);
      scratch_.clear();
      for (std::size_t n = first; n < first + 5; ++n) scratch_.push_back(points_[n].value);
      const double median = Median();
      const bool fell = i + 2 >= points_.size() && points_[i].value < median;
      away.push_back(fell ? 0 : std::abs(points_[i].value - median));
    }
    scratch_ = away;
    spread = std::max(spread, 1.4826 * Median());
    std::size_t kept = 0;
    for (std::size_t i = 0; i < points_.size(); ++i)
      if (away[i] <= kSpike * spread) points_[kept++] = points_[i];
    if (kept >= kEnoughOfWindow) points_.resize(kept);
  }

  // Falls and jumps that are large beside the usual change and all that it moves within.
  void FindSteps() {
    const auto rise = [&](std::size_t i) { return points_[i].value - points_[i - 1].value; };
    scratch_.clear();
    for (std::size_t i = 1; i < points_.size(); ++i) scratch_.push_back(rise(i));
    const double usual = Median();
    for (double& value : scratch_) value = std::abs(value - usual);
    const auto [low, high] =
        std::minmax_element(points_.begin(), points_.end(),
                            [](const DayPoint& a, const DayPoint& b) { return a.value < b.value; });
    const double least =
        std::max(kStep * 1.4826 * Median(), kStepOfRange * (high->value - low->value));
    for (std::size_t i = 1; i < points_.size(); ++i) {
      const double days = points_[i].day - points_[i - 1].day;
      if (std::abs(rise(i) - usual * days) <= least || least == 0) continue;
      steps_.push_back(i);
      if (rise(i) > 0) {
        ++out_.jumps;
      } else {
        ++out_.resets;
        out_.highest_peak = std::fmax(out_.highest_peak, points_[i - 1].value);
      }
    }
  }

  // What fell back at least twice.
  DaysToLimit Saw() {
    std::pmr::vector<DayPoint> peaks(memory_);
    std::size_t tooth = 0;
    double lowest = HUGE_VAL;
    scratch_.clear();
    for (std::size_t i = 1, s = 0; i < points_.size(); ++i) {
      if (s < steps_.size() && steps_[s] == i) {
        ++s;
        if (points_[i].value >= points_[i - 1].value) continue;
        peaks.push_back(points_[i - 1]);
        lowest = std::min(lowest, points_[i].value);
        tooth = i;
      } else {
        scratch_.push_back((points_[i].value - points_[i - 1].value) /
                           (points_[i].day - points_[i - 1].day));
      }
    }
    out_.jumps = 0;
    const double height = out_.highest_peak - lowest;
    if (peaks.size() >= kEnoughPeaks && out_.highest_peak < limit_) {
      const Slope of_peaks = SlopeOf(peaks, memory_);
      if (of_peaks.z > kSurePeaks)
        return Until(LevelAt(peaks, of_peaks.per_day, today_, memory_), of_peaks,
                     forecast::WanderOf(peaks, of_peaks.per_day, memory_));
    }
    if (out_.highest_peak < limit_ && out_.level <= out_.highest_peak + kHigherThanEver * height)
      return Silent(LimitSilence::kResetBelowLimit);
    // By the usual rise within teeth, or of this one if it is long enough.
    Slope slope;
    const std::span<const DayPoint> now = std::span<const DayPoint>(points_).subspan(tooth);
    if (now.size() >= kEnoughOfWindow) {
      slope = SlopeOf(now, memory_);
    } else if (!scratch_.empty()) {
      std::sort(scratch_.begin(), scratch_.end());
      const auto at = [&](double p) {
        return scratch_[static_cast<std::size_t>(p * static_cast<double>(scratch_.size() - 1))];
      };
      slope = {at(0.5), at(0.25), at(0.75), kSure};
    }
    if (slope.per_day <= 0) return Silent(LimitSilence::kNoTrend);
    return Until(out_.level, slope, forecast::WanderOf(now, slope.per_day, memory_));
  }

  void TakeOutJumps() {
    if (steps_.size() > kOneOff) {
      out_.jumps = 0;
      return;
    }
    // What was before is moved to where it went, by medians of some days on either side.
    scratch_.clear();
    for (std::size_t i = 1; i < points_.size(); ++i)
      scratch_.push_back((points_[i].value - points_[i - 1].value) /
                         (points_[i].day - points_[i - 1].day));
    const double usual = Median();
    const auto level = [&](std::size_t first, std::size_t end, std::size_t at) {
      scratch_.clear();
      for (std::size_t i = first; i < end; ++i)
        scratch_.push_back(points_[i].value - usual * (points_[i].day - points_[at].day));
      return Median();
    };
    for (std::size_t n = 0; n < steps_.size(); ++n) {
      const std::size_t step = steps_[n];
      const std::size_t from = n > 0 ? steps_[n - 1] : 0;
      const std::size_t to = n + 1 < steps_.size() ? steps_[n + 1] : points_.size();
      const double height = level(step, std::min(to, step + kBeside), step) -
                            level(std::max(from, step - std::min(step, kBeside)), step, step);
      for (std::size_t i = 0; i < step; ++i) points_[i].value += height;
      for (std::size_t i = step; i < points_.size(); ++i) ++points_[i].part;
    }
  }

  std::span<DayPoint> Since(std::pmr::vector<DayPoint>& of, int days) {
    const auto first = std::find_if(of.begin(), of.end(),
                                    [&](const DayPoint& p) { return p.day > today_ - days; });
    return {first, of.end()};
  }

  DaysToLimit Growth() {
    std::pmr::vector<DayPoint> even = points_;
    forecast::TakeOutWeek(even, SlopeOf(even, memory_).per_day, memory_);
    // As long a time as agrees with every shorter one.
    struct Tried {
      int window;
      Slope slope;
    };
    std::array<Tried, kWindows.size()> tried;
    std::size_t count = 0, chosen = 0;
    bool agrees = true, grew = false;
    const int days = today_ - even.front().day + 1;
    for (const int window : kWindows) {
      const std::span<DayPoint> points = Since(even, window);
      if (points.size() < kEnoughOfWindow) continue;
      if (count > 0 && days * 4 < window * 3) break;
      tried[count] = {window, SlopeOf(points, memory_)};
      for (std::size_t n = 0; n < count; ++n)
        agrees = agrees && tried[n].slope.Admits(tried[count].slope.per_day);
      if (agrees) chosen = count;
      grew = grew || tried[count].slope.plain_z > kSure;
      ++count;
    }
    if (count == 0) return Silent(LimitSilence::kTooShort);
    const Slope& slope = tried[chosen].slope;
    out_.per_day = slope.per_day;
    const std::span<const DayPoint> points = Since(even, tried[chosen].window);
    const forecast::Wander wander = forecast::WanderOf(even, slope.per_day, memory_);
    out_.level = LevelAt(points.last(std::min(wander.recent, points.size())), slope.per_day, today_,
                         memory_);
    if (slope.z < -kSure) return Silent(LimitSilence::kFalling);
    if (slope.z <= kSure || slope.per_day <= 0)
      return Silent(grew ? LimitSilence::kStopped : LimitSilence::kNoTrend);
    // What the recent rate was is less sure than what the rate of a long time was.
    Slope wide = slope;
    for (std::size_t n = 0; n < chosen; ++n) {
      wide.low = std::min(wide.low, tried[n].slope.per_day);
      wide.high = std::max(wide.high, tried[n].slope.per_day);
    }
    const double walked =
        kEighty * std::sqrt(1.2 * wander.per_day / static_cast<double>(points.size()));
    wide.low -= walked;
    wide.high += walked;
    DaysToLimit out = Until(out_.level, wide, wander);
    if (out_.resets > 0 && out.silence == LimitSilence::kNone)
      out.high = std::numeric_limits<double>::infinity();
    return out;
  }

  DaysToLimit Until(double level, const Slope& slope, const forecast::Wander& wander) {
    out_.per_day = slope.per_day;
    const double left = std::max(limit_ - level, 0.0);
    if (left > kFar * slope.per_day) return Silent(LimitSilence::kFar);
    out_.days = left / slope.per_day;
    // Where the level may be after so many days: by its own error, its wandering, and the rate's.
    const auto reached = [&](double days, double side) {
      const double rate = side > 0 ? slope.high - slope.per_day : slope.per_day - slope.low;
      const double width =
          kCautious * std::sqrt(kEighty * kEighty * (wander.of_level + wander.per_day * days) +
                                rate * rate * days * days);
      return slope.per_day * days + side * width >= left;
    };
    const auto first = [&](double side) {
      double below = 0, above = kSoonest;
      while (!reached(above, side) && above < 4 * kFar) {
        below = above;
        above *= 1.25;
      }
      if (!reached(above, side)) return std::numeric_limits<double>::infinity();
      for (int n = 0; n < 20; ++n) {
        const double middle = (below + above) / 2;
        (reached(middle, side) ? above : below) = middle;
      }
      return above;
    };
    out_.low = std::min(first(1), out_.days);
    out_.high = std::max(first(-1), out_.days);
    return out_;
  }

  double limit_;
  LevelKind kind_;
  std::pmr::memory_resource* memory_;
  std::pmr::vector<DayPoint> points_;
  std::pmr::vector<std::size_t> steps_;  // indexes of points after them
  std::pmr::vector<double> scratch_;
  int today_ = 0;
  DaysToLimit out_;
};

}  // namespace

DaysToLimit DaysUntil(std::span<const double> levels, double limit, LevelKind kind,
                      std::pmr::memory_resource* memory) {
  return Levels(levels, limit, kind, memory).Judge();
}

}  // namespace assist
