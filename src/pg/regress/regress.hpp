// Statements whose time per call is no longer what it was: found in history, explained by what
// happened around it.
#pragma once

#include <cstdint>
#include <vector>

#include "assist/departure.hpp"
#include "pg/history/slices.hpp"

namespace assist::pg {

// Looks for regressions and improvements and keeps assist.regression up to date: after an event
// that may be the cause (a new plan, DDL, a setting, a mark, a restart) at once, and against the
// season when an hour is over. REQUIRES: OwnerScope, the analysis lock, a transaction with an
// active snapshot. Throws PgError.
void FindRegressions();

struct StatementFacts {
  std::uint32_t id = 0;  // in history_statement
  std::vector<std::string> relations;
};

// What there is to say about a statement on both sides of a moment, [since, onset) and [onset,
// until); the moment is known to so many hours.
Departure ReadDeparture(const StatementFacts& statement, const std::vector<Slice>& slices,
                        TimestampTz since, TimestampTz onset, TimestampTz until,
                        double onset_hours);

}  // namespace assist::pg
