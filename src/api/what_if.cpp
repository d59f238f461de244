// assist.what_if: plans of given statements before and after a change of indexes.

#include <algorithm>

#include "pg/guard.hpp"
#include "pg/memory.hpp"
#include "pg/whatif/whatif.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "funcapi.h"  // for InitMaterializedSRF
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"  // for jsonb_in
}

namespace {

using namespace assist::pg;

// Statements planned in one subtransaction: it holds their locks until its end.
constexpr int kBatch = 32;
constexpr int kColumns = 6;

struct Row {
  Datum values[kColumns];
};

struct Arguments {
  List* queries;         // char*
  List* create_indexes;  // char*
  List* drop_indexes;    // oid
};

[[noreturn]] void reject_null(const char* argument) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be null", argument),
                  errhint("Give an array without null elements.")));
}

List* read_array(FunctionCallInfo fcinfo, int n, const char* argument) {
  if (PG_ARGISNULL(n)) {
    if (n == 0) reject_null(argument);
    return NIL;
  }
  ArrayType* array = PG_GETARG_ARRAYTYPE_P(n);
  const bool is_text = ARR_ELEMTYPE(array) == TEXTOID;
  Datum* values;
  bool* nulls;
  int count;
  deconstruct_array(array, ARR_ELEMTYPE(array), is_text ? -1 : 4, !is_text, TYPALIGN_INT, &values,
                    &nulls, &count);
  List* list = NIL;
  for (int i = 0; i < count; ++i) {
    CHECK_FOR_INTERRUPTS();
    if (nulls[i]) reject_null(argument);
    list = is_text ? lappend(list, TextDatumGetCString(values[i]))
                   : lappend_oid(list, DatumGetObjectId(values[i]));
  }
  return list;
}

Datum names_of(List* indexes) {
  const int count = list_length(indexes);
  auto* names = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<std::size_t>(count + 1)));
  for (int i = 0; i < count; ++i)
    names[i] = CStringGetTextDatum(static_cast<HypotheticalIndex*>(list_nth(indexes, i))->name);
  return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

Datum json_of(char* text) { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text)); }

// The row is made in `keep`, everything else in the current context.
Row PlanOne(const char* text, HypotheticalSet* none, HypotheticalSet* set, MemoryContext keep) {
  AnalyzedStatement statement;
  Guarded([&] { statement = analyze_statement(text); });
  const PlannedStatement before = PlanStatement(statement, none);
  const PlannedStatement after = PlanStatement(statement, set);
  char* json_before = ExplainStatement(statement, before, none);
  char* json_after = ExplainStatement(statement, after, set);
  Row row;
  Guarded([&] {
    List* used = used_indexes(after, set);
    MemoryContext caller = MemoryContextSwitchTo(keep);
    row.values[0] = CStringGetTextDatum(text);
    row.values[1] = Float8GetDatum(before.cost);
    row.values[2] = Float8GetDatum(after.cost);
    row.values[3] = json_of(json_before);
    row.values[4] = json_of(json_after);
    row.values[5] = names_of(used);
    MemoryContextSwitchTo(caller);
  });
  return row;
}

void DefineSet(const Arguments& arguments, HypotheticalSet* set) {
  ListCell* cell;
  foreach (cell, arguments.create_indexes) {
    const char* text = static_cast<const char*>(lfirst(cell));
    try {
      Guarded([&] { define_hypothetical_index(set, text); });
    } catch (const PgError& error) {
      Guarded([&] {
        explain_error(error.data(), text,
                      "Each of create_indexes is one CREATE INDEX statement that "
                      "would succeed here.");
      });
      throw;
    }
  }
  Guarded([&] {
    ListCell* oid;
    foreach (oid, arguments.drop_indexes) hide_index(set, lfirst_oid(oid));
  });
}

// An error keeps its data in the context that was current, so contexts are deleted on success only;
// after an error they go with the caller's.
MemoryContext make_context(const char* name) {
  return AllocSetContextCreateInternal(CurrentMemoryContext, name, ALLOCSET_DEFAULT_SIZES);
}

void PlanBatch(const Arguments& arguments, int first, int count, Row* rows, MemoryContext keep) {
  HypotheticalSet* none = nullptr;
  HypotheticalSet* set = nullptr;
  MemoryContext memory = nullptr;
  Guarded([&] {
    none = make_hypothetical_set();
    set = make_hypothetical_set();
    memory = make_context("assist.what_if statement");
  });
  DefineSet(arguments, set);
  for (int i = 0; i < count; ++i) {
    const char* text = static_cast<const char*>(list_nth(arguments.queries, first + i));
    MemoryContext caller = MemoryContextSwitchTo(memory);
    try {
      Guarded([] { CHECK_FOR_INTERRUPTS(); });
      rows[i] = PlanOne(text, none, set, keep);
    } catch (const PgError& error) {
      Guarded([&] {
        explain_error(error.data(), text, "Each of queries is one statement that would run here.");
      });
      throw;
    }
    MemoryContextSwitchTo(caller);
    Guarded([&] { MemoryContextReset(memory); });
  }
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_what_if) {
  Arguments arguments = {NIL, NIL, NIL};
  WhatIfIdentity identity = {InvalidOid, nullptr};
  Guarded([&] {
    InitMaterializedSRF(fcinfo, 0);
    arguments.queries = read_array(fcinfo, 0, "queries");
    arguments.create_indexes = read_array(fcinfo, 1, "create_indexes");
    arguments.drop_indexes = read_array(fcinfo, 2, "drop_indexes");
    identity.userid = GetUserId();
  });
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  const int total = list_length(arguments.queries);
  int first = 0;
  do {  // also without queries: the index definitions are checked
    const int count = std::min(total - first, kBatch);
    Row rows[kBatch];
    MemoryContext caller = CurrentMemoryContext;
    MemoryContext batch = nullptr;
    Guarded([&] { batch = make_context("assist.what_if batch"); });
    MemoryContextSwitchTo(batch);
    InWhatIfContext(identity, [&] { PlanBatch(arguments, first, count, rows, batch); });
    MemoryContextSwitchTo(caller);
    Guarded([&] {
      bool nulls[kColumns] = {};
      for (int i = 0; i < count; ++i)
        tuplestore_putvalues(result->setResult, result->setDesc, rows[i].values, nulls);
      MemoryContextDelete(batch);
    });
    first += count;
  } while (first < total);
  return static_cast<Datum>(0);
}

ASSIST_SQL_FUNCTION(assist_index_size) {
  const char* create_index = nullptr;
  WhatIfIdentity identity = {InvalidOid, nullptr};
  Guarded([&] {
    create_index = text_to_cstring(PG_GETARG_TEXT_PP(0));
    identity.userid = GetUserId();
  });
  int64 bytes = 0;
  InWhatIfContext(identity, [&] {
    Arguments arguments = {NIL, NIL, NIL};
    HypotheticalSet* set = nullptr;
    Guarded([&] {
      arguments.create_indexes = list_make1(const_cast<char*>(create_index));
      set = make_hypothetical_set();
    });
    DefineSet(arguments, set);
    Guarded([&] {
      bytes = predicted_index_bytes(set, static_cast<HypotheticalIndex*>(linitial(set->indexes)));
    });
  });
  return Int64GetDatum(bytes);
}
