// How often detectors cry wolf and how soon they find what is there, on synthetic series: hourly mean times of a
// statement with a season, noise, spikes, a monthly batch, and shifts at known moments.
//
// usage: evaluate [SERIES]: of each kind (default 200). Eight weeks go before, four are judged. Deterministic.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "assist/series.hpp"
#include "kinds.hpp"

using namespace assist;

namespace {

constexpr int kBefore = 8 * kHoursPerWeek, kJudged = 4 * kHoursPerWeek;
constexpr int kStart = 20089 * 24;  // 2025-01-01 00:00

struct Series {
  std::vector<HourPoint> points;
  int shift_at = -1;  // index; -1 = none
};

// The hours with fewer than 30 calls are left out, as in production.
Series Generate(const Kind& kind, double shift, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  Series out;
  constexpr double kPhi = kHourPhi;
  double ar = 0, daily = 0;
  const double phase = 4 * uniform(random), growth = 0.00002 * normal(random);
  const int shift_hour = shift != 0 ? kBefore + static_cast<int>(uniform(random) * (kJudged - 72)) : INT32_MAX;
  for (int i = 0; i < kBefore + kJudged; ++i) {
    const int hour = kStart + i;
    if (hour % 24 == 0) daily = kind.daily * normal(random);
    ar = kPhi * ar + std::sqrt(1 - kPhi * kPhi) * kind.noise * normal(random);
    // Calls follow the season as well: the fewest at night, but for statements that are called at least so often.
    const double calls = kind.calls <= 60 ? kind.calls * (1 + 0.3 * uniform(random)) : kind.calls * std::exp(Season(kind, hour, phase) - kind.season / 2);
    double value = 1 + Season(kind, hour, phase) + ar + daily + growth * i + normal(random) / std::sqrt(calls);
    if (uniform(random) < 0.005) value += std::log(3 + 7 * uniform(random));
    const auto month_day = [&] {  // 2025: months of the judged weeks and the ones before
      static constexpr int kFirst[] = {0, 31, 59, 90};
      for (const int first : kFirst)
        if (i / 24 == first) return true;
      return false;
    };
    if (kind.batch && month_day() && hour % 24 < 6) value += std::log(3);
    if (i >= shift_hour) {
      if (out.shift_at < 0) out.shift_at = static_cast<int>(out.points.size());
      value += shift;
    }
    if (calls >= 30) out.points.push_back({hour, static_cast<float>(value), 0.05f});
  }
  return out;
}

// A detector gives the hours at which it raises an alarm.
using Alarms = std::vector<int>;
using Detector = std::function<Alarms(const std::vector<HourPoint>&)>;

Alarms Edges(const std::vector<HourPoint>& points, const std::function<bool(std::size_t)>& raised) {
  Alarms out;
  int last = INT32_MIN / 2;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!raised(i)) continue;
    if (points[i].hour > last + 24) out.push_back(points[i].hour);  // one alarm a day at most
    last = points[i].hour;
  }
  return out;
}

Alarms TrailingDay(const std::vector<HourPoint>& points) {
  return Edges(points, [&](std::size_t i) {
    double sum = 0;
    int n = 0;
    for (std::size_t k = i; k-- > 0 && points[k].hour >= points[i].hour - 24;) {
      sum += std::exp(points[k].value);
      ++n;
    }
    return n >= 12 && std::exp(points[i].value) > 1.5 * sum / n;
  });
}

Alarms ThreeSigma(const std::vector<HourPoint>& points) {
  return Edges(points, [&](std::size_t i) {
    double sum = 0, squares = 0;
    int n = 0;
    for (std::size_t k = i; k-- > 0 && points[k].hour >= points[i].hour - 28 * 24;)
      if ((points[i].hour - points[k].hour) % 24 == 0) {
        const double v = std::exp(points[k].value);
        sum += v;
        squares += v * v;
        ++n;
      }
    if (n < 7) return false;
    const double mean = sum / n, deviation = std::sqrt(std::max(squares / n - mean * mean, 0.0));
    return std::exp(points[i].value) > mean + 3 * std::max(deviation, 0.05 * mean);
  });
}

Alarms WeekOverWeek(const std::vector<HourPoint>& points) {
  return Edges(points, [&](std::size_t i) {
    double now = 0, before = 0;
    int n = 0, m = 0;
    for (std::size_t k = i + 1; k-- > 0 && points[k].hour > points[i].hour - 2 * kHoursPerWeek;) {
      const bool recent = points[k].hour > points[i].hour - kHoursPerWeek;
      (recent ? now : before) += std::exp(points[k].value);
      ++(recent ? n : m);
    }
    return n > 48 && m > 48 && now / n > 1.5 * before / m;
  });
}

Alarms Ours(const std::vector<HourPoint>& points, bool warning) {
  Alarms out;
  for (const Shift& shift : JudgeSeries(points, {}, std::pmr::new_delete_resource()).shifts)
    if (shift.ratio > 1 && (!warning || shift.warned != kNever)) out.push_back(warning ? shift.warned : shift.found);
  return out;
}

struct Score {
  int false_alarms = 0, series = 0;
  int shifts = 0, in_24 = 0, in_48 = 0;
  std::vector<int> delays;
};

void Judge(const Series& series, const Alarms& alarms, Score* score) {
  const int judged_from = kStart + kBefore;
  const int shift = series.shift_at >= 0 ? series.points[static_cast<std::size_t>(series.shift_at)].hour : INT32_MAX;
  int found = INT32_MAX;
  for (const int hour : alarms) {
    if (hour < judged_from) continue;
    if (hour >= shift) {
      found = std::min(found, hour);
    } else if (series.shift_at < 0) {
      ++score->false_alarms;
    }
  }
  ++score->series;
  if (series.shift_at < 0) return;
  ++score->shifts;
  if (found != INT32_MAX) score->delays.push_back(found - shift);
  score->in_24 += found != INT32_MAX && found - shift <= 24;
  score->in_48 += found != INT32_MAX && found - shift <= 48;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 200;
  const std::vector<std::pair<const char*, Detector>> detectors = {
      {"> 1.5 x trailing day", TrailingDay},
      {"> 3 sigma of the hour", ThreeSigma},
      {"week over week > 50 %", WeekOverWeek},
      {"pg_assist, warning", [](const auto& p) { return Ours(p, true); }},
      {"pg_assist, info", [](const auto& p) { return Ours(p, false); }},
  };
  for (const Kind& kind : kKinds) {
    std::printf("\n%s (%d series of each)\n%-24s %12s   %-26s %-26s\n", kind.name, count, "", "false alarms", "+50 %: in 24 h, 48 h, median", "+100 %: in 24 h, 48 h, median");
    for (const auto& [name, detector] : detectors) {
      std::printf("%-24s", name);
      for (const double ratio : {1.0, 1.5, 2.0}) {
        Score score;
        for (int i = 0; i < count; ++i) {
          const Series series = Generate(kind, std::log(ratio), static_cast<unsigned>(i * 7919 + static_cast<int>(ratio * 10)));
          Judge(series, detector(series.points), &score);
        }
        if (ratio == 1.0) {
          std::printf(" %8.3f /week", static_cast<double>(score.false_alarms) / score.series / (kJudged / kHoursPerWeek));
          continue;
        }
        std::sort(score.delays.begin(), score.delays.end());
        std::printf("   %5.1f %%  %5.1f %%  %4d h", 100.0 * score.in_24 / score.shifts, 100.0 * score.in_48 / score.shifts,
                    score.delays.empty() ? -1 : score.delays[score.delays.size() / 2]);
      }
      std::printf("\n");
    }
  }
  return 0;
}
