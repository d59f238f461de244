// The profile of waits: a table of fixed size in memory that others read, one writer. A set-associative hash table:
// a key has its place among the kWaitWays entries of its set, and where those are all taken the one used least gives
// way to it. What gave way is added to a sum per database and event, so that totals lose nothing.
#pragma once

#include <cstdint>
#include <span>

namespace assist {

inline constexpr std::uint32_t kWaitWays = 32;
inline constexpr std::uint32_t kAnyEvent = 0xffffffff;  // of a sum: events that have no sum of their own

// What a sample is counted under. Never a process: those come and go.
struct WaitKey {
  std::uint64_t queryid;  // 0 = not known
  std::uint32_t userid, dbid;
  std::uint32_t event;    // the server's wait_event_info; 0 = on the processor
  bool toplevel;
  bool operator==(const WaitKey&) const = default;
};

struct WaitEntry {
  WaitKey key;
  std::uint64_t samples;  // 0 = free
  std::uint64_t wait_us;  // what the samples stand for
  double usage;           // binary logarithm of the samples, halved every hour, as of the hour 0
};
static_assert(sizeof(WaitEntry) == 48);

// What gave way, of one event in one database.
struct WaitSum {
  std::uint32_t dbid, event;
  std::uint64_t samples;  // 0 = free
  std::uint64_t wait_us;
};

struct WaitTable {
  std::span<WaitEntry> entries;  // kWaitWays of each set, one set after the other
  std::span<WaitSum> sums;       // the last one takes what has no place: kAnyEvent
};

// Adds one sample that stands for wait_us; `hours` is the time now. True when another key gave way to it.
// REQUIRES: the entries are a multiple of kWaitWays, at least one sum.
bool AddSample(const WaitTable& table, const WaitKey& key, std::uint64_t wait_us, double hours) noexcept;

// Forgets the samples of a user, a database and a query; 0 = any of them. Sums know no users and queries: they go
// where neither is given.
void ForgetSamples(const WaitTable& table, std::uint32_t userid, std::uint32_t dbid, std::uint64_t queryid) noexcept;

// Entries in use.
std::uint32_t CountEntries(const WaitTable& table) noexcept;

}  // namespace assist
