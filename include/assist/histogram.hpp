// Latency histogram: 4 buckets an octave from 4 us to 2^30 us (17.9 min).
//
// A bucket spans a factor of 2^(1/4) = 1.189, so a quantile reported as a bucket's geometric middle
// is within 9.1 % of the exact one. Below 4 us and above the top the end buckets take all.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>

namespace assist {

inline constexpr int kBucketsPerOctave = 4;
inline constexpr int kLowestOctave = 12;   // 2^12 ns = 4.096 us
inline constexpr int kHighestOctave = 40;  // 2^40 ns = 1,099.5 s
inline constexpr int kLatencyBuckets = (kHighestOctave - kLowestOctave) * kBucketsPerOctave + 1;

// Quarter of the octave, counted from 1, by the six bits below the leading one: the edges 12, 27 and 44 64ths
// stand for 2^(1/4), 2^(2/4) and 2^(3/4).
inline constexpr auto kQuarter = [] {
  std::array<std::uint8_t, 64> quarter{};
  for (unsigned i = 0; i < 64; ++i)
    quarter[i] = static_cast<std::uint8_t>(1 + (i >= 12) + (i >= 27) + (i >= 44));
  return quarter;
}();

// Bucket of a duration in nanoseconds. Branch-light: the hot path calls it once a statement.
constexpr int LatencyBucket(std::uint64_t ns) noexcept {
  if (ns < (1ULL << kLowestOctave)) return 0;
  if (ns >= (1ULL << kHighestOctave)) return kLatencyBuckets - 1;
  const int zeros = std::countl_zero(ns);
  return (63 - kLowestOctave - zeros) * kBucketsPerOctave + kQuarter[(ns << zeros) >> 57 & 63];
}

// Geometric middle of a bucket, in milliseconds. The first bucket (below 4 us) answers 2 us.
inline double LatencyBucketMiddleMs(int bucket) noexcept {
  if (bucket <= 0) return 0.002;
  const double exponent = kLowestOctave + (static_cast<double>(bucket) - 0.5) / kBucketsPerOctave;
  return std::exp2(exponent) / 1e6;
}

// The q-quantile (0..1) in milliseconds, clamped to the observed [min_ms, max_ms]; 0 without
// samples. Uses the nearest-rank definition: the smallest value with at least q of the samples at
// or below it.
template <typename Count>
double LatencyQuantileMs(std::span<const Count> buckets, double q, double min_ms,
                         double max_ms) noexcept {
  std::uint64_t total = 0;
  for (const Count n : buckets) total += n;
  if (total == 0) return 0;
  auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(total)));
  if (rank == 0) rank = 1;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    seen += buckets[i];
    if (seen >= rank) {
      const double middle = LatencyBucketMiddleMs(static_cast<int>(i));
      return middle < min_ms ? min_ms : middle > max_ms ? max_ms : middle;
    }
  }
  return max_ms;
}

}  // namespace assist
