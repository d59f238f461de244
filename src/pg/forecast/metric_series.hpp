// Series of hours or days of any metric that history has: what the database, tables, indexes and
// statements did, and what was imported.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assist/history.hpp"
#include "pg/guard.hpp"

extern "C" {
#include "datatype/timestamp.h"
#include "pgtime.h"
}

namespace assist::pg {

// Hours are those of a time zone's wall clock, days those of UTC, as the recorded ones.
enum class MetricStep : std::uint8_t { kHour, kDay };

inline constexpr std::int64_t kHourUs = 3600000000, kDayUs = 24 * kHourUs;

// A metric of a kind of objects, by its name in the views of history.
struct Metric {
  HistoryKind kind;
  std::string_view name;
  std::array<std::string_view, 3> columns;  // of blocks, added up
  double scale = 1;
  std::string_view per = {};     // column divided by; no value where that is 0
  bool zero_is_unknown = false;  // not measured in that interval
};
std::optional<Metric> MetricOf(HistoryKind kind, std::string_view name);

// Where a series comes from: a metric of some objects of its kind (several are added up), and what
// was imported under a name.
struct MetricSource {
  std::optional<Metric> metric;
  std::vector<std::uint32_t> keys;
  bool imported = false;
  std::string name, object;  // of what was imported
};

// REQUIRES: no OwnerScope: names mean what they mean to the caller, who sees what is theirs. Throws
// PgError and AssistError: 22023 for a metric that is none, P0002 for an object that is none, 42501
// for what is somebody else's.
MetricSource FindMetric(std::string_view name, std::optional<std::string_view> object);

// Whether there is such a metric of any object. REQUIRES: as FindMetric.
bool IsMetric(std::string_view name);

// A metric of the database.
MetricSource DatabaseMetric(std::string_view name);

struct MetricSeries {
  std::int32_t start = 0;      // step of the first value, counted since 1970
  std::vector<double> values;  // NaN = not measured
  double current = std::numeric_limits<double>::quiet_NaN();  // of the step that is not over
};

// The last `count` steps of each before the present one; fewer when it is younger. Sources are of
// one kind; blocks are read once. `least_seen`: share of the present step for `current`.
// `zone`: nullptr = UTC. REQUIRES: OwnerScope. Throws PgError.
std::vector<MetricSeries> ReadMetrics(std::span<const MetricSource> sources, MetricStep step,
                                      int count, TimestampTz now, const pg_tz* zone,
                                      double least_seen = 0.15);

// Microseconds since 1970 on the wall clock of a zone.
std::int64_t on_clock(TimestampTz at, const pg_tz* zone);

}  // namespace assist::pg
