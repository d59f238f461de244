// From measurements to incidents.

#include <algorithm>
#include <cmath>

#include "assist/alert.hpp"

namespace assist {

namespace {

constexpr double kMargin = 0.1;
constexpr int kMostPatience = 4;

bool IsBeyond(double value, double threshold, Better better) {
  return better == Better::kLower ? value > threshold : value < threshold;
}

// Better than the threshold by the margin; true where there is none.
bool IsClear(double value, double threshold, Better better) {
  if (std::isnan(threshold)) return true;
  if (better == Better::kLower) return value <= threshold * (1 - kMargin);
  if (better == Better::kMore) return value >= threshold * (1 + kMargin);
  return value >= std::min(threshold + (100 - threshold) * kMargin, 100.0);
}

AlertChange AdvanceClosed(AlertState& state, Level level, const Hysteresis& hysteresis) {
  if (level < Level::kWarning) {
    const bool was_pending = state.status == AlertStatus::kPending;
    state.breaches = state.criticals = 0;
    return was_pending ? AlertChange::kForgotten : AlertChange::kNone;
  }
  ++state.breaches;
  state.criticals = level == Level::kCritical ? state.criticals + 1 : 0;
  if (state.breaches < hysteresis.to_open) {
    if (state.status == AlertStatus::kNone) state.status = AlertStatus::kPending;
    return AlertChange::kNone;
  }
  state.status = AlertStatus::kOpen;
  state.critical = state.criticals >= hysteresis.to_open;
  state.goods = state.calm = 0;
  ++state.times_opened;
  return AlertChange::kOpened;
}

AlertChange AdvanceOpen(AlertState& state, Level level, const Hysteresis& hysteresis) {
  state.goods = level == Level::kGood ? state.goods + 1 : 0;
  state.criticals = level == Level::kCritical ? state.criticals + 1 : 0;
  state.calm = level < Level::kNearCritical ? state.calm + 1 : 0;
  const int patience = std::clamp(state.times_opened, 1, kMostPatience);
  if (state.goods >= hysteresis.to_resolve * patience) {
    state = {.status = AlertStatus::kResolved,
             .critical = state.critical,
             .times_opened = state.times_opened};
    return AlertChange::kResolved;
  }
  if (!state.critical && state.criticals >= hysteresis.to_open) {
    state.critical = true;
    return AlertChange::kRaised;
  }
  if (state.critical && state.calm >= hysteresis.to_resolve * patience) {
    state.critical = false;
    return AlertChange::kLowered;
  }
  return AlertChange::kNone;
}

}  // namespace

Level LevelOf(double value, const Threshold& threshold, Better better) {
  if (IsBeyond(value, threshold.critical, better)) return Level::kCritical;
  const bool near_critical = !IsClear(value, threshold.critical, better);
  if (IsBeyond(value, threshold.warning, better))
    return near_critical ? Level::kNearCritical : Level::kWarning;
  if (!IsClear(value, threshold.warning, better) || near_critical) return Level::kNear;
  return Level::kGood;
}

AlertChange Advance(AlertState& state, Level level, const Hysteresis& hysteresis) {
  return state.status == AlertStatus::kOpen ? AdvanceOpen(state, level, hysteresis)
                                            : AdvanceClosed(state, level, hysteresis);
}

}  // namespace assist
