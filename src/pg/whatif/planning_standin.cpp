// Values that stand in for parameters whose own were not kept.

#include "pg/whatif/planning_standin.hpp"

extern "C" {
#include "access/stratnum.h"  // for BTLessStrategyNumber
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "commands/defrem.h"  // for GetDefaultOpClass
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"  // for rt_fetch
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
}

namespace assist::pg {

namespace {

constexpr int kMostRanges = 32;

// $n compared with a column: as its lower or its upper bound.
struct Range {
  Oid relation;
  AttrNumber column;
  Oid type;
  int parameter;
  bool lower;
};

struct Search {
  Query* query;  // the one whose range table Vars of level 0 refer to
  const MeasuredRange* measured;
  int measured_count;
  int count;
  Range ranges[kMostRanges];
};

Node* strip(Node* node) {
  while (node != nullptr && IsA(node, RelabelType))
    node = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(node)->arg);
  return node;
}

const MeasuredRange* find_measured(const Search& search, Oid relation) {
  for (int i = 0; i < search.measured_count; ++i)
    if (search.measured[i].relation == relation) return &search.measured[i];
  return nullptr;
}

// `column operator parameter`, when it is a range on a measured relation.
void add_range(Search* search, Node* column, Oid op, Node* parameter) {
  if (column == nullptr || parameter == nullptr || !IsA(column, Var) || !IsA(parameter, Param))
    return;
  auto* var = reinterpret_cast<Var*>(column);
  auto* param = reinterpret_cast<Param*>(parameter);
  if (var->varlevelsup != 0 || var->varattno <= 0 || param->paramkind != PARAM_EXTERN) return;
  if (var->vartype != param->paramtype || search->count == kMostRanges) return;
  const RangeTblEntry* entry = rt_fetch(var->varno, search->query->rtable);
  if (entry->rtekind != RTE_RELATION || find_measured(*search, entry->relid) == nullptr) return;
  const Oid opclass = GetDefaultOpClass(var->vartype, BTREE_AM_OID);
  if (!OidIsValid(opclass)) return;
  const int strategy = get_op_opfamily_strategy(op, get_opclass_family(opclass));
  if (strategy == 0 || strategy == BTEqualStrategyNumber) return;
  search->ranges[search->count++] = {entry->relid, var->varattno, var->vartype, param->paramid,
                                     strategy > BTEqualStrategyNumber};
}

bool find_ranges(Node* node, void* context) {
  if (node == nullptr) return false;
  auto* search = static_cast<Search*>(context);
  if (IsA(node, Query)) {
    Query* outer = search->query;
    search->query = reinterpret_cast<Query*>(node);
    query_tree_walker(search->query, ASSIST_WALKER(find_ranges), context, 0);
    search->query = outer;
    return false;
  }
  if (IsA(node, OpExpr)) {
    auto* expr = reinterpret_cast<OpExpr*>(node);
    if (list_length(expr->args) == 2) {
      Node* left = strip(static_cast<Node*>(linitial(expr->args)));
      Node* right = strip(static_cast<Node*>(lsecond(expr->args)));
      add_range(search, left, expr->opno, right);
      add_range(search, right, get_commutator(expr->opno), left);
    }
  }
  return expression_tree_walker(node, ASSIST_WALKER(find_ranges), context);
}

struct Common {
  Datum value;
  double share;
};

int compare_common(const void* a, const void* b, void* compare) {
  auto* type = static_cast<TypeCacheEntry*>(compare);
  return DatumGetInt32(FunctionCall2Coll(&type->cmp_proc_finfo, type->typcollation,
                                         static_cast<const Common*>(a)->value,
                                         static_cast<const Common*>(b)->value));
}

// The value below which the share `at` lies, of a column with so few values that all of them are
// kept as common ones.
bool common_bound(const Range& range, HeapTuple tuple, double at, Datum* bound) {
  TypeCacheEntry* type = lookup_type_cache(range.type, TYPECACHE_CMP_PROC_FINFO);
  AttStatsSlot slot;
  if (!OidIsValid(type->cmp_proc_finfo.fn_oid) ||
      !get_attstatsslot(&slot, tuple, STATISTIC_KIND_MCV, InvalidOid,
                        ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
    return false;
  const bool usable =
      slot.nvalues > 1 && slot.nnumbers == slot.nvalues && slot.valuetype == range.type;
  if (usable) {
    const auto count = static_cast<Size>(slot.nvalues);
    auto* common = static_cast<Common*>(palloc(sizeof(Common) * count));
    double all = 0;
    for (Size i = 0; i < count; ++i) {
      common[i] = {slot.values[i], static_cast<double>(slot.numbers[i])};
      all += common[i].share;
    }
    qsort_arg(common, count, sizeof(Common), compare_common, type);
    Size i = 0;
    for (double below = common[0].share; i + 1 < count && below < at * all;
         below += common[i].share)
      ++i;
    *bound = datumCopy(common[i].value, type->typbyval, type->typlen);
  }
  free_attstatsslot(&slot);
  return usable;
}

// The bound below which the share `at` of the column's histogram lies, or of its common values
// where there is none; false without either.
bool histogram_bound(const Range& range, double at, Datum* bound) {
  HeapTuple tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(range.relation),
                                    Int16GetDatum(range.column), BoolGetDatum(false));
  if (!HeapTupleIsValid(tuple))
    tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(range.relation),
                            Int16GetDatum(range.column), BoolGetDatum(true));
  if (!HeapTupleIsValid(tuple)) return false;
  AttStatsSlot slot;
  bool found = false;
  if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_HISTOGRAM, InvalidOid, ATTSTATSSLOT_VALUES)) {
    const double position = at * (slot.nvalues - 1);
    int i = static_cast<int>(position + 0.5);
    if (i > slot.nvalues - 1) i = slot.nvalues - 1;
    int16 length;
    bool by_value;
    get_typlenbyval(range.type, &length, &by_value);
    if (slot.nvalues > 1 && slot.valuetype == range.type) {
      *bound = datumCopy(slot.values[i < 0 ? 0 : i], by_value, length);
      found = true;
    }
    free_attstatsslot(&slot);
  }
  if (!found) found = common_bound(range, tuple, at, bound);
  ReleaseSysCache(tuple);
  return found;
}

bool has_opposite(const Search& search, const Range& range) {
  for (int i = 0; i < search.count; ++i) {
    const Range& other = search.ranges[i];
    if (other.relation == range.relation && other.column == range.column &&
        other.lower != range.lower)
      return true;
  }
  return false;
}

}  // namespace

ParamListInfo stand_in_values(List* queries, const MeasuredRange* measured, int count) {
  Search search;
  search.query = nullptr;
  search.measured = measured;
  search.measured_count = count;
  search.count = 0;
  find_ranges(reinterpret_cast<Node*>(queries), &search);
  int most = 0;
  for (int i = 0; i < search.count; ++i)
    if (search.ranges[i].parameter > most) most = search.ranges[i].parameter;
  if (most == 0) return nullptr;
  ParamListInfo values = makeParamList(most);
  for (int i = 0; i < most; ++i) values->params[i] = {0, true, 0, InvalidOid};
  bool any = false;
  for (int i = 0; i < search.count; ++i) {
    const Range& range = search.ranges[i];
    const double selectivity = find_measured(search, range.relation)->selectivity;
    double at = range.lower ? 1 - selectivity : selectivity;
    if (has_opposite(search, range))
      at = range.lower ? (1 - selectivity) / 2 : (1 + selectivity) / 2;
    Datum bound;
    if (!histogram_bound(range, at, &bound)) continue;
    values->params[range.parameter - 1] = {bound, false, PARAM_FLAG_CONST, range.type};
    any = true;
  }
  return any ? values : nullptr;
}

}  // namespace assist::pg
