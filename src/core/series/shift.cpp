// Change points of a seasonal series.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numbers>

#include "core/series/median.hpp"
#include "core/series/normal.hpp"

namespace assist {

namespace {

constexpr int kSpreadHours = 336;  // two weeks
constexpr std::size_t kEnoughForSpread = 48;
constexpr double kLeastSpread = 0.04879;  // ln 1.05
constexpr double kClip = 3;               // units that one hour counts for at most
constexpr double kFoundK = 0.5, kFoundH = 6, kWarnedK = 1, kWarnedH = 11;
constexpr std::size_t kWindow = 48;  // points on each side of an onset that are compared
constexpr std::size_t kOverPoints = 12,
                      kOverNormal = 9;  // over when so many of so many are normal again
constexpr std::int32_t kNewNormal = 4 * kHoursPerWeek;
constexpr double kQuantile = 1.96;  // 95 %

// How much residuals vary by themselves.
struct Spread {
  double s = 0;        // 0 = not known
  double widened = 1;  // sqrt((1 + rho) / (1 - rho)) for their autocorrelation rho
};

struct Residual {
  std::size_t point;  // index into the points
  std::int32_t hour;
  double r;
};

// Grows while residuals stay away from where they should be.
struct Sum {
  double k, value = 0;
  std::size_t start = 0;  // first residual of the run
  void Add(double z, std::size_t i) {
    if (value == 0) start = i;
    value = std::max(0.0, value + std::clamp(z, -kClip, kClip) - k);
  }
};

struct Moments {
  double n = 0, mean = 0, squares = 0;
  void Add(double x) {
    const double delta = x - mean;
    mean += delta / ++n;
    squares += delta * (x - mean);
  }
  double Error2() const { return n > 1 ? squares / (n - 1) / n : 0; }
};

class Finder {
 public:
  Finder(std::span<const HourPoint> points, const ShiftSettings& settings,
         std::pmr::memory_resource* memory)
      : points_(points),
        settings_(settings),
        level_(points, memory),
        residuals_(memory),
        scratch_(memory),
        out_{std::pmr::vector<Normal>(memory), std::pmr::vector<Shift>(memory)} {}

  Judgement Run() && {
    out_.normal.reserve(points_.size());
    residuals_.reserve(points_.size());
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const Normal normal = level_.Of(points_[i].hour, spread_.s);
      out_.normal.push_back(normal);
      if (normal.from == Normal::From::kLearning) continue;
      residuals_.push_back({i, points_[i].hour, points_[i].value - normal.value});
      Step(residuals_.size() - 1);
    }
    return std::move(out_);
  }

 private:
  struct Side {  // one for each direction
    double sign;
    Sum found{kFoundK}, warned{kWarnedK};
  };

  void Step(std::size_t i) {
    const Residual& now = residuals_[i];
    // Once a day, and not out of a run that is going on.
    if (!open_ && now.hour >= spread_of_ + 24 &&
        (spread_.s == 0 || (up_.found.value == 0 && down_.found.value == 0))) {
      spread_ = SpreadBefore(i);
      spread_of_ = now.hour;
    }
    if (spread_.s == 0) return;
    for (Side* side : {&up_, &down_}) {
      side->found.Add(side->sign * now.r / spread_.s, i);
      side->warned.Add(side->sign * now.r / spread_.s, i);
    }
    if (open_) Continue(i);
    for (Side* side : {&up_, &down_})
      if (!open_ && side->found.value > kFoundH * spread_.widened) Open(i, *side);
    if (open_) Describe(i);
  }

  // The open shift may be over, have gone on to another level, or have become normal.
  void Continue(std::size_t i) {
    const std::int32_t hour = residuals_[i].hour;
    further_.Add((side_->sign * residuals_[i].r - level_of_open_) / spread_.s, i);
    if (IsOver(i)) {
      Close(residuals_[FirstOver(i)].hour);
      Forget();
    } else if (further_.value > kFoundH * spread_.widened &&
               side_->sign * MedianOver(further_.start, i) >
                   level_of_open_ + std::log(settings_.min_ratio)) {
      Close(residuals_[further_.start].hour);
      side_->found = {kFoundK, further_.value, further_.start};
      side_->warned = {kWarnedK, further_.value, further_.start};
      went_on_ = true;
    } else if (hour >= Current().onset + kNewNormal) {
      const double level = MedianOver(onset_, i);
      for (std::size_t n = onset_; n <= i; ++n) residuals_[n].r -= level;
      level_.BeginAnew();
      Current().until = hour;
      open_ = false;
      Forget();
    }
  }

  void Forget() {
    up_.found.value = up_.warned.value = down_.found.value = down_.warned.value = 0;
    went_on_ = false;
  }

  Shift& Current() { return out_.shifts.back(); }

  void Close(std::int32_t until) {
    Current().until = until;
    level_.LeaveOutUntil(until);
    open_ = false;
  }

  void Open(std::size_t i, Side& side) {
    const auto least = static_cast<std::size_t>(settings_.min_points);
    if (i + 1 - side.found.start < least) return;
    // A cheap look before the expensive one: the last points must be away at all.
    if (side.sign * MedianOver(i + 1 - least, i) < std::log(settings_.min_ratio) / 2) return;
    onset_ = Onset(side.found.start, i);
    // Not before the last one was over.
    if (!went_on_ && !out_.shifts.empty() && Current().until != kNever)
      while (onset_ < i && residuals_[onset_].hour < Current().until) ++onset_;
    if (i + 1 - onset_ < least) return;
    const double level = side.sign * MedianOver(onset_, i);
    if (level < std::log(settings_.min_ratio) ||
        std::abs(Impact(i, side.sign * level)) < settings_.min_impact)
      return;
    std::size_t away = 0;  // a few hours far away are no level
    for (std::size_t n = onset_; n <= i; ++n)
      away += side.sign * residuals_[n].r >= std::log(settings_.min_ratio);
    if (away * 3 < (i + 1 - onset_) * 2) return;
    if (IsClockChange(i, level) || Recurs(i, side.sign * level)) return;
    open_ = true;
    side_ = &side;
    level_of_open_ = level;
    further_ = {kWarnedK};
    const bool went_on = went_on_;
    went_on_ = false;
    if (went_on && residuals_[onset_].hour <= Current().onset) {
      // It began where the last one did: that one, at another level than it seemed.
      Current().until = kNever;
      level_.LeaveOutUntil(kNever);
      return;
    }
    if (went_on) {
      Current().until = residuals_[onset_].hour;
      level_.LeaveOutUntil(Current().until);
    }
    out_.shifts.push_back(
        {residuals_[onset_].hour, residuals_[i].hour, kNever, kNever, 1, 1, 1, 1, 0});
    level_.LeaveOutFrom(Current().onset);
  }

  // What it amounts to is known better with every hour.
  void Describe(std::size_t i) {
    const double level = MedianOver(onset_, i);
    const double deviation =
        1.2533 * spread_.s * spread_.widened / std::sqrt(static_cast<double>(i + 1 - onset_));
    const double error = kQuantile * deviation;
    Shift& shift = Current();
    shift.ratio = std::exp(level);
    shift.low = std::exp(level - error);
    shift.high = std::exp(level + error);
    shift.p = std::erfc(std::abs(level) / deviation / std::numbers::sqrt2);
    shift.impact = Impact(i, level);
    if (shift.warned == kNever && side_->warned.value > kWarnedH * spread_.widened &&
        side_->sign * level > std::log(settings_.warn_ratio))
      shift.warned = residuals_[i].hour;
  }

  // Share of the time that would not be there at the normal level.
  double Impact(std::size_t last, double level) {
    scratch_.clear();
    for (std::size_t n = onset_; n <= last; ++n)
      scratch_.push_back(points_[residuals_[n].point].share);
    return MedianOf(std::span(scratch_)) * (1 - std::exp(-level));
  }

  bool IsNormal(std::size_t n) const { return side_->sign * residuals_[n].r < level_of_open_ / 2; }
  bool IsOver(std::size_t i) const {
    if (i + 1 < onset_ + kOverPoints) return false;
    std::size_t normal = 0;
    for (std::size_t n = i + 1 - kOverPoints; n <= i; ++n) normal += IsNormal(n);
    return normal >= kOverNormal;
  }
  std::size_t FirstOver(std::size_t i) const {
    std::size_t n = i + 1 - kOverPoints;
    while (n < i && !IsNormal(n)) ++n;
    return n;
  }

  Spread SpreadBefore(std::size_t i) {
    Spread out;
    scratch_.clear();
    std::size_t first = i;
    for (; first > 0 && residuals_[first - 1].hour >= residuals_[i].hour - kSpreadHours; --first)
      if (!level_.IsLeftOut(residuals_[first - 1].hour))
        scratch_.push_back(residuals_[first - 1].r);
    if (scratch_.size() < kEnoughForSpread) return spread_;
    const double center = MedianOf(std::span(scratch_));
    for (double& value : scratch_) value = std::abs(value - center);
    out.s = std::max(1.4826 * MedianOf(std::span(scratch_)), kLeastSpread);
    double product = 0, square = 0;
    const auto at = [&](std::size_t n) {
      return std::clamp((residuals_[n].r - center) / out.s, -kClip, kClip);
    };
    for (std::size_t n = first; n < i; ++n) {
      if (level_.IsLeftOut(residuals_[n].hour)) continue;
      square += at(n) * at(n);
      if (n > first && residuals_[n].hour == residuals_[n - 1].hour + 1)
        product += at(n) * at(n - 1);
    }
    const double rho = square > 0 ? std::clamp(product / square, 0.0, 0.9) : 0;
    out.widened = std::sqrt((1 + rho) / (1 - rho));
    return out;
  }

  double MedianOver(std::size_t first, std::size_t last) {
    scratch_.clear();
    for (std::size_t n = first; n <= last; ++n) scratch_.push_back(residuals_[n].r);
    return MedianOf(std::span(scratch_));
  }

  // The split, from somewhat before the run on, with the largest difference of means in units of
  // its error.
  std::size_t Onset(std::size_t start, std::size_t last) const {
    std::size_t best = start;
    double best_t = -1;
    for (std::size_t split = start > kWindow / 2 ? start - kWindow / 2 : 0; split <= last;
         ++split) {
      Moments before, after;
      for (std::size_t n = split > kWindow ? split - kWindow : 0; n < split; ++n)
        before.Add(residuals_[n].r);
      for (std::size_t n = split; n <= last && n < split + kWindow; ++n) after.Add(residuals_[n].r);
      if (before.n < 6 || after.n < 3) continue;
      const double t =
          std::abs(after.mean - before.mean) / std::sqrt(before.Error2() + after.Error2() + 1e-9);
      if (t > best_t) {
        best_t = t;
        best = split;
      }
    }
    return best;
  }

  // Whether the points fit what is normal an hour or two earlier or later, in the days after the
  // clock was changed.
  bool IsClockChange(std::size_t last, double level) {
    const std::int32_t change = settings_.clock_change, hour = residuals_[onset_].hour;
    if (change == 0 || hour < change - 2 || hour > change + kHoursPerWeek) return false;
    for (const int lag : {-2, -1, 1, 2}) {
      scratch_.clear();
      for (std::size_t n = onset_; n <= last; ++n) {
        const Normal other = level_.Of(residuals_[n].hour + lag, spread_.s);
        if (other.from != Normal::From::kLearning)
          scratch_.push_back(points_[residuals_[n].point].value - other.value);
      }
      if (scratch_.size() * 2 > last - onset_ &&
          std::abs(MedianOf(std::span(scratch_))) < level / 2)
        return true;
    }
    return false;
  }

  // The level of an hour in the weeks around it.
  bool Around(std::int32_t hour, double* level) const {
    std::array<double, 4> values;
    std::size_t n = 0;
    for (const int week : {-2, -1, 1, 2})
      if (const HourPoint* point = level_.At(hour + week * kHoursPerWeek))
        values[n++] = point->value;
    if (n < 2) return false;
    *level = MedianOf(std::span(values.data(), n));
    return true;
  }

  // Whether the same days of two earlier months were like this: as days from the month's begin, or
  // to its end.
  bool Recurs(std::size_t last, double level) {
    using std::chrono::days, std::chrono::months, std::chrono::sys_days, std::chrono::year_month,
        std::chrono::year_month_day;
    const sys_days day{days{residuals_[onset_].hour / 24}};
    const year_month_day date{day};
    const year_month month = date.year() / date.month();
    for (const bool to_end : {false, true}) {
      int like = 0;
      for (int back = 1; back <= 3; ++back) {
        const year_month earlier = month - months{back};
        const sys_days there = to_end ? sys_days{earlier / std::chrono::last} -
                                            (sys_days{month / std::chrono::last} - day)
                                      : sys_days{earlier / 1} + (day - sys_days{month / 1});
        const auto shifted = static_cast<std::int32_t>((day - there).count() * 24);
        scratch_.clear();
        for (std::size_t n = onset_; n <= last; ++n) {
          const HourPoint* point = level_.At(residuals_[n].hour - shifted);
          double around;
          if (point != nullptr && Around(point->hour, &around))
            scratch_.push_back(point->value - around);
        }
        if (scratch_.size() * 2 <= last - onset_) continue;
        const double then = MedianOf(std::span(scratch_));
        like += then * level > 0 && std::abs(then) >= std::abs(level) / 2;
      }
      if (like >= 2) return true;
    }
    return false;
  }

  std::span<const HourPoint> points_;
  ShiftSettings settings_;
  NormalLevel level_;
  std::pmr::vector<Residual> residuals_;
  std::pmr::vector<double> scratch_;
  Judgement out_;
  Spread spread_;
  std::int32_t spread_of_ = INT32_MIN / 2;
  Side up_{1}, down_{-1};
  // Of the open shift.
  bool open_ = false;
  bool went_on_ = false;  // the last one has, to another level yet to be found
  Side* side_ = nullptr;
  std::size_t onset_ = 0;     // index into residuals_
  double level_of_open_ = 0;  // ln of its ratio when it was found, positive either way
  Sum further_{kWarnedK};
};

}  // namespace

Judgement JudgeSeries(std::span<const HourPoint> points, const ShiftSettings& settings,
                      std::pmr::memory_resource* memory) {
  return Finder(points, settings, memory).Run();
}

}  // namespace assist
