// How good a selection could be at best.
#pragma once

#include "core/advise/prices.hpp"

namespace assist::advise {

// A cost, upkeep included, below which no set of the items within the budget brings the workload.
// At most that of `found`. Asks for few plans that are not known yet.
double BoundCost(std::span<const Item> items, std::span<const Weighed> statements, Prices& prices,
                 CostSource& source, const SelectSettings& settings, const Selection& found,
                 std::pmr::memory_resource* memory);

}  // namespace assist::advise
