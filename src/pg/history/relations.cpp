// Tables and indexes: what their counters gained, and their sizes.

#include <algorithm>
#include <map>
#include <string>

#include "pg/history/counters.hpp"
#include "pg/history/work.hpp"
#include "pg/relation_files.hpp"

extern "C" {
#include "miscadmin.h"     // for MyDatabaseId
#include "storage/lmgr.h"  // for ConditionalLockRelationOid
}

namespace assist::pg {

namespace {

// Columns of both: oid, id in the dictionary, its name there, schema, name, table, path, what was
// counted the time before, whether there was a time before at all; then counters in the order of
// the kind's columns.
#define ASSIST_RELATION "SELECT c.oid, h.id, h.schema_name || '.' || h.name, n.nspname, c.relname, "

#define ASSIST_FROM                                                   \
  " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"    \
  " LEFT JOIN assist.history_base b ON b.kind = $1 AND b.oid = c.oid" \
  " LEFT JOIN assist.history_relation h ON h.dbid = $2 AND h.relid = c.oid"

#define ASSIST_WHERE                                     \
  " AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'" \
  " AND n.nspname NOT IN ('information_schema', 'assist')"

constexpr const char* kTables = ASSIST_RELATION
    "NULL::name, pg_relation_filepath(c.oid), b.counters,"
    " EXISTS (SELECT 1 FROM assist.history_base WHERE kind = $1),"
    " pg_stat_get_numscans(c.oid), pg_stat_get_tuples_returned(c.oid),"
    " coalesce(i.scans, 0)::int8, coalesce(i.fetched, 0)::int8 + pg_stat_get_tuples_fetched(c.oid),"
    " pg_stat_get_tuples_inserted(c.oid), pg_stat_get_tuples_updated(c.oid),"
    " pg_stat_get_tuples_hot_updated(c.oid), pg_stat_get_tuples_deleted(c.oid),"
    " pg_stat_get_live_tuples(c.oid), pg_stat_get_dead_tuples(c.oid), 0::int8,"
    " pg_stat_get_vacuum_count(c.oid) + pg_stat_get_autovacuum_count(c.oid),"
    " pg_stat_get_analyze_count(c.oid) + pg_stat_get_autoanalyze_count(c.oid),"
    " pg_stat_get_blocks_hit(c.oid), pg_stat_get_blocks_fetched(c.oid) - "
    "pg_stat_get_blocks_hit(c.oid), coalesce(e.scans, 0)::int8, coalesce(e.checks, "
    "0)::int8, coalesce(e.seq_scans, 0)::int8" ASSIST_FROM
    // Of its indexes, and of itself.
    " LEFT JOIN (SELECT coalesce(x.indrelid, u.indexid) AS relid,"
    "   sum(u.executor_scans) FILTER (WHERE x.indrelid IS NOT NULL) AS scans,"
    "   sum(u.constraint_checks) FILTER (WHERE x.indrelid IS NOT NULL) AS checks,"
    "   sum(u.executor_scans + u.constraint_checks) FILTER (WHERE x.indrelid IS NULL) AS seq_scans"
    "   FROM assist._index_use() u LEFT JOIN pg_index x ON x.indexrelid = u.indexid"
    "   WHERE u.dbid = $2 GROUP BY 1) e ON e.relid = c.oid"
    " LEFT JOIN (SELECT indrelid, sum(pg_stat_get_numscans(indexrelid)) AS scans,"
    "   sum(pg_stat_get_tuples_fetched(indexrelid)) AS fetched FROM pg_index GROUP BY indrelid) i "
    "ON i.indrelid = c.oid"
    " WHERE c.relkind IN ('r', 'm')" ASSIST_WHERE;

constexpr const char* kIndexes = ASSIST_RELATION
    "t.relname, pg_relation_filepath(c.oid), b.counters,"
    " EXISTS (SELECT 1 FROM assist.history_base WHERE kind = $1),"
    " coalesce(u.executor_scans, 0), coalesce(u.constraint_checks, 0), pg_stat_get_numscans(c.oid),"
    " pg_stat_get_tuples_returned(c.oid), 0::int8, pg_stat_get_blocks_hit(c.oid),"
    " pg_stat_get_blocks_fetched(c.oid) - pg_stat_get_blocks_hit(c.oid)" ASSIST_FROM
    " JOIN pg_index x ON x.indexrelid = c.oid JOIN pg_class t ON t.oid = x.indrelid"
    " LEFT JOIN assist._index_use() u ON u.indexid = c.oid AND u.dbid = $2"
    " WHERE c.relkind = 'i'" ASSIST_WHERE;

constexpr int kFirstCounter = 9;

// Where in its columns a kind has the size.
std::size_t SizeColumn(HistoryKind kind) {
  const auto columns = ColumnsOf(kind);
  return static_cast<std::size_t>(std::find_if(columns.begin(), columns.end(),
                                               [](const auto& c) { return c.name == "bytes"; }) -
                                  columns.begin());
}

struct Named {
  Oid oid;
  std::string schema, name, table;
};

// Enters relations into the dictionary, or takes over their rows of the same name from before a
// restore; renames those that are called otherwise by now.
void Enter(HistoryKind kind, const std::vector<Named>& relations) {
  if (relations.empty()) return;
  std::vector<std::int64_t> oids;
  std::vector<std::string_view> schemas, names, tables;
  for (const Named& one : relations) {
    oids.push_back(one.oid);
    schemas.push_back(one.schema);
    names.push_back(one.name);
    tables.push_back(one.table);
  }
  const Arg args[] = {Arg::Object(MyDatabaseId), Arg::Int4(static_cast<int>(kind)),
                      Arg::Integers(oids),       Arg::Texts(schemas),
                      Arg::Texts(names),         Arg::Texts(tables)};
#define ASSIST_GIVEN " unnest($3, $4, $5, $6) n (relid, schema_name, name, table_name)"
  Execute(
      "UPDATE assist.history_relation h SET dbid = $1, relid = n.relid::oid FROM" ASSIST_GIVEN
      " WHERE h.kind = $2 AND h.dbid <> $1 AND h.schema_name = n.schema_name AND h.name = n.name"
      " AND NOT EXISTS (SELECT 1 FROM assist.history_relation o WHERE o.dbid = $1 AND o.relid = "
      "n.relid::oid)",
      args);
  Execute(
      "INSERT INTO assist.history_relation AS h (dbid, relid, kind, schema_name, name, table_name, "
      "first_seen, last_seen)"
      " SELECT $1, n.relid::oid, $2, n.schema_name, n.name, nullif(n.table_name, ''), "
      "clock_timestamp(), clock_timestamp()"
      " FROM" ASSIST_GIVEN
      " ON CONFLICT (dbid, relid) DO UPDATE SET schema_name = excluded.schema_name, name = "
      "excluded.name,"
      "  table_name = excluded.table_name, definition = NULL, kind = excluded.kind, last_seen = "
      "excluded.last_seen",
      args);
#undef ASSIST_GIVEN
}

// Definitions of indexes that have none here: asking for that of a partial one opens its table, and
// nobody's lock is waited for; the others have their turn next time.
void Define() {
  constexpr std::size_t kAtOnce = 100;  // tables locked at a time
  struct Index {
    Oid index, table;
  };
  std::vector<Index> missing;
  const Arg args[] = {Arg::Object(MyDatabaseId)};
  QueryFresh(
      "SELECT h.relid, x.indrelid FROM assist.history_relation h JOIN pg_index x ON x.indexrelid = "
      "h.relid"
      " WHERE h.dbid = $1 AND h.kind = 4 AND h.definition IS NULL LIMIT 5000",
      args, [&](const Row& row) {
        missing.push_back({row.Object(0), row.Object(1)});
      });
  for (std::size_t first = 0; first < missing.size(); first += kAtOnce) {
    std::vector<std::int64_t> free;
    std::vector<Oid> locked;
    for (std::size_t i = first; i < std::min(first + kAtOnce, missing.size()); ++i) {
      if (!Guarded([&] { return ConditionalLockRelationOid(missing[i].table, AccessShareLock); }))
        continue;
      locked.push_back(missing[i].table);
      free.push_back(missing[i].index);
    }
    const Arg which[] = {Arg::Object(MyDatabaseId), Arg::Integers(free)};
    Execute(
        "UPDATE assist.history_relation SET definition = pg_get_indexdef(relid)"
        " WHERE dbid = $1 AND kind = 4 AND relid = ANY ($2::oid[])",
        which);
    Guarded([&] {
      for (const Oid table : locked) UnlockRelationOid(table, AccessShareLock);
    });
  }
}

HistoryBlock RelationBlock(HistoryKind kind, const char* sql, std::pmr::memory_resource* memory) {
  const std::size_t columns = ColumnsOf(kind).size(), size = SizeColumn(kind);
  struct Gained {
    Oid oid;
    std::uint32_t key;
  };
  std::pmr::vector<Gained> objects(memory);
  std::pmr::vector<std::uint64_t> gains(memory);
  std::vector<Named> nameless;
  CounterBases bases(kind);
  std::vector<std::int64_t> now(columns);
  std::vector<std::uint64_t> gain(columns);
  const Arg args[] = {Arg::Int4(static_cast<int>(kind)), Arg::Object(MyDatabaseId)};
  Query(sql, args, [&](const Row& row) {
    for (std::size_t c = 0; c < columns; ++c)
      now[c] = row.Integer(kFirstCounter + static_cast<int>(c));
    now[size] = FileBytes(row.Text(6), 0);
    if (!bases.Gain(row.Object(0), now, row, 7, row.Flag(8), gain)) return;
    objects.push_back(
        {row.Object(0), static_cast<std::uint32_t>(row.IsNull(1) ? 0 : row.Integer(1))});
    gains.insert(gains.end(), gain.begin(), gain.end());
    std::string called(row.Text(3));
    called.append(".").append(row.Text(4));
    if (row.IsNull(1) || row.Text(2) != called)
      nameless.push_back({row.Object(0), std::string(row.Text(3)), std::string(row.Text(4)),
                          std::string(row.Text(5))});
  });
  bases.Save();
  Enter(kind, nameless);
  std::map<Oid, std::uint32_t> entered;
  if (!nameless.empty()) {
    std::vector<std::int64_t> oids;
    for (const Named& one : nameless) oids.push_back(one.oid);
    const Arg wanted[] = {Arg::Object(MyDatabaseId), Arg::Integers(oids)};
    QueryFresh(
        "SELECT relid, id FROM assist.history_relation WHERE dbid = $1 AND relid = ANY ($2::oid[])",
        wanted, [&](const Row& row) {
          entered[row.Object(0)] = static_cast<std::uint32_t>(row.Integer(1));
        });
  }
  std::vector<std::uint32_t> ids;
  for (const auto& object : objects) ids.push_back(object.key);
  Touch("history_relation", ids);
  HistoryBuilder builder(kind, memory);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const auto found = entered.find(objects[i].oid);
    const std::uint32_t key = found != entered.end() ? found->second : objects[i].key;
    if (key != 0) builder.Add(key, std::span(gains).subspan(i * columns, columns));
  }
  return std::move(builder).Finish();
}

}  // namespace

void RecordRelations(const HistoryTiers& tiers, int tier, const Interval& interval,
                     std::pmr::memory_resource* memory) {
  StoreBlock(tiers, tier, interval, RelationBlock(HistoryKind::kTable, kTables, memory), memory);
  StoreBlock(tiers, tier, interval, RelationBlock(HistoryKind::kIndex, kIndexes, memory), memory);
  Define();
  Execute(
      "DELETE FROM assist.history_base b WHERE b.kind IN (3, 4)"
      " AND NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = b.oid)");
}

}  // namespace assist::pg
