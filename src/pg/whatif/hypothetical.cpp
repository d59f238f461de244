// Hypothetical indexes: analysis of a CREATE INDEX text.

#include "pg/whatif/hypothetical.hpp"

extern "C" {
#include "access/amapi.h"         // for GetIndexAmRoutine
#include "access/attmap.h"        // for AttrMap
#include "access/gist.h"          // for GIST_FETCH_PROC
#include "access/htup_details.h"  // for GETSTRUCT
#include "access/reloptions.h"    // for index_reloptions
#include "access/relation.h"      // for relation_open
#include "access/table.h"
#include "catalog/index.h"      // for IndexGetRelation
#include "catalog/namespace.h"  // for RangeVarGetRelidExtended
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"     // for INDOPTION_DESC
#include "catalog/pg_inherits.h"  // for find_all_inheritors
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"  // for ResolveOpClass
#include "commands/tablespace.h"
#include "mb/pg_wchar.h"  // for pg_mbcliplen
#include "miscadmin.h"    // for GetUserId
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"    // for contain_leaked_vars
#include "optimizer/optimizer.h"  // for canonicalize_qual
#include "parser/parse_utilcmd.h"
#include "parser/parser.h"  // for raw_parser
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"  // for check_enable_rls
#include "utils/syscache.h"
}

namespace assist::pg {

namespace {

constexpr int kBtreeFillfactor = 90;
constinit Oid next_oid = InvalidOid - 1;

// CREATE INDEX needs ownership; asking what it would do needs no more than reading the table.
void check_table_access(Oid relation) {
  if (assist_pg_class_ownercheck(relation, GetUserId())) return;
  if (pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("permission denied for table %s", get_rel_name(relation)),
                  errhint("Planning over a table needs SELECT on it.")));
}

void table_callback(const RangeVar*, Oid relation, Oid, void* set) {
  if (static_cast<HypotheticalSet*>(set)->trusted) return;
  if (OidIsValid(relation) && get_rel_relkind(relation) != '\0') check_table_access(relation);
}

IndexStmt* parse_create_index(const char* text) {
  List* list = raw_parser(text, RAW_PARSE_DEFAULT);
  if (list_length(list) != 1 || !IsA(linitial_node(RawStmt, list)->stmt, IndexStmt))
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("not a CREATE INDEX statement: %s", text),
                    errhint("Each index is given as one CREATE INDEX statement.")));
  return castNode(IndexStmt, linitial_node(RawStmt, list)->stmt);
}

void check_table_kind(Relation table) {
  switch (table->rd_rel->relkind) {
    case RELKIND_RELATION:
    case RELKIND_MATVIEW:
    case RELKIND_PARTITIONED_TABLE:
      return;
    default:
      ereport(ERROR,
              (errcode(ERRCODE_WRONG_OBJECT_TYPE),
               errmsg("cannot create index on relation \"%s\"", RelationGetRelationName(table)),
               errhint("Only tables, partitioned tables and materialized views have indexes.")));
  }
}

IndexAmRoutine* look_up_method(HypotheticalIndex* index, const IndexStmt* stmt) {
  HeapTuple tuple = SearchSysCache1(AMNAME, PointerGetDatum(stmt->accessMethod));
  if (!HeapTupleIsValid(tuple))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                    errmsg("access method \"%s\" does not exist", stmt->accessMethod)));
  auto form = reinterpret_cast<Form_pg_am>(GETSTRUCT(tuple));
  if (form->amtype != AMTYPE_INDEX)
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("access method \"%s\" is not of type INDEX", stmt->accessMethod)));
  index->method = form->oid;
  IndexAmRoutine* method = GetIndexAmRoutine(form->amhandler);
  ReleaseSysCache(tuple);
  const char* missing = nullptr;
  if (stmt->unique && !method->amcanunique) missing = "unique indexes";
  if (stmt->indexIncludingParams != NIL && !method->amcaninclude) missing = "included columns";
  if (list_length(stmt->indexParams) > 1 && !method->amcanmulticol) missing = "multicolumn indexes";
  if (missing != nullptr)
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("access method \"%s\" does not support %s", stmt->accessMethod, missing)));
  return method;
}

void read_options(HypotheticalIndex* index, const IndexStmt* stmt, const IndexAmRoutine* method) {
  index->fillfactor = kBtreeFillfactor;
  index->deduplicate = true;
  if (stmt->options != NIL) {
    Datum options =
        transformRelOptions(static_cast<Datum>(0), stmt->options, nullptr, nullptr, false, false);
    index_reloptions(method->amoptions, options, true);
  }
  ListCell* cell;
  foreach (cell, stmt->options) {
    auto* option = lfirst_node(DefElem, cell);
    if (strcmp(option->defname, "fillfactor") == 0)
      index->fillfactor = static_cast<int>(defGetInt64(option));
    else if (strcmp(option->defname, "deduplicate_items") == 0)
      index->deduplicate = defGetBoolean(option);
    else if (strcmp(option->defname, "pages_per_range") == 0)
      ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                      errmsg("pages_per_range cannot be planned hypothetically"),
                      errhint("The planner takes the default for an index that does not exist.")));
  }
}

// One key or included column: attribute number or expression, and its type and own collation.
Oid read_element(HypotheticalIndex* index, const IndexElem* element, int i) {
  if (element->name != nullptr) {
    HeapTuple tuple = SearchSysCacheAttName(index->relation, element->name);
    if (!HeapTupleIsValid(tuple))
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                      errmsg("column \"%s\" does not exist", element->name)));
    auto form = reinterpret_cast<Form_pg_attribute>(GETSTRUCT(tuple));
    index->attribute[i] = form->attnum;
    index->type[i] = form->atttypid;
    const Oid collation = form->attcollation;
    ReleaseSysCache(tuple);
    if (index->attribute[i] < 0)
      ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                      errmsg("index creation on system columns is not supported")));
    return collation;
  }
  if (i >= index->nkeys)
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("expressions are not supported in included columns")));
  Node* expression = element->expr;
  index->type[i] = exprType(expression);
  const Oid collation = exprCollation(expression);
  while (IsA(expression, CollateExpr))
    expression = reinterpret_cast<Node*>(reinterpret_cast<CollateExpr*>(expression)->arg);
  auto* var = reinterpret_cast<Var*>(expression);
  if (IsA(expression, Var) && var->varattno != InvalidAttrNumber) {
    index->attribute[i] = var->varattno;
    return collation;
  }
  auto* copy = reinterpret_cast<Expr*>(copy_node(expression));
  if (contain_mutable_functions(reinterpret_cast<Node*>(expression_planner(copy))))
    ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                    errmsg("functions in index expression must be marked IMMUTABLE")));
  index->attribute[i] = 0;
  expression = eval_const_expressions(nullptr, expression);
  fix_opfuncids(expression);
  index->expressions = lappend(index->expressions, expression);
  return collation;
}

int16 read_order(const IndexElem* element, bool can_order, const char* method) {
  if (!can_order) {
    if (element->ordering != SORTBY_DEFAULT || element->nulls_ordering != SORTBY_NULLS_DEFAULT)
      ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                      errmsg("access method \"%s\" does not support a sort order", method)));
    return 0;
  }
  const bool descending = element->ordering == SORTBY_DESC;
  const bool nulls_first = element->nulls_ordering == SORTBY_NULLS_FIRST ||
                           (element->nulls_ordering == SORTBY_NULLS_DEFAULT && descending);
  return static_cast<int16>((descending ? INDOPTION_DESC : 0) |
                            (nulls_first ? INDOPTION_NULLS_FIRST : 0));
}

bool can_return(const HypotheticalIndex* index, int i) {
  if (index->method == BTREE_AM_OID) return true;
  if (index->method != GIST_AM_OID) return false;
  if (i >= index->nkeys) return true;
  return OidIsValid(get_opfamily_proc(index->opfamily[i], index->opcintype[i], index->opcintype[i],
                                      GIST_FETCH_PROC)) ||
         !OidIsValid(get_opfamily_proc(index->opfamily[i], index->opcintype[i], index->opcintype[i],
                                       GIST_COMPRESS_PROC));
}

// SOURCE: ConstructTupleDescriptor in index.c.
Oid stored_type(Oid opclass, Oid type) {
  HeapTuple tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for operator class %u", opclass);
  auto form = reinterpret_cast<Form_pg_opclass>(GETSTRUCT(tuple));
  Oid stored = OidIsValid(form->opckeytype) ? form->opckeytype : type;
  if (stored == ANYELEMENTOID && form->opcintype == ANYARRAYOID) {
    stored = get_base_element_type(type);
    if (!OidIsValid(stored)) elog(ERROR, "could not get element type of array type %u", type);
  }
  ReleaseSysCache(tuple);
  return stored;
}

void read_columns(HypotheticalIndex* index, const IndexStmt* stmt, const IndexAmRoutine* method) {
  int i = 0;
  ListCell* cell;
  List* elements = list_concat_copy(stmt->indexParams, stmt->indexIncludingParams);
  foreach (cell, elements) {
    auto* element = lfirst_node(IndexElem, cell);
    Oid collation = read_element(index, element, i);
    if (i >= index->nkeys) {
      if (element->collation != NIL || element->opclass != NIL ||
          element->ordering != SORTBY_DEFAULT || element->nulls_ordering != SORTBY_NULLS_DEFAULT)
        ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                        errmsg("included columns have no collation, operator class or order")));
    } else {
      if (element->opclassopts != NIL)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("operator class parameters cannot be planned hypothetically")));
      if (element->collation != NIL) collation = get_collation_oid(element->collation, false);
      if (type_is_collatable(index->type[i]) && !OidIsValid(collation))
        ereport(ERROR, (errcode(ERRCODE_INDETERMINATE_COLLATION),
                        errmsg("could not determine which collation to use for index expression"),
                        errhint("Use the COLLATE clause to set the collation explicitly.")));
      if (!type_is_collatable(index->type[i]) && OidIsValid(collation))
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("collations are not supported by type %s",
                               format_type_be(index->type[i]))));
      index->collation[i] = collation;
      const Oid opclass =
          ResolveOpClass(element->opclass, index->type[i], stmt->accessMethod, index->method);
      get_opclass_opfamily_and_input_type(opclass, &index->opfamily[i], &index->opcintype[i]);
      index->key_type[i] = stored_type(opclass, index->type[i]);
      index->option[i] = read_order(element, method->amcanorder, stmt->accessMethod);
    }
    index->can_return[i] = can_return(index, i);
    ++i;
  }
}

void read_predicate(HypotheticalIndex* index, Node* predicate) {
  if (predicate == nullptr) return;
  auto* copy = reinterpret_cast<Expr*>(copy_node(predicate));
  if (contain_mutable_functions(reinterpret_cast<Node*>(expression_planner(copy))))
    ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                    errmsg("functions in index predicate must be marked IMMUTABLE")));
  Node* node = eval_const_expressions(nullptr, predicate);
  node = reinterpret_cast<Node*>(canonicalize_qual(reinterpret_cast<Expr*>(node), false));
  index->predicate = make_ands_implicit(reinterpret_cast<Expr*>(node));
  fix_opfuncids(reinterpret_cast<Node*>(index->predicate));
}

// The size of a partial index says how many rows satisfy its predicate: where row security hides
// rows, only what the planner itself would let look at them may be asked.
void check_row_security(const HypotheticalIndex* index) {
  if (index->predicate == NIL ||
      check_enable_rls(index->relation, GetUserId(), true) != RLS_ENABLED)
    return;
  if (contain_leaked_vars(reinterpret_cast<Node*>(index->predicate)))
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("row security of table %s hides what this predicate would tell",
                           get_rel_name(index->relation)),
                    errhint("Leave the predicate out, or ask as the table's owner.")));
}

bool name_taken(const HypotheticalSet* set, const char* name) {
  ListCell* cell;
  foreach (cell, set->indexes)
    if (strcmp(static_cast<HypotheticalIndex*>(lfirst(cell))->name, name) == 0) return true;
  return false;
}

// The name given, or the one CREATE INDEX would choose; different within the set.
const char* choose_name(const HypotheticalSet* set, const IndexStmt* stmt, Relation table) {
  if (stmt->idxname != nullptr) {
    if (!name_taken(set, stmt->idxname)) return stmt->idxname;
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
                    errmsg("index name \"%s\" is given twice", stmt->idxname),
                    errhint("Give each index another name, or none.")));
  }
  char columns[NAMEDATALEN * 2] = "";
  ListCell* cell;
  List* elements = list_concat_copy(stmt->indexParams, stmt->indexIncludingParams);
  foreach (cell, elements) {
    auto* element = lfirst_node(IndexElem, cell);
    const char* column = element->name != nullptr           ? element->name
                         : element->indexcolname != nullptr ? element->indexcolname
                                                            : "expr";
    if (columns[0] != '\0') strlcat(columns, "_", sizeof columns);
    strlcat(columns, column, sizeof columns);
    if (strlen(columns) >= NAMEDATALEN) break;
  }
  const int clipped = pg_mbcliplen(columns, static_cast<int>(strlen(columns)), NAMEDATALEN - 1);
  columns[clipped] = '\0';
  for (int pass = 0;; ++pass) {
    char label[NAMEDATALEN];
    snprintf(label, sizeof label, pass == 0 ? "idx" : "idx%d", pass);
    const char* name = ChooseRelationName(RelationGetRelationName(table), columns, label,
                                          RelationGetNamespace(table), false);
    if (!name_taken(set, name)) return name;
  }
}

// An OID that no relation has now, from the far end of the range the server gives out.
Oid unused_oid() {
  constexpr Oid kLowest = 0xF0000000;
  do {
    if (--next_oid < kLowest) next_oid = InvalidOid - 1;
  } while (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(next_oid)));
  return next_oid;
}

// Column numbers of `partition` by those of its ancestor; 0 where it has no such column.
AttrMap* map_attributes(Oid ancestor, Oid partition) {
  Relation table = table_open(ancestor, NoLock);
  TupleDesc columns = RelationGetDescr(table);
  AttrMap* map = make_attrmap(columns->natts);
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute attribute = TupleDescAttr(columns, i);
    if (!attribute->attisdropped)
      map->attnums[i] = get_attnum(partition, NameStr(attribute->attname));
  }
  table_close(table, NoLock);
  return map;
}

List* map_expressions(List* expressions, AttrMap* map, bool* usable) {
  bool whole_row = false;
  Node* mapped =
      map_variable_attnos(reinterpret_cast<Node*>(expressions), 1, 0, map, InvalidOid, &whole_row);
  if (whole_row) *usable = false;
  return reinterpret_cast<List*>(mapped);
}

}  // namespace

HypotheticalSet* make_hypothetical_set() {
  auto* set = static_cast<HypotheticalSet*>(palloc0(sizeof(HypotheticalSet)));
  set->context = CurrentMemoryContext;
  return set;
}

HypotheticalIndex* define_hypothetical_index(HypotheticalSet* set, const char* create_index) {
  MemoryContext caller = MemoryContextSwitchTo(set->context);
  IndexStmt* stmt = parse_create_index(create_index);
  const Oid relation =
      RangeVarGetRelidExtended(stmt->relation, AccessShareLock, 0, table_callback, set);
  Relation table = relation_open(relation, NoLock);
  check_table_kind(table);
  if (RELATION_IS_OTHER_TEMP(table))
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot create indexes on temporary tables of other sessions")));
  stmt = transformIndexStmt(relation, stmt, create_index);

  auto* index = static_cast<HypotheticalIndex*>(palloc0(sizeof(HypotheticalIndex)));
  index->relation = relation;
  index->relation_kind = table->rd_rel->relkind;
  index->unique = stmt->unique;
  index->nkeys = list_length(stmt->indexParams);
  index->ncolumns = index->nkeys + list_length(stmt->indexIncludingParams);
  if (index->ncolumns > INDEX_MAX_KEYS)
    ereport(ERROR, (errcode(ERRCODE_TOO_MANY_COLUMNS),
                    errmsg("cannot use more than %d columns in an index", INDEX_MAX_KEYS)));
  if (stmt->tableSpace != nullptr) index->tablespace = get_tablespace_oid(stmt->tableSpace, false);
  if (stmt->accessMethod != nullptr && strcmp(stmt->accessMethod, "rtree") == 0)
    stmt->accessMethod = pstrdup("gist");
  const IndexAmRoutine* method = look_up_method(index, stmt);
  read_options(index, stmt, method);
  read_columns(index, stmt, method);
  read_predicate(index, stmt->whereClause);
  check_row_security(index);
  index->name = pstrdup(choose_name(set, stmt, table));
  index->oid = unused_oid();
  if (index->relation_kind != RELKIND_PARTITIONED_TABLE) predict_index_size(set, index, table);
  relation_close(table, NoLock);
  set->indexes = lappend(set->indexes, index);
  MemoryContextSwitchTo(caller);
  return index;
}

void hide_index(HypotheticalSet* set, Oid index) {
  const char kind = get_rel_relkind(index);
  if (kind == '\0')
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("index with OID %u does not exist", index),
             errhint("Give the name of an existing index.")));
  if (kind != RELKIND_INDEX && kind != RELKIND_PARTITIONED_INDEX)
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("\"%s\" is not an index", get_rel_name(index)),
                    errhint("Give the name of an existing index.")));
  const Oid table = IndexGetRelation(index, false);
  check_table_access(table);
  MemoryContext caller = MemoryContextSwitchTo(set->context);
  set->hidden = list_concat_unique_oid(
      set->hidden, kind == RELKIND_PARTITIONED_INDEX ? find_all_inheritors(index, NoLock, nullptr)
                                                     : list_make1_oid(index));
  MemoryContextSwitchTo(caller);
}

HypotheticalIndex* derive_partition_index(HypotheticalSet* set, HypotheticalIndex* index,
                                          Oid partition) {
  ListCell* cell;
  foreach (cell, index->partitions) {
    auto* known = static_cast<HypotheticalIndex*>(lfirst(cell));
    if (known->relation == partition) return known->oid == InvalidOid ? nullptr : known;
  }
  MemoryContext caller = MemoryContextSwitchTo(set->context);
  auto* derived = static_cast<HypotheticalIndex*>(palloc(sizeof(HypotheticalIndex)));
  *derived = *index;
  derived->relation = partition;
  derived->relation_kind = get_rel_relkind(partition);
  derived->parent = index;
  derived->partitions = NIL;
  derived->oid = InvalidOid;
  bool usable = derived->relation_kind == RELKIND_RELATION;
  if (usable) {
    AttrMap* map = map_attributes(index->relation, partition);
    for (int i = 0; i < index->ncolumns; ++i) {
      if (index->attribute[i] == 0) continue;
      derived->attribute[i] = map->attnums[index->attribute[i] - 1];
      if (derived->attribute[i] == 0) usable = false;
    }
    derived->expressions = map_expressions(index->expressions, map, &usable);
    derived->predicate = map_expressions(index->predicate, map, &usable);
  }
  if (usable) {
    derived->oid = unused_oid();
    Relation table = table_open(partition, NoLock);
    predict_index_size(set, derived, table);
    table_close(table, NoLock);
  }
  index->partitions = lappend(index->partitions, derived);
  MemoryContextSwitchTo(caller);
  return usable ? derived : nullptr;
}

int64 predicted_index_bytes(HypotheticalSet* set, HypotheticalIndex* index) {
  if (index->relation_kind != RELKIND_PARTITIONED_TABLE)
    return static_cast<int64>(index->size.pages) * BLCKSZ;
  int64 bytes = 0;
  ListCell* cell;
  foreach (cell, find_all_inheritors(index->relation, AccessShareLock, nullptr)) {
    const HypotheticalIndex* derived = derive_partition_index(set, index, lfirst_oid(cell));
    if (derived != nullptr) bytes += static_cast<int64>(derived->size.pages) * BLCKSZ;
  }
  return bytes;
}

}  // namespace assist::pg
