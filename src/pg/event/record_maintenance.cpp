// Runs of VACUUM and ANALYZE, as the cumulative statistics show them: of each table the last run of each kind since the
// last visit.

#include "pg/event/record.hpp"

#include <algorithm>

#include "pg/own_sql.hpp"

extern "C" {
#include "access/xact.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

// Of one visit; the others come with the next.
constexpr std::int64_t kMost = 1000;
// Moments are set a little before they can be seen.
constexpr std::int64_t kSlack = 10 * USECS_PER_SEC;

// Runs after $1 that are not in the table, oldest first. Four look-ups in shared memory per table, and nothing else of
// those that were not touched.
constexpr const char* kRuns =
    "WITH run AS (SELECT c.oid, c.relnamespace, c.relname, k.kind, k.automatic, k.at"
    "  FROM pg_class c CROSS JOIN LATERAL (VALUES"
    "   ('vacuum', false, pg_stat_get_last_vacuum_time(c.oid)),"
    "   ('vacuum', true, pg_stat_get_last_autovacuum_time(c.oid)),"
    "   ('analyze', false, pg_stat_get_last_analyze_time(c.oid)),"
    "   ('analyze', true, pg_stat_get_last_autoanalyze_time(c.oid))) k(kind, automatic, at)"
    "  WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't' AND k.at > $1)"
    " INSERT INTO assist.event (at, kind, object, relation, relation_name, detail)"
    " SELECT r.at, r.kind, n.name, r.oid, n.name, CASE WHEN r.automatic THEN 'automatic' ELSE 'by command' END"
    " FROM run r JOIN LATERAL (SELECT format('%I.%I', s.nspname, r.relname) AS name FROM pg_namespace s"
    "   WHERE s.oid = r.relnamespace AND s.nspname <> 'information_schema') n ON true"
    " WHERE NOT EXISTS (SELECT FROM assist.event e WHERE e.at = r.at AND e.kind = r.kind AND e.relation = r.oid)"
    " ORDER BY r.at LIMIT $2";

}  // namespace

std::int64_t RecordMaintenance(EventPosition& position) {
  // In a transaction of a session statistics may be as they were at its begin.
  const std::int64_t now = GetCurrentTransactionStartTimestamp();
  if (position.maintenance_at == 0) {
    position.maintenance_at = now;
    return 0;
  }
  const Arg args[] = {Arg::Moment(position.maintenance_at - kSlack), Arg::Int8(kMost)};
  const std::int64_t added = Execute(kRuns, args);
  if (added == kMost) {
    // As far as it came.
    QueryFresh("SELECT max(at) FROM (SELECT at FROM assist.event WHERE kind IN ('vacuum', 'analyze')"
               " ORDER BY id DESC LIMIT 1000) e", {},
               [&](const Row& row) { position.maintenance_at = row.Integer(0); });
  } else if (now - position.maintenance_at > 60 * USECS_PER_SEC) {
    position.maintenance_at = now;
  }
  return added;
}

}  // namespace assist::pg
