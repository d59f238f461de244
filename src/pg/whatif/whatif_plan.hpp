// Walking a finished plan: every node once, subplans of expressions included.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/plannodes.h"  // for PlannedStmt
}

namespace assist::pg {

using PlanVisitor = void (*)(Plan* plan, void* context);

// Parents before children.
void walk_plan(const PlannedStmt* statement, PlanVisitor visit, void* context);

}  // namespace assist::pg
