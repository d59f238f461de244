// Partitions: what is locked and read when one comes or goes.

#include <algorithm>

#include "core/migrate/check.hpp"

namespace assist::check {

void Checker::CheckPartition(const Statement& s, Object& table, const AlterCommand& c) {
  Object* partition = Resolve(s, c.other);
  if (c.op == AlterOp::kDetachPartition) {
    if (c.concurrently || table.facts == nullptr || table.created) return;
    if (table.facts->empty) return;
    Hazard& hazard = Add("detach_partition_blocking", s, &table, kAccessExclusiveLock, kInstant,
                         "The whole partitioned table is locked for an instant, and for as long as "
                         "this waits for it.");
    hazard.severity = Severity::kMedium;
    if (table.facts->default_partition.empty() && partition != nullptr && !in_transaction_) {
      hazard.safe = Join("ALTER TABLE ", table.qualified, " DETACH PARTITION ",
                         partition->qualified, " CONCURRENTLY;\n");
    } else if (!table.facts->default_partition.empty()) {
      Say(hazard.explanation, "CONCURRENTLY is refused while there is a default partition.");
    }
    return;
  }
  if (partition != nullptr && !partition->quiet() && !c.default_bound) {
    // A CHECK that implies the bound spares the reading. Whether one does is for the server's
    // prover; where the table has any validated CHECK on it, nothing is claimed.
    const bool maybe_proven =
        std::any_of(partition->facts->constraints.begin(), partition->facts->constraints.end(),
                    [](const ConstraintFact& fact) {
                      return fact.kind == ConstraintKind::kCheck && fact.validated;
                    }) ||
        std::any_of(partition->added.begin(), partition->added.end(),
                    [](const AddedConstraint& added) {
                      return added.spec.kind == ConstraintKind::kCheck && added.validated;
                    });
    if (!maybe_proven) {
      Add("attach_partition_scan", s, partition, kAccessExclusiveLock, ScanMs(*partition),
          Join("All rows of ", partition->qualified,
               " are read to see that they are within the bounds, while nobody can read or write "
               "it. A CHECK that says "
               "the same as the bounds, added NOT VALID and validated before, spares it."));
    }
    Take(s, *partition, kAccessExclusiveLock, kInstant);
  }
  if (table.facts == nullptr || table.facts->default_partition.empty() ||
      table.facts->default_partition_empty || c.default_bound)
    return;
  const double ms = kInstant + static_cast<double>(table.facts->default_partition_bytes) /
                                   database_.scan_bytes_per_second * 1e3;
  Hazard& hazard =
      Add("default_partition_scan", s, nullptr, "", ms,
          Join("All rows of the default partition ", table.facts->default_partition, " (",
               text::Bytes(static_cast<double>(table.facts->default_partition_bytes)),
               ") are read to see that none belongs into the new one, while nobody can read or "
               "write it."));
  hazard.object = table.facts->default_partition;
  hazard.lock = kAccessExclusiveLock;
  hazard.blocks = Blocks::kReadsAndWrites;
}

}  // namespace assist::check
