// Whether an index that was recommended, and is there now, does what was predicted.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "assist/snapshot.hpp"
#include "assist/step.hpp"

namespace assist {

// An index of the table of `definition` that serves whatever the recommended one would: the same
// method; the same keys first (b-tree) or the same keys (others); its INCLUDE columns, as those or
// as keys; no predicate or the same. Usable by the planner. nullptr = none.
const Index* FindBuilt(const Snapshot& snapshot, Oid table, std::string_view definition);

// One of the statements that were to be helped.
struct MeasuredStatement {
  bool measured = false;           // enough calls on both sides
  Step change = {};                // if measured
  double before_ms_per_day = 0;    // what it took
  double calls_per_day = 0;        // since then
  double saved_ms_per_day = 0;     // at these calls
};

enum class Verdict : std::uint8_t {
  kMeasuring,
  kHelped,
  kDidNotHelp,
  kUnclear  // the time is up
};

struct Verification {
  Verdict verdict = Verdict::kMeasuring;
  double saved_ms_per_day = 0, low = 0, high = 0;  // 95 % interval
  int measured = 0, slower = 0;                    // statements; surely slower by a tenth
  bool settled = false;                            // nothing more is to come
};

// Of one statement: its slices (as CompareLevels wants them), the moment at which the index was
// there, and now, in hours.
MeasuredStatement MeasureHelped(std::span<const StepSlice> slices, double built, double now);

// Of all of them. Helped: surely something, and a tenth of their time or more, after half an hour at
// the earliest. Did not help: less than that, surely less than half of what was predicted, after a
// day, and measured are those that took half of the time. After a week it is settled.
Verification Judge(std::span<const MeasuredStatement> statements, double predicted_ms_per_day,
                   double hours_since_built);

}  // namespace assist
