// What-if planning.

#include "pg/whatif/whatif.hpp"

#include "pg/fault.hpp"
#include "pg/whatif/whatif_plan.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "commands/explain.h"
#include "executor/executor.h"  // for standard_ExecutorStart
#include "miscadmin.h"
#include "nodes/makefuncs.h"      // for makeString
#include "nodes/nodeFuncs.h"      // for query_tree_walker
#include "optimizer/optimizer.h"  // for planner
#include "parser/analyze.h"
#include "parser/parse_param.h"
#include "parser/parser.h"
#include "rewrite/rewriteHandler.h"
#include "storage/proc.h"  // for LockTimeout
#include "tcop/dest.h"     // for None_Receiver
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

namespace assist::pg {

namespace {

void set_local(const char* name, const char* value) {
  set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

bool check_permissions_walker(Node* node, void* context) {
  if (node == nullptr) return false;
  if (IsA(node, Query)) {
    auto* query = reinterpret_cast<Query*>(node);
    assist_check_query_permissions(query);
    return query_tree_walker(query, ASSIST_WALKER(check_permissions_walker), context, 0);
  }
  return expression_tree_walker(node, ASSIST_WALKER(check_permissions_walker), context);
}

RawStmt* parse_one(const char* text) {
  List* list = raw_parser(text, RAW_PARSE_DEFAULT);
  if (list_length(list) != 1)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    list == NIL ? errmsg("empty statement") : errmsg("more than one statement"),
                    errhint("Each element is the text of one statement.")));
  return linitial_node(RawStmt, list);
}

// The query that a statement around it would run; the statement itself where there is none.
Node* contained_query(Node* statement) {
  for (;;) {
    Node* inner = nullptr;
    switch (nodeTag(statement)) {
      case T_PrepareStmt:
        inner = reinterpret_cast<PrepareStmt*>(statement)->query;
        break;
      case T_DeclareCursorStmt:
        inner = reinterpret_cast<DeclareCursorStmt*>(statement)->query;
        break;
      case T_ExplainStmt:
        inner = reinterpret_cast<ExplainStmt*>(statement)->query;
        break;
      case T_CreateTableAsStmt:
        inner = reinterpret_cast<CreateTableAsStmt*>(statement)->query;
        break;
      case T_CopyStmt:
        inner = reinterpret_cast<CopyStmt*>(statement)->query;
        break;
      default:
        break;
    }
    if (inner == nullptr) return statement;
    statement = inner;
  }
}

// Names that are no columns, numbered behind the parameters.
struct Variables {
  int parameters;
  List* names;  // String
};
constinit Variables* observed_variables = nullptr;  // of the analysis under way

Node* variable_hook(ParseState* state, ColumnRef* reference, Node* resolved) {
  if (resolved != nullptr || IsA(llast(reference->fields), A_Star)) return nullptr;
  Variables* variables = observed_variables;
  char* name = NameListToString(reference->fields);
  int position = 0;
  while (position < list_length(variables->names) &&
         strcmp(strVal(list_nth(variables->names, position)), name) != 0)
    ++position;
  if (position == list_length(variables->names))
    variables->names = lappend(variables->names, makeString(name));
  ParamRef* parameter = makeNode(ParamRef);
  parameter->number = variables->parameters + position + 1;
  parameter->location = reference->location;
  return state->p_paramref_hook(state, parameter);
}

[[noreturn]] void reject_utility() {
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a utility statement has no plan"),
           errhint("Give a SELECT, INSERT, UPDATE, DELETE or MERGE; of EXPLAIN, CREATE TABLE AS "
                   "or DECLARE the query alone.")));
}

void forget_pruning(Plan* plan, void*) {
  if (IsA(plan, Append)) assist_forget_initial_pruning(reinterpret_cast<Append*>(plan));
  if (IsA(plan, MergeAppend)) assist_forget_initial_pruning(reinterpret_cast<MergeAppend*>(plan));
}

void explain_one(ExplainState* es, PlannedStmt* plan, const AnalyzedStatement& statement) {
  int flags = EXEC_FLAG_EXPLAIN_ONLY;
  if (statement.generic) {
    flags |= ASSIST_EXPLAIN_GENERIC;
    walk_plan(plan, forget_pruning, nullptr);
  }
  QueryDesc* query = CreateQueryDesc(plan, statement.text, GetActiveSnapshot(), InvalidSnapshot,
                                     None_Receiver, nullptr, nullptr, 0);
  // Not ExecutorStart: nobody should take this for an execution.
  standard_ExecutorStart(query, flags);
  ExplainOpenGroup("Query", nullptr, true, es);
  ExplainPrintPlan(es, query);
  ExplainCloseGroup("Query", nullptr, true, es);
  standard_ExecutorEnd(query);
  FreeQueryDesc(query);
}

}  // namespace

void assume_identity(const WhatIfIdentity& identity) {
  if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(identity.userid)))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                    errmsg("role with OID %u does not exist", identity.userid)));
  Oid current;
  int context;
  GetUserIdAndSecContext(&current, &context);
  SetUserIdAndSecContext(identity.userid, context | SECURITY_RESTRICTED_OPERATION);
  if (identity.search_path != nullptr) set_local("search_path", identity.search_path);
  if (LockTimeout == 0 || LockTimeout > kWhatIfLockTimeoutMs) {
    char value[16];
    snprintf(value, sizeof value, "%d", kWhatIfLockTimeoutMs);
    set_local("lock_timeout", value);
  }
  PushActiveSnapshot(GetTransactionSnapshot());
}

void search_catalog_only() { set_local("search_path", "pg_catalog"); }

AnalyzedStatement analyze_statement(const char* text, TextKind kind, const Oid* known, int nknown) {
  RawStmt* raw = parse_one(text);
  if (kind == TextKind::kObserved) raw->stmt = contained_query(raw->stmt);
  switch (nodeTag(raw->stmt)) {
    case T_SelectStmt:
    case T_InsertStmt:
    case T_UpdateStmt:
    case T_DeleteStmt:
    case T_MergeStmt:
      break;
    default:
      reject_utility();
  }
  // As parse_analyze_varparams does, without post_parse_analyze_hook and with query id 0 in what is
  // planned: so nobody counts it.
  ParseState* state = make_parsestate(nullptr);
  state->p_sourcetext = text;
  int ntypes = nknown;
  Oid* types =
      nknown == 0 ? nullptr : static_cast<Oid*>(palloc(sizeof(Oid) * static_cast<Size>(nknown)));
  for (int i = 0; i < nknown; ++i) types[i] = known[i];
  setup_parse_variable_parameters(state, &types, &ntypes);
  Variables variables = {nknown, NIL};
  if (kind == TextKind::kObserved) {
    state->p_post_columnref_hook = variable_hook;
    observed_variables = &variables;
  }
  Query* query = transformTopLevelStmt(state, raw);
  if (query->commandType == CMD_UTILITY) reject_utility();  // SELECT INTO
  check_variable_parameters(state, query);
  free_parsestate(state);

  AnalyzedStatement statement = {text, NIL, query_contains_extern_params(query), nullptr, 0};
  if (kind == TextKind::kGiven && IsQueryIdEnabled()) {
    assist_jumble_query(query, text);
    statement.query_id = static_cast<int64>(query->queryId);
    query->queryId = 0;
  }
  ListCell* cell;
  foreach (cell, QueryRewrite(query)) {
    auto* rewritten = lfirst_node(Query, cell);
    if (rewritten->commandType == CMD_UTILITY) continue;
    check_permissions_walker(reinterpret_cast<Node*>(rewritten), nullptr);
    statement.queries = lappend(statement.queries, rewritten);
  }
  return statement;
}

PlannedStatement PlanStatement(const AnalyzedStatement& statement, HypotheticalSet* set) {
  PlannedStatement planned = {0, 0, NIL};
  ListCell* cell;
  foreach (cell, statement.queries) {
    Query* query = nullptr;
    Guarded([&] { query = copy_node(lfirst_node(Query, cell)); });
    PlannerScope scope(set, query);
    Guarded([&] {
      fault_point("plan");
      PlannedStmt* plan = planner(query, statement.text, CURSOR_OPT_PARALLEL_OK, statement.params);
      planned.cost += plan->planTree->total_cost;
      planned.rows = plan->planTree->plan_rows;
      planned.plans = lappend(planned.plans, plan);
    });
  }
  return planned;
}

char* ExplainStatement(const AnalyzedStatement& statement, const PlannedStatement& planned,
                       HypotheticalSet* set) {
  PlannerScope scope(set, nullptr);
  return Guarded([&] {
    ExplainState* es = NewExplainState();
    es->format = EXPLAIN_FORMAT_JSON;
    ExplainBeginOutput(es);
    ListCell* cell;
    foreach (cell, planned.plans) explain_one(es, lfirst_node(PlannedStmt, cell), statement);
    ExplainEndOutput(es);
    return es->str->data;
  });
}

List* used_indexes(const PlannedStatement& planned, const HypotheticalSet* set) {
  List* used = NIL;
  ListCell* cell;
  foreach (cell, planned.plans)
    used = list_concat_unique_ptr(used,
                                  used_hypothetical_indexes(set, lfirst_node(PlannedStmt, cell)));
  return used;
}

void explain_error(ErrorData* error, const char* text, const char* hint) {
  if (error == nullptr) return;
  if (error->cursorpos > 0) {
    error->internalpos = error->cursorpos;
    error->cursorpos = 0;
    error->internalquery = pstrdup(text);
  }
  if (error->hint != nullptr) return;
  const int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
  if (category == ERRCODE_TO_CATEGORY(ERRCODE_QUERY_CANCELED) ||
      category == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES))
    return;
  const bool locked = error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
  error->hint =
      pstrdup(locked ? "Another session holds a lock on a table of it: try again later." : hint);
}

}  // namespace assist::pg
