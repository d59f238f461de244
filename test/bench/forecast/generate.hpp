// Synthetic series: what servers' loads and levels look like, with what misleads.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace bench {

inline constexpr int kDay = 24, kWeek = 168;
inline constexpr int kStart = 20089 * 24;  // 2025-01-01 00:00

struct Load {
  const char* name;
  double season = 0;     // ln of the day's peak over its trough
  double weekend = 1;    // of that season, on Saturdays and Sundays
  double noise = 0.1;    // of the AR(1) process, ln
  double daily = 0.05;   // noise common to a day, ln
  double growth = 0;     // a week
  double spikes = 0;     // share of hours that are 3 to 10 times as high
  bool shift = false;    // to twice or half the level, in the second half of the history
  double walk = 0;       // of a random walk, ln an hour
  bool batch = false;    // three hours a night are five times as high
  double gaps = 0;       // share of hours in gaps of half a day
};
inline constexpr Load kLoads[] = {
    {"weekly season", 1.2, 0.3},
    {"weekly season, noisy", 0.8, 0.4, 0.3, 0.12},
    {"weekly season, grows 5 % a week", 1.2, 0.3, 0.1, 0.05, 0.05},
    {"daily season, 1 % spikes", 1.0, 1, 0.12, 0.08, 0, 0.01},
    {"weekly season, level shift", 1.2, 0.3, 0.1, 0.05, 0, 0.002, true},
    {"nightly batch, 10 % gaps", 0.6, 0.5, 0.15, 0.05, 0, 0.005, false, 0, true, 0.1},
    {"no season, noise around a level", 0, 1, 0.2, 0},
    {"random walk", 0, 1, 0, 0, 0, 0, false, 0.03},
};

inline std::vector<double> Generate(const Load& kind, int history, int ahead, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  std::vector<double> out;
  constexpr double kPhi = 0.55;
  double ar = 0, daily = 0, walk = 0;
  const double phase = 4 * uniform(random), ratio = uniform(random) < 0.5 ? 2 : 0.5;
  const int shift = history / 2 + static_cast<int>(uniform(random) * (history / 2 - kDay));
  int gap = 0;
  for (int i = 0; i < history + ahead; ++i) {
    const int hour = kStart + i;
    if (hour % kDay == 0) daily = kind.daily * normal(random);
    ar = kPhi * ar + std::sqrt(1 - kPhi * kPhi) * kind.noise * normal(random);
    walk += kind.walk * normal(random);
    const bool weekend = (hour / kDay) % 7 == 2 || (hour / kDay) % 7 == 3;
    const double day = 0.5 - 0.5 * std::cos(2 * M_PI * ((hour % kDay) - 3 - phase) / kDay);
    double value = 1000 * std::exp(kind.season * day * (weekend ? kind.weekend : 1) + ar + daily + walk);
    value *= std::pow(1 + kind.growth, static_cast<double>(i) / kWeek);
    if (kind.batch && hour % kDay >= 2 && hour % kDay < 5) value *= 5;
    if (kind.shift && i >= shift) value *= ratio;
    if (uniform(random) < kind.spikes) value *= 3 + 7 * uniform(random);
    if (gap == 0 && i < history - kDay && uniform(random) < kind.gaps / 12) gap = 12;
    out.push_back(gap > 0 ? NAN : value);
    if (gap > 0) --gap;
  }
  return out;
}

// Days until the limit: daily levels, and when they really reach it.
struct Level {
  const char* name;
  double per_day = 0;   // growth, of a range of 100
  double noise = 0.5;   // independent from day to day
  double weekly = 0;    // swing of the week
  double walk = 0;      // a random walk's daily step
  double before = 1;    // factor of the growth until three weeks before the end
  double jump = 0;      // once, somewhere in the history
  int hump = 0;         // days with 6 more, somewhere in the last month or up to now
  int tooth = 0;        // days after which it falls back to the beginning
  bool grows;           // reaches the limit, 30 days after the end
};
inline constexpr Level kLevels[] = {
    {"steady growth", 0.5, 0.5, 0, 0, 1, 0, 0, 0, true},
    {"slow growth, noisy, weekly swing", 0.1, 1, 3, 0, 1, 0, 0, 0, true},
    {"growth with drift", 0.5, 0.3, 0, 0.4, 1, 0, 0, 0, true},
    {"growth doubled three weeks ago", 0.6, 0.5, 0, 0, 0.5, 0, 0, 0, true},
    {"growth and a bulk load", 0.3, 0.5, 0, 0, 1, 40, 0, 0, true},
    {"growth and a rebuild now", 0.3, 0.5, 0, 0, 1, 0, 1, 0, true},
    {"flat, noisy", 0, 1, 0, 0, 1, 0, 0, 0, false},
    {"flat, weekly swing", 0, 0.5, 4, 0, 1, 0, 0, 0, false},
    {"flat and a bulk load", 0, 0.3, 0, 0, 1, 40, 0, 0, false},
    {"flat and a rebuild now", 0, 0.3, 0, 0, 1, 0, 1, 0, false},
    {"random walk", 0, 0, 0, 1, 1, 0, 0, 0, false},
    {"grew until three weeks ago", 0, 0.5, 0, 0, -1, 0, 0, 0, false},
    {"saw that stays below", 3, 0.5, 0, 0, 1, 0, 0, 17, false},
};
inline constexpr int kAhead = 30;

struct LevelSeries {
  std::vector<double> days;
  double limit;
  bool saw;  // of that kind
};

inline LevelSeries Generate(const Level& kind, int history, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  LevelSeries out;
  double level = 200, walk = 0;
  const int jump = static_cast<int>(uniform(random) * (history - 4));
  const int hump = history - kind.hump - static_cast<int>(uniform(random) * 2) * static_cast<int>(uniform(random) * 20);
  const int phase = kind.tooth > 0 ? static_cast<int>(uniform(random) * kind.tooth) : 0;
  level += kind.per_day * phase;
  const double swing = 2 * M_PI * uniform(random);
  for (int i = 0; i < history; ++i) {
    double rate = kind.per_day;
    if (i < history - 21) rate = kind.before < 0 ? 0.5 : rate * kind.before;
    level += rate;
    walk += kind.walk * normal(random);
    if (i == jump) level += kind.jump;
    if (kind.tooth > 0 && (i + phase) % kind.tooth == 0) level = 200;
    double value = level + walk + kind.noise * normal(random) + kind.weekly * std::cos(2 * M_PI * i / 7 + swing);
    if (i >= hump && i < hump + kind.hump) value += 6;
    out.days.push_back(value);
  }
  // Flat ones have room for a fifth more, and the saw for one more tooth.
  out.limit = kind.grows ? level + walk + kind.per_day * kAhead : kind.tooth > 0 ? 300 : (level + walk) * 1.2;
  out.saw = kind.tooth > 0;
  return out;
}

}  // namespace bench
