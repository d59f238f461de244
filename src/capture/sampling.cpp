// Which executions are measured with actual row counts.

#include "capture/capture.hpp"

extern "C" {
#include "common/pg_prng.h"
}

namespace assist::capture {

namespace {

constexpr int kFirst = 3;            // executions of a new plan that are always measured; of a slow one the first
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

double mean_ns(const SlotEntry& entry) {
  return entry.sums.calls > 0 ? static_cast<double>(entry.sums.exec_ns) / static_cast<double>(entry.sums.calls) : 0;
}

// Executions between two samples: 1 / rate, fewer for statements whose own time dwarfs the measuring.
double mean_period(double mean_ns) {
  double period = 1 / sample_rate * store()->sampling_slowdown;
  if (mean_ns >= kVerySlowNs)
    period /= 64;
  else if (mean_ns >= kSlowNs)
    period /= 8;
  return period;
}

// Drawn, so that a rhythm of the application does not pick the same case each time.
uint32 draw_period(double mean_ns) {
  if (sample_rate <= 0) return kNever;
  const double period = mean_period(mean_ns);
  return period <= 1 ? 0 : static_cast<uint32>(period * (0.5 + pg_prng_double(&pg_global_prng_state)));
}

// Whether the first executions of this plan have been measured already by others, and are kept; then its mean time.
bool is_measured(const SlotEntry& entry, double* mean_ns) {
  LWLock* lock = partition_lock(partition_of(entry.dbid, entry.queryid));
  if (!store_lock_briefly(lock, LW_SHARED)) return false;
  StatementEntry* statement = find_statement({entry.userid, entry.dbid, entry.queryid, entry.toplevel});
  const PlanEntry* plan = statement != nullptr ? find_plan(statement, entry.planid) : nullptr;
  bool measured = false;
  if (plan != nullptr && plan->calls > 0 && DsaPointerIsValid(plan->plan)) {
    *mean_ns = static_cast<double>(plan->exec_ns) / static_cast<double>(plan->calls);
    measured = plan->sampled >= kFirst || (plan->sampled > 0 && *mean_ns >= kSlowNs);
  }
  LWLockRelease(lock);
  return measured;
}

// A session that comes to a plan that is measured joins in as if it had been counting all along.
void join_in(SlotEntry* entry, double mean_ns) {
  entry->first_samples = kFirst;
  entry->sample_period = entry->until_sample = draw_period(mean_ns);
  if (sample_rate > 0)
    entry->until_sample = static_cast<uint32>((entry->sample_period + 1.0) * pg_prng_double(&pg_global_prng_state));
}

}  // namespace

uint32 decide_sample(SlotEntry* entry) {
  if (entry->first_samples < kFirst && sample_rate < 1) {
    if (is_passed_over(entry->queryid)) return 0;
    // Measuring takes some per cent of what a long execution takes: of those the first suffices.
    double mean = mean_ns(*entry);
    if (entry->first_samples > 0 ? mean >= kSlowNs : is_measured(*entry, &mean)) {
      join_in(entry, mean);
      if (entry->until_sample > 0) {
        --entry->until_sample;
        return 0;
      }
    } else if (!fresh_allowed()) {
      return 0;
    }
  }
  const bool fresh = entry->first_samples < kFirst;
  const uint32 weight = entry->sample_period + 1;
  if (fresh) ++entry->first_samples;
  entry->sample_period = entry->until_sample = entry->first_samples < kFirst ? 0 : draw_period(mean_ns(*entry));
  if (!fresh && sample_rate <= 0) return 0;
  return weight;
}

}  // namespace assist::capture
