#include "assist/finding.hpp"

namespace assist {

std::string_view ToString(Category category) {
  switch (category) {
    case Category::kIndex:
      return "index";
    case Category::kTable:
      return "table";
    case Category::kQuery:
      return "query";
    case Category::kConfiguration:
      return "configuration";
    case Category::kMaintenance:
      return "maintenance";
    case Category::kSchema:
      return "schema";
  }
  return "";
}

std::string_view ToString(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kLow:
      return "low";
    case Severity::kMedium:
      return "medium";
    case Severity::kHigh:
      return "high";
    case Severity::kCritical:
      return "critical";
  }
  return "";
}

}  // namespace assist
