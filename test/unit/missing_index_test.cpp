#include "world.hpp"

namespace assist::test {
namespace {

class MissingIndex : public ::testing::Test {
 protected:
  MissingIndex() {
    world_.AddTable();
    world_.snapshot.statements.push_back({.query_id = 42,
                                          .user = 10,
                                          .calls = 5000,
                                          .total_ms = 1e6,
                                          .mean_ms = 200,
                                          .first_seen = kNow - 10 * kDay});
    helped_ = {.query_id = 42,
               .user = 10,
               .calls_per_day = 500,
               .mean_ms = 200,
               .cost_before = 18000,
               .cost_after = 8,
               .saved_ms_per_day = 99000};
  }
  ProposedIndex& Propose() {
    ProposedIndex proposed;
    proposed.table = 1000;
    proposed.name = "orders_customer_id_idx";
    proposed.definition =
        "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON shop.orders USING btree (customer_id)";
    proposed.predicted_bytes = 7 * kMiB;
    proposed.predicted_build_ms = 1500;
    proposed.helped = world_.snapshot.Keep(std::span<const ProposedIndex::Helped>(&helped_, 1));
    world_.snapshot.proposed_indexes.push_back(proposed);
    return world_.snapshot.proposed_indexes.back();
  }
  World world_;
  ProposedIndex::Helped helped_;
};

TEST_F(MissingIndex, SavingAboveTheThresholdsIsReported) {
  Propose();
  const auto& found = world_.Run("missing_index");
  ASSERT_EQ(1u, found.size());
  const Finding& finding = found[0];
  EXPECT_EQ("Create an index on shop.orders (customer_id)", finding.title);
  EXPECT_EQ("shop.orders", finding.object);
  EXPECT_EQ("missing_index:shop.orders:btree (customer_id)", finding.fingerprint);
  EXPECT_EQ(99000, finding.benefit_ms_per_day);
  EXPECT_EQ(7 * kMiB, finding.storage_delta_bytes);
  EXPECT_EQ(Severity::kMedium, finding.severity);  // 9.9 % of database time
  EXPECT_EQ(Action::Kind::kCreateIndex, finding.action.kind);
  EXPECT_EQ("shop.orders_customer_id_idx", finding.action.object);
  ASSERT_EQ(1u, finding.query_ids.size());
  EXPECT_EQ(42, finding.query_ids[0]);
  EXPECT_GT(finding.confidence, 0.9);
  EXPECT_TRUE(Contains(finding.rationale, "99 s a day, 9.9 % of database time"))
      << finding.rationale;
  EXPECT_TRUE(Contains(finding.rationale, "from 18,000 to 8")) << finding.rationale;
}

TEST_F(MissingIndex, SeverityFollowsTheShareOfDatabaseTime) {
  Propose();
  world_.snapshot.server.database_ms_per_day = 120000;
  EXPECT_EQ(Severity::kCritical, world_.Run("missing_index")[0].severity);
  world_.snapshot.server.database_ms_per_day = 300000;
  EXPECT_EQ(Severity::kHigh, world_.Run("missing_index")[0].severity);
  world_.snapshot.server.database_ms_per_day = 5e6;
  EXPECT_EQ(Severity::kLow, world_.Run("missing_index")[0].severity);
}

TEST_F(MissingIndex, ShortObservationLowersConfidence) {
  world_.snapshot.statements[0].calls = 20;
  world_.snapshot.statements[0].first_seen = kNow - 600;
  Propose();
  const auto& found = world_.Run("missing_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_LT(found[0].confidence, 0.6);
}

TEST_F(MissingIndex, TheForeignKeyItServesIsNamed) {
  static constexpr std::int16_t kCustomer[] = {2}, kStatus[] = {3};
  Propose();
  Table customers = world_.snapshot.tables[0];
  customers.oid = 1001;
  customers.qualified = "shop.customers";
  world_.snapshot.tables.push_back(customers);
  world_.snapshot.foreign_keys.push_back(
      {.oid = 7, .table = 1000, .referenced = 1001, .name = "orders_fk", .columns = kCustomer});
  EXPECT_TRUE(Contains(world_.Run("missing_index")[0].rationale,
                       "of the foreign key orders_fk: without it, whoever deletes a row of "
                       "shop.customers or changes its key reads shop.orders whole"));
  world_.snapshot.foreign_keys[0].columns = kStatus;
  EXPECT_FALSE(Contains(world_.Run("missing_index")[0].rationale, "foreign key"));
}

TEST_F(MissingIndex, WhatMayBeUniqueIsAQuestion) {
  ProposedIndex& proposed = Propose();
  EXPECT_FALSE(Contains(world_.Run("missing_index")[0].rationale, "unique"));
  std::vector<Column> columns(world_.snapshot.tables[0].columns.begin(),
                              world_.snapshot.tables[0].columns.end());
  columns[1].distinct = -1;
  world_.snapshot.tables[0].columns = world_.snapshot.Keep(std::span<const Column>(columns));
  EXPECT_TRUE(Contains(world_.Run("missing_index")[0].rationale,
                       "All values of customer_id differ, as far as the statistics know"));
  // Not where nulls, a condition, another column or an expression make it another thing.
  for (const std::string_view other :
       {"btree (customer_id, status)", "btree (customer_id) WHERE (status IS NULL)",
        "btree (lower(customer_id))", "hash (customer_id)", "btree (customer_id) INCLUDE (note)"}) {
    proposed.definition = world_.Keep(
        "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON shop.orders USING " +
        std::string(other));
    EXPECT_FALSE(Contains(world_.Run("missing_index")[0].rationale, "unique")) << other;
  }
}

TEST_F(MissingIndex, SilentWhenWritesCostMoreThanItSaves) {
  Propose().write_ms_per_day = 99500;
  EXPECT_TRUE(world_.Run("missing_index").empty());
}

TEST_F(MissingIndex, SilentBelowTheShareOfDatabaseTime) {
  Propose();
  world_.snapshot.server.database_ms_per_day = 1e8;
  EXPECT_TRUE(world_.Run("missing_index").empty());
}

TEST_F(MissingIndex, SilentOnFewExecutions) {
  world_.snapshot.statements[0].calls = 4;
  Propose();
  EXPECT_TRUE(world_.Run("missing_index").empty());
}

TEST_F(MissingIndex, SilentOnSmallTables) {
  world_.snapshot.tables[0].rows = 500;
  Propose();
  EXPECT_TRUE(world_.Run("missing_index").empty());
}

TEST_F(MissingIndex, SilentWhenThePlanHardlyGetsCheaper) {
  helped_.cost_after = 16000;
  Propose();
  EXPECT_TRUE(world_.Run("missing_index").empty());
}

TEST_F(MissingIndex, SilentWhenTheIndexExists) {
  Propose();
  Index& index = world_.AddIndex(2000, "other_name", {2});
  EXPECT_TRUE(world_.Run("missing_index").empty());
  index.valid = false;  // the matter of invalid_index
  EXPECT_TRUE(world_.Run("missing_index").empty());
}

TEST_F(MissingIndex, SilentWhileAnIndexOfTheTableIsBuilt) {
  Propose();
  world_.AddIndex(2000, "orders_status_idx", {3}).being_built = true;
  EXPECT_TRUE(world_.Run("missing_index").empty());
}

TEST_F(MissingIndex, SilentOnTemporaryServerAndExtensionTables) {
  Propose();
  Table& table = world_.snapshot.tables[0];
  table.temporary = true;
  EXPECT_TRUE(world_.Run("missing_index").empty());
  table.temporary = false;
  table.extension_owned = true;
  EXPECT_TRUE(world_.Run("missing_index").empty());
  table.extension_owned = false;
  table.schema = "pg_catalog";
  EXPECT_TRUE(world_.Run("missing_index").empty());
}

}  // namespace
}  // namespace assist::test
