// What a statement does with its tables, as the planner sees it: conditions pushed down to each,
// conditions that follow from others, joins, the order and groups wanted. Read while the planner
// plans it, so nothing that the planner could not use is taken for useful.
#pragma once

#include "assist/snapshot.hpp"

#include "pg/server.hpp"

extern "C" {
#include "nodes/nodes.h"  // for Node
#include "nodes/pathnodes.h"
}

namespace assist::pg {

enum class UseKind : uint8 {
  kEqual,
  kRange,
  kPattern,   // LIKE or a regular expression with a fixed beginning
  kJoin,      // equal to something of another table
  kOrder,     // of ORDER BY
  kGroup,     // of GROUP BY and DISTINCT
  kOperator,  // an operator that another method than b-tree serves
  kDistance   // ORDER BY column <-> value, by GiST
};

// A column or expression of a table, and what is done with it.
struct KeyUse {
  UseKind kind;
  AttrNumber column;  // 0 = an expression
  Node* expression;   // with varno 1, without a volatile or stable function
  Oid type;
  Oid method;                    // pg_am: kOperator, kDistance
  Oid opclass;                   // kOperator, kDistance, kPattern; InvalidOid = the type's default
  bool descending, nulls_first;  // kOrder, kGroup
  int arm;                       // > 0: in that arm of an OR
};

// A condition that an index can be restricted to, of a table.
struct ConditionUse {
  Node* clause;  // with varno 1: IS NULL, IS NOT NULL, a boolean, or equality with a constant
  AttrNumber column;
  bool constant;  // equality with a constant
  int location;   // of the constant in the statement's text; -1 = not known
};

// A comparison that no index of any method here could serve.
struct UnservedUse {
  UnservedComparison::Kind kind;
  AttrNumber column;  // 0 = an expression
  Node* expression;   // with varno 1
  Oid operation;
};

struct TableUses {
  Oid relation;       // the table named in the statement: of partitions, the partitioned one
  Bitmapset* needed;  // columns read, offset by FirstLowInvalidHeapAttributeNumber
  List* keys;         // KeyUse*, in the order met; kOrder and kGroup in theirs
  List* conditions;   // ConditionUse*
  List* unserved;     // UnservedUse*
  double scan_cost;   // of its cheapest scan
};

// While it lives, planner calls for `query` fill `uses` (TableUses*, one for each time a table is
// named), in the memory context that is current when it is made.
class PlanUsesScope {
 public:
  explicit PlanUsesScope(List** uses) noexcept;
  ~PlanUsesScope();
  PlanUsesScope(const PlanUsesScope&) = delete;
  PlanUsesScope& operator=(const PlanUsesScope&) = delete;

 private:
  List** outer_;
};

}  // namespace assist::pg
