// New tables, and what only the whole script shows: keys that will be regretted.

#include <algorithm>

#include "core/migrate/check.hpp"

namespace assist::check {

void Checker::CheckCreateTable(const Statement& s) {
  if (s.objects.empty()) return;
  Object* existing = Target(s);
  if (existing != nullptr && s.if_not_exists) return;  // nothing is made
  Object* parent = s.parent ? Resolve(s, *s.parent) : nullptr;
  if (parent != nullptr && !parent->quiet()) {
    Hazard& hazard =
        Add("partition_ddl_locks_parent", s, parent, kAccessExclusiveLock, kInstant,
            Join("A partition that is made in its place locks all of ", parent->qualified,
                 ", reads included. Made as a table of its own and attached then, it does not."));
    if (lock_timeout_ == 0) hazard.severity = Severity::kMedium;
    Take(s, *parent, kAccessExclusiveLock, kInstant);
  }
  if (parent != nullptr && parent->facts != nullptr && !parent->created && !s.default_bound &&
      !parent->facts->default_partition.empty() && !parent->facts->default_partition_empty) {
    const double ms = kInstant + static_cast<double>(parent->facts->default_partition_bytes) /
                                     database_.scan_bytes_per_second * 1e3;
    Hazard& hazard =
        Add("default_partition_scan", s, nullptr, "", ms,
            Join("All rows of the default partition ", parent->facts->default_partition, " (",
                 text::Bytes(static_cast<double>(parent->facts->default_partition_bytes)),
                 ") are read to see that none belongs into the new one, while nobody can read or "
                 "write it."));
    hazard.object = parent->facts->default_partition;
    hazard.lock = kAccessExclusiveLock;
    hazard.blocks = Blocks::kReadsAndWrites;
  }
  Object& table = Create(s, s.objects[0]);
  if (s.temporary) return;
  const auto add = [&](const ConstraintSpec& spec) {
    table.added.push_back({spec, true, transaction_});
    if (spec.kind != ConstraintKind::kForeignKey) return;
    foreign_keys_.push_back({&table, spec, &s});
    if (Object* referenced = Resolve(s, spec.references);
        referenced != nullptr && referenced != &table)
      Take(s, *referenced, kShareRowExclusiveLock, kInstant);
  };
  for (const ColumnSpec& column : s.columns) {
    table.added_columns.insert(column.name);
    if (column.not_null) table.not_null.insert(column.name);
    for (const ConstraintSpec& spec : column.constraints) add(spec);
  }
  for (const ConstraintSpec& spec : s.constraints) add(spec);
  // A generated key of four bytes ends at 2,147,483,647 rows; one that the application gives may be
  // a code.
  for (const AddedConstraint& added : table.added) {
    if (added.spec.kind != ConstraintKind::kPrimary || added.spec.columns.size() != 1) continue;
    for (const ColumnSpec& column : s.columns) {
      if (column.name != added.spec.columns[0] || !column.small_integer ||
          !(column.serial || column.identity))
        continue;
      Add("small_int_pk", s, &table, "", -1,
          Join(Quoted(column.name),
               " ends at 2,147,483,647 or before, numbers of rolled back inserts included; "
               "changing it "
               "to bigint later rewrites the table. bigint costs four bytes a row, often none "
               "because of alignment."));
    }
  }
}

// By the end of the script: an index may come after its foreign key.
void Checker::CheckDesign() {
  for (const PendingKey& key : foreign_keys_) {
    if (key.table->dropped || key.spec.columns.empty() || HasIndexOn(*key.table, key.spec.columns))
      continue;
    Hazard& hazard = Add("fk_without_index", *key.statement, key.table, "", -1,
                         Join("Each DELETE from ", key.spec.references.name,
                              ", and each change of its key, reads all of ", key.table->qualified,
                              " to look for (", QuotedList(key.spec.columns), ")."));
    hazard.safe = Join("CREATE INDEX ", key.table->quiet() ? "" : "CONCURRENTLY ", "ON ",
                       key.table->qualified, " (", QuotedList(key.spec.columns), ");\n");
    if (key.table->is_partitioned()) hazard.safe.clear();
  }
}

}  // namespace assist::check
