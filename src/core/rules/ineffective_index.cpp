// ineffective_index: indexes that were built as recommended, and did not make their statements
// faster.
#include "core/rules/registry.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::rules {
namespace {

using text::Append;

constexpr std::string_view kId = "ineffective_index";

constexpr Param kParams[] = {
    {.name = "min_size",
     .unit = Unit::kBytes,
     .fallback = 1 << 20,
     .min = 0,
     .max = kMaxBytes,
     .meaning = "size of the index"},
};

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  for (const IneffectiveIndex& measured : snapshot.ineffective) {
    const Index* index = snapshot.FindIndex(measured.index);
    if (index == nullptr || !IsDroppable(*index) || !IsLive(*index)) continue;
    const Table* table = snapshot.FindTable(index->table);
    if (table == nullptr || !IsJudged(*table) || SupportsForeignKey(snapshot, *index)) continue;
    const auto bytes = static_cast<double>(TotalBytes(snapshot, *index));
    if (bytes < values["min_size"]) continue;
    std::int64_t scans = 0;
    ForEachLeaf(snapshot, *index, [&](const Index& leaf) {
      scans += leaf.executor_scans + leaf.constraint_checks;
    });

    const double days = DaysSince(snapshot, measured.built);
    Finding& finding = out.Add(kId, Severity::kLow);
    Identify(finding, kId, index->qualified);
    Append(finding.title, "Drop ", index->qualified, " (", text::Bytes(bytes),
           "): it did not help");
    std::pmr::string& why = finding.rationale;
    Append(why, "It was built ", text::Number(days, 1), " days ago, as recommendation ",
           text::Integer(measured.recommendation), " said, to save ",
           text::Duration(measured.predicted_ms_per_day), " a day. ",
           text::Count(measured.statements),
           measured.statements == 1 ? " statement was" : " statements were",
           " measured before and after: what is saved lies between ",
           text::Duration(measured.low), " and ", text::Duration(measured.high),
           " a day (95 %). assist.verified_statements has them one by one.");
    std::pmr::string& risk = finding.risk;
    const bool unused = scans == 0 && snapshot.server.index_use_since <= measured.built;
    if (unused) {
      Append(risk, "No statement and no foreign-key check has scanned it.");
    } else if (scans == 0) {
      Append(risk, "Whether other statements scan it is not known: counters gave way to others.");
    } else {
      Append(risk, "It was scanned ", text::Count(static_cast<double>(scans)),
             " times: other statements than those measured may need it.");
    }
    Append(risk, " The down steps make it again.");
    finding.confidence = unused ? 0.9 : 0.6;
    if (snapshot.server.has_standbys) {
      finding.confidence *= 0.5;
      Append(risk, " Use on the standbys is not seen from here.");
    }
    finding.Add("definition", index->definition);
    finding.Add("size_bytes", static_cast<std::int64_t>(bytes));
    finding.Add("recommendation", measured.recommendation);
    finding.Add("built_days", days);
    finding.Add("statements_measured", static_cast<std::int64_t>(measured.statements));
    finding.Add("predicted_ms_per_day", measured.predicted_ms_per_day);
    finding.Add("saved_ms_per_day", measured.saved_ms_per_day);
    finding.Add("saved_low_ms_per_day", measured.low);
    finding.Add("saved_high_ms_per_day", measured.high);
    finding.Add("executor_scans", scans);
    AskToDrop(snapshot, *index, finding);
  }
}

}  // namespace

constinit const RuleDescriptor kIneffectiveIndex{
    .id = kId,
    .category = Category::kIndex,
    .severity = Severity::kLow,
    .needs = Needs::kIndexUse,
    .title = "An index was built as recommended and did not help",
    .source =
        "times of the helped statements in assist.statement_history before and after, compared "
        "with the same hours of the days before; Azure SQL Database verifies its indexes likewise",
    .params = kParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules
