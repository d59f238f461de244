// The size a hypothetical index would have, from the planner's statistics and the size model of the
// core.

#include <cmath>
#include <span>

#include "assist/size_model.hpp"

#include "pg/whatif/hypothetical.hpp"
#include "pg/whatif/hypothetical_sample.hpp"

extern "C" {
#include "access/brin_internal.h"  // for BRIN_PROCNUM_OPCINFO
#include "access/gist.h"           // for GIST_SORTSUPPORT_PROC
#include "access/itup.h"           // for IndexTupleData
#include "access/nbtree.h"         // for BTEQUALIMAGE_PROC
#include "catalog/pg_am.h"
#include "commands/defrem.h"  // for get_am_name
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "access/htup_details.h"  // for GETSTRUCT
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"  // for pull_var_clause
#include "optimizer/planner.h"
#include "optimizer/plancat.h"  // for estimate_rel_size
#include "parser/parse_oper.h"  // for get_sort_group_operators
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
}

namespace assist::pg {

namespace {

// Text of one member of a json document, when nothing else is known.
constexpr double kJsonMemberBytes = 12;
// Longest mean width for which the kept values stand for all: ANALYZE keeps none above 1 kB.
constexpr int kShortWidth = 120;

struct ColumnStatistics {
  bool known;
  double width, null_fraction, distinct;  // bytes of a non-null value, 0..1, stadistinct
  double padded;  // a short varlena: mean bytes of an index tuple with it alone, MAXALIGNed; 0 =
                  // unknown
};

// Adds the index tuple sizes of a slot's values, each with its weight. Stored with a one-byte
// header.
void add_padded(HeapTuple tuple, int kind, double* sum, double* weights) {
  AttStatsSlot slot;
  const int flags = ATTSTATSSLOT_VALUES | (kind == STATISTIC_KIND_MCV ? ATTSTATSSLOT_NUMBERS : 0);
  if (!get_attstatsslot(&slot, tuple, kind, InvalidOid, flags)) return;
  for (int i = 0; i < slot.nvalues; ++i) {
    const double weight = kind == STATISTIC_KIND_MCV ? static_cast<double>(slot.numbers[i])
                                                     : (1 - *weights) / slot.nvalues;
    const Size bytes =
        sizeof(IndexTupleData) + VARSIZE_ANY_EXHDR(DatumGetPointer(slot.values[i])) + 1;
    *sum += weight * static_cast<double>(MAXALIGN(bytes));
    if (kind == STATISTIC_KIND_MCV) *weights += weight;
  }
  if (kind != STATISTIC_KIND_MCV) *weights = 1;
  free_attstatsslot(&slot);
}

// The values that ANALYZE kept are a sample: their padding is known, not guessed.
double padded_tuple(HeapTuple tuple, Oid type) {
  if (get_typlen(type) != -1) return 0;
  double sum = 0, weights = 0;
  add_padded(tuple, STATISTIC_KIND_MCV, &sum, &weights);
  add_padded(tuple, STATISTIC_KIND_HISTOGRAM, &sum, &weights);
  return weights > 0 ? sum / weights : 0;
}

ColumnStatistics read_statistics(Oid relation, AttrNumber attribute) {
  ColumnStatistics result = {false, 0, 0, 0, 0};
  HeapTuple tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relation),
                                    Int16GetDatum(attribute), BoolGetDatum(false));
  if (!HeapTupleIsValid(tuple)) return result;
  auto form = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(tuple));
  result = {true, static_cast<double>(form->stawidth), form->stanullfrac, form->stadistinct, 0};
  if (form->stawidth <= kShortWidth)
    result.padded = padded_tuple(tuple, get_atttype(relation, attribute));
  ReleaseSysCache(tuple);
  return result;
}

bool is_text(Oid type) {
  char category;
  bool preferred;
  get_type_category_preferred(type, &category, &preferred);
  return category == TYPCATEGORY_STRING;
}

// An expression has no statistics before its index exists: lower(email) is as wide as email, a
// member of a json document is short, everything else as the type usually is.
ColumnStatistics guess_statistics(Oid relation, Node* expression) {
  const Oid type = exprType(expression);
  ColumnStatistics result = {true, 0, 0, 0, 0};
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

// What the planner expects of SELECT ... FROM relation WHERE predicate GROUP BY expressions: it
// knows extended statistics, correlated predicates and expressions. No expressions: rows instead of
// groups.
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
  assist_add_permissions(query, table);
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
    get_sort_group_operators(exprType(expression), false, false, false, &group->sortop,
                             &group->eqop, nullptr, &group->hashable);
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
    if (!DatumGetBool(
            OidFunctionCall1Coll(proc, index->collation[i], ObjectIdGetDatum(index->opcintype[i]))))
      return false;
  }
  return true;
}

// Combinations of `n` columns in `rows` rows, independent of each other. The column with the fewest
// values is taken value by value with the frequencies of its statistics: a status of which one
// value is nearly every row makes far fewer combinations than even ones would.
double combine_distinct(const HypotheticalIndex* index, const double* distinct, double rows) {
  const auto n = static_cast<std::size_t>(index->nkeys);
  std::size_t fewest = 0;
  for (std::size_t i = 1; i < n; ++i)
    if (distinct[i] < distinct[fewest]) fewest = i;
  double others[INDEX_MAX_KEYS];
  for (std::size_t i = 0; i < n; ++i) others[i] = i == fewest ? 1 : distinct[i];
  const AttrNumber attribute = index->attribute[fewest];
  HeapTuple tuple = attribute == 0
                        ? nullptr
                        : SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(index->relation),
                                          Int16GetDatum(attribute), BoolGetDatum(false));
  if (!HeapTupleIsValid(tuple)) return CombineDistinct(std::span<const double>(distinct, n), rows);
  AttStatsSlot slot;
  double combinations = 0, rest = rows, values = distinct[fewest];
  if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_MCV, InvalidOid, ATTSTATSSLOT_NUMBERS)) {
    for (int i = 0; i < slot.nnumbers; ++i) {
      const double share = rows * static_cast<double>(slot.numbers[i]);
      combinations += CombineDistinct(std::span<const double>(others, n), share);
      rest -= share;
      values -= 1;
    }
    free_attstatsslot(&slot);
  }
  ReleaseSysCache(tuple);
  others[fewest] = values;
  if (values >= 1 && rest >= 1)
    combinations += CombineDistinct(std::span<const double>(others, n), rest);
  return combinations;
}

// Different key tuples. The planner's answer honours extended statistics and the predicate, but it
// gives up at a tenth of the rows where several columns are involved: then they are taken as
// independent.
double distinct_keys(const HypotheticalIndex* index, List* keys, SizedColumn* columns,
                     double rows) {
  double distinct[INDEX_MAX_KEYS];
  double most = 0;
  for (int i = 0; i < index->nkeys; ++i) {
    if (index->attribute[i] == 0)
      columns[i].distinct =
          planned_rows(index->relation, index->relation_kind, list_make1(list_nth(keys, i)), NIL);
    distinct[i] = columns[i].distinct;
    if (distinct[i] <= 0) return 0;
    if (distinct[i] > most) most = distinct[i];
  }
  if (index->predicate == NIL && (index->nkeys == 1 || most >= rows))
    return most < rows ? most : rows;
  const double planned =
      planned_rows(index->relation, index->relation_kind, keys, index->predicate);
  if (planned > 0 && planned < rows * 0.099) return planned;
  const double combined = combine_distinct(index, distinct, rows);
  return index->predicate == NIL && combined < most ? most : combined;
}

// Widths, nulls and distinct values of all columns; returns the columns as expressions with
// varno 1.
List* size_columns(const HypotheticalIndex* index, double rows, SizedColumn* columns) {
  List* keys = NIL;
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
    bool by_value;
    get_typlenbyvalalign(index->type[i], &columns[i].length, &by_value, &columns[i].align);
    columns[i].width = statistics.width;
    columns[i].null_fraction = statistics.null_fraction;
    if (index->ncolumns == 1 && statistics.padded > 0) {
      // The model pads a varying width by half a step and a bit, so that much is taken off.
      const double width = statistics.padded - static_cast<double>(sizeof(IndexTupleData));
      const double steps = std::round(width / MAXIMUM_ALIGNOF);
      columns[i].constant_width = std::fabs(width - steps * MAXIMUM_ALIGNOF) < 1e-6;
      columns[i].width =
          columns[i].constant_width ? steps * MAXIMUM_ALIGNOF : width - MAXIMUM_ALIGNOF / 2;
    }
    columns[i].distinct = DistinctCount(statistics.distinct, index->size.rows);
    if (columns[i].distinct > rows) columns[i].distinct = rows;
  }
  return keys;
}

BlockNumber to_pages(double pages) {
  return pages < MaxBlockNumber ? static_cast<BlockNumber>(pages) : MaxBlockNumber;
}

// Whether statistics leave something open that a sample tells: how often several columns repeat
// together, what an expression gives, what the rows of a predicate are like.
bool wants_sample(const HypotheticalIndex* index, bool deduplicated) {
  return index->expressions != NIL || index->predicate != NIL || (deduplicated && index->nkeys > 1);
}

void use_sample(const HypotheticalIndex* index, const SampledKeys& sampled, SizedColumn* columns) {
  for (int i = 0; i < index->ncolumns; ++i) {
    if (index->attribute[i] == 0 || index->predicate != NIL) {
      columns[i].null_fraction = sampled.nulls[i];
      columns[i].distinct = 0;  // as the keys are
    }
    if (columns[i].length < 0 && index->attribute[i] == 0 && sampled.width[i] > 0) {
      columns[i].width = sampled.width[i];
      columns[i].constant_width = false;
    }
  }
}

void predict_btree(HypotheticalSet* set, HypotheticalIndex* index, Relation table, double rows,
                   BlockNumber table_pages) {
  SizedColumn columns[INDEX_MAX_KEYS];
  List* keys = size_columns(index, rows, columns);
  const bool equal_image =
      index->deduplicate && index->ncolumns == index->nkeys && is_equal_image(index);
  const bool deduplicated = equal_image && !index->unique;
  double distinct = 0;
  SampledKeys sampled;
  if (wants_sample(index, deduplicated) &&
      sample_keys(set, index, table, index->size.rows, table_pages, rows, &sampled)) {
    use_sample(index, sampled, columns);
    // Of uneven values a sample finds too few: it knows better than the columns' statistics only
    // where these clearly repeat together.
    const bool plain = index->expressions == NIL && index->predicate == NIL;
    const double independent =
        deduplicated && plain ? distinct_keys(index, keys, columns, rows) : 0;
    const double clearly = independent < rows / 2 ? 4 : 2;
    if (deduplicated)
      distinct = independent > 0 && sampled.distinct > independent / clearly ? independent
                                                                             : sampled.distinct;
  } else if (deduplicated) {
    distinct = distinct_keys(index, keys, columns, rows);
  }

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
  index->size.pages = to_pages(size.pages);
  index->size.tree_height = size.height;
}

// Buckets double in four steps; an entry is the hash value with its header.
// SOURCE: hashpage.c (_hash_init_metabuffer), hashutil.c (_hash_spareindex).
void predict_hash(HypotheticalIndex* index, double rows) {
  constexpr double kEntry = 20;  // bytes with the item pointer
  constexpr double kPerPage = (BLCKSZ - 24 - 16) / kEntry;
  const double wanted = std::ceil(rows / std::floor(BLCKSZ * 0.75 / kEntry));
  double buckets = 2;
  for (double quarter = 1; buckets < wanted; quarter = quarter == 4 ? 1 : quarter + 1) {
    if (buckets < 1024) {  // HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE
      buckets *= 2;
      quarter = 0;
    } else {
      const double group = std::exp2(std::floor(std::log2(buckets)));
      buckets += group / 4;
    }
  }
  SizedColumn columns[INDEX_MAX_KEYS];
  size_columns(index, rows, columns);
  const double stored = rows * (1 - columns[0].null_fraction);
  const double distinct = columns[0].distinct <= 0 ? stored : columns[0].distinct;
  // Rows of one value cannot be spread over buckets.
  const double filled = distinct < buckets ? distinct : buckets;
  const double overflow = filled * (std::ceil(stored / filled / kPerPage) - 1);
  index->size.pages = to_pages(2 + buckets + (overflow > 0 ? overflow : 0));
}

// Entries of the stored type one by one into pages that split; of points sorted, into full pages.
void predict_gist(HypotheticalIndex* index, double rows) {
  constexpr double kSplitFill = 0.52, kSortedFill = 0.72;
  SizedColumn columns[INDEX_MAX_KEYS];
  size_columns(index, rows, columns);
  double bytes = sizeof(IndexTupleData);
  bool sorted = true;
  for (int i = 0; i < index->nkeys; ++i) {
    const int16 length = get_typlen(index->key_type[i]);
    if (index->key_type[i] != index->type[i] && length < 0)
      ereport(
          ERROR,
          (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
           errmsg("the size of a GiST index with this operator class cannot be predicted"),
           errhint("Hypothetical GiST indexes keep values as they are, or of a fixed length.")));
    bytes += length > 0 ? length : columns[i].width;
    sorted = sorted && OidIsValid(get_opfamily_proc(index->opfamily[i], index->opcintype[i],
                                                    index->opcintype[i], GIST_SORTSUPPORT_PROC));
  }
  const double entry = static_cast<double>(MAXALIGN(static_cast<Size>(bytes))) + sizeof(ItemIdData);
  const double per_page = std::floor((BLCKSZ - 40) * (sorted ? kSortedFill : kSplitFill) / entry);
  double level = std::ceil(rows / per_page), pages = level;
  while (level > 1) {
    level = std::ceil(level / per_page);
    pages += level;
  }
  index->size.pages = to_pages(pages < 1 ? 1 : pages);
}

// One summary tuple per range of 128 pages: its lowest and highest value a column.
void predict_brin(HypotheticalIndex* index, double rows, BlockNumber table_pages) {
  constexpr double kRange = 128;  // BRIN_DEFAULT_PAGES_PER_RANGE, which the planner takes
  constexpr double kRevmapItems = 1360;
  SizedColumn columns[INDEX_MAX_KEYS];
  size_columns(index, rows, columns);
  double tuple = MAXIMUM_ALIGNOF;
  for (int i = 0; i < index->ncolumns; ++i) {
    const Oid info = get_opfamily_proc(index->opfamily[i], index->opcintype[i], index->opcintype[i],
                                       BRIN_PROCNUM_OPCINFO);
    if (info != F_BRIN_MINMAX_OPCINFO)
      ereport(ERROR,
              (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
               errmsg("the size of a BRIN index with this operator class cannot be predicted"),
               errhint("Hypothetical BRIN indexes keep minimum and maximum.")));
    tuple += 2 * (columns[i].length > 0 ? columns[i].length : columns[i].width);
  }
  tuple = static_cast<double>(MAXALIGN(static_cast<Size>(tuple))) +
          static_cast<double>(sizeof(ItemIdData));
  const double ranges = std::ceil(table_pages / kRange);
  const double per_page = std::floor((BLCKSZ - 24 - 8) / tuple);
  index->size.pages = to_pages(1 + std::floor(ranges / kRevmapItems) + 1 +
                               std::ceil(ranges / (per_page > 1 ? per_page : 1)));
}

}  // namespace

void predict_index_size(HypotheticalSet* set, HypotheticalIndex* index, Relation table) {
  BlockNumber pages;
  double rows, all_visible;
  estimate_rel_size(table, nullptr, &pages, &rows, &all_visible);
  index->size = {rows, -1, 1, -1};
  if (index->predicate != NIL) {
    const double selected =
        planned_rows(index->relation, index->relation_kind, NIL, index->predicate);
    if (selected < rows) rows = selected;
    index->size.tuples = rows;
  }
  if (index->method == BTREE_AM_OID) return predict_btree(set, index, table, rows, pages);
  if (index->method == HASH_AM_OID) return predict_hash(index, rows);
  if (index->method == BRIN_AM_OID) return predict_brin(index, rows, pages);
  if (index->method == GIST_AM_OID) return predict_gist(index, rows);
  if (index->method == GIN_AM_OID) {
    index->size.pages =
        to_pages(sampled_gin_pages(set, index, table, index->size.rows, pages, rows));
    return;
  }
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("the size of a %s index cannot be predicted", get_am_name(index->method)),
                  errhint("Hypothetical indexes are b-tree, hash, BRIN, GIN or GiST.")));
}

}  // namespace assist::pg
