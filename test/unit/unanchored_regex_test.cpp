#include "unserved_world.hpp"

namespace assist::test {
namespace {

class UnanchoredRegex : public Unserved {
 protected:
  UnanchoredRegex() {
    It().kind = Kind::kRegex;
    It().operation = "~";
    Filter().operators = kOperator;
  }
  static constexpr std::string_view kOperator[] = {"~"};
};

TEST_F(UnanchoredRegex, AsksForTrigrams) {
  const auto& found = world_.Run("unanchored_regex");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ(
      "No index of shop.orders serves a statement that matches note against a regular expression",
      found[0].title);
  EXPECT_TRUE(Contains(found[0].sql, "CREATE EXTENSION pg_trgm;")) << found[0].sql;
}

TEST_F(UnanchoredRegex, SilentOnOtherKindsAndNegations) {
  EXPECT_TRUE(Silent("leading_wildcard_like"));
  Filter().operators = kNegated;
  EXPECT_TRUE(Silent("unanchored_regex"));
}

TEST_F(UnanchoredRegex, SilentWhereFewRowsAreRead) {
  Filter().rows_in = 500;
  Filter().rows_out = 1;
  EXPECT_TRUE(Silent("unanchored_regex"));
}

}  // namespace
}  // namespace assist::test
