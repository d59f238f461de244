// When what can run out will have: once an hour, from levels day by day.
#pragma once

#include "pg/guard.hpp"

namespace assist::pg {

// Writes assist.capacity_forecast, and once a day assist.capacity_level: the level of what history
// does not record. REQUIRES: OwnerScope, the analysis lock. Throws PgError.
void ForecastCapacity();

}  // namespace assist::pg
