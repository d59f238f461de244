// Hypothetical indexes: the planner's and EXPLAIN's hooks, and what a plan uses.
//
// The hooks are installed at first use, chain to their predecessors and stay; without an active
// PlannerScope they do nothing.

#include "pg/whatif/hypothetical.hpp"
#include "pg/whatif/whatif_plan.hpp"

extern "C" {
#include "access/amapi.h"  // for GetIndexAmRoutineByAmId
#include "access/table.h"
#include "access/tableam.h"     // for TableAmRoutine
#include "catalog/partition.h"  // for get_partition_ancestors
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"  // for INDOPTION_DESC
#include "commands/explain.h"  // for explain_get_index_name_hook
#include "nodes/makefuncs.h"
#include "optimizer/plancat.h"     // for get_relation_info_hook
#include "rewrite/rewriteManip.h"  // for ChangeVarNodes
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

namespace assist::pg {

namespace {

constinit HypotheticalSet* active_set = nullptr;
constinit Query* active_query = nullptr;
constinit get_relation_info_hook_type previous_relation_info = nullptr;
constinit explain_get_index_name_hook_type previous_index_name = nullptr;
constinit bool installed = false;

// As build_index_tlist in plancat.c builds it: a Var or the expression per column.
List* make_index_tlist(const IndexOptInfo* info, Index varno, Oid relation) {
  List* tlist = NIL;
  ListCell* expression = list_head(info->indexprs);
  for (int i = 0; i < info->ncolumns; ++i) {
    Expr* column;
    if (info->indexkeys[i] != 0) {
      Oid type, collation;
      int32 typmod;
      const auto attribute = static_cast<AttrNumber>(info->indexkeys[i]);
      get_atttypetypmodcoll(relation, attribute, &type, &typmod, &collation);
      column = reinterpret_cast<Expr*>(
          makeVar(static_cast<int>(varno), attribute, type, typmod, collation, 0));
    } else {
      column = static_cast<Expr*>(lfirst(expression));
      expression = lnext(info->indexprs, expression);
    }
    tlist = lappend(tlist, makeTargetEntry(column, static_cast<AttrNumber>(i + 1), nullptr, false));
  }
  return tlist;
}

template <typename T>
T* copy_array(const T* from, int n) {
  T* to = static_cast<T*>(palloc(sizeof(T) * static_cast<std::size_t>(n > 0 ? n : 1)));
  for (int i = 0; i < n; ++i) to[i] = from[i];
  return to;
}

IndexOptInfo* make_index_info(RelOptInfo* rel, const HypotheticalIndex* index) {
  IndexOptInfo* info = makeNode(IndexOptInfo);
  info->indexoid = index->oid;
  info->hypothetical = true;
  info->reltablespace = index->tablespace;
  info->rel = rel;
  info->ncolumns = index->ncolumns;
  info->nkeycolumns = index->nkeys;
  info->indexkeys =
      static_cast<int*>(palloc(sizeof(int) * static_cast<std::size_t>(index->ncolumns)));
  for (int i = 0; i < index->ncolumns; ++i) info->indexkeys[i] = index->attribute[i];
  info->indexcollations = copy_array(index->collation, index->nkeys);
  info->opfamily = copy_array(index->opfamily, index->nkeys);
  info->opcintype = copy_array(index->opcintype, index->nkeys);
  info->canreturn = copy_array(index->can_return, index->ncolumns);
  info->opclassoptions =
      static_cast<bytea**>(palloc0(sizeof(bytea*) * static_cast<std::size_t>(index->ncolumns)));
  info->relam = index->method;

  const IndexAmRoutine* method = GetIndexAmRoutineByAmId(index->method, false);
  info->amcanorderbyop = method->amcanorderbyop;
  info->amoptionalkey = method->amoptionalkey;
  info->amsearcharray = method->amsearcharray;
  info->amsearchnulls = method->amsearchnulls;
  info->amcanparallel = method->amcanparallel;
  info->amhasgettuple = method->amgettuple != nullptr;
  info->amcanmarkpos = method->ammarkpos != nullptr && method->amrestrpos != nullptr;
  info->amcostestimate = reinterpret_cast<decltype(info->amcostestimate)>(method->amcostestimate);
  Relation table = table_open(index->relation, NoLock);
  info->amhasgetbitmap = method->amgetbitmap != nullptr && assist_table_has_bitmap_scan(table);
  table_close(table, NoLock);

  if (index->method == BTREE_AM_OID) {
    info->sortopfamily = info->opfamily;
    info->reverse_sort =
        static_cast<bool*>(palloc(sizeof(bool) * static_cast<std::size_t>(index->nkeys)));
    info->nulls_first =
        static_cast<bool*>(palloc(sizeof(bool) * static_cast<std::size_t>(index->nkeys)));
    for (int i = 0; i < index->nkeys; ++i) {
      info->reverse_sort[i] = (index->option[i] & INDOPTION_DESC) != 0;
      info->nulls_first[i] = (index->option[i] & INDOPTION_NULLS_FIRST) != 0;
    }
  }
  info->indexprs = copy_node(index->expressions);
  info->indpred = copy_node(index->predicate);
  if (rel->relid != 1) {
    ChangeVarNodes(reinterpret_cast<Node*>(info->indexprs), 1, static_cast<int>(rel->relid), 0);
    ChangeVarNodes(reinterpret_cast<Node*>(info->indpred), 1, static_cast<int>(rel->relid), 0);
  }
  info->indextlist = make_index_tlist(info, rel->relid, index->relation);
  info->unique = index->unique;
  info->immediate = true;
  info->pages = index->size.pages;
  info->tuples =
      index->size.tuples < 0 || index->size.tuples > rel->tuples ? rel->tuples : index->size.tuples;
  info->tree_height = index->size.tree_height;
  return info;
}

void hide_indexes(RelOptInfo* rel, const List* hidden) {
  ListCell* cell;
  foreach (cell, rel->indexlist) {
    if (list_member_oid(hidden, lfirst_node(IndexOptInfo, cell)->indexoid))
      rel->indexlist = foreach_delete_current(rel->indexlist, cell);
  }
}

// The newest index comes first in the planner's list, and wins ties, as a real one would.
void inject_indexes(HypotheticalSet* set, Oid relation, RelOptInfo* rel) {
  List* ancestors = NIL;
  bool ancestors_known = false;
  ListCell* cell;
  foreach (cell, set->indexes) {
    auto* index = static_cast<HypotheticalIndex*>(lfirst(cell));
    const HypotheticalIndex* found = nullptr;
    if (index->relation_kind != RELKIND_PARTITIONED_TABLE) {
      if (index->relation == relation) found = index;
    } else {
      if (!ancestors_known && get_rel_relispartition(relation))
        ancestors = get_partition_ancestors(relation);
      ancestors_known = true;
      if (list_member_oid(ancestors, index->relation))
        found = derive_partition_index(set, index, relation);
    }
    if (found != nullptr) rel->indexlist = lcons(make_index_info(rel, found), rel->indexlist);
  }
}

void relation_info_hook(PlannerInfo* root, Oid relation, bool inhparent, RelOptInfo* rel) {
  if (previous_relation_info != nullptr) previous_relation_info(root, relation, inhparent, rel);
  if (active_set == nullptr || inhparent || !plans_for_us(root)) return;
  if (active_set->hidden != NIL) hide_indexes(rel, active_set->hidden);
  if (active_set->indexes != NIL) inject_indexes(active_set, relation, rel);
}

const HypotheticalIndex* find_index(const HypotheticalSet* set, Oid oid) {
  ListCell* cell;
  foreach (cell, set->indexes) {
    auto* index = static_cast<HypotheticalIndex*>(lfirst(cell));
    if (index->oid == oid) return index;
    ListCell* inner;
    foreach (inner, index->partitions)
      if (static_cast<HypotheticalIndex*>(lfirst(inner))->oid == oid) return index;
  }
  return nullptr;
}

const char* index_name_hook(Oid oid) {
  if (active_set != nullptr) {
    const HypotheticalIndex* index = find_index(active_set, oid);
    if (index != nullptr) return index->name;
  }
  return previous_index_name != nullptr ? previous_index_name(oid) : nullptr;
}

void install_hooks() {
  if (installed) return;
  installed = true;
  previous_relation_info = get_relation_info_hook;
  get_relation_info_hook = relation_info_hook;
  previous_index_name = explain_get_index_name_hook;
  explain_get_index_name_hook = index_name_hook;
}

void collect_scan(Plan* plan, void* oids) {
  auto* list = static_cast<List**>(oids);
  switch (nodeTag(plan)) {
    case T_IndexScan:
      *list = list_append_unique_oid(*list, reinterpret_cast<IndexScan*>(plan)->indexid);
      break;
    case T_IndexOnlyScan:
      *list = list_append_unique_oid(*list, reinterpret_cast<IndexOnlyScan*>(plan)->indexid);
      break;
    case T_BitmapIndexScan:
      *list = list_append_unique_oid(*list, reinterpret_cast<BitmapIndexScan*>(plan)->indexid);
      break;
    default:
      break;
  }
}

}  // namespace

// A planner call nested in ours has its own query at the top. Planner hooks that plan a copy of the
// query are not seen through: nothing is injected then, and nothing is claimed to be used.
bool plans_for_us(const PlannerInfo* root) noexcept {
  while (root->parent_root != nullptr) root = root->parent_root;
  return active_query != nullptr && root->parse == active_query;
}

bool what_if_active() noexcept { return active_set != nullptr; }

PlannerScope::PlannerScope(HypotheticalSet* set, Query* query) noexcept
    : outer_(active_set), outer_query_(active_query) {
  install_hooks();
  active_set = set;
  active_query = query;
}

PlannerScope::~PlannerScope() {
  active_set = static_cast<HypotheticalSet*>(outer_);
  active_query = outer_query_;
}

List* used_hypothetical_indexes(const HypotheticalSet* set, const PlannedStmt* plan) {
  List* oids = NIL;
  walk_plan(plan, collect_scan, &oids);
  List* used = NIL;
  ListCell* cell;
  foreach (cell, set->indexes) {
    auto* index = static_cast<HypotheticalIndex*>(lfirst(cell));
    ListCell* inner;
    foreach (inner, oids) {
      if (find_index(set, lfirst_oid(inner)) != index) continue;
      used = lappend(used, index);
      break;
    }
  }
  return used;
}

}  // namespace assist::pg
