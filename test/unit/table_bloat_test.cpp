#include "world.hpp"

namespace assist::test {
namespace {

class TableBloatRule : public ::testing::Test {
 protected:
  TableBloatRule() {
    Table& table = world_.AddTable();
    table.size_bytes = 4 * kGiB;
    table.total_bytes = 6 * kGiB;
    table.rows = 2e7;
    table.live_rows = 20000000;
    table.row_versions_per_day = 1000;
    table.bloat = {.source = SizeSource::kMeasured,
                   .reclaimable_bytes = 2 * kGiB,
                   .reclaimable_fraction = 0.5,
                   .expected_bytes = 2 * kGiB};
  }
  Table& Orders() { return world_.snapshot.tables[0]; }
  bool Silent() { return world_.Run("table_bloat").empty(); }
  World world_;
};

TEST_F(TableBloatRule, MeasuredFreeSpaceIsReported) {
  const auto& found = world_.Run("table_bloat");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("Rewrite shop.orders: 2 GB of 4 GB is empty", found[0].title);
  EXPECT_EQ("VACUUM (FULL, ANALYZE) shop.orders;", found[0].sql);
  EXPECT_EQ(Action::Kind::kVacuumFull, found[0].action.kind);
  EXPECT_EQ(-2 * kGiB, found[0].storage_delta_bytes);
  EXPECT_EQ(Severity::kMedium, found[0].severity);
  EXPECT_TRUE(Contains(found[0].risk, "locks out all reads and writes"));
}

TEST_F(TableBloatRule, SeverityFollowsSize) {
  Orders().bloat.reclaimable_bytes = 500 * kMiB;
  Orders().size_bytes = kGiB;
  EXPECT_EQ(Severity::kLow, world_.Run("table_bloat")[0].severity);
  Orders().size_bytes = 10 * kGiB;
  Orders().bloat.reclaimable_bytes = 6 * kGiB;
  Orders().bloat.reclaimable_fraction = 0.6;
  EXPECT_EQ(Severity::kHigh, world_.Run("table_bloat")[0].severity);
}

TEST_F(TableBloatRule, EstimatesNeedAMarginAndAreCalledSo) {
  Orders().bloat.source = SizeSource::kEstimate;
  const auto& found = world_.Run("table_bloat");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("Rewrite shop.orders: about 2 GB of 4 GB is empty", found[0].title);
  EXPECT_NEAR(0.6, found[0].confidence, 1e-9);
  Orders().size_bytes = 5 * kGiB;  // 40 %
  EXPECT_TRUE(Silent());
}

TEST_F(TableBloatRule, DeadRowsAskForVacuum) {
  Orders().dead_rows = 10000000;
  const auto& found = world_.Run("table_bloat");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("Vacuum shop.orders: 33 % of its rows are dead", found[0].title);
  EXPECT_EQ(Action::Kind::kVacuum, found[0].action.kind);
}

TEST_F(TableBloatRule, SilentOnAnEstimateWherePgstattupleIsInstalled) {
  Orders().bloat.source = SizeSource::kEstimate;
  world_.snapshot.server.has_pgstattuple = true;
  EXPECT_TRUE(Silent());
}

TEST_F(TableBloatRule, SilentOnAnEstimateFromOldStatistics) {
  Orders().bloat.source = SizeSource::kEstimate;
  Orders().modified_since_analyze = 5000000;
  EXPECT_TRUE(Silent());
  Orders().modified_since_analyze = 0;
  Orders().last_analyze = 0;
  EXPECT_TRUE(Silent());
}

TEST_F(TableBloatRule, SilentWithoutAnEstimate) {
  Orders().bloat = {};
  EXPECT_TRUE(Silent());
}

TEST_F(TableBloatRule, SilentBelowTheThresholds) {
  Orders().bloat.reclaimable_bytes = kGiB;  // a quarter
  EXPECT_TRUE(Silent());
  Orders().size_bytes = 100 * kMiB;
  Orders().bloat.reclaimable_bytes = 90 * kMiB;
  EXPECT_TRUE(Silent());
}

TEST_F(TableBloatRule, SilentWhenTrafficFillsTheSpaceAgain) {
  Orders().row_versions_per_day = 1e7;  // a queue
  EXPECT_TRUE(Silent());
}

TEST_F(TableBloatRule, SilentWhenTheHistoryShowsThatTheSpaceIsReused) {
  Orders().bloat.reused_bytes = 3 * kGiB / 2;
  EXPECT_TRUE(Silent());
}

TEST_F(TableBloatRule, UnknownTrafficLowersConfidence) {
  Orders().row_versions_per_day = -1;
  EXPECT_NEAR(0.76, world_.Run("table_bloat").at(0).confidence, 1e-9);
}

TEST_F(TableBloatRule, SilentOnTemporaryPartitionedServerAndExtensionTables) {
  Orders().temporary = true;
  EXPECT_TRUE(Silent());
  Orders().temporary = false;
  Orders().kind = 'p';
  EXPECT_TRUE(Silent());
  Orders().kind = 'r';
  Orders().extension_owned = true;
  EXPECT_TRUE(Silent());
  Orders().extension_owned = false;
  Orders().schema = "pg_catalog";
  EXPECT_TRUE(Silent());
}

}  // namespace
}  // namespace assist::test
