// A latency histogram in 16 bits a bucket. What does not fit halves all buckets: they count in
// units of 2^shift, which leaves quantiles as they are but for buckets with less than 2^-15 of the
// executions.
#pragma once

#include <algorithm>
#include <span>

#include "assist/histogram.hpp"
#include "pg/server.hpp"

namespace assist::pg {

struct SmallHistogram {
  uint16 shift;
  uint16 buckets[kLatencyBuckets];
};

inline uint64 count_in(const SmallHistogram& histogram, int bucket) {
  return uint64{histogram.buckets[bucket]} << histogram.shift;
}

// The buckets that have something: [first, last), most often one. Few of many are looked at when
// they are added.
struct BucketRange {
  int first = 0, last = 0;
};
template <typename Count>
BucketRange used_buckets(const Count (&gain)[kLatencyBuckets]) {
  BucketRange range{0, kLatencyBuckets};
  while (range.first < range.last && gain[range.first] == 0) ++range.first;
  while (range.last > range.first && gain[range.last - 1] == 0) --range.last;
  return range;
}

// Adds executions to each bucket of a range.
template <typename Count>
void add_to(SmallHistogram* histogram, const Count (&gain)[kLatencyBuckets], BucketRange range) {
  uint64 largest = 0;
  for (int b = range.first; b < range.last; ++b)
    largest = std::max(largest,
                       histogram->buckets[b] + (static_cast<uint64>(gain[b]) >> histogram->shift));
  while (largest > PG_UINT16_MAX) {
    for (uint16& bucket : histogram->buckets) bucket = static_cast<uint16>(bucket / 2);
    ++histogram->shift;
    largest /= 2;
  }
  const uint64 half = histogram->shift > 0 ? uint64{1} << (histogram->shift - 1) : 0;
  for (int b = range.first; b < range.last; ++b) {
    const uint64 more =
        histogram->buckets[b] + ((static_cast<uint64>(gain[b]) + half) >> histogram->shift);
    histogram->buckets[b] = static_cast<uint16>(std::min<uint64>(more, PG_UINT16_MAX));
  }
}

}  // namespace assist::pg
