// What a statement does with its tables.

#include "pg/advise/plan_uses.hpp"

#include "pg/whatif/hypothetical.hpp"

extern "C" {
#include "access/htup_details.h"  // for GETSTRUCT
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_class.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"  // for GetDefaultOpClass
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"   // for pull_varnos
#include "optimizer/paths.h"       // for set_rel_pathlist_hook
#include "parser/parse_coerce.h"   // for IsBinaryCoercible
#include "rewrite/rewriteManip.h"  // for ChangeVarNodes
#include "utils/builtins.h"        // for TextDatumGetCString
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace assist::pg {

namespace {

constexpr int kMostKeys = 40;  // of one table in one statement
constexpr int kMostUnserved = 8;

constinit List** active_uses = nullptr;
constinit MemoryContext active_context = nullptr;
constinit set_rel_pathlist_hook_type previous_hook = nullptr;
constinit bool installed = false;

// One table while it is looked at.
struct Table {
  PlannerInfo* root;
  RelOptInfo* rel;
  TableUses* uses;
};

Node* strip(Node* node) {
  while (node != nullptr && IsA(node, RelabelType))
    node = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(node)->arg);
  return node;
}

// Whether an index of the table could have it as a key.
bool is_key(const Table& table, Node* node) {
  if (node == nullptr || !bms_equal(pull_varnos(table.root, node), table.rel->relids)) return false;
  if (IsA(node, Var)) return reinterpret_cast<Var*>(node)->varattno > 0;
  if (IsA(node, PlaceHolderVar) || contain_subplans(node) || contain_mutable_functions(node))
    return false;
  // A value that changes from one execution to the next is no part of an expression.
  struct Finder {
    static bool walk(Node* each, void* context) {
      if (each == nullptr) return false;
      if (IsA(each, Param) || IsA(each, PlaceHolderVar)) return true;
      if (IsA(each, Var) && reinterpret_cast<Var*>(each)->varattno <= 0) return true;
      return expression_tree_walker(each, ASSIST_WALKER(walk), context);
    }
  };
  return !Finder::walk(node, nullptr);
}

bool is_value(const Table& table, Node* node) {
  return !bms_overlap(pull_varnos(table.root, node), table.rel->relids) &&
         !contain_volatile_functions(node);
}

Node* as_own(const Table& table, Node* node) {
  Node* copy = static_cast<Node*>(copy_node(node));
  if (table.rel->relid != 1) ChangeVarNodes(copy, static_cast<int>(table.rel->relid), 1, 0);
  return copy;
}

KeyUse* add_key(const Table& table, Node* node, UseKind kind, int arm) {
  if (list_length(table.uses->keys) >= kMostKeys) return nullptr;
  MemoryContext caller = MemoryContextSwitchTo(active_context);
  auto* key = static_cast<KeyUse*>(palloc0(sizeof(KeyUse)));
  key->kind = kind;
  key->arm = arm;
  key->type = exprType(node);
  key->column = IsA(node, Var) ? reinterpret_cast<Var*>(node)->varattno : AttrNumber{0};
  key->expression = as_own(table, node);
  table.uses->keys = lappend(table.uses->keys, key);
  MemoryContextSwitchTo(caller);
  return key;
}

void add_condition(const Table& table, Node* clause, Node* column,
                   const Const* constant = nullptr) {
  if (!IsA(column, Var) || reinterpret_cast<Var*>(column)->varattno <= 0) return;
  MemoryContext caller = MemoryContextSwitchTo(active_context);
  auto* condition = static_cast<ConditionUse*>(palloc0(sizeof(ConditionUse)));
  condition->column = reinterpret_cast<Var*>(column)->varattno;
  condition->constant = constant != nullptr;
  condition->location = constant != nullptr ? constant->location : -1;
  condition->clause = as_own(table, clause);
  table.uses->conditions = lappend(table.uses->conditions, condition);
  MemoryContextSwitchTo(caller);
}

// The operator class of the method that a type belongs to and whose family is `family`.
Oid find_opclass(Oid method, Oid family, Oid type) {
  Oid found = InvalidOid;
  CatCList* list = SearchSysCacheList1(CLAAMNAMENSP, ObjectIdGetDatum(method));
  for (int i = 0; i < list->n_members && !OidIsValid(found); ++i) {
    auto form = reinterpret_cast<Form_pg_opclass>(GETSTRUCT(&list->members[i]->tuple));
    if (form->opcfamily != family) continue;
    const Oid input = form->opcintype;
    const bool fits = input == type || IsBinaryCoercible(type, input) ||
                      (input == ANYARRAYOID && OidIsValid(get_element_type(type))) ||
                      (input == ANYRANGEOID && type_is_range(type)) ||
                      (input == ANYMULTIRANGEOID && type_is_multirange(type)) ||
                      (input == ANYENUMOID && type_is_enum(type));
    if (fits) found = form->oid;
  }
  ReleaseCatCacheList(list);
  return found;
}

// Whether an index that is there serves the operator.
bool is_served(const Table& table, Node* node, Oid op) {
  ListCell* cell;
  foreach (cell, table.rel->indexlist) {
    auto* index = lfirst_node(IndexOptInfo, cell);
    if (index->hypothetical || (index->indpred != NIL && !index->predOK)) continue;
    for (int i = 0; i < index->nkeycolumns; ++i)
      if (match_index_to_operand(node, i, index) && op_in_opfamily(op, index->opfamily[i]))
        return true;
  }
  return false;
}

// Each method other than b-tree and hash that serves the operator, for searching or for distances.
bool add_methods(const Table& table, Node* node, Oid op, char purpose, int arm) {
  const Oid type = exprType(node);
  if (is_served(table, node, op)) return true;
  bool found = false;
  CatCList* list = SearchSysCacheList1(AMOPOPID, ObjectIdGetDatum(op));
  for (int i = 0; i < list->n_members; ++i) {
    auto form = reinterpret_cast<Form_pg_amop>(GETSTRUCT(&list->members[i]->tuple));
    if (form->amoppurpose != purpose) continue;
    if (form->amopmethod != GIN_AM_OID && form->amopmethod != GIST_AM_OID) continue;
    const Oid opclass = find_opclass(form->amopmethod, form->amopfamily, type);
    if (!OidIsValid(opclass)) continue;
    KeyUse* key =
        add_key(table, node, purpose == AMOP_SEARCH ? UseKind::kOperator : UseKind::kDistance, arm);
    if (key == nullptr) break;
    key->method = form->amopmethod;
    if (opclass != GetDefaultOpClass(type, form->amopmethod)) key->opclass = opclass;
    found = true;
  }
  ReleaseCatCacheList(list);
  return found;
}

bool is_like(Oid op) {
  return op == OID_TEXT_LIKE_OP || op == OID_BPCHAR_LIKE_OP || op == OID_TEXT_REGEXEQ_OP ||
         op == OID_BPCHAR_REGEXEQ_OP;
}

// Whether the pattern begins with something fixed; one that is not known may.
bool has_prefix(Oid op, Node* pattern) {
  if (!IsA(pattern, Const)) return true;
  auto* constant = reinterpret_cast<Const*>(pattern);
  if (constant->constisnull || constant->consttype != TEXTOID) return false;
  const char* string = TextDatumGetCString(constant->constvalue);
  if (op == OID_TEXT_LIKE_OP || op == OID_BPCHAR_LIKE_OP)
    return string[0] != '\0' && string[0] != '%' && string[0] != '_';
  return string[0] == '^' && string[1] != '\0' && strchr(".*+?[({|\\^$", string[1]) == nullptr;
}

void add_pattern(const Table& table, Node* node, Oid op, Node* pattern, int arm) {
  if (!has_prefix(op, pattern)) return;
  KeyUse* key = add_key(table, node, UseKind::kPattern, arm);
  if (key == nullptr || assist_collation_is_c(exprCollation(node))) return;
  const Oid type = key->type;
  key->opclass = type == TEXTOID      ? Oid{TEXT_BTREE_PATTERN_OPS_OID}
                 : type == VARCHAROID ? Oid{VARCHAR_BTREE_PATTERN_OPS_OID}
                 : type == BPCHAROID  ? Oid{BPCHAR_BTREE_PATTERN_OPS_OID}
                                      : InvalidOid;
  if (!OidIsValid(key->opclass)) table.uses->keys = list_delete_last(table.uses->keys);
}

void add_unserved(const Table& table, Node* node, Oid op, UnservedComparison::Kind kind) {
  if (list_length(table.uses->unserved) >= kMostUnserved) return;
  MemoryContext caller = MemoryContextSwitchTo(active_context);
  auto* unserved = static_cast<UnservedUse*>(palloc0(sizeof(UnservedUse)));
  unserved->kind = kind;
  unserved->column = IsA(node, Var) ? reinterpret_cast<Var*>(node)->varattno : AttrNumber{0};
  unserved->expression = as_own(table, node);
  unserved->operation = op;
  table.uses->unserved = lappend(table.uses->unserved, unserved);
  MemoryContextSwitchTo(caller);
}

// Whether three letters or digits stand together somewhere: a trigram that the rows must have.
bool has_trigram(const char* pattern) {
  int together = 0;
  for (; *pattern != '\0' && together < 3; ++pattern) {
    if (*pattern == '\\' && pattern[1] != '\0') {
      together = 0;
      ++pattern;  // escaped, or a class of characters
      continue;
    }
    const auto each = static_cast<unsigned char>(*pattern);
    // What may be left out of a match is no part of it: "?", "*" and "{" reach back one.
    if (isalnum(each) || IS_HIGHBIT_SET(each))
      together += strchr("?*{", pattern[1]) == nullptr || pattern[1] == '\0';
    else
      together = 0;
  }
  return together >= 3;
}

// A pattern that is matched anywhere in the text, without an operator class that knows how.
void add_unserved_pattern(const Table& table, Node* node, Oid op, Node* value) {
  const bool likes = op == OID_TEXT_LIKE_OP, matches = op == OID_TEXT_REGEXEQ_OP;
  const bool ignores = op == OID_TEXT_ICLIKE_OP || op == OID_TEXT_ICREGEXEQ_OP;
  value = strip(value);
  if ((!likes && !matches && !ignores) || !IsA(value, Const)) return;
  auto* constant = reinterpret_cast<Const*>(value);
  if (constant->constisnull || constant->consttype != TEXTOID) return;
  if (!ignores && has_prefix(op, value)) return;
  const char* pattern = TextDatumGetCString(constant->constvalue);
  // An alternative may have none.
  if (!has_trigram(pattern) || (op != OID_TEXT_LIKE_OP && strpbrk(pattern, "|[(") != nullptr))
    return;
  add_unserved(table, node, op,
               likes     ? UnservedComparison::Kind::kWildcard
               : matches ? UnservedComparison::Kind::kRegex
                         : UnservedComparison::Kind::kIgnoringCase);
}

// `value = ANY (column)`: GIN serves `column @> ARRAY[value]` alone.
void add_any_of_column(const Table& table, ScalarArrayOpExpr* expr) {
  auto* value = static_cast<Node*>(linitial(expr->args));
  Node* column = strip(static_cast<Node*>(lsecond(expr->args)));
  if (!is_value(table, value) || !is_key(table, column)) return;
  const Oid element = get_element_type(exprType(column));
  const Oid opclass = OidIsValid(element) ? GetDefaultOpClass(element, BTREE_AM_OID) : InvalidOid;
  if (OidIsValid(opclass) &&
      get_op_opfamily_strategy(expr->opno, get_opclass_family(opclass)) == BTEqualStrategyNumber)
    add_unserved(table, column, expr->opno, UnservedComparison::Kind::kAnyOfColumn);
}

// `node op value`. False when no index could have the node as a key.
bool add_comparison(const Table& table, Node* node, Oid op, Node* value, int arm, Node* clause) {
  node = strip(node);
  if (!OidIsValid(op) || !is_key(table, node) || !is_value(table, value)) return false;
  const bool join = pull_varnos(table.root, value) != nullptr;
  const Oid opclass = GetDefaultOpClass(exprType(node), BTREE_AM_OID);
  const int strategy =
      OidIsValid(opclass) ? get_op_opfamily_strategy(op, get_opclass_family(opclass)) : 0;
  if (strategy == BTEqualStrategyNumber) {
    add_key(table, node, join ? UseKind::kJoin : UseKind::kEqual, arm);
    if (clause != nullptr && arm == 0 && IsA(strip(value), Const))
      add_condition(table, clause, node, reinterpret_cast<Const*>(strip(value)));
  } else if (strategy != 0) {
    add_key(table, node, UseKind::kRange, arm);
  } else if (is_like(op)) {
    add_pattern(table, node, op, value, arm);
  }
  if (strategy == 0 && !add_methods(table, node, op, AMOP_SEARCH, arm) && arm == 0)
    add_unserved_pattern(table, node, op, value);
  return true;
}

void add_clause(const Table& table, Node* clause, int arm);

void add_arms(const Table& table, BoolExpr* either, int* arms) {
  ListCell* cell;
  foreach (cell, either->args) {
    ++*arms;
    ListCell* inner;
    foreach (inner, make_ands_implicit(static_cast<Expr*>(lfirst(cell))))
      add_clause(table, static_cast<Node*>(lfirst(inner)), *arms);
  }
}

void add_null_test(const Table& table, NullTest* test, int arm) {
  Node* node = strip(reinterpret_cast<Node*>(test->arg));
  if (test->argisrow || !is_key(table, node)) return;
  if (test->nulltesttype == IS_NULL) add_key(table, node, UseKind::kEqual, arm);
  if (arm == 0) add_condition(table, reinterpret_cast<Node*>(test), node);
}

void add_clause(const Table& table, Node* clause, int arm) {
  switch (nodeTag(clause)) {
    case T_OpExpr: {
      auto* expr = reinterpret_cast<OpExpr*>(clause);
      if (list_length(expr->args) != 2) return;
      auto* left = static_cast<Node*>(linitial(expr->args));
      auto* right = static_cast<Node*>(lsecond(expr->args));
      if (!add_comparison(table, left, expr->opno, right, arm, clause))
        add_comparison(table, right, get_commutator(expr->opno), left, arm, clause);
      return;
    }
    case T_ScalarArrayOpExpr: {
      auto* expr = reinterpret_cast<ScalarArrayOpExpr*>(clause);
      if (!expr->useOr) return;
      if (!add_comparison(table, static_cast<Node*>(linitial(expr->args)), expr->opno,
                          static_cast<Node*>(lsecond(expr->args)), arm, nullptr) &&
          arm == 0)
        add_any_of_column(table, expr);
      return;
    }
    case T_NullTest:
      add_null_test(table, reinterpret_cast<NullTest*>(clause), arm);
      return;
    case T_RowCompareExpr: {
      auto* expr = reinterpret_cast<RowCompareExpr*>(clause);
      add_comparison(table, static_cast<Node*>(linitial(expr->largs)), linitial_oid(expr->opnos),
                     static_cast<Node*>(linitial(expr->rargs)), arm, nullptr);
      return;
    }
    case T_Var:
      if (is_key(table, clause) && exprType(clause) == BOOLOID) {
        add_key(table, clause, UseKind::kEqual, arm);
        if (arm == 0) add_condition(table, clause, clause);
      }
      return;
    case T_BoolExpr: {
      auto* expr = reinterpret_cast<BoolExpr*>(clause);
      int arms = arm;
      if (expr->boolop == OR_EXPR && arm == 0) {
        add_arms(table, expr, &arms);
      } else if (expr->boolop == NOT_EXPR &&
                 is_key(table, static_cast<Node*>(linitial(expr->args))) &&
                 IsA(linitial(expr->args), Var)) {
        add_key(table, static_cast<Node*>(linitial(expr->args)), UseKind::kEqual, arm);
        if (arm == 0) add_condition(table, clause, static_cast<Node*>(linitial(expr->args)));
      }
      return;
    }
    default:
      return;
  }
}

// Equalities that join it, from the classes of what is equal.
void add_classes(const Table& table) {
  ListCell* cell;
  foreach (cell, table.root->eq_classes) {
    auto* both = lfirst_node(EquivalenceClass, cell);
    if (both->ec_has_volatile || both->ec_has_const || list_length(both->ec_members) < 2) continue;
    if (!bms_overlap(both->ec_relids, table.rel->relids)) continue;
    ListCell* inner;
    foreach (inner, both->ec_members) {
      auto* member = lfirst_node(EquivalenceMember, inner);
      Node* node = strip(reinterpret_cast<Node*>(member->em_expr));
      if (member->em_is_const || member->em_is_child || !is_key(table, node)) continue;
      bool others = false;
      ListCell* other;
      foreach (other, both->ec_members)
        others |= !bms_overlap(lfirst_node(EquivalenceMember, other)->em_relids, table.rel->relids);
      if (others) add_key(table, node, UseKind::kJoin, 0);
    }
  }
}

// The leading part of an order that the table alone gives.
void add_order(const Table& table, List* pathkeys, UseKind kind) {
  ListCell* cell;
  foreach (cell, pathkeys) {
    auto* pathkey = lfirst_node(PathKey, cell);
    if (pathkey->pk_eclass->ec_has_volatile) return;
    bool found = false;
    ListCell* inner;
    foreach (inner, pathkey->pk_eclass->ec_members) {
      auto* member = lfirst_node(EquivalenceMember, inner);
      Node* node = strip(reinterpret_cast<Node*>(member->em_expr));
      if (found || member->em_is_const || member->em_is_child) continue;
      if (IsA(node, OpExpr) && kind == UseKind::kOrder &&
          list_length(reinterpret_cast<OpExpr*>(node)->args) == 2) {
        auto* distance = reinterpret_cast<OpExpr*>(node);
        Node* left = strip(static_cast<Node*>(linitial(distance->args)));
        // Not as an expression, whose value would be that distance alone.
        if (is_key(table, left) && is_value(table, static_cast<Node*>(lsecond(distance->args))) &&
            add_methods(table, left, distance->opno, AMOP_ORDER, 0))
          return;
      }
      if (!is_key(table, node)) continue;
      const Oid opclass = GetDefaultOpClass(exprType(node), BTREE_AM_OID);
      if (!OidIsValid(opclass) || get_opclass_family(opclass) != pathkey->pk_opfamily) continue;
      KeyUse* key = add_key(table, node, kind, 0);
      if (key == nullptr) return;
      key->descending = assist_pathkey_descending(pathkey);
      key->nulls_first = pathkey->pk_nulls_first;
      found = true;
    }
    if (!found) return;
  }
}

void look_at(const Table& table) {
  ListCell* cell;
  pull_varattnos(reinterpret_cast<Node*>(table.rel->reltarget->exprs), table.rel->relid,
                 &table.uses->needed);
  foreach (cell, table.rel->baserestrictinfo) {
    auto* info = lfirst_node(RestrictInfo, cell);
    pull_varattnos(reinterpret_cast<Node*>(info->clause), table.rel->relid, &table.uses->needed);
    add_clause(table, reinterpret_cast<Node*>(info->clause), 0);
  }
  foreach (cell, table.rel->joininfo)
    add_clause(table, reinterpret_cast<Node*>(lfirst_node(RestrictInfo, cell)->clause), 0);
  add_classes(table);
  add_order(table, table.root->sort_pathkeys, UseKind::kOrder);
  if (table.root->sort_pathkeys == NIL)
    add_order(table, table.root->query_pathkeys, UseKind::kOrder);
  add_order(table, table.root->group_pathkeys, UseKind::kGroup);
  add_order(table, table.root->distinct_pathkeys, UseKind::kGroup);
}

void rel_pathlist_hook(PlannerInfo* root, RelOptInfo* rel, ::Index position, RangeTblEntry* entry) {
  if (previous_hook != nullptr) previous_hook(root, rel, position, entry);
  if (active_uses == nullptr || !plans_for_us(root)) return;
  if (rel->reloptkind != RELOPT_BASEREL || entry->rtekind != RTE_RELATION) return;
  if (entry->relkind != RELKIND_RELATION && entry->relkind != RELKIND_PARTITIONED_TABLE &&
      entry->relkind != RELKIND_MATVIEW)
    return;
  MemoryContext caller = MemoryContextSwitchTo(active_context);
  auto* uses = static_cast<TableUses*>(palloc0(sizeof(TableUses)));
  uses->relation = entry->relid;
  ListCell* cell;
  foreach (cell, rel->pathlist) {
    const double cost = static_cast<Path*>(lfirst(cell))->total_cost;
    if (uses->scan_cost == 0 || cost < uses->scan_cost) uses->scan_cost = cost;
  }
  *active_uses = lappend(*active_uses, uses);
  look_at({root, rel, uses});
  MemoryContextSwitchTo(caller);
}

}  // namespace

PlanUsesScope::PlanUsesScope(List** uses) noexcept : outer_(active_uses) {
  if (!installed) {
    installed = true;
    previous_hook = set_rel_pathlist_hook;
    set_rel_pathlist_hook = rel_pathlist_hook;
  }
  active_uses = uses;
  active_context = CurrentMemoryContext;
}

PlanUsesScope::~PlanUsesScope() { active_uses = outer_; }

}  // namespace assist::pg
