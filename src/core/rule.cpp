#include "assist/rule.hpp"

#include <cassert>

namespace assist {

std::string_view ToString(Unit unit) {
  switch (unit) {
    case Unit::kNone:
      return "";
    case Unit::kBytes:
      return "bytes";
    case Unit::kDays:
      return "days";
    case Unit::kMilliseconds:
      return "ms";
    case Unit::kMillisecondsPerDay:
      return "ms/day";
    case Unit::kFraction:
      return "fraction";
    case Unit::kCount:
      return "count";
    case Unit::kRatio:
      return "ratio";
  }
  return "";
}

double ParamValues::operator[](std::string_view name) const {
  for (std::size_t i = 0; i < params_.size(); ++i) {
    if (params_[i].name == name) return i < values_.size() ? values_[i] : params_[i].fallback;
  }
  assert(false && "no such parameter");
  return 0;
}

}  // namespace assist
