// Helpers of the causes, for their tests.
#pragma once

#include <string>
#include <string_view>

#include "assist/departure.hpp"

namespace assist {

// "1234", "0.35": three digits at most behind a point, none for whole and large numbers.
std::string Number(double value);
std::string Percent(double share);

std::string PlainName(std::string_view qualified);

// Whether a node of the plan scans the index, given with or without its schema.
bool UsesIndex(const PlanSide& plan, std::string_view index);

}  // namespace assist
