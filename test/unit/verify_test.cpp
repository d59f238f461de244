#include "assist/verify.hpp"

#include <cmath>
#include <vector>

#include "world.hpp"

namespace assist::test {
namespace {

// --- which index it is

class Built : public ::testing::Test {
 protected:
  Built() { world_.AddTable(); }
  // Whether an index of this definition serves what is recommended.
  bool Serves(std::string_view built, std::string_view wanted) {
    Index& index = world_.AddIndex(next_++, "built", {2});
    const std::string definition = "CREATE INDEX built ON shop.orders USING " + std::string(built);
    texts_.push_back(definition);
    index.definition = texts_.back();
    const std::string recommended =
        "CREATE INDEX CONCURRENTLY orders_idx ON shop.orders USING " + std::string(wanted);
    world_.snapshot.Seal();
    const Index* found = FindBuilt(world_.snapshot, 1000, recommended);
    const bool serves = found != nullptr && found->oid == index.oid;
    index.live = false;
    return serves;
  }
  World world_;
  Oid next_ = 3000;
  std::deque<std::string> texts_;
};

TEST_F(Built, TheSameWhateverItIsCalled) {
  EXPECT_TRUE(Serves("btree (a)", "btree (a)"));
  EXPECT_TRUE(Serves("btree (a DESC, b)", "btree (a DESC, b)"));
  EXPECT_TRUE(Serves("btree (lower(a), b) WHERE (c > 0)", "btree (lower(a), b) WHERE (c > 0)"));
  EXPECT_TRUE(Serves("gin (doc jsonb_path_ops) WITH (fastupdate='off')", "gin (doc jsonb_path_ops)"));
}

TEST_F(Built, AWiderBtreeServes) {
  EXPECT_TRUE(Serves("btree (a, b)", "btree (a)"));
  EXPECT_TRUE(Serves("btree (a, b, c)", "btree (a, b)"));
  EXPECT_TRUE(Serves("btree (f(a, ')'), b)", "btree (f(a, ')'))"));
}

TEST_F(Built, OtherKeysOrMethodsDoNot) {
  EXPECT_FALSE(Serves("btree (b, a)", "btree (a)"));
  EXPECT_FALSE(Serves("btree (a)", "btree (a, b)"));
  EXPECT_FALSE(Serves("btree (ab)", "btree (a)"));
  EXPECT_FALSE(Serves("btree (a DESC)", "btree (a)"));
  EXPECT_FALSE(Serves("btree (a text_pattern_ops)", "btree (a)"));
  EXPECT_FALSE(Serves("hash (a)", "btree (a)"));
  EXPECT_FALSE(Serves("gin (a, b)", "gin (a)"));
}

TEST_F(Built, IncludedColumnsMayBeKeysOrIncluded) {
  EXPECT_TRUE(Serves("btree (a) INCLUDE (b, c)", "btree (a) INCLUDE (c)"));
  EXPECT_TRUE(Serves("btree (a, c)", "btree (a) INCLUDE (c)"));
  EXPECT_FALSE(Serves("btree (a)", "btree (a) INCLUDE (c)"));
  EXPECT_FALSE(Serves("btree (a) INCLUDE (b)", "btree (a) INCLUDE (c)"));
  EXPECT_FALSE(Serves("btree (a) INCLUDE (cc)", "btree (a) INCLUDE (c)"));
}

TEST_F(Built, APredicateMustBeTheSameOrNone) {
  EXPECT_TRUE(Serves("btree (a)", "btree (a) WHERE (b = 1)"));
  EXPECT_TRUE(Serves("btree (a) INCLUDE (c) WHERE (b = 1)", "btree (a) INCLUDE (c) WHERE (b = 1)"));
  EXPECT_FALSE(Serves("btree (a) WHERE (b = 1)", "btree (a)"));
  EXPECT_FALSE(Serves("btree (a) WHERE (b = 2)", "btree (a) WHERE (b = 1)"));
}

TEST_F(Built, OnlyWhatThePlannerMayUse) {
  Index& index = world_.AddIndex(2000, "built", {2});
  index.definition = "CREATE INDEX built ON shop.orders USING btree (a)";
  world_.snapshot.Seal();
  const std::string_view wanted = "CREATE INDEX x ON shop.orders USING btree (a)";
  EXPECT_EQ(&index, FindBuilt(world_.snapshot, 1000, wanted));
  EXPECT_EQ(nullptr, FindBuilt(world_.snapshot, 1001, wanted));
  index.valid = false;
  EXPECT_EQ(nullptr, FindBuilt(world_.snapshot, 1000, wanted));
  index.valid = true;
  index.being_built = true;
  EXPECT_EQ(nullptr, FindBuilt(world_.snapshot, 1000, wanted));
  EXPECT_EQ(nullptr, FindBuilt(world_.snapshot, 1000, ""));
}

// --- what it saves

// Five minutes each: so many calls of so many ms, before hour 170 and behind it.
std::vector<StepSlice> Slices(double before_ms, double after_ms, double hours, double calls = 20) {
  std::vector<StepSlice> slices;
  const auto add = [&](double from, double until, double ms) {
    for (int i = 0; from + i / 12.0 < until - 0.01; ++i)
      slices.push_back({from + i / 12.0, from + (i + 1) / 12.0, calls,
                        calls * ms * (1 + 0.02 * (i % 5 - 2))});
  };
  add(170 - 26, 170, before_ms);
  add(170, 170 + hours, after_ms);
  return slices;
}

MeasuredStatement Measured(double before_ms, double after_ms, double hours, double calls = 20) {
  return MeasureHelped(Slices(before_ms, after_ms, hours, calls), 170, 170 + hours);
}

TEST(Verify, SavingIsTimePerCallAtTheCallsSince) {
  const MeasuredStatement one = Measured(10, 1, 2);
  ASSERT_TRUE(one.measured);
  EXPECT_NEAR(20 * 12 * 24, one.calls_per_day, 1);
  EXPECT_NEAR(9 * 20 * 12 * 24, one.saved_ms_per_day, 500);
  EXPECT_NEAR(10 * 20 * 12 * 24, one.before_ms_per_day, 1000);
  const Verification result = Judge(std::vector{one}, 40000, 2);
  EXPECT_EQ(Verdict::kHelped, result.verdict);
  EXPECT_EQ(one.saved_ms_per_day, result.saved_ms_per_day);
  EXPECT_GT(result.low, 0);
  EXPECT_LT(result.low, result.saved_ms_per_day);
  EXPECT_GT(result.high, result.saved_ms_per_day);
  EXPECT_FALSE(result.settled);
}

TEST(Verify, NothingIsSaidBeforeHalfAnHourOrWithoutCalls) {
  EXPECT_EQ(Verdict::kMeasuring, Judge(std::vector{Measured(10, 1, 0.4)}, 40000, 0.4).verdict);
  EXPECT_FALSE(Measured(10, 1, 2, 1).measured);
  const Verification result = Judge(std::vector{Measured(10, 1, 2, 1)}, 40000, 2);
  EXPECT_EQ(Verdict::kMeasuring, result.verdict);
  EXPECT_EQ(0, result.measured);
  EXPECT_EQ(Verdict::kMeasuring, Judge({}, 40000, 2).verdict);
}

TEST(Verify, DidNotHelpIsSaidAfterADay) {
  EXPECT_EQ(Verdict::kMeasuring, Judge(std::vector{Measured(10, 10, 2)}, 40000, 2).verdict);
  const Verification result = Judge(std::vector{Measured(10, 10, 25)}, 40000, 25);
  EXPECT_EQ(Verdict::kDidNotHelp, result.verdict);
  EXPECT_LT(result.high, 20000);
  EXPECT_LT(result.low, 0);
}

TEST(Verify, WhatWasToSaveLittleIsNotRefuted) {
  // 57,600 ms a day before; 5,000 were predicted: the interval holds that.
  EXPECT_EQ(Verdict::kMeasuring, Judge(std::vector{Measured(10, 10, 25)}, 5000, 25).verdict);
  const Verification result = Judge(std::vector{Measured(10, 10, 169)}, 5000, 169);
  EXPECT_EQ(Verdict::kUnclear, result.verdict);
  EXPECT_TRUE(result.settled);
}

TEST(Verify, WhatTookMostMustHaveBeenMeasured) {
  // The one that takes ten times as much has not run since.
  MeasuredStatement heavy;
  heavy.before_ms_per_day = 600000;
  const std::vector all{Measured(10, 10, 25), heavy};
  EXPECT_EQ(Verdict::kMeasuring, Judge(all, 40000, 25).verdict);
}

TEST(Verify, OneThatIsSlowerIsToldAndCounted) {
  const std::vector all{Measured(10, 1, 2), Measured(1, 3, 2)};
  const Verification result = Judge(all, 40000, 2);
  EXPECT_EQ(Verdict::kHelped, result.verdict);
  EXPECT_EQ(1, result.slower);
  EXPECT_NEAR(all[0].saved_ms_per_day + all[1].saved_ms_per_day, result.saved_ms_per_day, 1e-6);
  EXPECT_LT(all[1].saved_ms_per_day, 0);
}

TEST(Verify, SlowerThanBeforeDidNotHelp) {
  const Verification result = Judge(std::vector{Measured(10, 20, 25)}, 40000, 25);
  EXPECT_EQ(Verdict::kDidNotHelp, result.verdict);
  EXPECT_LT(result.high, 0);
}

}  // namespace
}  // namespace assist::test
