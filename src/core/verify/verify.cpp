// What the helped statements take before and after.

#include "assist/verify.hpp"

#include <cmath>

namespace assist {

namespace {

constexpr double kSoonest = 0.5, kSoonestNot = 24, kSettled = 168;  // hours
constexpr double kLeastGain = 0.1;                                  // of their time
constexpr double kHalf = 0.5;
constexpr double kSurelySlower = 1.1;
constexpr double kHoursPerDay = 24;

}  // namespace

MeasuredStatement MeasureHelped(std::span<const StepSlice> slices, double built, double now) {
  MeasuredStatement statement;
  double calls = 0, ms_before = 0, first = now;
  for (const StepSlice& slice : slices) {
    if (slice.until <= built) {
      ms_before += slice.ms;
      first = std::min(first, slice.start);
    } else if (slice.start >= built) {
      calls += slice.calls;
    }
  }
  if (first < built)
    statement.before_ms_per_day = ms_before / std::max(built - first, 1.0) * kHoursPerDay;
  statement.calls_per_day = calls / std::max(now - built, kSoonest) * kHoursPerDay;
  const auto change = CompareLevels(slices, built);
  if (!change) return statement;
  statement.measured = true;
  statement.change = *change;
  statement.saved_ms_per_day = (change->before_ms - change->after_ms) * statement.calls_per_day;
  return statement;
}

Verification Judge(std::span<const MeasuredStatement> statements, double predicted_ms_per_day,
                   double hours_since_built) {
  Verification result;
  double would_take = 0, took = 0, took_measured = 0, low2 = 0, high2 = 0;
  for (const MeasuredStatement& statement : statements) {
    took += statement.before_ms_per_day;
    if (!statement.measured) continue;
    const Step& change = statement.change;
    took_measured += statement.before_ms_per_day;
    would_take += change.before_ms * statement.calls_per_day;
    result.saved_ms_per_day += statement.saved_ms_per_day;
    ++result.measured;
    if (change.low > kSurelySlower) ++result.slower;
    // What it takes now is known; what it would have taken is as sure as the ratio.
    const double now_takes = change.after_ms * statement.calls_per_day;
    const double least = now_takes / change.high - now_takes,
                 most = now_takes / change.low - now_takes;
    low2 += (statement.saved_ms_per_day - least) * (statement.saved_ms_per_day - least);
    high2 += (most - statement.saved_ms_per_day) * (most - statement.saved_ms_per_day);
  }
  result.low = result.saved_ms_per_day - std::sqrt(low2);
  result.high = result.saved_ms_per_day + std::sqrt(high2);
  result.settled = hours_since_built >= kSettled;
  const bool enough = result.measured > 0 && took_measured >= kHalf * took;
  const bool much = result.saved_ms_per_day >= kLeastGain * would_take;
  if (result.measured > 0 && much && result.low > 0 && hours_since_built >= kSoonest)
    result.verdict = Verdict::kHelped;
  else if (enough && !much && result.high < kHalf * predicted_ms_per_day &&
           hours_since_built >= kSoonestNot)
    result.verdict = Verdict::kDidNotHelp;
  else if (result.settled)
    result.verdict = Verdict::kUnclear;
  return result;
}

}  // namespace assist
