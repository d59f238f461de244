// ilike_no_index: ILIKE and ~*, where the database has no operator class for it.
#include "core/rules/registry.hpp"
#include "core/unserved.hpp"

namespace assist::rules {
namespace {

constexpr UnservedAdvice kAdvice = NeedsTrigrams(
    "ilike_no_index", UnservedComparison::Kind::kIgnoringCase, "matches $ whatever its case");

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  TellUnserved(snapshot, values, kAdvice, out);
}

}  // namespace

constinit const RuleDescriptor kIlikeNoIndex{
    .id = kAdvice.rule,
    .category = Category::kQuery,
    .severity = Severity::kMedium,
    .needs = Needs::kStatements | Needs::kProposedIndexes,
    .title = "A pattern that ignores case reads the whole table",
    .source = kTrigramSource,
    .params = kUnservedParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules
