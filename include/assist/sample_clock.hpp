// When to sample next, and for how much time a sample stands.
//
// A sample stands for the time since the one before it: who wakes up late does not lose what passed meanwhile. The
// moments are drawn around the interval, so that a rhythm of the application does not hide between them.
#pragma once

#include <algorithm>
#include <cstdint>

namespace assist {

class SampleClock {
 public:
  // The longest a sample may stand for, in intervals and in microseconds, whichever is more. After a longer pause
  // (the machine slept, the process was stopped) nobody knows what happened in it.
  static constexpr std::uint64_t kMostIntervals = 4;
  static constexpr std::uint64_t kLongestUs = 1'000'000;

  // Microseconds of a monotonic clock until the next sample; 0 = now. Without an interval: never, -1.
  std::int64_t Wait(std::uint64_t now_us, std::uint64_t interval_us) const noexcept {
    if (interval_us == 0) return -1;
    // A shorter interval than the one that the next moment was drawn for holds at once.
    const std::uint64_t next = std::min(next_us_, last_us_ + interval_us + interval_us / 2);
    return last_us_ == 0 || now_us >= next ? 0 : static_cast<std::int64_t>(next - now_us);
  }

  // A sample is taken now: what it stands for, in microseconds; the first one stands for one interval. `chance`,
  // from 0 to 1, draws the next moment.
  std::uint64_t Sample(std::uint64_t now_us, std::uint64_t interval_us, double chance) noexcept {
    const std::uint64_t elapsed = last_us_ == 0 ? interval_us : now_us - last_us_;
    const std::uint64_t counted = std::min(elapsed, std::max(kLongestUs, kMostIntervals * interval_us));
    skipped_us_ += elapsed - counted;
    last_us_ = now_us;
    next_us_ = now_us + static_cast<std::uint64_t>(static_cast<double>(interval_us) * (0.75 + 0.5 * chance));
    return counted;
  }

  // Begins anew: what passes until the next sample does not count.
  void Stop() noexcept { last_us_ = next_us_ = 0; }

  std::uint64_t skipped_us() const noexcept { return skipped_us_; }  // in no sample, so far

 private:
  std::uint64_t last_us_ = 0;  // 0 = none
  std::uint64_t next_us_ = 0;
  std::uint64_t skipped_us_ = 0;
};

// The interval that keeps sampling within `percent` of one processor when one look takes `look_ns`: that of the
// setting, or a longer one, a second at most.
inline std::uint64_t SustainableInterval(std::uint64_t interval_us, double look_ns, double percent) noexcept {
  constexpr double kMostUs = 1e6;
  const double least_us = percent > 0 ? look_ns / 1e3 * 100 / percent : kMostUs;
  return std::max(interval_us, static_cast<std::uint64_t>(std::min(least_us, kMostUs)));
}

}  // namespace assist
