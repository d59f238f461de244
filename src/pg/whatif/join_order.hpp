// Join orders of earlier plans.
//
// Nearly all of the time that planning a statement with many joins takes goes into finding their
// order. To know what an index would be worth, the orders of a few plans of the same statement (as
// it is, with every index that could be built) are enough: only the joins of those are looked at,
// each with every way to make it and every way to reach its tables. What comes out costs at least
// what the whole search would find, and mostly the same.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/pathnodes.h"
}

namespace assist::pg {

// Fewer tables than that are joined faster than remembered.
inline constexpr int kRememberedJoin = 4;

struct JoinOrders {
  MemoryContext context;
  List* searches;  // JoinSearch*, in the order in which planning the statement comes to them
};

// Empty, in the current memory context.
JoinOrders* make_join_orders();

enum class JoinSearching : uint8 {
  kWhole,      // as the server does, and the orders found are added
  kRemembered  // only those that are known, where any are
};

// For planner calls of one statement inside a PlannerScope.
class JoinOrderScope {
 public:
  JoinOrderScope(JoinOrders* orders, JoinSearching how) noexcept;
  ~JoinOrderScope();
  JoinOrderScope(const JoinOrderScope&) = delete;
  JoinOrderScope& operator=(const JoinOrderScope&) = delete;

 private:
  JoinOrders* outer_;
  JoinSearching outer_how_;
  int outer_number_;
};

}  // namespace assist::pg
