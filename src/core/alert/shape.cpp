// What kind of work a statement is meant to be.

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "assist/alert.hpp"

namespace assist {

namespace {

constexpr double kOneRow = 1.05, kMostRows = 1000;

constexpr std::string_view kAggregates[] = {"count",
                                            "sum",
                                            "avg",
                                            "min",
                                            "max",
                                            "array_agg",
                                            "string_agg",
                                            "json_agg",
                                            "jsonb_agg",
                                            "json_object_agg",
                                            "jsonb_object_agg",
                                            "bool_and",
                                            "bool_or",
                                            "every",
                                            "stddev",
                                            "stddev_pop",
                                            "stddev_samp",
                                            "variance",
                                            "var_pop",
                                            "var_samp",
                                            "percentile_cont",
                                            "percentile_disc",
                                            "mode",
                                            "xmlagg",
                                            "bit_and",
                                            "bit_or",
                                            "corr",
                                            "regr_slope",
                                            "range_agg",
                                            "any_value"};

struct Words {
  bool limits = false, aggregates = false, administrates = false;
};

bool IsLetter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}
bool IsPart(char c) {
  return IsLetter(c) || c == '$' || std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// After what begins at `at` and is no word: strings, quoted names and comments as a whole.
std::size_t SkipOther(std::string_view text, std::size_t at) {
  const auto after = [&](std::string_view end, std::size_t from) {
    const std::size_t found = text.find(end, from);
    return found == std::string_view::npos ? text.size() : found + end.size();
  };
  if (text[at] == '\'') return after("'", at + 1);
  if (text[at] == '"') return after("\"", at + 1);
  if (text.substr(at, 2) == "--") return after("\n", at + 2);
  if (text.substr(at, 2) == "/*") return after("*/", at + 2);
  if (text[at] == '$' || std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
    while (at < text.size() && IsPart(text[at])) ++at;
    return at;
  }
  return at + 1;
}

Words WordsOf(std::string_view text) {
  Words words;
  std::string before;
  for (std::size_t at = 0; at < text.size();) {
    if (!IsLetter(text[at])) {
      at = SkipOther(text, at);
      continue;
    }
    std::string word;
    for (; at < text.size() && IsPart(text[at]); ++at)
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(text[at])));
    std::size_t next = at;
    while (next < text.size() && std::isspace(static_cast<unsigned char>(text[next])) != 0) ++next;
    const bool called = next < text.size() && text[next] == '(';
    const bool schema = next < text.size() && text[next] == '.';
    if (word == "limit" || (before == "fetch" && (word == "first" || word == "next")))
      words.limits = true;
    if ((before == "group" && word == "by") || word == "distinct" ||
        (called &&
         std::find(std::begin(kAggregates), std::end(kAggregates), word) != std::end(kAggregates)))
      words.aggregates = true;
    if ((called && word.starts_with("pg_")) ||
        (schema && (word == "assist" || word == "information_schema" || word == "pg_catalog")))
      words.administrates = true;
    before = std::move(word);
  }
  return words;
}

}  // namespace

StatementShape ShapeOf(std::string_view command, std::string_view text, double rows_per_call) {
  constexpr std::array<std::string_view, 5> kCommands = {"SELECT", "INSERT", "UPDATE", "DELETE",
                                                         "MERGE"};
  if (std::find(kCommands.begin(), kCommands.end(), command) == kCommands.end())
    return StatementShape::kOther;
  const Words words = WordsOf(text);
  if (words.aggregates || words.administrates) return StatementShape::kOther;
  if (rows_per_call <= kOneRow) return StatementShape::kSingleRow;
  if (command == "SELECT" && (words.limits || rows_per_call <= kMostRows))
    return StatementShape::kList;
  return StatementShape::kOther;
}

}  // namespace assist
