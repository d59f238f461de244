// assist.rule_setting.

#include "pg/rule_settings.hpp"

#include <cmath>
#include <cstdio>
#include <string>

#include "core/text/text.hpp"
#include "pg/own_sql.hpp"

namespace assist::pg {

namespace {

int ParamNumber(const RuleDescriptor& rule, std::string_view name) {
  for (std::size_t i = 0; i < rule.params.size(); ++i)
    if (rule.params[i].name == name) return static_cast<int>(i);
  return -1;
}

std::string Bounds(const Param& param) {
  char text[96];
  std::snprintf(text, sizeof text, "%.15g to %.15g", param.min, param.max);
  std::string bounds(text);
  if (param.unit != Unit::kNone) (bounds += ' ') += ToString(param.unit);
  return bounds;
}

std::string ValidParameters(const RuleDescriptor& rule) {
  if (rule.params.empty()) return "The rule has no parameters.";
  std::string hint = "Valid parameters:";
  const char* separator = " ";
  for (const Param& param : rule.params) {
    ((hint += separator) += param.name) += " (" + Bounds(param) + ")";
    separator = ", ";
  }
  return hint + ".";
}

void CheckValue(const RuleDescriptor& rule, std::string_view name, std::string_view kind,
                double value) {
  const std::string shown(name), id(rule.id);
  const int i = ParamNumber(rule, name);
  if (i < 0)
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE,
                      ("rule \"" + id + "\" has no parameter \"" + shown + "\"").c_str(),
                      ValidParameters(rule).c_str());
  if (kind == "null") return;
  if (kind != "number")
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE,
                      ("parameter \"" + shown + "\" must be a number").c_str(),
                      ValidParameters(rule).c_str());
  const Param& param = rule.params[static_cast<std::size_t>(i)];
  if (!(value >= param.min && value <= param.max)) {
    char text[64];
    std::snprintf(text, sizeof text, "%.15g", value);
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE,
                      (std::string(text) + " is outside the valid range for parameter \"" + shown +
                       "\" (" + Bounds(param) + ")")
                          .c_str(),
                      ValidParameters(rule).c_str());
  }
}

// Numbers beyond float8 become infinite instead of an error: they are out of every range.
constexpr const char* kEachValue =
    "SELECT key, jsonb_typeof(value),"
    " CASE WHEN jsonb_typeof(value) = 'number' THEN"
    "  CASE WHEN abs((value #>> '{}')::numeric) < 1e300 THEN (value #>> '{}')::float8"
    "       ELSE 'Infinity'::float8 END END"
    " FROM jsonb_each($1::jsonb)";

}  // namespace

std::pmr::vector<RuleChoice> ReadRuleChoices(std::pmr::memory_resource* memory) {
  std::pmr::vector<RuleChoice> choices(memory);
  for (const RuleDescriptor* rule : AllRules()) {
    RuleChoice& choice =
        choices.emplace_back(RuleChoice{rule, true, std::pmr::vector<double>(memory)});
    for (const Param& param : rule->params) choice.values.push_back(param.fallback);
  }
  const auto find = [&](std::string_view id) -> RuleChoice* {
    for (RuleChoice& choice : choices)
      if (choice.rule->id == id) return &choice;
    return nullptr;
  };
  QueryFresh("SELECT rule, enabled FROM assist.rule_setting WHERE enabled IS NOT NULL", {},
             [&](const Row& row) {
               if (RuleChoice* choice = find(row.Text(0))) choice->enabled = row.Flag(1);
             });
  QueryFresh(
      "SELECT s.rule, e.key, (e.value #>> '{}')::float8"
      " FROM assist.rule_setting s, jsonb_each(s.settings) e WHERE jsonb_typeof(e.value) = "
      "'number'",
      {}, [&](const Row& row) {
        RuleChoice* choice = find(row.Text(0));
        if (choice == nullptr) return;
        const int i = ParamNumber(*choice->rule, row.Text(1));
        if (i < 0) return;
        const Param& param = choice->rule->params[static_cast<std::size_t>(i)];
        const double value = row.Real(2);
        if (value >= param.min && value <= param.max)
          choice->values[static_cast<std::size_t>(i)] = value;
      });
  return choices;
}

void WriteRuleChoice(const RuleDescriptor& rule, const bool* enabled, std::string_view settings,
                     std::string_view role) {
  if (!settings.empty()) {
    const Arg arg = Arg::Text(settings);
    bool is_object = false;
    Query("SELECT jsonb_typeof($1::jsonb) = 'object'", {&arg, 1},
          [&](const Row& row) { is_object = row.Flag(0); });
    if (!is_object)
      throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "settings must be a JSON object",
                        ValidParameters(rule).c_str());
    Query(kEachValue, {&arg, 1},
          [&](const Row& row) { CheckValue(rule, row.Text(0), row.Text(1), row.Real(2)); });
  }
  const Arg args[] = {
      Arg::Text(rule.id), enabled != nullptr ? Arg::Bool(*enabled) : Arg::Null(Arg::Type::kBool),
      Arg::Text(settings.empty() ? std::string_view("{}") : settings), Arg::Text(role)};
  Execute(
      "INSERT INTO assist.rule_setting AS s (rule, enabled, settings, changed_by)"
      " VALUES ($1, $2, jsonb_strip_nulls($3::jsonb), $4)"
      " ON CONFLICT (rule) DO UPDATE SET enabled = coalesce($2, s.enabled),"
      " settings = jsonb_strip_nulls(s.settings || $3::jsonb),"
      " changed_at = clock_timestamp(), changed_by = $4",
      args);
}

}  // namespace assist::pg
