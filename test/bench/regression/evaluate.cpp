// How often detectors cry wolf and how soon they find what is there, on synthetic series: hourly mean times of a
// statement with a season, noise, spikes, a monthly batch, and shifts at known moments.
//
// usage: evaluate [SERIES]: of each kind (default 200). Eight weeks go before, four are judged. Deterministic. pg_assist is
// judged twice: in one pass over all, and as the analyst does it, every hour on the ten weeks before it (one in 16 of the
// series without a shift, one in five of those with one: it takes long). Ends with status 1 when a bar is missed for any kind,
// by what the analyst does.
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
struct Tiers {
  Alarms warning, info;
};
using Detector = std::function<Tiers(const Series&)>;

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

Tiers Ours(const Series& series) {
  Tiers out;
  for (const Shift& shift : JudgeSeries(series.points, {}, std::pmr::new_delete_resource()).shifts) {
    if (shift.ratio <= 1) continue;
    out.info.push_back(shift.found);
    if (shift.warned != kNever) out.warning.push_back(shift.warned);
  }
  return out;
}

// What the analyst does (src/pg/regress/season.cpp and store.cpp): every hour it judges the ten weeks before, and keeps what
// it finds; what is known already, or the end of it, is not told again.
Tiers OursHourly(const Series& series) {
  constexpr int kSeries = 70 * 24, kTold = 28 * 24, kLongEnough = 72;  // after a shift
  constexpr std::size_t kStatements = 100;  // judged beside it, of which none has changed
  const std::vector<HourPoint>& points = series.points;
  struct Row {
    bool slower, warned;
    int onset, until;
    double before, ratio;
  };
  std::vector<Row> rows;
  Tiers out;
  std::size_t first = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const int now = points[i].hour;
    if (now < kStart + kBefore - 48) continue;
    if (series.shift_at >= 0 && now > points[static_cast<std::size_t>(series.shift_at)].hour + kLongEnough) break;
    while (points[first].hour < now - kSeries) ++first;
    const std::span<const HourPoint> window(points.data() + first, i + 1 - first);
    const Judgement judged = JudgeSeries(window, {}, std::pmr::new_delete_resource());
    for (const Shift& shift : judged.shifts) {
      if (shift.onset < now - kTold || (shift.until != kNever && shift.until < now - 48)) continue;
      double p = shift.p;
      if (shift.warned == kNever && p > DiscoveryThreshold({&p, 1}, kStatements, kDiscoveryRate)) continue;
      Row row = {shift.ratio > 1, shift.warned != kNever, shift.onset, shift.until, 1, shift.ratio};
      for (std::size_t p = 0; p < window.size(); ++p)
        if (window[p].hour >= shift.onset && judged.normal[p].from != Normal::From::kLearning) {
          row.before = std::exp(judged.normal[p].value);
          break;
        }
      const auto is_return = [&](const Row& other) {
        const double left = std::abs(std::log(row.before * row.ratio / other.before));
        return other.slower != row.slower && other.onset < row.onset && (other.until == kNever || other.until > row.onset - 24) &&
               (left < std::log(1.2) || left < std::abs(std::log(other.ratio)) / 2);
      };
      if (std::any_of(rows.rbegin(), rows.rend(), is_return)) continue;
      Row* known = nullptr;  // the nearest
      for (Row& other : rows)
        if (other.slower == row.slower && std::abs(other.onset - row.onset) <= 24 && (other.until == kNever || other.until > row.onset) &&
            (known == nullptr || std::abs(other.onset - row.onset) <= std::abs(known->onset - row.onset)))
          known = &other;
      const bool new_row = known == nullptr, new_warning = row.warned && (new_row || !known->warned);
      if (row.slower && new_row) out.info.push_back(now);
      if (row.slower && new_warning) out.warning.push_back(now);
      if (new_row) {
        rows.push_back(row);
      } else {
        row.warned = row.warned || known->warned;
        *known = row;
      }
    }
  }
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

void Print(const char* name, const char* tier, const Score& no_shift, Score& half, Score& doubled) {
  std::printf("%-24s %8.3f /week", (std::string(name) + tier).c_str(), static_cast<double>(no_shift.false_alarms) / no_shift.series / (kJudged / kHoursPerWeek));
  for (Score* score : {&half, &doubled}) {
    std::sort(score->delays.begin(), score->delays.end());
    std::printf("   %5.1f %%  %5.1f %%  %4d h", 100.0 * score->in_24 / score->shifts, 100.0 * score->in_48 / score->shifts,
                score->delays.empty() ? -1 : score->delays[score->delays.size() / 2]);
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 200;
  const auto simple = [](Alarms (*detector)(const std::vector<HourPoint>&)) {
    return [detector](const Series& series) { return Tiers{{}, detector(series.points)}; };
  };
  struct Judged {
    const char* name;
    Detector detector;
    bool ours, hourly;
  };
  const int few = std::max(count / 16, 1), shifted = std::max(count / 5, 1);
  const std::vector<Judged> detectors = {
      {"> 1.5 x trailing day", simple(TrailingDay), false, false},
      {"> 3 sigma of the hour", simple(ThreeSigma), false, false},
      {"week over week > 50 %", simple(WeekOverWeek), false, false},
      {"pg_assist", Ours, true, false},
      {"every hour", OursHourly, true, true},
  };
  // Bars: false alarms a series and week at the warning tier, doublings found in 24 h, +50 % in 48 h at the info tier.
  constexpr double kFalse = 0.05, kDoubled = 0.99, kHalf = 0.9;
  bool met = true;  // of each kind by itself: an average hides the one that misses
  for (const Kind& kind : kKinds) {
    std::printf("\n%s (%d series of each; every hour %d, with a shift %d)\n%-24s %12s   %-26s %-26s\n", kind.name, count, few, shifted, "", "false alarms", "+50 %: in 24 h, 48 h, median", "+100 %: in 24 h, 48 h, median");
    for (const Judged& one : detectors) {
      Score scores[3][2];  // by ratio; warning, info
      constexpr double kRatios[3] = {1.0, 1.5, 2.0};
      for (int r = 0; r < 3; ++r)
        for (int i = 0; i < (!one.hourly ? count : r == 0 ? few : shifted); ++i) {
          const Series series = Generate(kind, std::log(kRatios[r]), static_cast<unsigned>(i * 7919 + static_cast<int>(kRatios[r] * 10)));
          const Tiers found = one.detector(series);
          Judge(series, found.warning, &scores[r][0]);
          // A warning tells it too: what was found before as something smaller is not found again.
          Alarms told = found.info;
          if (kRatios[r] > 1) told.insert(told.end(), found.warning.begin(), found.warning.end());
          Judge(series, told, &scores[r][1]);
        }
      for (int tier = one.ours ? 0 : 1; tier < 2; ++tier) Print(one.name, !one.ours ? "" : tier == 0 ? ", warning" : ", info", scores[0][tier], scores[1][tier], scores[2][tier]);
      if (!one.hourly) continue;
      const Score &none = scores[0][0], &half = scores[1][1], &doubled = scores[2][1];
      const bool kind_met = none.false_alarms <= kFalse * none.series * (kJudged / kHoursPerWeek) &&
                            doubled.in_24 >= kDoubled * doubled.shifts && half.in_48 >= kHalf * half.shifts;
      std::printf("bars (every hour; %.2f false warnings a week, %.0f %% of doublings in 24 h, %.0f %% of +50 %% in 48 h): %s\n", kFalse,
                  100 * kDoubled, 100 * kHalf, kind_met ? "met" : "MISSED");
      met &= kind_met;
    }
  }
  return met ? 0 : 1;
}
