// Tables, columns, indexes, keys and foreign keys.

#include <vector>

#include "pg/own_sql.hpp"
#include "pg/relation_files.hpp"
#include "pg/snapshot/reader.hpp"
#include "pg/snapshot/reader_deparse.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "storage/lmgr.h"  // for ConditionalLockRelationOid
#include "utils/builtins.h"
#include "utils/fmgroids.h"  // for pg_relation_size
}

namespace assist::pg::reader {

namespace {

// Relations of users: not temporary, not the server's, not ours.
#define ASSIST_USER_RELATIONS                                                              \
  " c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'" \
  " AND n.nspname <> 'assist'"
// A number among the storage parameters.
#define ASSIST_RELOPTION(name)                                                                   \
  "(SELECT o.option_value FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = '" name \
  "')"
#define ASSIST_EPOCH(moment) "coalesce(extract(epoch FROM " moment "), 0)::float8"

constexpr const char* kTables =
    "SELECT c.oid, coalesce(h.inhparent, 0::oid), n.nspname, c.relname,"
    " format('%I.%I', n.nspname, c.relname), c.relowner, c.relkind,"
    " EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid"
    "          AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'),"
    " coalesce(" ASSIST_RELOPTION("fillfactor") "::int4, 100),"
    " coalesce(" ASSIST_RELOPTION("autovacuum_enabled") "::bool, true),"
    " c.relpages, c.reltuples, pg_relation_filepath(nullif(c.reltoastrelid, 0)),"
    " (SELECT pg_relation_filepath(i.indexrelid) FROM pg_index i WHERE i.indrelid = c.reltoastrelid LIMIT 1),"
    " pg_stat_get_live_tuples(c.oid), pg_stat_get_dead_tuples(c.oid),"
    " pg_stat_get_mod_since_analyze(c.oid), pg_stat_get_tuples_inserted(c.oid),"
    " pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_hot_updated(c.oid),"
    " pg_stat_get_tuples_deleted(c.oid), pg_stat_get_numscans(c.oid), pg_stat_get_tuples_returned(c.oid),"
    " " ASSIST_EPOCH("greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid))") ","
    " " ASSIST_EPOCH("greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid))") ","
    " " ASSIST_EPOCH("s.first_seen") ","
    // A rate needs a day; counters that went backwards were reset.
    " CASE WHEN s.first_seen < clock_timestamp() - interval '1 day' AND v.now >= s.row_versions"
    "  THEN (v.now - s.row_versions) * 86400 / extract(epoch FROM clock_timestamp() - s.first_seen)::float8"
    "  ELSE -1 END, pg_relation_filepath(c.oid)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " CROSS JOIN LATERAL (SELECT pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)"
    "  - pg_stat_get_tuples_hot_updated(c.oid) AS now) v"
    " LEFT JOIN pg_inherits h ON h.inhrelid = c.oid AND c.relispartition"
    " LEFT JOIN assist.object_seen s ON s.oid = c.oid"
    " WHERE c.relkind IN ('r', 'p', 'm') AND" ASSIST_USER_RELATIONS
    " ORDER BY c.oid";

// Statistics of a partitioned table are those over its partitions.
constexpr const char* kColumns =
    "SELECT a.attrelid, a.attnum, a.attname, a.atttypid,"
    " CASE WHEN a.attisdropped THEN '' ELSE format_type(a.atttypid, a.atttypmod) END,"
    " a.attlen, a.attalign, a.attnotnull, a.attisdropped,"
    " s.starelid IS NOT NULL, s.stanullfrac, s.stawidth, s.stadistinct,"
    " CASE 3 WHEN s.stakind1 THEN s.stanumbers1[1] WHEN s.stakind2 THEN s.stanumbers2[1]"
    "  WHEN s.stakind3 THEN s.stanumbers3[1] WHEN s.stakind4 THEN s.stanumbers4[1]"
    "  WHEN s.stakind5 THEN s.stanumbers5[1] END"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    " LEFT JOIN pg_statistic s ON s.starelid = c.oid AND s.staattnum = a.attnum"
    "  AND s.stainherit = (c.relkind = 'p')"
    " WHERE c.relkind IN ('r', 'p', 'm') AND" ASSIST_USER_RELATIONS
    " ORDER BY a.attrelid, a.attnum";

constexpr const char* kIndexes =
    "WITH building AS MATERIALIZED (SELECT p.relid, p.index_relid FROM pg_stat_progress_create_index p"
    " WHERE p.datname = current_database())"
    " SELECT c.oid, i.indrelid, coalesce(h.inhparent, 0::oid), n.nspname, c.relname,"
    " format('%I.%I', n.nspname, c.relname), i.indpred IS NOT NULL, obj_description(c.oid, 'pg_class'),"
    " am.amname, i.indisvalid, i.indisready, i.indislive, i.indisunique, i.indisprimary,"
    " i.indisexclusion, i.indimmediate, i.indnullsnotdistinct, i.indisreplident, i.indisclustered,"
    " EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid),"
    " EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid"
    "          AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'),"
    " i.indexprs IS NOT NULL AND EXISTS (SELECT 1 FROM pg_statistic s WHERE s.starelid = c.oid),"
    " EXISTS (SELECT 1 FROM building p"
    "          WHERE p.index_relid = c.oid OR NOT i.indisvalid AND p.relid = i.indrelid),"
    " c.relkind, coalesce(" ASSIST_RELOPTION("fillfactor") "::int4, CASE am.amname WHEN 'hash' THEN 75 ELSE 90 END),"
    " coalesce(" ASSIST_RELOPTION("deduplicate_items") "::bool, true),"
    " c.relpages, c.reltuples, " ASSIST_EPOCH("s.first_seen") ","
    " pg_stat_get_numscans(c.oid),"
    " ARRAY(SELECT k.attnum FROM unnest(i.indkey) WITH ORDINALITY k(attnum, place)"
    "        WHERE k.place > i.indnkeyatts ORDER BY k.place), pg_relation_filepath(c.oid)"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am am ON am.oid = c.relam"
    " LEFT JOIN pg_inherits h ON h.inhrelid = c.oid"
    " LEFT JOIN assist.object_seen s ON s.oid = c.oid"
    " WHERE" ASSIST_USER_RELATIONS
    " ORDER BY c.oid";

// Deduplication is allowed by support function 4 of the key's operator family; the server brings
// two such functions, of which one asks whether the collation is deterministic.
constexpr const char* kKeys =
    "SELECT i.indexrelid, k.attnum,"
    " k.place,"
    " i.indclass[k.place - 1], o.opcfamily, i.indcollation[k.place - 1], i.indoption[k.place - 1],"
    " array_to_string(a.attoptions, ', '),"
    " EXISTS (SELECT 1 FROM pg_amproc p WHERE p.amprocfamily = o.opcfamily AND p.amprocnum = 4"
    "  AND p.amproclefttype = o.opcintype AND p.amprocrighttype = o.opcintype"
    // Newer minor releases answer false for char(n), whose equal values may differ in trailing
    // blanks.
    "  AND btequalimage(o.opcintype)"
    "  AND (p.amproc = 'btequalimage'::regproc OR p.amproc = 'btvarstrequalimage'::regproc AND"
    "       coalesce((SELECT l.collisdeterministic FROM pg_collation l"
    "                  WHERE l.oid = i.indcollation[k.place - 1]), true))),"
    " a.attlen, a.attalign, s.stawidth, s.stanullfrac, s.stadistinct"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = "
    "c.relnamespace"
    " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k(attnum, place)"
    " JOIN pg_opclass o ON o.oid = i.indclass[k.place - 1]"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.place"
    " LEFT JOIN pg_statistic s ON s.starelid = c.oid AND s.staattnum = k.place AND NOT s.stainherit"
    " WHERE k.place <= i.indnkeyatts AND" ASSIST_USER_RELATIONS " ORDER BY i.indexrelid, k.place";

constexpr const char* kForeignKeys =
    "SELECT k.oid, k.conrelid, k.confrelid, k.conindid, k.conname, k.conkey"
    " FROM pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0";

// Main fork in bytes; -1 when the relation is gone or somebody holds a lock that would have to be
// waited for.
std::int64_t relation_bytes(Oid oid) {
  if (!ConditionalLockRelationOid(oid, AccessShareLock)) return -1;
  LOCAL_FCINFO(call, 2);
  FmgrInfo function;
  fmgr_info(F_PG_RELATION_SIZE_REGCLASS_TEXT, &function);
  InitFunctionCallInfoData(*call, &function, 2, InvalidOid, nullptr, nullptr);
  call->args[0].value = ObjectIdGetDatum(oid);
  call->args[0].isnull = false;
  call->args[1].value = CStringGetTextDatum("main");
  call->args[1].isnull = false;
  const Datum size = FunctionCallInvoke(call);
  UnlockRelationOid(oid, AccessShareLock);
  return call->isnull ? -1 : DatumGetInt64(size);
}

Table* TableOf(Snapshot& snapshot, Oid oid) { return const_cast<Table*>(snapshot.FindTable(oid)); }
Index* IndexOf(Snapshot& snapshot, Oid oid) { return const_cast<Index*>(snapshot.FindIndex(oid)); }

// reltuples is of the last VACUUM or ANALYZE: carried to the pages of now, as the planner does.
double RowsNow(double tuples_then, std::int64_t pages_then, std::int64_t pages) {
  if (tuples_then < 0 || pages_then <= 0) return tuples_then;
  return tuples_then / static_cast<double>(pages_then) * static_cast<double>(pages);
}

void AddTable(Snapshot& snapshot, const Row& row) {
  Table& table = snapshot.tables.emplace_back();
  table.oid = row.Object(0);
  table.parent = row.Object(1);
  table.schema = snapshot.Intern(row.Text(2));
  table.name = snapshot.Intern(row.Text(3));
  table.qualified = snapshot.Intern(row.Text(4));
  table.owner = row.Object(5);
  table.kind = row.Letter(6);
  table.extension_owned = row.Flag(7);
  table.fillfactor = static_cast<std::int32_t>(row.Integer(8));
  table.autovacuum_enabled = row.Flag(9);
  const std::int64_t pages_then = row.Integer(10);
  table.live_rows = row.Integer(14);
  table.dead_rows = row.Integer(15);
  table.modified_since_analyze = row.Integer(16);
  table.inserted = row.Integer(17);
  table.updated = row.Integer(18);
  table.hot_updated = row.Integer(19);
  table.deleted = row.Integer(20);
  table.seq_scans = row.Integer(21);
  table.seq_rows_read = row.Integer(22);
  table.last_vacuum = row.Real(23);
  table.last_analyze = row.Real(24);
  table.created = row.Real(25);
  table.row_versions_per_day = row.Real(26);
  if (table.kind == 'p') {
    table.rows = row.Real(11);
    return;
  }
  table.size_bytes = FileBytes(row.Text(27), pages_then * BLCKSZ);
  table.pages = table.size_bytes / BLCKSZ;
  if (!row.IsNull(12)) table.toast_bytes = FileBytes(row.Text(12), 0);
  if (!row.IsNull(13)) table.toast_bytes += FileBytes(row.Text(13), 0);
  table.total_bytes = table.size_bytes + table.toast_bytes;
  table.rows = RowsNow(row.Real(11), pages_then, table.pages);
}

Column ColumnOf(Snapshot& snapshot, const Row& row) {
  Column column;
  column.number = static_cast<std::int16_t>(row.Integer(1));
  column.name = snapshot.Intern(row.Text(2));
  column.type = row.Object(3);
  column.type_name = snapshot.Intern(row.Text(4));
  column.length = static_cast<std::int16_t>(row.Integer(5));
  column.align = row.Letter(6);
  column.not_null = row.Flag(7);
  column.dropped = row.Flag(8);
  column.has_statistics = row.Flag(9);
  column.null_fraction = row.Real(10);
  column.average_width = row.Real(11);
  column.distinct = row.Real(12);
  column.correlation = row.Real(13);
  return column;
}

void AddIndex(Snapshot& snapshot, const Row& row) {
  Index& index = snapshot.indexes.emplace_back();
  index.oid = row.Object(0);
  index.table = row.Object(1);
  index.parent = row.Object(2);
  index.schema = snapshot.Intern(row.Text(3));
  index.name = snapshot.Intern(row.Text(4));
  index.qualified = snapshot.Intern(row.Text(5));
  index.comment = snapshot.Intern(row.Text(7));
  index.method = snapshot.Intern(row.Text(8));
  index.valid = row.Flag(9);
  index.ready = row.Flag(10);
  index.live = row.Flag(11);
  index.unique = row.Flag(12);
  index.primary = row.Flag(13);
  index.exclusion = row.Flag(14);
  index.immediate = row.Flag(15);
  index.nulls_not_distinct = row.Flag(16);
  index.replica_identity = row.Flag(17);
  index.clustered = row.Flag(18);
  index.backs_constraint = row.Flag(19);
  index.extension_owned = row.Flag(20);
  index.has_expression_statistics = row.Flag(21);
  index.being_built = row.Flag(22);
  index.kind = row.Letter(23);
  index.fillfactor = static_cast<std::int32_t>(row.Integer(24));
  index.deduplicate = row.Flag(25);
  const std::int64_t pages_then = row.Integer(26);
  index.created = row.Real(28);
  index.server_scans = row.Integer(29);
  std::int16_t included[INDEX_MAX_KEYS];
  std::size_t count = 0;
  for (const Cell& item : row.Items(30))
    included[count++] = static_cast<std::int16_t>(item.integer);
  index.included = snapshot.Keep(std::span<const std::int16_t>(included, count));
  if (index.kind == 'i') index.size_bytes = FileBytes(row.Text(31), pages_then * BLCKSZ);
  index.pages = index.size_bytes / BLCKSZ;
  index.entries = RowsNow(row.Real(27), pages_then, index.pages);
  if (Table* table = TableOf(snapshot, index.table)) {
    table->total_bytes += index.size_bytes;
    table->index_scans += index.server_scans;
  }
}

IndexKey KeyOf(Snapshot& snapshot, const Row& row) {
  IndexKey key;
  key.column = static_cast<std::int16_t>(row.Integer(1));
  key.opclass = row.Object(3);
  key.opfamily = row.Object(4);
  key.collation = row.Object(5);
  key.option = static_cast<std::int16_t>(row.Integer(6));
  key.opclass_options = snapshot.Intern(row.Text(7));
  key.equal_image = row.Flag(8);
  key.length = static_cast<std::int16_t>(row.Integer(9));
  key.align = row.Letter(10);
  key.average_width = row.Real(11);
  key.null_fraction = row.Real(12);
  key.distinct = row.Real(13);
  return key;
}

// Statistics of a plain column stand with the table's column.
void CompleteKey(const Snapshot& snapshot, Oid table_oid, IndexKey* key) {
  const Table* table = snapshot.FindTable(table_oid);
  if (table == nullptr || key->column <= 0) return;
  for (const Column& column : table->columns) {
    if (column.number != key->column) continue;
    key->average_width = column.average_width;
    key->null_fraction = column.null_fraction;
    key->distinct = column.distinct;
    if (!column.has_statistics) key->average_width = 0;
    return;
  }
}

}  // namespace

std::int64_t RelationBytes(Oid oid, std::int64_t pages_then) {
  const std::int64_t bytes = Guarded([&] { return relation_bytes(oid); });
  return bytes >= 0 ? bytes : pages_then * BLCKSZ;
}

void ReadTables(Snapshot& snapshot) {
  Query(kTables, [&](const Row& row) { AddTable(snapshot, row); });
  snapshot.Seal();
  std::pmr::vector<Column> columns(snapshot.tables.get_allocator().resource());
  columns.reserve(MaxHeapAttributeNumber);
  Oid current = 0;
  const auto flush = [&] {
    if (Table* table = TableOf(snapshot, current))
      table->columns = snapshot.Keep(std::span<const Column>(columns));
    columns.clear();
  };
  Query(kColumns, [&](const Row& row) {
    if (row.Object(0) != current) flush();
    current = row.Object(0);
    if (snapshot.FindTable(current) != nullptr) columns.push_back(ColumnOf(snapshot, row));
  });
  flush();
}

void ReadIndexes(Snapshot& snapshot, std::pmr::vector<Oid>& unread) {
  Deparser deparser;
  const auto skip = [&](Oid table) {
    if (unread.empty() || unread.back() != table) unread.push_back(table);
  };
  Query(kIndexes, [&](const Row& row) {
    std::string_view definition, predicate;
    if (!deparser.Index(row.Object(0), row.Object(1), row.Flag(6), &definition, &predicate)) {
      skip(row.Object(1));
      return;
    }
    // Dropped since the catalog was read: without a definition nothing can be said about it.
    if (definition.empty()) return;
    AddIndex(snapshot, row);
    snapshot.indexes.back().definition = snapshot.Intern(definition);
    snapshot.indexes.back().predicate = snapshot.Intern(predicate);
  });
  snapshot.Seal();
  IndexKey keys[INDEX_MAX_KEYS];
  std::size_t count = 0;
  Oid current = 0;
  const auto flush = [&] {
    if (Index* index = IndexOf(snapshot, current)) {
      for (std::size_t i = 0; i < count; ++i) CompleteKey(snapshot, index->table, &keys[i]);
      index->keys = snapshot.Keep(std::span<const IndexKey>(keys, count));
    }
    count = 0;
  };
  Query(kKeys, [&](const Row& row) {
    if (row.Object(0) != current) flush();
    current = row.Object(0);
    const Index* index = snapshot.FindIndex(current);
    if (count >= INDEX_MAX_KEYS || index == nullptr) return;
    IndexKey& key = keys[count++] = KeyOf(snapshot, row);
    if (key.column != 0) return;
    std::string_view expression;
    if (!deparser.Key(current, index->table, static_cast<int>(row.Integer(2)), &expression))
      skip(index->table);
    key.expression = snapshot.Intern(expression);
  });
  flush();
  Query(kForeignKeys, [&](const Row& row) {
    std::int16_t columns[INDEX_MAX_KEYS];
    std::size_t n = 0;
    for (const Cell& item : row.Items(5))
      if (n < INDEX_MAX_KEYS) columns[n++] = static_cast<std::int16_t>(item.integer);
    ForeignKey& key = snapshot.foreign_keys.emplace_back();
    key.oid = row.Object(0);
    key.table = row.Object(1);
    key.referenced = row.Object(2);
    key.referenced_index = row.Object(3);
    key.name = snapshot.Intern(row.Text(4));
    key.columns = snapshot.Keep(std::span<const std::int16_t>(columns, n));
  });
}

}  // namespace assist::pg::reader
