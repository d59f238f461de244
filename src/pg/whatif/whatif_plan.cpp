// Walking a finished plan.

#include "pg/whatif/whatif_plan.hpp"

extern "C" {
#include "miscadmin.h"  // for check_stack_depth
}

namespace assist::pg {

namespace {

void walk_node(Plan* plan, PlanVisitor visit, void* context);

void walk_list(List* plans, PlanVisitor visit, void* context) {
  ListCell* cell;
  foreach (cell, plans) walk_node(static_cast<Plan*>(lfirst(cell)), visit, context);
}

void walk_node(Plan* plan, PlanVisitor visit, void* context) {
  if (plan == nullptr) return;
  check_stack_depth();
  visit(plan, context);
  switch (nodeTag(plan)) {
    case T_Append:
      walk_list(reinterpret_cast<Append*>(plan)->appendplans, visit, context);
      break;
    case T_MergeAppend:
      walk_list(reinterpret_cast<MergeAppend*>(plan)->mergeplans, visit, context);
      break;
    case T_BitmapAnd:
      walk_list(reinterpret_cast<BitmapAnd*>(plan)->bitmapplans, visit, context);
      break;
    case T_BitmapOr:
      walk_list(reinterpret_cast<BitmapOr*>(plan)->bitmapplans, visit, context);
      break;
    case T_SubqueryScan:
      walk_node(reinterpret_cast<SubqueryScan*>(plan)->subplan, visit, context);
      break;
    case T_CustomScan:
      walk_list(reinterpret_cast<CustomScan*>(plan)->custom_plans, visit, context);
      break;
    default:
      break;
  }
  walk_node(plan->lefttree, visit, context);
  walk_node(plan->righttree, visit, context);
}

}  // namespace

void walk_plan(const PlannedStmt* statement, PlanVisitor visit, void* context) {
  walk_node(statement->planTree, visit, context);
  walk_list(statement->subplans, visit, context);
}

}  // namespace assist::pg
