// The synthetic statements that detectors are judged by.
#pragma once

#include <cmath>

struct Kind {
  const char* name;
  double season;  // ln of the day's peak over its trough
  double noise;   // of the AR(1) process, ln
  double daily;   // noise common to a day
  double calls;   // an hour, at the mean; per-call times vary by their own mean
  bool batch;     // on the first of a month, for six hours, times are tripled
};
constexpr Kind kKinds[] = {
    {"weak season, 1,000 calls an hour", 0.2, 0.08, 0.06, 1000, false},
    {"strong season, 1,000 calls an hour", 1.2, 0.12, 0.08, 1000, false},
    {"strong season, 60 calls an hour", 1.2, 0.12, 0.08, 60, false},
    {"strong season, 30 calls an hour", 1.2, 0.12, 0.08, 30, false},
    {"monthly batch, 300 calls an hour", 0.6, 0.1, 0.08, 300, true},
    {"noisy, 100 calls an hour", 0.6, 0.25, 0.12, 100, false},
};

// Of neighbouring hours' noise.
inline constexpr double kHourPhi = 0.55;

inline double Season(const Kind& kind, double hour, double phase) {
  const double day =
      0.5 - 0.5 * std::cos(2 * M_PI * (hour - 24 * std::floor(hour / 24) - 3 - phase) / 24);
  const bool weekend = static_cast<int>(hour / 24) % 7 == 2 || static_cast<int>(hour / 24) % 7 == 3;
  return kind.season * day * (weekend ? 0.3 : 1);
}
