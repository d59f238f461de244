// Telling of many series at once without telling of chance.

#include <algorithm>

#include "assist/series.hpp"

namespace assist {

double DiscoveryThreshold(std::span<double> p, std::size_t tests, double rate) {
  std::sort(p.begin(), p.end());
  tests = std::max(tests, p.size());
  for (std::size_t k = p.size(); k > 0; --k)
    if (p[k - 1] <= rate * static_cast<double>(k) / static_cast<double>(tests)) return p[k - 1];
  return -1;
}

}  // namespace assist
