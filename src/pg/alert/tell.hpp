// Telling of alerts: NOTIFY and the server log. Never a text, a parameter or the name of anything.
#pragma once

#include <cstdint>

namespace assist::pg {

// REQUIRES: a transaction; goes out when it commits. Throws PgError. `kind` is a metric's name,
// `status` and `severity` of assist.alerts.
void TellOfAlert(std::int64_t id, const char* severity, const char* kind, const char* status);

}  // namespace assist::pg
