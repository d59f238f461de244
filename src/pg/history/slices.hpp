// What single objects did over time, out of the blocks of history.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "assist/history.hpp"
#include "pg/guard.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

namespace assist::pg {

// The clock on the wall, for statements of our own: they run with TimeZone = UTC. Of the session,
// or the server for the analyst.
#define ASSIST_LOCAL(moment) \
  "timezone((SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'), " moment ")"

// One object in one recorded interval.
struct Slice {
  TimestampTz start, until;
  std::int32_t hour;  // local wall-clock hour of its middle since 1970
  double observed_s;
  std::vector<std::uint64_t> values;  // columns of the kind
};

// Recorded intervals themselves: an object that is not in one did nothing then.
struct RecordedInterval {
  TimestampTz start, until;
  std::int32_t hour;
  double observed_s;
  double total;  // of one column over all objects
};

struct Slices {
  std::map<std::uint32_t, std::vector<Slice>> objects;
  std::vector<RecordedInterval> intervals;
};

// Reads the finest blocks of a kind whose middle is in [since, until). `wanted`: those objects
// only; nullptr = no object, just the intervals and, in `sums`, what each object has of column
// `total`. REQUIRES: OwnerScope. Throws PgError.
Slices ReadSlices(HistoryKind kind, TimestampTz since, TimestampTz until,
                  const std::set<std::uint32_t>* wanted, std::string_view total,
                  std::map<std::uint32_t, double>* sums = nullptr);

// Position of a column of a kind.
std::size_t ColumnOf(HistoryKind kind, std::string_view name);

}  // namespace assist::pg
