// Tiers of history: any text is refused with a reason or gives tiers that hold what is said of them.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "assist/history_tiers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string problem;
  const auto tiers = assist::ParseTiers({reinterpret_cast<const char*>(data), size}, &problem);
  if (!tiers.has_value()) {
    if (problem.empty()) std::abort();
    return 0;
  }
  if (tiers->size() > assist::kMostTiers) std::abort();
  for (std::size_t i = 0; i < tiers->size(); ++i) {
    const assist::HistoryTier& tier = (*tiers)[i];
    if (tier.period_us <= 0 || tier.keep_us / 3 < tier.period_us) std::abort();
    if (i > 0 && (tier.period_us % (*tiers)[i - 1].period_us != 0 || tier.keep_us <= (*tiers)[i - 1].keep_us)) std::abort();
    for (const std::int64_t at : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{820000000000000}}) {
      const auto slot = assist::SlotOf(tier, static_cast<int>(i), at);
      if (slot.number < 0 || slot.number >= assist::kMostTiers * assist::kRingSlots || slot.since_us > at) std::abort();
    }
  }
  return 0;
}
