// Values that stand in for parameters whose own were not kept.
//
// A parameter without a value makes the planner guess a third of the table for `ordered > $1`. What
// the statement really selected was measured, so a bound of the column's histogram is taken that
// selects as much. Equality needs none: the planner's average over all values is what is wanted
// there.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/params.h"   // for ParamListInfo
#include "nodes/pg_list.h"  // for List
}

namespace assist::pg {

// Share of a table's rows that the statement's ranges on it left, 0..1.
struct MeasuredRange {
  Oid relation;
  double selectivity;
};

// Values for the parameters of `queries` (Query*) that are compared by a range with a column of a
// measured relation; nullptr when there is none. In the current memory context.
ParamListInfo stand_in_values(List* queries, const MeasuredRange* measured, int count);

}  // namespace assist::pg
