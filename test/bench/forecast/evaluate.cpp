// How well forecasts hold on what comes after them, on synthetic series (generate.hpp): methods side by side, whether
// bands hold what they promise, how often there is silence, and what days to a limit are worth.
//
// usage: evaluate [SERIES]: of each kind (default 200). Deterministic.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>

#include "assist/forecast.hpp"
#include "generate.hpp"

using namespace assist;

namespace {

double Median(std::vector<double> values) {
  if (values.empty()) return NAN;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Score {
  std::vector<double> chosen, last, last_day, last_week;  // MASE on the week that came
  std::array<std::vector<double>, kForecastMethods> methods;  // on held-back hours
  double inside80 = 0, inside95 = 0, hours = 0;
  int silent = 0, series = 0, worse = 0;
};

// The week that comes, with the plain methods beside.
void Judge(const std::vector<double>& all, int history, int ahead, Score* score) {
  const std::span<const double> known(all.data(), static_cast<std::size_t>(history));
  const Forecast forecast = ForecastSeries({bench::kStart, known}, ahead, {.non_negative = true}, std::pmr::new_delete_resource());
  ++score->series;
  for (std::size_t m = 0; m < kForecastMethods; ++m)
    if (std::isfinite(forecast.mases[m])) score->methods[m].push_back(forecast.mases[m]);
  if (forecast.silence != ForecastSilence::kNone) {
    ++score->silent;
    return;
  }
  const auto before = [&](int i, int period) {
    while (i >= history || std::isnan(all[static_cast<std::size_t>(i)])) i -= period;
    return all[static_cast<std::size_t>(i)];
  };
  double error = 0, last = 0, day = 0, week = 0;
  for (int h = 0; h < ahead; ++h) {
    const double value = all[static_cast<std::size_t>(history + h)];
    const ForecastHour& hour = forecast.hours[static_cast<std::size_t>(h)];
    error += std::abs(value - hour.mean);
    last += std::abs(value - before(history - 1, 1));
    day += std::abs(value - before(history + h, bench::kDay));
    week += std::abs(value - before(history + h, bench::kWeek));
    ++score->hours;
    score->inside80 += value >= hour.low80 && value <= hour.high80;
    score->inside95 += value >= hour.low95 && value <= hour.high95;
  }
  score->chosen.push_back(error / last);
  score->last_day.push_back(day / last);
  score->last_week.push_back(week / last);
  score->worse += error > last;
}

void Loads(int count, int weeks, int ahead) {
  std::printf("\n%d weeks of history, %d hours ahead (%d series of each)\n", weeks, ahead, count);
  std::printf("%-34s %7s   %-38s   %-17s %s\n", "", "", "error over that of the last value (median)", "bands hold", "worse than");
  std::printf("%-34s %7s   %8s %9s %10s %10s   %7s %7s   %s\n", "", "silent", "last day", "last week", "pg_assist", "held back", "80 %", "95 %", "last value");
  for (const bench::Load& kind : bench::kLoads) {
    Score score;
    for (int i = 0; i < count; ++i) {
      const int history = weeks * bench::kWeek + i % bench::kWeek;  // ends at any hour of the week
      Judge(bench::Generate(kind, history, ahead, static_cast<unsigned>(i * 7919 + 17)), history, ahead, &score);
    }
    double best = HUGE_VAL;
    for (const auto& mases : score.methods) best = std::min(best, mases.empty() ? HUGE_VAL : Median(mases));
    const int said = score.series - score.silent;
    if (said == 0) {
      std::printf("%-34s %5.1f %%\n", kind.name, 100.0);
      continue;
    }
    std::printf("%-34s %5.1f %%   %8.2f %9.2f %10.2f %10.2f   %5.1f %% %5.1f %%   %5.1f %%\n", kind.name, 100.0 * score.silent / score.series,
                Median(score.last_day), Median(score.last_week), Median(score.chosen), best, 100 * score.inside80 / score.hours,
                100 * score.inside95 / score.hours, 100.0 * score.worse / said);
  }
}

void Methods(int count) {
  std::printf("\nmethods on held-back hours, 8 weeks of history, 168 hours ahead: error over that of the last value (median)\n%-34s", "");
  for (std::size_t m = 1; m < kForecastMethods; ++m) std::printf(" %13.13s", std::array{"", "same hour/day", "same hour/wk", "trend", "trend, day", "trend, week", "week, factors"}[m]);
  std::printf("\n");
  for (const bench::Load& kind : bench::kLoads) {
    Score score;
    for (int i = 0; i < count; ++i) Judge(bench::Generate(kind, 8 * bench::kWeek, bench::kWeek, static_cast<unsigned>(i * 7919 + 17)), 8 * bench::kWeek, bench::kWeek, &score);
    std::printf("%-34s", kind.name);
    for (std::size_t m = 1; m < kForecastMethods; ++m) std::printf(" %13.2f", Median(score.methods[m]));
    std::printf("\n");
  }
}

// A statement about the limit: days, and an interval where there is one.
struct Said {
  bool silent;
  double days, low, high;
};
using Estimator = std::function<Said(const bench::LevelSeries&)>;

Said FromRate(double level, double limit, double rate) {
  if (rate <= 0) return {true, 0, 0, 0};
  const double days = std::max(0.0, (limit - level) / rate);
  return {false, days, days, days};
}

Said LastWeek(const bench::LevelSeries& series) {
  const std::vector<double>& days = series.days;
  return FromRate(days.back(), series.limit, (days.back() - days[days.size() - 8]) / 7);
}

Said LeastSquares(const bench::LevelSeries& series) {
  const std::vector<double>& days = series.days;
  const std::size_t n = std::min<std::size_t>(28, days.size()), first = days.size() - n;
  double t = 0, x = 0, tt = 0, tx = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double at = static_cast<double>(i) - static_cast<double>(n - 1);
    t += at;
    x += days[first + i];
    tt += at * at;
    tx += at * days[first + i];
  }
  const double rate = (tx - t * x / static_cast<double>(n)) / (tt - t * t / static_cast<double>(n));
  return FromRate((x - rate * t) / static_cast<double>(n), series.limit, rate);
}

Said Ours(const bench::LevelSeries& series) {
  const DaysToLimit out = DaysUntil(series.days, series.limit, series.saw ? LevelKind::kSaw : LevelKind::kFills, std::pmr::new_delete_resource());
  return {out.silence != LimitSilence::kNone, out.days, out.low, out.high};
}

void Limits(int count, int history) {
  const std::vector<std::pair<const char*, Estimator>> estimators = {
      {"last week's rate", LastWeek}, {"least squares, 28 days", LeastSquares}, {"pg_assist", Ours}};
  std::printf("\ndays to a limit that is reached in 30, %d days of history (%d series of each)\n%-34s", history, count, "");
  for (const auto& [name, estimator] : estimators) std::printf("   %-22s", name);
  std::printf("\n%-34s", "");
  for (std::size_t i = 0; i < estimators.size(); ++i) std::printf("   %-22s", i + 1 < estimators.size() ? "silent  error (90 %)" : "silent  error (90 %)   interval holds");
  std::printf("\n");
  for (const bool grows : {true, false}) {
    if (!grows) std::printf("where nothing grows: share that says the limit is reached within 90 days\n");
    for (const bench::Level& kind : bench::kLevels) {
      if (kind.grows != grows) continue;
      std::printf("%-34s", kind.name);
      for (const auto& [name, estimator] : estimators) {
        int silent = 0, inside = 0, within = 0;
        std::vector<double> errors;
        for (int i = 0; i < count; ++i) {
          const bench::LevelSeries series = bench::Generate(kind, history, static_cast<unsigned>(i * 7919 + 5));
          const Said said = estimator(series);
          silent += said.silent;
          within += !said.silent && said.days <= 90;
          if (said.silent) continue;
          errors.push_back(std::abs(said.days - bench::kAhead));
          inside += said.low <= bench::kAhead && said.high >= bench::kAhead;
        }
        if (!grows) {
          std::printf("   %5.1f %%               ", 100.0 * within / count);
          continue;
        }
        std::sort(errors.begin(), errors.end());
        std::printf("   %4.0f %%  %4.1f d (%5.1f)", 100.0 * silent / count, Median(errors), errors.empty() ? NAN : errors[errors.size() * 9 / 10]);
        if (&estimator == &estimators.back().second) std::printf("    %5.1f %%", errors.empty() ? 0 : 100.0 * inside / static_cast<double>(errors.size()));
      }
      std::printf("\n");
    }
  }
}

void Times() {
  const auto since = [](std::clock_t begin) { return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC; };
  constexpr int kSeries = 5000, kHistory = 8 * bench::kWeek;
  std::vector<std::vector<double>> loads, levels;
  for (int i = 0; i < kSeries; ++i) {
    loads.push_back(bench::Generate(bench::kLoads[i % std::size(bench::kLoads)], kHistory, 0, static_cast<unsigned>(i)));
    levels.push_back(bench::Generate(bench::kLevels[i % std::size(bench::kLevels)], 56, static_cast<unsigned>(i)).days);
  }
  std::clock_t begin = std::clock();
  std::size_t said = 0;
  for (const auto& load : loads) {
    std::pmr::monotonic_buffer_resource memory;
    said += ForecastSeries({bench::kStart, load}, bench::kWeek, {}, &memory).hours.size();
  }
  std::printf("\nprocessor time for 5,000 series of 8 weeks: forecast of a week %.2f s, ", since(begin));
  begin = std::clock();
  for (const auto& level : levels) said += DaysUntil(level, 300, LevelKind::kFills, std::pmr::new_delete_resource()).silence == LimitSilence::kNone;
  std::printf("days to limit %.2f s, ", since(begin));
  begin = std::clock();
  for (const auto& load : loads) said += BestWindows({bench::kStart, load}, WindowProfile::kWeekly, 2, 3, std::pmr::new_delete_resource()).windows.size();
  std::printf("quiet hours %.2f s%s\n", since(begin), said == 0 ? " (nothing said)" : "");
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 200;
  Methods(count);
  Loads(count, 8, 168);
  Loads(count, 8, 24);
  Loads(count, 3, 168);
  Limits(count, 56);
  Limits(count, 28);
  Times();
  return 0;
}
