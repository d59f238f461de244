// assist.generate_migration, assist.migration_script.

#include <algorithm>
#include <string>
#include <vector>

#include "assist/migration.hpp"
#include "pg/memory.hpp"
#include "pg/recommend/facts.hpp"
#include "pg/row_sink.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
}

namespace {

using namespace assist;
using namespace assist::pg;

Datum interval_of(double ms) {
  auto* interval = static_cast<Interval*>(palloc0(sizeof(Interval)));
  interval->time = static_cast<TimeOffset>(ms * 1000);
  return IntervalPGetDatum(interval);
}

void text_or_null(RowSink& sink, std::string_view value) {
  if (value.empty())
    sink.null();
  else
    sink.text(value.data(), value.size());
}

void emit_step(RowSink& sink, const MigrationStep& step) {
  const std::string_view direction = ToString(step.direction), blocks = ToString(step.blocks);
  sink.int4(step.step);
  sink.text(direction.data(), direction.size());
  sink.text(step.sql.data(), step.sql.size());
  sink.boolean(step.transactional);
  text_or_null(sink, step.lock_level);
  sink.text(blocks.data(), blocks.size());
  sink.int8(static_cast<int64>(step.estimated_rows));
  sink.datum(interval_of(step.estimated_ms));
  sink.boolean(step.destructive);
  text_or_null(sink, step.note);
  text_or_null(sink, step.verify);
  sink.end_row();
}

void Emit(FunctionCallInfo fcinfo, const Migration& migration) {
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const MigrationStep& step : migration) emit_step(sink, step);
    sink.finish();
  });
}

// Up steps in the order of the ids, down steps in the opposite one, each direction numbered from 1.
Migration Combine(const std::vector<std::int64_t>& ids, std::pmr::memory_resource* memory) {
  std::vector<Migration> parts;
  for (const std::int64_t id : ids) {
    const StoredRecommendation stored = ReadRecommendation(id, memory);
    parts.push_back(GenerateMigration(stored.action, stored.facts, memory));
  }
  Migration all(memory);
  const auto take = [&](const Migration& part, Direction direction, std::int32_t& number) {
    for (const MigrationStep& step : part) {
      if (step.direction != direction) continue;
      all.push_back(step);
      all.back().step = ++number;
    }
  };
  std::int32_t up = 0, down = 0;
  for (const Migration& part : parts) take(part, Direction::kUp, up);
  for (auto part = parts.rbegin(); part != parts.rend(); ++part)
    take(*part, Direction::kDown, down);
  return all;
}

// Ids in their order, each once. Throws for nulls.
std::vector<std::int64_t> IdsOf(FunctionCallInfo fcinfo) {
  Datum* values = nullptr;
  bool* nulls = nullptr;
  int count = 0;
  Guarded([&] {
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
                      &values, &nulls, &count);
  });
  std::vector<std::int64_t> ids;
  for (int i = 0; i < count; ++i) {
    if (nulls[i])
      throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE,
                        "recommendation_ids must not contain nulls",
                        "assist.recommendations lists the recommendations.");
    const std::int64_t id = DatumGetInt64(values[i]);
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_generate_migration) {
  const ScopedContext context("assist migration");
  ContextResource upstream(context.get());
  std::pmr::monotonic_buffer_resource memory(&upstream);
  Emit(fcinfo, Combine({PG_GETARG_INT64(0)}, &memory));
  return static_cast<Datum>(0);
}

ASSIST_SQL_FUNCTION(assist_generate_migrations) {
  const ScopedContext context("assist migration");
  ContextResource upstream(context.get());
  std::pmr::monotonic_buffer_resource memory(&upstream);
  Emit(fcinfo, Combine(IdsOf(fcinfo), &memory));
  return static_cast<Datum>(0);
}

ASSIST_SQL_FUNCTION(assist_migration_script) {
  const ScopedContext context("assist migration");
  ContextResource upstream(context.get());
  std::pmr::monotonic_buffer_resource memory(&upstream);
  const StoredRecommendation stored = ReadRecommendation(PG_GETARG_INT64(0), &memory);
  const Migration migration = GenerateMigration(stored.action, stored.facts, &memory);
  const std::pmr::string script =
      MigrationScript(stored.title, stored.rationale, migration, &memory);
  return Guarded([&] {
    return PointerGetDatum(
        cstring_to_text_with_len(script.data(), static_cast<int>(script.size())));
  });
}
