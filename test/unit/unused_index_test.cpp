#include "world.hpp"

namespace assist::test {
namespace {

class UnusedIndex : public ::testing::Test {
 protected:
  UnusedIndex() {
    world_.AddTable();
    world_.AddIndex(2000, "orders_status_idx", {3});
  }
  Index& Idle() { return world_.IndexAt(2000); }
  Table& Orders() { return world_.snapshot.tables[0]; }
  bool Silent() { return world_.Run("unused_index").empty(); }
  World world_;
};

TEST_F(UnusedIndex, NeverScannedInTheWindowIsReported) {
  const auto& found = world_.Run("unused_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("Drop unused index shop.orders_status_idx (20 MB)", found[0].title);
  EXPECT_EQ("DROP INDEX CONCURRENTLY shop.orders_status_idx;", found[0].sql);
  EXPECT_EQ(-20 * kMiB, found[0].storage_delta_bytes);
  EXPECT_NEAR(0.9, found[0].confidence, 1e-9);
  EXPECT_TRUE(Contains(found[0].rationale, "in 60 days of observation")) << found[0].rationale;
}

TEST_F(UnusedIndex, LastUsedBeforeTheWindowIsReported) {
  Idle().executor_scans = 5;
  Idle().last_use = kNow - 50 * kDay;
  EXPECT_FALSE(Silent());
}

TEST_F(UnusedIndex, PlannerProbesAreNotUse) {
  Idle().server_scans = 400;
  const auto& found = world_.Run("unused_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_TRUE(Contains(found[0].rationale, "400 scans in pg_stat_all_indexes"));
}

TEST_F(UnusedIndex, SilentWhenScannedByStatementsOrForeignKeyChecks) {
  Idle().executor_scans = 1;
  Idle().last_use = kNow - 30 * kDay;
  EXPECT_TRUE(Silent());
  Idle().executor_scans = 0;
  Idle().constraint_checks = 1;
  EXPECT_TRUE(Silent());
  Idle().last_use = 0;  // used, but when is not known
  EXPECT_TRUE(Silent());
  Idle().constraint_checks = 0;
  Idle().last_use = kNow - 30 * kDay;  // the counts were reset since
  EXPECT_TRUE(Silent());
}

TEST_F(UnusedIndex, SilentWhenAStandbyUsesIt) {
  world_.snapshot.server.has_standbys = true;
  Idle().imported_since = kNow - 50 * kDay;
  Idle().imported_last = kNow - 1 * kDay;
  Idle().imported_last_use = kNow - 10 * kDay;
  EXPECT_TRUE(Silent());
  Idle().imported_last_use = kNow - 40 * kDay;  // before the window
  EXPECT_FALSE(Silent());
}

TEST_F(UnusedIndex, WhatStandbysDoNotUseIsSurer) {
  world_.snapshot.server.has_standbys = true;
  const double unseen = world_.Run("unused_index")[0].confidence;
  EXPECT_TRUE(Contains(world_.Run("unused_index")[0].risk, "assist.import_index_usage()"));
  Idle().imported_since = kNow - 50 * kDay;
  Idle().imported_last = kNow - 1 * kDay;
  EXPECT_NEAR(world_.Run("unused_index")[0].confidence, 2 * unseen, 1e-9);
  EXPECT_TRUE(Contains(world_.Run("unused_index")[0].risk, "was imported have not scanned it"));
  // Too short, or too long ago.
  Idle().imported_since = kNow - 20 * kDay;
  EXPECT_NEAR(world_.Run("unused_index")[0].confidence, unseen, 1e-9);
  Idle().imported_since = kNow - 50 * kDay;
  Idle().imported_last = kNow - 9 * kDay;
  EXPECT_NEAR(world_.Run("unused_index")[0].confidence, unseen, 1e-9);
}

TEST_F(UnusedIndex, SilentWhileTheWindowIsNotOverAndSaysWhy) {
  Server& server = world_.snapshot.server;
  server.observed_since = server.index_use_since = kNow - 3.2 * kDay;
  EXPECT_TRUE(Silent());
  ASSERT_EQ(1u, world_.silences().size());
  EXPECT_EQ("observed for 3.2 of 35 days", world_.silences()[0].reason);
}

TEST_F(UnusedIndex, SilentWhereCountersGaveWayInTheWindow) {
  world_.snapshot.server.index_use_since = kNow - 20 * kDay;
  EXPECT_TRUE(Silent());
  ASSERT_EQ(1u, world_.silences().size());
  EXPECT_EQ("counters gave way to others: use is known for 20 of 35 days",
            world_.silences()[0].reason);
  world_.snapshot.server.index_use_since = kNow - 40 * kDay;
  const auto& found = world_.Run("unused_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_TRUE(Contains(found[0].rationale, "in 40 days of observation")) << found[0].rationale;
}

TEST_F(UnusedIndex, ALoweredWindowLowersConfidence) {
  world_.snapshot.server.index_use_since = kNow - 600;
  Idle().created = kNow - 600;
  const auto& found = world_.Run("unused_index", {{"min_age", 0.001}});
  ASSERT_EQ(1u, found.size());
  EXPECT_LT(found[0].confidence, 0.3);
}

TEST_F(UnusedIndex, SilentOnUseOfTodayHoweverLowTheWindow) {
  Idle().executor_scans = 1;
  Idle().last_use = kNow - 600;
  EXPECT_TRUE(world_.Run("unused_index", {{"min_age", 0}}).empty());
}

TEST_F(UnusedIndex, SilentWhenItMayBeAboutToBeAttached) {
  Orders().parent = 900;
  world_.AddIndex(2100, "whole", {3}, 900).valid = false;
  EXPECT_TRUE(Silent());
}

TEST_F(UnusedIndex, SilentWithoutObservation) {
  world_.snapshot.server.index_use_since = 0;
  EXPECT_TRUE(Silent());
}

TEST_F(UnusedIndex, SilentOnNewIndexes) {
  Idle().created = kNow - 2 * kDay;
  EXPECT_TRUE(Silent());
  Idle().created = 0;  // not seen before
  EXPECT_TRUE(Silent());
}

TEST_F(UnusedIndex, SilentOnIndexesThatGuaranteeSomething) {
  Index& index = Idle();
  for (bool Index::*flag : {&Index::primary, &Index::unique, &Index::exclusion,
                            &Index::backs_constraint, &Index::replica_identity, &Index::clustered,
                            &Index::extension_owned, &Index::being_built}) {
    index.*flag = true;
    EXPECT_TRUE(Silent());
    index.*flag = false;
  }
  index.valid = false;
  EXPECT_TRUE(Silent());
}

TEST_F(UnusedIndex, SilentOnAttachedPartitionsIndexes) {
  Idle().parent = 5000;
  EXPECT_TRUE(Silent());
}

TEST_F(UnusedIndex, SilentWhenItSupportsAForeignKeyInAnyColumnOrder) {
  static const std::int16_t kColumns[] = {3, 2};
  world_.SetKeys(Idle(), {IndexKey{.column = 2}, IndexKey{.column = 3}, IndexKey{.column = 4}});
  world_.snapshot.foreign_keys.push_back(
      {.oid = 1, .table = 1000, .referenced = 1001, .columns = kColumns});
  EXPECT_TRUE(Silent());
  world_.SetKeys(Idle(), {IndexKey{.column = 2}, IndexKey{.column = 4}, IndexKey{.column = 3}});
  EXPECT_FALSE(Silent());
}

TEST_F(UnusedIndex, SilentOnSmallIndexes) {
  Idle().size_bytes = kMiB / 2;
  EXPECT_TRUE(Silent());
}

TEST_F(UnusedIndex, SilentWhenTheTableIsHardlyRead) {
  Orders().seq_scans = Orders().index_scans = 10;
  EXPECT_TRUE(Silent());
}

TEST_F(UnusedIndex, SilentOnTemporaryServerAndExtensionTables) {
  Orders().temporary = true;
  EXPECT_TRUE(Silent());
  Orders().temporary = false;
  Orders().extension_owned = true;
  EXPECT_TRUE(Silent());
  Orders().extension_owned = false;
  Orders().schema = "pg_toast";
  EXPECT_TRUE(Silent());
}

TEST_F(UnusedIndex, SilentWhenATwinIsUsed) {
  Index& twin = world_.AddIndex(2001, "orders_status_idx2", {3});
  twin.executor_scans = 10;
  twin.last_use = kNow - 60;
  EXPECT_TRUE(Silent());  // duplicate_index may ask for the twin
}

TEST_F(UnusedIndex, SilentWhenTheStatisticsOfItsExpressionAreUsed) {
  world_.SetKeys(Idle(), {IndexKey{.expression = "lower(note)"}});
  Idle().has_expression_statistics = true;
  EXPECT_TRUE(Silent());  // no predicates known: it cannot be told
  static const std::string_view kUsed[] = {"(lower(note))"}, kOther[] = {"upper(note)"};
  world_.snapshot.predicates.push_back({.relation = 1000, .expressions = kUsed});
  EXPECT_TRUE(Silent());
  world_.snapshot.predicates[0].expressions = kOther;
  const auto& found = world_.Run("unused_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_NEAR(0.54, found[0].confidence, 1e-9);
  EXPECT_TRUE(Contains(found[0].risk, "CREATE STATISTICS"));
}

TEST_F(UnusedIndex, StandbysHalveConfidenceAndAreNamed) {
  world_.snapshot.server.has_standbys = true;
  const auto& found = world_.Run("unused_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_NEAR(0.45, found[0].confidence, 1e-9);
  EXPECT_TRUE(Contains(found[0].risk, "standbys"));
}

class UnusedPartitionedIndex : public UnusedIndex {
 protected:
  UnusedPartitionedIndex() {
    Orders().kind = 'p';
    Orders().seq_scans = Orders().index_scans = 0;
    Idle().kind = 'I';
    Idle().size_bytes = 0;
    world_.AddTable(1001, "orders_p1").parent = 1000;
    world_.AddTable(1002, "orders_p2").parent = 1000;
    world_.AddIndex(2001, "p1_idx", {3}, 1001).parent = 2000;
    world_.AddIndex(2002, "p2_idx", {3}, 1002).parent = 2000;
  }
};

TEST_F(UnusedPartitionedIndex, IsReportedOnceWithTheSizeOfItsParts) {
  const auto& found = world_.Run("unused_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("shop.orders_status_idx", found[0].object);
  EXPECT_EQ(-40 * kMiB, found[0].storage_delta_bytes);
  EXPECT_EQ("DROP INDEX shop.orders_status_idx;", found[0].sql);
}

TEST_F(UnusedPartitionedIndex, SilentWhenOnePartitionsIndexIsUsed) {
  world_.IndexAt(2002).executor_scans = 1;
  world_.IndexAt(2002).last_use = kNow - 60;
  EXPECT_TRUE(Silent());
}

}  // namespace
}  // namespace assist::test
