// The size a hypothetical index would have, from the planner's statistics and the size model of the core.

#include <span>

#include "assist/size_model.hpp"

#include "pg/hypothetical.hpp"

extern "C" {
#include "access/nbtree.h"        // for BTEQUALIMAGE_PROC
#include "catalog/pg_am.h"
#include "commands/defrem.h"      // for get_am_name
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "access/htup_details.h"  // for GETSTRUCT
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"  // for pull_var_clause
#include "optimizer/planner.h"
#include "optimizer/plancat.h"    // for estimate_rel_size
#include "parser/parse_oper.h"    // for get_sort_group_operators
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
}

namespace assist::pg {

namespace {

// Text of one member of a json document, when nothing else is known.
constexpr double kJsonMemberBytes = 12;

struct ColumnStatistics {
  bool known;
  double width, null_fraction, distinct;  // bytes of a non-null value, 0..1, stadistinct
};

ColumnStatistics read_statistics(Oid relation, AttrNumber attribute) {
  ColumnStatistics result = {false, 0, 0, 0};
  HeapTuple tuple =
      SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relation), Int16GetDatum(attribute),
                      BoolGetDatum(false));
  if (!HeapTupleIsValid(tuple)) return result;
  auto form = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(tuple));
  result = {true, static_cast<double>(form->stawidth), form->stanullfrac, form->stadistinct};
  ReleaseSysCache(tuple);
  return result;
}

bool is_text(Oid type) {
  char category;
  bool preferred;
  get_type_category_preferred(type, &category, &preferred);
  return category == TYPCATEGORY_STRING;
}

// An expression has no statistics before its index exists: lower(email) is as wide as email, a member of
// a json document is short, everything else as the type usually is.
ColumnStatistics guess_statistics(Oid relation, Node* expression) {
  const Oid type = exprType(expression);
  ColumnStatistics result = {true, 0, 0, 0};
  result.width = get_typavgwidth(type, exprTypmod(expression));
  List* vars = pull_var_clause(expression, 0);
  if (list_length(vars) != 1 || !IsA(linitial(vars), Var)) return result;
  auto* var = linitial_node(Var, vars);
  if (var->varattno <= 0) return result;
  const ColumnStatistics column = read_statistics(relation, var->varattno);
  if (!column.known) return result;
  result.null_fraction = column.null_fraction;
  if (is_text(type) && is_text(var->vartype)) result.width = column.width;
  if (get_typlen(type) == -1 && (var->vartype == JSONOID || var->vartype == JSONBOID))
    result.width = kJsonMemberBytes;
  return result;
}

// What the planner expects of SELECT ... FROM relation WHERE predicate GROUP BY expressions: it knows
// extended statistics, correlated predicates and expressions. No expressions: rows instead of groups.
double planned_rows(Oid relation, char kind, List* expressions, List* predicate) {
  Query* query = makeNode(Query);
  query->commandType = CMD_SELECT;
  query->canSetTag = true;
  RangeTblEntry* table = makeNode(RangeTblEntry);
  table->rtekind = RTE_RELATION;
  table->relid = relation;
  table->relkind = kind;
  table->rellockmode = AccessShareLock;
  table->inh = false;
  table->inFromCl = true;
  table->eref = makeAlias(get_rel_name(relation), NIL);
  query->rtable = list_make1(table);
  RangeTblRef* reference = makeNode(RangeTblRef);
  reference->rtindex = 1;
  Node* quals = predicate == NIL
                    ? nullptr
                    : reinterpret_cast<Node*>(make_ands_explicit(copy_node(predicate)));
  query->jointree = makeFromExpr(list_make1(reference), quals);
  ListCell* cell;
  foreach (cell, expressions) {
    auto* expression = copy_node(static_cast<Node*>(lfirst(cell)));
    SortGroupClause* group = makeNode(SortGroupClause);
    get_sort_group_operators(exprType(expression), false, false, false, &group->sortop, &group->eqop,
                             nullptr, &group->hashable);
    if (!OidIsValid(group->eqop)) return 0;
    const int position = list_length(query->targetList) + 1;
    TargetEntry* entry = makeTargetEntry(reinterpret_cast<Expr*>(expression),
                                         static_cast<AttrNumber>(position), nullptr, false);
    entry->ressortgroupref = static_cast<::Index>(position);
    group->tleSortGroupRef = entry->ressortgroupref;
    query->targetList = lappend(query->targetList, entry);
    query->groupClause = lappend(query->groupClause, group);
  }
  return planner(query, "", 0, nullptr)->planTree->plan_rows;
}

bool is_equal_image(const HypotheticalIndex* index) {
  for (int i = 0; i < index->nkeys; ++i) {
    const Oid proc = get_opfamily_proc(index->opfamily[i], index->opcintype[i], index->opcintype[i],
                                       BTEQUALIMAGE_PROC);
    if (!OidIsValid(proc)) return false;
    if (!DatumGetBool(OidFunctionCall1Coll(proc, index->collation[i],
                                           ObjectIdGetDatum(index->opcintype[i]))))
      return false;
  }
  return true;
}

void predict_btree(HypotheticalIndex* index, double rows) {
  SizedColumn columns[INDEX_MAX_KEYS];
  List* keys = NIL;
  double distinct = 0;
  ListCell* expression = list_head(index->expressions);
  for (int i = 0; i < index->ncolumns; ++i) {
    ColumnStatistics statistics;
    if (index->attribute[i] != 0) {
      int32 typmod;
      Oid type, collation;
      get_atttypetypmodcoll(index->relation, index->attribute[i], &type, &typmod, &collation);
      statistics = read_statistics(index->relation, index->attribute[i]);
      if (!statistics.known) statistics.width = get_typavgwidth(type, typmod);
      keys = lappend(keys, makeVar(1, index->attribute[i], type, typmod, collation, 0));
    } else {
      auto* node = static_cast<Node*>(lfirst(expression));
      expression = lnext(index->expressions, expression);
      statistics = guess_statistics(index->relation, node);
      keys = lappend(keys, node);
    }
    if (i == 0) distinct = DistinctCount(statistics.distinct, rows);
    bool by_value;
    get_typlenbyvalalign(index->type[i], &columns[i].length, &by_value, &columns[i].align);
    columns[i].width = statistics.width;
    columns[i].null_fraction = statistics.null_fraction;
  }
  const bool equal_image =
      index->deduplicate && index->ncolumns == index->nkeys && is_equal_image(index);
  if (equal_image && !index->unique &&
      (index->nkeys > 1 || index->expressions != NIL || index->predicate != NIL))
    distinct = planned_rows(index->relation, index->relation_kind, keys, index->predicate);

  const auto nkeys = static_cast<std::size_t>(index->nkeys);
  const auto ncolumns = static_cast<std::size_t>(index->ncolumns);
  BtreeShape shape;
  shape.rows = rows;
  shape.keys = std::span<const SizedColumn>(columns, nkeys);
  shape.included = std::span<const SizedColumn>(columns + nkeys, ncolumns - nkeys);
  shape.distinct = distinct;
  shape.equal_image = equal_image;
  shape.unique = index->unique;
  shape.fillfactor = index->fillfactor;
  shape.page_bytes = BLCKSZ;
  const BtreeSize size = EstimateBtree(shape);
  index->size.pages = size.pages < MaxBlockNumber ? static_cast<BlockNumber>(size.pages) : MaxBlockNumber;
  index->size.tree_height = size.height;
}

}  // namespace

void predict_index_size(HypotheticalIndex* index, Relation table) {
  BlockNumber pages;
  double rows, all_visible;
  estimate_rel_size(table, nullptr, &pages, &rows, &all_visible);
  index->size = {-1, 1, -1};
  if (index->predicate != NIL) {
    const double selected =
        planned_rows(index->relation, index->relation_kind, NIL, index->predicate);
    if (selected < rows) rows = selected;
    index->size.tuples = rows;
  }
  if (index->method == BTREE_AM_OID) return predict_btree(index, rows);
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("the size of a %s index cannot be predicted",
                         get_am_name(index->method)),
                  errhint("Hypothetical indexes are b-trees.")));
}

}  // namespace assist::pg
