// This backend's slot: finding a statement's entry and adding to it. The hot path.

#include "capture/capture.hpp"

extern "C" {
#include "port/atomics.h"
}

namespace assist::capture {

namespace {

// Planning that no execution has claimed yet.
uint64 planned_queryid = 0;
uint64 planned_ns = 0;
uint64 planned_count = 0;
EntryKey planned_key;

inline void begin_write(SlotEntry* entry) {
  ++entry->sequence;
  pg_write_barrier();
}

inline void end_write(SlotEntry* entry) {
  pg_write_barrier();
  ++entry->sequence;
  ++own_slot->activity;
}

// A foreign key's check or action, by the text that ri_triggers.c makes for it.
bool is_constraint_query(const EntryKey& key, const char* source) {
  return !key.toplevel && source != nullptr && strstr(source, " OPERATOR(pg_catalog.") != nullptr &&
         (strncmp(source, "SELECT 1 FROM ", 14) == 0 || strncmp(source, "DELETE FROM ", 12) == 0 ||
          strncmp(source, "UPDATE ", 7) == 0);
}

void occupy(SlotEntry* entry, SlotTaken* taken, const EntryKey& key, const char* source) {
  begin_write(entry);
  const uint32 sequence = entry->sequence;
  memset(entry, 0, sizeof *entry);
  entry->sequence = sequence;
  entry->queryid = key.queryid;
  entry->planid = key.planid;
  entry->userid = key.userid;
  entry->dbid = MyDatabaseId;
  entry->toplevel = key.toplevel;
  entry->constraint_check = is_constraint_query(key, source);
  entry->min_ns = PG_UINT64_MAX;
  entry->minmax_epoch = store()->reset_epoch;
  memset(taken, 0, sizeof *taken);
  end_write(entry);
}

// Gives the entry's gains to the central store and takes its place.
bool evict(int i, const EntryKey& key, const char* source) {
  SlotEntry* entry = &own_slot->entries[i];
  LWLock* lock = partition_lock(partition_of(entry->dbid, entry->queryid));
  if (!store_lock_briefly(lock, LW_EXCLUSIVE)) return false;
  take_slot_entry(own_slot, i, *entry);
  occupy(entry, &own_slot->taken[i], key, source);
  LWLockRelease(lock);
  __atomic_fetch_and(&own_slot->text_wanted, ~(uint64{1} << i), __ATOMIC_RELAXED);
  return true;
}

}  // namespace

SlotEntry* claim_entry(const EntryKey& key, const char* source) {
  const int first =
      static_cast<int>(static_cast<uint32>(key.queryid ^ key.planid ^ key.userid) % kSlotSets) * kSlotWays;
  for (int i = first; i < first + kSlotWays; ++i) {
    if (own_slot->entries[i].queryid != 0) continue;
    occupy(&own_slot->entries[i], &own_slot->taken[i], key, source);
    return &own_slot->entries[i];
  }
  // Least recently used first; one whose partition is busy is passed over.
  bool tried[kSlotWays] = {};
  for (int n = 0; n < kSlotWays; ++n) {
    int oldest = -1;
    for (int w = 0; w < kSlotWays; ++w)
      if (!tried[w] &&
          (oldest < 0 || own_slot->entries[first + w].last_seen < own_slot->entries[first + oldest].last_seen))
        oldest = w;
    tried[oldest] = true;
    if (evict(first + oldest, key, source)) return &own_slot->entries[first + oldest];
  }
  return nullptr;
}

namespace {

inline void add_plans(SlotEntry* entry, uint64 queryid) {
  if (planned_count == 0 || planned_queryid != queryid) return;
  entry->sums.plans += planned_count;
  entry->sums.plan_ns += planned_ns;
  planned_count = 0;
}

}  // namespace

Slot* own_slot = nullptr;

bool attach_slot() {
  if (capture_suppressed > 0 || IsParallelWorker()) return false;
  own_slot = my_slot();
  return own_slot != nullptr;
}

void detach_slot() { own_slot = nullptr; }

void record_execution(const Open& open, uint64 jit_ns, TimestampTz now) {
  SlotEntry* entry = open.entry;
  // Nested statements may have taken the entry's place while this one ran.
  const EntryKey key = {open.queryid, open.planid, open.userid, open.depth == 0};
  if (entry == nullptr || !matches(*entry, key)) entry = find_or_claim_entry(key, nullptr);
  if (entry == nullptr) {
    count_lost_execution(open.exec_ns);
    return;
  }
  const uint64 ns = open.exec_ns;
  const uint32 epoch = store()->reset_epoch;
  begin_write(entry);
  Counters& sums = entry->sums;
  ++sums.calls;
  sums.exec_ns += ns;
  sums.exec_ns2 += static_cast<unsigned __int128>(ns) * ns;
  sums.rows += open.rows;
  sums.blks_hit += open.used.blks_hit;
  if ((open.used.blks_read | open.used.blks_dirtied) != 0) {
    sums.blks_read += open.used.blks_read;
    sums.blks_dirtied += open.used.blks_dirtied;
  }
  if ((open.used.temp_read | open.used.temp_written) != 0) {
    sums.temp_read += open.used.temp_read;
    sums.temp_written += open.used.temp_written;
  }
  sums.wal_bytes += open.used.wal_bytes;
  if (unlikely(jit_ns > 0)) sums.jit_ns += jit_ns;
  sums.sampled += open.weight > 0;
  if (entry->minmax_epoch != epoch) {
    entry->minmax_epoch = epoch;
    entry->min_ns = PG_UINT64_MAX;
    entry->max_ns = 0;
  }
  if (ns < entry->min_ns) entry->min_ns = ns;
  if (ns > entry->max_ns) entry->max_ns = ns;
  ++entry->latency[LatencyBucket(ns)];
  entry->last_seen = now;
  add_plans(entry, open.queryid);
  end_write(entry);
}

void record_error(const Open& open, int sqlstate, const char* message) {
  if (own_slot == nullptr) return;
  const EntryKey key = {open.queryid, open.planid, open.userid, open.depth == 0};
  SlotEntry* entry = find_or_claim_entry(key, nullptr);
  if (entry == nullptr) {
    count_lost_execution(0);
    return;
  }
  const TimestampTz now = GetCurrentStatementStartTimestamp();
  begin_write(entry);
  ++entry->sums.errors;
  entry->last_seen = now;
  add_plans(entry, open.queryid);
  end_write(entry);

  const StatementKey statement_key = {open.userid, MyDatabaseId, open.queryid, open.depth == 0};
  LWLock* lock = partition_lock(partition_of(MyDatabaseId, open.queryid));
  if (!store_lock_briefly(lock, LW_EXCLUSIVE)) return;
  StatementEntry* statement = find_or_add_statement(statement_key, now);
  ErrorEntry* error =
      statement != nullptr
          ? find_or_add_error(statement, sqlstate != 0 ? sqlstate : ERRCODE_INTERNAL_ERROR)
          : nullptr;
  if (error != nullptr) {
    ++error->errors;
    error->last_seen = now;
    if (message[0] != '\0') strlcpy(error->message, message, sizeof error->message);
  }
  LWLockRelease(lock);
}

void record_planning(const Planning& planned, uint64 ns) {
  if (planned_count > 0 && planned_queryid != planned.queryid) flush_planning();
  if (planned_count == 0) {
    planned_queryid = planned.queryid;
    planned_key = {planned.queryid, 0, planned.userid, planned.depth == 0};
    planned_ns = 0;
  }
  planned_ns += ns;
  ++planned_count;
}

void flush_planning() {
  if (planned_count == 0) return;
  SlotEntry* entry = own_slot != nullptr ? find_or_claim_entry(planned_key, nullptr) : nullptr;
  if (entry != nullptr) {
    begin_write(entry);
    add_plans(entry, planned_queryid);
    entry->last_seen = GetCurrentStatementStartTimestamp();
    end_write(entry);
  }
  planned_count = 0;
}

void count_lost_execution(uint64 ns) {
  if (own_slot == nullptr) return;
  ++own_slot->lost_calls;
  own_slot->lost_ns += ns;
  ++own_slot->activity;
}

}  // namespace assist::capture
