// What a long run is at.

#include "pg/progress.hpp"

#include <cstring>

extern "C" {
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
}

namespace assist::pg {

namespace {

bool going_on = false;
std::int64_t told[PROGRESS_PARAMS];

// All of it, each time.
void publish() {
  if (!going_on) return;
  ProgressCommandType command;
  const int number = kProgressCommand;
  static_assert(sizeof command == sizeof number);
  memcpy(&command, &number, sizeof command);
  static constexpr int kPlaces[PROGRESS_PARAMS] = {
      PROGRESS_OF,         PROGRESS_PHASE,     PROGRESS_STATEMENTS_TOTAL, PROGRESS_STATEMENTS_DONE,
      PROGRESS_CANDIDATES, PROGRESS_PLANS};
  pgstat_progress_start_command(command, InvalidOid);
  pgstat_progress_update_multi_param(PROGRESS_PARAMS, kPlaces, told);
}

}  // namespace

ProgressScope::ProgressScope(ProgressOf of) {
  if (going_on || MyBEEntry == nullptr ||
      MyBEEntry->st_progress_command != PROGRESS_COMMAND_INVALID)
    return;
  mine_ = going_on = true;
  memset(told, 0, sizeof told);
  told[PROGRESS_OF] = static_cast<std::int64_t>(of);
}

ProgressScope::~ProgressScope() {
  if (!mine_) return;
  going_on = false;
  pgstat_progress_end_command();
}

void tell_phase(ProgressPhase phase, std::int64_t statements_total) {
  const std::int64_t of = told[PROGRESS_OF];
  memset(told, 0, sizeof told);
  told[PROGRESS_OF] = of;
  told[PROGRESS_PHASE] = static_cast<std::int64_t>(phase);
  told[PROGRESS_STATEMENTS_TOTAL] = statements_total;
  publish();
}

void tell_statement_done() {
  ++told[PROGRESS_STATEMENTS_DONE];
  publish();
}

void tell_again() { publish(); }

void tell_plans(std::int64_t candidates, std::int64_t plans) {
  told[PROGRESS_CANDIDATES] = candidates;
  told[PROGRESS_PLANS] = plans;
  publish();
}

}  // namespace assist::pg
