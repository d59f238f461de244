// assist.mark.

#include "pg/event/record.hpp"

extern "C" {
#include "tcop/utility.h"  // for PreventCommandIfReadOnly
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

namespace {
using namespace assist::pg;  // NOLINT: SQL functions are written in terms of the adapter
}

ASSIST_SQL_FUNCTION(assist_mark) {
  if (PG_ARGISNULL(0))
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "title must not be null",
                      "Say what happened: SELECT assist.mark('release 4.2');");
  Guarded([] { PreventCommandIfReadOnly("assist.mark()"); });
  const text* title = Guarded([&] { return PG_GETARG_TEXT_PP(0); });
  return TimestampTzGetDatum(RecordMark({VARDATA_ANY(title), VARSIZE_ANY_EXHDR(title)}));
}
