// index_bloat: b-trees that REINDEX would make much smaller than they will be at rest.
#include <algorithm>

#include "core/rules/registry.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::rules {
namespace {

using text::Append;

constexpr std::string_view kId = "index_bloat";
// A b-tree that takes keys in random order comes to rest at about this share of full pages.
constexpr double kRestingDensity = 0.70;

constexpr Param kParams[] = {
    {.name = "min_fraction",
     .unit = Unit::kFraction,
     .fallback = 0.40,
     .min = 0.05,
     .max = 0.99,
     .meaning = "reclaimable share of the index"},
    {.name = "min_bytes",
     .unit = Unit::kBytes,
     .fallback = 100 * kMB,
     .min = 0,
     .max = kMaxBytes,
     .meaning = "reclaimable bytes"},
    {.name = "estimate_margin",
     .unit = Unit::kFraction,
     .fallback = 0.15,
     .min = 0,
     .max = 0.9,
     .meaning = "added to min_fraction where the size is estimated and not measured"},
    {.name = "max_modified",
     .unit = Unit::kFraction,
     .fallback = 0.10,
     .min = 0,
     .max = 10,
     .meaning = "rows changed since the last ANALYZE, as a share, up to which an estimate counts"},
};

Severity Judge(double fraction, double bytes) {
  if (fraction >= 0.7 && bytes >= kGB) return Severity::kHigh;
  return bytes >= kGB ? Severity::kMedium : Severity::kLow;
}

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  for (const Index& index : snapshot.indexes) {
    const Bloat& bloat = index.bloat;
    if (bloat.source == SizeSource::kNone || index.method != "btree" || index.kind != 'i') continue;
    // REINDEX CONCURRENTLY does not do exclusion constraints; invalid indexes have their own rule.
    if (!IsLive(index) || index.exclusion || index.extension_owned || index.size_bytes <= 0)
      continue;
    const Table* table = snapshot.FindTable(index.table);
    if (table == nullptr || !IsJudged(*table)) continue;
    const bool measured = bloat.source == SizeSource::kMeasured;
    if (!measured && snapshot.server.has_pgstattuple) continue;
    if (!measured && (table->last_analyze <= 0 || table->rows < 0 ||
                      static_cast<double>(table->modified_since_analyze) >
                          values["max_modified"] * std::max(table->rows, 1.0))) {
      continue;
    }
    const auto size = static_cast<double>(index.size_bytes);
    const auto reclaimable = static_cast<double>(bloat.reclaimable_bytes - bloat.reused_bytes);
    const double margin = measured ? 0 : values["estimate_margin"];
    if (reclaimable < values["min_bytes"] || reclaimable / size < values["min_fraction"] + margin)
      continue;

    // What pages at rest leave free again, at most.
    const double resting = std::min(size, static_cast<double>(bloat.expected_bytes) *
                                              (index.fillfactor / 100.0) / kRestingDensity);
    const double returns = std::max(0.0, resting - static_cast<double>(bloat.expected_bytes));
    Finding& finding = out.Add(kId, Judge(bloat.reclaimable_fraction, reclaimable));
    Identify(finding, kId, index.qualified);
    const text::Short gain = text::Bytes(static_cast<double>(bloat.reclaimable_bytes));
    Append(finding.title, "Rebuild ", index.qualified, ": ", measured ? "" : "about ", gain, " of ",
           text::Bytes(size), " is empty");
    Append(finding.rationale, index.qualified, " takes ", text::Bytes(size),
           "; built afresh at fillfactor ", text::Integer(index.fillfactor), " its entries need ",
           text::Bytes(static_cast<double>(bloat.expected_bytes)), ". REINDEX gives back ", gain,
           ", ", text::Percent(bloat.reclaimable_fraction), ". ",
           measured ? "The density of its pages was measured with pgstatindex."
                    : "The needed size is computed from key widths, nulls and repetition in the "
                      "statistics; "
                      "install pgstattuple to have it measured.");
    if (returns > 0) {
      Append(finding.rationale, " If keys arrive in random order, up to ", text::Bytes(returns),
             " of that comes back in time.");
    }
    Append(finding.risk, "REINDEX CONCURRENTLY lets reads and writes go on. It needs ",
           text::Bytes(static_cast<double>(bloat.expected_bytes)),
           " of disk until it is done and waits for open transactions. If it fails, an invalid "
           "index with the "
           "ending _ccnew is left to drop.");
    finding.storage_delta_bytes = -bloat.reclaimable_bytes;
    finding.confidence = measured ? 0.95 : 0.6;
    finding.Add("size_bytes", index.size_bytes);
    finding.Add("expected_bytes", bloat.expected_bytes);
    finding.Add("reclaimable_bytes", bloat.reclaimable_bytes);
    finding.Add("reclaimable_fraction", bloat.reclaimable_fraction);
    finding.Add("measured", measured);
    finding.Add("entries", index.entries);
    finding.Add("fillfactor", static_cast<std::int64_t>(index.fillfactor));
    finding.action.kind = Action::Kind::kReindex;
    finding.action.relation = index.oid;
    finding.action.object = index.qualified;
    Append(finding.action.statement, "REINDEX INDEX CONCURRENTLY ", index.qualified);
    Append(finding.sql, finding.action.statement, ";");
  }
}

}  // namespace

constinit const RuleDescriptor kIndexBloat{.id = kId,
                                           .category = Category::kMaintenance,
                                           .severity = Severity::kMedium,
                                           .needs = Needs::kNothing,
                                           .title = "A b-tree is much larger than its entries need",
                                           .source =
                                               "size model with deduplication against the real "
                                               "pages, pgstatindex where installed; b-trees with "
                                               "random keys rest at 70 to 75 % density",
                                           .params = kParams,
                                           .evaluate = &Evaluate};

}  // namespace assist::rules
