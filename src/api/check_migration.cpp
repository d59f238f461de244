// assist.check_migration: the hazards of running a script here, without running it.

#include <string_view>

#include "assist/migration_check.hpp"
#include "pg/memory.hpp"
#include "pg/migrate/script.hpp"
#include "pg/row_sink.hpp"
#include "pg/suppress.hpp"

extern "C" {
#include "utils/snapmgr.h"
}

namespace {

using namespace assist;
using namespace assist::pg;

void text_or_null(RowSink& sink, std::string_view value) {
  if (value.empty())
    sink.null();
  else
    sink.text(value.data(), value.size());
}

void emit_hazard(RowSink& sink, const check::Hazard& hazard) {
  const std::string_view severity = ToString(hazard.severity), blocks = ToString(hazard.blocks);
  sink.int4(hazard.statement);
  text_or_null(sink, hazard.name);
  sink.text(severity.data(), severity.size());
  text_or_null(sink, hazard.lock);
  text_or_null(sink, hazard.object);
  text_or_null(sink, hazard.explanation);
  text_or_null(sink, hazard.safe);
  sink.int4(hazard.line);
  sink.int4(hazard.position);
  sink.text(blocks.data(), blocks.size());
  if (hazard.rows >= 0)
    sink.int8(static_cast<int64>(hazard.rows));
  else
    sink.null();
  if (hazard.ms >= 0) {
    auto* interval = static_cast<Interval*>(palloc0(sizeof(Interval)));
    interval->time = static_cast<TimeOffset>(hazard.ms * 1000);
    sink.datum(IntervalPGetDatum(interval));
  } else {
    sink.null();
  }
  sink.end_row();
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_check_migration) {
  const char* data = nullptr;
  int length = 0;
  Guarded([&] {
    text* script = PG_GETARG_TEXT_PP(0);
    data = VARDATA_ANY(script);
    length = static_cast<int>(VARSIZE_ANY_EXHDR(script));
  });
  const std::string_view source(data, static_cast<std::size_t>(length));
  const CaptureSuppressed quiet;  // what is read here is not the users' doing
  Script script = ReadScript(source);
  const check::Database database = ReadDatabase(script);
  EstimateChanges(script, database);
  const check::List<check::Hazard> hazards = check::CheckScript(script.statements, database);
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const check::Hazard& hazard : hazards) emit_hazard(sink, hazard);
    sink.finish();
  });
  return static_cast<Datum>(0);
}
