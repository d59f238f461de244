// The profile of waits, when samples are taken, and trees of locks.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "assist/lock_forest.hpp"
#include "assist/sample_clock.hpp"
#include "assist/wait_profile.hpp"

namespace assist {
namespace {

struct Table {
  explicit Table(std::size_t sets, std::size_t sum_count = 8) : entries(sets * kWaitWays), sums(sum_count) {}
  bool Add(std::uint64_t queryid, std::uint32_t event = 1, double hours = 0, std::uint32_t dbid = 5) {
    const bool evicts = AddSample(view(), {queryid, 10, dbid, event, true}, 50, hours);
    evictions += evicts;
    return evicts;
  }
  WaitTable view() { return {entries, sums}; }
  std::uint64_t Samples(std::uint64_t queryid) const {
    std::uint64_t n = 0;
    for (const WaitEntry& e : entries)
      if (e.key.queryid == queryid) n += e.samples;
    return n;
  }
  std::uint64_t Total() const {
    std::uint64_t n = 0;
    for (const WaitEntry& e : entries) n += e.samples;
    for (const WaitSum& s : sums) n += s.samples;
    return n;
  }
  std::vector<WaitEntry> entries;
  std::vector<WaitSum> sums;
  int evictions = 0;
};

TEST(WaitProfile, CountsPerKey) {
  Table table(4);
  for (int i = 0; i < 3; ++i) table.Add(7);
  table.Add(7, 2);
  const WaitTable view = table.view();
  EXPECT_FALSE(AddSample(view, {7, 10, 5, 1, false}, 20, 0));
  EXPECT_FALSE(AddSample(view, {7, 11, 5, 1, true}, 20, 0));
  EXPECT_EQ(CountEntries(view), 4U);
  for (const WaitEntry& e : table.entries) {
    if (e.key == WaitKey{7, 10, 5, 1, true}) {
      EXPECT_EQ(e.samples, 3U);
      EXPECT_EQ(e.wait_us, 150U);
    }
  }
}

TEST(WaitProfile, IsBoundedAndLosesNoTotal) {
  Table table(2);
  const int many = 10000;
  for (int i = 1; i <= many; ++i) table.Add(static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(i % 3));
  EXPECT_EQ(CountEntries(table.view()), 2 * kWaitWays);
  EXPECT_EQ(table.Total(), static_cast<std::uint64_t>(many));
  EXPECT_EQ(table.evictions, many - static_cast<int>(2 * kWaitWays));
  EXPECT_EQ(table.sums[3].samples, 0U);  // one for each event
}

TEST(WaitProfile, WhatIsUsedStays) {
  Table table(1);
  for (int i = 0; i < 50; ++i) table.Add(1);
  for (std::uint64_t i = 2; i < 5000; ++i) table.Add(i);
  EXPECT_EQ(table.Samples(1), 50U);
}

TEST(WaitProfile, UseIsForgotten) {
  Table table(1);
  for (int i = 0; i < 50; ++i) table.Add(1);
  for (std::uint64_t i = 2; i < 5000; ++i) table.Add(i, 1, 24);
  EXPECT_EQ(table.Samples(1), 0U);
  // The clock was put back by a day: nothing stays for good.
  for (std::uint64_t i = 5000; i < 5040; ++i) EXPECT_NO_FATAL_FAILURE(table.Add(i, 1, 0));
  EXPECT_EQ(CountEntries(table.view()), kWaitWays);
}

TEST(WaitProfile, SumsOfManyEventsShareTheLast) {
  Table table(1, 3);
  for (std::uint32_t i = 1; i <= 100; ++i) table.Add(i, i);
  EXPECT_EQ(table.Total(), 100U);
  EXPECT_EQ(table.sums[2].event, kAnyEvent);
  EXPECT_EQ(table.sums[2].samples, 100U - kWaitWays - 2);
}

TEST(WaitProfile, Forgets) {
  Table table(1);
  table.Add(1);
  table.Add(2);
  table.Add(2, 1, 0, 6);
  ForgetSamples(table.view(), 0, 0, 1);
  EXPECT_EQ(table.Samples(1), 0U);
  ForgetSamples(table.view(), 99, 0, 0);
  EXPECT_EQ(table.Samples(2), 2U);
  ForgetSamples(table.view(), 0, 6, 0);
  EXPECT_EQ(table.Samples(2), 1U);
  for (std::uint64_t i = 10; i < 100; ++i) table.Add(i);
  EXPECT_GT(table.sums[0].samples, 0U);
  ForgetSamples(table.view(), 10, 0, 0);
  EXPECT_GT(table.sums[0].samples, 0U);  // it knows no user
  ForgetSamples(table.view(), 0, 0, 0);
  EXPECT_EQ(table.Total(), 0U);
}

TEST(SampleClock, StandsForTheTimeThatPassed) {
  SampleClock clock;
  EXPECT_EQ(clock.Wait(1000, 50000), 0);
  EXPECT_EQ(clock.Sample(1000, 50000, 0.5), 50000U);
  EXPECT_EQ(clock.Wait(1000, 50000), 50000);
  EXPECT_EQ(clock.Wait(51000, 50000), 0);
  EXPECT_EQ(clock.Sample(91000, 50000, 0), 90000U);  // late
  EXPECT_EQ(clock.Wait(91000, 50000), 37500);
  EXPECT_EQ(clock.Sample(128500, 50000, 1), 37500U);
  EXPECT_EQ(clock.Wait(128500, 50000), 62500);
}

TEST(SampleClock, AnHourOfSleepIsNotCounted) {
  SampleClock clock;
  clock.Sample(1, 50000, 0.5);
  EXPECT_EQ(clock.Sample(1 + 3600'000'000ULL, 50000, 0.5), SampleClock::kLongestUs);
  EXPECT_EQ(clock.skipped_us(), 3600'000'000ULL - SampleClock::kLongestUs);
  clock.Stop();
  EXPECT_EQ(clock.Sample(7200'000'000ULL, 1'000'000, 0.5), 1'000'000U);
  EXPECT_EQ(clock.Sample(7203'000'000ULL, 1'000'000, 0.5), 3'000'000U);
}

TEST(SampleClock, AShorterIntervalHoldsAtOnce) {
  SampleClock clock;
  clock.Sample(1000, 1'000'000, 1);
  EXPECT_EQ(clock.Wait(1000, 10000), 15000);
  EXPECT_EQ(clock.Wait(1000, 0), -1);
}

TEST(SustainableInterval, GrowsWithTheCost) {
  EXPECT_EQ(SustainableInterval(50000, 100'000, 1), 50000U);    // 0.2 %
  EXPECT_EQ(SustainableInterval(50000, 1'000'000, 1), 100000U);  // a millisecond each
  EXPECT_EQ(SustainableInterval(50000, 1e9, 1), 1'000'000U);
  EXPECT_EQ(SustainableInterval(50000, 1'000'000, 0), 1'000'000U);
  EXPECT_EQ(SustainableInterval(1'000'000, 0, 100), 1'000'000U);
}

std::string Tree(const std::vector<LockNode>& nodes) {
  std::string text;
  for (const LockPlace& place : ArrangeLocks(nodes)) {
    text += std::string(static_cast<std::size_t>(place.depth), '.') + std::to_string(nodes[place.node].pid) + " ";
    EXPECT_EQ(place.path.size(), static_cast<std::size_t>(place.depth) + 1);
    EXPECT_EQ(place.path.back(), nodes[place.node].pid);
  }
  return text;
}

TEST(LockForest, StandsUnderWhatBlocks) {
  EXPECT_EQ(Tree({}), "");
  EXPECT_EQ(Tree({{1, 0, {}}, {2, 10, {1}}, {3, 5, {1}}, {4, 20, {3, 1}}}), "1 .3 ..4 .2 ");
  // The tree in which somebody has waited longest comes first.
  EXPECT_EQ(Tree({{1, 0, {}}, {2, 10, {1}}, {8, 0, {}}, {9, 5, {8}}}), "8 .9 1 .2 ");
  EXPECT_EQ(Tree({{0, 0, {}}, {5, 1, {0}}}), "0 .5 ");  // a prepared transaction
  EXPECT_EQ(Tree({{5, 1, {77, 6}}, {6, 2, {}}}), "6 .5 ");  // who is gone blocks nobody
  EXPECT_EQ(Tree({{5, 1, {5}}}), "5 ");
}

TEST(LockForest, CirclesHaveAnEnd) {
  EXPECT_EQ(Tree({{3, 1, {2}}, {2, 2, {3}}}), "2 .3 ");
  EXPECT_EQ(Tree({{1, 9, {4}}, {4, 1, {3}}, {3, 1, {2}}, {2, 1, {4}}}), "2 .3 ..4 ...1 ");
}

TEST(LockForest, AQueueIsNotExponential) {
  // Each waits for all that are ahead of it, as in the queue for an exclusive lock.
  std::vector<LockNode> nodes = {{1, 0, {}}};
  for (int i = 2; i <= 1000; ++i) {
    LockNode node = {i, i, {}};
    for (int k = i - 1; k >= 1; --k) node.blocked_by.push_back(k);
    nodes.push_back(node);
  }
  const std::vector<LockPlace> places = ArrangeLocks(nodes);
  EXPECT_EQ(places.size(), 1000U);
  EXPECT_EQ(places.back().depth, 999);
}

}  // namespace
}  // namespace assist
