// The metrics that have thresholds.

#include <algorithm>
#include <iterator>

#include "assist/alert.hpp"

namespace assist {

namespace {

constexpr Hysteresis kThree = {3, 3};

// SOURCE of the defaults: the project's targets; the volumes: pgdoctor, pgEdge and the postgres
// mixin, see docs/alerts.md.
constexpr MetricDescriptor kMetrics[] = {
    {.name = "single_row_time",
     .unit = "ms",
     .better = Better::kLower,
     .of = MetricOf::kStatement,
     .pace = Pace::kMinutes,
     .warning = 51,
     .critical = 100,
     .hysteresis = kThree,
     .anomaly = false,
     .meaning = "mean time of a statement of at most one row a call; of 30 calls or more"},
    {.name = "list_time",
     .unit = "ms",
     .better = Better::kLower,
     .of = MetricOf::kStatement,
     .pace = Pace::kMinutes,
     .warning = 500,
     .critical = 1000,
     .hysteresis = kThree,
     .anomaly = false,
     .meaning = "mean time of a SELECT of more rows with LIMIT, or of up to 1000 rows; of 30 "
                "calls or more"},
    {.name = "cache_hit_ratio",
     .unit = "%",
     .better = Better::kHigher,
     .of = MetricOf::kDatabase,
     .pace = Pace::kMinutes,
     .warning = 99,
     .critical = 95,
     .hysteresis = kThree,
     .anomaly = false,
     .meaning = "blocks found in shared buffers; of 50,000 accesses or more"},
    {.name = "index_usage",
     .unit = "%",
     .better = Better::kHigher,
     .of = MetricOf::kRelation,
     .pace = Pace::kMinutes,
     .warning = 95,
     .critical = 80,
     .hysteresis = kThree,
     .anomaly = false,
     .meaning = "scans of a core table that use an index; of 100 scans or more, where sequential "
                "ones read 1,000 rows or more each"},
    {.name = "core_seq_scan",
     .unit = "scans",
     .better = Better::kLower,
     .of = MetricOf::kRelation,
     .pace = Pace::kMinutes,
     .warning = 0,
     .critical = kOff,
     .hysteresis = kThree,
     .anomaly = false,
     .meaning = "sequential scans since the last look of a core table that had less than one a day "
                "in the last week; of 1,000 rows or more each; needs 2 days"},
    {.name = "call_growth",
     .unit = "%",
     .better = Better::kLower,
     .of = MetricOf::kStatement,
     .pace = Pace::kHour,
     .warning = 50,
     .critical = kOff,
     .hysteresis = kThree,
     .anomaly = false,
     .meaning = "calls of the last 24 hours against the same hours of the weeks before, the "
                "busiest of them; of 1,000 calls and 1 % of the time or more; needs 8 days"},
    {.name = "database_growth",
     .unit = "%",
     .better = Better::kLower,
     .of = MetricOf::kDatabase,
     .pace = Pace::kDay,
     .warning = 20,
     .critical = kOff,
     .hysteresis = {2, 2},
     .anomaly = false,
     .meaning = "size against that of 30 days ago, medians of 3 days; of 256 MB or more; needs 31 "
                "days"},
};

}  // namespace

std::span<const MetricDescriptor> AllMetrics() { return kMetrics; }

const MetricDescriptor* FindMetric(std::string_view name) {
  const auto* found = std::find_if(std::begin(kMetrics), std::end(kMetrics),
                                   [&](const MetricDescriptor& m) { return m.name == name; });
  return found == std::end(kMetrics) ? nullptr : found;
}

std::string_view ToString(MetricOf of) {
  switch (of) {
    case MetricOf::kDatabase:
      return "database";
    case MetricOf::kStatement:
      return "statement";
    case MetricOf::kRelation:
      return "table";
  }
  return "";
}

}  // namespace assist
