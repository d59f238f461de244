// assist.recommendation: what an analysis found, merged with what is there and with its review.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "assist/finding.hpp"
#include "assist/rule.hpp"
#include "assist/snapshot.hpp"

namespace assist::pg {

// What became of a rule in an analysis.
struct RuleOutcome {
  const RuleDescriptor* rule = nullptr;
  bool judged = false;  // its findings say what is and what is not
  bool enabled = true;
  std::pmr::string state;  // for assist.rules; and why what it does not find any more is obsolete
  int findings = 0;
};

// Merges the findings of the judged rules into the table:
// new ones are opened; known ones keep id and review, are brought up to date, and are opened again
// when they were obsolete, or implemented and gone in between, or postponed until now; those of a
// judged rule that were not found, and those of disabled rules, become obsolete unless they were
// reviewed to an end. Rows that a session holds locked, those about `unread` tables and those that come from planning
// statements of snapshot.unplanned are left for the next time. REQUIRES: OwnerScope, the analysis lock. Throws PgError.
void StoreFindings(const Snapshot& snapshot, std::span<const RuleOutcome> outcomes,
                   const Findings& findings, std::span<const Oid> unread);

// Open recommendations of this database.
int CountOpen();

}  // namespace assist::pg
