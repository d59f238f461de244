// Comparisons that no index can serve as things are: what the rules about them have in common.
#pragma once

#include "assist/rule.hpp"
#include "assist/snapshot.hpp"

namespace assist::rules {

inline constexpr Param kUnservedParams[] = {
    {.name = "min_time",
     .unit = Unit::kMillisecondsPerDay,
     .fallback = 1000,
     .min = 0,
     .max = 1e9,
     .meaning = "time that the statements spend on reading the table"},
    {.name = "min_share",
     .unit = Unit::kFraction,
     .fallback = 0.01,
     .min = 0,
     .max = 1,
     .meaning = "that time as a share of database time"},
    {.name = "max_selectivity",
     .unit = Unit::kFraction,
     .fallback = 0.05,
     .min = 0,
     .max = 1,
     .meaning = "rows kept of those read, by the executions looked at"},
    {.name = "min_rows",
     .unit = Unit::kCount,
     .fallback = 1000,
     .min = 0,
     .max = 1e12,
     .meaning = "rows read by an execution"},
};

// What a kind of them is told as.
struct UnservedAdvice {
  std::string_view rule;
  UnservedComparison::Kind kind;
  std::string_view comparison;      // "matches $ whatever its case", $ = the key
  std::string_view why;             // why no index serves it; sentences
  std::string_view operator_class;  // of GIN, after the key; empty = the type's default
  std::string_view before;          // SQL that comes first; empty = none
  std::string_view rewrite;  // what the statement has to say instead, $ = the key; empty = nothing
  std::string_view risk;     // sentences
};

// Where the extension pg_trgm is not installed; with it, its operator class serves the comparison.
constexpr UnservedAdvice NeedsTrigrams(std::string_view rule, UnservedComparison::Kind kind,
                                       std::string_view comparison) {
  return {.rule = rule,
          .kind = kind,
          .comparison = comparison,
          .why =
              "A b-tree knows how a text begins; the operator class that finds it by three "
              "letters at a time is in the extension pg_trgm, which this database does not "
              "have. With it, the index is recommended by itself as far as it pays.",
          .operator_class = "gin_trgm_ops",
          .before = "CREATE EXTENSION pg_trgm;\n",
          .rewrite = {},
          .risk =
              "CREATE EXTENSION comes first; the files of pg_trgm come with the server or its "
              "contrib package. An index of trigrams is about as large as the texts and slows "
              "down writes to them."};
}
inline constexpr std::string_view kTrigramSource =
    "PostgreSQL docs, pgtrgm: index support for LIKE, ILIKE and regular expressions";

// One finding for each key of a table: the statements that compare it, as far as executions looked
// at read many rows and kept few.
void TellUnserved(const Snapshot& snapshot, const ParamValues& values, const UnservedAdvice& advice,
                  Findings& out);

}  // namespace assist::rules
