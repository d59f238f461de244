// The profile of waits and the history of activity in shared memory.

#include "pg/store/waits.hpp"

#include <algorithm>

#include "pg/settings.hpp"

extern "C" {
#include "portability/instr_time.h"
#include "storage/shmem.h"
}

namespace assist::pg {

namespace {

constexpr int kStatementsPerSet = 40;  // of assist.max_statements: 4,000 entries for 5,000 statements
constexpr uint32 kMostSets = 4096;

// Names of applications, which samples refer to by their place. One whose samples have all left the ring makes room.
struct Application {
  char name[NAMEDATALEN];
  uint64 last_used;              // number of the sample, counted from 1; 0 = free
};
constexpr uint16 kOtherApplication = kApplications;

struct Waits {
  uint32 entry_count;
  uint64 evictions, samples, looks, look_ns, skipped_us, interval_us;
  TimestampTz last_look;
  uint64 activity_capacity;
  uint64 activity_added;         // samples ever put into the ring
  Size entries_at, activity_at, total_bytes;
  WaitSum sums[kWaitSums];
  Application applications[kApplications];
};

Waits* waits = nullptr;

uint32 configured_sets() {
  const auto sets = static_cast<uint32>(max_statements / kStatementsPerSet);
  return std::clamp<uint32>(sets, 1, kMostSets);
}

struct Places {
  uint32 entries;
  Size entries_at, activity_at, total;
};

Places places() {
  Places p;
  p.entries = configured_sets() * kWaitWays;
  p.entries_at = CACHELINEALIGN(sizeof(Waits));
  p.activity_at = CACHELINEALIGN(add_size(p.entries_at, mul_size(p.entries, sizeof(WaitEntry))));
  p.total = add_size(p.activity_at, mul_size(static_cast<Size>(activity_samples), sizeof(ActivitySample)));
  return p;
}

WaitTable table() {
  auto* entries = reinterpret_cast<WaitEntry*>(reinterpret_cast<char*>(waits) + waits->entries_at);
  return {{entries, waits->entry_count}, {waits->sums, kWaitSums}};
}

ActivitySample* ring() {
  return reinterpret_cast<ActivitySample*>(reinterpret_cast<char*>(waits) + waits->activity_at);
}

// The clock of what is used most: it never goes back.
double hours_now() { return static_cast<double>(assist_now_ns()) / 3600e9; }

uint16 application_place(const char* name, uint64 sample) {
  Application* free = nullptr;
  for (Application& a : waits->applications) {
    if (a.last_used != 0 && strncmp(a.name, name, sizeof a.name) == 0) {
      a.last_used = sample;
      return static_cast<uint16>(&a - waits->applications);
    }
    if (free == nullptr && (a.last_used == 0 || a.last_used + waits->activity_capacity <= sample)) free = &a;
  }
  if (free == nullptr) return kOtherApplication;
  strlcpy(free->name, name, sizeof free->name);
  free->last_used = sample;
  return static_cast<uint16>(free - waits->applications);
}

bool matches(const ActivitySample& sample, Oid userid, Oid dbid, uint64 queryid) {
  return (userid == InvalidOid || sample.userid == userid) && (dbid == InvalidOid || sample.dbid == dbid) &&
         (queryid == 0 || sample.queryid == queryid);
}

}  // namespace

Size waits_shmem_size() { return places().total; }

void waits_shmem_init() {
  const Places p = places();
  bool found;
  waits = static_cast<Waits*>(ShmemInitStruct("pg_assist waits", p.total, &found));
  if (found) return;
  MemSet(waits, 0, p.total);
  waits->entry_count = p.entries;
  waits->entries_at = p.entries_at;
  waits->activity_at = p.activity_at;
  waits->activity_capacity = static_cast<uint64>(activity_samples);
  waits->total_bytes = p.total;
}

void add_look(const Look& look) {
  const double hours = hours_now();
  LWLockAcquire(waits_lock(), LW_EXCLUSIVE);
  const WaitTable profile = table();
  for (uint32 i = 0; i < look.counts; ++i)
    waits->evictions += AddSample(profile, look.samples[i].key, look.wait_us, hours);
  waits->samples += look.counts;
  ++waits->looks;
  waits->look_ns += look.look_ns;
  waits->skipped_us = look.skipped_us;
  waits->interval_us = look.interval_us;
  if (look.at != 0) {
    waits->last_look = look.at;
    for (uint32 i = 0; i < look.count && waits->activity_capacity > 0; ++i) {
      ActivitySample* place = &ring()[waits->activity_added % waits->activity_capacity];
      ++waits->activity_added;
      *place = look.samples[i].activity;
      place->at = look.at;
      place->application = application_place(look.samples[i].application, waits->activity_added);
    }
  }
  LWLockRelease(waits_lock());
}

void forget_future_activity(TimestampTz now) {
  LWLockAcquire(waits_lock(), LW_EXCLUSIVE);
  waits->last_look = std::min(waits->last_look, now);
  for (uint64 i = 0; i < waits->activity_capacity; ++i) ring()[i].at = std::min(ring()[i].at, now);
  LWLockRelease(waits_lock());
}

void reset_waits(Oid userid, Oid dbid, uint64 queryid) {
  LWLockAcquire(waits_lock(), LW_EXCLUSIVE);
  ForgetSamples(table(), userid, dbid, queryid);
  for (uint64 i = 0; i < waits->activity_capacity; ++i)
    if (matches(ring()[i], userid, dbid, queryid)) ring()[i] = {};
  if (userid == InvalidOid && dbid == InvalidOid && queryid == 0) waits->evictions = waits->samples = 0;
  LWLockRelease(waits_lock());
}

std::vector<WaitRow> ReadWaits(Oid dbid) {
  std::vector<WaitRow> rows;
  rows.reserve(waits->entry_count + kWaitSums);  // nothing is allocated while the lock is held
  LWLockAcquire(waits_lock(), LW_SHARED);
  const WaitTable profile = table();
  for (const WaitEntry& e : profile.entries)
    if (e.samples != 0 && (dbid == InvalidOid || e.key.dbid == dbid)) rows.push_back({e.key, e.samples, e.wait_us});
  for (const WaitSum& s : profile.sums)
    if (s.samples != 0 && (dbid == InvalidOid || s.dbid == dbid))
      rows.push_back({{0, InvalidOid, s.dbid, s.event, false}, s.samples, s.wait_us});
  LWLockRelease(waits_lock());
  return rows;
}

std::vector<ActivityRow> ReadActivity() {
  std::vector<ActivityRow> rows;
  const uint64 capacity = waits->activity_capacity;
  if (capacity == 0) return rows;
  rows.reserve(capacity);
  LWLockAcquire(waits_lock(), LW_SHARED);
  for (uint64 n = 0; n < capacity; ++n) {
    const ActivitySample& sample = ring()[(waits->activity_added + n) % capacity];
    if (sample.at == 0) continue;
    ActivityRow& row = rows.emplace_back();
    row.sample = sample;
    strlcpy(row.application, sample.application < kApplications ? waits->applications[sample.application].name : "",
            sizeof row.application);
  }
  LWLockRelease(waits_lock());
  return rows;
}

WaitsAccount read_waits_account() {
  WaitsAccount a = {};
  LWLockAcquire(waits_lock(), LW_SHARED);
  a.entries = CountEntries(table());
  a.capacity = waits->entry_count;
  a.evictions = waits->evictions;
  a.samples = waits->samples;
  a.looks = waits->looks;
  a.look_ns = waits->look_ns;
  a.skipped_us = waits->skipped_us;
  a.interval_us = waits->interval_us;
  a.activity_capacity = waits->activity_capacity;
  a.activity_count = std::min(waits->activity_added, waits->activity_capacity);
  a.last_look = waits->last_look;
  a.used = a.entries * sizeof(WaitEntry) + a.activity_count * sizeof(ActivitySample);
  a.bytes = waits->total_bytes;
  LWLockRelease(waits_lock());
  return a;
}

}  // namespace assist::pg
