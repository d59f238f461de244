// table_bloat: tables of which a rewrite would give back a good part, for good.
#include <algorithm>

#include "assist/size_model.hpp"
#include "core/bloat.hpp"
#include "core/rules/registry.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

#include <boost/container/small_vector.hpp>

namespace assist::rules {
namespace {

using text::Append;

constexpr std::string_view kId = "table_bloat";
constexpr double kDeadShare = 0.2;           // of the rows: VACUUM comes first
constexpr double kRewriteBytesPerMs = 40e3;  // 40 MB/s, table and indexes written again

constexpr Param kParams[] = {
    {.name = "min_fraction",
     .unit = Unit::kFraction,
     .fallback = 0.30,
     .min = 0.05,
     .max = 0.99,
     .meaning = "reclaimable share of the table"},
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
    {.name = "refill_days",
     .unit = Unit::kDays,
     .fallback = 30,
     .min = 0,
     .max = 3650,
     .meaning = "free space that new rows fill within this time is left alone; 0 = do not ask"},
};

double TupleBytes(const Table& table) {
  boost::container::small_vector<SizedColumn, 64> columns(table.columns.size());
  HeapShape shape;
  if (!table.columns.empty() && DescribeHeap(table, columns.data(), &shape)) {
    return EstimateHeapTupleBytes(shape) + 4;
  }
  return table.rows > 0 ? static_cast<double>(table.size_bytes) / table.rows : 0;
}

// Days until new row versions have filled the reclaimable space; 0 = not known.
double DaysToRefill(const Table& table) {
  if (table.row_versions_per_day < 0) return 0;
  const double bytes_per_day = table.row_versions_per_day * TupleBytes(table);
  if (bytes_per_day <= 0) return 1e6;
  return static_cast<double>(table.bloat.reclaimable_bytes) / bytes_per_day;
}

void SuggestVacuum(const Table& table, double dead_share, Finding& finding) {
  Append(finding.title, "Vacuum ", table.qualified, ": ", text::Percent(dead_share),
         " of its rows are dead");
  Append(finding.rationale, text::Count(static_cast<double>(table.dead_rows)), " of ",
         text::Count(static_cast<double>(table.live_rows + table.dead_rows)),
         " rows are dead and VACUUM has not freed them");
  Append(finding.rationale,
         table.autovacuum_enabled ? "." : ": autovacuum is switched off for this table.",
         " Until then new rows make the table grow.");
  finding.risk =
      "VACUUM lets reads and writes go on. It cannot free rows that an open transaction, a "
      "replication slot or a prepared transaction may still see.";
  finding.action.kind = Action::Kind::kVacuum;
  finding.action.relation = table.oid;
  finding.action.object = table.qualified;
  Append(finding.action.statement, "VACUUM ", table.qualified);
  Append(finding.sql, finding.action.statement, ";");
}

void SuggestRewrite(const Table& table, double refill_days, Finding& finding) {
  const Bloat& bloat = table.bloat;
  const auto size = static_cast<double>(table.size_bytes);
  const bool measured = bloat.source == SizeSource::kMeasured;
  const text::Short gain = text::Bytes(static_cast<double>(bloat.reclaimable_bytes));
  Append(finding.title, "Rewrite ", table.qualified, ": ", measured ? "" : "about ", gain, " of ",
         text::Bytes(size), " is empty");
  Append(finding.rationale, table.qualified, " takes ", text::Bytes(size), "; its ",
         text::Count(table.rows), " rows need ",
         text::Bytes(static_cast<double>(bloat.expected_bytes)), " at fillfactor ",
         text::Integer(table.fillfactor), ". A rewrite gives back ", gain, ", ",
         text::Percent(bloat.reclaimable_fraction), ". ",
         measured ? "The free space was measured with pgstattuple."
                  : "The needed size is computed from column widths and row counts of the last "
                    "ANALYZE; install "
                    "pgstattuple to have it measured.");
  if (refill_days > 0) {
    Append(finding.rationale, " New rows would take ",
           refill_days >= 3650 ? std::string_view("more than ten years")
                               : text::Duration(refill_days * 86400e3).view(),
           " to fill it.");
  }
  const double rewrite_ms =
      static_cast<double>(table.total_bytes - table.size_bytes + bloat.expected_bytes) /
      kRewriteBytesPerMs;
  Append(finding.risk, "VACUUM FULL locks out all reads and writes, for about ",
         text::Duration(rewrite_ms),
         " here, and needs room for the new copy. pg_repack and pg_squeeze do the same with a "
         "short lock. "
         "If the space was freed once by a large DELETE, rewriting pays; if it comes back, vacuum "
         "more often.");
  finding.storage_delta_bytes = -bloat.reclaimable_bytes;
  finding.action.kind = Action::Kind::kVacuumFull;
  finding.action.relation = table.oid;
  finding.action.object = table.qualified;
  Append(finding.action.statement, "VACUUM (FULL, ANALYZE) ", table.qualified);
  Append(finding.sql, finding.action.statement, ";");
}

Severity Judge(double fraction, double bytes) {
  if (fraction >= 0.5 && bytes >= 5 * kGB) return Severity::kHigh;
  return bytes >= kGB ? Severity::kMedium : Severity::kLow;
}

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  for (const Table& table : snapshot.tables) {
    const Bloat& bloat = table.bloat;
    if (!IsJudged(table) || table.kind == 'p' || bloat.source == SizeSource::kNone) continue;
    const bool measured = bloat.source == SizeSource::kMeasured;
    // The measurement decides where it can be had.
    if (!measured && snapshot.server.has_pgstattuple) continue;
    const double margin = measured ? 0 : values["estimate_margin"];
    const auto reclaimable = static_cast<double>(bloat.reclaimable_bytes - bloat.reused_bytes);
    if (table.size_bytes <= 0 || reclaimable < values["min_bytes"] ||
        reclaimable / static_cast<double>(table.size_bytes) < values["min_fraction"] + margin) {
      continue;
    }
    if (!measured && (table.last_analyze <= 0 || table.rows < 0 ||
                      static_cast<double>(table.modified_since_analyze) >
                          values["max_modified"] * std::max(table.rows, 1.0))) {
      continue;
    }
    const auto all_rows = static_cast<double>(table.live_rows + table.dead_rows);
    const double dead_share = all_rows > 0 ? static_cast<double>(table.dead_rows) / all_rows : 0;
    const double refill_days = DaysToRefill(table);
    const bool vacuum_first = dead_share >= kDeadShare;
    if (!vacuum_first && values["refill_days"] > 0 && refill_days > 0 &&
        refill_days < values["refill_days"]) {
      continue;
    }

    Finding& finding = out.Add(
        kId, vacuum_first ? Severity::kMedium : Judge(bloat.reclaimable_fraction, reclaimable));
    Identify(finding, kId, table.qualified);
    if (vacuum_first) {
      SuggestVacuum(table, dead_share, finding);
    } else {
      SuggestRewrite(table, refill_days, finding);
    }
    finding.confidence = measured ? 0.95 : 0.6;
    if (refill_days <= 0) finding.confidence *= 0.8;  // too early to know whether it fills again
    finding.Add("size_bytes", table.size_bytes);
    finding.Add("expected_bytes", bloat.expected_bytes);
    finding.Add("reclaimable_bytes", bloat.reclaimable_bytes);
    finding.Add("reclaimable_fraction", bloat.reclaimable_fraction);
    finding.Add("measured", measured);
    finding.Add("live_rows", table.live_rows);
    finding.Add("dead_rows", table.dead_rows);
    finding.Add("fillfactor", static_cast<std::int64_t>(table.fillfactor));
    if (refill_days > 0) finding.Add("days_to_refill", refill_days);
  }
}

}  // namespace

constinit const RuleDescriptor kTableBloat{.id = kId,
                                           .category = Category::kMaintenance,
                                           .severity = Severity::kMedium,
                                           .needs = Needs::kNothing,
                                           .title = "A table is much larger than its rows need",
                                           .source =
                                               "layout of the rows against the real pages, "
                                               "pgstattuple_approx where installed; 30 % and 1 GB, "
                                               "50 % and 5 GB as severities",
                                           .params = kParams,
                                           .evaluate = &Evaluate};

}  // namespace assist::rules
