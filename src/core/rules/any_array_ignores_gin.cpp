// any_array_ignores_gin: value = ANY (array column), which GIN does not serve as @> ARRAY[value] is
// served.
#include "core/rules/registry.hpp"
#include "core/unserved.hpp"

namespace assist::rules {
namespace {

constexpr UnservedAdvice kAdvice = {
    .rule = "any_array_ignores_gin",
    .kind = UnservedComparison::Kind::kAnyOfColumn,
    .comparison = "looks for a value in $ by = ANY",
    .why =
        "No index of any method serves value = ANY (column); GIN serves the same question asked by "
        "@>.",
    .operator_class = "",
    .before = "",
    .rewrite = "$ @> ARRAY[value]",
    .risk =
        "The application's text has to change: the index alone does nothing for it. GIN slows down "
        "writes to the column."};

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  TellUnserved(snapshot, values, kAdvice, out);
}

}  // namespace

constinit const RuleDescriptor kAnyArrayIgnoresGin{
    .id = kAdvice.rule,
    .category = Category::kQuery,
    .severity = Severity::kMedium,
    .needs = Needs::kStatements | Needs::kProposedIndexes,
    .title = "A value is looked for in an array column in a way that no index serves",
    .source = "PostgreSQL docs, gin-builtin-opclasses: array_ops has &&, @>, <@ and =",
    .params = kUnservedParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules
