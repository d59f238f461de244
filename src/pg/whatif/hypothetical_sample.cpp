// A sample of a table's rows, and the keys that GIN would extract from them.

#include "pg/whatif/hypothetical_sample.hpp"

#include "assist/distinct.hpp"
#include "assist/gin_size.hpp"

extern "C" {
#include "access/detoast.h"
#include "access/sysattr.h"      // for FirstLowInvalidHeapAttributeNumber
#include "access/gin_private.h"  // for GIN_EXTRACTVALUE_PROC
#include "access/tableam.h"
#include "access/transam.h"  // for FirstNormalObjectId
#include "common/hashfn.h"
#include "catalog/pg_collation.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "miscadmin.h"  // for CHECK_FOR_INTERRUPTS
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"  // for pull_varattnos
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"  // for check_enable_rls
#include "utils/sampling.h"
#include "utils/snapmgr.h"
}

namespace assist::pg {

namespace {

// Few rows of many pages: rows of one page are like each other.
constexpr int kBlocks = 800;
constexpr int kRows = 6400;
constexpr Size kMostKeys = 300000;
constexpr Size kMostKept = 8UL << 20;  // bytes of rows, of a table
constexpr Size kMostKeptOfAll = 48UL << 20;
constexpr Size kMostRead = 4UL << 20;  // bytes of values that are taken apart, toasted ones in full
constexpr double kEnoughRows = 100;

// Rows of a table.
struct TableSample {
  MemoryContext context;
  Oid relation;
  int count;
  Size bytes;
  MinimalTuple tuples[kRows];
};

struct Key {
  uint64 hash;
  uint32 bytes;
};

struct Sample {
  Key* keys;
  Size nkeys, room;
  double rows;
  bool full() const { return rows >= kRows || nkeys >= kMostKeys; }
};

bool calls_users_function(Oid function, void*) { return function >= FirstNormalObjectId; }

bool find_users_function(Node* node, void* context) {
  if (node == nullptr) return false;
  if (check_functions_in_node(node, calls_users_function, context)) return true;
  return expression_tree_walker(node, ASSIST_WALKER(find_users_function), context);
}

void add_key(Sample* sample, Datum value, bool is_null, bool by_value, int16 length) {
  if (sample->nkeys == sample->room) {
    if (sample->room >= kMostKeys) return;
    sample->room *= 2;
    sample->keys = static_cast<Key*>(repalloc_huge(sample->keys, sizeof(Key) * sample->room));
  }
  Key* key = &sample->keys[sample->nkeys++];
  if (is_null) {
    *key = {0, 2};
    return;
  }
  if (by_value) {
    *key = {hash_bytes_extended(reinterpret_cast<unsigned char*>(&value), sizeof value, 1),
            static_cast<uint32>(length)};
    return;
  }
  if (length == -1) value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
  const Size bytes = length == -1 ? VARSIZE_ANY_EXHDR(DatumGetPointer(value))
                                  : datumGetSize(value, by_value, length);
  const char* data = length == -1 ? VARDATA_ANY(DatumGetPointer(value)) : DatumGetPointer(value);
  const Size header = length == -1 ? (bytes < 127 ? 1 : 4) : 0;
  *key = {
      hash_bytes_extended(reinterpret_cast<const unsigned char*>(data), static_cast<int>(bytes), 1),
      static_cast<uint32>(bytes + header)};
}

int compare_keys(const void* a, const void* b) {
  const uint64 left = static_cast<const Key*>(a)->hash, right = static_cast<const Key*>(b)->hash;
  return left < right ? -1 : left > right ? 1 : 0;
}

// How each column of the index is read and taken apart.
struct Column {
  ExprState* value;
  FmgrInfo extract;
  Oid collation;
  bool by_value;
  int16 length;
};

void extract_row(Sample* sample, const HypotheticalIndex* index, Column* columns,
                 ExprContext* context) {
  for (int i = 0; i < index->nkeys; ++i) {
    bool is_null;
    Datum value = ExecEvalExprSwitchContext(columns[i].value, context, &is_null);
    if (is_null) {
      add_key(sample, 0, true, true, 0);
      continue;
    }
    MemoryContext caller = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
    int32 count = 0;
    bool* nulls = nullptr;
    auto* found = reinterpret_cast<Datum*>(
        DatumGetPointer(FunctionCall3Coll(&columns[i].extract, columns[i].collation, value,
                                          PointerGetDatum(&count), PointerGetDatum(&nulls))));
    // The same key twice in a row is one entry.
    const Size first = sample->nkeys;
    for (int32 k = 0; found != nullptr && k < count; ++k)
      add_key(sample, found[k], nulls != nullptr && nulls[k], columns[i].by_value,
              columns[i].length);
    MemoryContextSwitchTo(caller);
    if (count == 0 || found == nullptr) add_key(sample, 0, true, true, 0);
    const Size added = sample->nkeys - first;
    if (added < 2) continue;
    qsort(sample->keys + first, added, sizeof(Key), compare_keys);
    Size kept = first + 1;
    for (Size k = first + 1; k < sample->nkeys; ++k)
      if (sample->keys[k].hash != sample->keys[kept - 1].hash)
        sample->keys[kept++] = sample->keys[k];
    sample->nkeys = kept;
  }
  sample->rows += 1;
}

// Whether expressions and predicate may be evaluated on the table's rows: they call no function of
// a user, and no row is hidden, of which an error could tell.
bool may_evaluate(const HypotheticalIndex* index) {
  return !find_users_function(reinterpret_cast<Node*>(index->expressions), nullptr) &&
         !find_users_function(reinterpret_cast<Node*>(index->predicate), nullptr) &&
         check_enable_rls(index->relation, GetUserId(), true) != RLS_ENABLED;
}

Node* key_node(const HypotheticalIndex* index, int i, ListCell** expression) {
  if (index->attribute[i] == 0) {
    Node* node = static_cast<Node*>(lfirst(*expression));
    *expression = lnext(index->expressions, *expression);
    return node;
  }
  Oid type, collation;
  int32 typmod;
  get_atttypetypmodcoll(index->relation, index->attribute[i], &type, &typmod, &collation);
  return reinterpret_cast<Node*>(makeVar(1, index->attribute[i], type, typmod, collation, 0));
}

void prepare_columns(const HypotheticalIndex* index, EState* state, Column* columns) {
  ListCell* expression = list_head(index->expressions);
  for (int i = 0; i < index->nkeys; ++i) {
    columns[i].value =
        ExecPrepareExpr(reinterpret_cast<Expr*>(key_node(index, i, &expression)), state);
    const Oid proc = get_opfamily_proc(index->opfamily[i], index->opcintype[i], index->opcintype[i],
                                       GIN_EXTRACTVALUE_PROC);
    if (!OidIsValid(proc))
      elog(ERROR, "gin operator family %u extracts no values", index->opfamily[i]);
    fmgr_info(proc, &columns[i].extract);
    columns[i].collation =
        OidIsValid(index->collation[i]) ? index->collation[i] : Oid{DEFAULT_COLLATION_OID};
    get_typlenbyval(index->key_type[i], &columns[i].length, &columns[i].by_value);
  }
}

// As many samples as may be kept beside another; the oldest go.
void make_room(HypotheticalSet* set) {
  Size all = kMostKept;
  ListCell* cell;
  foreach (cell, set->samples) all += static_cast<TableSample*>(lfirst(cell))->bytes;
  while (all > kMostKeptOfAll && set->samples != NIL) {
    auto* oldest = static_cast<TableSample*>(linitial(set->samples));
    all -= oldest->bytes;
    set->samples = list_delete_first(set->samples);
    MemoryContextDelete(oldest->context);
  }
}

// In a context below the set's. Empty where the table's access method gives no rows by their place.
const TableSample* table_sample(HypotheticalSet* set, Relation table, double rows,
                                BlockNumber pages) {
  ListCell* cell;
  foreach (cell, set->samples) {
    auto* known = static_cast<TableSample*>(lfirst(cell));
    if (known->relation == RelationGetRelid(table)) return known;
  }
  make_room(set);
  MemoryContext caller = MemoryContextSwitchTo(set->context);
  MemoryContext context =
      AllocSetContextCreateInternal(set->context, "assist table sample", ALLOCSET_DEFAULT_SIZES);
  auto* sample = static_cast<TableSample*>(MemoryContextAlloc(context, sizeof(TableSample)));
  *sample = {context, RelationGetRelid(table), 0, sizeof(TableSample), {}};
  set->samples = lappend(set->samples, sample);
  MemoryContextSwitchTo(caller);
  if (table->rd_tableam->scan_set_tidrange == nullptr ||
      table->rd_tableam->scan_getnextslot_tidrange == nullptr)
    return sample;
  TupleTableSlot* slot = table_slot_create(table, nullptr);
  BlockSamplerData sampler;
  // The same rows each time, so that the same question has the same answer.
  BlockSampler_Init(&sampler, pages, kBlocks, 1);
  const double share = kRows / rows * pages / (pages < kBlocks ? pages : kBlocks);
  double due = 0;
  TableScanDesc scan = nullptr;
  while (BlockSampler_HasMore(&sampler) && sample->count < kRows && sample->bytes < kMostKept) {
    CHECK_FOR_INTERRUPTS();
    const BlockNumber block = BlockSampler_Next(&sampler);
    ItemPointerData first, last;
    ItemPointerSet(&first, block, FirstOffsetNumber);
    ItemPointerSet(&last, block, MaxOffsetNumber);
    if (scan == nullptr)
      scan = table_beginscan_tidrange(table, GetActiveSnapshot(), &first, &last);
    else
      table_rescan_tidrange(scan, &first, &last);
    while (table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot) &&
           sample->count < kRows) {
      due += share;
      if (due < 1) continue;
      due -= 1;
      MemoryContextSwitchTo(context);
      MinimalTuple tuple = ExecCopySlotMinimalTuple(slot);
      MemoryContextSwitchTo(caller);
      sample->bytes += tuple->t_len;
      sample->tuples[sample->count++] = tuple;
    }
  }
  if (scan != nullptr) table_endscan(scan);
  ExecDropSingleTupleTableSlot(slot);
  return sample;
}

// Reading the rows of a sample: what it takes, in a context of its own. Evaluating an expression
// may fetch values from the toast table and take them apart: what that comes to is counted before.
struct Reading {
  MemoryContext memory, caller;
  EState* state;
  ExprContext* context;
  TupleTableSlot* slot;
  ExprState* predicate;
  Bitmapset* read;  // columns, offset by FirstLowInvalidHeapAttributeNumber
  Size bytes;
};

Reading begin_reading(const HypotheticalIndex* index, Relation table) {
  Reading reading;
  reading.memory =
      AllocSetContextCreateInternal(CurrentMemoryContext, "assist sample", ALLOCSET_DEFAULT_SIZES);
  reading.caller = MemoryContextSwitchTo(reading.memory);
  reading.state = CreateExecutorState();
  reading.context = GetPerTupleExprContext(reading.state);
  reading.slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsMinimalTuple);
  reading.context->ecxt_scantuple = reading.slot;
  reading.predicate =
      index->predicate == NIL ? nullptr : ExecPrepareQual(index->predicate, reading.state);
  reading.read = nullptr;
  reading.bytes = 0;
  pull_varattnos(reinterpret_cast<Node*>(index->expressions), 1, &reading.read);
  pull_varattnos(reinterpret_cast<Node*>(index->predicate), 1, &reading.read);
  for (int i = 0; i < index->ncolumns; ++i)
    if (index->attribute[i] > 0)
      reading.read =
          bms_add_member(reading.read, index->attribute[i] - FirstLowInvalidHeapAttributeNumber);
  return reading;
}

// False when enough was read.
bool next_row(Reading* reading, const TableSample* sample, int row) {
  if (reading->bytes >= kMostRead) return false;
  ResetPerTupleExprContext(reading->state);
  ExecStoreMinimalTuple(sample->tuples[row], reading->slot, false);
  TupleDesc columns = reading->slot->tts_tupleDescriptor;
  for (int member = -1; (member = bms_next_member(reading->read, member)) >= 0;) {
    const int column = member + FirstLowInvalidHeapAttributeNumber;
    if (column <= 0 || TupleDescAttr(columns, column - 1)->attlen != -1) continue;
    bool is_null;
    const Datum value = slot_getattr(reading->slot, column, &is_null);
    if (!is_null) reading->bytes += toast_raw_datum_size(value);
  }
  return true;
}

// Whether the row belongs into the index.
bool is_entry(const Reading& reading) {
  return reading.predicate == nullptr || ExecQual(reading.predicate, reading.context);
}

void end_reading(const Reading& reading) {
  ExecDropSingleTupleTableSlot(reading.slot);
  FreeExecutorState(reading.state);
  MemoryContextSwitchTo(reading.caller);
  MemoryContextDelete(reading.memory);
}

}  // namespace

double sampled_gin_pages(HypotheticalSet* set, const HypotheticalIndex* index, Relation table,
                         double rows, BlockNumber pages, double entries) {
  if (pages == 0 || rows <= 0) return 2;
  if (!may_evaluate(index))
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("the size of this gin index cannot be predicted"),
                    errhint("Its keys would have to be extracted by a function of a user, or from "
                            "rows that row security hides.")));
  const TableSample* rows_of = table_sample(set, table, rows, pages);
  if (rows_of->count == 0)
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("the size of this gin index cannot be predicted"),
                    errhint("A sample of the table gave no rows: VACUUM tells how many it has.")));
  Reading reading = begin_reading(index, table);
  Column columns[INDEX_MAX_KEYS];
  prepare_columns(index, reading.state, columns);
  Sample sample = {static_cast<Key*>(palloc(sizeof(Key) * 1024)), 0, 1024, 0};
  for (int row = 0; row < rows_of->count && !sample.full(); ++row) {
    CHECK_FOR_INTERRUPTS();
    if (!next_row(&reading, rows_of, row)) break;
    if (!is_entry(reading)) continue;
    extract_row(&sample, index, columns, reading.context);
  }
  qsort(sample.keys, sample.nkeys, sizeof(Key), compare_keys);
  auto* keys = static_cast<GinKey*>(
      MemoryContextAllocHuge(reading.memory, sizeof(GinKey) * (sample.nkeys + 1)));
  Size count = 0;
  for (Size i = 0; i < sample.nkeys; ++i) {
    if (i == 0 || sample.keys[i].hash != sample.keys[i - 1].hash)
      keys[count++] = {0, static_cast<double>(sample.keys[i].bytes)};
    keys[count - 1].rows += 1;
  }
  GinShape shape;
  shape.rows = entries;
  shape.sampled = sample.rows;
  shape.keys = std::span<const GinKey>(keys, count);
  shape.heap_rows = rows;
  shape.heap_pages = pages;
  shape.page_bytes = BLCKSZ;
  const double estimate = EstimateGinPages(shape);
  end_reading(reading);
  return estimate;
}

void forget_samples(HypotheticalSet* set) {
  ListCell* cell;
  foreach (cell, set->samples)
    MemoryContextDelete(static_cast<TableSample*>(lfirst(cell))->context);
  set->samples = NIL;
}

bool sample_keys(HypotheticalSet* set, const HypotheticalIndex* index, Relation table, double rows,
                 BlockNumber pages, double entries, SampledKeys* out) {
  if (pages == 0 || rows < kEnoughRows) return false;
  if (!may_evaluate(index)) return false;
  const TableSample* rows_of = table_sample(set, table, rows, pages);
  Reading reading = begin_reading(index, table);
  ExprState* values[INDEX_MAX_KEYS];
  bool by_value[INDEX_MAX_KEYS];
  int16 length[INDEX_MAX_KEYS];
  ListCell* expression = list_head(index->expressions);
  for (int i = 0; i < index->ncolumns; ++i) {
    values[i] =
        ExecPrepareExpr(reinterpret_cast<Expr*>(key_node(index, i, &expression)), reading.state);
    get_typlenbyval(index->type[i], &length[i], &by_value[i]);
    out->nulls[i] = out->width[i] = 0;
  }
  auto* tuples = static_cast<Key*>(palloc(sizeof(Key) * kRows));
  Size whole = 0;  // without a null
  double seen = 0;
  for (int row = 0; row < rows_of->count; ++row) {
    CHECK_FOR_INTERRUPTS();
    if (!next_row(&reading, rows_of, row)) break;
    if (!is_entry(reading)) continue;
    ++seen;
    Sample one = {&tuples[whole], 0, 2, 0};
    uint64 hash = 0;
    bool any_null = false;
    for (int i = 0; i < index->ncolumns; ++i) {
      bool is_null;
      const Datum value = ExecEvalExprSwitchContext(values[i], reading.context, &is_null);
      if (is_null) {
        out->nulls[i] += 1;
        any_null = any_null || i < index->nkeys;
        continue;
      }
      MemoryContext outer = MemoryContextSwitchTo(reading.context->ecxt_per_tuple_memory);
      one.nkeys = 0;
      Key key;
      one.keys = &key;
      add_key(&one, value, false, by_value[i], length[i]);
      MemoryContextSwitchTo(outer);
      out->width[i] += key.bytes;
      if (i < index->nkeys) hash = hash_combine64(hash, key.hash);
    }
    if (!any_null) tuples[whole++] = {hash, 0};
  }
  for (int i = 0; i < index->ncolumns; ++i) {
    if (seen > out->nulls[i]) out->width[i] /= seen - out->nulls[i];
    if (seen > 0) out->nulls[i] /= seen;
  }
  qsort(tuples, whole, sizeof(Key), compare_keys);
  RareValues rare;
  double often = 0, different = 0;
  for (Size i = 0; i < whole; ++different) {
    const Size first = i;
    while (i < whole && tuples[i].hash == tuples[first].hash) ++i;
    if (!rare.Add(static_cast<double>(i - first))) ++often;
  }
  const double scale = seen > 0 && entries > seen ? entries / seen : 1;
  out->distinct = seen >= rows ? different : often + rare.Distinct(scale);
  end_reading(reading);
  return seen >= kEnoughRows;
}

}  // namespace assist::pg
