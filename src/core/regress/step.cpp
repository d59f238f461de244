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

}  // namespace

std::optional<Step> FindStep(std::span<const StepSlice> slices, double onset, StepReason reason) {
  if (slices.empty()) return std::nullopt;
  Level after, day, recent;
  Jump yesterday, week;
  const double span = std::max(slices.back().until - onset, kLeastSpan);
  for (const StepSlice& slice : slices) {
    if (slice.start >= onset) {
      after.Add(slice);
    } else if (slice.until <= onset) {  // an interval that the onset parts says nothing
      if (slice.start >= onset - kDay) day.Add(slice);
      if (slice.start >= onset - kRecent) recent.Add(slice);
      yesterday.Add(slice, onset - kDay, span);
      week.Add(slice, onset - kWeek, span);
    }
  }
  const bool own = reason == StepReason::kOwn;
  const double slices_needed = own                    ? kMinSlices
                               : span >= kMinAnyHours ? kMinLongSlices
                                                      : kMinAnySlices;
  if (after.calls < (own ? kMinCalls : kMinAnyCalls) || after.slices < slices_needed ||
      after.ms <= 0)
    return std::nullopt;
  if (!day.Enough() || day.slices < kMinSlices) return std::nullopt;

  double normal = day.Mean(), error2 = day.Error2();
  const double change_of_day = std::log(after.Mean() / normal);
  const auto nearer = [&](double level, double its_error2) {
    const double change = std::log(after.Mean() / level);
    if (std::abs(change) < std::abs(std::log(after.Mean() / normal))) {
      normal = level;
      error2 = its_error2;
    }
    return change * change_of_day > 0;
  };
  if (recent.Enough() && !nearer(recent.Mean(), recent.Error2())) return std::nullopt;
  for (const Jump* jump : {&yesterday, &week}) {
    // Where it did not run just before, it is as it was at this time.
    if (recent.Enough() ? jump->Enough() && !nearer(recent.Mean() * jump->Ratio(), recent.Error2())
                        : jump->after.Enough() && !nearer(jump->after.Mean(), jump->after.Error2()))
      return std::nullopt;
  }
  // It began then, and the last calls are still like that.
  Level first, last;
  for (const StepSlice& slice : slices)
    if (slice.start >= onset && first.calls < after.calls / 2) first.Add(slice);
  for (auto slice = slices.rbegin();
       slice != slices.rend() && slice->start >= onset && last.calls < kMinCalls; ++slice)
    last.Add(*slice);
  const double change = std::log(after.Mean() / normal), least = std::log(kMinRatio);
  const auto changed_by = [&](const Level& level, double by) {
    return std::log(level.Mean() / normal) * (change > 0 ? 1 : -1) >= by;
  };
  if (std::abs(change) < least || !changed_by(last, least) ||
      !changed_by(first, std::abs(change) / 2))
    return std::nullopt;
  const double of_hours = kHourErrors * HourError(slices, onset);
  const double error =
      std::sqrt(after.Error2() + error2 + kLeastError * kLeastError + of_hours * of_hours);
  if (std::abs(change) - 1.96 * error < std::log(kSureRatio)) return std::nullopt;
  return Step{.before_ms = normal,
              .after_ms = after.Mean(),
              .ratio = std::exp(change),
              .low = std::exp(change - 1.96 * error),
              .high = std::exp(change + 1.96 * error),
              .sureness = std::abs(change) / error,
              .after_calls = after.calls};
}

}  // namespace assist
