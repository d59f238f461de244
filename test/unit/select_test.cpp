// Selection of a set of items: against the best of all sets, found by trying them.
#include "core/advise/select.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace assist::advise {
namespace {

// Statements that read tables. Of each table a plan uses the one item that makes it cheapest; some
// items pay only beside another.
class Made final : public CostSource {
 public:
  struct Scan {
    std::vector<double> with;  // cost by item of the statement; without any: `plain`
    double plain;
    int needs = -1;  // item without which the others of this scan are worth nothing
  };
  std::vector<std::vector<Scan>> scans;  // by statement
  std::vector<std::vector<int>> used;    // items by statement
  std::int64_t plans = 0;
  std::int64_t stop_after = -1;

  void Plan(int statement, std::span<const ItemSet> sets, std::span<PlannedSet> out) override {
    for (std::size_t n = 0; n < sets.size(); ++n) {
      ++plans;
      out[n] = {10, 0};
      for (const Scan& scan : scans[static_cast<std::size_t>(statement)]) {
        double best = scan.plain;
        int item = -1;
        for (std::size_t k = 0; k < scan.with.size(); ++k) {
          if ((sets[n] >> k & 1) == 0 || scan.with[k] >= best) continue;
          if (scan.needs >= 0 && (sets[n] >> scan.needs & 1) == 0) continue;
          best = scan.with[k];
          item = static_cast<int>(k);
        }
        out[n].cost += best;
        if (item < 0) continue;
        out[n].used |= ItemSet{1} << item;
        if (scan.needs >= 0) out[n].used |= ItemSet{1} << scan.needs;
      }
    }
  }
  bool Stop() override { return stop_after >= 0 && plans >= stop_after; }
};

struct Problem {
  Made source;
  std::vector<Item> items;
  std::vector<Weighed> statements;
  SelectSettings settings;

  double Cost(std::uint64_t set) {
    double cost = 0;
    for (std::size_t q = 0; q < statements.size(); ++q) {
      ItemSet own = 0;
      for (std::size_t k = 0; k < statements[q].items.size(); ++k)
        if ((set >> statements[q].items[k] & 1) != 0) own |= ItemSet{1} << k;
      PlannedSet planned;
      source.Plan(static_cast<int>(q), {&own, 1}, {&planned, 1});
      cost += statements[q].weight * planned.cost;
    }
    for (std::size_t i = 0; i < items.size(); ++i)
      if ((set >> i & 1) != 0) cost += items[i].upkeep;
    return cost;
  }
  double Bytes(std::uint64_t set) const {
    double bytes = 0;
    for (std::size_t i = 0; i < items.size(); ++i)
      if ((set >> i & 1) != 0) bytes += items[i].bytes;
    return bytes;
  }
  double Best() {
    double best = Cost(0);
    for (std::uint64_t set = 1; set < std::uint64_t{1} << items.size(); ++set)
      if (settings.budget_bytes < 0 || Bytes(set) <= settings.budget_bytes)
        best = std::min(best, Cost(set));
    return best;
  }
  Selection Run() {
    return Select(items, statements, source, settings, std::pmr::new_delete_resource());
  }
};

// Up to 11 items on three tables, eight statements of one to three scans.
Problem Random(unsigned seed, bool budget) {
  std::mt19937 random(seed);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  Problem problem;
  const int count = 5 + static_cast<int>(seed % 7);
  for (int i = 0; i < count; ++i)
    problem.items.push_back({.bytes = std::exp(uniform(10, 14)),
                             .upkeep = uniform(0, 1) < 0.3 ? uniform(0, 60) : 0,
                             .table = i % 3,
                             .covers = {}});
  problem.source.used.resize(8);
  problem.source.scans.resize(8);
  for (std::size_t q = 0; q < 8; ++q) {
    for (int i = 0; i < count; ++i)
      if (uniform(0, 1) < 0.6) problem.source.used[q].push_back(i);
    for (int table = 0; table < 3; ++table) {
      if (table > 0 && uniform(0, 1) < 0.5) continue;
      Made::Scan scan;
      scan.plain = uniform(50, 200);
      for (const int item : problem.source.used[q])
        scan.with.push_back(item % 3 == table ? scan.plain * uniform(0.05, 1.2) : 1e9);
      if (uniform(0, 1) < 0.2 && !problem.source.used[q].empty())
        scan.needs =
            static_cast<int>(uniform(0, static_cast<double>(problem.source.used[q].size()) - 0.01));
      problem.source.scans[q].push_back(scan);
    }
  }
  for (std::size_t q = 0; q < 8; ++q)
    problem.statements.push_back(
        {.weight = std::exp(uniform(-1, 1)), .items = problem.source.used[q]});
  if (budget) {
    const double all = problem.Bytes((std::uint64_t{1} << problem.items.size()) - 1);
    problem.settings.budget_bytes = all * uniform(0.1, 0.6);
  }
  return problem;
}

TEST(Select, StaysNearTheBestOfAllSetsAndKnowsHowNear) {
  double worst = 1, sum = 0, widest = 0;
  int bounds = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    for (const bool budget : {false, true}) {
      Problem problem = Random(seed, budget);
      const Selection found = problem.Run();
      const double before = problem.Cost(0), best = problem.Best();
      const double reached = found.cost_after + found.upkeep;
      EXPECT_NEAR(found.cost_before, before, 1e-6 * before);
      EXPECT_GE(reached, best * (1 - 1e-9)) << "seed " << seed;
      EXPECT_LE(found.bound, best * (1 + 1e-9))
          << "seed " << seed << ": a bound above what can be reached";
      if (budget) {
        EXPECT_LE(found.bytes, problem.settings.budget_bytes);
      }
      const double share = best < before ? (before - reached) / (before - best) : 1;
      worst = std::min(worst, share);
      sum += share;
      widest = std::max(widest, (reached - found.bound) / reached);
      ++bounds;
      // What it says of each adds up.
      double cost = found.cost_before;
      for (const Chosen& chosen : found.chosen) {
        EXPECT_NEAR(chosen.cost_before, cost, 1e-6 * before);
        cost = chosen.cost_after;
      }
      EXPECT_NEAR(cost, found.cost_after, 1e-6 * before);
    }
  }
  EXPECT_GT(sum / bounds, 0.995);
  EXPECT_GT(worst, 0.9);
  EXPECT_LT(widest, 0.4);
}

TEST(Select, AnIndexTakesThePlaceOfItsPrefix) {
  Problem problem;
  const int prefix = 0;
  problem.items = {Item{1e6, 0, 0, {}}, Item{1.5e6, 0, 0, {&prefix, 1}}};
  problem.source.used = {{0, 1}, {0, 1}};
  problem.source.scans = {{{.with = {20, 20}, .plain = 100}}, {{.with = {100, 30}, .plain = 100}}};
  for (const auto& used : problem.source.used)
    problem.statements.push_back({.weight = 1, .items = used});
  const Selection found = problem.Run();
  ASSERT_EQ(found.chosen.size(), 1u);
  EXPECT_EQ(found.chosen[0].item, 1);
  // Where only the prefix fits, it is better than none.
  problem.settings.budget_bytes = 1.2e6;
  const Selection small = problem.Run();
  ASSERT_EQ(small.chosen.size(), 1u);
  EXPECT_EQ(small.chosen[0].item, 0);
}

TEST(Select, TwoThatPayOnlyTogetherAreFound) {
  Problem problem;
  problem.items = {Item{1e6, 0, 0, {}}, Item{1e6, 0, 0, {}}};
  problem.source.used = {{0, 1}};
  problem.source.scans = {{{.with = {1e9, 5}, .plain = 100, .needs = 0}}};
  problem.statements.push_back({.weight = 1, .items = problem.source.used[0]});
  EXPECT_EQ(problem.Run().chosen.size(), 2u);
}

TEST(Select, UpkeepAboveTheGainIsNotPaid) {
  Problem problem;
  problem.items = {Item{1e6, 81, 0, {}}};
  problem.source.used = {{0}};
  problem.source.scans = {{{.with = {20}, .plain = 100}}};
  problem.statements.push_back({.weight = 1, .items = problem.source.used[0]});
  EXPECT_TRUE(problem.Run().chosen.empty());
  problem.items[0].upkeep = 79;
  EXPECT_EQ(problem.Run().chosen.size(), 1u);
  problem.settings.floor = 2;
  EXPECT_TRUE(problem.Run().chosen.empty());
}

TEST(Select, WhenTheTimeIsUpTheAnswerIsWhatThereIs) {
  for (std::int64_t after = 0; after < 200; after += 7) {
    Problem problem = Random(5, true);
    problem.source.stop_after = after;
    const Selection found = problem.Run();
    EXPECT_LE(found.bytes, problem.settings.budget_bytes);
    EXPECT_LE(found.bound, found.cost_after + found.upkeep + 1e-6);
    EXPECT_GT(found.bound, 0) << after;  // all plans with everything are known by then
    EXPECT_LE(found.bound, problem.Best() * (1 + 1e-9)) << after;
  }
}

TEST(Select, NothingToChooseFrom) {
  Problem problem;
  const Selection none = problem.Run();
  EXPECT_TRUE(none.chosen.empty());
  EXPECT_EQ(none.cost_after, 0);
  problem.source.used = {{}};
  problem.source.scans = {{{.with = {}, .plain = 5}}};
  problem.statements.push_back({.weight = 2, .items = problem.source.used[0]});
  EXPECT_EQ(problem.Run().cost_after, 30);
}

}  // namespace
}  // namespace assist::advise
