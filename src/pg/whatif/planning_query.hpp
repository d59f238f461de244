// From what the store keeps of a statement to a text that can be planned.
#pragma once

#include "pg/store/planning_text.hpp"

namespace assist::pg {

// A constant of the statement's own text, where it is in the text that is planned: Const.location.
struct PlacedConstant {
  int location;
  double held;  // see PlanningParam
};

struct PlanningQuery {
  const char* text;  // kept constants in place of their $n; $n stays where none was kept
  Oid* types;        // of $1 .. $ntypes; InvalidOid = not known
  int ntypes;
  int unknown;  // occurrences of $n that stayed
  PlacedConstant* placed;
  int nplaced;
  uint32 samples;  // that PlacedConstant::held rests on
};

// In the current memory context. ERROR 42601 where the text does not scan.
PlanningQuery make_planning_query(const PlanningText& kept);

}  // namespace assist::pg
