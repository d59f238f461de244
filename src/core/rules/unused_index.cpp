// unused_index: indexes that no statement and no foreign-key check has scanned in the whole window.
#include <algorithm>

#include "core/rules/registry.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::rules {
namespace {

using text::Append;

constexpr std::string_view kId = "unused_index";
constexpr double kFullWindowDays = 35;  // a month and its end

constexpr Param kParams[] = {
    {.name = "min_age",
     .unit = Unit::kDays,
     .fallback = kFullWindowDays,
     .min = 0,
     .max = 3650,
     .meaning = "days of observation without a scan, and since the index was first seen"},
    {.name = "min_size",
     .unit = Unit::kBytes,
     .fallback = 1 << 20,
     .min = 0,
     .max = kMaxBytes,
     .meaning = "size of the index"},
    {.name = "min_table_scans",
     .unit = Unit::kCount,
     .fallback = 100,
     .min = 0,
     .max = 1e12,
     .meaning = "scans of its table in the statistics: without reads, disuse says nothing"},
};

enum class ExpressionUse : std::uint8_t { kNone, kUnobserved, kObserved };

// An index on an expression also gives the planner the expression's statistics. Observed: a
// statement has the expression in a predicate. No predicates at all: it cannot be told.
ExpressionUse UseOfStatistics(const Snapshot& snapshot, const Index& index) {
  if (!index.has_expression_statistics) return ExpressionUse::kNone;
  if (snapshot.predicates.empty()) return ExpressionUse::kObserved;
  for (const IndexKey& key : index.keys) {
    if (key.column != 0) continue;
    for (const Predicate& predicate : snapshot.predicates) {
      const Table* table = snapshot.FindTable(predicate.relation);
      const bool same =
          predicate.relation == index.table || (table != nullptr && table->parent == index.table);
      if (!same) continue;
      for (const std::string_view expression : predicate.expressions) {
        if (!expression.empty() && text::SameExpression(expression, key.expression)) {
          return ExpressionUse::kObserved;
        }
      }
    }
  }
  return ExpressionUse::kUnobserved;
}

// A usable twin that statements do scan: then one of the two is a duplicate, which is another
// rule's.
bool HasUsedTwin(const Snapshot& snapshot, const Index& index, double days) {
  bool used = false;
  snapshot.ForEachIndexOf(index.table, [&](const Index& other) {
    if (other.oid == index.oid || !IsLive(other) || !SameShape(index, other)) return;
    ForEachLeaf(snapshot, other,
                [&](const Index& leaf) { used = used || UsedWithin(snapshot, leaf, days); });
  });
  return used;
}

// An index of the partitioned table is incomplete: this one may be about to be attached to it.
bool MayBeAttached(const Snapshot& snapshot, const Table& table) {
  bool incomplete = false;
  if (table.parent == 0) return false;
  snapshot.ForEachIndexOf(table.parent,
                          [&](const Index& index) { incomplete = incomplete || !index.valid; });
  return incomplete;
}

// Whether standbys have told of the index's use for that long, and lately.
bool ToldOf(const Snapshot& snapshot, const Index& index, double days) {
  constexpr double kLately = 7;
  return index.imported_since > 0 && DaysSince(snapshot, index.imported_since) >= days &&
         DaysSince(snapshot, index.imported_last) <= kLately;
}

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  const double min_age = values["min_age"];
  const double window = std::max(min_age, 1.0);  // with a lowered window, use of today is use
  const double observed = DaysSince(snapshot, snapshot.server.index_use_since);
  if (!IndexUseIsKnown(snapshot) || observed < min_age) {
    std::pmr::string reason(out.memory());
    const bool lost = snapshot.server.index_use_since > snapshot.server.observed_since;
    Append(reason, lost ? "counters gave way to others: use is known for " : "observed for ",
           text::Number(observed, 1), " of ", text::Number(min_age, 1), " days");
    out.Silent(kId, reason);
    return;
  }
  for (const Index& index : snapshot.indexes) {
    const Table* table = snapshot.FindTable(index.table);
    if (table == nullptr || !IsJudged(*table) || !IsDroppable(index) || !IsLive(index)) continue;
    const auto bytes = static_cast<double>(TotalBytes(snapshot, index));
    if (bytes < values["min_size"]) continue;
    // Not seen before counts as new.
    if (min_age > 0 && DaysSince(snapshot, index.created) < min_age) continue;
    bool used = false, young = false, told = true;
    std::int64_t server_scans = 0;
    double last_use = 0;
    ForEachLeaf(snapshot, index, [&](const Index& leaf) {
      used = used || UsedWithin(snapshot, leaf, window);
      young = young || leaf.being_built;
      told = told && ToldOf(snapshot, leaf, min_age);
      server_scans += leaf.server_scans;
      last_use = std::max(last_use, leaf.last_use);
    });
    if (used || young || SupportsForeignKey(snapshot, index)) continue;
    const Traffic traffic = TrafficOf(snapshot, *table);
    if (traffic.scans < values["min_table_scans"]) continue;
    if (HasUsedTwin(snapshot, index, window) || MayBeAttached(snapshot, *table)) continue;
    const ExpressionUse expression = UseOfStatistics(snapshot, index);
    if (expression == ExpressionUse::kObserved) continue;

    const bool heavy = bytes >= 100 * kMB || traffic.writes >= 1e7;
    Finding& finding = out.Add(kId, heavy ? Severity::kMedium : Severity::kLow);
    Identify(finding, kId, index.qualified);
    Append(finding.title, "Drop unused index ", index.qualified, " (", text::Bytes(bytes), ")");
    std::pmr::string& why = finding.rationale;
    if (last_use > 0) {
      Append(why, "The last scan by a statement or a foreign-key check was ",
             text::Number(DaysSince(snapshot, last_use), 1), " days ago. ");
    } else {
      Append(why, "No statement and no foreign-key check has scanned it in ",
             text::Duration(observed * 86400e3), " of observation. ");
    }
    Append(why, "Since the statistics of ", table->qualified, " began, the table was scanned ",
           text::Count(traffic.scans), " times, and ", text::Count(traffic.writes),
           " row changes had to be followed by its indexes. This one takes ", text::Bytes(bytes),
           ".");
    if (server_scans > 0) {
      Append(why, " The server counts ", text::Count(static_cast<double>(server_scans)),
             " scans in pg_stat_all_indexes: the planner's own look-ups of the highest and lowest "
             "value, or "
             "scans before the observation began.");
    }
    std::pmr::string& risk = finding.risk;
    Append(risk, "A statement that runs less often than every ", text::Number(observed, 1),
           " days may need it. The down steps make it again.");
    finding.confidence = 0.9 * std::clamp(observed / kFullWindowDays, 0.3, 1.0);
    if (snapshot.server.has_standbys && told) {
      Append(risk,
             " The standbys whose use was imported have not scanned it in that time either; others "
             "are not seen from here.");
    } else if (snapshot.server.has_standbys) {
      finding.confidence *= 0.5;
      Append(risk,
             " Use on the standbys is not seen from here: look at pg_stat_all_indexes there first, "
             "or import it by assist.import_index_usage().");
    }
    if (expression == ExpressionUse::kUnobserved) {
      finding.confidence *= 0.6;
      Append(risk,
             " The index also gives the planner statistics of its expression; no observed "
             "predicate has "
             "it. CREATE STATISTICS on the expression keeps them.");
    }
    if (index.kind == 'I') {
      Append(risk,
             " Dropping the index of a partitioned table locks the table and its partitions for an "
             "instant.");
    }
    finding.Add("definition", index.definition);
    finding.Add("size_bytes", static_cast<std::int64_t>(bytes));
    finding.Add("observed_days", observed);
    finding.Add("executor_scans", index.executor_scans);
    finding.Add("server_scans", server_scans);
    finding.Add("table_scans", traffic.scans);
    finding.Add("table_row_changes", traffic.writes);
    finding.Add("standbys", snapshot.server.has_standbys);
    if (snapshot.server.has_standbys) finding.Add("standbys_imported", told);
    AskToDrop(snapshot, index, finding);
  }
}

}  // namespace

constinit const RuleDescriptor kUnusedIndex{
    .id = kId,
    .category = Category::kIndex,
    .severity = Severity::kMedium,
    .needs = Needs::kIndexUse,
    .title = "No statement uses the index",
    .source =
        "scans by the executor, not pg_stat_all_indexes.idx_scan, which counts planner probes too; "
        "window of 35 days as Azure's and pganalyze's",
    .params = kParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules
