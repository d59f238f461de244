#include "unserved_world.hpp"

namespace assist::test {
namespace {

class AnyArrayIgnoresGin : public Unserved {};

TEST_F(AnyArrayIgnoresGin, AnyOfColumnNamesTheIndexThatIsThere) {
  It().kind = Kind::kAnyOfColumn;
  It().operation = "ANY =";
  Filter().operators = kAny;
  EXPECT_EQ("CREATE INDEX CONCURRENTLY ON shop.orders USING gin (note);",
            world_.Run("any_array_ignores_gin")[0].sql);
  world_.AddIndex(2000, "orders_note_idx", {4}).method = "gin";
  const auto& found = world_.Run("any_array_ignores_gin");
  ASSERT_EQ(1u, found.size());
  EXPECT_EQ("", found[0].sql);
  EXPECT_TRUE(Contains(found[0].rationale, "note @> ARRAY[value]")) << found[0].rationale;
  EXPECT_TRUE(Contains(found[0].rationale, "shop.orders_note_idx is there")) << found[0].rationale;
}

TEST_F(AnyArrayIgnoresGin, SilentOnOtherComparisonsOfTheColumn) {
  EXPECT_TRUE(Silent("any_array_ignores_gin"));
  It().kind = Kind::kAnyOfColumn;
  It().operation = "ANY =";  // the execution looked at compares otherwise
  EXPECT_TRUE(Silent("any_array_ignores_gin"));
}

}  // namespace
}  // namespace assist::test
