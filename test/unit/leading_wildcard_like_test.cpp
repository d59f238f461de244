#include "unserved_world.hpp"

namespace assist::test {
namespace {

class LeadingWildcardLike : public Unserved {};

TEST_F(LeadingWildcardLike, LeadingWildcardAsksForTrigrams) {
  const auto& found = world_.Run("leading_wildcard_like");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ(
      "No index of shop.orders serves a statement that matches note from a leading wildcard on",
      found[0].title);
  EXPECT_EQ(
      "CREATE EXTENSION pg_trgm;\nCREATE INDEX CONCURRENTLY ON shop.orders USING gin (note "
      "gin_trgm_ops);",
      found[0].sql);
  // 600 s in ten days, of which nine tenths are for reading the table.
  EXPECT_TRUE(Contains(found[0].rationale, "for 54 s a day")) << found[0].rationale;
  EXPECT_TRUE(Contains(found[0].rationale, "1 million rows at a time, of which 100 are kept"))
      << found[0].rationale;
  EXPECT_EQ(0, found[0].benefit_ms_per_day);
  ASSERT_EQ(1u, found[0].query_ids.size());
  EXPECT_EQ(7, found[0].query_ids[0]);
}

TEST_F(LeadingWildcardLike, StatementsOfAKeyAreToldTogether) {
  world_.snapshot.statements.push_back(world_.snapshot.statements[0]);
  world_.snapshot.statements[1].query_id = 8;
  world_.snapshot.predicates.push_back(Filter());
  world_.snapshot.predicates[1].query_id = 8;
  world_.snapshot.unserved.push_back(It());
  world_.snapshot.unserved[1].query_id = 8;
  const auto& found = world_.Run("leading_wildcard_like");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ(2u, found[0].query_ids.size());
  EXPECT_TRUE(Contains(found[0].rationale, "for 108 s a day")) << found[0].rationale;
}

TEST_F(LeadingWildcardLike, SilentWhereFewRowsAreReadOrManyKept) {
  Filter().rows_in = 500;
  Filter().rows_out = 1;
  EXPECT_TRUE(Silent("leading_wildcard_like"));
  Filter().rows_in = 1e6;
  Filter().rows_out = 1e5;
  EXPECT_TRUE(Silent("leading_wildcard_like"));
}

TEST_F(LeadingWildcardLike, SilentWithoutAnExecutionLookedAt) {
  Filter().operators = kNegated;
  EXPECT_TRUE(Silent("leading_wildcard_like"));
  world_.snapshot.predicates.clear();
  EXPECT_TRUE(Silent("leading_wildcard_like"));
}

TEST_F(LeadingWildcardLike, SilentWhereReadingTheTableIsNotWhatTakesTime) {
  It().scan_share = 0.001;
  EXPECT_TRUE(Silent("leading_wildcard_like"));
}

TEST_F(LeadingWildcardLike, SilentOnTemporaryTables) {
  world_.snapshot.tables[0].temporary = true;
  EXPECT_TRUE(Silent("leading_wildcard_like"));
}

}  // namespace
}  // namespace assist::test
