// The frame around all kinds of events: position, retention; and marks.

#include "pg/event/record.hpp"

#include "pg/own_sql.hpp"

extern "C" {
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

constexpr int kLongestTitle = 200;  // characters

constexpr const char* kReadPosition =
    "SELECT coalesce(epoch, '-infinity'), sequence, unpublished, coalesce(timeline, 0), reload_at, settings_at,"
    " maintenance_at, CASE WHEN server_version <> current_setting('server_version')"
    "   THEN format('with PostgreSQL %s, before %s', current_setting('server_version'), server_version) END"
    " FROM assist.event_position";

constexpr const char* kWritePosition =
    "INSERT INTO assist.event_position AS p (epoch, sequence, unpublished, timeline, reload_at, settings_at,"
    "  maintenance_at, server_version)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, current_setting('server_version'))"
    " ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, sequence = excluded.sequence,"
    "  unpublished = excluded.unpublished, timeline = excluded.timeline, reload_at = excluded.reload_at,"
    "  settings_at = excluded.settings_at, maintenance_at = excluded.maintenance_at,"
    "  server_version = excluded.server_version"
    " WHERE (p.*) IS DISTINCT FROM (excluded.*)";

EventPosition ReadPosition() {
  EventPosition position;
  QueryFresh(kReadPosition, {}, [&](const Row& row) {
    position.first = false;
    position.epoch = row.Integer(0);
    position.sequence = row.Integer(1);
    position.unpublished = row.Integer(2);
    position.timeline = row.Integer(3);
    position.reload_at = row.Integer(4);
    position.settings_at = row.Integer(5);
    position.maintenance_at = row.Integer(6);
    const std::size_t n = row.Text(7).copy(position.version_note, sizeof position.version_note - 1);
    position.version_note[n] = '\0';
  });
  return position;
}

void WritePosition(const EventPosition& position) {
  const auto moment = [](std::int64_t at) { return at != 0 ? Arg::Moment(at) : Arg::Null(Arg::Type::kMoment); };
  const Arg args[] = {moment(position.epoch),
                      Arg::Int8(position.sequence),
                      Arg::Int8(position.unpublished),
                      Arg::Int4(static_cast<std::int32_t>(position.timeline)),
                      moment(position.reload_at),
                      moment(position.settings_at),
                      moment(position.maintenance_at)};
  Execute(kWritePosition, args);
}

// Moments ahead of the clock are of before it was put back: nobody is to wait until then.
void PutRight(EventPosition& position) {
  const std::int64_t now = GetCurrentTimestamp();
  if (position.maintenance_at > now) position.maintenance_at = now;
  if (position.settings_at > now) position.settings_at = 1;  // compares, and is no baseline
  if (position.reload_at > now) position.reload_at = now;
}

// Three years, and the last 20,000 of each kind. What is deleted at a time is about what was added.
constexpr const char* kForgetMost =
    "DELETE FROM assist.event e USING ("
    "  SELECT k.kind, (SELECT l.id FROM assist.event l WHERE l.kind = k.kind ORDER BY l.id DESC OFFSET 20000 LIMIT 1) AS last"
    "  FROM unnest(ARRAY['ddl', 'setting', 'restart', 'promotion', 'reload', 'mark', 'vacuum', 'analyze', 'lost']) k(kind)) c"
    " WHERE e.kind = c.kind AND e.id <= c.last";
constexpr const char* kForgetOld =
    "DELETE FROM assist.event WHERE id IN (SELECT id FROM assist.event"
    "  WHERE at < clock_timestamp() - interval '3 years' ORDER BY at LIMIT 5000)";

}  // namespace

void RecordEvents() {
  bool there = false;
  Query("SELECT to_regclass('assist.event') IS NOT NULL", [&](const Row& row) { there = row.Flag(0); });
  if (!there) return;
  EventPosition position = ReadPosition();
  PutRight(position);
  const std::int64_t added = RecordRing(position) + RecordSettings(position) + RecordMaintenance(position);
  WritePosition(position);
  if (added == 0) return;
  Execute(kForgetMost);
  Execute(kForgetOld);
}

std::int64_t RecordMark(std::string_view title) {
  const int characters = Guarded([&] { return pg_mbstrlen_with_len(title.data(), static_cast<int>(title.size())); });
  if (title.find_first_not_of(" \t\r\n") == std::string_view::npos)
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "title must not be empty",
                      "Say what happened: SELECT assist.mark('release 4.2');");
  if (characters > kLongestTitle)
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "title is longer than 200 characters",
                      "It is one line among others; details belong to where the change is described.");
  const char* role = nullptr;
  const char* session_role = nullptr;
  Guarded([&] {
    role = GetUserNameFromId(GetUserId(), false);
    session_role = GetUserNameFromId(GetSessionUserId(), true);
  });
  const OwnerScope scope;
  const Arg args[] = {Arg::Text(title), Arg::Text(role), Arg::TextOrNull(session_role != nullptr ? session_role : "")};
  return DatumGetInt64(QuerySingle("INSERT INTO assist.event (kind, detail, role, session_role)"
                                   " VALUES ('mark', $1, $2, $3) RETURNING at",
                                   args)
                           .value);
}

}  // namespace assist::pg
