// What a name of a metric and that of an object mean, and to whom they may be told.

#include <charconv>

#include "pg/history/slices.hpp"
#include "pg/forecast/metric_series.hpp"
#include "pg/own_sql.hpp"
#include "pg/row_sink.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/pg_list.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"  // for SplitIdentifierString
}

namespace assist::pg {

namespace {

constexpr HistoryKind kKinds[] = {HistoryKind::kDatabase, HistoryKind::kStatement,
                                  HistoryKind::kTable, HistoryKind::kIndex};

struct Renamed {
  HistoryKind kind;
  std::string_view column, name;
  double scale;
};
// Columns whose name in the views is another.
constexpr Renamed kRenamed[] = {
    {HistoryKind::kDatabase, "exec_us", "total_exec_time", 0.001},
    {HistoryKind::kDatabase, "bytes", "size_bytes", 1},
    {HistoryKind::kStatement, "exec_us", "total_exec_time", 0.001},
    {HistoryKind::kStatement, "plan_us", "total_plan_time", 0.001},
    {HistoryKind::kStatement, "jit_us", "jit_time", 0.001},
    {HistoryKind::kStatement, "blks_hit", "shared_blks_hit", 1},
    {HistoryKind::kStatement, "blks_read", "shared_blks_read", 1},
    {HistoryKind::kStatement, "blks_dirtied", "shared_blks_dirtied", 1},
    {HistoryKind::kTable, "bytes", "size_bytes", 1},
    {HistoryKind::kIndex, "bytes", "size_bytes", 1},
};
// Made of several columns.
constexpr Metric kMade[] = {
    {HistoryKind::kStatement, "mean_exec_time", {"exec_us"}, 0.001, "calls"},
    {HistoryKind::kTable, "writes", {"n_tup_ins", "n_tup_upd", "n_tup_del"}},
    {HistoryKind::kTable, "reads", {"seq_tup_read", "idx_tup_fetch"}},
};

const char* of_what(HistoryKind kind) {
  switch (kind) {
    case HistoryKind::kStatement:
      return "; of a statement";
    case HistoryKind::kTable:
      return "; of a table";
    case HistoryKind::kIndex:
      return "; of an index";
    default:
      return " those of the database";
  }
}

std::string ViewName(HistoryKind kind, std::string_view column) {
  for (const Renamed& one : kRenamed)
    if (one.kind == kind && one.column == column) return std::string(one.name);
  return std::string(column);
}

[[noreturn]] void RefuseMetric(std::string_view name) {
  std::string hint = "Metrics are";
  for (const HistoryKind kind : kKinds) {
    hint.append(of_what(kind));
    const char* separator = " (";
    const auto add = [&](std::string_view metric) {
      hint.append(separator).append(metric);
      separator = ", ";
    };
    for (const HistoryColumn& column : ColumnsOf(kind)) add(ViewName(kind, column.name));
    for (const Metric& made : kMade)
      if (made.kind == kind) add(made.name);
    hint += ')';
  }
  hint += "; and those that were imported.";
  const std::string named(name);
  Guarded([&] {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("there is no metric \"%s\"", named.c_str()), errhint("%s", hint.c_str())));
  });
  throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "there is no such metric");
}

[[noreturn]] void RefuseObject(const std::string& message, const char* hint) {
  throw AssistError(ERRCODE_NO_DATA_FOUND, message.c_str(), hint);
}

// A table or index by name, as the caller's search_path has it; no error for what is none.
Oid relation_of(const char* text) {
  char* copy = pstrdup(text);
  List* names = NIL;
  if (!SplitIdentifierString(copy, '.', &names) || list_length(names) < 1 || list_length(names) > 2)
    return InvalidOid;
  auto* last = static_cast<char*>(llast(names));
  auto* schema = list_length(names) == 2 ? static_cast<char*>(linitial(names)) : nullptr;
  return RangeVarGetRelid(makeRangeVar(schema, last, -1), NoLock, true);
}

struct Relation {
  Oid oid = InvalidOid;
  char kind = 0;
  bool own = false;
};
Relation relation_facts(const char* text) {
  Relation found;
  found.oid = relation_of(text);
  if (!OidIsValid(found.oid)) return found;
  found.kind = get_rel_relkind(found.oid);
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(found.oid));
  if (!HeapTupleIsValid(tuple)) return Relation{};
  found.own =
      has_privs_of_role(GetUserId(), reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner);
  ReleaseSysCache(tuple);
  return found;
}

std::vector<std::uint32_t> StatementKeys(std::int64_t queryid, bool all, Oid caller) {
  std::vector<std::uint32_t> keys;
  const Arg args[] = {Arg::Int8(queryid), Arg::Bool(all), Arg::Object(caller)};
  Query(
      "SELECT id FROM assist.history_statement WHERE queryid = $1 AND ($2 OR userid = $3"
      " AND role_name = (SELECT rolname FROM pg_roles WHERE oid = $3))",
      args, [&](const Row& row) { keys.push_back(static_cast<std::uint32_t>(row.Integer(0))); });
  return keys;
}

std::vector<std::uint32_t> RelationKeys(Oid relation) {
  std::vector<std::uint32_t> keys;
  const Arg args[] = {Arg::Object(MyDatabaseId), Arg::Object(relation)};
  Query("SELECT id FROM assist.history_relation WHERE dbid = $1 AND relid = $2", args,
        [&](const Row& row) { keys.push_back(static_cast<std::uint32_t>(row.Integer(0))); });
  return keys;
}

bool IsImported(std::string_view name, std::optional<std::string_view> object) {
  bool imported = false;
  const Arg args[] = {Arg::Text(name),
                      object.has_value() ? Arg::Text(*object) : Arg::Null(Arg::Type::kText)};
  Query(
      "SELECT EXISTS (SELECT FROM assist.history_imported WHERE metric = $1 AND ($2 IS NULL OR "
      "object = $2))",
      args, [&](const Row& row) { imported = row.Flag(0); });
  return imported;
}

class Finder {
 public:
  Finder(std::string_view name, std::optional<std::string_view> object)
      : name_(name), object_(object) {
    source_.name = name;
    source_.object = object.value_or("");
    Guarded([&] {
      all_ = reads_all_stats();
      caller_ = GetUserId();
    });
  }

  MetricSource Find() && {
    if (all_) {
      const OwnerScope scope;
      source_.imported = IsImported(name_, source_.object);
    }
    const bool done = object_.has_value() ? FindObject() : FindDatabase();
    if (done || source_.imported) return std::move(source_);
    Refuse();
  }

 private:
  bool FindDatabase() {
    source_.metric = MetricOf(HistoryKind::kDatabase, name_);
    if (!source_.metric.has_value()) return false;
    if (!all_)
      throw AssistError(ERRCODE_INSUFFICIENT_PRIVILEGE,
                        "permission denied for metrics of the database",
                        "Only members of pg_read_all_stats see them.");
    source_.keys = {1};
    return true;
  }

  bool FindObject() { return FindStatement() || FindRelation(); }

  bool FindStatement() {
    const auto metric = MetricOf(HistoryKind::kStatement, name_);
    std::int64_t queryid = 0;
    const auto [end, error] =
        std::from_chars(object_->data(), object_->data() + object_->size(), queryid);
    if (!metric.has_value() || error != std::errc() || end != object_->data() + object_->size())
      return false;
    const OwnerScope scope;
    source_.keys = StatementKeys(queryid, all_, caller_);
    if (source_.keys.empty()) return false;
    source_.metric = metric;
    source_.imported = source_.imported || IsImported(name_, source_.object);
    return true;
  }

  bool FindRelation() {
    if (!MetricOf(HistoryKind::kTable, name_) && !MetricOf(HistoryKind::kIndex, name_))
      return false;
    const Relation found = Guarded([&] { return relation_facts(source_.object.c_str()); });
    if (!OidIsValid(found.oid)) return false;
    const bool index = found.kind == RELKIND_INDEX;
    const HistoryKind kind = index ? HistoryKind::kIndex : HistoryKind::kTable;
    source_.metric = MetricOf(kind, name_);
    if (!source_.metric.has_value() ||
        (!index && found.kind != RELKIND_RELATION && found.kind != RELKIND_MATVIEW)) {
      if (source_.imported) return true;
      throw AssistError(
          ERRCODE_INVALID_PARAMETER_VALUE,
          ("\"" + source_.object + "\" has no metric \"" + source_.name + "\"").c_str(),
          "Tables, materialized views and indexes are recorded; those of a "
          "partitioned table are its partitions.");
    }
    if (!all_ && !found.own)
      throw AssistError(ERRCODE_INSUFFICIENT_PRIVILEGE,
                        ("permission denied for metrics of \"" + source_.object + "\"").c_str(),
                        "Only its owner and members of pg_read_all_stats see them.");
    const OwnerScope scope;
    source_.keys = RelationKeys(found.oid);
    source_.imported = source_.imported || IsImported(name_, source_.object);
    return true;
  }

  [[noreturn]] void Refuse() {
    const bool statements = MetricOf(HistoryKind::kStatement, name_).has_value();
    const bool relations =
        MetricOf(HistoryKind::kTable, name_) || MetricOf(HistoryKind::kIndex, name_);
    bool imported = false;
    if (all_ && !statements && !relations) {
      const OwnerScope scope;
      imported = IsImported(name_, std::nullopt);
    }
    if (!object_.has_value() && (statements || relations || imported))
      throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE,
                        ("metric \"" + source_.name + "\" needs an object").c_str(),
                        statements  ? "Give the query id of a statement as text."
                        : relations ? "Give the name of a table or index."
                                    : "Objects are in assist.history_imported.");
    if (relations && !statements)
      RefuseObject("there is no table or index \"" + source_.object + "\"",
                   "Give its name, qualified where search_path does not find it.");
    if (statements)
      RefuseObject(
          "history knows no object \"" + source_.object + "\" with metric \"" + source_.name + "\"",
          "Query ids are in assist.statement_history; other roles' statements are shown to "
          "members of pg_read_all_stats only.");
    if (imported || MetricOf(HistoryKind::kDatabase, name_))
      RefuseObject("metric \"" + source_.name + "\" has no object \"" + source_.object + "\"",
                   imported ? "Objects are in assist.history_imported."
                            : "It is one of the database: leave the object out.");
    RefuseMetric(name_);
  }

  std::string_view name_;
  std::optional<std::string_view> object_;
  MetricSource source_;
  bool all_ = false;
  Oid caller_ = InvalidOid;
};

}  // namespace

std::optional<Metric> MetricOf(HistoryKind kind, std::string_view name) {
  for (const Metric& made : kMade)
    if (made.kind == kind && made.name == name) return made;
  for (const HistoryColumn& column : ColumnsOf(kind)) {
    Metric metric{kind, column.name, {column.name}};
    for (const Renamed& one : kRenamed)
      if (one.kind == kind && one.column == column.name) {
        metric.name = one.name;
        metric.scale = one.scale;
      }
    if (metric.name != name) continue;
    metric.zero_is_unknown = kind == HistoryKind::kDatabase &&
                             (column.name == "bytes" || column.name == "disk_free_bytes");
    return metric;
  }
  return std::nullopt;
}

MetricSource DatabaseMetric(std::string_view name) {
  MetricSource source;
  source.metric = MetricOf(HistoryKind::kDatabase, name);
  source.keys = {1};
  source.imported = true;
  source.name = name;
  return source;
}

bool IsMetric(std::string_view name) {
  for (const HistoryKind kind : kKinds)
    if (MetricOf(kind, name).has_value()) return true;
  if (!Guarded([] { return reads_all_stats(); })) return false;
  const OwnerScope scope;
  return IsImported(name, std::nullopt);
}

MetricSource FindMetric(std::string_view name, std::optional<std::string_view> object) {
  return Finder(name, object).Find();
}

}  // namespace assist::pg
