// Regressions: how they are looked for.

#include <algorithm>

#include "pg/regress/regress.hpp"
#include "pg/regress/detectors.hpp"
#include "pg/regress/store.hpp"

extern "C" {
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

constexpr std::size_t kMostStatements = 200;

double Total(const Sums& sums) {
  double total = 0;
  for (const auto& [id, part] : sums) total += part;
  return total;
}

}  // namespace

std::set<std::uint32_t> HeaviestStatements(const Sums& a, const Sums& b) {
  std::map<std::uint32_t, double> shares;
  for (const Sums* sums : {&a, &b}) {
    const double total = Total(*sums);
    for (const auto& [id, part] : *sums)
      if (id != 0 && total > 0) shares[id] = std::max(shares[id], part / total);
  }
  std::vector<std::pair<double, std::uint32_t>> order;
  for (const auto& [id, part] : shares)
    if (part >= kMinImpact) order.emplace_back(part, id);
  std::sort(order.rbegin(), order.rend());
  if (order.size() > kMostStatements) order.resize(kMostStatements);
  std::set<std::uint32_t> heaviest;
  for (const auto& [part, id] : order) heaviest.insert(id);
  return heaviest;
}

void FindRegressions() {
  if (!HasRegressions()) return;
  const TimestampTz now = GetCurrentTimestamp();
  FindAfterEvents(now);
  CloseRegressions(now);
  if (HourIsOver()) FindAgainstSeason(now);
}

}  // namespace assist::pg
