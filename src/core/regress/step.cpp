// Steps: a level after a moment against the levels before it.

#include "assist/step.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace assist {

namespace {

constexpr double kDay = 24, kWeek = 168, kRecent = 2, kLeastSpan = 0.5;  // hours
// Behind another plan of its own; behind what may concern any statement it takes more to be sure.
constexpr double kMinCalls = 30, kMinSlices = 3, kMinSliceCalls = 3;
constexpr double kMinAnyCalls = 100, kMinAnySlices = 15;
// Or as many of longer intervals as there are in an hour.
constexpr double kMinAnyHours = 1, kMinLongSlices = 5;
constexpr double kMinRatio = 1.5, kSureRatio = 1.3;
// No surer than some per cent, however even the slices are.
constexpr double kLeastError = 0.05;
// Of an hour's level, where too few hours were seen to tell.
constexpr double kAssumedHourError = 0.15;
constexpr std::size_t kHourPairsNeeded = 4;
// Neighbouring hours resemble each other, so that they differ by less than hours do.
constexpr double kHourErrors = 1.3;

struct Level {
  double calls = 0, ms = 0, slices = 0, sum = 0, squares = 0;  // of logarithms of the means
  void Add(const StepSlice& slice) {
    calls += slice.calls;
    ms += slice.ms;
    if (slice.calls < kMinSliceCalls || slice.ms <= 0) return;
    const double y = std::log(slice.ms / slice.calls);
    ++slices;
    sum += y;
    squares += y * y;
  }
  bool Enough() const { return calls >= kMinCalls && ms > 0; }
  double Mean() const { return ms / calls; }
  // Of the mean of the logarithms.
  double Error2() const {
    return slices < 2 ? 0 : std::max(0.0, squares - sum * sum / slices) / (slices - 1) / slices;
  }
};

// What happened at the same time of another day: the two hours before it, and the time after it.
struct Jump {
  Level before, after;
  void Add(const StepSlice& slice, double at, double span) {
    const double middle = (slice.start + slice.until) / 2;
    if (middle >= at - kRecent && middle < at) before.Add(slice);
    if (middle >= at && middle < at + std::max(span, slice.until - slice.start)) after.Add(slice);
  }
  bool Enough() const { return before.Enough() && after.Enough(); }
  double Ratio() const { return after.Mean() / before.Mean(); }
};

// How far the level of an hour is from that of others, by chance: from the differences of
// neighbouring hours.
double HourError(std::span<const StepSlice> slices, double onset) {
  std::array<Level, static_cast<std::size_t>(kDay)> hours;
  for (const StepSlice& slice : slices) {
    const double back = onset - slice.until;
    if (back >= 0 && back < kDay) hours[static_cast<std::size_t>(back)].Add(slice);
  }
  std::array<double, static_cast<std::size_t>(kDay)> differences;
  std::size_t n = 0;
  for (std::size_t i = 1; i < hours.size(); ++i)
    if (hours[i - 1].Enough() && hours[i].Enough())
      differences[n++] = std::abs(std::log(hours[i].Mean() / hours[i - 1].Mean()));
  if (n < kHourPairsNeeded) return kAssumedHourError;
  const auto middle = differences.begin() + static_cast<std::ptrdiff_t>(n / 2);
  std::nth_element(differences.begin(), middle,
                   differences.begin() + static_cast<std::ptrdiff_t>(n));
  return *middle * 1.4826 / std::sqrt(2.0);
}

// What lies before the onset, in several ways, and behind it.
struct Sides {
  Level after, before, day, recent;
  Jump yesterday, week;
  double span = kLeastSpan;  // hours behind it
};

Sides Collect(std::span<const StepSlice> slices, double onset) {
  Sides sides;
  sides.span = std::max(slices.back().until - onset, kLeastSpan);
  for (const StepSlice& slice : slices) {
    if (slice.start >= onset) {
      sides.after.Add(slice);
    } else if (slice.until <= onset) {  // an interval that the onset parts says nothing
      sides.before.Add(slice);
      if (slice.start >= onset - kDay) sides.day.Add(slice);
      if (slice.start >= onset - kRecent) sides.recent.Add(slice);
      sides.yesterday.Add(slice, onset - kDay, sides.span);
      sides.week.Add(slice, onset - kWeek, sides.span);
    }
  }
  return sides;
}

// The level before that the one behind the onset differs from least.
struct Normality {
  double ms, error2;
  double least, most;  // changes from all of them, in logarithms
  bool SameWay() const { return least * most > 0; }
};

Normality NormalBefore(const Sides& sides, const Level& day) {
  const double first = std::log(sides.after.Mean() / day.Mean());
  Normality normal{day.Mean(), day.Error2(), first, first};
  double nearest = std::abs(first);
  const auto consider = [&](double level, double error2) {
    const double change = std::log(sides.after.Mean() / level);
    normal.least = std::min(normal.least, change);
    normal.most = std::max(normal.most, change);
    if (std::abs(change) >= nearest) return;
    nearest = std::abs(change);
    normal.ms = level;
    normal.error2 = error2;
  };
  const Level& recent = sides.recent;
  if (recent.Enough()) consider(recent.Mean(), recent.Error2());
  for (const Jump* jump : {&sides.yesterday, &sides.week}) {
    // Where it did not run just before, it is as it was at this time.
    if (recent.Enough() && jump->Enough())
      consider(recent.Mean() * jump->Ratio(), recent.Error2());
    else if (!recent.Enough() && jump->after.Enough())
      consider(jump->after.Mean(), jump->after.Error2());
  }
  return normal;
}

double ErrorOf(const Sides& sides, const Normality& normal, std::span<const StepSlice> slices,
               double onset) {
  const double of_hours = kHourErrors * HourError(slices, onset);
  return std::sqrt(sides.after.Error2() + normal.error2 + kLeastError * kLeastError +
                   of_hours * of_hours);
}

}  // namespace

std::optional<Step> FindStep(std::span<const StepSlice> slices, double onset, StepReason reason) {
  if (slices.empty()) return std::nullopt;
  const Sides sides = Collect(slices, onset);
  const Level& after = sides.after;
  const bool own = reason == StepReason::kOwn;
  const double slices_needed = own                          ? kMinSlices
                               : sides.span >= kMinAnyHours ? kMinLongSlices
                                                            : kMinAnySlices;
  if (after.calls < (own ? kMinCalls : kMinAnyCalls) || after.slices < slices_needed ||
      after.ms <= 0)
    return std::nullopt;
  if (!sides.day.Enough() || sides.day.slices < kMinSlices) return std::nullopt;

  const Normality normal = NormalBefore(sides, sides.day);
  if (!normal.SameWay()) return std::nullopt;
  // It began then, and the last calls are still like that.
  Level first, last;
  for (const StepSlice& slice : slices)
    if (slice.start >= onset && first.calls < after.calls / 2) first.Add(slice);
  for (auto slice = slices.rbegin();
       slice != slices.rend() && slice->start >= onset && last.calls < kMinCalls; ++slice)
    last.Add(*slice);
  const double change = std::log(after.Mean() / normal.ms), least = std::log(kMinRatio);
  const auto changed_by = [&](const Level& level, double by) {
    return std::log(level.Mean() / normal.ms) * (change > 0 ? 1 : -1) >= by;
  };
  if (std::abs(change) < least || !changed_by(last, least) ||
      !changed_by(first, std::abs(change) / 2))
    return std::nullopt;
  const double error = ErrorOf(sides, normal, slices, onset);
  if (std::abs(change) - 1.96 * error < std::log(kSureRatio)) return std::nullopt;
  return Step{.before_ms = normal.ms,
              .after_ms = after.Mean(),
              .ratio = std::exp(change),
              .low = std::exp(change - 1.96 * error),
              .high = std::exp(change + 1.96 * error),
              .sureness = std::abs(change) / error,
              .after_calls = after.calls};
}

std::optional<Step> CompareLevels(std::span<const StepSlice> slices, double onset) {
  if (slices.empty()) return std::nullopt;
  const Sides sides = Collect(slices, onset);
  const Level& after = sides.after;
  const bool today = sides.day.Enough() && sides.day.slices >= kMinSlices;
  const Level& before = today ? sides.day : sides.before;
  if (!after.Enough() || after.slices < kMinSlices || !before.Enough() ||
      before.slices < kMinSlices)
    return std::nullopt;
  const Normality normal = NormalBefore(sides, before);
  const double error = ErrorOf(sides, normal, slices, onset);
  const bool same_way = normal.SameWay();
  const double change = same_way ? std::log(after.Mean() / normal.ms) : 0;
  return Step{.before_ms = same_way ? normal.ms : after.Mean(),
              .after_ms = after.Mean(),
              .ratio = std::exp(change),
              .low = std::exp((same_way ? change : normal.least) - 1.96 * error),
              .high = std::exp((same_way ? change : normal.most) + 1.96 * error),
              .sureness = std::abs(change) / error,
              .after_calls = after.calls};
}

}  // namespace assist
