// redundant_index: a b-tree whose keys are the first keys of another one.
#include <algorithm>

#include "core/rules/registry.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::rules {
namespace {

using text::Append;

constexpr std::string_view kId = "redundant_index";

constexpr Param kParams[] = {
    {.name = "max_size_ratio",
     .unit = Unit::kRatio,
     .fallback = 3,
     .min = 1,
     .max = 1000,
     .meaning = "size of the wider index over the narrower, up to which scans of the wider one "
                "cost alike"},
    {.name = "few_scans",
     .unit = Unit::kCount,
     .fallback = 10,
     .min = 0,
     .max = 1e9,
     .meaning = "scans a day of the narrower index below which the ratio does not matter"},
    {.name = "min_age",
     .unit = Unit::kDays,
     .fallback = 7,
     .min = 0,
     .max = 3650,
     .meaning = "days of observation, of statistics and since both indexes were first seen"},
    {.name = "min_size",
     .unit = Unit::kBytes,
     .fallback = 0,
     .min = 0,
     .max = kMaxBytes,
     .meaning = "size of the index that would be dropped"},
};

// Whether `wide` serves every statement that `narrow` serves.
bool Covers(const Index& wide, const Index& narrow) {
  return wide.oid != narrow.oid && wide.table == narrow.table && wide.kind == narrow.kind &&
         wide.method == "btree" && narrow.method == "btree" && wide.parent == 0 &&
         wide.keys.size() > narrow.keys.size() && !wide.exclusion && wide.included.empty() &&
         narrow.included.empty() && wide.predicate == narrow.predicate && IsLive(wide) &&
         std::equal(narrow.keys.begin(), narrow.keys.end(), wide.keys.begin(), &SameKey);
}

// The index that makes `narrow` redundant; the one with the most keys, which nothing covers in
// turn.
const Index* FindCover(const Snapshot& snapshot, const Index& narrow) {
  const Index* best = nullptr;
  snapshot.ForEachIndexOf(narrow.table, [&](const Index& wide) {
    // A duplicate that is to be dropped itself covers nothing.
    if (!Covers(wide, narrow) || BetterTwin(snapshot, wide) != nullptr) return;
    if (best == nullptr || wide.keys.size() > best->keys.size() ||
        (wide.keys.size() == best->keys.size() && wide.size_bytes < best->size_bytes)) {
      best = &wide;
    }
  });
  return best;
}

bool IsOldEnough(const Snapshot& snapshot, const Index& index, double min_age) {
  return min_age <= 0 || DaysSince(snapshot, index.created) >= min_age;
}

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  const double min_age = values["min_age"];
  const double observed = DaysSince(snapshot, snapshot.server.index_use_since);
  const double counted = DaysSince(snapshot, snapshot.server.statistics_since);
  if (min_age > 0 && std::min(observed, counted) < min_age) {
    std::pmr::string reason(out.memory());
    Append(reason, "observed for ", text::Number(std::min(observed, counted), 1), " of ",
           text::Number(min_age, 1), " days");
    out.Silent(kId, reason);
    return;
  }
  for (const Index& narrow : snapshot.indexes) {
    const Table* table = snapshot.FindTable(narrow.table);
    if (table == nullptr || !IsJudged(*table) || !IsDroppable(narrow) || !IsLive(narrow)) continue;
    if (!IsOldEnough(snapshot, narrow, min_age)) continue;
    if (BetterTwin(snapshot, narrow) != nullptr) continue;  // duplicate_index has it
    const Index* wide = FindCover(snapshot, narrow);
    if (wide == nullptr || !IsOldEnough(snapshot, *wide, min_age)) continue;

    const auto bytes = static_cast<double>(TotalBytes(snapshot, narrow));
    const auto wide_bytes = static_cast<double>(TotalBytes(snapshot, *wide));
    if (bytes < values["min_size"]) continue;
    double scans = 0;
    bool narrow_used = false, wide_used = false;
    ForEachLeaf(snapshot, narrow, [&](const Index& leaf) {
      scans += static_cast<double>(leaf.executor_scans + leaf.constraint_checks);
      narrow_used = narrow_used || UsedWithin(snapshot, leaf, std::max(observed, 1.0));
    });
    ForEachLeaf(snapshot, *wide, [&](const Index& leaf) {
      wide_used = wide_used || UsedWithin(snapshot, leaf, std::max(min_age, 1.0));
    });
    // An unused wide index beside a used narrow one: unused_index may ask for the wide one, never
    // both.
    if (IndexUseIsKnown(snapshot) && narrow_used && !wide_used && IsDroppable(*wide)) continue;
    const double scans_per_day = observed > 0 ? scans / std::max(observed, 1.0) : 0;
    const double ratio = bytes > 0 ? wide_bytes / bytes : 1;
    const bool rarely = IndexUseIsKnown(snapshot) && scans_per_day <= values["few_scans"];
    if (ratio > values["max_size_ratio"] && !rarely) continue;

    Finding& finding = out.Add(kId, bytes >= 100 * kMB ? Severity::kMedium : Severity::kLow);
    Identify(finding, kId, narrow.qualified);
    Append(finding.title, "Drop ", narrow.qualified, ": ", wide->qualified,
           " begins with the same keys");
    Append(finding.rationale, narrow.qualified, " has the keys ", KeyList(narrow.definition), "; ",
           wide->qualified, " has ", KeyList(wide->definition),
           ", with the same operator classes, collations, order and predicate. Whatever the "
           "narrower one "
           "serves, the wider one serves. Every write maintains both. Dropping the narrower one "
           "frees ",
           text::Bytes(bytes), "; the wider one takes ", text::Bytes(wide_bytes), ".");
    if (IndexUseIsKnown(snapshot)) {
      Append(finding.rationale, " Statements scanned the narrower one ", text::Count(scans_per_day),
             " times a day.");
    }
    Append(finding.risk, "Scans of the wider index read up to ", text::Number(ratio, 1),
           " times as many of its pages, and it takes as much more of the cache. The down steps "
           "make the "
           "dropped index again.");
    const bool widened = narrow.deduplicate && !wide->unique && ratio > 2;
    finding.confidence = widened ? 0.75 : 0.85;
    if (snapshot.server.has_standbys) {
      finding.confidence *= 0.9;
      Append(finding.risk,
             " Use on the standbys is not seen from here: compare pg_stat_all_indexes there.");
    }
    finding.Add("covered_by", wide->qualified);
    finding.Add("definition", narrow.definition);
    finding.Add("covering_definition", wide->definition);
    finding.Add("size_bytes", static_cast<std::int64_t>(bytes));
    finding.Add("covering_size_bytes", static_cast<std::int64_t>(wide_bytes));
    finding.Add("executor_scans", static_cast<std::int64_t>(scans));
    finding.Add("scans_per_day", scans_per_day);
    finding.Add("observed_days", observed);
    AskToDrop(snapshot, narrow, finding);
  }
}

}  // namespace

constinit const RuleDescriptor kRedundantIndex{
    .id = kId,
    .category = Category::kIndex,
    .severity = Severity::kLow,
    .needs = Needs::kNothing,
    .title = "An index's keys are the first keys of another index",
    .source =
        "PostgreSQL docs, indexes-multicolumn: a b-tree serves conditions on its leading columns",
    .params = kParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules
