// Defaults and types as this server's own analysis sees them: volatility, constrained domains, and
// whether a change of type rewrites the table. Analysis runs in a subtransaction that is always
// rolled back, under the search_path of the script; nothing is evaluated but the input functions of
// literals' types and, where an UPDATE or DELETE is planned, built-in functions of constants.

#include <cstring>

#include "pg/migrate/script.hpp"
#include "pg/whatif/whatif.hpp"
#include "pg/whatif/whatif_guard.hpp"

extern "C" {
#include "access/table.h"
#include "access/transam.h"  // for FirstNormalObjectId
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"  // for GetDefaultOpClass
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"  // for contain_volatile_functions, expression_planner
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
}

namespace assist::pg {

namespace {

using check::DefaultKind;

void use_path(const Converter& converter) {
  if (converter.search_path != nullptr)
    set_config_option("search_path", converter.search_path, PGC_USERSET, PGC_S_SESSION,
                      GUC_ACTION_LOCAL, true, 0, false);
}

// Literals, and the functions without brackets that are stable: no analysis needed.
bool is_plain(Node* expression) {
  for (;;) {
    if (expression == nullptr || IsA(expression, A_Const) || IsA(expression, SQLValueFunction))
      return true;
    if (!IsA(expression, TypeCast)) return false;
    expression = reinterpret_cast<TypeCast*>(expression)->arg;
  }
}

bool is_null(Node* expression) {
  while (expression != nullptr && IsA(expression, TypeCast))
    expression = reinterpret_cast<TypeCast*>(expression)->arg;
  return expression == nullptr ||
         (IsA(expression, A_Const) && reinterpret_cast<A_Const*>(expression)->isnull);
}

bool find_volatile(Node* node, void* context);

bool is_volatile(Oid function, void* context) {
  if (func_volatile(function) != PROVOLATILE_VOLATILE) return false;
  char* name = get_func_name(function);
  if (name != nullptr) strlcpy(static_cast<char*>(context), name, NAMEDATALEN);
  return true;
}

bool find_volatile(Node* node, void* context) {
  if (node == nullptr) return false;
  if (check_functions_in_node(node, is_volatile, context)) return true;
  if (IsA(node, NextValueExpr)) {
    strlcpy(static_cast<char*>(context), "nextval", NAMEDATALEN);
    return true;
  }
  return expression_tree_walker(node, ASSIST_WALKER(find_volatile), context);
}

bool is_users(Oid function, void*) { return function >= FirstNormalObjectId; }

// Planning evaluates an immutable function of constants: of a script that is not to run, none that
// users made.
bool has_users_function(Node* node, void* context) {
  if (node == nullptr) return false;
  if (IsA(node, Query))
    return query_tree_walker(reinterpret_cast<Query*>(node), ASSIST_WALKER(has_users_function),
                             context, 0);
  if (check_functions_in_node(node, is_users, context)) return true;
  return expression_tree_walker(node, ASSIST_WALKER(has_users_function), context);
}

// As StoreAttrDefault() decides whether one value serves all rows that are there.
void judge_default(const Converter& converter, const TypeName* type, Node* expression,
                   DefaultVerdict* verdict) {
  use_path(converter);
  ParseState* state = make_parsestate(nullptr);
  Oid type_oid;
  int32 typmod;
  typenameTypeIdAndMod(state, type, &type_oid, &typmod);
  Node* tree = cookDefault(state, static_cast<Node*>(copyObjectImpl(expression)), type_oid, typmod,
                           "column", 0);
  verdict->kind =
      find_volatile(tree, verdict->function) ? DefaultKind::kVolatile : DefaultKind::kStored;
}

// As ATColumnChangeRequiresRewrite().
bool requires_rewrite(Node* expression, AttrNumber column) {
  for (;;) {
    if (IsA(expression, Var) && reinterpret_cast<Var*>(expression)->varattno == column)
      return false;
    if (IsA(expression, RelabelType)) {
      expression = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(expression)->arg);
    } else if (IsA(expression, CoerceToDomain)) {
      auto* domain = reinterpret_cast<CoerceToDomain*>(expression);
      if (DomainHasConstraints(domain->resulttype)) return true;
      expression = reinterpret_cast<Node*>(domain->arg);
    } else if (IsA(expression, FuncExpr)) {
      auto* call = reinterpret_cast<FuncExpr*>(expression);
      if (call->funcid != F_TIMESTAMPTZ_TIMESTAMP && call->funcid != F_TIMESTAMP_TIMESTAMPTZ)
        return true;
      if (TimestampTimestampTzRequiresRewrite()) return true;
      expression = static_cast<Node*>(linitial(call->args));
    } else {
      return true;
    }
  }
}

// Whether the expression is the column with casts around it: planning that folds no function of a
// user.
bool is_cast_of(Node* expression, AttrNumber column) {
  for (;;) {
    if (IsA(expression, Var)) return reinterpret_cast<Var*>(expression)->varattno == column;
    if (IsA(expression, RelabelType)) {
      expression = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(expression)->arg);
    } else if (IsA(expression, CoerceToDomain)) {
      expression = reinterpret_cast<Node*>(reinterpret_cast<CoerceToDomain*>(expression)->arg);
    } else if (IsA(expression, CoerceViaIO)) {
      expression = reinterpret_cast<Node*>(reinterpret_cast<CoerceViaIO*>(expression)->arg);
    } else if (IsA(expression, FuncExpr) &&
               reinterpret_cast<FuncExpr*>(expression)->funcformat != COERCE_EXPLICIT_CALL) {
      expression = static_cast<Node*>(linitial(reinterpret_cast<FuncExpr*>(expression)->args));
    } else {
      return false;
    }
  }
}

struct ChangeVerdict {
  bool known, rewrite, rebuilds, lossy;
  char from[256];
};

// Fewer values fit, within a kind of types: a shorter length or precision, or no implicit cast.
bool is_lossy(Oid from, int32 from_mod, Oid to, int32 to_mod) {
  char from_category, to_category;
  bool preferred;
  get_type_category_preferred(from, &from_category, &preferred);
  get_type_category_preferred(to, &to_category, &preferred);
  if (from_category != to_category) return false;
  if (!can_coerce_type(1, &from, &to, COERCION_IMPLICIT))
    return from_category == TYPCATEGORY_NUMERIC || from_category == TYPCATEGORY_DATETIME;
  const bool text = to == VARCHAROID || to == BPCHAROID;
  if (text && to_mod >= 0) {
    if (from == TEXTOID || from_mod < 0) return true;
    return to_mod < from_mod;
  }
  if (to == NUMERICOID && to_mod >= 0 && from == NUMERICOID) {
    if (from_mod < 0) return true;
    const int to_scale = (to_mod - VARHDRSZ) & 0x7ff, from_scale = (from_mod - VARHDRSZ) & 0x7ff;
    return to_scale < from_scale;
  }
  return false;
}

void judge_change(const Converter& converter, const RangeVar* relation, const char* column,
                  const TypeName* type, Node* using_expression, ChangeVerdict* verdict) {
  use_path(converter);
  const Oid oid = RangeVarGetRelid(relation, NoLock, true);
  // Only while nobody holds it exclusively: this must not wait.
  if (!OidIsValid(oid) || !ConditionalLockRelationOid(oid, AccessShareLock)) return;
  Relation rel = try_table_open(oid, NoLock);
  if (rel == nullptr) return;
  const AttrNumber number = get_attnum(oid, column);
  if (number > 0 && !TupleDescAttr(RelationGetDescr(rel), number - 1)->attisdropped) {
    const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(rel), number - 1);
    strlcpy(verdict->from, format_type_with_typemod(attribute->atttypid, attribute->atttypmod),
            sizeof verdict->from);
    ParseState* state = make_parsestate(nullptr);
    Oid to;
    int32 to_mod;
    typenameTypeIdAndMod(state, type, &to, &to_mod);
    const Oid to_collation = get_typcollation(to);
    Node* tree;
    if (using_expression != nullptr) {
      ParseNamespaceItem* item =
          addRangeTableEntryForRelation(state, rel, AccessShareLock, nullptr, false, true);
      addNSItemToQuery(state, item, false, true, true);
      tree = transformExpr(state, static_cast<Node*>(copyObjectImpl(using_expression)),
                           EXPR_KIND_ALTER_COL_TRANSFORM);
    } else {
      tree = reinterpret_cast<Node*>(makeVar(1, number, attribute->atttypid, attribute->atttypmod,
                                             attribute->attcollation, 0));
    }
    tree = coerce_to_target_type(state, tree, exprType(tree), to, to_mod, COERCION_ASSIGNMENT,
                                 COERCE_IMPLICIT_CAST, -1);
    if (tree != nullptr) {
      assign_expr_collations(state, tree);
      verdict->known = true;
      if (is_cast_of(tree, number)) {
        tree = reinterpret_cast<Node*>(expression_planner(reinterpret_cast<Expr*>(tree)));
        verdict->rewrite = requires_rewrite(tree, number);
      } else {
        verdict->rewrite = true;
      }
      verdict->rebuilds =
          !verdict->rewrite && (to_collation != attribute->attcollation ||
                                GetDefaultOpClass(to, BTREE_AM_OID) !=
                                    GetDefaultOpClass(attribute->atttypid, BTREE_AM_OID));
      verdict->lossy = using_expression == nullptr &&
                       is_lossy(attribute->atttypid, attribute->atttypmod, to, to_mod);
    }
  }
  table_close(rel, NoLock);  // the lock goes with the subtransaction
}

}  // namespace

DefaultVerdict JudgeDefault(const Converter& converter, const TypeName* type, Node* expression) {
  DefaultVerdict verdict;
  if (is_null(expression)) {
    verdict.kind = DefaultKind::kNone;
    return verdict;
  }
  if (is_plain(expression)) {
    verdict.kind = DefaultKind::kStored;
    return verdict;
  }
  if (type == nullptr) return verdict;
  const ErrorData* error = InDiscardedSubtransaction(
      [&] { Guarded([&] { judge_default(converter, type, expression, &verdict); }); });
  if (error != nullptr) verdict.kind = DefaultKind::kUnknown;
  return verdict;
}

TypeVerdict JudgeType(const Converter& converter, const TypeName* type) {
  TypeVerdict verdict;
  // The built-in spellings (int, bigint, varchar(10), timestamptz) need no look-up.
  const auto* first = static_cast<const Node*>(linitial(type->names));
  if (list_length(type->names) == 2 && strcmp(strVal(first), "pg_catalog") == 0) {
    const char* name = strVal(lsecond(type->names));
    verdict.known = true;
    verdict.small_integer =
        type->arrayBounds == NIL && (strcmp(name, "int4") == 0 || strcmp(name, "int2") == 0);
    return verdict;
  }
  InDiscardedSubtransaction([&] {
    Guarded([&] {
      use_path(converter);
      int32 typmod;
      Type tuple = LookupTypeName(nullptr, type, &typmod, true);
      if (tuple == nullptr) return;
      const Oid oid = typeTypeId(tuple);
      ReleaseSysCache(tuple);
      verdict.known = true;
      verdict.small_integer = oid == INT4OID || oid == INT2OID;
      verdict.domain_constrained = get_typtype(oid) == TYPTYPE_DOMAIN && DomainHasConstraints(oid);
    });
  });
  return verdict;
}

void JudgeTypeChange(const Converter& converter, const RangeVar* relation, const char* column,
                     const TypeName* type, Node* using_expression, check::TypeChange& out) {
  ChangeVerdict verdict = {};
  const ErrorData* error = InDiscardedSubtransaction([&] {
    Guarded([&] { judge_change(converter, relation, column, type, using_expression, &verdict); });
  });
  if (error != nullptr) return;
  out.known = verdict.known;
  out.rewrite = verdict.rewrite;
  out.rebuilds_indexes = verdict.rebuilds;
  out.lossy = verdict.lossy;
  out.from = verdict.from;
}

double EstimateRows(const Converter& converter, std::string_view source) {
  const check::Text text(source);
  double rows = -1;
  WhatIfIdentity identity = {InvalidOid, converter.search_path};
  Guarded([&] { identity.userid = GetUserId(); });
  const ErrorData* error = InDiscardedSubtransaction([&] {
    InWhatIfContext(identity, [&] {
      const OwnedFunctionsOnly owned;  // what an index or a function that is inlined brings
      HypotheticalSet* none = nullptr;
      AnalyzedStatement statement;
      bool runs_something = true;
      Guarded([&] {
        none = make_hypothetical_set();
        statement = analyze_statement(text.c_str());
        runs_something = has_users_function(reinterpret_cast<Node*>(statement.queries), nullptr);
      });
      if (runs_something) return;
      const PlannedStatement planned = PlanStatement(statement, none);
      Guarded([&] {
        ListCell* cell;
        foreach (cell, planned.plans) {
          Plan* plan = lfirst_node(PlannedStmt, cell)->planTree;
          if (IsA(plan, ModifyTable) && plan->lefttree != nullptr) rows = plan->lefttree->plan_rows;
        }
      });
    });
  });
  return error == nullptr ? rows : -1;
}

}  // namespace assist::pg
