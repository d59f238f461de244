// The GIN model: how many different values there are, and pages of known shapes.
#include "assist/gin_size.hpp"

#include <cmath>
#include <random>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "assist/distinct.hpp"

namespace assist {
namespace {

// A sample of `rows` of a population in which class i has `frequency[i]` rows a value.
struct Population {
  std::mt19937 random{7};
  std::unordered_map<long, int> counts;
  // `values` values of `frequency` rows each, of which a share is sampled.
  void Add(long first, long values, double frequency, double share) {
    std::poisson_distribution<int> met(frequency * share);
    std::bernoulli_distribution single(share);
    for (long v = first; v < first + values; ++v) {
      const int n = frequency == 1 ? single(random) : met(random);
      if (n > 0) counts[v] += n;
    }
  }
  double Estimate(double scale) const {
    RareValues rare;
    double often = 0;
    for (const auto& [value, n] : counts)
      if (!rare.Add(n)) ++often;
    return often + rare.Distinct(scale);
  }
};

TEST(Distinct, OfOneFrequency) {
  for (const double frequency : {1.0, 5.0, 20.0, 100.0, 1000.0}) {
    Population p;
    const long values = static_cast<long>(600000 / frequency);
    p.Add(0, values, frequency, 1.0 / 94);
    EXPECT_NEAR(p.Estimate(94) / static_cast<double>(values), 1, 0.3) << frequency;
  }
}

// As the keys of documents: an identifier, a user, a path, a flag.
TEST(Distinct, OfIdentifiersAmongOthers) {
  Population p;
  p.Add(0, 600000, 1, 1.0 / 94);
  p.Add(1000000, 30000, 20, 1.0 / 94);
  p.Add(2000000, 900, 667, 1.0 / 94);
  p.Add(3000000, 7, 85000, 1.0 / 94);
  // Taken for equally frequent they would be a twentieth.
  EXPECT_NEAR(p.Estimate(94) / 630907, 1, 0.4);
}

TEST(Distinct, AllOfThemWhereAllWasRead) {
  RareValues rare;
  for (int i = 0; i < 50; ++i) rare.Add(1 + i % 3);
  EXPECT_NEAR(rare.Distinct(1), 50, 1);
}

TEST(GinSize, GrowsWithKeysAndRows) {
  std::vector<GinKey> keys(100, GinKey{64, 8});
  GinShape shape{.rows = 640000, .sampled = 6400, .keys = keys, .heap_rows = 640000, .heap_pages = 10000};
  const double pages = EstimateGinPages(shape);
  shape.rows = shape.heap_rows = 6400000;
  shape.heap_pages = 100000;
  EXPECT_GT(EstimateGinPages(shape), 5 * pages);
  std::vector<GinKey> more(200, GinKey{64, 8});
  shape.keys = more;
  EXPECT_GT(EstimateGinPages(shape), 9 * pages);
  shape.keys = {};
  EXPECT_EQ(EstimateGinPages(shape), 2);
}

}  // namespace
}  // namespace assist
