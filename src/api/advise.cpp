// assist.advise_indexes: the set of indexes that would serve a workload best.

#include <optional>

#include "pg/advise/index_advisor.hpp"
#include "pg/memory.hpp"
#include "pg/progress.hpp"
#include "pg/own_sql.hpp"
#include "pg/row_sink.hpp"
#include "pg/snapshot/reader.hpp"

extern "C" {
#include "lib/stringinfo.h"
#include "miscadmin.h"         // for GetUserId
#include "utils/fmgrprotos.h"  // for jsonb_in
}

namespace {

using namespace assist;
using namespace assist::pg;

struct Arguments {
  double budget;  // < 0: none
  int count;
  const char** queries;  // nullptr: what was observed
};

Arguments read_arguments(FunctionCallInfo fcinfo) {
  Arguments arguments = {-1, 0, nullptr};
  if (!PG_ARGISNULL(0)) {
    arguments.budget = static_cast<double>(PG_GETARG_INT64(0));
    if (arguments.budget < 0)
      ereport(
          ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("budget_bytes must not be negative"),
           errhint("Give the bytes that all of the indexes may take, or NULL for no limit.")));
  }
  if (PG_ARGISNULL(1)) return arguments;
  ArrayType* array = PG_GETARG_ARRAYTYPE_P(1);
  Datum* values;
  bool* nulls;
  deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &arguments.count);
  arguments.queries =
      static_cast<const char**>(palloc(sizeof(char*) * static_cast<Size>(arguments.count + 1)));
  for (int i = 0; i < arguments.count; ++i) {
    if (nulls[i])
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("queries must not be null"),
                      errhint("Give an array without null elements.")));
    arguments.queries[i] = TextDatumGetCString(values[i]);
  }
  return arguments;
}

Datum query_ids(const ProposedIndex& proposed) {
  const auto count = static_cast<int>(proposed.helped.size());
  auto* ids = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(count + 1)));
  for (int i = 0; i < count; ++i)
    ids[i] = Int64GetDatum(proposed.helped[static_cast<std::size_t>(i)].query_id);
  return PointerGetDatum(construct_array(ids, count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

Datum statements_of(const ProposedIndex& proposed, bool given) {
  StringInfoData out;
  initStringInfo(&out);
  appendStringInfoChar(&out, '[');
  for (const ProposedIndex::Helped& helped : proposed.helped) {
    if (out.len > 1) appendStringInfoString(&out, ", ");
    appendStringInfo(&out, "{\"queryid\": " INT64_FORMAT, static_cast<int64>(helped.query_id));
    if (!given)
      appendStringInfo(&out,
                       ", \"calls_per_day\": %.4g, \"mean_ms\": %.4g, \"saved_ms_per_day\": %.4g",
                       helped.calls_per_day, helped.mean_ms, helped.saved_ms_per_day);
    appendStringInfo(&out, ", \"cost_before\": %.2f, \"cost_after\": %.2f}", helped.cost_before,
                     helped.cost_after);
  }
  appendStringInfoChar(&out, ']');
  return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

Datum names_of(const AdvisedIndex* advised) {
  const auto count = static_cast<int>(advised->redundant.size());
  auto* names = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(count + 1)));
  for (int i = 0; i < count; ++i) {
    const std::string_view name = advised->redundant[static_cast<std::size_t>(i)]->qualified;
    names[i] =
        PointerGetDatum(cstring_to_text_with_len(name.data(), static_cast<int>(name.size())));
  }
  return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

void put_row(RowSink* rows, int rank, const AdvisedIndex* advised, bool given) {
  const ProposedIndex& proposed = advised->proposed;
  rows->int4(rank);
  rows->text(proposed.definition.data(), proposed.definition.size());
  rows->int8(proposed.predicted_bytes);
  rows->float8(advised->cost_before);
  rows->float8(advised->cost_after);
  rows->datum(query_ids(proposed));
  if (given) {
    rows->null();
    rows->null();
  } else {
    double saved = 0;
    for (const ProposedIndex::Helped& helped : proposed.helped) saved += helped.saved_ms_per_day;
    rows->float8(saved);
    rows->float8(proposed.write_ms_per_day);
  }
  rows->float8(advised->confidence);
  rows->datum(names_of(advised));
  rows->datum(statements_of(proposed, given));
  rows->end_row();
}

// How good it is, in one line.
void report(const Advice* advice, bool given) {
  const double reached = advice->cost_after + advice->upkeep;
  const double share =
      advice->cost_before > 0 ? 100 * advice->cost_after / advice->cost_before : 100;
  StringInfoData good;
  initStringInfo(&good);
  if (advice->bound > 0)
    appendStringInfo(&good, ", within %.1f %% of the best choice among %d candidates",
                     100 * (reached / advice->bound - 1), advice->candidates);
  ereport(NOTICE,
          (errmsg("%d indexes for %d %sstatements: cost %.1f %% of what it is now%s",
                  static_cast<int>(advice->indexes.size()), advice->statements,
                  given ? "" : "observed ", share, good.data),
           errdetail("%lld plans; %.0f ms of processor time to read the statements, %.0f ms to "
                     "choose, %.0f ms to find out how good that is.",
                     static_cast<long long>(advice->plans), advice->analysis_ms,
                     advice->selection_ms, advice->bound_ms)));
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_advise_indexes) {
  Arguments arguments = {-1, 0, nullptr};
  AdviceRequest request;
  bool all = false;
  Guarded([&] {
    arguments = read_arguments(fcinfo);
    request.user = GetUserId();
    all = reads_all_stats();
    if (PG_NARGS() > 2 && !PG_ARGISNULL(2)) request.index_bytes = PG_GETARG_OID(2);
  });
  request.budget_bytes = arguments.budget;
  request.given = arguments.queries != nullptr;
  request.cpu_limit_ms = 60000;
  request.bound = true;
  request.texts = {arguments.queries, static_cast<std::size_t>(arguments.count)};
  const bool given = request.given;

  const ProgressScope progress(ProgressOf::kAdviseIndexes);
  tell_phase(ProgressPhase::kReadingCatalogs);
  const ScopedContext context("assist advise_indexes");
  ContextResource memory(context.get());
  std::optional<assist::Snapshot> snapshot;
  std::pmr::vector<Oid> unread(&memory);
  {
    const OwnerScope scope;
    ReadSnapshotAgain(snapshot, unread);
  }
  // Who may not see what others did gets advice for what they did themselves.
  if (!given && !all)
    std::erase_if(snapshot->statements,
                  [&](const Statement& statement) { return statement.user != request.user; });
  const Advice advice = AdviseIndexes(*snapshot, request, &memory);
  Guarded([&] {
    RowSink rows(fcinfo);
    int rank = 0;
    for (const AdvisedIndex& advised : advice.indexes) put_row(&rows, ++rank, &advised, given);
    rows.finish();
    report(&advice, given);
  });
  return static_cast<Datum>(0);
}
