// A statement that compares shop.orders.note in a way that no index serves.
#pragma once

#include "world.hpp"

namespace assist::test {

using Kind = UnservedComparison::Kind;

class Unserved : public ::testing::Test {
 protected:
  Unserved() {
    world_.AddTable();
    world_.snapshot.statements.push_back({.query_id = 7,
                                          .user = 10,
                                          .calls = 1000,
                                          .total_ms = 600000,
                                          .mean_ms = 600,
                                          .first_seen = kNow - 10 * kDay});
    world_.snapshot.predicates.push_back({.query_id = 7,
                                          .user = 10,
                                          .relation = 1000,
                                          .columns = kColumns,
                                          .expressions = kNone,
                                          .operators = kOperators,
                                          .executions = 100,
                                          .rows_in = 1e6,
                                          .rows_out = 100});
    world_.snapshot.unserved.push_back({.kind = Kind::kWildcard,
                                        .table = 1000,
                                        .column = "note",
                                        .key = "note",
                                        .operation = "~~",
                                        .query_id = 7,
                                        .user = 10,
                                        .scan_share = 0.9});
  }
  Predicate& Filter() { return world_.snapshot.predicates[0]; }
  UnservedComparison& It() { return world_.snapshot.unserved[0]; }
  bool Silent(std::string_view rule) { return world_.Run(rule).empty(); }

  static constexpr std::string_view kColumns[] = {"note"}, kNone[] = {""},
                                    kOperators[] = {"~~ infix"}, kAny[] = {"ANY ="},
                                    kNegated[] = {"NOT ~~ infix"};
  World world_;
};

}  // namespace assist::test
