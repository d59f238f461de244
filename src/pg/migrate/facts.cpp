// The facts of the database that a script touches: a few queries on the catalogs for all of its
// names together. Sizes come from files, so that nothing here waits for a lock on a user's table.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "core/text/text.hpp"
#include "pg/migrate/script.hpp"
#include "pg/own_sql.hpp"
#include "pg/row_sink.hpp"
#include "pg/snapshot/reader.hpp"
#include "pg/store/read.hpp"

extern "C" {
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "storage/proc.h"  // for LockTimeout, StatementTimeout
#include "utils/acl.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

using check::ConstraintKind;
using check::Database;
using check::ObjectName;
using check::Statement;
using check::StatementKind;
using check::Text;

using Names = std::set<std::pair<Text, Text>>;

// Rows of tables below this many bytes are not estimated: planning a statement locks its table.
constexpr std::int64_t kEstimatedFrom = 8 * 1024 * 1024;
constexpr std::size_t kMostEstimates = 20;

void Collect(const Statement& statement, const ObjectName& object, Names& names) {
  if (object.name.empty()) return;
  if (!object.schema.empty()) {
    names.emplace(object.schema, object.name);
    return;
  }
  for (const Text& schema : *statement.search_path) names.emplace(schema, object.name);
}

Names CollectNames(const Script& script) {
  Names names;
  for (const Statement& statement : script.statements) {
    for (const ObjectName& object : statement.objects) Collect(statement, object, names);
    if (statement.parent) Collect(statement, *statement.parent, names);
    if (statement.kind == StatementKind::kCreateIndex && !statement.name.empty())
      Collect(statement, {statement.objects[0].schema, statement.name}, names);
    for (const check::ConstraintSpec& constraint : statement.constraints)
      Collect(statement, constraint.references, names);
    for (const check::ColumnSpec& column : statement.columns)
      for (const check::ConstraintSpec& constraint : column.constraints)
        Collect(statement, constraint.references, names);
    for (const check::AlterCommand& command : statement.commands) {
      Collect(statement, command.other, names);
      Collect(statement, command.constraint.references, names);
      if (!command.constraint.using_index.empty() && !statement.objects.empty())
        Collect(statement, {statement.objects[0].schema, command.constraint.using_index}, names);
      for (const check::ConstraintSpec& constraint : command.column.constraints)
        Collect(statement, constraint.references, names);
    }
  }
  return names;
}

constexpr const char* kFind =
    "SELECT c.oid, i.indrelid,"
    " (SELECT h.inhparent FROM pg_inherits h WHERE h.inhrelid = c.oid AND c.relispartition)"
    " FROM unnest($1::text[], $2::text[]) w(s, r)"
    " JOIN pg_namespace n ON n.nspname = w.s JOIN pg_class c ON c.relnamespace = n.oid AND "
    "c.relname = w.r"
    " LEFT JOIN pg_index i ON i.indexrelid = c.oid";

constexpr const char* kRelations =
    "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relispartition, "
    "tn.nspname, t.relname,"
    " pn.nspname, p.relname,"
    " (SELECT format('%I.%I', dn.nspname, d.relname) FROM pg_partitioned_table pt JOIN pg_class d "
    "ON d.oid = pt.partdefid"
    "  JOIN pg_namespace dn ON dn.oid = d.relnamespace WHERE pt.partrelid = c.oid)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = i.indrelid"
    " LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace"
    " LEFT JOIN pg_inherits h ON h.inhrelid = c.oid AND c.relispartition"
    " LEFT JOIN pg_class p ON p.oid = h.inhparent LEFT JOIN pg_namespace pn ON pn.oid = "
    "p.relnamespace"
    " WHERE c.oid = ANY ($1::oid[]) ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

// Of each relation itself and all below it: its own files.
constexpr const char* kFiles =
    "WITH RECURSIVE tree (root, oid) AS (SELECT c.oid, c.oid FROM pg_class c WHERE c.oid = ANY "
    "($1::oid[])"
    " UNION SELECT t.root, h.inhrelid FROM tree t JOIN pg_inherits h ON h.inhparent = t.oid)"
    " SELECT t.root, c.oid, c.relkind, c.relpages, c.reltuples, c.reltoastrelid, "
    "coalesce(x.relpages, 0), c.oid = t.root,"
    " coalesce(c.oid = (SELECT pt.partdefid FROM pg_partitioned_table pt WHERE pt.partrelid = "
    "t.root), false)"
    " FROM tree t JOIN pg_class c ON c.oid = t.oid LEFT JOIN pg_class x ON x.oid = c.reltoastrelid";

constexpr const char* kColumns =
    "SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull FROM "
    "pg_attribute a"
    " WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY "
    "a.attrelid, a.attnum";

constexpr const char* kConstraints =
    "SELECT k.conrelid, k.conname, k.contype, k.convalidated,"
    " ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i) JOIN pg_attribute "
    "a"
    "  ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i),"
    " CASE WHEN k.contype = 'c' THEN pg_get_constraintdef(k.oid) END, fn.nspname, f.relname"
    " FROM pg_constraint k LEFT JOIN pg_class f ON f.oid = k.confrelid LEFT JOIN pg_namespace fn "
    "ON fn.oid = f.relnamespace"
    " WHERE k.conrelid = ANY ($1::oid[]) AND k.contype IN ('c', 'f', 'p', 'u', 'x') ORDER BY "
    "k.conrelid, k.conname";

constexpr const char* kIndexes =
    "SELECT i.indrelid, n.nspname, c.relname,"
    " ARRAY(SELECT coalesce(a.attname::text, '') FROM unnest(i.indkey::int2[]) WITH ORDINALITY "
    "u(n, p) LEFT JOIN pg_attribute a"
    "  ON a.attrelid = i.indrelid AND a.attnum = u.n AND u.n > 0 WHERE u.p <= i.indnkeyatts ORDER "
    "BY u.p),"
    " i.indisunique, i.indisvalid, i.indisprimary, i.indpred IS NOT NULL,"
    " EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid AND k.conrelid = i.indrelid),"
    " m.amname = 'btree' AND i.indexprs IS NULL AND i.indpred IS NULL AND 0 = ALL "
    "(i.indoption::int2[]), c.oid, c.relpages"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = "
    "c.relnamespace"
    " JOIN pg_am m ON m.oid = c.relam WHERE i.indrelid = ANY ($1::oid[]) ORDER BY i.indrelid, "
    "n.nspname, c.relname";

constexpr const char* kViews =
    "SELECT DISTINCT d.refobjid, coalesce(a.attname::text, ''), format('%I.%I', n.nspname, "
    "v.relname)"
    " FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class"
    " JOIN pg_namespace n ON n.oid = v.relnamespace"
    " LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND "
    "a.attnum > 0"
    " WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass"
    " AND d.refobjid = ANY ($1::oid[]) AND v.oid <> d.refobjid ORDER BY 1, 3, 2";

constexpr const char* kReferences =
    "SELECT k.confrelid, format('%I.%I', n.nspname, c.relname) FROM pg_constraint k JOIN pg_class "
    "c ON c.oid = k.conrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE k.contype = 'f' AND k.confrelid = ANY ($1::oid[]) AND k.conparentid = 0 AND k.conrelid "
    "<> k.confrelid"
    " GROUP BY 1, 2 ORDER BY 1, 2";

// $2 the caller.
constexpr const char* kLocks =
    "SELECT l.relation, l.pid, a.usename, a.state, l.mode, extract(epoch FROM clock_timestamp() - "
    "a.xact_start),"
    " pg_has_role($2::oid, 'pg_read_all_stats', 'USAGE') OR pg_has_role($2::oid, a.usesysid, "
    "'USAGE'),"
    " coalesce(a.backend_type = 'autovacuum worker', false)"
    " FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid() AND l.relation = "
    "ANY ($1::oid[])"
    " AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())"
    " ORDER BY l.relation, 6 DESC NULLS LAST, l.pid";

constexpr const char* kDomains =
    "SELECT w.s, w.r, CASE WHEN c.oid IS NOT NULL THEN format('%I.%I', cn.nspname, c.relname) END, "
    "c.oid, c.relpages, c.relkind = 'p'"
    " FROM unnest($1::text[], $2::text[]) w(s, r) JOIN pg_namespace n ON n.nspname = w.s"
    " JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = w.r AND t.typtype = 'd'"
    " LEFT JOIN pg_attribute a ON a.atttypid = t.oid AND NOT a.attisdropped"
    " LEFT JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'm', 'p')"
    " LEFT JOIN pg_namespace cn ON cn.oid = c.relnamespace ORDER BY 1, 2, 3";

void CopyTexts(const Row& row, int column, check::List<Text>& out) {
  for (const Cell& cell : row.Items(column)) out.emplace_back(cell.text);
}

// SHARE UPDATE EXCLUSIVE of ShareUpdateExclusiveLock.
Text ModeName(std::string_view mode) {
  Text name;
  if (mode.size() > 4 && mode.substr(mode.size() - 4) == "Lock") mode.remove_suffix(4);
  for (std::size_t i = 0; i < mode.size(); ++i) {
    const char c = mode[i];
    if (i > 0 && c >= 'A' && c <= 'Z') name += ' ';
    name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return name;
}

// What a deparsed constraint, CHECK (...), proves.
void ReadProof(std::string_view definition, check::List<Text>& out) {
  const std::size_t open = definition.find('(');
  const std::size_t close = definition.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return;
  Text query("SELECT ");
  query.append(definition.substr(open, close - open + 1));
  ::List* trees = nullptr;
  // A constraint that this cannot read again proves nothing here.
  const ErrorData* error = TrySubtransaction(
      [&] { Guarded([&] { trees = raw_parser(query.c_str(), RAW_PARSE_DEFAULT); }); });
  if (error != nullptr) return;
  if (trees == nullptr) return;
  const Node* statement = lfirst_node(RawStmt, list_head(trees))->stmt;
  if (!IsA(statement, SelectStmt)) return;
  const auto* select = reinterpret_cast<const SelectStmt*>(statement);
  if (select->targetList == NIL) return;
  ProvenColumns(static_cast<ResTarget*>(linitial(select->targetList))->val, out);
}

class FactReader {
 public:
  explicit FactReader(const Script& script) : script_(script) {}

  Database Read() {
    Guarded([&] { caller_ = GetUserId(); });
    all_stats_ = Guarded([] { return reads_all_stats(); });
    database_.lock_timeout_ms = LockTimeout;
    database_.statement_timeout_ms = StatementTimeout;
    const Names names = CollectNames(script_);
    if (names.empty()) return std::move(database_);
    std::vector<std::string_view> schemas, relations;
    for (const auto& [schema, name] : names) {
      schemas.push_back(schema);
      relations.push_back(name);
    }
    {
      const OwnerScope scope;
      Find(schemas, relations);
      ReadDomains();
      if (!oids_.empty()) ReadAll();
    }
    ReadCalls();
    return std::move(database_);
  }

 private:
  check::Relation* Of(Oid oid) {
    const auto found = place_.find(oid);
    return found != place_.end() ? &database_.relations[found->second] : nullptr;
  }
  template <typename F>
  void ForEach(const char* sql, F&& visit) {
    const Arg arg = Arg::Integers(oids_);
    Query(sql, {&arg, 1}, [&](const Row& row) {
      if (check::Relation* relation = Of(row.Object(0)); relation != nullptr) visit(*relation, row);
    });
  }

  void Find(std::span<const std::string_view> schemas, std::span<const std::string_view> names) {
    std::set<std::int64_t> oids;
    const Arg args[] = {Arg::Texts(schemas), Arg::Texts(names)};
    Query(kFind, args, [&](const Row& row) {
      for (int i = 0; i < 3; ++i)
        if (!row.IsNull(i)) oids.insert(row.Integer(i));
    });
    oids_.assign(oids.begin(), oids.end());
  }

  void ReadAll() {
    const Arg arg = Arg::Integers(oids_);
    Query(kRelations, {&arg, 1}, [&](const Row& row) {
      place_[row.Object(0)] = database_.relations.size();
      check::Relation& relation = database_.relations.emplace_back();
      relation.oid = row.Object(0);
      relation.schema = row.Text(1);
      relation.name = row.Text(2);
      text::AppendQualified(relation.qualified, relation.schema, relation.name);
      relation.kind = row.Letter(3);
      relation.temporary = row.Letter(4) == 't';
      relation.unlogged = row.Letter(4) == 'u';
      relation.is_partition = row.Flag(5);
      relation.table = {Text(row.Text(6)), Text(row.Text(7))};
      relation.parent = {Text(row.Text(8)), Text(row.Text(9))};
      relation.default_partition = row.Text(10);
    });
    ReadFiles();
    ReadShape();
    ReadDependants();
  }

  void ReadFiles() {
    std::set<Oid> blocks;  // with a block in any of their files
    ForEach(kFiles, [&](check::Relation& relation, const Row& row) {
      const bool own = row.Flag(7);
      const char kind = row.Letter(2);
      if (!own) ++relation.partitions;
      if (kind != 'r' && kind != 'm' && kind != 'i') return;
      const Oid oid = row.Object(1);
      const std::int64_t bytes = reader::RelationBytes(oid, row.Integer(3));
      std::int64_t total = bytes;
      if (!row.IsNull(5) && row.Object(5) != 0)
        total += reader::RelationBytes(row.Object(5), row.Integer(6));
      relation.bytes += total;
      if (bytes > 0) blocks.insert(relation.oid);
      const double rows = row.Real(4);
      if (rows >= 0) {
        // As the planner scales it to the size of now.
        const double pages = static_cast<double>(row.Integer(3));
        const double scaled =
            pages > 0 ? rows * (static_cast<double>(bytes) / BLCKSZ) / pages : rows;
        relation.rows = std::max(relation.rows, 0.0) + scaled;
      }
      if (row.Flag(8)) {
        relation.default_partition_bytes = bytes;
        relation.default_partition_empty = bytes == 0;
      }
    });
    for (check::Relation& relation : database_.relations) {
      const bool stores = relation.kind == 'r' || relation.kind == 'm' || relation.kind == 'p';
      relation.empty = stores && blocks.count(relation.oid) == 0;
    }
  }

  void ReadShape() {
    ForEach(kColumns, [](check::Relation& relation, const Row& row) {
      relation.columns.push_back({Text(row.Text(1)), Text(row.Text(2)), row.Flag(3)});
    });
    ForEach(kConstraints, [](check::Relation& relation, const Row& row) {
      check::ConstraintFact& fact = relation.constraints.emplace_back();
      fact.name = row.Text(1);
      const char kind = row.Letter(2);
      fact.kind = kind == 'c'   ? ConstraintKind::kCheck
                  : kind == 'f' ? ConstraintKind::kForeignKey
                  : kind == 'p' ? ConstraintKind::kPrimary
                  : kind == 'u' ? ConstraintKind::kUnique
                                : ConstraintKind::kExclusion;
      fact.validated = row.Flag(3);
      CopyTexts(row, 4, fact.columns);
      if (!row.IsNull(5)) fact.check = row.Text(5);
      if (!row.IsNull(7)) fact.references = {Text(row.Text(6)), Text(row.Text(7))};
      if (kind == 'p') relation.primary_key = fact.columns;
    });
    for (check::Relation& relation : database_.relations)
      for (check::ConstraintFact& fact : relation.constraints)
        if (fact.kind == ConstraintKind::kCheck) ReadProof(fact.check, fact.not_null);
    ForEach(kIndexes, [](check::Relation& relation, const Row& row) {
      check::IndexFact& fact = relation.indexes.emplace_back();
      fact.schema = row.Text(1);
      fact.name = row.Text(2);
      CopyTexts(row, 3, fact.keys);
      fact.unique = row.Flag(4);
      fact.valid = row.Flag(5);
      fact.primary = row.Flag(6);
      fact.partial = row.Flag(7);
      fact.constraint = row.Flag(8);
      fact.plain = row.Flag(9);
      fact.bytes = reader::RelationBytes(row.Object(10), row.Integer(11));
      relation.index_bytes += fact.bytes;
    });
  }

  void ReadDependants() {
    ForEach(kViews, [](check::Relation& relation, const Row& row) {
      relation.views.push_back({Text(row.Text(1)), Text(row.Text(2))});
    });
    ForEach(kReferences, [](check::Relation& relation, const Row& row) {
      relation.referenced_by.emplace_back(row.Text(1));
    });
    const Arg args[] = {Arg::Integers(oids_), Arg::Object(caller_)};
    Query(kLocks, args, [&](const Row& row) {
      check::Relation* relation = Of(row.Object(0));
      if (relation == nullptr || row.IsNull(1)) return;
      check::Holder& holder = relation->holders.emplace_back();
      holder.pid = static_cast<std::int32_t>(row.Integer(1));
      holder.mode = ModeName(row.Text(4));
      holder.autovacuum = row.Flag(7);
      holder.visible = !row.IsNull(6) && row.Flag(6);
      if (!holder.visible) return;
      holder.role = row.Text(2);
      holder.state = row.Text(3);
      if (!row.IsNull(5)) holder.seconds = row.Real(5);
    });
  }

  void ReadDomains() {
    std::vector<std::string_view> schemas, names;
    for (const Statement& statement : script_.statements) {
      if (statement.kind != StatementKind::kAlterDomain) continue;
      const ObjectName& object = statement.objects[0];
      if (!object.schema.empty()) {
        schemas.push_back(object.schema);
        names.push_back(object.name);
        continue;
      }
      for (const Text& schema : *statement.search_path) {
        schemas.push_back(schema);
        names.push_back(object.name);
      }
    }
    if (names.empty()) return;
    const Arg args[] = {Arg::Texts(schemas), Arg::Texts(names)};
    Query(kDomains, args, [&](const Row& row) {
      const ObjectName name{Text(row.Text(0)), Text(row.Text(1))};
      if (database_.domains.empty() || database_.domains.back().name.schema != name.schema ||
          database_.domains.back().name.name != name.name)
        database_.domains.push_back({name, {}});
      if (row.IsNull(3) ||
          (!row.Flag(5) && reader::RelationBytes(row.Object(3), row.Integer(4)) == 0))
        return;
      auto& users = database_.domains.back().users;
      if (users.empty() || users.back() != row.Text(2)) users.emplace_back(row.Text(2));
    });
  }

  // Calls a second of the statements whose plans use a relation, since each was first seen.
  void ReadCalls() {
    if (database_.relations.empty() || store() == nullptr) return;
    const TimestampTz now = Guarded([] { return GetCurrentTimestamp(); });
    const std::vector<StatementRow> statements = ReadStatements(true);
    for (const StatementRow& row : statements) {
      if (row.key.dbid != MyDatabaseId || (!all_stats_ && row.key.userid != caller_)) continue;
      constexpr double kLeastSeconds = 60;
      const double seconds =
          std::max(static_cast<double>(now - row.first_seen) / 1e6, kLeastSeconds);
      const char* line = row.relations.c_str();
      while (*line != '\0') {
        char* rest;
        const auto oid = static_cast<Oid>(std::strtoul(line, &rest, 10));
        if (check::Relation* relation = Of(oid); relation != nullptr)
          relation->calls_per_second = std::max(relation->calls_per_second, 0.0) +
                                       static_cast<double>(row.sums.calls) / seconds;
        const char* end = strchr(rest, '\n');
        if (end == nullptr) break;
        line = end + 1;
      }
    }
  }

  const Script& script_;
  Database database_;
  std::vector<std::int64_t> oids_;
  std::map<Oid, std::size_t> place_;
  Oid caller_ = InvalidOid;
  bool all_stats_ = false;
};

}  // namespace

Database ReadDatabase(const Script& script) { return FactReader(script).Read(); }

void EstimateChanges(Script& script, const Database& database) {
  std::size_t estimates = 0;
  for (Statement& statement : script.statements) {
    if ((statement.kind != StatementKind::kUpdate && statement.kind != StatementKind::kDelete) ||
        !statement.where)
      continue;
    const ObjectName& object = statement.objects[0];
    const check::Relation* relation = nullptr;
    if (!object.schema.empty()) relation = database.Find(object.schema, object.name);
    for (std::size_t i = 0;
         object.schema.empty() && relation == nullptr && i < statement.search_path->size(); ++i)
      relation = database.Find((*statement.search_path)[i], object.name);
    if (relation == nullptr || relation->bytes < kEstimatedFrom || ++estimates > kMostEstimates)
      continue;
    Text path;
    for (const Text& schema : *statement.search_path) {
      if (!path.empty()) path += ", ";
      text::AppendIdentifier(path, schema);
    }
    if (path.empty()) path = "\"\"";
    statement.estimated_rows = EstimateRows({statement.source, path.c_str()}, statement.source);
  }
}

}  // namespace assist::pg
