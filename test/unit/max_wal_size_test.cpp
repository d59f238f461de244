#include "world.hpp"

namespace assist::test {
namespace {

class MaxWalSize : public ::testing::Test {
 protected:
  MaxWalSize() {
    auto& settings = world_.snapshot.settings;
    settings.push_back(
        {.name = "max_wal_size", .value = "1GB", .number = 1.0 * kGiB, .context = "sighup"});
    settings.push_back({.name = "checkpoint_timeout", .value = "5min", .number = 300e3});
    settings.push_back({.name = "checkpoint_completion_target", .value = "0.9", .number = 0.9});
    Server& server = world_.snapshot.server;
    server.wal_since = kNow - kDay;
    server.checkpoints_timed = 200;
    server.checkpoints_requested = 90;
    server.checkpoints_by_wal = 80;
    server.wal_bytes_per_second_p95 = 5.0 * kMiB;
    server.wal_disk_free_bytes = 100 * kGiB;
  }
  bool Silent() { return world_.Run("max_wal_size").empty(); }
  World world_;
};

TEST_F(MaxWalSize, FollowsTheFormula) {
  const auto& found = world_.Run("max_wal_size");
  ASSERT_EQ(1u, found.size());
  // 5 MB/s x 300 s x 1.9 x 1.25 = 3562.5 MB, up to the next 256 MB.
  EXPECT_EQ("Raise max_wal_size from 1GB to 3584MB", found[0].title);
  EXPECT_EQ("ALTER SYSTEM SET max_wal_size = '3584MB'; SELECT pg_reload_conf();", found[0].sql);
  EXPECT_EQ(Action::Kind::kSetParameter, found[0].action.kind);
  EXPECT_EQ(Action::Scope::kSystem, found[0].action.scope);
  EXPECT_EQ("3584MB", found[0].action.value);
  EXPECT_EQ(2560 * kMiB, found[0].storage_delta_bytes);
  EXPECT_TRUE(Contains(found[0].rationale, "forced 80 of 290 checkpoints (28 %)"))
      << found[0].rationale;
}

TEST_F(MaxWalSize, TheDiskBoundsIt) {
  world_.snapshot.server.wal_disk_free_bytes = 5 * kGiB;  // 30 %: 1.5 GB
  const auto& found = world_.Run("max_wal_size");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("2560MB", found[0].action.value);
  EXPECT_TRUE(Contains(found[0].rationale, "30 % of the free space on the WAL disk"))
      << found[0].rationale;
}

TEST_F(MaxWalSize, SilentOnManualCheckpoints) {
  world_.snapshot.server.checkpoints_by_wal = 0;
  EXPECT_TRUE(Silent());
}

TEST_F(MaxWalSize, SilentBelowATenthOfForcedCheckpoints) {
  world_.snapshot.server.checkpoints_by_wal = 20;
  EXPECT_TRUE(Silent());
}

TEST_F(MaxWalSize, SilentOnAFewForcedCheckpoints) {
  world_.snapshot.server.checkpoints_timed = 2;
  world_.snapshot.server.checkpoints_requested = 4;
  world_.snapshot.server.checkpoints_by_wal = 4;
  EXPECT_TRUE(Silent());
}

TEST_F(MaxWalSize, SilentWithoutHistoryDiskSpaceOrRoomAndSaysWhy) {
  Server& server = world_.snapshot.server;
  server.wal_bytes_per_second_p95 = 0;
  EXPECT_TRUE(Silent());
  EXPECT_EQ(1u, world_.silences().size());
  server.wal_bytes_per_second_p95 = 5.0 * kMiB;
  server.wal_disk_free_bytes = 0;
  EXPECT_TRUE(Silent());
  EXPECT_EQ(1u, world_.silences().size());
  server.wal_disk_free_bytes = 100 * kMiB;
  EXPECT_TRUE(Silent());
  ASSERT_EQ(1u, world_.silences().size());
  EXPECT_EQ("the WAL disk has no room for a larger max_wal_size", world_.silences()[0].reason);
}

TEST_F(MaxWalSize, SilentWhenItIsLargeEnough) {
  world_.snapshot.settings[0].number = 4.0 * kGiB;
  EXPECT_TRUE(Silent());
}

TEST_F(MaxWalSize, SilentWhereAlterSystemHasNoEffect) {
  world_.snapshot.settings[0].source = "command line";
  EXPECT_TRUE(Silent());
}

}  // namespace
}  // namespace assist::test
