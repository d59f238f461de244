// How often a change is seen behind an event that changed nothing, and how soon one that did is
// found: minutes of a statement with a season, noise that lasts hours, spikes of minutes, and an
// event at a random moment. Looked at every five minutes for two hours after it, as the analyst
// does, or fewer times.
//
// usage: events [SERIES]: of each kind (default 200), a week and a day each, with fourteen events
// in the last day. Deterministic.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "assist/step.hpp"
#include "kinds.hpp"

using namespace assist;

namespace {

constexpr double kHistoryHours = 8 * 24, kFollowedHours = 2;
constexpr int kEvents = 14;

// Means of minutes, in ms, and calls.
struct Minutes {
  std::vector<double> ms, calls;
};

Minutes Generate(const Kind& kind, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  Minutes out;
  const double phi = std::pow(kHourPhi, 1.0 / 60), phase = 4 * uniform(random),
               start = 24 * static_cast<int>(7 * uniform(random));
  double ar = kind.noise * normal(random), daily = 0, spike = 0;
  int spike_left = 0;
  for (int i = 0; i < static_cast<int>((kHistoryHours + kFollowedHours) * 60); ++i) {
    const double hour = start + i / 60.0;
    if (i % 1440 == 0) daily = kind.daily * normal(random);
    ar = phi * ar + std::sqrt(1 - phi * phi) * kind.noise * normal(random);
    if (spike_left-- <= 0 && uniform(random) < 0.005 / 10) {  // of ten minutes on average
      spike_left = static_cast<int>(-10 * std::log(1 - uniform(random)));
      spike = std::log(3 + 7 * uniform(random));
    }
    const double season = Season(kind, hour, phase);
    const double per_hour =
        kind.calls <= 60 ? kind.calls : kind.calls * std::exp(season - kind.season / 2);
    std::poisson_distribution<int> poisson(per_hour / 60);
    const int calls = poisson(random);
    double value = 1 + season + ar + daily + (spike_left > 0 ? spike : 0);
    // As a single call varies by its mean.
    if (calls > 0) value += std::log(std::max(0.1, 1 + normal(random) / std::sqrt(calls)));
    out.ms.push_back(std::exp(value));
    out.calls.push_back(calls);
  }
  return out;
}

// As history keeps them: a minute for six hours, five for three days, then hours. Hours are counted
// from the event.
std::vector<StepSlice> SlicesAt(const Minutes& minutes, int event, int now, double shift) {
  std::vector<StepSlice> slices;
  const auto add = [&](int from, int until) {
    StepSlice slice = {(from - event) / 60.0, (until - event) / 60.0, 0, 0};
    for (int i = from; i < until; ++i) {
      const auto at = static_cast<std::size_t>(i);
      slice.calls += minutes.calls[at];
      slice.ms += minutes.calls[at] * minutes.ms[at] * (i >= event ? shift : 1);
    }
    if (slice.calls > 0) slices.push_back(slice);
  };
  const auto hour = [](int i) { return i / 60 * 60; };
  for (int i = std::max(0, hour(event - 170 * 60)); i < event - 165 * 60; i += 60) add(i, i + 60);
  const int fine = (now - 6 * 60) / 5 * 5;
  for (int i = (event - static_cast<int>(kStepHours * 60)) / 5 * 5; i < fine; i += 5) add(i, i + 5);
  for (int i = fine; i < now; ++i) add(i, i + 1);
  return slices;
}

struct Means {
  double before = 0, after = 0, calls_before = 0, calls_after = 0;
  double Ratio() const {
    return calls_before > 0 && calls_after > 0 ? after / calls_after / (before / calls_before) : 1;
  }
};
Means Around(const std::vector<StepSlice>& slices, double hours) {
  Means means;
  for (const StepSlice& slice : slices) {
    if (slice.start >= 0) {
      means.after += slice.ms;
      means.calls_after += slice.calls;
    } else if (slice.until <= 0 && slice.start >= -hours) {
      means.before += slice.ms;
      means.calls_before += slice.calls;
    }
  }
  return means;
}
bool Beyond(const Means& means) {
  return means.calls_after >= 100 && means.calls_before >= 30 &&
         (means.Ratio() > 1.5 || means.Ratio() < 1 / 1.5);
}

// Welch's t of the logarithms of slices.
bool Welch(const std::vector<StepSlice>& slices) {
  double n[2] = {}, sum[2] = {}, squares[2] = {};
  for (const StepSlice& slice : slices) {
    if (slice.calls < 3 || slice.start < -24) continue;
    const int side = slice.start >= 0;
    const double y = std::log(slice.ms / slice.calls);
    ++n[side];
    sum[side] += y;
    squares[side] += y * y;
  }
  if (n[0] < 3 || n[1] < 10 || !Beyond(Around(slices, 24))) return false;
  double error2 = 0;
  for (const int side : {0, 1})
    error2 += (squares[side] - sum[side] * sum[side] / n[side]) / (n[side] - 1) / n[side];
  return std::abs(sum[1] / n[1] - sum[0] / n[0]) > 3 * std::sqrt(error2);
}

using Detector = std::function<bool(const std::vector<StepSlice>&)>;

// Minutes until it is found, -1 = not within two hours.
int FoundAfter(const Minutes& minutes, int event, double shift, const Detector& detector) {
  for (int after = 5; after <= static_cast<int>(kFollowedHours * 60); after += 5)
    if (detector(SlicesAt(minutes, event, event + after, shift))) return after;
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 200;
  const std::vector<std::pair<const char*, Detector>> detectors = {
      {"1.5 x the hour before", [](const auto& s) { return Beyond(Around(s, 1)); }},
      {"1.5 x the day before", [](const auto& s) { return Beyond(Around(s, 24)); }},
      {"and Welch's t above 3", Welch},
      {"pg_assist, any event",
       [](const auto& s) { return FindStep(s, 0, StepReason::kAnything).has_value(); }},
      {"pg_assist, its new plan",
       [](const auto& s) { return FindStep(s, 0, StepReason::kOwn).has_value(); }},
  };
  for (const Kind& kind : kKinds) {
    if (kind.batch) continue;  // monthly: nothing of minutes
    std::printf("\n%s (%d events)\n%-24s %16s %26s %26s %26s\n", kind.name, count * kEvents, "",
                "of none", "+100 %: found, median", "x 4: found, median", "x 20: found, median");
    for (const auto& [name, detector] : detectors) {
      std::printf("%-24s", name);
      for (const double shift : {1.0, 2.0, 4.0, 20.0}) {
        std::vector<int> found;
        int events = 0;
        for (int i = 0; i < count; ++i) {
          const Minutes minutes = Generate(kind, static_cast<unsigned>(i * 7919 + 17));
          std::mt19937_64 random(static_cast<unsigned>(i));
          for (int e = 0; e < (shift == 1 ? kEvents : 2); ++e) {
            const int event =
                static_cast<int>((kHistoryHours - 24) * 60) + static_cast<int>(random() % 1440);
            const int after = FoundAfter(minutes, event, shift, detector);
            ++events;
            if (after >= 0) found.push_back(after);
          }
        }
        std::sort(found.begin(), found.end());
        if (shift == 1)
          std::printf(" %8.3f %% of events", 100.0 * static_cast<double>(found.size()) / events);
        else
          std::printf("   %8.1f %%  %5d min", 100.0 * static_cast<double>(found.size()) / events,
                      found.empty() ? -1 : found[found.size() / 2]);
      }
      std::printf("\n");
    }
  }
  return 0;
}
