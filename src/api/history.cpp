// Blocks of history as rows.

#include <algorithm>
#include <optional>

#include "assist/history.hpp"

#include "pg/analysis/analysis.hpp"
#include "pg/guard.hpp"
#include "pg/history/record.hpp"
#include "pg/memory.hpp"
#include "pg/own_sql.hpp"
#include "pg/row_sink.hpp"
#include "pg/settings.hpp"

extern "C" {
#include "tcop/utility.h"  // for PreventCommandIfReadOnly
#include "utils/timestamp.h"
}

namespace {

using namespace assist;
using namespace assist::pg;

HistoryBlock Decoded(std::string_view bytes, std::pmr::memory_resource* memory) {
  auto block = DecodeHistory(bytes, memory);
  if (!block.has_value())
    throw AssistError(ERRCODE_DATA_CORRUPTED, "this is not a block of history",
                      "Blocks are written by pg_assist alone, into assist.history_block.");
  return std::move(*block);
}

std::string_view bytes_of(Datum value) {
  const bytea* bytes = DatumGetByteaPP(value);
  return {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
}

double quantile_us(std::span<const BucketCount> histogram, double q) {
  uint64 counts[kLatencyBuckets] = {};
  for (const BucketCount& bucket : histogram) counts[bucket.bucket] = bucket.count;
  return LatencyQuantileMs(std::span<const uint64>(counts), q, 0, 1e12) * 1000;
}

void emit_numbers(RowSink& sink, const HistoryBlock& block, std::size_t row) {
  constexpr std::size_t kMostColumns = 64;
  Datum values[kMostColumns];
  Assert(block.values.size() <= kMostColumns);
  const int columns = static_cast<int>(block.values.size());
  for (int c = 0; c < columns; ++c)
    values[c] = Int64GetDatum(static_cast<int64>(block.values[static_cast<std::size_t>(c)][row]));
  sink.datum(PointerGetDatum(
      construct_array(values, columns, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
  const auto& histogram = block.histograms[row];
  for (const double q : {0.5, 0.95, 0.99, 1.0})
    if (histogram.empty())
      sink.null();
    else
      sink.float8(quantile_us(histogram, q));
}

void emit_row(RowSink& sink, const HistoryBlock& block, std::size_t row) {
  sink.int8(block.keys[row]);
  emit_numbers(sink, block, row);
  sink.end_row();
}

// The blocks of statements whose middle is in a period, added up.
struct Totals {
  HistoryBlock block;
  double observed_s = 0;
};
Totals Sum(FunctionCallInfo fcinfo, std::pmr::memory_resource* memory) {
  const Arg range[] = {
      PG_ARGISNULL(0) ? Arg::Null(Arg::Type::kMoment) : Arg::Moment(PG_GETARG_TIMESTAMPTZ(0)),
      PG_ARGISNULL(1) ? Arg::Null(Arg::Type::kMoment) : Arg::Moment(PG_GETARG_TIMESTAMPTZ(1))};
  constexpr std::size_t kAtOnce = 32;  // blocks in memory
  Totals totals{HistoryBlock(HistoryKind::kStatement, memory)};
  std::pmr::vector<HistoryBlock> blocks(memory);
  const auto merge = [&] {
    HistoryBlock sum = MergeHistory(blocks, memory);
    blocks.clear();
    blocks.push_back(std::move(sum));
  };
  assist::pg::Query(
      "SELECT observed, data FROM assist._history_finest WHERE kind = 1"
      " AND ($1 IS NULL OR start + (until - start) / 2 >= $1)"
      " AND ($2 IS NULL OR start + (until - start) / 2 < $2) ORDER BY start",
      range, [&](const Row& row) {
        blocks.push_back(Decoded(row.Text(1), memory));
        totals.observed_s += row.Real(0);
        if (blocks.size() == kAtOnce) merge();
      });
  if (!blocks.empty()) {
    merge();
    totals.block = std::move(blocks.front());
  }
  return totals;
}

struct Named {
  std::size_t row = 0;
  bool known = false;  // false: statements that are not told apart any more
  Oid userid = 0;
  std::int64_t queryid = 0;
  bool toplevel = false;
  std::pmr::string role, query;
  explicit Named(std::pmr::memory_resource* memory) : role(memory), query(memory) {}
};

// The statements of the block that the caller may see.
std::pmr::vector<Named> NamesOf(const HistoryBlock& block, bool all, Oid caller,
                                std::pmr::memory_resource* memory) {
  std::pmr::vector<Named> names(memory);
  if (all && block.rows() > 0 && block.keys.front() == 0) names.emplace_back(memory);
  const Arg whose[] = {Arg::Bool(all), Arg::Object(caller)};
  assist::pg::Query(
      "SELECT id, userid, role_name::text, queryid, toplevel, query FROM assist.history_statement"
      " WHERE $1 OR userid = $2 AND role_name = (SELECT rolname FROM pg_roles WHERE oid = $2)",
      whose, [&](const Row& row) {
        const auto key = static_cast<std::uint32_t>(row.Integer(0));
        const auto at = std::lower_bound(block.keys.begin(), block.keys.end(), key);
        if (at == block.keys.end() || *at != key) return;
        Named& name = names.emplace_back(memory);
        name.row = static_cast<std::size_t>(at - block.keys.begin());
        name.known = true;
        name.userid = row.Object(1);
        name.role = row.Text(2);
        name.queryid = row.Integer(3);
        name.toplevel = row.Flag(4);
        name.query = row.Text(5);
      });
  return names;
}

void emit_totals(FunctionCallInfo fcinfo, const Totals& totals,
                 const std::pmr::vector<Named>& names) {
  RowSink sink(fcinfo);
  for (const Named& name : names) {
    sink.oid(name.userid);
    name.role.empty() ? sink.null() : sink.text(name.role.c_str());
    name.known ? sink.int8(name.queryid) : sink.null();
    name.known ? sink.boolean(name.toplevel) : sink.null();
    name.query.empty() ? sink.null() : sink.text(name.query.c_str());
    sink.float8(totals.observed_s);
    emit_numbers(sink, totals.block, name.row);
    sink.end_row();
  }
  sink.finish();
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_statement_totals) {
  const bool all = Guarded([] { return reads_all_stats(); });
  const Oid caller = GetUserId();
  const ScopedContext context("assist history totals");
  ContextResource memory(context.get());
  std::optional<Totals> totals;
  std::pmr::vector<Named> names(&memory);
  {
    const OwnerScope scope;
    totals.emplace(Sum(fcinfo, &memory));
    names = NamesOf(totals->block, all, caller, &memory);
  }
  Guarded([&] { emit_totals(fcinfo, *totals, names); });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_history_rows) {
  std::string_view bytes;
  Guarded([&] { bytes = bytes_of(PG_GETARG_DATUM(0)); });
  ContextResource memory(CurrentMemoryContext);
  const HistoryBlock block = Decoded(bytes, &memory);
  Guarded([&] {
    RowSink sink(fcinfo);
    for (std::size_t row = 0; row < block.rows(); ++row) emit_row(sink, block, row);
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_history_merge) {
  Datum* items = nullptr;
  bool* nulls = nullptr;
  int count = 0;
  Guarded([&] {
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), BYTEAOID, -1, false, TYPALIGN_INT, &items, &nulls,
                      &count);
  });
  ContextResource memory(CurrentMemoryContext);
  std::pmr::vector<HistoryBlock> blocks(&memory);
  for (int i = 0; i < count; ++i) {
    if (nulls[i]) continue;
    std::string_view bytes;
    Guarded([&] {
      CHECK_FOR_INTERRUPTS();
      bytes = bytes_of(items[i]);
    });
    blocks.push_back(Decoded(bytes, &memory));
    if (blocks.back().kind != blocks.front().kind)
      throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "these are blocks of different kinds",
                        "Merge those of one kind.");
  }
  std::pmr::string merged(&memory);
  AppendEncoded(merged, MergeHistory(blocks, &memory));
  Datum result{0};
  Guarded([&] {
    result =
        PointerGetDatum(cstring_to_text_with_len(merged.data(), static_cast<int>(merged.size())));
  });
  return result;
}

ASSIST_SQL_FUNCTION(assist_record_history) {
  Guarded([] { require_preload(); });
  RunAnalysis({.categories = 0, .own_transactions = false, .only_record = true});
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_forget) {
  const TimestampTz before = PG_GETARG_TIMESTAMPTZ(0);
  Guarded([] { PreventCommandIfReadOnly("assist.forget()"); });
  return Int64GetDatum(ForgetHistory(before));
}
