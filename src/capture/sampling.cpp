// Which executions are measured with actual row counts.

#include "capture/capture.hpp"

extern "C" {
#include "common/pg_prng.h"
}

namespace assist::capture {

namespace {

constexpr int kFirst = 3;            // executions of a new plan that are always measured
constexpr int kFreshPerSecond = 100; // of these at most so many a second, in one backend
constexpr double kSlowNs = 10e6, kVerySlowNs = 1e9;
constexpr uint32 kSlowdownForFresh = 64;  // above it not even new plans are measured
constexpr uint32 kNever = 0xfffffff0;

// New plans come in floods when every statement is another one: measuring each would cost more than it shows.
bool fresh_allowed() {
  if (store()->sampling_slowdown > kSlowdownForFresh) return false;
  static int64 second = 0;
  static int left = 0;
  const int64 now = GetCurrentStatementStartTimestamp() / USECS_PER_SEC;
  if (now != second) {
    second = now;
    left = kFreshPerSecond;
  }
  return left > 0 && left-- > 0;
}

// Executions between two samples: 1 / rate, fewer for statements whose own time dwarfs the measuring.
uint32 period_of(const SlotEntry& entry) {
  if (sample_rate <= 0) return kNever;
  double period = 1 / sample_rate * store()->sampling_slowdown;
  const double mean_ns = entry.sums.calls > 0 ? static_cast<double>(entry.sums.exec_ns) / static_cast<double>(entry.sums.calls) : 0;
  if (mean_ns >= kVerySlowNs)
    period /= 64;
  else if (mean_ns >= kSlowNs)
    period /= 8;
  if (period <= 1) return 0;
  // Drawn, so that a rhythm of the application does not pick the same case each time.
  return static_cast<uint32>(period * (0.5 + pg_prng_double(&pg_global_prng_state)));
}

}  // namespace

uint32 decide_sample(SlotEntry* entry) {
  const bool fresh = entry->first_samples < kFirst;
  if (fresh && sample_rate < 1 && !fresh_allowed()) return 0;
  const uint32 weight = entry->sample_period + 1;
  if (fresh) ++entry->first_samples;
  entry->sample_period = entry->until_sample = entry->first_samples < kFirst ? 0 : period_of(*entry);
  if (!fresh && sample_rate <= 0) return 0;
  return weight;
}

}  // namespace assist::capture
