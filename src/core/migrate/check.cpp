// Runs through a script: each statement is looked at by its family, then takes effect on the state
// that the next one meets.

#include "core/migrate/check.hpp"

#include <algorithm>

namespace assist::check {

const Relation* Database::Find(std::string_view schema, std::string_view name) const {
  const auto found = std::lower_bound(relations.begin(), relations.end(), std::pair(schema, name),
                                      [](const Relation& relation, const auto& key) {
                                        return std::pair<std::string_view, std::string_view>(
                                                   relation.schema, relation.name) < key;
                                      });
  return found != relations.end() && found->schema == schema && found->name == name ? &*found
                                                                                    : nullptr;
}

List<Hazard> CheckScript(std::span<const Statement> script, const Database& database) {
  return Checker(script, database).Run();
}

List<Hazard> Checker::Run() {
  lock_timeout_ = outer_lock_timeout_ = database_.lock_timeout_ms;
  statement_timeout_ = outer_statement_timeout_ = database_.statement_timeout_ms;
  for (const Statement& s : script_) {
    now_ = &s;
    if (!in_transaction_) {
      ++transaction_;
      held_.clear();
    }
    CheckTransaction(s);
    CheckEnum(s);
    CheckInsideTransaction(s);
    switch (s.kind) {
      case StatementKind::kCreateIndex:
      case StatementKind::kReindex:
        CheckIndex(s);
        break;
      case StatementKind::kAlterTable:
        CheckAlterTable(s);
        break;
      case StatementKind::kAlterDomain:
        CheckDomain(s);
        break;
      case StatementKind::kCreateTable:
        CheckCreateTable(s);
        break;
      case StatementKind::kDrop:
        if (s.object_type == ObjectType::kIndex)
          CheckIndex(s);
        else
          CheckDestructive(s);
        break;
      case StatementKind::kTruncate:
        CheckDestructive(s);
        break;
      case StatementKind::kRename:
      case StatementKind::kSetSchema:
      case StatementKind::kRenameEnumValue:
        CheckRename(s);
        break;
      case StatementKind::kUpdate:
      case StatementKind::kDelete:
        CheckData(s);
        break;
      default:
        CheckCommand(s);
        break;
    }
  }
  Finish();
  return std::move(hazards_);
}

Object* Checker::Resolve(const Statement& s, const ObjectName& name) {
  if (name.name.empty()) return nullptr;
  const auto at = [&](const Text& schema) -> Object* {
    const auto key = std::pair(schema, name.name);
    const auto known = objects_.find(key);
    if (known != objects_.end()) return known->second.dropped ? nullptr : &known->second;
    const Relation* facts = database_.Find(schema, name.name);
    if (facts == nullptr) return nullptr;
    Object& object = objects_[key];
    object.schema = schema;
    object.name = name.name;
    object.qualified = facts->qualified;
    object.facts = facts;
    return &object;
  };
  if (!name.schema.empty()) return at(name.schema);
  if (s.search_path == nullptr) return nullptr;
  for (const Text& schema : *s.search_path)
    if (Object* object = at(schema); object != nullptr) return object;
  return nullptr;
}

Object& Checker::Create(const Statement& s, const ObjectName& name) {
  Text schema = name.schema;
  if (schema.empty() && s.search_path != nullptr && !s.search_path->empty())
    schema = s.search_path->front();
  Object& object = objects_[std::pair(schema, name.name)];
  object = {};
  object.schema = schema;
  object.name = name.name;
  text::AppendQualified(object.qualified, schema, name.name);
  object.created = true;
  return object;
}

const AddedConstraint* Checker::Added(const Object& table, std::string_view name) const {
  for (const AddedConstraint& added : table.added)
    if (added.spec.name == name) return &added;
  return nullptr;
}

bool Checker::ProvenNotNull(const Object& table, std::string_view column) const {
  const auto has = [&](const List<Text>& columns) {
    return std::find(columns.begin(), columns.end(), column) != columns.end();
  };
  for (const AddedConstraint& added : table.added)
    if (added.spec.kind == ConstraintKind::kCheck && added.validated && has(added.spec.not_null))
      return true;
  if (table.facts == nullptr) return false;
  for (const ConstraintFact& fact : table.facts->constraints)
    if (fact.kind == ConstraintKind::kCheck && fact.validated && has(fact.not_null)) return true;
  return false;
}

bool Checker::IsNullable(const Object& table, std::string_view column) const {
  if (table.not_null.count(Text(column)) != 0) return false;
  if (table.added_columns.count(Text(column)) != 0) return true;
  if (table.facts == nullptr) return false;
  for (const ColumnFact& fact : table.facts->columns)
    if (fact.name == column) return !fact.not_null;
  return false;
}

bool Checker::HasColumn(const Object& table, std::string_view column) const {
  if (table.added_columns.count(Text(column)) != 0) return true;
  if (table.facts == nullptr) return false;
  return std::any_of(table.facts->columns.begin(), table.facts->columns.end(),
                     [&](const ColumnFact& fact) { return fact.name == column; });
}

bool Checker::HasIndexOn(const Object& table, const List<Text>& columns) const {
  // In front, in any order.
  const auto leads = [&](const List<Text>& keys) {
    if (keys.size() < columns.size()) return false;
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (std::find(columns.begin(), columns.end(), keys[i]) == columns.end()) return false;
    return true;
  };
  if (table.facts != nullptr)
    for (const IndexFact& index : table.facts->indexes)
      if (index.valid && !index.partial && leads(index.keys)) return true;
  for (const AddedConstraint& added : table.added)
    if ((added.spec.kind == ConstraintKind::kUnique ||
         added.spec.kind == ConstraintKind::kPrimary) &&
        leads(added.spec.columns))
      return true;
  for (const auto& [key, object] : objects_)
    if (object.created && !object.dropped && object.table.name == table.name &&
        object.table.schema == table.schema && leads(object.keys))
      return true;
  return false;
}

double Checker::ScanMs(const Object& object) const {
  if (object.facts == nullptr) return kInstant;
  return kInstant +
         static_cast<double>(object.facts->bytes) / database_.scan_bytes_per_second * 1e3;
}

double Checker::BuildMs(const Object& object) const {
  if (object.facts == nullptr) return kInstant;
  // An index is taken to be a fifth of its table.
  return ScanMs(object) +
         static_cast<double>(object.facts->bytes) / 5 / database_.build_bytes_per_second * 1e3;
}

double Checker::RewriteMs(const Object& object) const {
  if (object.facts == nullptr) return kInstant;
  return kInstant +
         static_cast<double>(object.facts->bytes) / database_.rewrite_bytes_per_second * 1e3 +
         static_cast<double>(object.facts->index_bytes) / database_.build_bytes_per_second * 1e3;
}

void Checker::Finish() {
  CheckDesign();
  if (in_transaction_ && begin_ != nullptr)
    Add("uncommitted_transaction", *begin_, nullptr, "", -1,
        "The transaction that begins here is not ended: psql rolls it back at its end, and so "
        "nothing of it stays.")
        .safe.clear();
  // Parts of the script's own text in a safe form mean what they mean under its search_path.
  for (Hazard& hazard : hazards_) {
    const Statement& s = script_[static_cast<std::size_t>(hazard.statement - 1)];
    if (!hazard.safe.empty() && !s.path_setting.empty())
      hazard.safe = Join("SET search_path = ", s.path_setting, ";\n", hazard.safe);
  }
  std::stable_sort(hazards_.begin(), hazards_.end(),
                   [](const Hazard& a, const Hazard& b) { return a.statement < b.statement; });
}

}  // namespace assist::check
