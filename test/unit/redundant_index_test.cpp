#include "world.hpp"

namespace assist::test {
namespace {

class RedundantIndex : public ::testing::Test {
 protected:
  RedundantIndex() {
    world_.AddTable();
    world_.AddIndex(2000, "narrow", {2});
    world_.AddIndex(2001, "wide", {2, 3}).size_bytes = 30 * kMiB;
    Use(Narrow());
    Use(Wide());
  }
  Index& Narrow() { return world_.IndexAt(2000); }
  Index& Wide() { return world_.IndexAt(2001); }
  static void Use(Index& index) {
    index.executor_scans = 60000;
    index.last_use = kNow - 60;
  }
  bool Silent() { return world_.Run("redundant_index").empty(); }
  World world_;
};

TEST_F(RedundantIndex, PrefixOfAWiderIndexIsDropped) {
  const auto& found = world_.Run("redundant_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("shop.narrow", found[0].object);
  EXPECT_EQ("Drop shop.narrow: shop.wide begins with the same keys", found[0].title);
  EXPECT_EQ("DROP INDEX CONCURRENTLY shop.narrow;", found[0].sql);
  EXPECT_TRUE(Contains(found[0].rationale, "(customer_id, status)")) << found[0].rationale;
}

TEST_F(RedundantIndex, AUniqueWiderIndexCovers) {
  Wide().unique = Wide().backs_constraint = Wide().primary = true;
  EXPECT_FALSE(Silent());
}

TEST_F(RedundantIndex, OfAChainOnlyTheWidestIsKept) {
  Use(world_.AddIndex(2002, "widest", {2, 3, 1}));
  const auto& found = world_.Run("redundant_index");
  ASSERT_EQ(2u, found.size());
  for (const Finding& finding : found)
    EXPECT_TRUE(Contains(finding.title, "shop.widest begins")) << finding.title;
}

TEST_F(RedundantIndex, SilentWhenTheNarrowGuaranteesSomething) {
  Narrow().unique = true;
  EXPECT_TRUE(Silent());
  Narrow().unique = false;
  Narrow().backs_constraint = true;
  EXPECT_TRUE(Silent());
  Narrow().backs_constraint = false;
  Narrow().primary = true;
  EXPECT_TRUE(Silent());
  Narrow().primary = false;
  Narrow().exclusion = true;
  EXPECT_TRUE(Silent());
  Narrow().exclusion = false;
  Narrow().replica_identity = true;
  EXPECT_TRUE(Silent());
  Narrow().replica_identity = false;
  Narrow().clustered = true;
  EXPECT_TRUE(Silent());
  Narrow().clustered = false;
  Narrow().extension_owned = true;
  EXPECT_TRUE(Silent());
  Narrow().extension_owned = false;
  Narrow().parent = 5000;
  EXPECT_TRUE(Silent());
}

TEST_F(RedundantIndex, SilentWhenTheKeysAreNotAPrefix) {
  Index& wide = Wide();
  world_.SetKeys(wide, {wide.keys[1], wide.keys[0]});
  EXPECT_TRUE(Silent());
}

TEST_F(RedundantIndex, SilentOnDifferentOperatorClassCollationOrOrder) {
  const IndexKey key = Narrow().keys[0];
  IndexKey changed = key;
  changed.opclass = kTextPatternOps;
  world_.SetKeys(Narrow(), {changed});
  EXPECT_TRUE(Silent());
  changed = key;
  changed.collation = 950;
  world_.SetKeys(Narrow(), {changed});
  EXPECT_TRUE(Silent());
  changed = key;
  changed.option = 1;
  world_.SetKeys(Narrow(), {changed});
  EXPECT_TRUE(Silent());
  changed = key;
  changed.option = 2;
  world_.SetKeys(Narrow(), {changed});
  EXPECT_TRUE(Silent());
}

TEST_F(RedundantIndex, SilentOnDifferentPredicateOrInclude) {
  Wide().predicate = "(status = 'open'::text)";
  EXPECT_TRUE(Silent());
  Wide().predicate = "";
  Narrow().predicate = "(status = 'open'::text)";
  EXPECT_TRUE(Silent());
  Narrow().predicate = "";
  static const std::int16_t kIncluded[] = {4};
  Narrow().included = kIncluded;
  EXPECT_TRUE(Silent());
  Narrow().included = {};
  Wide().included = kIncluded;
  EXPECT_TRUE(Silent());
}

TEST_F(RedundantIndex, SilentOnOtherMethods) {
  Narrow().method = Wide().method = "gist";
  EXPECT_TRUE(Silent());
}

TEST_F(RedundantIndex, SilentWhenTheWiderIsInvalidOrBeingBuilt) {
  Wide().valid = false;
  EXPECT_TRUE(Silent());
  Wide().valid = true;
  Wide().being_built = true;
  EXPECT_TRUE(Silent());
}

TEST_F(RedundantIndex, SilentWhenTheWiderIsMuchLargerAndTheNarrowIsBusy) {
  Wide().size_bytes = 70 * kMiB;
  EXPECT_TRUE(Silent());
  Narrow().executor_scans = 100;  // 1.7 a day
  EXPECT_FALSE(Silent());
}

TEST_F(RedundantIndex, SilentWhenTheWiderIsUnusedAndMayItselfBeDropped) {
  Wide().executor_scans = 0;
  Wide().last_use = 0;
  EXPECT_TRUE(Silent());
  Wide().primary = true;  // that one stays
  EXPECT_FALSE(Silent());
}

TEST_F(RedundantIndex, SilentOnFreshStatisticsAndSaysWhy) {
  world_.snapshot.server.statistics_since = kNow - kDay;
  EXPECT_TRUE(Silent());
  ASSERT_EQ(1u, world_.silences().size());
  EXPECT_EQ("observed for 1 of 7 days", world_.silences()[0].reason);
  EXPECT_FALSE(world_.Run("redundant_index", {{"min_age", 0}}).empty());
}

TEST_F(RedundantIndex, SilentOnNewIndexes) {
  Wide().created = kNow - kDay;
  EXPECT_TRUE(Silent());
}

TEST_F(RedundantIndex, DuplicatesAreLeftToTheirRule) {
  world_.AddIndex(2002, "narrow_again", {2});
  for (const Finding& finding : world_.Run("redundant_index")) {
    EXPECT_NE("shop.narrow_again", finding.object);
  }
}

TEST_F(RedundantIndex, StandbysLowerConfidence) {
  const double before = world_.Run("redundant_index")[0].confidence;
  world_.snapshot.server.has_standbys = true;
  EXPECT_LT(world_.Run("redundant_index")[0].confidence, before);
}

}  // namespace
}  // namespace assist::test
