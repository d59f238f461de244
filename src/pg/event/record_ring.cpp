// Events from the ring.

#include "pg/event/record.hpp"

#include <algorithm>
#include <vector>

#include "pg/event/ring.hpp"
#include "pg/foreign_text.hpp"
#include "pg/own_sql.hpp"

extern "C" {
#include "access/xlog.h"  // for GetWALInsertionTimeLine
#include "miscadmin.h"
#include "tcop/cmdtag.h"
}

namespace assist::pg {

namespace {

// Of a relation that was created the ring has only the name. What is cut might not even be a name.
constexpr const char* kInsert =
    "INSERT INTO assist.event (at, kind, command, object, relation, relation_name, role, session_role, detail, events,"
    "  queryid)"
    " SELECT $1, $2, $3, $4, c.oid, CASE WHEN c.oid IS NOT NULL THEN format('%I.%I', n.nspname, c.relname) END,"
    "  pg_get_userbyid($6)::text, pg_get_userbyid($7)::text, $8, $9, nullif($10, 0)"
    " FROM (SELECT CASE WHEN $3 IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE VIEW',"
    "    'CREATE MATERIALIZED VIEW', 'CREATE SEQUENCE', 'CREATE FOREIGN TABLE') AND octet_length($4) < 135"
    "   THEN to_regclass($4)::oid ELSE $5 END AS oid) r"
    " LEFT JOIN pg_class c ON c.oid = r.oid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace";

std::string_view Valid(const Event& event, const char* text) {
  return Guarded([&] {
    Size length = strlen(text);
    // Names that the whole server shares are in the encoding of whoever gave them.
    const char* here = event.dbid != InvalidOid ? text_here(event.dbid, text, &length) : valid_text(text, &length);
    return std::string_view(here, length);
  });
}

void InsertDdl(const Event& event) {
  const bool sum = event.more > 0;  // and so many more
  const bool failed = (event.flags & kEventFailed) != 0;
  std::string_view detail = Valid(event, event.detail);
  if (failed) detail = "CONCURRENTLY failed: it may have left an index that is not valid";
  const Arg args[] = {Arg::Moment(event.at),
                      Arg::Text("ddl"),
                      sum ? Arg::Null(Arg::Type::kText) : Arg::Text(GetCommandTagName(static_cast<CommandTag>(event.tag))),
                      Arg::TextOrNull(Valid(event, event.object)),
                      Arg::Object(event.relation),
                      Arg::Object(event.userid),
                      Arg::Object(event.session_userid),
                      Arg::TextOrNull(detail),
                      Arg::Int8(sum ? event.more : 1),
                      Arg::Int8(static_cast<std::int64_t>(event.queryid))};
  Execute(kInsert, args);
}

void InsertStart(const Event& event, const char* version_note) {
  const bool unclean = (event.flags & kEventUnclean) != 0;
  const Arg args[] = {Arg::Moment(event.at), Arg::TextOrNull(unclean && version_note[0] == '\0' ? "after a crash" : version_note),
                      Arg::Text(unclean ? "not after a clean shutdown: recovered; events of the last minute before may be missing"
                                        : "after a clean shutdown")};
  Execute("INSERT INTO assist.event (at, kind, command, detail) VALUES ($1, 'restart', $2, $3)", args);
}

std::int64_t RecordPromotion(EventPosition& position) {
  const auto timeline = static_cast<std::int64_t>(Guarded([] { return GetWALInsertionTimeLine(); }));
  const std::int64_t before = position.timeline;
  position.timeline = timeline;
  if (before == 0 || timeline <= before) return 0;
  const Arg args[] = {Arg::Int8(before), Arg::Int8(timeline)};
  return Execute("INSERT INTO assist.event (kind, detail) VALUES ('promotion', format('timeline %s to %s', $1, $2))", args);
}

// With a table that came by dump and restore, what is in it already.
std::int64_t LatestRecorded() {
  std::int64_t latest = 0;
  QueryFresh("SELECT coalesce(max(at), '-infinity') FROM assist.event WHERE kind = 'ddl'", {},
             [&](const Row& row) { latest = row.Integer(0); });
  return latest;
}

}  // namespace

std::int64_t RecordRing(EventPosition& position) {
  std::int64_t added = RecordPromotion(position);
  std::vector<Event> events(kEvents);
  EventRingState state;
  const int count = copy_events(position.first ? 0 : position.epoch, static_cast<uint64>(position.sequence), events.data(), &state);
  if (count < 0) return added;
  events.resize(static_cast<std::size_t>(count));

  const bool same = !position.first && position.epoch == state.epoch;
  const std::uint64_t expected = same ? static_cast<std::uint64_t>(position.sequence) + 1 : 1;
  std::uint64_t lost = events.empty() ? 0 : events.front().sequence - expected;
  lost += state.unpublished - (same ? static_cast<std::uint64_t>(position.unpublished) : 0);
  if (lost > 0 && !position.first) {
    const Arg args[] = {Arg::Int8(static_cast<std::int64_t>(lost)),
                        Arg::Text("of all databases: more came than are kept between two visits")};
    added += Execute("INSERT INTO assist.event (kind, events, detail) VALUES ('lost', $1, $2)", args);
  }

  const std::int64_t since = position.first ? LatestRecorded() : PG_INT64_MIN;
  const auto last_start = std::find_if(events.rbegin(), events.rend(), [](const Event& e) { return e.kind == kEventStart; });
  for (const Event& event : events) {
    if (event.dbid != InvalidOid && event.dbid != MyDatabaseId) continue;
    if (event.kind == kEventStart) {
      // That the server was once started is no news for a database that is new to us.
      if (position.first) continue;
      InsertStart(event, &event == &*last_start ? position.version_note : "");
    } else {
      if (event.at <= since) continue;
      InsertDdl(event);
    }
    ++added;
  }
  position.epoch = state.epoch;
  position.sequence = static_cast<std::int64_t>(state.next - 1);
  position.unpublished = static_cast<std::int64_t>(state.unpublished);
  return added;
}

}  // namespace assist::pg
