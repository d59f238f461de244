// Public types that the core and the server adapter share.

#include <memory_resource>

#include <gtest/gtest.h>

#include "assist/finding.hpp"

namespace assist {
namespace {

// A finding's strings come from the caller's memory, so that a whole analysis is freed at once.
TEST(Action, TakesItsMemoryFromTheCaller) {
  std::byte buffer[4096];
  std::pmr::monotonic_buffer_resource memory(buffer, sizeof buffer,
                                             std::pmr::null_memory_resource());
  Action action(&memory);
  action.statement =
      "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON shop.orders (customer_id)";
  EXPECT_EQ(action.statement.get_allocator().resource(), &memory);
}

}  // namespace
}  // namespace assist
