// assist.refresh, the review functions, and the argument check of assist.recommendations().

#include <string>

#include "assist/finding.hpp"
#include "pg/analysis/analysis.hpp"
#include "pg/recommend/review.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "tcop/utility.h"  // for PreventCommandIfReadOnly
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

namespace {

using namespace assist;
using namespace assist::pg;

void CheckArgument(FunctionCallInfo fcinfo, int n, const char* what,
                   bool (*is_valid)(std::string_view), const char* hint) {
  if (PG_ARGISNULL(n)) return;
  const char* given = Guarded([&] { return TextDatumGetCString(PG_GETARG_DATUM(n)); });
  if (!is_valid(given))
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE,
                      (std::string(what) + " \"" + given + "\" does not exist").c_str(), hint);
}

struct Names {
  Datum* values;
  bool* nulls;
  int count;
};

// Bits of the named categories; all for NULL.
unsigned CategoryMask(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0)) return ~0u;
  Names names = {};
  Guarded([&] {
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &names.values,
                      &names.nulls, &names.count);
  });
  unsigned mask = 0;
  for (int i = 0; i < names.count; ++i) {
    const char* name = "";
    if (!names.nulls[i]) name = Guarded([&] { return TextDatumGetCString(names.values[i]); });
    unsigned bit = 0;
    for (const Category category :
         {Category::kIndex, Category::kTable, Category::kQuery, Category::kConfiguration,
          Category::kMaintenance, Category::kSchema})
      if (ToString(category) == name) bit = 1u << static_cast<unsigned>(category);
    if (bit == 0)
      throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE,
                        ("category \"" + std::string(name) + "\" does not exist").c_str(),
                        kCategoryHint);
    mask |= bit;
  }
  return mask;
}

Datum Reviewed(FunctionCallInfo fcinfo, Review review, const char* reason, TimestampTz until) {
  if (PG_ARGISNULL(0))
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "id must not be null",
                      "assist.all_recommendations lists the recommendations.");
  Guarded([] { PreventCommandIfReadOnly("a review of recommendations"); });
  return ReviewRecommendation(PG_GETARG_INT64(0), review, reason, until);
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_check_filter) {
  CheckArgument(fcinfo, 0, "category", &IsCategory, kCategoryHint);
  CheckArgument(fcinfo, 1, "status", &IsStatus, kStatusHint);
  CheckArgument(fcinfo, 2, "severity", &IsSeverity, kSeverityHint);
  // As many as are at least that severe.
  int count = 5;
  if (!PG_ARGISNULL(2)) {
    const char* least = Guarded([&] { return TextDatumGetCString(PG_GETARG_DATUM(2)); });
    for (const Severity severity :
         {Severity::kInfo, Severity::kLow, Severity::kMedium, Severity::kHigh, Severity::kCritical})
      if (ToString(severity) == least) count = 5 - static_cast<int>(severity);
  }
  return Int32GetDatum(count);
}

ASSIST_SQL_FUNCTION(assist_refresh) {
  const unsigned categories = CategoryMask(fcinfo);
  return Int32GetDatum(RunAnalysis({.categories = categories, .own_transactions = false}));
}

ASSIST_SQL_FUNCTION(assist_approve) { return Reviewed(fcinfo, Review::kApprove, "", 0); }

ASSIST_SQL_FUNCTION(assist_dismiss) {
  const char* reason = "";
  if (!PG_ARGISNULL(1)) reason = Guarded([&] { return TextDatumGetCString(PG_GETARG_DATUM(1)); });
  return Reviewed(fcinfo, Review::kDismiss, reason, 0);
}

ASSIST_SQL_FUNCTION(assist_postpone) {
  return Reviewed(fcinfo, Review::kPostpone, "", PG_GETARG_TIMESTAMPTZ(1));
}

ASSIST_SQL_FUNCTION(assist_reopen) { return Reviewed(fcinfo, Review::kReopen, "", 0); }

ASSIST_SQL_FUNCTION(assist_mark_implemented) {
  return Reviewed(fcinfo, Review::kMarkImplemented, "", 0);
}
