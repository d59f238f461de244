// Whether a statement's time per call changed at a moment at which something happened.
#pragma once

#include <optional>
#include <span>

namespace assist {

// What is recorded of a statement between two moments.
struct StepSlice {
  double start, until;  // hours since any moment
  double calls, ms;     // ms of all of them
};

// What speaks for a change at that moment.
enum class StepReason : bool {
  kAnything,  // something that may concern any statement, or none
  kOwn        // the statement runs with another plan since
};

struct Step {
  double before_ms, after_ms;  // per call
  double ratio, low, high;     // after / before with its 95 % interval
  double sureness;             // in errors
  double after_calls;
};

// What comes after the onset is compared with what goes before it: with the day, and with the last
// two hours, as they are and as they would have gone on by what happened at this time of yesterday
// and of a week ago, as far as there is enough of each;
// where it did not run in these hours, with what it did at this time of those days. It is a step if
// it differs from all of these levels, by half as long again or more and in the same direction;
// told is the one that it differs from least. So neither a season nor a drift is one, nor what
// began later, or is over. Its error is that of the slices' means (in logarithms) and of the hours
// of the day before: by how much neighbouring ones differ (median), since what is common to the
// slices of an hour does not show in their spread. How often it errs: `make bench-regression`.
//
// REQUIRES: slices ascend and do not overlap; of the kStepHours before the onset and the time after
// it, and those of a week ago from kStepWeekHours before the onset on.
inline constexpr double kStepHours = 26, kStepWeekHours = 170;
std::optional<Step> FindStep(std::span<const StepSlice> slices, double onset, StepReason reason);

// The same comparison, however small what comes out, and however long before or after it ran. Where
// the levels before disagree in which direction it went the ratio is 1, and the interval spans
// them. Nothing where either side has fewer than 30 calls in 3 slices.
std::optional<Step> CompareLevels(std::span<const StepSlice> slices, double onset);

}  // namespace assist
