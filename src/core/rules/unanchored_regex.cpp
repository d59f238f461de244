// unanchored_regex: ~ without a fixed beginning, where the database has no operator class for it.
#include "core/rules/registry.hpp"
#include "core/unserved.hpp"

namespace assist::rules {
namespace {

constexpr UnservedAdvice kAdvice = NeedsTrigrams(
    "unanchored_regex", UnservedComparison::Kind::kRegex, "matches $ against a regular expression");

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  TellUnserved(snapshot, values, kAdvice, out);
}

}  // namespace

constinit const RuleDescriptor kUnanchoredRegex{
    .id = kAdvice.rule,
    .category = Category::kQuery,
    .severity = Severity::kMedium,
    .needs = Needs::kStatements | Needs::kProposedIndexes,
    .title = "A regular expression without a fixed beginning reads the whole table",
    .source = kTrigramSource,
    .params = kUnservedParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules
