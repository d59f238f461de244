// What the server knows about the object of a recommendation.

#include "pg/recommend/facts.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "pg/own_sql.hpp"
#include "pg/recommend/review.hpp"
#include "pg/snapshot/reader.hpp"

namespace assist::pg {

namespace {

class Texts {
 public:
  explicit Texts(std::pmr::memory_resource* memory) : memory_(memory) {}
  std::string_view Keep(std::string_view text) {
    if (text.empty()) return {};
    char* copy = static_cast<char*>(memory_->allocate(text.size(), 1));
    std::memcpy(copy, text.data(), text.size());
    return {copy, text.size()};
  }
  template <typename T>
  std::span<const T> KeepList(const std::vector<T>& items) {
    if (items.empty()) return {};
    T* copy = static_cast<T*>(memory_->allocate(sizeof(T) * items.size(), alignof(T)));
    std::uninitialized_copy(items.begin(), items.end(), copy);
    return {copy, items.size()};
  }

 private:
  std::pmr::memory_resource* memory_;
};

struct KindName {
  std::string_view name;
  Action::Kind kind;
};
constexpr KindName kKinds[] = {
    {"create index", Action::Kind::kCreateIndex},
    {"drop index", Action::Kind::kDropIndex},
    {"reindex", Action::Kind::kReindex},
    {"vacuum", Action::Kind::kVacuum},
    {"vacuum full", Action::Kind::kVacuumFull},
    {"analyze", Action::Kind::kAnalyze},
    {"set parameter", Action::Kind::kSetParameter},
    {"complete index", Action::Kind::kCompleteIndex},
};

Action::Kind KindOf(std::string_view name) {
  for (const KindName& item : kKinds)
    if (item.name == name) return item.kind;
  return Action::Kind::kNone;
}

Action::Scope ScopeOf(std::string_view name) {
  if (name == "database") return Action::Scope::kDatabase;
  if (name == "role") return Action::Scope::kRole;
  if (name == "role in database") return Action::Scope::kRoleInDatabase;
  return Action::Scope::kSystem;
}

constexpr const char* kRecommendation =
    "SELECT r.title, r.rationale, r.action_kind, r.action_scope, coalesce(r.action_relation, "
    "0::oid),"
    " r.action_object, r.action_statement, r.action_parameter, r.action_value, r.action_role,"
    " r.action_definition, current_database(),"
    " coalesce((SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    "  WHERE c.oid = r.relation AND format('%I.%I', n.nspname, c.relname) = r.relation_name), "
    "0::oid)"
    " FROM assist.recommendation r WHERE r.id = $1";

// $1 index, which still has the name $2.
constexpr const char* kIndex =
    "SELECT pg_get_indexdef(c.oid), obj_description(c.oid, 'pg_class'), s.spcname, i.indrelid,"
    " ARRAY(SELECT format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', $2, a.attnum, "
    "a.attstattarget)"
    "  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget > 0 ORDER BY a.attnum), "
    "c.relpages"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = "
    "c.relnamespace"
    " LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace"
    " WHERE c.oid = $1 AND format('%I.%I', n.nspname, c.relname) = $2";

constexpr const char* kTable =
    "SELECT format('%I.%I', n.nspname, c.relname), c.relkind = 'p', greatest(c.reltuples, 0), "
    "c.relpages,"
    " coalesce((SELECT sum(x.relpages) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid"
    "  WHERE i.indrelid = c.oid), 0)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1";

// Direct partitions of $1; for the index $2, which of theirs is attached to it or says the same.
constexpr const char* kPartitions =
    "SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), c.relkind = 'p',"
    " greatest(c.reltuples, 0), c.oid, c.relpages, m.qualified, coalesce(m.attached, false)"
    " FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_namespace n ON n.oid = "
    "c.relnamespace"
    " LEFT JOIN LATERAL ("
    "  SELECT format('%I.%I', xn.nspname, x.relname) AS qualified, a.inhparent IS NOT NULL AS "
    "attached"
    "  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace xn ON xn.oid = "
    "x.relnamespace"
    "  LEFT JOIN pg_inherits a ON a.inhrelid = x.oid"
    "  WHERE i.indrelid = c.oid AND i.indisvalid AND (a.inhparent = $2 OR a.inhparent IS NULL AND"
    "   substring(pg_get_indexdef(x.oid) FROM ' USING .*$') = substring(pg_get_indexdef($2) FROM ' "
    "USING .*$'))"
    "  ORDER BY a.inhparent IS NULL LIMIT 1) m ON true"
    " WHERE h.inhparent = $1 ORDER BY c.relname";

constexpr const char* kSetting =
    "SELECT s.context = 'postmaster' FROM pg_settings s WHERE s.name = $1";
constexpr const char* kPreviousInFile =
    "SELECT f.setting FROM pg_file_settings f"
    " WHERE f.name = $1 AND f.sourcefile ~ '/postgresql\\.auto\\.conf$' ORDER BY f.seqno DESC "
    "LIMIT 1";
// $2 role (NULL = all), $3 whether in this database.
constexpr const char* kPreviousInCatalog =
    "SELECT substr(c.item, strpos(c.item, '=') + 1) FROM pg_db_role_setting d"
    " CROSS JOIN LATERAL unnest(d.setconfig) c(item)"
    " WHERE split_part(c.item, '=', 1) = $1"
    " AND d.setrole = coalesce((SELECT oid FROM pg_roles WHERE rolname = $2), 0::oid)"
    " AND d.setdatabase = CASE WHEN $3 THEN (SELECT oid FROM pg_database WHERE datname = "
    "current_database())"
    "                     ELSE 0::oid END";

void ReadPartitions(Oid table, Oid index, Texts& texts, MigrationFacts& facts) {
  std::vector<PartitionFact> partitions;
  const Arg args[] = {Arg::Object(table), {.type = Arg::Type::kOid, .integer = index}};
  Query(kPartitions, args, [&](const Row& row) {
    PartitionFact& fact = partitions.emplace_back();
    fact.schema = texts.Keep(row.Text(0));
    fact.name = texts.Keep(row.Text(1));
    fact.table = texts.Keep(row.Text(2));
    fact.partitioned = row.Flag(3);
    fact.rows = row.Real(4);
    fact.table_bytes = reader::RelationBytes(row.Object(5), row.Integer(6));
    fact.matching_index = texts.Keep(row.Text(7));
    fact.attached = row.Flag(8);
  });
  if (index == 0)
    for (PartitionFact& fact : partitions) fact.matching_index = {};
  for (const PartitionFact& fact : partitions) {
    facts.rows += fact.rows;
    facts.table_bytes += fact.table_bytes;
  }
  facts.partitions = texts.KeepList(partitions);
}

void ReadTable(Oid oid, Oid index, Texts& texts, MigrationFacts& facts) {
  const Arg arg = Arg::Object(oid);
  Query(kTable, {&arg, 1}, [&](const Row& row) {
    facts.table = texts.Keep(row.Text(0));
    facts.partitioned = row.Flag(1);
    facts.rows = row.Real(2);
    facts.table_bytes = reader::RelationBytes(oid, row.Integer(3));
    if (index == 0 && facts.index_bytes == 0) facts.index_bytes = row.Integer(4) * BLCKSZ;
  });
  if (!facts.partitioned) return;
  facts.rows = 0;
  facts.table_bytes = 0;
  ReadPartitions(oid, index, texts, facts);
}

void ReadIndex(const Action& action, Texts& texts, MigrationFacts& facts) {
  Oid table = 0;
  std::vector<std::string_view> extra;
  const Arg args[] = {Arg::Object(action.relation), Arg::Text(action.object)};
  Query(kIndex, args, [&](const Row& row) {
    facts.current_definition = texts.Keep(row.Text(0));
    facts.current_comment = texts.Keep(row.Text(1));
    facts.tablespace = texts.Keep(row.Text(2));
    table = row.Object(3);
    for (const Cell& item : row.Items(4)) extra.push_back(texts.Keep(item.text));
    facts.index_bytes = reader::RelationBytes(action.relation, row.Integer(5));
  });
  facts.extra_definitions = texts.KeepList(extra);
  if (table != 0) ReadTable(table, action.relation, texts, facts);
}

void ReadParameter(const Action& action, Texts& texts, MigrationFacts& facts) {
  const Arg name = Arg::Text(action.parameter);
  Query(kSetting, {&name, 1}, [&](const Row& row) {
    facts.needs_restart = row.Flag(0);
    facts.needs_reload = !facts.needs_restart;
  });
  const auto take = [&](const Row& row) {
    facts.previous_value = texts.Keep(row.Text(0));
    facts.had_previous = true;
  };
  if (action.scope == Action::Scope::kSystem) {
    Query(kPreviousInFile, {&name, 1}, take);
    return;
  }
  const bool in_database =
      action.scope == Action::Scope::kDatabase || action.scope == Action::Scope::kRoleInDatabase;
  const Arg args[] = {name, Arg::TextOrNull(action.role), Arg::Bool(in_database)};
  Query(kPreviousInCatalog, args, take);
}

}  // namespace

StoredRecommendation ReadRecommendation(std::int64_t id, std::pmr::memory_resource* memory) {
  StoredRecommendation stored(memory);
  Texts texts(memory);
  MigrationFacts& facts = stored.facts;
  Action& action = stored.action;
  bool found = false;
  Oid owner = 0;
  std::string_view definition_then;
  {
    const OwnerScope scope;
    const Arg arg = Arg::Int8(id);
    QueryFresh(kRecommendation, {&arg, 1}, [&](const Row& row) {
      found = true;
      stored.id = id;
      stored.title = texts.Keep(row.Text(0));
      stored.rationale = texts.Keep(row.Text(1));
      action.kind = KindOf(row.Text(2));
      action.scope = ScopeOf(row.Text(3));
      action.relation = row.Object(4);
      action.object = row.Text(5);
      action.statement = row.Text(6);
      action.parameter = row.Text(7);
      action.value = row.Text(8);
      action.role = row.Text(9);
      definition_then = texts.Keep(row.Text(10));
      facts.database = texts.Keep(row.Text(11));
      owner = row.Object(12);
    });
  }
  if (!found || !Guarded([&] { return may_see(owner); })) ThrowUnknownRecommendation(id);
  facts.reason = stored.rationale;

  const OwnerScope scope;
  switch (action.kind) {
    case Action::Kind::kNone:
      break;
    case Action::Kind::kCreateIndex:
    case Action::Kind::kVacuum:
    case Action::Kind::kVacuumFull:
    case Action::Kind::kAnalyze:
      ReadTable(action.relation, 0, texts, facts);
      break;
    case Action::Kind::kDropIndex:
    case Action::Kind::kReindex:
    case Action::Kind::kCompleteIndex:
      ReadIndex(action, texts, facts);
      break;
    case Action::Kind::kSetParameter:
      ReadParameter(action, texts, facts);
      break;
  }
  if (facts.current_definition.empty()) facts.current_definition = definition_then;
  if (action.kind == Action::Kind::kCreateIndex) facts.index_bytes = 0;
  return stored;
}

}  // namespace assist::pg
