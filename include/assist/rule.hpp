// A rule is data: a constinit descriptor and one pure function.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "assist/finding.hpp"
#include "assist/snapshot.hpp"

namespace assist {

enum class Unit : std::uint8_t {
  kNone,
  kBytes,
  kDays,
  kMilliseconds,
  kMillisecondsPerDay,
  kFraction,
  kCount,
  kRatio
};

std::string_view ToString(Unit unit);

// A number a user may set by assist.set_rule(); inclusive range.
struct Param {
  std::string_view name;
  Unit unit = Unit::kNone;
  double fallback = 0;
  double min = 0;
  double max = 0;
  std::string_view meaning;
};

// Parts of the snapshot that may be missing on a server; the engine skips a rule without them and
// says so.
enum class Needs : std::uint32_t {
  kNothing = 0,
  kIndexUse = 1 << 0,  // executor attribution: the library is preloaded
  kStatements = 1 << 1,
  kProposedIndexes = 1 << 2,
  kSpills = 1 << 3,
  kWal = 1 << 4,
};
constexpr Needs operator|(Needs a, Needs b) {
  return static_cast<Needs>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr bool Has(Needs set, Needs one) {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(one)) != 0;
}

// Values for a rule's params, in their order.
class ParamValues {
 public:
  ParamValues(std::span<const Param> params, std::span<const double> values)
      : params_(params), values_(values) {}
  // REQUIRES: `name` is one of the rule's params.
  double operator[](std::string_view name) const;

 private:
  std::span<const Param> params_;
  std::span<const double> values_;
};

struct RuleDescriptor {
  std::string_view id;  // stable: key of assist.rule, docs/rules/<id>.md, test names
  Category category;
  Severity severity;  // the usual one; a finding may differ
  Needs needs;
  std::string_view title;   // what it looks for, one line
  std::string_view source;  // where thresholds and formulas come from
  std::span<const Param> params;
  void (*evaluate)(const Snapshot&, const ParamValues&, Findings&);
};

// Every rule, in one explicit array (src/core/rules/registry.cpp), ordered by category and id.
std::span<const RuleDescriptor* const> AllRules();
const RuleDescriptor* FindRule(std::string_view id);  // nullptr = no such rule

}  // namespace assist
