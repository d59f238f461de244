// Quantiles of the latency histogram against exact ones, on the shapes that latencies have.
#include "assist/histogram.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace assist {
namespace {

constexpr double kMinMs = 0.010;  // 10 us
constexpr double kMaxMs = 600e3;  // 10 min

struct Sampled {
  std::array<std::uint32_t, kLatencyBuckets> buckets{};
  std::vector<double> values;  // ms, sorted once by Check
  void Add(double ms) {
    ms = std::clamp(ms, kMinMs, kMaxMs);
    const auto ns = static_cast<std::uint64_t>(std::llround(ms * 1e6));
    ++buckets[static_cast<std::size_t>(LatencyBucket(ns))];
    values.push_back(static_cast<double>(ns) / 1e6);
  }
};

void Check(Sampled& sampled, const std::string& shape) {
  std::sort(sampled.values.begin(), sampled.values.end());
  for (const double q : {0.5, 0.95, 0.99}) {
    const auto rank =
        static_cast<std::size_t>(std::ceil(q * static_cast<double>(sampled.values.size())));
    const double exact = sampled.values[std::max<std::size_t>(rank, 1) - 1];
    const double estimate = LatencyQuantileMs(std::span<const std::uint32_t>(sampled.buckets), q,
                                              sampled.values.front(), sampled.values.back());
    EXPECT_NEAR(exact, estimate, exact * 0.10) << shape << " p" << q * 100;
  }
}

TEST(Histogram, LognormalLatenciesAtEveryScale) {
  std::mt19937_64 random(1);
  for (const double median : {0.02, 0.3, 4.0, 50.0, 900.0, 20e3, 120e3}) {
    for (const double sigma : {0.2, 1.0, 2.0}) {
      Sampled sampled;
      std::lognormal_distribution<double> draw(std::log(median), sigma);
      for (int i = 0; i < 20000; ++i) sampled.Add(draw(random));
      Check(sampled, "lognormal " + std::to_string(median) + " " + std::to_string(sigma));
    }
  }
}

TEST(Histogram, BimodalLatencies) {
  std::mt19937_64 random(2);
  for (const double share : {0.03, 0.2, 0.6}) {
    Sampled sampled;
    std::lognormal_distribution<double> hit(std::log(0.05), 0.3), miss(std::log(40), 0.4);
    std::bernoulli_distribution missed(share);
    for (int i = 0; i < 20000; ++i) sampled.Add(missed(random) ? miss(random) : hit(random));
    Check(sampled, "bimodal " + std::to_string(share));
  }
}

TEST(Histogram, ParetoLatencies) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (const double alpha : {0.7, 1.1, 2.5}) {
    Sampled sampled;
    for (int i = 0; i < 20000; ++i) sampled.Add(0.1 / std::pow(1 - uniform(random), 1 / alpha));
    Check(sampled, "pareto " + std::to_string(alpha));
  }
}

TEST(Histogram, ConstantLatenciesAreExactByTheObservedRange) {
  for (const double ms : {0.01, 0.7, 33.0, 600e3}) {
    Sampled sampled;
    for (int i = 0; i < 100; ++i) sampled.Add(ms);
    const double p99 =
        LatencyQuantileMs(std::span<const std::uint32_t>(sampled.buckets), 0.99, ms, ms);
    EXPECT_DOUBLE_EQ(ms, p99);
  }
}

TEST(Histogram, FewSamples) {
  Sampled sampled;
  for (const double ms : {1.0, 2.0, 1000.0}) sampled.Add(ms);
  Check(sampled, "three");
}

// The worst a bucket can do: every value of the range, at both ends of its bucket.
TEST(Histogram, EveryValueIsWithinTenPercentOfItsBucketsMiddle) {
  for (double ms = kMinMs; ms <= kMaxMs; ms *= 1.0007) {
    const int bucket = LatencyBucket(static_cast<std::uint64_t>(ms * 1e6));
    EXPECT_NEAR(ms, LatencyBucketMiddleMs(bucket), ms * 0.0951) << ms;
  }
}

TEST(Histogram, EndsTakeAll) {
  EXPECT_EQ(0, LatencyBucket(0));
  EXPECT_EQ(0, LatencyBucket(4095));
  EXPECT_EQ(1, LatencyBucket(4096));
  EXPECT_EQ(kLatencyBuckets - 1, LatencyBucket(~0ULL));
  const std::array<std::uint32_t, kLatencyBuckets> empty{};
  EXPECT_EQ(0, LatencyQuantileMs(std::span<const std::uint32_t>(empty), 0.5, 0, 0));
}

}  // namespace
}  // namespace assist
