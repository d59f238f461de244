#include "unserved_world.hpp"

namespace assist::test {
namespace {

class IlikeNoIndex : public Unserved {
 protected:
  IlikeNoIndex() {
    It().kind = Kind::kIgnoringCase;
    It().operation = "~~*";
    Filter().operators = kOperator;
  }
  static constexpr std::string_view kOperator[] = {"~~*"};
};

TEST_F(IlikeNoIndex, AsksForTrigrams) {
  const auto& found = world_.Run("ilike_no_index");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("No index of shop.orders serves a statement that matches note whatever its case",
            found[0].title);
  EXPECT_TRUE(Contains(found[0].sql, "CREATE EXTENSION pg_trgm;")) << found[0].sql;
}

TEST_F(IlikeNoIndex, SilentOnOtherKindsAndNegations) {
  EXPECT_TRUE(Silent("leading_wildcard_like"));
  Filter().operators = kNegated;
  EXPECT_TRUE(Silent("ilike_no_index"));
}

TEST_F(IlikeNoIndex, SilentWhereFewRowsAreRead) {
  Filter().rows_in = 500;
  Filter().rows_out = 1;
  EXPECT_TRUE(Silent("ilike_no_index"));
}

}  // namespace
}  // namespace assist::test
