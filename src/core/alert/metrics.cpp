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
     .hysteresis = {1, 3},
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
    {.name = "error_rate",
     .unit = "times",
     .better = Better::kLower,
     .of = MetricOf::kDatabase,
     .pace = Pace::kMinutes,
     .warning = 3,
     .critical = 10,
     .hysteresis = kThree,
     .anomaly = true,
     .meaning = "failed statements of all, against the most at the same hours of the last week; of "
                "20 failures and 1 % or more; needs 3 days"},
    {.name = "connection_storm",
     .unit = "times",
     .better = Better::kLower,
     .of = MetricOf::kDatabase,
     .pace = Pace::kMinutes,
     .warning = 2,
     .critical = kOff,
     .hysteresis = {2, 3},
     .anomaly = true,
     .meaning = "connections against the most at the same hours of the last week; of 20 or more; "
                "needs 3 days"},
    {.name = "temp_usage",
     .unit = "times",
     .better = Better::kLower,
     .of = MetricOf::kDatabase,
     .pace = Pace::kMinutes,
     .warning = 5,
     .critical = kOff,
     .hysteresis = kThree,
     .anomaly = true,
     .meaning = "bytes an hour of temporary files, against the most at the same hours of the last "
                "week; of 1 GB an hour or more; needs 3 days"},
    {.name = "new_statement",
     .unit = "%",
     .better = Better::kLower,
     .of = MetricOf::kStatement,
     .pace = Pace::kHour,
     .warning = 10,
     .critical = 30,
     .hysteresis = {2, 2},
     .anomaly = true,
     .meaning = "share of the last hour's time of a statement that was first seen within a day; of "
                "an hour with 60 s of work or more; needs 2 days"},
    {.name = "vanished_statement",
     .unit = "%",
     .better = Better::kLower,
     .of = MetricOf::kStatement,
     .pace = Pace::kHour,
     .warning = 99,
     .critical = kOff,
     .hysteresis = {2, 1},
     .anomaly = true,
     .meaning = "calls of the last hour that are missing, of a statement that had 100 calls and 5 "
                "% of the time or more at this hour of each of the last 7 days; needs 7 days"},
    {.name = "unusual_hours",
     .unit = "%",
     .better = Better::kLower,
     .of = MetricOf::kStatement,
     .pace = Pace::kHour,
     .warning = 10,
     .critical = kOff,
     .hysteresis = {2, 2},
     .anomaly = true,
     .meaning = "share of the last hour's time of a statement that did not run around this hour of "
                "the last 14 days; of an hour with 60 s of work or more; needs 14 days"},
    {.name = "schema_change",
     .unit = "%",
     .better = Better::kLower,
     .of = MetricOf::kRelation,
     .pace = Pace::kHour,
     .warning = 20,
     .critical = kOff,
     .hysteresis = {1, 1},
     .anomaly = true,
     .meaning = "share of the last day's time of the statements that use a table which DDL has "
                "changed within a day; of a day with 600 s of work or more"},
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
