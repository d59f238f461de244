// Constraints: what is checked or built under a lock when one is added, and what dropping one
// opens.

#include <algorithm>

#include "core/migrate/check.hpp"

namespace assist::check {
namespace {

// The constraint as written, with a name.
Text Named(const ConstraintSpec& spec, std::string_view name) {
  if (!spec.name.empty()) return spec.source;
  return Join("CONSTRAINT ", name, " ", spec.source);
}

Text NameFor(const Object& table, const ConstraintSpec& spec, std::string_view suffix) {
  if (!spec.name.empty()) return spec.name;
  Text base = table.name;
  if (spec.kind != ConstraintKind::kPrimary)  // as the server names them
    for (const Text& column : spec.columns) text::Append(base, "_", column);
  return text::ObjectName(base, suffix, std::pmr::get_default_resource());
}

}  // namespace

void Checker::CheckConstraint(const Statement& s, Object& table, const AlterCommand& c) {
  if (c.op == AlterOp::kAddConstraint) return AddConstraint(s, table, c.constraint, true);
  if (c.op == AlterOp::kDropConstraint) return DropConstraint(s, table, c);
  for (AddedConstraint& added : table.added) {
    if (added.spec.name != c.name) continue;
    if (in_transaction_ && added.transaction == transaction_ && !added.validated &&
        !table.quiet()) {
      const bool foreign = added.spec.kind == ConstraintKind::kForeignKey;
      const std::string_view lock = foreign ? kShareRowExclusiveLock : kAccessExclusiveLock;
      Hazard& hazard = Add(
          "validate_in_same_txn", s, &table, lock, ScanMs(table),
          Join("The rows are read while the transaction still holds the lock with which it added ",
               Quoted(c.name), ": adding it NOT VALID gains nothing. Commit before VALIDATE."));
      hazard.safe =
          Join("ALTER TABLE ", table.qualified, " VALIDATE CONSTRAINT ", Quoted(c.name), ";\n");
    }
    added.validated = true;
    return;
  }
  if (table.facts == nullptr) return;
  for (const ConstraintFact& fact : table.facts->constraints) {
    if (fact.name != c.name || fact.validated) continue;
    AddedConstraint& added = table.added.emplace_back();
    added.spec.kind = fact.kind;
    added.spec.name = fact.name;
    added.spec.columns = fact.columns;
    added.spec.not_null = fact.not_null;
    added.validated = true;
  }
}

// `fills`: rows that are there have values to check; a new column that is null needs no scan.
void Checker::AddConstraint(const Statement& s, Object& table, const ConstraintSpec& spec,
                            bool fills) {
  switch (spec.kind) {
    case ConstraintKind::kCheck:
      if (!spec.not_valid && !table.quiet()) {
        Hazard& hazard = Add(
            "add_check_validates", s, &table, kAccessExclusiveLock, ScanMs(table),
            "All rows are read to check the constraint, while nobody can read or write the table.");
        if (!spec.source.empty()) {
          const Text name = Quoted(NameFor(table, spec, "_check"));
          hazard.safe = Join(kSetTimeout, "ALTER TABLE ", table.qualified, " ADD ",
                             Named(spec, name), " NOT VALID;\nALTER TABLE ", table.qualified,
                             " VALIDATE CONSTRAINT ", name, ";\n");
          // The column itself is added beside it.
          if (s.kind == StatementKind::kAlterTable && s.commands.size() == 1 &&
              s.commands[0].op == AlterOp::kAddColumn)
            hazard.safe.clear();
        }
      }
      break;
    case ConstraintKind::kForeignKey:
      AddForeignKey(s, table, spec, fills);
      break;
    case ConstraintKind::kUnique:
    case ConstraintKind::kPrimary:
      AddIndexConstraint(s, table, spec);
      break;
    case ConstraintKind::kExclusion:
      if (!table.quiet())
        Add("add_exclusion_blocking", s, &table, kAccessExclusiveLock, BuildMs(table),
            "Its index is built and all rows are checked, while nobody can read or write the "
            "table. There is no way "
            "to build it beside running traffic but a new table that takes the place of this one.");
      break;
    case ConstraintKind::kNotNull:
      return;
  }
  AddedConstraint& added = table.added.emplace_back();
  added.spec = spec;
  added.validated = !spec.not_valid;
  added.transaction = transaction_;
  if (spec.kind == ConstraintKind::kPrimary)
    for (const Text& column : spec.columns) table.not_null.insert(column);
}

void Checker::AddForeignKey(const Statement& s, Object& table, const ConstraintSpec& spec,
                            bool fills) {
  Object* parent = Resolve(s, spec.references);
  foreign_keys_.push_back({&table, spec, &s});
  if (parent != nullptr && parent != &table) Take(s, *parent, kShareRowExclusiveLock, kInstant);
  if (spec.not_valid || table.quiet() || !fills) return;
  const double ms = ScanMs(table) + (parent != nullptr ? ScanMs(*parent) : 0);
  Hazard& hazard = Add("add_fk_validates", s, &table, kShareRowExclusiveLock, ms,
                       Join("Each row of ", table.qualified, " is looked up in ",
                            parent != nullptr ? std::string_view(parent->qualified)
                                              : std::string_view(spec.references.name),
                            "; meanwhile nobody can write to either of the two."));
  if (parent != nullptr && parent->facts != nullptr && !parent->quiet() && parent != &table)
    AppendForecast(hazard.explanation, *parent, kShareRowExclusiveLock, ms);
  if (table.is_partitioned()) {
    Say(hazard.explanation, "NOT VALID is not possible for a partitioned table in this version.");
    return;
  }
  const bool inline_column =
      s.kind == StatementKind::kAlterTable &&
      std::any_of(s.commands.begin(), s.commands.end(),
                  [](const AlterCommand& c) { return c.op == AlterOp::kAddColumn; });
  if (spec.source.empty() || inline_column) return;
  const Text name = Quoted(NameFor(table, spec, "_fkey"));
  hazard.safe =
      Join(kSetTimeout, "ALTER TABLE ", table.qualified, " ADD ", Named(spec, name),
           " NOT VALID;\nALTER TABLE ", table.qualified, " VALIDATE CONSTRAINT ", name, ";\n");
  if (!HasIndexOn(table, spec.columns))
    hazard.safe += Join("CREATE INDEX CONCURRENTLY ON ", table.qualified, " (",
                        QuotedList(spec.columns), ");\n");
}

void Checker::AddIndexConstraint(const Statement& s, Object& table, const ConstraintSpec& spec) {
  const bool primary = spec.kind == ConstraintKind::kPrimary;
  List<Text> nullable;
  List<Text> columns = spec.columns;
  if (!spec.using_index.empty()) {
    if (table.facts != nullptr)
      for (const IndexFact& index : table.facts->indexes)
        if (index.name == spec.using_index) columns = index.keys;
    if (const Object* index = Resolve(s, {table.schema, spec.using_index});
        index != nullptr && index->created)
      columns = index->keys;
  }
  for (const Text& column : columns)
    if (primary && IsNullable(table, column) && !ProvenNotNull(table, column))
      nullable.push_back(column);
  if (primary)
    for (const Text& column : columns) table.not_null.insert(column);
  if (table.quiet()) return;
  Text not_null;
  for (const Text& column : nullable) text::Append(not_null, NotNullSteps(table, column));
  const Text name = Quoted(NameFor(table, spec, primary ? "_pkey" : "_key"));
  const std::string_view word = primary ? " PRIMARY KEY" : " UNIQUE";
  if (!spec.using_index.empty()) {
    if (nullable.empty()) return;
    Hazard& hazard = Add(
        "pk_using_nullable_index", s, &table, kAccessExclusiveLock, ScanMs(table),
        Join(
            "The index is there, but ", QuotedList(nullable),
            " may be null: all rows are read to see that it is not, while nobody can read or write "
            "the table. Make it NOT NULL before."));
    if (!table.is_partitioned()) {
      hazard.safe = Join(kSetTimeout, not_null, "ALTER TABLE ", table.qualified, " ADD CONSTRAINT ",
                         Quoted(spec.name.empty() ? spec.using_index : spec.name), word,
                         " USING INDEX ", Quoted(spec.using_index), ";\n");
    }
    return;
  }
  Hazard& hazard =
      Add(primary ? "add_pk_blocking" : "add_unique_blocking", s, &table, kAccessExclusiveLock,
          BuildMs(table) + (nullable.empty() ? 0 : ScanMs(table)),
          "Its index is built while nobody can read or write the table.");
  if (!spec.plain || spec.columns.empty() || table.is_partitioned() ||
      std::any_of(spec.columns.begin(), spec.columns.end(),
                  [&](const Text& column) { return table.added_columns.count(column) != 0; }))
    return;
  hazard.safe = Join(kSetTimeout, not_null, "CREATE UNIQUE INDEX CONCURRENTLY ", name, " ON ",
                     table.qualified, " (", QuotedList(spec.columns), ");\nALTER TABLE ",
                     table.qualified, " ADD CONSTRAINT ", name, word, " USING INDEX ", name, ";\n");
}

void Checker::DropConstraint(const Statement& s, Object& table, const AlterCommand& c) {
  const auto ours =
      std::find_if(table.added.begin(), table.added.end(),
                   [&](const AddedConstraint& added) { return added.spec.name == c.name; });
  if (ours != table.added.end()) {
    table.added.erase(ours);
    return;
  }
  if (table.created || table.facts == nullptr) return;
  for (const ConstraintFact& fact : table.facts->constraints) {
    if (fact.name != c.name) continue;
    Hazard& hazard = Add("drop_constraint", s, &table, "", -1,
                         Join("From now on nothing keeps rows out that ", Quoted(c.name),
                              " forbade; while they are there, it cannot be added again."));
    if (fact.kind == ConstraintKind::kPrimary || fact.kind == ConstraintKind::kUnique)
      Say(hazard.explanation,
          "Its index goes as well: statements that use it are planned without.");
    if (fact.kind != ConstraintKind::kForeignKey) return;
    Object* parent = Resolve(s, fact.references);
    if (parent == nullptr || parent == &table || parent->quiet()) return;
    Hazard& lock = Add("fk_drop_locks_parent", s, parent, kAccessExclusiveLock, kInstant,
                       Join("Dropping a foreign key of ", table.qualified, " locks ",
                            parent->qualified, " as well, because its triggers go."));
    if (lock_timeout_ == 0) lock.safe = Join(kSetTimeout, s.source, ";\n");
    Take(s, *parent, kAccessExclusiveLock, kInstant);
    return;
  }
}

void Checker::CheckDomain(const Statement& s) {
  if (s.commands.empty() || s.objects.empty()) return;
  const AlterCommand& c = s.commands[0];
  const bool scans =
      c.op == AlterOp::kSetNotNull || (c.op == AlterOp::kAddConstraint && !c.constraint.not_valid);
  if (!scans) return;
  const auto find = [&](std::string_view schema) -> const DomainFact* {
    for (const DomainFact& domain : database_.domains)
      if (domain.name.schema == schema && domain.name.name == s.objects[0].name) return &domain;
    return nullptr;
  };
  const DomainFact* domain = nullptr;
  if (!s.objects[0].schema.empty()) {
    domain = find(s.objects[0].schema);
  } else if (s.search_path != nullptr) {
    for (std::size_t i = 0; domain == nullptr && i < s.search_path->size(); ++i)
      domain = find((*s.search_path)[i]);
  }
  if (domain == nullptr || domain->users.empty()) return;
  Text users, qualified;
  for (const Text& user : domain->users) {
    if (!users.empty()) users += ", ";
    users += user;
  }
  text::AppendQualified(qualified, domain->name.schema, domain->name.name);
  Hazard& hazard = Add("domain_constraint_scan", s, nullptr, "", -1,
                       Join("All rows of the tables with a column of this domain are read under a "
                            "SHARE lock, which blocks writes to them: ",
                            users, "."));
  hazard.object = qualified;
  hazard.lock = kShareLock;
  hazard.blocks = Blocks::kWrites;
  if (c.op != AlterOp::kAddConstraint || c.constraint.source.empty()) return;
  const Text name =
      Quoted(c.constraint.name.empty()
                 ? text::ObjectName(domain->name.name, "_check", std::pmr::get_default_resource())
                 : c.constraint.name);
  hazard.safe = Join("ALTER DOMAIN ", qualified, " ADD ", Named(c.constraint, name),
                     " NOT VALID;\nALTER DOMAIN ", qualified, " VALIDATE CONSTRAINT ", name, ";\n");
}

}  // namespace assist::check
