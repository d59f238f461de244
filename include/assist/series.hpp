// Series of hourly measurements: what is normal at an hour of the week, and whether that has
// changed.
//
// Hours are local wall-clock hours since 1970-01-01 00:00, so that an hour of the week is the same
// for the people who make the load; an hour that a clock change takes or repeats is a gap or one of
// the two. Values are natural logarithms: a factor is a difference. Hours without enough calls, and
// those around a reset, a restart or a gap, are left out by whoever makes the series.
#pragma once

#include <climits>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

namespace assist {

inline constexpr std::int32_t kHoursPerWeek = 168;

struct HourPoint {
  std::int32_t hour;
  float value;  // ln(ms), ln(calls) ...
  float share;  // of the database's time in that hour, 0..1
};

// What is expected at an hour, from the weeks before it.
struct Normal {
  enum class From : std::uint8_t { kLearning, kHourOfDay, kHourOfWeek };
  From from = From::kLearning;
  float value = 0;  // median; undefined while learning
};

inline constexpr std::int32_t kNever = INT32_MAX;

struct ShiftSettings {
  double min_ratio = 1.2;    // of the level before, either way
  double warn_ratio = 1.4;   // for a warning
  double min_impact = 0.01;  // of the database's time
  int min_points = 6;
  // The wall clock was set from or to summer time at this hour; 0 = not within the series. Load
  // that follows another clock moves by an hour then.
  std::int32_t clock_change = 0;
};

// A level that is no longer what is normal.
struct Shift {
  std::int32_t onset;   // first hour of it
  std::int32_t found;   // hour at which it could be told, for those who want to know early
  std::int32_t warned;  // hour at which it was sure enough for a warning; kNever = not (yet)
  std::int32_t until;   // first hour at which it was over; kNever = not over
  double ratio;         // new level / normal level, above 1 = slower
  double low, high;     // its 95 % interval
  double p;             // probability of so large a difference over so many hours without a shift
  double impact;        // share of the database's time that it costs; negative = it saves
};

struct Judgement {
  std::pmr::vector<Normal> normal;  // one per point, known before it
  std::pmr::vector<Shift> shifts;   // in order of their onset, both ways
};

// REQUIRES: hours ascend.
//
// Normal is the median of the same hour of the week over four weeks (three at least), and of the
// hours beside it and of the same hour of other days as far as they do not differ: by less than
// half of what residuals vary. Before that, of the same hour over two weeks' days of the same kind.
// Shifts are left out of it, until after four weeks one is the new normal.
//
// A shift is found by a CUSUM of the residual from normal, in units of its own spread (Page 1954),
// with the spread from the median absolute deviation of two weeks and the threshold widened for
// autocorrelation; one hour counts for three units at most, so that no spike suffices. It is found
// with k = 0.5 and h = 6, warned of with k = 1 and h = 11. Then come the gates of ShiftSettings,
// and silence about what came at the same days of two earlier months. The onset is where means
// differ most (Welch).
Judgement JudgeSeries(std::span<const HourPoint> points, const ShiftSettings& settings,
                      std::pmr::memory_resource* memory);

// Of shifts found in `tests` series with these p, those up to the value returned may be told: then
// at most `rate` of what is told is expected to be chance (Benjamini and Hochberg 1995). Below 0 =
// none. Sorts `p`.
double DiscoveryThreshold(std::span<double> p, std::size_t tests, double rate);
inline constexpr double kDiscoveryRate = 0.2;

}  // namespace assist
