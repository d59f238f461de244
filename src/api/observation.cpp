// assist._statements() and its like: what the views of sql/20_observation.sql read.
//
// Each function reads the store into C++ rows first, with no ERROR possible, and then hands them to the
// server in one guarded call. Roles without pg_read_all_stats see their own statements.

#include <cmath>

#include "pg/block_text.hpp"
#include "pg/store/constants.hpp"
#include "pg/foreign_text.hpp"
#include "pg/guard.hpp"
#include "pg/mask.hpp"
#include "pg/masked_text.hpp"
#include "pg/row_sink.hpp"
#include "pg/settings.hpp"
#include "pg/store/read.hpp"

extern "C" {
#include "mb/pg_wchar.h"
#include "miscadmin.h"
}

namespace {

using namespace assist::pg;  // NOLINT: this file is the store's face in SQL

constexpr double kMs = 1e-6;  // nanoseconds to milliseconds

struct Viewer {
  bool all;
  Oid user;
  bool sees(const StatementKey& key) const { return all || key.userid == user; }
};

Viewer BeginReading() {
  Viewer viewer = {false, InvalidOid};
  Guarded([&] {
    require_preload();
    viewer = {reads_all_stats(), GetUserId()};
  });
  return viewer;
}

void put_key(RowSink& sink, const StatementKey& key) {
  sink.oid(key.userid);
  sink.oid(key.dbid);
  sink.int8(static_cast<int64>(key.queryid));
  sink.boolean(key.toplevel);
}

// Texts come from other databases too: their encoding may be another one.
void put_text(RowSink& sink, Oid dbid, const std::string& text) {
  Size length = text.size();
  const char* here = text_here(dbid, text.data(), &length);
  sink.text(here, length);
}

void put_json(RowSink& sink, Oid dbid, const char* json, Size length) {
  if (length == 0) {
    sink.null();
    return;
  }
  const char* here = text_here(dbid, json, &length);
  sink.datum(DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(here, length))));
}

// The values of a constants block; NULL when none were kept or may be shown.
void put_parameters(RowSink& sink, Oid dbid, const char* block, Size bytes) {
  if (bytes == 0 || !sample_parameters) {
    sink.null();
    return;
  }
  constexpr int kMost = 256;
  Datum values[kMost];
  bool nulls[kMost];
  ConstantsReader reader(block, bytes);
  int n = 0;
  for (ConstantRead constant; n < kMost && reader.next(&constant); ++n) {
    nulls[n] = !constant.known;
    values[n] = Datum{0};
    if (!constant.known) continue;
    auto length = static_cast<Size>(constant.length);
    const char* here = text_here(dbid, constant.literal, &length);
    if (mask_literals != kMaskOff) {
      const std::string_view masked =
          MaskedCopy({pnstrdup(here, length), length}, mask_literals == kMaskOn ? Hide::kConstants : Hide::kSensitive);
      here = masked.data();
      length = masked.size();
    }
    values[n] = PointerGetDatum(cstring_to_text_with_len(here, static_cast<int>(length)));
  }
  int dims[1] = {n};
  int lower[1] = {1};
  sink.datum(PointerGetDatum(
      construct_md_array(values, nulls, 1, dims, lower, TEXTOID, -1, false, TYPALIGN_INT)));
}

Datum field_text(const char* field, Size bytes) {
  char* text = static_cast<char*>(palloc(bytes + 1));
  const Size length = read_field(field, bytes, text);
  return PointerGetDatum(cstring_to_text_with_len(text, static_cast<int>(length)));
}

// Splits lines "oid name" into two arrays.
void put_relations(RowSink& sink, Oid dbid, const std::string& lines) {
  Datum oids[64], names[64];
  int n = 0;
  Size bytes = lines.size();
  const char* here = text_here(dbid, lines.data(), &bytes);
  const char* p = pnstrdup(here, bytes);
  while (*p != '\0' && n < 64) {
    char* rest;
    const auto oid = static_cast<Oid>(strtoul(p, &rest, 10));
    const char* name = *rest == ' ' ? rest + 1 : rest;
    const char* end = strchr(name, '\n');
    const Size length = end != nullptr ? static_cast<Size>(end - name) : strlen(name);
    oids[n] = ObjectIdGetDatum(oid);
    names[n++] = field_text(name, length);
    p = name + length + (end != nullptr ? 1 : 0);
  }
  sink.datum(PointerGetDatum(construct_array(oids, n, OIDOID, sizeof(Oid), true, TYPALIGN_INT)));
  sink.datum(PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT)));
}

double stddev_ms(const Counters& sums) {
  if (sums.calls < 1) return 0;
  const auto n = static_cast<long double>(sums.calls);
  const auto total = static_cast<long double>(sums.exec_ns);
  const long double variance = (static_cast<long double>(sums.exec_ns2) - total * total / n) / n;
  return variance > 0 ? static_cast<double>(sqrtl(variance)) * kMs : 0;
}

double quantile_ms(const uint64* latency, double q, double min_ms, double max_ms) {
  return assist::LatencyQuantileMs(std::span<const uint64>(latency, assist::kLatencyBuckets), q, min_ms, max_ms);
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_statements) {
  const Viewer viewer = BeginReading();
  const std::vector<StatementRow> rows = ReadStatements(true);
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const StatementRow& row : rows) {
      const Counters& s = row.sums;
      if (!viewer.sees(row.key) || (s.calls | s.errors | s.plans) == 0) continue;
      put_key(sink, row.key);
      if (row.has_text)
        put_text(sink, row.key.dbid, row.text);
      else
        sink.null();
      sink.boolean(row.cut);
      row.command.empty() ? sink.null() : sink.text(row.command.c_str());
      put_relations(sink, row.key.dbid, row.relations);
      sink.int8(static_cast<int64>(s.calls));
      sink.int8(static_cast<int64>(s.plans));
      sink.int8(static_cast<int64>(s.errors));
      sink.float8(static_cast<double>(s.plan_ns) * kMs);
      sink.float8(static_cast<double>(s.exec_ns) * kMs);
      const double min_ms = s.calls > 0 && row.min_ns != PG_UINT64_MAX ? static_cast<double>(row.min_ns) * kMs : 0;
      const double max_ms = static_cast<double>(row.max_ns) * kMs;
      const double top_ms = max_ms > 0 ? max_ms : 1e12;
      sink.float8(min_ms);
      sink.float8(max_ms);
      sink.float8(s.calls > 0 ? static_cast<double>(s.exec_ns) * kMs / static_cast<double>(s.calls) : 0);
      sink.float8(stddev_ms(s));
      for (const double q : {0.5, 0.95, 0.99}) sink.float8(quantile_ms(row.latency, q, min_ms, top_ms));
      sink.int8(static_cast<int64>(s.rows));
      sink.int8(static_cast<int64>(s.blks_hit));
      sink.int8(static_cast<int64>(s.blks_read));
      sink.int8(static_cast<int64>(s.blks_dirtied));
      sink.int8(static_cast<int64>(s.temp_read));
      sink.int8(static_cast<int64>(s.temp_written));
      sink.int8(static_cast<int64>(s.wal_bytes));
      sink.float8(static_cast<double>(s.jit_ns) * kMs);
      sink.int4(static_cast<int32>(row.plan_count));
      sink.int8(static_cast<int64>(s.sampled));
      sink.moment(row.first_seen);
      sink.moment(row.last_seen);
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_plans) {
  const Viewer viewer = BeginReading();
  const std::vector<PlanRow> rows = ReadPlans();
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const PlanRow& row : rows) {
      if (!viewer.sees(row.key)) continue;
      put_key(sink, row.key);
      sink.int8(static_cast<int64>(row.planid));
      sink.int8(static_cast<int64>(row.calls));
      sink.float8(static_cast<double>(row.exec_ns) * kMs);
      sink.float8(row.calls > 0 ? static_cast<double>(row.exec_ns) * kMs / static_cast<double>(row.calls) : 0);
      sink.float8(quantile_ms(row.latency, 0.95, 0, 1e12));
      row.estimated_cost > 0 ? sink.float8(row.estimated_cost) : sink.null();
      row.misestimate >= 1 ? sink.float8(row.misestimate) : sink.null();
      row.misestimate > 1 ? sink.text(row.underestimated ? "under" : "over") : sink.null();
      put_json(sink, row.key.dbid, row.plan.data(), row.plan.size());
      sink.int8(static_cast<int64>(row.sampled));
      sink.moment(row.first_seen);
      sink.moment(row.last_seen);
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}

namespace {

// One line of a predicate's description: up to the tab or the line's end.
const char* next_field(const char** at, Size* length) {
  const char* start = *at;
  *length = strcspn(start, "\t\n");
  *at = start + *length + (start[*length] != '\0' ? 1 : 0);
  return start;
}

Datum text_array(Datum* values, int n) {
  return PointerGetDatum(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
}

// relation_name, columns, expressions, operators, compared_with of a description block.
void put_description(RowSink& sink, Oid dbid, const std::string& block, bool masked) {
  constexpr int kMost = 32;
  Datum columns[kMost], expressions[kMost], operators[kMost], compared[kMost];
  int n = 0;
  Size bytes = block.size();
  const char* here = text_here(dbid, block.data(), &bytes);
  const char* at = pnstrdup(here, bytes);
  Size length;
  const char* field = next_field(&at, &length);
  sink.datum(field_text(field, length));
  while (*at != '\0' && n < kMost) {
    field = next_field(&at, &length);
    // In another encoding a name may have become longer than names are.
    char* column = static_cast<char*>(palloc(length + 1));
    column[length = read_field(field, length, column)] = '\0';
    auto* name = static_cast<Name>(palloc0(NAMEDATALEN));
    memcpy(NameStr(*name), column, static_cast<Size>(pg_mbcliplen(column, static_cast<int>(length), NAMEDATALEN - 1)));
    columns[n] = NameGetDatum(name);
    field = next_field(&at, &length);
    expressions[n] = field_text(field, length);
    if (masked) {
      const text* whole = DatumGetTextPP(expressions[n]);
      char* out = static_cast<char*>(palloc(VARSIZE_ANY_EXHDR(whole) + 1));  // ? is no longer than a constant
      const int used = mask_constants(text_to_cstring(whole), static_cast<int>(VARSIZE_ANY_EXHDR(whole)), 0, out);
      expressions[n] = PointerGetDatum(cstring_to_text_with_len(out, used));
    }
    field = next_field(&at, &length);
    operators[n] = field_text(field, length);
    field = next_field(&at, &length);
    compared[n++] = field_text(field, length);
  }
  sink.datum(PointerGetDatum(construct_array(columns, n, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR)));
  sink.datum(text_array(expressions, n));
  sink.datum(text_array(operators, n));
  sink.datum(text_array(compared, n));
}

bool is_spill(const PredicateRow& row) {
  return row.entry.use == PredicateUse::kSpillSort || row.entry.use == PredicateUse::kSpillHash;
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_predicates) {
  const Viewer viewer = BeginReading();
  const std::vector<PredicateRow> rows = ReadPredicates();
  Guarded([&] {
    static const char* const kUses[] = {"filter", "index", "join", "sort", "group"};
    // Constants inside expressions (payload ->> 'status') are part of an index: superusers see them.
    const bool masked = !superuser();
    RowSink sink(fcinfo);
    for (const PredicateRow& row : rows) {
      if (!viewer.sees(row.key) || is_spill(row) || row.description.empty()) continue;
      const PredicateEntry& e = row.entry;
      put_key(sink, row.key);
      sink.int8(static_cast<int64>(e.planid));
      sink.oid(e.relid);
      put_description(sink, row.key.dbid, row.description, masked);
      sink.text(kUses[static_cast<int>(e.use)]);
      sink.int8(static_cast<int64>(e.executions));
      sink.float8(e.rows_in / e.executions);
      sink.float8(e.rows_out / e.executions);
      e.rows_in > 0 ? sink.float8(e.rows_out / e.rows_in > 1 ? 1 : e.rows_out / e.rows_in) : sink.null();
      e.estimated_selectivity > 0 ? sink.float8(e.estimated_selectivity / e.executions) : sink.null();
      sink.boolean(e.limited);
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_spills) {
  const Viewer viewer = BeginReading();
  const std::vector<PredicateRow> rows = ReadPredicates();
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const PredicateRow& row : rows) {
      if (!viewer.sees(row.key) || !is_spill(row)) continue;
      const PredicateEntry& e = row.entry;
      put_key(sink, row.key);
      sink.int8(static_cast<int64>(e.planid));
      sink.text(e.use == PredicateUse::kSpillSort ? "sort" : "hash");
      sink.float8(e.executions);
      sink.float8(e.rows_in / e.executions);
      sink.float8(e.estimated_selectivity);
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_samples) {
  const Viewer viewer = BeginReading();
  const std::vector<SampleRow> rows = ReadSamples();
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const SampleRow& row : rows) {
      if (!viewer.sees(row.key) || row.block.size() < sizeof(SampleHead)) continue;
      SampleHead head;
      memcpy(&head, row.block.data(), sizeof head);
      put_key(sink, row.key);
      sink.int8(static_cast<int64>(row.planid));
      sink.moment(head.at);
      sink.float8(static_cast<double>(head.exec_ns) * kMs);
      sink.int8(static_cast<int64>(head.rows));
      put_parameters(sink, row.key.dbid, row.block.data() + sizeof head, head.constants_bytes);
      sink.text(head.application);
      const Size skip = sizeof head + head.constants_bytes;
      put_json(sink, row.key.dbid, row.block.data() + skip, row.block.size() - skip);
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_errors) {
  const Viewer viewer = BeginReading();
  const std::vector<ErrorRow> rows = ReadErrors();
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const ErrorRow& row : rows) {
      if (!viewer.sees(row.key)) continue;
      put_key(sink, row.key);
      sink.text(unpack_sql_state(row.entry.sqlstate));
      sink.int8(static_cast<int64>(row.entry.errors));
      row.entry.message[0] != '\0' ? put_text(sink, row.key.dbid, row.entry.message) : sink.null();
      sink.moment(row.entry.last_seen);
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_index_use) {
  BeginReading();
  const std::vector<IndexCounter> rows = ReadIndexes();
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const IndexCounter& row : rows) {
      sink.oid(row.dbid);
      sink.oid(row.indexid);
      sink.int8(static_cast<int64>(row.executor_scans));
      sink.int8(static_cast<int64>(row.tuples));
      sink.moment(row.last_use);
      sink.int8(static_cast<int64>(row.constraint_checks));
      sink.end_row();
    }
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_reset) {
  Guarded([&] {
    require_preload();
    reset_store(PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0),
                PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1),
                PG_ARGISNULL(2) ? 0 : static_cast<uint64>(PG_GETARG_INT64(2)));
  });
  PG_RETURN_VOID();
}
