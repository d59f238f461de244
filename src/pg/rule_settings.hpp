// What users set of the rules: assist.rule_setting, read and checked against the registry.
#pragma once

#include <memory_resource>
#include <vector>

#include "assist/rule.hpp"

namespace assist::pg {

struct RuleChoice {
  const RuleDescriptor* rule;
  bool enabled;
  std::pmr::vector<double> values;  // of rule->params, in their order
};

// Every rule of the library with what is in force for it. Values in the table that the registry
// does not know any more, or that are out of its range, count as not set. REQUIRES: OwnerScope. May
// throw.
std::pmr::vector<RuleChoice> ReadRuleChoices(std::pmr::memory_resource* memory);

// Writes one rule's setting. `settings` is a jsonb object as text; empty = unchanged. Throws
// AssistError 22023 for a parameter that does not exist or a value out of its range. REQUIRES:
// OwnerScope.
void WriteRuleChoice(const RuleDescriptor& rule, const bool* enabled, std::string_view settings,
                     std::string_view role);

}  // namespace assist::pg
