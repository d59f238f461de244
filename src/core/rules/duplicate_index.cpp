// duplicate_index: of indexes that are equal in everything but their names, all but one.
#include "core/rules/registry.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::rules {
namespace {

using text::Append;

constexpr std::string_view kId = "duplicate_index";

constexpr Param kParams[] = {
    {.name = "min_size",
     .unit = Unit::kBytes,
     .fallback = 0,
     .min = 0,
     .max = kMaxBytes,
     .meaning = "size of the index that would be dropped"},
    {.name = "min_age",
     .unit = Unit::kDays,
     .fallback = 0,
     .min = 0,
     .max = 3650,
     .meaning = "days since both indexes were first seen: a swap may be under way"},
};

std::string_view WhyKept(const Index& keeper) {
  if (keeper.primary) return "it is the primary key";
  if (keeper.backs_constraint || keeper.exclusion) return "a constraint stands on it";
  if (keeper.replica_identity) return "it is the replica identity";
  if (keeper.extension_owned) return "it belongs to an extension";
  if (keeper.unique) return "it is unique";
  if (keeper.clustered) return "the table is clustered on it";
  return "it is not the larger one";
}

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  for (const Index& index : snapshot.indexes) {
    const Table* table = snapshot.FindTable(index.table);
    if (table == nullptr || !IsJudged(*table) || !IsLive(index)) continue;
    const Index* keeper = BetterTwin(snapshot, index);
    if (keeper == nullptr) continue;
    const std::int64_t bytes = TotalBytes(snapshot, index);
    if (static_cast<double>(bytes) < values["min_size"]) continue;
    const double min_age = values["min_age"];
    if (min_age > 0 && (DaysSince(snapshot, index.created) < min_age ||
                        DaysSince(snapshot, keeper->created) < min_age)) {
      continue;
    }

    const bool large = static_cast<double>(bytes) >= 100 * kMB;
    Finding& finding = out.Add(kId, large ? Severity::kHigh : Severity::kMedium);
    Identify(finding, kId, index.qualified);
    Append(finding.title, "Drop ", index.qualified, ", a duplicate of ", keeper->qualified);
    Append(finding.rationale, "Both indexes of ", table->qualified,
           " have the same method, keys, operator classes, collations, order, included columns and "
           "predicate: ",
           KeyList(index.definition), ". Every write maintains both, and the planner needs one. ",
           keeper->qualified, " is the one to keep: ", WhyKept(*keeper),
           ". Dropping the other frees ", text::Bytes(static_cast<double>(bytes)), ".");
    Append(finding.risk, "Statements that use ", index.qualified,
           " use the other one instead; no plan loses anything. Tools that name the index (hints, "
           "monitoring, migrations) have to be changed.");
    finding.confidence = 0.98;
    finding.Add("duplicate_of", keeper->qualified);
    finding.Add("definition", index.definition);
    finding.Add("kept_definition", keeper->definition);
    finding.Add("size_bytes", bytes);
    finding.Add("kept_size_bytes", TotalBytes(snapshot, *keeper));
    finding.Add("executor_scans", index.executor_scans);
    finding.Add("kept_executor_scans", keeper->executor_scans);
    AskToDrop(snapshot, index, finding);
  }
}

}  // namespace

constinit const RuleDescriptor kDuplicateIndex{
    .id = kId,
    .category = Category::kIndex,
    .severity = Severity::kMedium,
    .needs = Needs::kNothing,
    .title = "Two indexes are the same",
    .source =
        "pg_index: indrelid, indkey, indclass, indcollation, indoption, indexprs, indpred, access "
        "method",
    .params = kParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules
