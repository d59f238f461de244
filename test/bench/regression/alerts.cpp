// How often anomalies of a database's load are told of where there are none, and how soon those that are there: weeks of
// errors, connections and temporary files in intervals of five minutes, with a season, noise, bursts, and jobs every day and
// every week. Judged as the analyst does: against the hours around this time of seven days, coarser the longer ago, with hysteresis.
//
// usage: alerts [DATABASES]: of each kind (default 50), four weeks each after one to learn. Deterministic.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

#include "assist/alert.hpp"

using namespace assist;

namespace {

constexpr int kPerHour = 12, kPerDay = 24 * kPerHour;
constexpr int kLearning = 7 * kPerDay, kJudged = 28 * kPerDay;

struct Kind {
  const char* name;
  double calls;        // a second, at the peak
  double error_share;
  double connections;  // at the peak
  double temp_mb;      // of the day's work, a minute
  bool jobs;           // a report every night at 2:00 for a quarter of an hour, and on Sundays at 4:00 for half of one
};
constexpr Kind kKinds[] = {
    {"small application", 2, 0.002, 15, 0, false},
    {"busy, few errors", 500, 0.0005, 80, 5, false},
    {"busy, many errors", 500, 0.03, 80, 5, false},
    {"reports at night", 100, 0.002, 40, 20, true},
};

double Office(int i) {
  const double hour = std::fmod(static_cast<double>(i) / kPerHour, 24);
  const bool weekend = i / kPerDay % 7 >= 5;
  return (weekend ? 0.4 : 1) * (0.15 + 0.85 * (0.5 - 0.5 * std::cos(2 * M_PI * (hour - 3) / 24)));
}

std::vector<Load> Generate(const Kind& kind, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  const auto poisson = [&](double mean) { return static_cast<double>(std::poisson_distribution<long>(mean)(random)); };
  std::vector<Load> loads;
  double ar = 0;
  int burst = 0;
  for (int i = 0; i < kLearning + kJudged; ++i) {
    ar = 0.95 * ar + std::sqrt(1 - 0.95 * 0.95) * 0.25 * normal(random);
    const double level = Office(i) * std::exp(ar);
    Load load;
    load.seconds = 300;
    load.calls = poisson(std::max(1e-3, kind.calls * 300 * level));
    // A burst of failures of one client, as when a form is broken for some minutes, and is tried again.
    if (burst-- <= 0 && uniform(random) < 0.002) burst = 2;
    load.errors = poisson(load.calls * kind.error_share * (burst > 0 ? 8 : 1));
    load.connections = std::round(kind.connections * (0.3 + 0.7 * std::min(1.5, level)) + 2 * std::abs(normal(random)));
    load.temp_bytes = kind.temp_mb > 0 ? 1048576 * 5 * kind.temp_mb * level * std::exp(normal(random)) : 0;
    if (kind.jobs) {
      const int of_day = i % kPerDay;
      if (of_day >= 2 * kPerHour && of_day < 2 * kPerHour + 3) load.temp_bytes += 5e8 * (1 + uniform(random));
      if (i / kPerDay % 7 == 6 && of_day >= 4 * kPerHour && of_day < 4 * kPerHour + 6) load.temp_bytes += 2e9 * (1 + uniform(random));
    }
    loads.push_back(load);
  }
  return loads;
}

// An earlier day's hours around this time: five minutes for three days, then whole hours.
UsualDay DayBefore(const std::vector<Load>& loads, int now, int days) {
  UsualDay day;
  const int middle = now - days * kPerDay;
  if (days <= 3) {
    for (int i = middle - kPerHour; i < middle + kPerHour; ++i)
      if (i >= 0) day.Add(loads[static_cast<std::size_t>(i)]);
    return day;
  }
  for (int begin = (middle - kPerHour) / kPerHour * kPerHour; begin < middle + kPerHour; begin += kPerHour) {
    const int half = begin + kPerHour / 2;
    if (begin < 0 || half < middle - kPerHour || half > middle + kPerHour) continue;
    Load hour;
    for (int i = begin; i < begin + kPerHour; ++i) hour.Add(loads[static_cast<std::size_t>(i)]);
    day.Add(hour);
  }
  return day;
}

// Opened alerts, with the intervals at which they were.
std::vector<int> Alerts(const std::vector<Load>& loads, LoadKind kind, const MetricDescriptor& metric) {
  std::vector<int> opened;
  AlertState state;
  for (int i = kLearning; i < static_cast<int>(loads.size()); ++i) {
    std::vector<UsualDay> days;
    for (int d = 1; d <= 7; ++d) days.push_back(DayBefore(loads, i, d));
    const double times = TimesUsual(kind, loads[static_cast<std::size_t>(i)], days);
    if (Advance(state, LevelOf(times, {metric.warning, metric.critical}, metric.better), metric.hysteresis) == AlertChange::kOpened)
      opened.push_back(i);
  }
  return opened;
}
// Beyond so many times the mean of the last day, at once.
std::vector<int> TimesOfDay(const std::vector<Load>& loads, LoadKind kind, const MetricDescriptor& metric) {
  std::vector<int> opened;
  bool open = false;
  for (int i = kLearning; i < static_cast<int>(loads.size()); ++i) {
    Load day;
    double connections = 0;
    for (int k = i - kPerDay; k < i; ++k) {
      day.Add(loads[static_cast<std::size_t>(k)]);
      connections += loads[static_cast<std::size_t>(k)].connections / kPerDay;
    }
    day.connections = connections;
    const bool beyond = LoadOf(kind, loads[static_cast<std::size_t>(i)]) > metric.warning * LoadOf(kind, day);
    if (beyond && !open) opened.push_back(i);
    open = beyond;
  }
  return opened;
}

struct Anomaly {
  LoadKind kind;
  const char* metric;
  const char* what;
  std::function<void(const Kind&, Load&)> apply;
};
const Anomaly kAnomalies[] = {
    {LoadKind::kErrors, "error_rate", "one in five fails", [](const Kind&, Load& l) { l.errors = 0.2 * l.calls; }},
    {LoadKind::kConnections, "connection_storm", "three times the peak", [](const Kind& k, Load& l) { l.connections = 3 * k.connections; }},
    {LoadKind::kTemp, "temp_usage", "1 GB a minute", [](const Kind&, Load& l) { l.temp_bytes += 5 * 1073741824.0; }},
};

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 50;
  for (const Anomaly& anomaly : kAnomalies) {
    const MetricDescriptor& metric = *FindMetric(anomaly.metric);
    std::printf("\n%-18s %40s   %s, for an hour: found, median\n%-18s %19s %20s\n", anomaly.metric, "alerts a week of none", anomaly.what, "", "times the day's mean", "pg_assist");
    for (const Kind& kind : kKinds) {
      std::size_t naive = 0, ours = 0;
      std::vector<int> delays;
      for (int n = 0; n < count; ++n) {
        std::vector<Load> loads = Generate(kind, static_cast<unsigned>(n * 7919 + 5));
        naive += TimesOfDay(loads, anomaly.kind, metric).size();
        ours += Alerts(loads, anomaly.kind, metric).size();
        // On a Wednesday of the third week at 11:00.
        const int at = kLearning + 2 * kPerDay + 14 * kPerDay + 11 * kPerHour;
        for (int i = at; i < at + kPerHour; ++i) anomaly.apply(kind, loads[static_cast<std::size_t>(i)]);
        loads.resize(static_cast<std::size_t>(at + kPerHour));
        const std::vector<int> found = Alerts(loads, anomaly.kind, metric);
        const auto first = std::find_if(found.begin(), found.end(), [&](int i) { return i >= at; });
        if (first != found.end()) delays.push_back((*first - at + 1) * 5);
      }
      std::sort(delays.begin(), delays.end());
      const double weeks = 4.0 * count;
      std::printf("%-18s %19.2f %20.3f   %5.1f %%  %4d min\n", kind.name, static_cast<double>(naive) / weeks, static_cast<double>(ours) / weeks,
                  100.0 * static_cast<double>(delays.size()) / count, delays.empty() ? -1 : delays[delays.size() / 2]);
    }
  }
  return 0;
}
