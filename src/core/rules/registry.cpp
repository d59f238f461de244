// Every rule. A new one: a file here, a declaration in registry.hpp, a line below,
// docs/rules/<id>.md.
#include "core/rules/registry.hpp"

#include <algorithm>

namespace assist {
namespace {

// Ordered by category and id.
constexpr const RuleDescriptor* kRules[] = {
    &rules::kDuplicateIndex,     &rules::kIneffectiveIndex, &rules::kInvalidIndex,
    &rules::kMissingIndex,       &rules::kRedundantIndex,   &rules::kUnusedIndex,
    &rules::kAnyArrayIgnoresGin, &rules::kIlikeNoIndex,     &rules::kLeadingWildcardLike,
    &rules::kUnanchoredRegex,    &rules::kMaxWalSize,       &rules::kWorkMem,
    &rules::kIndexBloat,         &rules::kTableBloat,
};

}  // namespace

std::span<const RuleDescriptor* const> AllRules() { return kRules; }

const RuleDescriptor* FindRule(std::string_view id) {
  const auto found = std::find_if(std::begin(kRules), std::end(kRules),
                                  [&](const RuleDescriptor* rule) { return rule->id == id; });
  return found != std::end(kRules) ? *found : nullptr;
}

}  // namespace assist
