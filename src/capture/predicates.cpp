// Predicates of a sampled execution: what each scan, join, sort and grouping compared, on which relation and
// columns or expressions, with the rows that really went in and came out.
//
// Runs inside record_deep's contained subtransaction: it may allocate and ereport.
//
// Description block: relation name \n, then a line per item:
//   column (empty for an expression) \t expression \t operator \t what it is compared with (const, param,
//   column, none)
// Names and expressions are escaped (pg/block_text.hpp).

#include "capture/capture.hpp"
#include "pg/block_text.hpp"
#include "pg/store/evict.hpp"

extern "C" {
#include "access/stratnum.h"
#include "executor/hashjoin.h"
#include "catalog/pg_operator.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/tuplesort.h"
}

namespace assist::capture {

namespace {

constexpr int kMostItems = 16;        // of one predicate
constexpr int kMostPredicates = 32;   // of one execution
constexpr int kMostExpression = 1024; // bytes

struct Item {
  Index relation;         // range table index of the base relation
  Expr* left;             // over that relation's columns
  const char* operation;
  const char* compared;
};

struct Items {
  int count;
  Item item[kMostItems];
};

struct Rows {
  double in, out, estimated;  // of all loops; estimated selectivity, negative = not known
  bool limited;
};

// What one execution says of one predicate: partitions, and a relation read twice, add up.
struct Recorded {
  PredicateUse use;
  Oid relid;
  const char* description;
  Size bytes;
  Rows rows;
};

struct Walk {
  PlanFacts* facts;
  int recorded;
  Recorded predicates[kMostPredicates];
};

// ---- from the Vars of upper plan nodes to columns of relations

struct Resolve {
  const PlannedStmt* statement;
  const Plan* plan;
  bool failed;
};

const Plan* outer_of(const Plan* plan) {
  switch (nodeTag(plan)) {
    case T_Append: {
      const List* plans = reinterpret_cast<const Append*>(plan)->appendplans;
      return plans != NIL ? static_cast<const Plan*>(linitial(plans)) : nullptr;
    }
    case T_MergeAppend: {
      const List* plans = reinterpret_cast<const MergeAppend*>(plan)->mergeplans;
      return plans != NIL ? static_cast<const Plan*>(linitial(plans)) : nullptr;
    }
    default:
      return plan->lefttree;
  }
}

Node* resolve(Node* node, Resolve* context);

// The expression that column `attno` of a plan's output is.
Node* output_column(const Plan* plan, AttrNumber attno, Resolve* context) {
  if (plan == nullptr || attno <= 0 || attno > list_length(plan->targetlist)) {
    context->failed = true;
    return nullptr;
  }
  const auto* entry = static_cast<const TargetEntry*>(list_nth(plan->targetlist, attno - 1));
  Resolve below = {context->statement, plan, false};
  check_stack_depth();
  Node* result = resolve(reinterpret_cast<Node*>(entry->expr), &below);
  context->failed = context->failed || below.failed;
  return result;
}

Node* resolve_var(Var* var, Resolve* context) {
  const Plan* plan = context->plan;
  if (var->varno == OUTER_VAR) return output_column(outer_of(plan), var->varattno, context);
  if (var->varno == INNER_VAR) return output_column(plan->righttree, var->varattno, context);
  if (var->varno == INDEX_VAR) {
    if (IsA(plan, IndexOnlyScan)) {
      const List* columns = reinterpret_cast<const IndexOnlyScan*>(plan)->indextlist;
      if (var->varattno > 0 && var->varattno <= list_length(columns)) {
        const auto* entry = static_cast<const TargetEntry*>(list_nth(columns, var->varattno - 1));
        return static_cast<Node*>(copyObjectImpl(entry->expr));
      }
    }
    context->failed = true;
    return nullptr;
  }
  if (var->varno <= 0 || var->varno > list_length(context->statement->rtable) || var->varattno < 0) {
    context->failed = true;
    return nullptr;
  }
  if (IsA(plan, SubqueryScan)) {
    const auto* scan = reinterpret_cast<const SubqueryScan*>(plan);
    if (static_cast<Index>(var->varno) == scan->scan.scanrelid)
      return output_column(scan->subplan, var->varattno, context);
  }
  return static_cast<Node*>(copyObjectImpl(var));
}

Node* resolve(Node* node, Resolve* context) {
  if (node == nullptr || context->failed) return nullptr;
  if (IsA(node, Var)) return resolve_var(reinterpret_cast<Var*>(node), context);
  if (IsA(node, Aggref) || IsA(node, WindowFunc) || IsA(node, SubPlan) || IsA(node, GroupingFunc)) {
    context->failed = true;
    return nullptr;
  }
  return assist_mutate_expression(node, reinterpret_cast<assist_mutator>(resolve), context);
}

// The single relation whose columns an expression reads; 0 = none or several.
struct Relations {
  Index one;
  bool several, any;
};
bool find_relations(Node* node, void* context) {
  if (node == nullptr) return false;
  auto* found = static_cast<Relations*>(context);
  if (IsA(node, Var)) {
    const auto rti = static_cast<Index>(reinterpret_cast<Var*>(node)->varno);
    if (found->any && found->one != rti) found->several = true;
    found->one = rti;
    found->any = true;
    return false;
  }
  return assist_walk_expression(node, find_relations, context);
}
Index relation_of(Node* node) {
  Relations found = {};
  find_relations(node, &found);
  return found.several ? 0 : found.one;
}

bool has_param(Node* node, void*) {
  if (node == nullptr) return false;
  if (IsA(node, Param)) return true;
  return assist_walk_expression(node, has_param, nullptr);
}

const char* kind_of(Node* node) {
  if (node == nullptr) return "none";
  Relations found = {};
  find_relations(node, &found);
  if (found.any) return "column";
  return has_param(node, nullptr) ? "param" : "const";
}

Node* strip_relabel(Node* node) {
  while (node != nullptr && IsA(node, RelabelType))
    node = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(node)->arg);
  return node;
}

// ---- from clauses to items

void add_item(Items* items, Node* left, const char* operation, const char* compared) {
  if (items->count == kMostItems) return;
  const Index relation = relation_of(left);
  if (relation == 0) return;
  items->item[items->count++] = {relation, reinterpret_cast<Expr*>(strip_relabel(left)), operation, compared};
}

// LIKE and ILIKE as a b-tree sees them: a pattern with a fixed beginning keeps the operator's name.
const char* operator_text(Oid op, Node* right) {
  char* name = get_opname(op);
  if (name == nullptr) return "?";
  if (strcmp(name, "~~") != 0 && strcmp(name, "~~*") != 0) return name;
  Node* pattern = strip_relabel(right);
  if (pattern == nullptr || !IsA(pattern, Const)) return psprintf("%s unknown", name);
  const auto* constant = reinterpret_cast<const Const*>(pattern);
  if (constant->constisnull || constant->constlen != -1) return psprintf("%s unknown", name);
  const char* like = TextDatumGetCString(constant->constvalue);
  return like[0] != '%' && like[0] != '_' && like[0] != '\0' ? name : psprintf("%s infix", name);
}

void add_comparison(Items* items, Node* left, Node* right, Oid op, const char* prefix) {
  const Index l = relation_of(left);
  const Index r = relation_of(right);
  if (l != 0 && l != r) add_item(items, left, psprintf("%s%s", prefix, operator_text(op, right)), kind_of(right));
  if (r != 0 && l != r) {
    const Oid commuted = get_commutator(op);
    if (OidIsValid(commuted))
      add_item(items, right, psprintf("%s%s", prefix, operator_text(commuted, left)), kind_of(left));
  }
  // A column against another of the same relation: no index helps, but the shape is worth knowing.
  if (l != 0 && l == r && IsA(strip_relabel(left), Var))
    add_item(items, left, psprintf("%s%s", prefix, operator_text(op, right)), "column");
}

void add_clause(Items* items, Node* clause, const char* prefix) {
  if (clause == nullptr || items->count == kMostItems) return;
  check_stack_depth();
  switch (nodeTag(clause)) {
    case T_OpExpr: {
      auto* expr = reinterpret_cast<OpExpr*>(clause);
      if (list_length(expr->args) == 2)
        add_comparison(items, static_cast<Node*>(linitial(expr->args)), static_cast<Node*>(lsecond(expr->args)),
                       expr->opno, prefix);
      break;
    }
    case T_DistinctExpr: {
      auto* expr = reinterpret_cast<DistinctExpr*>(clause);
      if (list_length(expr->args) == 2)
        add_item(items, static_cast<Node*>(linitial(expr->args)), psprintf("%sIS DISTINCT FROM", prefix),
                 kind_of(static_cast<Node*>(lsecond(expr->args))));
      break;
    }
    case T_ScalarArrayOpExpr: {
      auto* expr = reinterpret_cast<ScalarArrayOpExpr*>(clause);
      auto* left = static_cast<Node*>(linitial(expr->args));
      auto* right = static_cast<Node*>(lsecond(expr->args));
      if (relation_of(left) != 0)
        add_item(items, left, psprintf("%s%s %s", prefix, get_opname(expr->opno), expr->useOr ? "ANY" : "ALL"),
                 kind_of(right));
      else
        add_item(items, right, psprintf("%sANY %s", prefix, get_opname(expr->opno)), kind_of(left));
      break;
    }
    case T_NullTest: {
      auto* test = reinterpret_cast<NullTest*>(clause);
      add_item(items, reinterpret_cast<Node*>(test->arg),
               psprintf("%s%s", prefix, test->nulltesttype == IS_NULL ? "IS NULL" : "IS NOT NULL"), "none");
      break;
    }
    case T_BooleanTest: {
      static const char* const kTests[] = {"IS TRUE",  "IS NOT TRUE", "IS FALSE",
                                           "IS NOT FALSE", "IS UNKNOWN",  "IS NOT UNKNOWN"};
      auto* test = reinterpret_cast<BooleanTest*>(clause);
      add_item(items, reinterpret_cast<Node*>(test->arg), psprintf("%s%s", prefix, kTests[test->booltesttype]), "none");
      break;
    }
    case T_BoolExpr: {
      auto* expr = reinterpret_cast<BoolExpr*>(clause);
      if (expr->boolop == NOT_EXPR) {
        auto* arg = static_cast<Node*>(linitial(expr->args));
        if (IsA(strip_relabel(arg), Var)) add_item(items, arg, psprintf("%sIS FALSE", prefix), "none");
        break;
      }
      const char* inner = expr->boolop == OR_EXPR ? "OR " : prefix;
      for (int i = 0; i < list_length(expr->args); ++i)
        add_clause(items, static_cast<Node*>(list_nth(expr->args, i)), inner);
      break;
    }
    case T_Var:
      add_item(items, clause, psprintf("%sIS TRUE", prefix), "none");
      break;
    case T_RowCompareExpr: {
      auto* expr = reinterpret_cast<RowCompareExpr*>(clause);
      for (int i = 0; i < list_length(expr->largs); ++i)
        add_item(items, static_cast<Node*>(list_nth(expr->largs, i)),
                 psprintf("%s%s", prefix, get_opname(list_nth_oid(expr->opnos, i))),
                 kind_of(static_cast<Node*>(list_nth(expr->rargs, i))));
      break;
    }
    case T_FuncExpr:
      add_item(items, clause, psprintf("%sIS TRUE", prefix), "none");
      break;
    default:
      break;
  }
}

void add_clauses(Items* items, const Walk& walk, const Plan* plan, const List* clauses) {
  for (int i = 0; i < list_length(clauses); ++i) {
    Resolve context = {walk.facts->desc->plannedstmt, plan, false};
    Node* clause = resolve(static_cast<Node*>(list_nth(clauses, i)), &context);
    if (!context.failed) add_clause(items, clause, "");
  }
}

// ---- recording

// Whether a value from elsewhere in the plan occurs in it: no index could hold it, and deparsing it without the
// plan makes the server follow a null pointer since 17.
bool holds_value_of_plan(Node* node, void* context) {
  if (node == nullptr) return false;
  if (IsA(node, SubPlan) || IsA(node, AlternativeSubPlan)) return true;
  if (IsA(node, Param)) return reinterpret_cast<Param*>(node)->paramkind != PARAM_EXTERN;
  return assist_walk_expression(node, holds_value_of_plan, context);
}

// Appends the line of an item; false when its expression cannot be written.
bool describe(StringInfo out, const Item& item, Oid relid) {
  char* column = nullptr;
  char* text;
  if (IsA(item.left, Var)) {
    const AttrNumber attno = reinterpret_cast<Var*>(item.left)->varattno;
    if (attno <= 0) return false;
    column = get_attname(relid, attno, true);
    if (column == nullptr) return false;
    text = pstrdup(quote_identifier(column));
  } else {
    if (holds_value_of_plan(reinterpret_cast<Node*>(item.left), nullptr)) return false;
    Node* copy = static_cast<Node*>(copyObjectImpl(item.left));
    ChangeVarNodes(copy, static_cast<int>(item.relation), 1, 0);
    text = deparse_expression(copy, deparse_context_for(get_rel_name(relid), relid), false, false);
    if (strlen(text) > kMostExpression) return false;
  }
  append_field(out, column != nullptr ? column : "");
  appendStringInfoChar(out, '\t');
  append_field(out, text);
  appendStringInfo(out, "\t%s\t%s\n", item.operation, item.compared);
  return true;
}

void store(const Walk* walk, PredicateUse use, Oid relid, const char* description, Size bytes, const Rows& rows) {
  const Open& open = *walk->facts->open;
  const double weight = open.weight > 0 ? open.weight : 1;
  uint64 shape = 0x2545f4914f6cdd1dULL;
  for (Size i = 0; i < bytes; ++i) shape = (shape ^ static_cast<unsigned char>(description[i])) * 0x100000001b3ULL;
  const StatementKey key = {open.userid, MyDatabaseId, open.queryid, open.depth == 0};
  LWLock* lock = partition_lock(partition_of(key.dbid, key.queryid));
  bool stored = false;
  if (store_lock_briefly(lock, LW_EXCLUSIVE)) {
    StatementEntry* statement = find_or_add_statement(key, GetCurrentStatementStartTimestamp());
    PredicateEntry* entry =
        statement != nullptr ? find_or_add_predicate(statement, open.planid, use, relid, shape) : nullptr;
    if (entry != nullptr) {
      if (!DsaPointerIsValid(entry->description)) {
        TextBlock* block = allocate_detail_for(statement, bytes, kSharePredicate, &entry->description);
        if (block != nullptr) memcpy(block->data, description, bytes);
      }
      entry->executions += weight;
      entry->rows_in += weight * rows.in;
      entry->rows_out += weight * rows.out;
      if (use == PredicateUse::kSpillSort || use == PredicateUse::kSpillHash) {
        if (rows.estimated > entry->estimated_selectivity) entry->estimated_selectivity = rows.estimated;
      } else if (rows.estimated >= 0) {
        entry->estimated_selectivity += weight * rows.estimated;
      }
      entry->limited = entry->limited || rows.limited;
      stored = true;
    }
    LWLockRelease(lock);
  }
  if (!stored) count_lost(0, 0, 1);
}

void add_rows(Walk* walk, PredicateUse use, Oid relid, const StringInfoData& text, const Rows& rows) {
  const auto bytes = static_cast<Size>(text.len);
  for (int i = 0; i < walk->recorded; ++i) {
    Recorded& known = walk->predicates[i];
    if (known.use != use || known.relid != relid || known.bytes != bytes ||
        memcmp(known.description, text.data, bytes) != 0)
      continue;
    Rows& sum = known.rows;
    const double in = sum.in + rows.in;
    if (sum.estimated >= 0 && rows.estimated >= 0 && in > 0)
      sum.estimated = (sum.estimated * sum.in + rows.estimated * rows.in) / in;
    sum.in = in;
    sum.out += rows.out;
    sum.limited = sum.limited || rows.limited;
    return;
  }
  if (walk->recorded < kMostPredicates)
    walk->predicates[walk->recorded++] = {use, relid, text.data, bytes, rows};
}

// Records the items of each relation among them as one predicate.
void record_items(Walk* walk, PredicateUse use, const Items& items, const Rows& rows) {
  const PlannedStmt* plan = walk->facts->desc->plannedstmt;
  bool done[kMostItems] = {};
  for (int i = 0; i < items.count; ++i) {
    if (done[i]) continue;
    const Index rti = items.item[i].relation;
    const RangeTblEntry* entry = rt_fetch(rti, plan->rtable);
    const RangeTblEntry* root = rt_fetch(root_relation(plan, rti), plan->rtable);
    if (entry->rtekind != RTE_RELATION || root->rtekind != RTE_RELATION) continue;
    const char* name = get_rel_name(root->relid);
    if (name == nullptr) continue;
    StringInfoData text;
    initStringInfo(&text);
    append_field(&text, quote_qualified_identifier(get_namespace_name(get_rel_namespace(root->relid)), name));
    appendStringInfoChar(&text, '\n');
    const int before = text.len;
    for (int j = i; j < items.count; ++j) {
      if (items.item[j].relation != rti) continue;
      done[j] = true;
      describe(&text, items.item[j], entry->relid);
    }
    if (text.len == before) continue;
    add_rows(walk, use, root->relid, text, rows);
  }
}

// ---- the plan nodes

void note_misestimate(PlanFacts* facts, double estimated, double actual) {
  const double e = estimated < 1 ? 1 : estimated;
  const double a = actual < 1 ? 1 : actual;
  const double ratio = a > e ? a / e : e / a;
  if (ratio <= facts->misestimate) return;
  facts->misestimate = ratio;
  facts->underestimated = a > e;
}

void record_keys(Walk* walk, const Plan* plan, PredicateUse use, int count, const AttrNumber* columns,
                 const Oid* operators, const bool* nulls_first, const Rows& rows) {
  Items items = {};
  Index first = 0;
  for (int i = 0; i < count && i < kMostItems; ++i) {
    Resolve context = {walk->facts->desc->plannedstmt, plan, false};
    // A sort's or an aggregate's columns are numbered in its input.
    Node* key = output_column(plan->lefttree, columns[i], &context);
    // An index can serve the leading keys of one relation.
    const Index relation = context.failed ? 0 : relation_of(key);
    if (relation == 0 || (first != 0 && relation != first)) break;
    first = relation;
    const char* direction = "=";
    if (operators != nullptr) {
      const bool descending = assist_orders_descending(operators[i]);
      const bool odd = nulls_first[i] != descending;
      direction = descending ? (odd ? "DESC NULLS LAST" : "DESC") : (odd ? "ASC NULLS FIRST" : "ASC");
    }
    add_item(&items, key, direction, "none");
  }
  record_items(walk, use, items, rows);
}

double relation_rows(PlanState* state) {
  Relation relation = reinterpret_cast<ScanState*>(state)->ss_currentRelation;
  return relation != nullptr && relation->rd_rel->reltuples > 0 ? relation->rd_rel->reltuples : 0;
}

double node_rows(PlanState* state) {
  return state != nullptr && state->instrument != nullptr ? state->instrument->ntuples : 0;
}

void visit_scan(Walk* walk, PlanState* state, bool limited) {
  const Plan* plan = state->plan;
  const Instrumentation& counts = *state->instrument;
  const double loops = counts.nloops;
  const double out = counts.ntuples;
  const double in = out + counts.nfiltered1;
  const List* index_clauses = NIL;
  if (IsA(plan, IndexScan)) index_clauses = reinterpret_cast<const IndexScan*>(plan)->indexqualorig;
  if (IsA(plan, IndexOnlyScan)) index_clauses = reinterpret_cast<const IndexOnlyScan*>(plan)->indexqual;
  if (IsA(plan, BitmapHeapScan)) index_clauses = reinterpret_cast<const BitmapHeapScan*>(plan)->bitmapqualorig;
  if (index_clauses != NIL) {
    Items items = {};
    add_clauses(&items, *walk, plan, index_clauses);
    const double rows = relation_rows(state) * loops;
    const double estimated = plan->qual == NIL && rows > 0 ? plan->plan_rows * loops / rows : -1;
    record_items(walk, PredicateUse::kIndex, items,
                 {rows > in ? rows : in, in + counts.nfiltered2, estimated, limited});
  }
  if (plan->qual != NIL) {
    Items items = {};
    add_clauses(&items, *walk, plan, plan->qual);
    const double estimated = in > 0 && !limited ? plan->plan_rows * loops / in : -1;
    record_items(walk, PredicateUse::kFilter, items, {in, out, estimated > 1 ? 1 : estimated, limited});
  }
}

void visit_join(Walk* walk, PlanState* state, const List* clauses, bool limited) {
  Items items = {};
  add_clauses(&items, *walk, state->plan, clauses);
  const double outer = node_rows(outerPlanState(state));
  const double inner = node_rows(innerPlanState(state));
  record_items(walk, PredicateUse::kJoin, items, {outer * inner, node_rows(state), -1, limited});
}

void visit(Walk* walk, PlanState* state, bool limited);

void visit_list(Walk* walk, PlanState** states, int count, bool limited) {
  for (int i = 0; i < count; ++i) visit(walk, states[i], limited);
}

void visit_subplans(Walk* walk, const List* subplans) {
  for (int i = 0; i < list_length(subplans); ++i)
    // A sub-select may be stopped as soon as it has one row.
    visit(walk, static_cast<SubPlanState*>(list_nth(subplans, i))->planstate, true);
}

// `limited`: something above may have stopped this node before its end.
void visit(Walk* walk, PlanState* state, bool limited) {
  if (state == nullptr || state->instrument == nullptr) return;
  check_stack_depth();
  Instrumentation* counts = state->instrument;
  InstrEndLoop(counts);
  const Plan* plan = state->plan;
  const bool ran = counts->nloops > 0;
  if (ran && !limited)
    note_misestimate(walk->facts, plan->plan_rows, counts->ntuples / counts->nloops);
  bool outer_limited = limited;
  bool inner_limited = limited;
  switch (nodeTag(plan)) {
    case T_SeqScan:
    case T_IndexScan:
    case T_IndexOnlyScan:
    case T_BitmapHeapScan:
      if (ran) visit_scan(walk, state, limited);
      break;
    case T_HashJoin: {
      const auto* join = reinterpret_cast<const HashJoin*>(plan);
      if (ran) visit_join(walk, state, list_concat_copy(join->hashclauses, join->join.joinqual), limited);
      inner_limited = false;
      break;
    }
    case T_MergeJoin: {
      const auto* join = reinterpret_cast<const MergeJoin*>(plan);
      if (ran) visit_join(walk, state, list_concat_copy(join->mergeclauses, join->join.joinqual), limited);
      outer_limited = inner_limited = true;  // ends with the shorter side
      break;
    }
    case T_NestLoop: {
      const auto* join = reinterpret_cast<const NestLoop*>(plan);
      if (ran && join->join.joinqual != NIL) visit_join(walk, state, join->join.joinqual, limited);
      inner_limited = limited || join->join.inner_unique || join->join.jointype == JOIN_SEMI ||
                      join->join.jointype == JOIN_ANTI;
      break;
    }
    case T_Sort: {
      const auto* sort = reinterpret_cast<const Sort*>(plan);
      if (ran)
        record_keys(walk, plan, PredicateUse::kSort, sort->numCols, sort->sortColIdx, sort->sortOperators,
                    sort->nullsFirst, {node_rows(outerPlanState(state)), counts->ntuples, -1, limited});
      outer_limited = false;
      break;
    }
    case T_Agg: {
      const auto* agg = reinterpret_cast<const Agg*>(plan);
      if (ran && agg->numCols > 0)
        record_keys(walk, plan, PredicateUse::kGroup, agg->numCols, agg->grpColIdx, nullptr, nullptr,
                    {node_rows(outerPlanState(state)), counts->ntuples, -1, limited});
      if (agg->aggstrategy != AGG_SORTED) outer_limited = false;
      break;
    }
    case T_Group: {
      const auto* group = reinterpret_cast<const Group*>(plan);
      if (ran)
        record_keys(walk, plan, PredicateUse::kGroup, group->numCols, group->grpColIdx, nullptr, nullptr,
                    {node_rows(outerPlanState(state)), counts->ntuples, -1, limited});
      break;
    }
    case T_Hash:
      outer_limited = false;
      break;
    case T_Limit:
      // Run once and to the end of its input: it cut nothing.
      if (counts->nloops > 1 || reinterpret_cast<const LimitState*>(state)->lstate != LIMIT_SUBPLANEOF)
        outer_limited = true;
      break;
    case T_ModifyTable:
      outer_limited = limited;
      break;
    case T_Append: {
      auto* append = reinterpret_cast<AppendState*>(state);
      visit_list(walk, append->appendplans, append->as_nplans, limited);
      break;
    }
    case T_MergeAppend: {
      auto* append = reinterpret_cast<MergeAppendState*>(state);
      visit_list(walk, append->mergeplans, append->ms_nplans, limited);
      break;
    }
    case T_SubqueryScan:
      visit(walk, reinterpret_cast<SubqueryScanState*>(state)->subplan, limited);
      break;
    default:
      break;
  }
  // The rows of children are known before theirs are visited only because InstrEndLoop is idempotent.
  visit(walk, outerPlanState(state), outer_limited);
  visit(walk, innerPlanState(state), inner_limited);
  visit_subplans(walk, state->initPlan);
  visit_subplans(walk, state->subPlan);
}

// InstrEndLoop of the whole tree first: parents read their children's counts.
bool end_loops(PlanState* state, void*) {
  if (state == nullptr) return false;
  if (state->instrument != nullptr) InstrEndLoop(state->instrument);
  return assist_walk_planstate(state, end_loops, nullptr);
}

void store_spill(Walk* walk, PredicateUse use, double temp_bytes, double needed_bytes) {
  const char* kind = use == PredicateUse::kSpillSort ? "sort" : "hash";
  store(walk, use, InvalidOid, kind, strlen(kind), {temp_bytes, needed_bytes, needed_bytes, false});
}

bool visit_spills(PlanState* state, void* context) {
  if (state == nullptr) return false;
  auto* walk = static_cast<Walk*>(context);
  double temp = 0;
  double needed = 0;
  switch (nodeTag(state)) {
    case T_SortState: {
      auto* sort = reinterpret_cast<SortState*>(state);
      if (sort->sort_Done && sort->tuplesortstate != nullptr) {
        TuplesortInstrumentation stats;
        tuplesort_get_stats(static_cast<Tuplesortstate*>(sort->tuplesortstate), &stats);
        if (stats.spaceType == SORT_SPACE_TYPE_DISK) {
          // In memory a sort takes about twice what it writes: tuple headers and the array of pointers.
          temp = static_cast<double>(stats.spaceUsed) * 1024;
          store_spill(walk, PredicateUse::kSpillSort, temp, temp * 2);
        }
      }
      break;
    }
    case T_HashState: {
      const HashJoinTable table = reinterpret_cast<HashState*>(state)->hashtable;
      if (table != nullptr && table->nbatch > 1) {
        needed = static_cast<double>(table->spacePeak) * table->nbatch;
        store_spill(walk, PredicateUse::kSpillHash, needed - static_cast<double>(table->spacePeak), needed);
      }
      break;
    }
    case T_AggState: {
      const auto* agg = reinterpret_cast<AggState*>(state);
      if (agg->hash_batches_used > 1) {
        temp = static_cast<double>(agg->hash_disk_used) * 1024;
        store_spill(walk, PredicateUse::kSpillHash, temp, static_cast<double>(agg->hash_mem_peak) + temp * 1.5);
      }
      break;
    }
    default:
      break;
  }
  return assist_walk_planstate(state, visit_spills, context);
}

}  // namespace

void record_predicates(PlanFacts* facts) {
  Walk walk;
  walk.facts = facts;
  walk.recorded = 0;
  end_loops(facts->desc->planstate, nullptr);
  visit(&walk, facts->desc->planstate, facts->open->limited);
  for (int i = 0; i < walk.recorded; ++i) {
    const Recorded& p = walk.predicates[i];
    store(&walk, p.use, p.relid, p.description, p.bytes, p.rows);
  }
}

void record_spills(QueryDesc* desc, const Open& open) {
  PlanFacts facts = {desc, &open, NIL, 0, false};
  Walk walk;
  walk.facts = &facts;
  walk.recorded = 0;
  visit_spills(desc->planstate, &walk);
}

}  // namespace assist::capture
