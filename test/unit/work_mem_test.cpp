#include "world.hpp"

namespace assist::test {
namespace {

class WorkMem : public ::testing::Test {
 protected:
  WorkMem() {
    auto& settings = world_.snapshot.settings;
    settings.push_back({.name = "work_mem", .value = "4MB", .number = 4.0 * kMiB});
    settings.push_back({.name = "shared_buffers", .value = "6GB", .number = 6.0 * kGiB});
    settings.push_back({.name = "hash_mem_multiplier", .value = "2", .number = 2});
    settings.push_back({.name = "max_connections", .value = "100", .number = 100});
    world_.snapshot.server.observed_since = kNow - 10 * kDay;
  }
  void AddSpill(std::int64_t query, std::string_view role, double needed_mb,
                std::int64_t executions = 5000, double ms = 100) {
    world_.snapshot.statements.push_back({.query_id = query,
                                          .user = 10,
                                          .role = role,
                                          .command = "SELECT",
                                          .calls = executions,
                                          .first_seen = kNow - 10 * kDay});
    world_.snapshot.spills.push_back({.query_id = query,
                                      .user = 10,
                                      .role = role,
                                      .executions = executions,
                                      .temp_bytes_per_call = needed_mb * kMiB / 2,
                                      .needed_bytes = needed_mb * kMiB,
                                      .ms_per_call = ms});
  }
  bool Silent() { return world_.Run("work_mem").empty(); }
  World world_;
};

TEST_F(WorkMem, OneRoleGetsItsOwnValue) {
  AddSpill(1, "reports", 30);
  AddSpill(2, "reports", 50);
  const auto& found = world_.Run("work_mem");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("Raise work_mem from 4MB to 52MB for role reports in database shop", found[0].title);
  EXPECT_EQ("ALTER ROLE reports IN DATABASE shop SET work_mem = '52MB';", found[0].sql);
  EXPECT_EQ("work_mem:role:reports:shop", found[0].fingerprint);
  EXPECT_EQ(Action::Scope::kRoleInDatabase, found[0].action.scope);
  EXPECT_EQ("reports", found[0].action.role);
  EXPECT_EQ(2u, found[0].query_ids.size());
  // 8 sessions x 2 nodes x 52 MB x 2 = 1.62 GB of (24 - 6) / 4 = 4.5 GB.
  EXPECT_TRUE(Contains(found[0].rationale, "= 1.62 GB, within the 4.5 GB")) << found[0].rationale;
}

TEST_F(WorkMem, FewStatementsOfSeveralRolesGetOneValueARole) {
  AddSpill(1, "reports", 30);
  AddSpill(2, "batch", 50);
  const auto& found = world_.Run("work_mem");
  ASSERT_EQ(2u, found.size());
  EXPECT_EQ("32MB", found[0].action.value);
  EXPECT_EQ("52MB", found[1].action.value);
}

TEST_F(WorkMem, ManyStatementsOfManyRolesGetADatabasesValue) {
  for (int i = 0; i < 5; ++i) AddSpill(i + 1, i % 2 == 0 ? "a" : "b", 20);
  const auto& found = world_.Run("work_mem");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("ALTER DATABASE shop SET work_mem = '20MB';", found[0].sql);
  EXPECT_EQ(Action::Scope::kDatabase, found[0].action.scope);
}

TEST_F(WorkMem, SpillsInManyDatabasesGetTheSystemsValue) {
  for (int i = 0; i < 5; ++i) AddSpill(i + 1, i % 2 == 0 ? "a" : "b", 20);
  world_.snapshot.server.spilling_databases = 3;
  const auto& found = world_.Run("work_mem");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("ALTER SYSTEM SET work_mem = '20MB'; SELECT pg_reload_conf();", found[0].sql);
}

TEST_F(WorkMem, NamesAreQuoted) {
  AddSpill(1, "Report User", 30);
  world_.snapshot.server.database = "shop-1";
  EXPECT_EQ("ALTER ROLE \"Report User\" IN DATABASE \"shop-1\" SET work_mem = '32MB';",
            world_.Run("work_mem").at(0).sql);
}

TEST_F(WorkMem, OneGiantDoesNotSetTheValue) {
  AddSpill(1, "reports", 30);
  AddSpill(2, "reports", 800, 10, 100);  // over the budget, little time
  EXPECT_EQ("32MB", world_.Run("work_mem").at(0).action.value);
}

TEST_F(WorkMem, SilentWhenTheBudgetDoesNotHold) {
  AddSpill(1, "reports", 800);  // 8 x 2 x 800 MB x 2 = 25 GB
  EXPECT_TRUE(Silent());
  ASSERT_EQ(1u, world_.silences().size());
  EXPECT_EQ(
      "spilling statements need up to 800 MB a node; the budget leaves 144 MB for each of 8 "
      "sessions' nodes",
      world_.silences()[0].reason);
}

TEST_F(WorkMem, UnknownActivityCountsAllConnections) {
  AddSpill(1, "reports", 30);
  world_.snapshot.server.peak_active_backends = 0;  // 100 x 2 x 30 MB x 2 = 12 GB
  EXPECT_TRUE(Silent());
}

TEST_F(WorkMem, SilentOnUtilitySpills) {
  AddSpill(1, "reports", 30);
  world_.snapshot.statements[0].command = "CREATE INDEX";
  EXPECT_TRUE(Silent());
}

TEST_F(WorkMem, SelectForUpdateIsNoUtility) {
  AddSpill(1, "reports", 30);
  world_.snapshot.statements[0].command = "SELECT FOR UPDATE";
  EXPECT_FALSE(Silent());
  world_.snapshot.statements[0].command = "SELECT INTO";
  EXPECT_TRUE(Silent());
}

TEST_F(WorkMem, SilentOnRareSpills) {
  AddSpill(1, "reports", 30, 500);  // two an hour
  EXPECT_TRUE(Silent());
}

TEST_F(WorkMem, SilentWhenTheRoleHasEnoughByNow) {
  AddSpill(1, "reports", 30);
  world_.snapshot.scoped_settings.push_back({.role = "reports",
                                             .in_database = true,
                                             .name = "work_mem",
                                             .value = "64MB",
                                             .number = 64.0 * kMiB});
  EXPECT_TRUE(Silent());
  world_.snapshot.scoped_settings[0].role = "other";
  EXPECT_FALSE(Silent());
  world_.snapshot.scoped_settings[0].role = "";  // the database's value
  EXPECT_TRUE(Silent());
}

TEST_F(WorkMem, SilentWithoutKnowingTheMemory) {
  AddSpill(1, "reports", 30);
  world_.snapshot.server.memory_bytes = 0;
  EXPECT_TRUE(Silent());
}

TEST_F(WorkMem, SilentWithoutSpills) { EXPECT_TRUE(Silent()); }

}  // namespace
}  // namespace assist::test
