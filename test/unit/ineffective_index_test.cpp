#include "world.hpp"

namespace assist::test {
namespace {

class IneffectiveIndexRule : public ::testing::Test {
 protected:
  IneffectiveIndexRule() {
    world_.AddTable();
    Index& index = world_.AddIndex(2000, "orders_customer_id_idx", {2});
    index.size_bytes = 30 * kMiB;
    index.executor_scans = 0;
    index.constraint_checks = 0;
    world_.snapshot.ineffective.push_back({.index = 2000,
                                           .recommendation = 17,
                                           .built = kNow - 2 * kDay,
                                           .statements = 2,
                                           .predicted_ms_per_day = 60000,
                                           .saved_ms_per_day = 500,
                                           .low = -2000,
                                           .high = 3000});
  }
  Index& It() { return world_.IndexAt(2000); }
  bool Silent() { return world_.Run("ineffective_index").empty(); }
  World world_;
};

TEST_F(IneffectiveIndexRule, WhatDidNotHelpIsOfferedToBeDropped) {
  const auto& found = world_.Run("ineffective_index");
  ASSERT_EQ(1u, found.size());
  const Finding& finding = found[0];
  EXPECT_EQ("shop.orders_customer_id_idx", finding.object);
  EXPECT_EQ("Drop shop.orders_customer_id_idx (30 MB): it did not help", finding.title);
  EXPECT_EQ("DROP INDEX CONCURRENTLY shop.orders_customer_id_idx;", finding.sql);
  EXPECT_EQ(-30 * kMiB, finding.storage_delta_bytes);
  EXPECT_TRUE(Contains(finding.rationale, "2 days ago, as recommendation 17 said, to save 60 s a day"))
      << finding.rationale;
  EXPECT_TRUE(Contains(finding.rationale, "between -2 s and 3 s a day")) << finding.rationale;
  EXPECT_TRUE(Contains(finding.risk, "No statement")) << finding.risk;
  EXPECT_EQ(0.9, finding.confidence);
}

TEST_F(IneffectiveIndexRule, ScansAreARisk) {
  It().executor_scans = 1234;
  const auto& found = world_.Run("ineffective_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_TRUE(Contains(found[0].risk, "It was scanned 1,234 times")) << found[0].risk;
  EXPECT_EQ(0.6, found[0].confidence);
}

TEST_F(IneffectiveIndexRule, CountersThatGaveWayDoNotSayThatItIsUnused) {
  world_.snapshot.server.index_use_since = kNow - 1 * kDay;
  const auto& found = world_.Run("ineffective_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_TRUE(Contains(found[0].risk, "not known: counters gave way")) << found[0].risk;
  EXPECT_EQ(0.6, found[0].confidence);
}

TEST_F(IneffectiveIndexRule, StandbysAreNotSeen) {
  world_.snapshot.server.has_standbys = true;
  const auto& found = world_.Run("ineffective_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ(0.45, found[0].confidence);
}

TEST_F(IneffectiveIndexRule, SilentOnWhatGuaranteesSomethingOrIsGone) {
  It().unique = true;
  EXPECT_TRUE(Silent());
  It().unique = false;
  It().backs_constraint = true;
  EXPECT_TRUE(Silent());
  It().backs_constraint = false;
  It().valid = false;
  EXPECT_TRUE(Silent());
  It().valid = true;
  EXPECT_FALSE(Silent());
  world_.snapshot.ineffective[0].index = 2001;
  EXPECT_TRUE(Silent());
}

TEST_F(IneffectiveIndexRule, SilentOnAnIndexOfAForeignKey) {
  static constexpr std::int16_t kColumns[] = {2};
  world_.snapshot.foreign_keys.push_back({.oid = 1, .table = 1000, .columns = kColumns});
  EXPECT_TRUE(Silent());
}

TEST_F(IneffectiveIndexRule, SilentOnASmallOne) {
  It().size_bytes = kMiB / 2;
  EXPECT_TRUE(Silent());
}

TEST_F(IneffectiveIndexRule, SilentWhenNothingWasMeasured) {
  world_.snapshot.ineffective.clear();
  EXPECT_TRUE(Silent());
}

}  // namespace
}  // namespace assist::test
