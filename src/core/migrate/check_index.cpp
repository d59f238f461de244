// Indexes: builds and drops that block, CONCURRENTLY where it is refused, and IF NOT EXISTS over a
// dead index.

#include <algorithm>

#include "core/migrate/check.hpp"

namespace assist::check {

void Checker::CheckIndex(const Statement& s) {
  if (s.kind == StatementKind::kCreateIndex) return CreateIndex(s);
  if (s.kind == StatementKind::kReindex) return Reindex(s);
  DropIndexes(s);
}

void Checker::CreateIndex(const Statement& s) {
  Object* table = Target(s);
  if (table == nullptr) return;
  Object* existing = s.name.empty() ? nullptr : Resolve(s, {table->schema, s.name});
  if (existing != nullptr && existing->facts != nullptr && !existing->created && s.if_not_exists) {
    const auto found = table->facts == nullptr ? nullptr : [&]() -> const IndexFact* {
      for (const IndexFact& index : table->facts->indexes)
        if (index.name == s.name) return &index;
      return nullptr;
    }();
    if (found != nullptr && !found->valid) {
      Hazard& hazard = Add("invalid_index_masked", s, existing, "", -1,
                           Join(existing->qualified,
                                " exists and is invalid, left by a build that failed: IF NOT "
                                "EXISTS does nothing, and no "
                                "plan will use it. Rebuild it."));
      hazard.safe = Join("REINDEX INDEX CONCURRENTLY ", existing->qualified, ";\n");
    }
    return;  // nothing is built
  }
  const bool partitioned = table->facts != nullptr && !table->created && table->facts->kind == 'p';
  if (s.concurrently && partitioned) {
    Hazard& hazard =
        Add("concurrently_on_partitioned", s, table, "", -1,
            "The statement fails with 0A000 (feature_not_supported). Make the index ON ONLY the "
            "partitioned table, build that of each partition concurrently, and attach them.");
    hazard.severity = Severity::kCritical;
  }
  if (!table->quiet() && !s.concurrently && !(partitioned && s.only)) {
    Hazard& hazard =
        Add("create_index_blocking", s, table, kShareLock, BuildMs(*table),
            partitioned
                ? "The index is built on all partitions, one after the other; meanwhile nobody can "
                  "write to any of them."
                : "Nobody can write to the table while the index is built.");
    if (!partitioned) {
      if (!s.concurrent.empty()) hazard.safe = Join(s.concurrent, ";\n");
    } else {
      Say(hazard.explanation,
          "Make it ON ONLY the partitioned table, build that of each partition concurrently, and "
          "attach them.");
    }
    Take(s, *table, kShareLock, hazard.ms);
  }
  if (table->facts != nullptr && !table->created && s.index_plain) {
    for (const IndexFact& index : table->facts->indexes) {
      if (!index.plain || !index.valid || index.keys != s.keys || (s.unique && !index.unique))
        continue;
      const Object* same = Resolve(s, {index.schema, index.name});
      if (same == nullptr && objects_.count(std::pair(index.schema, index.name)) != 0)
        continue;  // dropped before
      Text name;
      text::AppendQualified(name, index.schema, index.name);
      Add("duplicate_index", s, table, "", -1,
          Join(name,
               " is on the same columns: another one costs every write, and serves nothing."));
      break;
    }
  }
  if (s.name.empty()) {
    // Known by its columns alone.
    AddedConstraint& added = table->added.emplace_back();
    added.spec.kind = ConstraintKind::kUnique;
    added.spec.columns = s.keys;
    added.validated = true;
    return;
  }
  const Text schema = table->schema, table_name = table->name;
  Object& index = Create(s, {schema, s.name});
  index.table = {schema, table_name};
  index.keys = s.keys;
  index.unique = s.unique;
}

void Checker::DropIndexes(const Statement& s) {
  for (const ObjectName& name : s.objects) {
    Object* index = Resolve(s, name);
    if (index == nullptr) continue;
    const bool ours = index->created || index->facts == nullptr;
    index->dropped = true;
    if (ours) continue;
    Object* table = Resolve(s, index->facts->table);
    if (table == nullptr) continue;
    const IndexFact* fact = nullptr;
    if (table->facts != nullptr)
      for (const IndexFact& item : table->facts->indexes)
        if (item.name == index->name && item.schema == index->schema) fact = &item;
    if (fact != nullptr && fact->constraint && !s.cascade) {
      Add("dependent_objects_block", s, index, "", -1,
          Join("The statement fails with 2BP01 (dependent_objects_still_exist): a constraint of ",
               table->qualified, " needs it. Drop the constraint instead."));
      continue;
    }
    if (index->facts->kind == 'I' && s.concurrently)
      Add("concurrently_on_partitioned", s, index, "", -1,
          "The statement fails with 0A000 (feature_not_supported): the index of a partitioned "
          "table cannot be dropped "
          "concurrently.");
    if (s.concurrently || table->quiet()) continue;
    Hazard& hazard = Add(
        "drop_index_blocking", s, table, kAccessExclusiveLock, kInstant,
        Join("Dropping ", index->qualified, " locks ", table->qualified,
             " for an instant, and for as long as this waits behind a transaction that uses it."));
    if (!index->is_partitioned())
      hazard.safe = Join("DROP INDEX CONCURRENTLY ", s.if_exists ? "IF EXISTS " : "",
                         index->qualified, ";\n");
    Take(s, *table, kAccessExclusiveLock, kInstant);
  }
}

void Checker::Reindex(const Statement& s) {
  if (s.concurrently) return;
  Object* object = Target(s);
  if (object == nullptr) {
    if (s.object_type == ObjectType::kIndex || s.object_type == ObjectType::kTable) return;
    Hazard& hazard = Add("reindex_blocking", s, nullptr, "", -1,
                         "Table after table, writes are blocked while its indexes are built, and "
                         "reads that would plan with "
                         "them.");
    hazard.object = Quoted(s.name);
    hazard.lock = kShareLock;
    hazard.blocks = Blocks::kWrites;
    if (!s.concurrent.empty()) hazard.safe = Join(s.concurrent, ";\n");
    return;
  }
  Object* table = s.object_type == ObjectType::kIndex && object->facts != nullptr
                      ? Resolve(s, object->facts->table)
                      : object;
  if (table == nullptr || table->quiet() || object->created) return;
  Hazard& hazard = Add("reindex_blocking", s, table, kShareLock, BuildMs(*table),
                       Join("Nobody can write to ", table->qualified,
                            " while it runs; and whoever plans a statement on it waits as well, "
                            "because the index itself "
                            "is locked exclusively."));
  if (!s.concurrent.empty()) hazard.safe = Join(s.concurrent, ";\n");
  Take(s, *table, kShareLock, hazard.ms);
}

}  // namespace assist::check
