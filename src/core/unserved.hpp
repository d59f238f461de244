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

// One finding for each key of a table: the statements that compare it, as far as executions looked
// at read many rows and kept few.
void TellUnserved(const Snapshot& snapshot, const ParamValues& values, const UnservedAdvice& advice,
                  Findings& out);

}  // namespace assist::rules
