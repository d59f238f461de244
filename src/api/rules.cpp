// assist.rules, assist.set_rule.

#include <string>

#include "assist/rule.hpp"
#include "pg/own_sql.hpp"
#include "pg/row_sink.hpp"
#include "pg/rule_settings.hpp"

extern "C" {
#include "access/xlog.h"  // for RecoveryInProgress
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "tcop/utility.h"  // for PreventCommandIfReadOnly
#include "utils/acl.h"
#include "utils/json.h"  // for escape_json
#include "utils/jsonb.h"
}

namespace {

using namespace assist;
using namespace assist::pg;

void json_key(StringInfo out, std::string_view key) {
  escape_json(out, pnstrdup(key.data(), key.size()));
  appendStringInfoString(out, ": ");
}

void json_text(StringInfo out, std::string_view key, std::string_view value) {
  json_key(out, key);
  escape_json(out, pnstrdup(value.data(), value.size()));
}

Datum defaults_of(const RuleDescriptor& rule) {
  StringInfoData out;
  initStringInfo(&out);
  appendStringInfoChar(&out, '{');
  for (const assist::Param& param : rule.params) {
    if (out.len > 1) appendStringInfoString(&out, ", ");
    json_key(&out, param.name);
    appendStringInfo(&out, "%.15g", param.fallback);
  }
  appendStringInfoChar(&out, '}');
  return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

Datum parameters_of(const RuleDescriptor& rule) {
  StringInfoData out;
  initStringInfo(&out);
  appendStringInfoChar(&out, '[');
  for (const assist::Param& param : rule.params) {
    if (out.len > 1) appendStringInfoString(&out, ", ");
    appendStringInfoChar(&out, '{');
    json_text(&out, "name", param.name);
    appendStringInfoString(&out, ", ");
    json_text(&out, "unit", ToString(param.unit));
    appendStringInfo(&out, ", \"default\": %.15g, \"min\": %.15g, \"max\": %.15g, ", param.fallback,
                     param.min, param.max);
    json_text(&out, "meaning", param.meaning);
    appendStringInfoChar(&out, '}');
  }
  appendStringInfoChar(&out, ']');
  return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

void emit_rule(RowSink& sink, const RuleDescriptor& rule) {
  const std::string_view category = ToString(rule.category), severity = ToString(rule.severity);
  sink.text(rule.id.data(), rule.id.size());
  sink.text(category.data(), category.size());
  sink.text(severity.data(), severity.size());
  sink.text(rule.title.data(), rule.title.size());
  sink.text(rule.source.data(), rule.source.size());
  sink.datum(defaults_of(rule));
  sink.datum(parameters_of(rule));
  sink.end_row();
}

[[noreturn]] void ThrowUnknownRule(std::string_view id) {
  std::string hint = "Rules:";
  const char* separator = " ";
  for (const RuleDescriptor* rule : AllRules()) {
    (hint += separator) += rule->id;
    separator = ", ";
  }
  throw AssistError(ERRCODE_NO_DATA_FOUND,
                    ("rule \"" + std::string(id) + "\" does not exist").c_str(),
                    (hint + ".").c_str());
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_rules) {
  Guarded([&] {
    RowSink sink(fcinfo);
    for (const RuleDescriptor* rule : AllRules()) emit_rule(sink, *rule);
    sink.finish();
  });
  return static_cast<Datum>(0);
}

ASSIST_SQL_FUNCTION(assist_set_rule) {
  if (PG_ARGISNULL(0))
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "rule must not be null",
                      "assist.rules lists the rules.");
  const char* id = nullptr;
  const char* settings = "";
  const char* role = nullptr;
  bool enabled = false;
  Guarded([&] {
    PreventCommandIfReadOnly("assist.set_rule()");
    id = TextDatumGetCString(PG_GETARG_DATUM(0));
    if (!PG_ARGISNULL(1)) enabled = PG_GETARG_BOOL(1);
    if (!PG_ARGISNULL(2)) {
      Jsonb* json = PG_GETARG_JSONB_P(2);
      settings = JsonbToCString(nullptr, &json->root, static_cast<int>(VARSIZE(json)));
    }
    role = GetUserNameFromId(GetUserId(), false);
  });
  const RuleDescriptor* rule = FindRule(id);
  if (rule == nullptr) ThrowUnknownRule(id);
  const OwnerScope scope;
  if (!PG_ARGISNULL(1) || settings[0] != 0)
    WriteRuleChoice(*rule, PG_ARGISNULL(1) ? nullptr : &enabled, settings, role);
  const Arg arg = Arg::Text(rule->id);
  const Single row = QuerySingle("SELECT r FROM assist.rules r WHERE r.rule = $1", {&arg, 1});
  return row.value;
}
