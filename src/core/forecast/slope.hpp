// Slopes that single points do not bend, and whether there is one at all.
#pragma once

#include <memory_resource>
#include <span>
#include <vector>

namespace assist::forecast {

struct DayPoint {
  int day;
  double value;
  int part = 0;  // between jumps: how high they were is not known well enough to be a trend
};

struct Slope {
  double per_day = 0;
  double low = 0, high = 0;  // 80 % between these
  double z = 0;              // Kendall's, signed; 2.58 = 1 %
  double plain_z = 0;        // without autocorrelation
  // Whether a slope measured over a longer time is compatible with this one.
  bool Admits(double other) const;
};

// Theil-Sen with Sen's interval (Sen 1968); Kendall's test with its variance for ties, raised for
// the autocorrelation of what the slope leaves (Yue & Wang 2004). Compares points of the same part
// only (Hirsch & Slack 1984). REQUIRES: days and parts ascend. 0 of less than three points.
Slope SlopeOf(std::span<const DayPoint> points, std::pmr::memory_resource* memory);

// Takes the median of each day of the week out of what the slope leaves, where each has three.
void TakeOutWeek(std::span<DayPoint> points, double per_day, std::pmr::memory_resource* memory);

// The line with this slope at `day`, through the middle of the points.
double LevelAt(std::span<const DayPoint> points, double per_day, int day,
               std::pmr::memory_resource* memory);

// Variances of what remains beside a line.
struct Wander {
  double noise = 0;    // of a single point
  double per_day = 0;  // by which it walks away from the line, a day
  // Points whose median tells best where it is now, and the variance of that.
  std::size_t recent = 1;
  double of_level = 0;
};
Wander WanderOf(std::span<const DayPoint> points, double per_day,
                std::pmr::memory_resource* memory);

}  // namespace assist::forecast
