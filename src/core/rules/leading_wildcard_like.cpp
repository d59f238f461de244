// leading_wildcard_like: LIKE '%text', where the database has no operator class for it.
#include "core/rules/registry.hpp"
#include "core/unserved.hpp"

namespace assist::rules {
namespace {

constexpr UnservedAdvice kAdvice = {
    .rule = "leading_wildcard_like",
    .kind = UnservedComparison::Kind::kWildcard,
    .comparison = "matches $ from a leading wildcard on",
    .why =
        "A b-tree knows how a text begins; the operator class that finds it by three letters at a "
        "time is in the extension pg_trgm, which this database does not have. With it, the index "
        "is recommended by itself as far as it pays.",
    .operator_class = "gin_trgm_ops",
    .before = "CREATE EXTENSION pg_trgm;\n",
    .rewrite = "",
    .risk =
        "CREATE EXTENSION comes first; the files of pg_trgm come with the server or its contrib "
        "package. An index of trigrams is about as large as the texts and slows down writes to "
        "them."};

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
    .source = "PostgreSQL docs, pgtrgm: index support for LIKE, ILIKE and regular expressions",
    .params = kUnservedParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules
