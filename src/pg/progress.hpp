// What a long run is at, for assist.progress: told through the server's own progress of this
// backend, so that it ends with the transaction, and under a number that the server's views do not
// show.
#pragma once

#include <cstdint>

#include "pg/guard.hpp"

namespace assist::pg {

inline constexpr int kProgressCommand = 100;  // beyond the server's ProgressCommandType

enum class ProgressOf : std::uint8_t { kAnalysis = 1, kAdviseIndexes };

enum class ProgressPhase : std::uint8_t {
  kRecordingHistory = 1,
  kReadingCatalogs,
  kReadingStatements,
  kChoosingIndexes,
  kPlanningWithChosen,
  kVerifying,
  kMeasuringBloat,
  kJudging,
  kStoring
};

// Positions in st_progress_param.
enum ProgressParam {
  PROGRESS_OF,
  PROGRESS_PHASE,
  PROGRESS_STATEMENTS_TOTAL,
  PROGRESS_STATEMENTS_DONE,
  PROGRESS_CANDIDATES,
  PROGRESS_PLANS,
  PROGRESS_PARAMS
};

// A run. Inside another one, or inside a command of the server that reports its own progress, it
// tells nothing by itself; the phases below are told of the outer one.
class ProgressScope {
 public:
  explicit ProgressScope(ProgressOf of);
  ~ProgressScope();
  ProgressScope(const ProgressScope&) = delete;
  ProgressScope& operator=(const ProgressScope&) = delete;

 private:
  bool mine_ = false;
};

// Of the run that goes on, if one does. A phase begins with its counts at 0.
void tell_phase(ProgressPhase phase, std::int64_t statements_total = 0);
void tell_statement_done();
void tell_again();  // after a subtransaction, whose end takes it away
void tell_plans(std::int64_t candidates, std::int64_t plans);

}  // namespace assist::pg
