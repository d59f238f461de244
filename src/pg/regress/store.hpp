// assist.regression: what was found, merged with what is there.
#pragma once

#include "pg/regress/regress.hpp"

namespace assist::pg {

struct RegressionRow {
  std::uint32_t statement;
  bool seasonal;  // found against the season, else after an event
  bool warning;
  TimestampTz onset, until;  // until: 0 = not over
  double before_ms, after_ms, ratio, low, high, impact;
};

// REQUIRES (all): OwnerScope. Throw PgError.

// False where the extension is older than these tables.
bool HasRegressions();
// Once for each hour of the clock.
bool HourIsOver();
StatementFacts ReadStatementFacts(std::uint32_t statement);
// A new one, or what is known by now of one that began within a day of it. Those that began within
// half an hour of each other with the same cause are one incident.
void StoreRegression(const RegressionRow& row, const Departure& departure);
// Ends those whose statements have been as before for a while.
void CloseRegressions(TimestampTz now);

}  // namespace assist::pg
