// assist.import_history(): series from outside.

#include <charconv>
#include <cmath>
#include <cstdio>

#include "core/text/csv.hpp"
#include "pg/guard.hpp"
#include "pg/own_sql.hpp"

extern "C" {
#include "mb/pg_wchar.h"
#include "tcop/utility.h"  // for PreventCommandIfReadOnly
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"
}

namespace {

using namespace assist::pg;

constexpr std::size_t kBatch = 10000;  // rows

struct Batch {
  std::vector<std::string> metrics, objects, times, values;

  std::int64_t Write() {
    if (metrics.empty()) return 0;
    const auto views = [](const std::vector<std::string>& texts) {
      return std::vector<std::string_view>(texts.begin(), texts.end());
    };
    const auto m = views(metrics), o = views(objects), t = views(times), v = views(values);
    const Arg args[] = {Arg::Texts(m), Arg::Texts(o), Arg::Texts(t), Arg::Texts(v)};
    const std::int64_t written = Execute(
        "INSERT INTO assist.history_imported (metric, object, at, value)"
        " SELECT DISTINCT ON (m, o, t::timestamptz) m, o, t::timestamptz, v::float8 FROM "
        "unnest($1, $2, $3, $4) WITH ORDINALITY u (m, o, t, v, n)"
        " ORDER BY m, o, t::timestamptz, n DESC"
        " ON CONFLICT (metric, object, at) DO UPDATE SET value = excluded.value",
        args);
    *this = {};
    return written;
  }
};

bool IsHeader(const std::vector<std::string>& fields) {
  return fields[0] == "metric" && fields[1] == "object" && fields[2] == "time" &&
         fields[3] == "value";
}

bool IsNumber(const std::string& text) {
  constexpr const char* kSpace = " \t";
  const std::size_t first = text.find_first_not_of(kSpace), last = text.find_last_not_of(kSpace);
  if (first == std::string::npos) return false;
  const char* begin = text.data() + first + (text[first] == '+' ? 1 : 0);
  double value = 0;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + last + 1 && std::isfinite(value);
}

// As the server reads moments; neither infinity nor what means the present.
bool is_moment(const char* text) {
  char work[MAXDATELEN + MAXDATEFIELDS];
  char* field[MAXDATEFIELDS];
  int types[MAXDATEFIELDS], fields = 0;
  if (strlen(text) > MAXDATELEN ||
      ParseDateTime(text, work, sizeof work, field, types, MAXDATEFIELDS, &fields) != 0)
    return false;
  struct pg_tm tm;
  fsec_t fsec;
  int kind = 0, zone = 0;
  if (!assist_decode_moment(field, types, fields, &kind, &tm, &fsec, &zone) || kind != DTK_DATE)
    return false;
  TimestampTz moment;
  return tm2timestamp(&tm, fsec, &zone, &moment) == 0 && IS_VALID_TIMESTAMP(moment);
}
bool IsMoment(const std::string& text) {
  return Guarded([&] { return is_moment(text.c_str()); });
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_import_history) {
  const char* bytes = nullptr;
  Guarded([&] {
    PreventCommandIfReadOnly("assist.import_history()");
    bytes = TextDatumGetCString(PG_GETARG_DATUM(0));
  });
  const std::string_view csv(bytes);
  const OwnerScope scope;
  Batch batch;
  std::int64_t written = 0;
  assist::text::CsvError error;
  const bool read = assist::text::ReadCsv(
      csv, error, [&](std::vector<std::string>& fields, std::size_t line) -> const char* {
        if (fields.size() != 4) return "a row has four fields: metric, object, time, value";
        if (line == 1 && IsHeader(fields)) return nullptr;
        if (fields[0].empty()) return "a metric has a name";
        if (!IsMoment(fields[2])) return "its time is none: as 2026-11-20 10:00+00";
        if (!IsNumber(fields[3])) return "its value is no finite number";
        batch.metrics.push_back(std::move(fields[0]));
        batch.objects.push_back(std::move(fields[1]));
        batch.times.push_back(std::move(fields[2]));
        batch.values.push_back(std::move(fields[3]));
        if (batch.metrics.size() == kBatch) {
          Guarded([] { CHECK_FOR_INTERRUPTS(); });
          written += batch.Write();
        }
        return nullptr;
      });
  if (!read) {
    char message[200];
    std::snprintf(message, sizeof message, "line %zu of the series: %s", error.line, error.problem);
    const int position =
        Guarded([&] { return pg_mbstrlen_with_len(bytes, static_cast<int>(error.offset)) + 1; });
    throw AssistError(ERRCODE_SYNTAX_ERROR, message,
                      "Give CSV with the columns metric, object, time, value, with or without a "
                      "line that names them.",
                      position);
  }
  written += batch.Write();
  return Int64GetDatum(written);
}
