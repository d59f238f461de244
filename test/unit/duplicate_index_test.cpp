#include "world.hpp"

namespace assist::test {
namespace {

class DuplicateIndex : public ::testing::Test {
 protected:
  DuplicateIndex() {
    world_.AddTable();
    world_.AddIndex(2000, "first", {2});
    world_.AddIndex(2001, "second", {2});
  }
  Index& First() { return world_.IndexAt(2000); }
  Index& Second() { return world_.IndexAt(2001); }
  bool Silent() { return world_.Run("duplicate_index").empty(); }
  std::string Dropped() {
    const auto& found = world_.Run("duplicate_index");
    EXPECT_EQ(1u, found.size());
    return found.empty() ? "" : std::string(found[0].object);
  }
  IndexKey Key(Index& index) { return index.keys[0]; }
  World world_;
};

TEST_F(DuplicateIndex, OneOfTwoEqualIndexesIsDropped) {
  const auto& found = world_.Run("duplicate_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("shop.second", found[0].object);
  EXPECT_EQ("Drop shop.second, a duplicate of shop.first", found[0].title);
  EXPECT_EQ("DROP INDEX CONCURRENTLY shop.second;", found[0].sql);
  EXPECT_EQ("duplicate_index:shop.second", found[0].fingerprint);
  EXPECT_EQ(-20 * kMiB, found[0].storage_delta_bytes);
  EXPECT_EQ(Action::Kind::kDropIndex, found[0].action.kind);
  EXPECT_EQ(2001u, found[0].action.relation);
}

TEST_F(DuplicateIndex, OfThreeOneIsKept) {
  world_.AddIndex(2002, "third", {2});
  EXPECT_EQ(2u, world_.Run("duplicate_index").size());
}

TEST_F(DuplicateIndex, TheSmallerIsKept) {
  First().size_bytes = 30 * kMiB;
  EXPECT_EQ("shop.first", Dropped());
}

TEST_F(DuplicateIndex, TheConstraintsIndexIsKept) {
  Second().unique = Second().primary = Second().backs_constraint = true;
  EXPECT_EQ("shop.first", Dropped());
}

TEST_F(DuplicateIndex, TheForeignKeysTargetIsKept) {
  First().unique = Second().unique = true;
  Second().backs_constraint = true;
  world_.snapshot.foreign_keys.push_back(
      {.oid = 1, .table = 3000, .referenced = 1000, .referenced_index = 2001});
  EXPECT_EQ("shop.first", Dropped());
}

TEST_F(DuplicateIndex, TheReplicaIdentityIsKept) {
  First().unique = Second().unique = true;
  Second().replica_identity = true;
  EXPECT_EQ("shop.first", Dropped());
}

TEST_F(DuplicateIndex, TheUniqueIsKept) {
  Second().unique = true;
  EXPECT_EQ("shop.first", Dropped());
}

TEST_F(DuplicateIndex, AUniqueIndexBesideAUniqueConstraintIsDropped) {
  First().unique = Second().unique = true;
  First().backs_constraint = true;
  EXPECT_EQ("shop.second", Dropped());
}

TEST_F(DuplicateIndex, SilentWhenUniquenessDiffers) {
  First().unique = Second().unique = true;
  First().backs_constraint = true;
  First().immediate = false;  // a deferrable constraint does not guarantee what the other does
  EXPECT_TRUE(Silent());
  First().immediate = true;
  First().nulls_not_distinct = true;
  EXPECT_TRUE(Silent());
}

TEST_F(DuplicateIndex, SilentWhenBothBackConstraints) {
  for (Index* index : {&First(), &Second()}) index->unique = index->backs_constraint = true;
  EXPECT_TRUE(Silent());
}

TEST_F(DuplicateIndex, SilentOnDifferentKeys) {
  IndexKey key = Key(Second());
  const auto expect_silent = [&](IndexKey changed) {
    world_.SetKeys(Second(), {changed});
    EXPECT_TRUE(Silent());
    world_.SetKeys(Second(), {key});
    EXPECT_FALSE(Silent());
  };
  IndexKey changed = key;
  changed.opclass = kTextPatternOps;
  expect_silent(changed);
  changed = key;
  changed.collation = 950;
  expect_silent(changed);
  changed = key;
  changed.option = 1;  // DESC
  expect_silent(changed);
  changed = key;
  changed.option = 2;  // NULLS FIRST
  expect_silent(changed);
  changed = key;
  changed.opclass_options = "siglen='32'";
  expect_silent(changed);
  changed = key;
  changed.column = 0;
  changed.expression = "abs(customer_id)";
  expect_silent(changed);
}

TEST_F(DuplicateIndex, ExpressionsAreCompared) {
  IndexKey key = Key(First());
  key.column = 0;
  key.expression = "lower(note)";
  world_.SetKeys(First(), {key});
  world_.SetKeys(Second(), {key});
  EXPECT_FALSE(Silent());
  key.expression = "upper(note)";
  world_.SetKeys(Second(), {key});
  EXPECT_TRUE(Silent());
}

TEST_F(DuplicateIndex, SilentOnDifferentPredicateMethodOrTable) {
  Second().predicate = "(status = 'open'::text)";
  EXPECT_TRUE(Silent());
  Second().predicate = "";
  Second().method = "hash";
  EXPECT_TRUE(Silent());
  Second().method = "btree";
  Second().table = 1001;
  EXPECT_TRUE(Silent());
}

TEST_F(DuplicateIndex, SilentOnDifferentIncludedColumns) {
  static const std::int16_t kIncluded[] = {3};
  Second().included = kIncluded;
  EXPECT_TRUE(Silent());
}

TEST_F(DuplicateIndex, OrderOfIncludedColumnsDoesNotMatter) {
  static const std::int16_t kOne[] = {3, 4}, kOther[] = {4, 3};
  First().included = kOne;
  Second().included = kOther;
  EXPECT_FALSE(Silent());
}

TEST_F(DuplicateIndex, SilentOnExclusionClusterReplicaIdentityExtensionAndPartitions) {
  for (Index* index : {&First(), &Second()}) index->clustered = true;
  EXPECT_TRUE(Silent());
  for (Index* index : {&First(), &Second()})
    index->clustered = false, index->extension_owned = true;
  EXPECT_TRUE(Silent());
  for (Index* index : {&First(), &Second()})
    index->extension_owned = false, index->exclusion = true;
  EXPECT_TRUE(Silent());
  for (Index* index : {&First(), &Second()}) index->exclusion = false, index->parent = 5000;
  EXPECT_TRUE(Silent());
}

TEST_F(DuplicateIndex, SilentOnInvalidOrUnfinishedIndexes) {
  First().valid = false;
  EXPECT_TRUE(Silent());  // invalid_index has it
  First().valid = true;
  Second().being_built = true;
  EXPECT_TRUE(Silent());
}

TEST_F(DuplicateIndex, PartitionedDuplicatesAreJudgedOnce) {
  world_.snapshot.tables[0].kind = 'p';
  for (Index* index : {&First(), &Second()}) index->kind = 'I', index->size_bytes = 0;
  Index& child = world_.AddIndex(2100, "p1_first", {2}, 1001);
  child.parent = 2000;
  Index& other = world_.AddIndex(2101, "p1_second", {2}, 1001);
  other.parent = 2001;
  Table& partition = world_.AddTable(1001, "orders_p1");
  partition.parent = 1000;
  const auto& found = world_.Run("duplicate_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("shop.second", found[0].object);
  EXPECT_EQ(-20 * kMiB, found[0].storage_delta_bytes);
  EXPECT_EQ("DROP INDEX shop.second;", found[0].sql);
}

TEST_F(DuplicateIndex, MinimumAgeIsHonoured) {
  Second().created = kNow - kDay;
  EXPECT_TRUE(world_.Run("duplicate_index", {{"min_age", 2}}).empty());
}

}  // namespace
}  // namespace assist::test
