// leading_wildcard_like: LIKE '%text', where the database has no operator class for it.
#include "core/rules/registry.hpp"
#include "core/unserved.hpp"

namespace assist::rules {
namespace {

constexpr UnservedAdvice kAdvice =
    NeedsTrigrams("leading_wildcard_like", UnservedComparison::Kind::kWildcard,
                  "matches $ from a leading wildcard on");

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  TellUnserved(snapshot, values, kAdvice, out);
}

}  // namespace

constinit const RuleDescriptor kLeadingWildcardLike{
    .id = kAdvice.rule,
    .category = Category::kQuery,
    .severity = Severity::kMedium,
    .needs = Needs::kStatements | Needs::kProposedIndexes,
    .title = "A pattern that begins with a wildcard reads the whole table",
    .source = kTrigramSource,
    .params = kUnservedParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules
