// Why a statement takes longer (or less long) than it did: what was measured on both sides of the
// moment at which it changed, what happened around it, and the probable causes in their order.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

namespace assist {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// Of one side; per call, but for the first two. kUnknown = not measured.
struct Measures {
  double seconds = 0;  // observed
  double calls_per_hour = 0;
  double mean_ms = 0;
  double rows = 0, blocks_hit = 0, blocks_read = 0, temp_blocks = 0;
  double jit_ms = 0;
  double lock_ms = kUnknown;  // waiting for locks of other sessions
  double io_ms = kUnknown;    // waiting for the disk
  double other_wait_ms = kUnknown;
};

// Plans that ran most of the calls of a side; nodes as "Index Scan using a_b on a", in the order of
// the plan.
struct PlanSide {
  std::int64_t plan = 0;  // 0 = not known
  double share = 0;       // of the calls
  std::vector<std::string> nodes;
};

struct NearEvent {
  enum class Kind : std::uint8_t {
    kDropIndex,
    kInvalidIndex,
    kSetting,
    kSchema,  // other DDL
    kAnalyze,
    kDeploy,
    kRestart
  };
  Kind kind;
  double hours = 0;          // from the onset; negative = before it
  double calls_between = 0;  // calls after it and before the onset: they were as before
  bool touches = false;  // it concerns a relation of the statement, or an index that its plan used
  std::string object = {};  // quoted as needed: ready for SQL
  std::string title = {};   // one line
  std::string undo = {};    // SQL that takes it back; empty = there is none
};

struct TableSides {
  std::string name = {};  // ready for SQL
  double rows_before = kUnknown, rows_after = kUnknown;
  double bytes_before = kUnknown, bytes_after = kUnknown;
  double stale_share = kUnknown;  // rows modified since the last ANALYZE over live rows
};

struct Departure {
  double onset_hours = 1;  // the onset may be so much later than it seems
  Measures before, after;
  PlanSide plan_before, plan_after;
  std::vector<NearEvent> events;  // the latest first
  std::vector<TableSides> tables;
  double requested_checkpoints_before = 0, requested_checkpoints_after = 0;  // an hour
};

struct Cause {
  std::string_view code;    // plan_changed, index_dropped, setting_changed ...: docs/regressions.md
  double score = 0;         // 0 .. 1
  std::string evidence;     // one sentence
  std::string mitigation;   // one sentence
  std::string sql;          // runs as it is; empty = nothing to run
  std::string origin = {};  // what it comes from, the same for all that it hits; empty = not known
};

// Probable causes, the most probable first; those that explain next to nothing are left out. A
// cause's score is how near in time it is, times how specific it is to this statement, times how
// much of the change it can explain.
std::vector<Cause> RankCauses(const Departure& departure);

// What statements that changed at the same time have in common if one thing did it, by their ranked
// causes: the code of the cause and its origin. Another plan is a consequence: what comes after it
// counts.
std::string CommonCause(const std::vector<Cause>& ranked);

// The nodes that only one of the plans has, "- Index Scan using a_b on a, + Seq Scan on a".
std::string PlanDifference(const PlanSide& before, const PlanSide& after);

}  // namespace assist
