// The profile of waits: adding, giving way, forgetting.

#include <algorithm>
#include <cmath>

#include "assist/wait_profile.hpp"

namespace assist {

namespace {

std::uint64_t Mix(std::uint64_t x) noexcept {  // SplitMix64's finisher
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::uint64_t Hash(const WaitKey& key) noexcept {
  const std::uint64_t who = (std::uint64_t{key.userid} << 32) | key.dbid;
  return Mix(Mix(key.queryid ^ Mix(who)) ^ ((std::uint64_t{key.event} << 1) | key.toplevel));
}

void AddToSums(std::span<WaitSum> sums, std::uint32_t dbid, std::uint32_t event, std::uint64_t samples,
               std::uint64_t wait_us) noexcept {
  WaitSum* place = &sums.back();
  for (WaitSum& sum : sums.first(sums.size() - 1)) {
    if (sum.samples != 0 && (sum.dbid != dbid || sum.event != event)) continue;
    place = &sum;
    break;
  }
  if (place->samples == 0) *place = {dbid, event, 0, 0};
  if (place == &sums.back()) *place = {0, kAnyEvent, place->samples, place->wait_us};
  place->samples += samples;
  place->wait_us += wait_us;
}

// One more sample. Not endless, should the clock be set back by days.
double UsedOnceMore(double usage, double hours) noexcept {
  return std::log2(std::exp2(std::min(usage - hours, 60.0)) + 1) + hours;
}

}  // namespace

bool AddSample(const WaitTable& table, const WaitKey& key, std::uint64_t wait_us, double hours) noexcept {
  const std::size_t sets = table.entries.size() / kWaitWays;
  const std::span<WaitEntry> set = table.entries.subspan(Hash(key) % sets * kWaitWays, kWaitWays);
  WaitEntry* place = nullptr;
  for (WaitEntry& entry : set) {
    if (entry.samples != 0 && entry.key == key) {
      ++entry.samples;
      entry.wait_us += wait_us;
      entry.usage = UsedOnceMore(entry.usage, hours);
      return false;
    }
    if (place == nullptr || (place->samples != 0 && (entry.samples == 0 || entry.usage < place->usage))) place = &entry;
  }
  const bool evicts = place->samples != 0;
  if (evicts) AddToSums(table.sums, place->key.dbid, place->key.event, place->samples, place->wait_us);
  *place = {key, 1, wait_us, hours};
  return evicts;
}

void ForgetSamples(const WaitTable& table, std::uint32_t userid, std::uint32_t dbid,
                   std::uint64_t queryid) noexcept {
  for (WaitEntry& entry : table.entries)
    if ((userid == 0 || entry.key.userid == userid) && (dbid == 0 || entry.key.dbid == dbid) &&
        (queryid == 0 || entry.key.queryid == queryid))
      entry = {};
  if (userid != 0 || queryid != 0) return;
  for (WaitSum& sum : table.sums)
    if (dbid == 0 || sum.dbid == dbid) sum = {};
}

std::uint32_t CountEntries(const WaitTable& table) noexcept {
  return static_cast<std::uint32_t>(
      std::count_if(table.entries.begin(), table.entries.end(), [](const WaitEntry& e) { return e.samples != 0; }));
}

}  // namespace assist
