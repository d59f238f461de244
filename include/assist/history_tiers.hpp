// How long history is kept, and how finely: tiers of ever longer periods.
//
// A tier has a ring of kRingSlots partitions. The oldest slot is emptied as a whole when the ring
// comes round, so that between kept and a third more of it is there; nothing is deleted row by row.
// Times are microseconds since 2000-01-01 00:00 UTC, as the server counts them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assist {

inline constexpr int kMostTiers = 4;
inline constexpr int kRingSlots = 4;

struct HistoryTier {
  std::int64_t period_us;  // of a block
  std::int64_t keep_us;
};

// "1min:6h, 5min:3d, 1h:60d, 1d:3y": period and how long it is kept, the finest first; units s,
// min, h, d, w, y. Each period is a multiple of the one before, is kept for longer than that one,
// and fits three times into its time. On error nullopt, and why in *problem.
std::optional<std::vector<HistoryTier>> ParseTiers(std::string_view text, std::string* problem);

// The begin of the period that a moment is in, and of the next one.
constexpr std::int64_t PeriodOf(const HistoryTier& tier, std::int64_t at_us) {
  const std::int64_t into = at_us % tier.period_us;
  return at_us - (into < 0 ? into + tier.period_us : into);
}

// The partition (0 .. kMostTiers * kRingSlots - 1) of blocks that end at a moment, and since when
// it is theirs: blocks in it from before are of the last time round.
struct RingSlot {
  int number;
  std::int64_t since_us;
};
RingSlot SlotOf(const HistoryTier& tier, int tier_number, std::int64_t at_us);

}  // namespace assist
