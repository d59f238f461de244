// The index advisor: candidates from what the planner says that statements do, judged by the real
// planner on those statements, chosen as one set for all of them.
#pragma once

#include <memory_resource>
#include <span>
#include <vector>

#include "assist/snapshot.hpp"

namespace assist::pg {

// One index of the set.
struct AdvisedIndex {
  explicit AdvisedIndex(std::pmr::memory_resource* memory) : redundant(memory) {}
  ProposedIndex proposed;
  // Of all statements looked at, weighted by their calls a day (given ones: 1), with the indexes
  // before it in place: planner units.
  double cost_before = 0, cost_after = 0;
  double confidence = 0;                     // 0..1, by how much was observed
  std::pmr::vector<const Index*> redundant;  // existing ones that it does the work of
};

struct Advice {
  explicit Advice(std::pmr::memory_resource* memory) : indexes(memory) {}
  std::pmr::vector<AdvisedIndex> indexes;  // what pays most first: a byte where there is a budget
  int statements = 0, candidates = 0;      // looked at
  std::int64_t plans = 0;
  double cost_before = 0, cost_after = 0, upkeep = 0;
  double bound =
      0;  // no choice among the candidates brings cost and upkeep below it; 0 = not known
  double analysis_ms = 0, selection_ms = 0, bound_ms = 0;  // CPU
};

// The statements are those observed, each planned under its owner, or the given `texts`, planned as
// `user`. REQUIRES: a sealed snapshot of this database, inside a transaction, its texts outlive the
// result. Each statement is planned in a restricted, discarded subtransaction; an observed one that
// cannot be (role gone, rights lost, table locked, text cut) is left out. Bounded by a number of
// statements and by CPU time. Throws PgError for cancel and shutdown, when it keeps running into
// locks, and for a given text that cannot be planned.
struct AdviceRequest {
  double budget_bytes = -1;  // < 0: none
  double cpu_limit_ms = 5000;
  std::size_t most_indexes = 200;
  bool bound = false;  // to be told how good the choice is, which may take as long again
  bool given = false;
  std::span<const char* const> texts;
  Oid user = 0;
  // A function of a CREATE INDEX text that gives the bytes to plan and to count with instead of
  // ours (0 or NULL: cannot be built): to compare with the lists of other tools, whose sizes
  // differ.
  Oid index_bytes = 0;
};
Advice AdviseIndexes(Snapshot& snapshot, const AdviceRequest& request,
                     std::pmr::memory_resource* memory);

// Fills snapshot.proposed_indexes and snapshot.unplanned from its statements.
void ProposeIndexes(Snapshot& snapshot);

}  // namespace assist::pg
