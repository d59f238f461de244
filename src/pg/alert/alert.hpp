// Alerts: what misses its target, is out of the ordinary, or was found by others, as incidents.
#pragma once

namespace assist::pg {

// Measures what there are thresholds for and keeps assist.alert up to date: times, ratios and
// capacity every five minutes, growth of calls once an hour, of the database once a day. Tells of
// what was opened, became critical or was resolved by NOTIFY assist_events and, with
// assist.log_alerts, in the server log. REQUIRES: OwnerScope, the analysis lock, a transaction with
// an active snapshot. Throws PgError.
void CheckAlerts();

}  // namespace assist::pg
