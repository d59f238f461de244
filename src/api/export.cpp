// assist.mask_text(), assist.mask_query(), and what assist.export() is made of.

#include "pg/guard.hpp"
#include "pg/masked_text.hpp"
#include "pg/row_sink.hpp"
#include "pg/settings.hpp"

extern "C" {
#include "lib/stringinfo.h"
#include "utils/jsonb.h"
}

namespace {

using namespace assist::pg;

// The values of these keys are SQL, or what stands in it.
bool is_sql(std::string_view key) {
  static constexpr std::string_view kKeys[] = {"query", "sql", "parameters", "expressions", "compared_with"};
  for (const std::string_view sql : kKeys)
    if (key == sql) return true;
  return false;
}

JsonbValue masked_string(const JsonbValue& value, Hide hide) {
  // Not terminated where it is.
  const std::string_view masked =
      MaskedCopy({pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len)), static_cast<Size>(value.val.string.len)}, hide);
  JsonbValue out;
  out.type = jbvString;
  out.val.string.val = const_cast<char*>(masked.data());
  out.val.string.len = static_cast<int>(masked.size());
  return out;
}

// Every string masked. Elements of an array are under the array's key.
Jsonb* masked_item(Jsonb* item) {
  JsonbIterator* iterator = JsonbIteratorInit(&item->root);
  JsonbParseState* state = nullptr;
  JsonbValue value, key;
  JsonbValue* result = nullptr;
  Hide hide = Hide::kSensitive;
  for (JsonbIteratorToken token; (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE;) {
    if (token == WJB_KEY) {
      key = value;
      hide = is_sql({key.val.string.val, static_cast<Size>(key.val.string.len)}) ? Hide::kConstants : Hide::kSensitive;
    }
    if ((token == WJB_VALUE || token == WJB_ELEM) && value.type == jbvString) value = masked_string(value, hide);
    const bool has_value = token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM;
    result = pushJsonbValue(&state, token, has_value ? &value : nullptr);
  }
  return JsonbValueToJsonb(result);
}

constexpr const char* kParts[] = {"statements", "plans", "predicates", "samples", "errors", "index_use", "recommendations", "history", "rules", "status"};

Datum Masked(FunctionCallInfo fcinfo, Hide hide) {
  const char* value = nullptr;
  Guarded([&] { value = text_to_cstring(PG_GETARG_TEXT_PP(0)); });
  const std::string_view masked = MaskedCopy(value, hide);
  Datum result{0};
  Guarded([&] { result = PointerGetDatum(cstring_to_text_with_len(masked.data(), static_cast<int>(masked.size()))); });
  return result;
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_mask_text) { return Masked(fcinfo, Hide::kSensitive); }

ASSIST_SQL_FUNCTION(assist_mask_query) { return Masked(fcinfo, Hide::kConstants); }

ASSIST_SQL_FUNCTION(assist_export_item) {
  Datum result{0};
  Guarded([&] {
    result = mask_literals == kMaskOff ? PG_GETARG_DATUM(0) : JsonbPGetDatum(masked_item(PG_GETARG_JSONB_P(0)));
  });
  return result;
}

// The parts that are asked for: all of them for NULL.
ASSIST_SQL_FUNCTION(assist_export_parts) {
  Datum result{0};
  Guarded([&] {
    Datum known[lengthof(kParts)];
    for (Size i = 0; i < lengthof(kParts); ++i) known[i] = CStringGetTextDatum(kParts[i]);
    if (PG_ARGISNULL(0)) {
      result = PointerGetDatum(construct_array(known, lengthof(kParts), TEXTOID, -1, false, TYPALIGN_INT));
      return;
    }
    Datum* wanted;
    bool* nulls;
    int count;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &wanted, &nulls, &count);
    for (int i = 0; i < count; ++i) {
      const char* name = nulls[i] ? "NULL" : TextDatumGetCString(wanted[i]);
      bool found = false;
      for (const char* part : kParts) found = found || (!nulls[i] && strcmp(name, part) == 0);
      if (found) continue;
      StringInfoData names;
      initStringInfo(&names);
      for (const char* part : kParts) appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", part);
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown part \"%s\"", name),
                      errhint("Parts: %s.", names.data)));
    }
    result = PG_GETARG_DATUM(0);
  });
  return result;
}
