// Thresholds, core tables and the review of alerts.

#include <cmath>
#include <optional>
#include <string>

#include "assist/alert.hpp"
#include "pg/alert/review.hpp"
#include "pg/forecast/metric_series.hpp"
#include "pg/row_sink.hpp"

extern "C" {
#include "catalog/namespace.h"  // for RangeVarGetRelid
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "tcop/utility.h"  // for PreventCommandIfReadOnly
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"  // for textToQualifiedNameList
}

namespace {

using namespace assist;
using namespace assist::pg;

constexpr std::size_t kMostComment = 1000;  // bytes

void emit_metric(RowSink& sink, const MetricDescriptor& metric) {
  const std::string_view of = ToString(metric.of);
  const auto number = [&](double value) { std::isnan(value) ? sink.null() : sink.float8(value); };
  sink.text(metric.name.data(), metric.name.size());
  sink.text(metric.unit.data(), metric.unit.size());
  sink.text(of.data(), of.size());
  sink.text(metric.better == Better::kLower ? "above" : "below");
  number(metric.warning);
  number(metric.critical);
  sink.boolean(metric.anomaly);
  sink.text(metric.meaning.data(), metric.meaning.size());
  sink.end_row();
}

const char* qualified_name(Oid relation) {
  return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
                                    get_rel_name(relation));
}

// Of a name that the caller wrote; nullptr: there is no such relation.
const char* qualified_name_of(text* name) {
  const Oid relation =
      RangeVarGetRelid(makeRangeVarFromNameList(textToQualifiedNameList(name)), NoLock, true);
  return OidIsValid(relation) ? qualified_name(relation) : nullptr;
}

// The metric of an argument, and what of: a query id, a qualified name, or empty.
struct Target {
  std::string name, scope;
  const MetricDescriptor* metric = nullptr;  // nullptr: one of history, or imported
};

std::string MetricArgument(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0))
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "metric must not be null",
                      "assist.thresholds lists them.");
  return Guarded([&] { return TextDatumGetCString(PG_GETARG_DATUM(0)); });
}

const char* scope_argument(FunctionCallInfo fcinfo) {
  return PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1));
}

[[noreturn]] void ThrowNoMetric(const std::string& name) {
  std::string hint = "Metrics:";
  const char* separator = " ";
  for (const MetricDescriptor& metric : AllMetrics()) {
    (hint += separator) += metric.name;
    separator = ", ";
  }
  hint +=
      "; and any that assist.forecast() takes: a column of assist.database_history, or with a "
      "query id, table or "
      "index as scope one of its view, or an imported one.";
  throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE,
                    ("metric \"" + name + "\" does not exist").c_str(), hint.c_str());
}

std::string ScopeOf(FunctionCallInfo fcinfo, const MetricDescriptor& metric) {
  const char* given = Guarded([&] { return scope_argument(fcinfo); });
  if (given[0] == '\0') return {};
  const auto refuse = [&](const char* hint) {
    throw AssistError(
        ERRCODE_INVALID_PARAMETER_VALUE,
        ("\"" + std::string(given) + "\" is no scope of " + std::string(metric.name)).c_str(),
        hint);
  };
  switch (metric.of) {
    case assist::MetricOf::kDatabase:
      refuse("It is measured of the database as a whole: leave the scope empty.");
      break;
    case assist::MetricOf::kStatement: {
      char* end = nullptr;
      errno = 0;
      const long long queryid = std::strtoll(given, &end, 10);
      if (end == given || *end != '\0' || errno != 0)
        refuse("Give a query id of assist.statements.");
      return std::to_string(queryid);
    }
    case assist::MetricOf::kRelation: {
      const char* name = Guarded([&] { return qualified_name_of(PG_GETARG_TEXT_PP(1)); });
      if (name == nullptr) refuse("Give the name of a table.");
      return name;
    }
  }
  return {};
}

// Of a metric of history, as the caller may see it.
std::string ScopeOf(FunctionCallInfo fcinfo, const std::string& name) {
  const std::string given = Guarded([&] { return scope_argument(fcinfo); });
  const MetricSource source =
      pg::FindMetric(name, given.empty() ? std::nullopt : std::optional<std::string_view>(given));
  if (given.empty() || !source.metric.has_value()) return given;
  if (source.metric->kind == HistoryKind::kStatement)
    return std::to_string(std::strtoll(given.c_str(), nullptr, 10));
  return Guarded([&] { return qualified_name_of(PG_GETARG_TEXT_PP(1)); });
}

Target TargetOfArguments(FunctionCallInfo fcinfo) {
  Target target = {MetricArgument(fcinfo), {}};
  target.metric = assist::FindMetric(target.name);
  if (target.metric == nullptr && !IsMetric(target.name)) ThrowNoMetric(target.name);
  target.scope =
      target.metric != nullptr ? ScopeOf(fcinfo, *target.metric) : ScopeOf(fcinfo, target.name);
  return target;
}

[[noreturn]] void ThrowNoId() {
  throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "alert_id must not be null",
                    "assist.alerts lists them.");
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_metrics) {
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const MetricDescriptor& metric : AllMetrics()) emit_metric(sink, metric);
    sink.finish();
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_set_threshold) {
  const Target target = TargetOfArguments(fcinfo);
  const char* role = nullptr;
  Guarded([&] {
    PreventCommandIfReadOnly("assist.set_threshold()");
    role = GetUserNameFromId(GetUserId(), false);
  });
  const Threshold to = {PG_ARGISNULL(2) ? kOff : PG_GETARG_FLOAT8(2),
                        PG_ARGISNULL(3) ? kOff : PG_GETARG_FLOAT8(3)};
  CheckThreshold(to, target.metric);
  return SetThreshold(target.name, target.scope, to, role);
}

ASSIST_SQL_FUNCTION(assist_reset_threshold) {
  const std::string name = MetricArgument(fcinfo);
  const MetricDescriptor* metric = assist::FindMetric(name);
  const auto given = [&] { return std::string(Guarded([&] { return scope_argument(fcinfo); })); };
  // What a target of history is of may be gone: it goes by the name that assist.thresholds shows.
  const std::string scope = metric != nullptr ? ScopeOf(fcinfo, *metric) : given();
  Guarded([] { PreventCommandIfReadOnly("assist.reset_threshold()"); });
  bool found = false;
  const auto row = ResetThreshold(name, scope, &found);
  if (metric == nullptr && !found)
    throw AssistError(ERRCODE_NO_DATA_FOUND,
                      ("there is no threshold of metric \"" + name + "\"").c_str(),
                      "assist.thresholds lists them, with their scopes.");
  if (row.has_value()) return *row;
  fcinfo->isnull = true;
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_set_core_table) {
  if (PG_ARGISNULL(0))
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "relation must not be null",
                      "assist.core_tables lists those that are core.");
  const char* name = nullptr;
  char kind = 0;
  Guarded([&] {
    PreventCommandIfReadOnly("assist.set_core_table()");
    const Oid relation = PG_GETARG_OID(0);
    kind = get_rel_relkind(relation);
    if (kind == 'r' || kind == 'm') name = qualified_name(relation);
  });
  if (name == nullptr)
    throw AssistError(
        ERRCODE_INVALID_PARAMETER_VALUE, "this is not a table with rows of its own",
        kind == 'p' ? "Say it of each partition." : "Tables and materialized views can be core.");
  const Pin pin = PG_ARGISNULL(1)     ? Pin::kByTraffic
                  : PG_GETARG_BOOL(1) ? Pin::kCore
                                      : Pin::kNotCore;
  return BoolGetDatum(PinCoreTable(name, pin));
}

ASSIST_SQL_FUNCTION(assist_acknowledge) {
  if (PG_ARGISNULL(0)) ThrowNoId();
  const char* comment = "";
  Guarded([&] {
    PreventCommandIfReadOnly("assist.acknowledge()");
    if (!PG_ARGISNULL(1)) comment = TextDatumGetCString(PG_GETARG_DATUM(1));
  });
  const std::string_view said(comment);
  if (said.size() > kMostComment)
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "comment is longer than 1000 bytes",
                      "Refer to a ticket instead.");
  return AcknowledgeAlert(PG_GETARG_INT64(0), said);
}

ASSIST_SQL_FUNCTION(assist_mute) {
  if (PG_ARGISNULL(0)) ThrowNoId();
  Guarded([] { PreventCommandIfReadOnly("assist.mute()"); });
  const TimestampTz until = PG_ARGISNULL(1) ? 0 : PG_GETARG_TIMESTAMPTZ(1);
  const bool future = PG_ARGISNULL(1) || Guarded([&] { return until > GetCurrentTimestamp(); });
  if (!future)
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "until must be a moment in the future",
                      "NULL ends the muting.");
  return MuteAlert(PG_GETARG_INT64(0), until);
}
