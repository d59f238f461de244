#include "world.hpp"

namespace assist::test {
namespace {

class InvalidIndex : public ::testing::Test {
 protected:
  InvalidIndex() {
    world_.AddTable();
    world_.AddIndex(2000, "orders_customer_id_idx", {2}).valid = false;
  }
  Index& Invalid() { return world_.IndexAt(2000); }
  const Finding& Only() {
    const auto& found = world_.Run("invalid_index");
    EXPECT_EQ(1u, found.size());
    return found.at(0);
  }
  bool Silent() { return world_.Run("invalid_index").empty(); }
  World world_;
};

TEST_F(InvalidIndex, WithoutATwinItIsRebuilt) {
  const Finding& finding = Only();
  EXPECT_EQ("REINDEX INDEX CONCURRENTLY shop.orders_customer_id_idx;", finding.sql);
  EXPECT_EQ(Action::Kind::kReindex, finding.action.kind);
  EXPECT_EQ(Severity::kMedium, finding.severity);
}

TEST_F(InvalidIndex, WithAValidTwinItIsDropped) {
  world_.AddIndex(2001, "orders_customer_id_idx1", {2});
  const Finding& finding = Only();
  EXPECT_EQ("DROP INDEX CONCURRENTLY shop.orders_customer_id_idx;", finding.sql);
  EXPECT_TRUE(
      Contains(finding.rationale, "shop.orders_customer_id_idx1 is the same index and valid"));
}

TEST_F(InvalidIndex, ATwinThatGuaranteesLessIsNone) {
  world_.AddIndex(2001, "plain", {2});
  Invalid().unique = true;
  const Finding& finding = Only();
  EXPECT_EQ(Action::Kind::kReindex, finding.action.kind);
  EXPECT_EQ(Severity::kHigh, finding.severity);
  EXPECT_TRUE(Contains(finding.risk, "remove the duplicates first"));
}

TEST_F(InvalidIndex, LeftoversOfReindexAreDropped) {
  Invalid().valid = true;
  for (const std::string_view name :
       {"orders_customer_id_idx_ccnew", "orders_customer_id_idx_ccold2"}) {
    Index& leftover = world_.AddIndex(2001, name, {2});
    leftover.valid = false;
    leftover.unique = Invalid().unique = true;  // a copy of a unique index is unique as well
    Invalid().backs_constraint = true;
    const Finding& finding = Only();
    EXPECT_EQ(Action::Kind::kDropIndex, finding.action.kind);
    EXPECT_TRUE(Contains(finding.rationale, "REINDEX CONCURRENTLY left it"));
    world_.snapshot.indexes.pop_back();
  }
}

TEST_F(InvalidIndex, ALeftoverIsDroppedAndTheInvalidIndexRebuilt) {
  world_.AddIndex(2001, "orders_customer_id_idx_ccnew", {2}).valid = false;
  const auto& found = world_.Run("invalid_index");
  ASSERT_EQ(2u, found.size());
  EXPECT_EQ(Action::Kind::kReindex, found[0].action.kind);
  EXPECT_EQ(Action::Kind::kDropIndex, found[1].action.kind);
}

TEST_F(InvalidIndex, OfAnInterruptedDropIsDropped) {
  Invalid().live = Invalid().ready = false;
  EXPECT_EQ(Action::Kind::kDropIndex, Only().action.kind);
}

TEST_F(InvalidIndex, ConstraintsIndexesAreRebuiltAndNotDropped) {
  world_.AddIndex(2001, "twin", {2}).unique = true;
  Invalid().unique = Invalid().backs_constraint = true;
  EXPECT_EQ(Action::Kind::kReindex, Only().action.kind);
}

TEST_F(InvalidIndex, SilentWhileItIsBuilt) {
  Invalid().being_built = true;
  EXPECT_TRUE(Silent());
}

TEST_F(InvalidIndex, SilentOnValidIndexes) {
  Invalid().valid = true;
  EXPECT_TRUE(Silent());
}

TEST_F(InvalidIndex, SilentOnExclusionConstraintsAndForeignRelations) {
  Invalid().exclusion = true;  // REINDEX CONCURRENTLY refuses
  EXPECT_TRUE(Silent());
  Invalid().exclusion = false;
  Invalid().extension_owned = true;
  EXPECT_TRUE(Silent());
  Invalid().extension_owned = false;
  world_.snapshot.tables[0].schema = "pg_toast";
  EXPECT_TRUE(Silent());
}

class InvalidPartitionedIndex : public InvalidIndex {
 protected:
  InvalidPartitionedIndex() {
    world_.snapshot.tables[0].kind = 'p';
    Invalid().kind = 'I';
    world_.AddTable(1001, "orders_p1").parent = 1000;
    world_.AddTable(1002, "orders_p2").parent = 1000;
    world_.AddIndex(2001, "p1_idx", {2}, 1001).parent = 2000;
  }
};

TEST_F(InvalidPartitionedIndex, IsCompletedWithWhatPartitionsLack) {
  const Finding& finding = Only();
  EXPECT_EQ(Action::Kind::kCompleteIndex, finding.action.kind);
  EXPECT_EQ("Complete index shop.orders_customer_id_idx: 1 of 2 partitions lack it", finding.title);
  EXPECT_TRUE(Contains(finding.rationale, "shop.orders_p2"));
  EXPECT_FALSE(Contains(finding.rationale, "shop.orders_p1"));
}

TEST_F(InvalidPartitionedIndex, SilentWhileSomebodyIsAtIt) {
  Invalid().created = kNow - 3600;
  EXPECT_TRUE(Silent());
  Invalid().created = kNow - 60 * kDay;
  world_.AddIndex(2002, "p2_idx", {2}, 1002).being_built = true;
  EXPECT_TRUE(Silent());
}

TEST_F(InvalidPartitionedIndex, AnInvalidPartIsRebuiltFirst) {
  Index& part = world_.AddIndex(2002, "p2_idx", {2}, 1002);
  part.parent = 2000;
  part.valid = false;
  const Finding& finding = Only();
  EXPECT_EQ("shop.p2_idx", finding.object);
  EXPECT_EQ(Action::Kind::kReindex, finding.action.kind);
}

TEST_F(InvalidPartitionedIndex, WithAllPartsAttachedThereIsOnlyWord) {
  world_.AddIndex(2002, "p2_idx", {2}, 1002).parent = 2000;
  const Finding& finding = Only();
  EXPECT_EQ(Action::Kind::kNone, finding.action.kind);
  EXPECT_EQ(Severity::kLow, finding.severity);
}

}  // namespace
}  // namespace assist::test
