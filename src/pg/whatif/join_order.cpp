// Join orders of earlier plans, planned again.

#include "pg/whatif/join_order.hpp"

#include "pg/whatif/hypothetical.hpp"

extern "C" {
#include "miscadmin.h"  // for check_stack_depth
#include "optimizer/geqo.h"
#include "optimizer/pathnode.h"  // for find_join_rel, set_cheapest
#include "optimizer/paths.h"
}

namespace assist::pg {

namespace {

// One join of two sets of tables.
struct Join {
  Relids all, left, right;
};

// What is known of one search.
struct JoinSearch {
  int tables;   // that it joins
  bool usable;  // false: some plan joined in a way that is not written down here
  List* joins;  // Join*, the smaller ones first, those of the same tables together
};

constexpr int kMostJoins = 200;  // of one search

constinit JoinOrders* active_orders = nullptr;
constinit JoinSearching active_how = JoinSearching::kWhole;
constinit int active_number = 0;
constinit join_search_hook_type previous_hook = nullptr;
constinit bool installed = false;

RelOptInfo* search_all(PlannerInfo* root, int tables, List* initial) {
  if (previous_hook != nullptr) return previous_hook(root, tables, initial);
  if (enable_geqo && tables >= geqo_threshold) return geqo(root, tables, initial);
  return standard_join_search(root, tables, initial);
}

int compare_joins(const Join* a, const Join* b) {
  const int left = bms_num_members(a->all), right = bms_num_members(b->all);
  return left != right ? left - right : bms_compare(a->all, b->all);
}

void add_join(JoinSearch* search, Relids all, Relids left, Relids right) {
  ListCell* cell;
  int position = 0;
  const Join wanted = {all, left, right};
  foreach (cell, search->joins) {
    auto* join = static_cast<Join*>(lfirst(cell));
    const int order = compare_joins(join, &wanted);
    if (order == 0 && ((bms_equal(join->left, left) && bms_equal(join->right, right)) ||
                       (bms_equal(join->left, right) && bms_equal(join->right, left))))
      return;
    if (order <= 0) ++position;
  }
  if (list_length(search->joins) >= kMostJoins) return;
  auto* join = static_cast<Join*>(palloc(sizeof(Join)));
  *join = {bms_copy(all), bms_copy(left), bms_copy(right)};
  search->joins = list_insert_nth(search->joins, position, join);
}

void add_joins(JoinSearch* search, const Path* path) {
  check_stack_depth();
  switch (nodeTag(path)) {
    case T_NestPath:
    case T_MergePath:
    case T_HashPath: {
      auto* join = reinterpret_cast<const JoinPath*>(path);
      add_joins(search, join->outerjoinpath);
      add_joins(search, join->innerjoinpath);
      add_join(search, path->parent->relids, join->outerjoinpath->parent->relids,
               join->innerjoinpath->parent->relids);
      return;
    }
    case T_MaterialPath:
      return add_joins(search, reinterpret_cast<const MaterialPath*>(path)->subpath);
    case T_MemoizePath:
      return add_joins(search, reinterpret_cast<const MemoizePath*>(path)->subpath);
    case T_SortPath:
    case T_IncrementalSortPath:
      return add_joins(search, reinterpret_cast<const SortPath*>(path)->subpath);
    case T_GatherPath:
      return add_joins(search, reinterpret_cast<const GatherPath*>(path)->subpath);
    case T_GatherMergePath:
      return add_joins(search, reinterpret_cast<const GatherMergePath*>(path)->subpath);
    case T_ProjectionPath:
      return add_joins(search, reinterpret_cast<const ProjectionPath*>(path)->subpath);
    case T_UniquePath:
      return add_joins(search, reinterpret_cast<const UniquePath*>(path)->subpath);
    default:
      // A scan. Of a join it is one made by an extension, or of partitions with each other.
      if (path->parent->reloptkind == RELOPT_JOINREL) search->usable = false;
  }
}

void learn(JoinSearch* search, const RelOptInfo* top) {
  MemoryContext caller = MemoryContextSwitchTo(active_orders->context);
  ListCell* cell;
  foreach (cell, top->pathlist) add_joins(search, static_cast<Path*>(lfirst(cell)));
  MemoryContextSwitchTo(caller);
}

RelOptInfo* find_side(PlannerInfo* root, List* initial, Relids relids) {
  ListCell* cell;
  foreach (cell, initial) {
    auto* rel = static_cast<RelOptInfo*>(lfirst(cell));
    if (bms_equal(rel->relids, relids)) return rel;
  }
  return find_join_rel(root, relids);
}

void finish(PlannerInfo* root, RelOptInfo* rel) {
  generate_partitionwise_join_paths(root, rel);
  if (!assist_joins_all(root, rel)) generate_useful_gather_paths(root, rel, false);
  set_cheapest(rel);
}

// nullptr when the joins do not lead to all tables.
RelOptInfo* join_again(PlannerInfo* root, int tables, List* initial, const JoinSearch* search) {
  if (!search->usable || search->tables != tables) return nullptr;
  RelOptInfo* rel = nullptr;
  ListCell* cell;
  foreach (cell, search->joins) {
    auto* join = static_cast<Join*>(lfirst(cell));
    if (rel != nullptr && !bms_equal(rel->relids, join->all)) {
      finish(root, rel);
      rel = nullptr;
    }
    RelOptInfo* left = find_side(root, initial, join->left);
    RelOptInfo* right = find_side(root, initial, join->right);
    RelOptInfo* made =
        left == nullptr || right == nullptr ? nullptr : make_join_rel(root, left, right);
    if (made == nullptr || made->pathlist == NIL) return nullptr;
    rel = made;
  }
  if (rel == nullptr) return nullptr;
  ListCell* each;
  foreach (each, initial)
    if (!bms_is_subset(static_cast<RelOptInfo*>(lfirst(each))->relids, rel->relids)) return nullptr;
  finish(root, rel);
  return rel;
}

JoinSearch* search_of(int number, int tables) {
  MemoryContext caller = MemoryContextSwitchTo(active_orders->context);
  while (list_length(active_orders->searches) <= number) {
    auto* search = static_cast<JoinSearch*>(palloc0(sizeof(JoinSearch)));
    search->tables = tables;
    search->usable = true;
    active_orders->searches = lappend(active_orders->searches, search);
  }
  MemoryContextSwitchTo(caller);
  return static_cast<JoinSearch*>(list_nth(active_orders->searches, number));
}

RelOptInfo* search_hook(PlannerInfo* root, int tables, List* initial) {
  if (active_orders == nullptr || tables < kRememberedJoin || !plans_for_us(root))
    return search_all(root, tables, initial);
  JoinSearch* search = search_of(active_number++, tables);
  if (active_how == JoinSearching::kRemembered) {
    const int known = list_length(root->join_rel_list);
    RelOptInfo* rel = join_again(root, tables, initial, search);
    if (rel != nullptr) return rel;
    // Joins that were made on the way are forgotten; the hash is made again from the list.
    root->join_rel_list = list_truncate(root->join_rel_list, known);
    root->join_rel_hash = nullptr;
  }
  RelOptInfo* rel = search_all(root, tables, initial);
  if (search->tables != tables) {
    search->usable = false;
  } else {
    learn(search, rel);
  }
  return rel;
}

}  // namespace

JoinOrders* make_join_orders() {
  auto* orders = static_cast<JoinOrders*>(palloc0(sizeof(JoinOrders)));
  orders->context = CurrentMemoryContext;
  return orders;
}

JoinOrderScope::JoinOrderScope(JoinOrders* orders, JoinSearching how) noexcept
    : outer_(active_orders), outer_how_(active_how), outer_number_(active_number) {
  if (!installed) {
    installed = true;
    previous_hook = join_search_hook;
    join_search_hook = search_hook;
  }
  active_orders = orders;
  active_how = how;
  active_number = 0;
}

JoinOrderScope::~JoinOrderScope() {
  active_orders = outer_;
  active_how = outer_how_;
  active_number = outer_number_;
}

}  // namespace assist::pg
