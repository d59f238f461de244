// Events on their way into assist.event.
#pragma once

#include <cstdint>
#include <string_view>

#include "pg/guard.hpp"

namespace assist::pg {

// How far this database has come; read from assist.event_position and written back in the same transaction, so that
// a rollback takes nothing away. Moments are TimestampTz, 0 = none.
struct EventPosition {
  bool first = true;                // nothing was recorded yet
  std::int64_t epoch = 0;           // of the ring
  std::int64_t sequence = 0;        // the last event that was taken
  std::int64_t unpublished = 0;     // those that the ring had to give up until then
  std::int64_t timeline = 0;
  std::int64_t reload_at = 0;       // the last reload that is in the table
  std::int64_t settings_at = 0;     // configuration that settings were last compared at
  std::int64_t maintenance_at = 0;  // runs of VACUUM and ANALYZE until then are in the table
  char version_note[96] = "";       // the server's version is another one than it was
};

// Takes what happened since the last visit into assist.event. Does nothing where the extension is older than that
// table. REQUIRES: OwnerScope, a transaction that may write, an active snapshot. Throws PgError.
void RecordEvents();

// Its parts; each returns how many rows it has added.
// From the ring: DDL, starts of the server, what was lost; and promotions.
std::int64_t RecordRing(EventPosition& position);
// Settings of the server, this database and its roles that are not what they were; and reloads.
std::int64_t RecordSettings(EventPosition& position);
// Runs of VACUUM and ANALYZE, by the statistics.
std::int64_t RecordMaintenance(EventPosition& position);

// Records a mark of the caller, in its transaction. The moment. REQUIRES: no OwnerScope. Throws AssistError: 22023.
std::int64_t RecordMark(std::string_view title);

}  // namespace assist::pg
