// What is unusual for a database at this hour.

#include <algorithm>

#include "assist/alert.hpp"

namespace assist {

namespace {

constexpr double kMegabyte = 1048576;

// Below the first there is nothing to tell of; from below the second to some is nothing.
struct Gates {
  double least, little;
};
constexpr double kLeastErrors = 20;
constexpr Gates GatesOf(LoadKind kind) {
  switch (kind) {
    case LoadKind::kErrors:
      return {0.01, 0.001};
    case LoadKind::kConnections:
      return {20, 10};
    case LoadKind::kTemp:
      break;
  }
  return {1024 * kMegabyte, 100 * kMegabyte};
}

bool IsEnough(LoadKind kind, const Load& load) {
  return LoadOf(kind, load) >= GatesOf(kind).least &&
         (kind != LoadKind::kErrors || load.errors >= kLeastErrors);
}

}  // namespace

void Load::Add(const Load& other) {
  calls += other.calls;
  errors += other.errors;
  temp_bytes += other.temp_bytes;
  seconds += other.seconds;
  connections = std::max(connections, other.connections);
}

double LoadOf(LoadKind kind, const Load& load) {
  switch (kind) {
    case LoadKind::kErrors: {
      const double all = load.calls + load.errors;
      return all > 0 ? load.errors / all : 0;
    }
    case LoadKind::kConnections:
      return load.connections;
    case LoadKind::kTemp:
      break;
  }
  return load.seconds > 0 ? load.temp_bytes / load.seconds * 3600 : 0;
}

void UsualDay::Add(const Load& interval) {
  sum_.Add(interval);
  for (std::size_t k = 0; k < kLoadKinds; ++k) {
    const auto kind = static_cast<LoadKind>(k);
    if (IsEnough(kind, interval)) most_[k] = std::max(most_[k], LoadOf(kind, interval));
  }
}

double UsualDay::Most(LoadKind kind) const {
  return std::max(LoadOf(kind, sum_), most_[static_cast<std::size_t>(kind)]);
}

double TimesUsual(LoadKind kind, const Load& now, std::span<const UsualDay> days) {
  if (days.size() < kUsualDaysNeeded) return std::numeric_limits<double>::quiet_NaN();
  if (!IsEnough(kind, now)) return 0;
  double usual = GatesOf(kind).little;
  for (const UsualDay& day : days) usual = std::max(usual, day.Most(kind));
  return LoadOf(kind, now) / usual;
}

}  // namespace assist
