#include "world.hpp"

namespace assist::test {
namespace {

class IndexBloatRule : public ::testing::Test {
 protected:
  IndexBloatRule() {
    world_.AddTable();
    Index& index = world_.AddIndex(2000, "orders_customer_id_idx", {2});
    index.size_bytes = 2 * kGiB;
    index.bloat = {.source = SizeSource::kMeasured,
                   .reclaimable_bytes = 3 * kGiB / 2,
                   .reclaimable_fraction = 0.75,
                   .expected_bytes = kGiB / 2};
  }
  Index& Bloated() { return world_.IndexAt(2000); }
  Table& Orders() { return world_.snapshot.tables[0]; }
  bool Silent() { return world_.Run("index_bloat").empty(); }
  World world_;
};

TEST_F(IndexBloatRule, MeasuredFreeSpaceIsReported) {
  const auto& found = world_.Run("index_bloat");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("Rebuild shop.orders_customer_id_idx: 1.5 GB of 2 GB is empty", found[0].title);
  EXPECT_EQ("REINDEX INDEX CONCURRENTLY shop.orders_customer_id_idx;", found[0].sql);
  EXPECT_EQ(Severity::kHigh, found[0].severity);
  // 512 MB at 90 % density come to rest at 658 MB.
  EXPECT_TRUE(Contains(found[0].rationale, "up to 146 MB of that comes back"))
      << found[0].rationale;
}

TEST_F(IndexBloatRule, SilentOnTheDensityAtWhichRandomKeysRest) {
  Bloated().bloat = {.source = SizeSource::kMeasured,
                     .reclaimable_bytes = 450 * kMiB,
                     .reclaimable_fraction = 0.22,
                     .expected_bytes = 1598 * kMiB};
  EXPECT_TRUE(Silent());
}

TEST_F(IndexBloatRule, EstimatesNeedAMargin) {
  Bloated().bloat.source = SizeSource::kEstimate;
  EXPECT_FALSE(Silent());
  Bloated().bloat.reclaimable_bytes = kGiB;  // half
  Bloated().bloat.reclaimable_fraction = 0.5;
  EXPECT_TRUE(Silent());
}

TEST_F(IndexBloatRule, SilentOnAnEstimateFromOldStatisticsOrWithPgstattuple) {
  Bloated().bloat.source = SizeSource::kEstimate;
  Orders().modified_since_analyze = 500000;
  EXPECT_TRUE(Silent());
  Orders().modified_since_analyze = 0;
  world_.snapshot.server.has_pgstattuple = true;
  EXPECT_TRUE(Silent());
}

TEST_F(IndexBloatRule, SilentOnSmallGains) {
  Bloated().size_bytes = 90 * kMiB;
  Bloated().bloat.reclaimable_bytes = 80 * kMiB;
  EXPECT_TRUE(Silent());
}

TEST_F(IndexBloatRule, SilentOnOtherMethodsInvalidAndExclusionIndexes) {
  Bloated().method = "gin";
  EXPECT_TRUE(Silent());
  Bloated().method = "btree";
  Bloated().valid = false;
  EXPECT_TRUE(Silent());
  Bloated().valid = true;
  Bloated().exclusion = true;
  EXPECT_TRUE(Silent());
  Bloated().exclusion = false;
  Bloated().being_built = true;
  EXPECT_TRUE(Silent());
  Bloated().being_built = false;
  Orders().temporary = true;
  EXPECT_TRUE(Silent());
}

TEST_F(IndexBloatRule, UniqueAndPartitionsIndexesAreRebuiltAsWell) {
  Bloated().unique = Bloated().primary = Bloated().backs_constraint = true;
  EXPECT_FALSE(Silent());
  Bloated().parent = 5000;
  EXPECT_FALSE(Silent());
}

}  // namespace
}  // namespace assist::test
