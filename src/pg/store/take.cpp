// From the slots into the central store: differences, and who may take them.

#include "pg/store/store.hpp"

#include <algorithm>

#include "pg/fault.hpp"
#include "pg/store/admit.hpp"
#include "pg/store/evict.hpp"
#include "pg/store/text_arena.hpp"

extern "C" {
#include "port/atomics.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

void add_counters(Counters* to, const Counters& gain) {
  to->calls += gain.calls;
  to->plans += gain.plans;
  to->errors += gain.errors;
  to->plan_ns += gain.plan_ns;
  to->exec_ns += gain.exec_ns;
  to->rows += gain.rows;
  to->blks_hit += gain.blks_hit;
  to->blks_read += gain.blks_read;
  to->blks_dirtied += gain.blks_dirtied;
  to->temp_read += gain.temp_read;
  to->temp_written += gain.temp_written;
  to->wal_bytes += gain.wal_bytes;
  to->jit_ns += gain.jit_ns;
  to->sampled += gain.sampled;
  to->exec_ns2 += gain.exec_ns2;
}

bool copy_slot_entry(const SlotEntry* entry, SlotEntry* copy) {
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const uint32 before = *const_cast<const volatile uint32*>(&entry->sequence);
    if ((before & 1) == 0) {
      pg_read_barrier();
      memcpy(copy, entry, sizeof *copy);
      pg_read_barrier();
      if (*const_cast<const volatile uint32*>(&entry->sequence) == before) return true;
    }
    SPIN_DELAY();
  }
  return false;
}

Counters counters_gain(const Counters& now, const Counters& before) {
  Counters gain;
  gain.calls = now.calls - before.calls;
  gain.plans = now.plans - before.plans;
  gain.errors = now.errors - before.errors;
  gain.plan_ns = now.plan_ns - before.plan_ns;
  gain.exec_ns = now.exec_ns - before.exec_ns;
  gain.rows = now.rows - before.rows;
  gain.blks_hit = now.blks_hit - before.blks_hit;
  gain.blks_read = now.blks_read - before.blks_read;
  gain.blks_dirtied = now.blks_dirtied - before.blks_dirtied;
  gain.temp_read = now.temp_read - before.temp_read;
  gain.temp_written = now.temp_written - before.temp_written;
  gain.wal_bytes = now.wal_bytes - before.wal_bytes;
  gain.jit_ns = now.jit_ns - before.jit_ns;
  gain.sampled = now.sampled - before.sampled;
  gain.exec_ns2 = now.exec_ns2 - before.exec_ns2;
  return gain;
}

static bool has_gained(const SlotEntry& now, const SlotTaken& taken) {
  return now.sums.calls != taken.sums.calls || now.sums.plans != taken.sums.plans || now.sums.errors != taken.sums.errors;
}

static void latency_gain(const SlotEntry& now, const SlotTaken& taken, uint64 calls, uint32 latency[kLatencyBuckets]) {
  uint32 counted = 0;
  for (int i = 0; i < kLatencyBuckets; ++i) latency[i] = static_cast<uint16>(now.latency[i] - taken.latency[i]);
  for (int i = 0; i < kLatencyBuckets; ++i) counted += latency[i];
  // A bucket that went round between two visits is short by a multiple of 2^16: that was the fullest one.
  if (counted < calls) *std::max_element(latency, latency + kLatencyBuckets) += static_cast<uint32>(calls - counted);
}

bool slot_gain(const SlotEntry& now, const SlotTaken& taken, Counters* sums,
               uint32 latency[kLatencyBuckets]) {
  if (!has_gained(now, taken)) return false;
  *sums = counters_gain(now.sums, taken.sums);
  latency_gain(now, taken, sums->calls, latency);
  return true;
}

bool entry_index_gain(const SlotEntry& now, const Counters& gain, IndexCounter* index) {
  if (now.indexid == InvalidOid || gain.calls == 0) return false;
  *index = {now.dbid, now.indexid, now.constraint_check ? 0 : gain.calls, now.constraint_check ? gain.calls : 0,
            0, now.last_seen};
  return true;
}

void take_slot_entry(Slot* slot, int i, const SlotEntry& now, bool by_owner) {
  SlotTaken* taken = &slot->taken[i];
  if (!has_gained(now, *taken)) return;
  const Counters gain = counters_gain(now.sums, taken->sums);
  IndexCounter index;
  if (entry_index_gain(now, gain, &index)) merge_index_counter(index);
  const StatementKey key = {now.userid, now.dbid, now.queryid, now.toplevel};
  StatementEntry* statement = find_statement(key);
  const bool admitted = statement != nullptr || is_admitted(key, gain);
  uint32 latency[kLatencyBuckets];
  if (admitted) latency_gain(now, *taken, gain.calls, latency);
  taken->sums = now.sums;
  memcpy(taken->latency, now.latency, sizeof taken->latency);
  if (!admitted) {
    pass_over(slot, now, gain, by_owner);
    return;
  }
  if (statement == nullptr) statement = find_or_add_statement(key, now.last_seen);
  if (statement == nullptr) {
    count_lost(gain.calls + gain.errors, 0, 0);
    return;
  }
  const bool first = (statement->sums.calls | statement->sums.errors) == 0;
  add_usage(statement, gain.calls + gain.errors, first, now.last_seen);
  add_counters(&statement->sums, gain);
  if (now.toplevel) {
    SpinLockAcquire(&store()->free_lock);
    store()->taken_exec_ns += gain.exec_ns;
    SpinLockRelease(&store()->free_lock);
  }
  for (int b = 0; b < kLatencyBuckets; ++b) statement->latency[b] += latency[b];
  add_counters(&statement->pending, gain);
  const BucketRange used = used_buckets(latency);
  add_to(&statement->pending_latency, latency, used);
  if (now.last_seen > statement->last_seen) statement->last_seen = now.last_seen;
  if (gain.calls > 0 && now.minmax_epoch == store()->reset_epoch) {
    if (now.min_ns < statement->min_ns) statement->min_ns = now.min_ns;
    if (now.max_ns > statement->max_ns) statement->max_ns = now.max_ns;
  }
  if (!DsaPointerIsValid(statement->text) && gain.calls > 0)
    __atomic_fetch_or(&slot->text_wanted, uint64{1} << i, __ATOMIC_RELAXED);
  if (now.planid == 0 || gain.calls == 0) return;
  PlanEntry* plan = find_or_add_plan(statement, now.planid, now.last_seen);
  if (plan == nullptr) return;
  plan->calls += gain.calls;
  plan->exec_ns += gain.exec_ns;
  plan->sampled += gain.sampled;
  plan->pending_calls += gain.calls;
  plan->pending_ns += gain.exec_ns;
  if (now.last_seen > plan->last_seen) plan->last_seen = now.last_seen;
  add_to(&plan->latency, latency, used);
}

namespace {

constexpr uint32 kIndexProbes = 64;

uint32 first_probe(Oid dbid, Oid index) {
  return static_cast<uint32>(mix64((uint64{dbid} << 32) | index)) % store()->index_capacity;
}

// nullptr: there is none.
IndexCounter* find_index_counter(Oid dbid, Oid index) {
  const uint32 start = first_probe(dbid, index);
  for (uint32 n = 0; n < kIndexProbes; ++n) {
    IndexCounter* c = &index_at((start + n) % store()->index_capacity)->counter;
    if (c->indexid == index && c->dbid == dbid) return c;
    if (c->indexid == InvalidOid) return nullptr;
  }
  return nullptr;
}

// In a full neighbourhood the index unused longest gives way.
IndexCounter* add_index_counter(Oid dbid, Oid index) {
  Assert(LWLockHeldByMeInMode(index_table_lock(), LW_EXCLUSIVE) || !IsUnderPostmaster);
  const uint32 start = first_probe(dbid, index);
  IndexCounter* home = nullptr;
  for (uint32 n = 0; n < kIndexProbes; ++n) {
    IndexCounter* c = &index_at((start + n) % store()->index_capacity)->counter;
    if (home == nullptr || c->last_use < home->last_use) home = c;
    if (c->indexid == InvalidOid) {
      home = c;
      break;
    }
  }
  if (home->indexid != InvalidOid) {
    ++store()->evicted_indexes;
    store()->index_use_lost = std::max(store()->index_use_lost, home->last_use);
  }
  *home = {dbid, index, 0, 0, 0, 0};
  return home;
}

}  // namespace

bool lock_index_counter(Oid dbid, Oid index, bool briefly) {
  const auto lock = [briefly](LWLockMode mode) {
    if (briefly) return store_lock_briefly(index_table_lock(), mode);
    LWLockAcquire(index_table_lock(), mode);
    return true;
  };
  if (!lock(LW_SHARED)) return false;
  if (find_index_counter(dbid, index) != nullptr) return true;
  LWLockRelease(index_table_lock());
  return lock(LW_EXCLUSIVE);
}

void merge_index_counter(const IndexCounter& gain) {
  IndexCounter* home = find_index_counter(gain.dbid, gain.indexid);
  if (home == nullptr) home = add_index_counter(gain.dbid, gain.indexid);
  __atomic_fetch_add(&home->executor_scans, gain.executor_scans, __ATOMIC_RELAXED);
  if (gain.constraint_checks > 0) __atomic_fetch_add(&home->constraint_checks, gain.constraint_checks, __ATOMIC_RELAXED);
  if (gain.tuples > 0) __atomic_fetch_add(&home->tuples, gain.tuples, __ATOMIC_RELAXED);
  if (gain.last_use > home->last_use) __atomic_store_n(&home->last_use, gain.last_use, __ATOMIC_RELAXED);
}

bool copy_slot_indexes(const Slot* slot, IndexCounter copy[kIndexSlots]) {
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const uint32 before = *const_cast<const volatile uint32*>(&slot->index_sequence);
    if ((before & 1) == 0) {
      pg_read_barrier();
      memcpy(copy, slot->indexes, sizeof slot->indexes);
      pg_read_barrier();
      if (*const_cast<const volatile uint32*>(&slot->index_sequence) == before) return true;
    }
    SPIN_DELAY();
  }
  return false;
}

bool index_gain(const IndexCounter& now, const IndexCounter& taken, IndexCounter* gain) {
  if (now.indexid == InvalidOid) return false;
  *gain = now;
  if (now.indexid == taken.indexid && now.dbid == taken.dbid) {
    gain->executor_scans -= taken.executor_scans;
    gain->constraint_checks -= taken.constraint_checks;
    gain->tuples -= taken.tuples;
  }
  return (gain->executor_scans | gain->constraint_checks | gain->tuples) != 0;
}

void take_slot_indexes(Slot* slot) {
  IndexCounter now[kIndexSlots];
  if (!copy_slot_indexes(slot, now)) return;
  for (int i = 0; i < kIndexSlots; ++i) {
    IndexCounter gain;
    if (index_gain(now[i], slot->taken_indexes[i], &gain)) merge_index_counter(gain);
    slot->taken_indexes[i] = now[i];
  }
}

void forget_future(TimestampTz now) {
  const auto put_right = [now](TimestampTz* moment) { *moment = std::min(*moment, now); };
  for (uint32 p = 0; p < kPartitions; ++p) {
    LWLockAcquire(partition_lock(p), LW_EXCLUSIVE);
    for (uint32 b = p; b < store()->bucket_count; b += kPartitions) {
      for (uint32 i = *bucket_at(b); i != kNone; i = statement_at(i)->next) {
        StatementEntry* e = statement_at(i);
        limit_usage(e, now);
        for (TimestampTz* moment : {&e->first_seen, &e->last_seen}) put_right(moment);
        for (uint32 n = e->first_plan; n != kNone; n = plan_at(n)->next)
          for (TimestampTz* moment : {&plan_at(n)->first_seen, &plan_at(n)->last_seen}) put_right(moment);
        for (uint32 n = e->first_error; n != kNone; n = error_at(n)->next) put_right(&error_at(n)->last_seen);
      }
    }
    LWLockRelease(partition_lock(p));
  }
  LWLockAcquire(index_table_lock(), LW_EXCLUSIVE);
  for (uint32 i = 0; i < store()->index_capacity; ++i) put_right(&index_at(i)->counter.last_use);
  put_right(&store()->index_use_lost);
  LWLockRelease(index_table_lock());
  Store& s = *store();
  SpinLockAcquire(&s.free_lock);
  put_right(&s.started);
  put_right(&s.reset_at);
  put_right(&s.recordable_since);
  for (Gap* gaps : {s.gaps, s.absences})
    for (int i = 0; i < kGaps; ++i) {
      put_right(&gaps[i].from);
      put_right(&gaps[i].until);
    }
  SpinLockRelease(&s.free_lock);
}

void take_slot(Slot* slot, bool by_owner) {
  const uint64 activity = *const_cast<volatile uint64*>(&slot->activity);
  if (activity == slot->taken_activity) return;
  pg_read_barrier();
  slot->taken_activity = activity;
  for (int i = 0; i < kSlotEntries; ++i) {
    SlotEntry seen;
    if (slot->entries[i].queryid == 0 || !copy_slot_entry(&slot->entries[i], &seen)) continue;
    const Counters& taken = slot->taken[i].sums;  // a hint only: read without its lock
    if (seen.sums.calls == taken.calls && seen.sums.plans == taken.plans &&
        seen.sums.errors == taken.errors)
      continue;
    const uint32 partition = partition_of(seen.dbid, seen.queryid);
    LWLockAcquire(partition_lock(partition), LW_EXCLUSIVE);
    if (!by_owner) fault_point("take");
    // The owner may have given the entry to another statement meanwhile, taking its gains itself.
    SlotEntry now;
    if (copy_slot_entry(&slot->entries[i], &now) && now.queryid != 0 &&
        partition_of(now.dbid, now.queryid) == partition) {
      if (now.indexid != InvalidOid) lock_index_counter(now.dbid, now.indexid, false);
      take_slot_entry(slot, i, now, by_owner);
      if (now.indexid != InvalidOid) LWLockRelease(index_table_lock());
    }
    LWLockRelease(partition_lock(partition));
  }
  LWLockAcquire(index_table_lock(), LW_EXCLUSIVE);
  take_slot_indexes(slot);
  take_slot_passed(slot);
  const uint64 lost = *const_cast<volatile uint64*>(&slot->lost_calls);
  if (lost != slot->taken_lost_calls) {
    count_lost(lost - slot->taken_lost_calls, 0, 0);
    slot->taken_lost_calls = lost;
  }
  LWLockRelease(index_table_lock());
}

void take_all_slots() {
  for (uint32 n = 0; n < store()->slot_count; ++n) take_slot(slot_at(n), false);
}

}  // namespace assist::pg
