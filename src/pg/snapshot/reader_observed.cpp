// What was observed, read from the views that users read: one source.

#include <algorithm>

#include "pg/own_sql.hpp"
#include "pg/settings.hpp"
#include "pg/snapshot/reader.hpp"

namespace assist::pg::reader {

namespace {

// Of the statements of this database those with the most time, so that memory stays bounded.
constexpr const char* kStatements =
    "SELECT s.queryid, s.userid, coalesce(r.rolname, ''), s.toplevel, coalesce(s.query, ''),"
    " coalesce(s.command, ''), s.calls, s.total_exec_time, s.mean_exec_time, s.p95_exec_time, "
    "s.rows,"
    " s.temp_blks_read, s.temp_blks_written, s.wal_bytes,"
    " extract(epoch FROM s.first_seen)::float8, extract(epoch FROM s.last_seen)::float8"
    " FROM assist.statements s LEFT JOIN pg_roles r ON r.oid = s.userid"
    " WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " ORDER BY s.total_exec_time DESC LIMIT 20000";

// Per day of each statement's own observation; what was watched for less than an hour is not blown
// up.
constexpr const char* kDatabaseTime =
    "SELECT coalesce(sum(s.total_exec_time * 86400"
    "  / greatest(extract(epoch FROM clock_timestamp() - s.first_seen), 3600)), 0)::float8"
    " FROM assist.statements s WHERE s.toplevel"
    " AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";

constexpr const char* kPredicates =
    "SELECT p.queryid, p.planid, p.userid, p.relation::oid, p.usage, p.columns, p.expressions, "
    "p.operators,"
    " p.executions, p.rows_in, p.rows_out, p.selectivity, p.estimated_selectivity"
    " FROM assist.predicates p WHERE p.relation IS NOT NULL"
    " AND p.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " ORDER BY p.executions * p.rows_in DESC NULLS LAST LIMIT 50000";

constexpr const char* kSpills =
    "SELECT p.queryid, p.userid, coalesce(r.rolname, ''), p.executions, p.temp_bytes, "
    "p.needed_bytes,"
    " coalesce(s.mean_exec_time, 0)"
    " FROM assist._spills() p LEFT JOIN pg_roles r ON r.oid = p.userid"
    " LEFT JOIN assist.statements s ON s.userid = p.userid AND s.dbid = p.dbid AND s.queryid = "
    "p.queryid"
    "  AND s.toplevel = p.toplevel"
    " WHERE p.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";

constexpr const char* kSpillingDatabases =
    "SELECT count(DISTINCT dbid) FROM assist.statements WHERE temp_blks_written > 0";

constexpr const char* kIndexUse =
    "SELECT index::oid, executor_scans, tuples, constraint_checks,"
    " coalesce(extract(epoch FROM last_use), 0)::float8 FROM assist.index_use";

// Of the nodes that list an index the one known for the shortest time counts, and the one that was
// heard of longest ago.
constexpr const char* kImportedUse =
    "SELECT to_regclass(index_name)::oid, extract(epoch FROM max(first_import))::float8,"
    " extract(epoch FROM min(last_import))::float8, coalesce(extract(epoch FROM max(last_use)), "
    "0)::float8"
    " FROM assist.imported_index_use WHERE to_regclass(index_name) IS NOT NULL GROUP BY 1";

PredicateUse UseOf(std::string_view usage) {
  if (usage == "index") return PredicateUse::kIndex;
  if (usage == "join") return PredicateUse::kJoin;
  if (usage == "sort") return PredicateUse::kSort;
  if (usage == "group") return PredicateUse::kGroup;
  return PredicateUse::kFilter;
}

constexpr std::size_t kMostColumns = 32;

std::span<const std::string_view> Texts(Snapshot& snapshot, std::span<const Cell> items) {
  std::string_view texts[kMostColumns];
  const std::size_t n = std::min(items.size(), kMostColumns);
  for (std::size_t i = 0; i < n; ++i) texts[i] = snapshot.Intern(items[i].text);
  return snapshot.Keep(std::span<const std::string_view>(texts, n));
}

void ReadStatements(Snapshot& snapshot) {
  Query(kStatements, [&](const Row& row) {
    Statement& statement = snapshot.statements.emplace_back();
    statement.query_id = row.Integer(0);
    statement.user = row.Object(1);
    statement.role = snapshot.Intern(row.Text(2));
    statement.top_level = row.Flag(3);
    statement.text = snapshot.Intern(row.Text(4));
    statement.command = snapshot.Intern(row.Text(5));
    statement.calls = row.Integer(6);
    statement.total_ms = row.Real(7);
    statement.mean_ms = row.Real(8);
    statement.p95_ms = row.Real(9);
    statement.rows = row.Real(10);
    statement.temp_blocks_read = row.Integer(11);
    statement.temp_blocks_written = row.Integer(12);
    statement.wal_bytes = row.Integer(13);
    statement.first_seen = row.Real(14);
    statement.last_seen = row.Real(15);
  });
  Query(kDatabaseTime, [&](const Row& row) { snapshot.server.database_ms_per_day = row.Real(0); });
}

void ReadPredicates(Snapshot& snapshot) {
  Query(kPredicates, [&](const Row& row) {
    Predicate& predicate = snapshot.predicates.emplace_back();
    predicate.query_id = row.Integer(0);
    predicate.plan_id = row.Integer(1);
    predicate.user = row.Object(2);
    predicate.relation = row.Object(3);
    predicate.use = UseOf(row.Text(4));
    predicate.columns = Texts(snapshot, row.Items(5));
    predicate.expressions = Texts(snapshot, row.Items(6));
    predicate.operators = Texts(snapshot, row.Items(7));
    predicate.executions = row.Real(8);
    predicate.rows_in = row.Real(9);
    predicate.rows_out = row.Real(10);
    predicate.selectivity = row.Real(11);
    predicate.estimated_selectivity = row.Real(12);
  });
}

void ReadSpills(Snapshot& snapshot) {
  Query(kSpills, [&](const Row& row) {
    snapshot.spills.push_back({.query_id = row.Integer(0),
                               .user = row.Object(1),
                               .role = snapshot.Intern(row.Text(2)),
                               .executions = row.Integer(3),
                               .temp_bytes_per_call = row.Real(4),
                               .needed_bytes = row.Real(5),
                               .ms_per_call = row.Real(6)});
  });
  Query(kSpillingDatabases, [&](const Row& row) {
    snapshot.server.spilling_databases = static_cast<std::int32_t>(row.Integer(0));
  });
}

void ReadIndexUse(Snapshot& snapshot) {
  Query(kIndexUse, [&](const Row& row) {
    auto* index = const_cast<Index*>(snapshot.FindIndex(row.Object(0)));
    if (index == nullptr) return;
    index->executor_scans = row.Integer(1);
    index->executor_rows = row.Integer(2);
    index->constraint_checks = row.Integer(3);
    index->last_use = row.Real(4);
  });
  // After the counters: what gives way meanwhile is told of.
  snapshot.server.index_use_since = IndexUseSince();
  // A database that has not been updated yet has no such table.
  bool there = false;
  Query("SELECT to_regclass('assist.imported_index_use') IS NOT NULL",
        [&](const Row& row) { there = row.Flag(0); });
  if (!there) return;
  Query(kImportedUse, [&](const Row& row) {
    auto* index = const_cast<Index*>(snapshot.FindIndex(row.Object(0)));
    if (index == nullptr) return;
    index->imported_since = row.Real(1);
    index->imported_last = row.Real(2);
    index->imported_last_use = row.Real(3);
  });
}

}  // namespace

Needs ReadObserved(Snapshot& snapshot) {
  if (!is_preloaded()) return Needs::kNothing;
  ReadStatements(snapshot);
  ReadPredicates(snapshot);
  ReadSpills(snapshot);
  ReadIndexUse(snapshot);
  return Needs::kStatements | Needs::kSpills | Needs::kIndexUse;
}

}  // namespace assist::pg::reader
