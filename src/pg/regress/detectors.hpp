// The two ways in which departures are found.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "pg/history/slices.hpp"
#include "pg/regress/regress.hpp"

namespace assist::pg {

// The share of the database's time that a change makes up, and below which nothing is told.
inline constexpr double kMinImpact = 0.01;

inline constexpr TimestampTz kHour = USECS_PER_HOUR;

// A level that has lasted for so long is the normal one.
inline constexpr TimestampTz kNormalAfter = 28 * 24 * kHour;

using Sums = std::map<std::uint32_t, double>;

// Those that take kMinImpact of either total, the largest.
std::set<std::uint32_t> HeaviestStatements(const Sums& a, const Sums& b);

// REQUIRES (both): see FindRegressions().
void FindAfterEvents(TimestampTz now);
void FindAgainstSeason(TimestampTz now);

}  // namespace assist::pg
