// From the slots into the central store: differences, and who may take them.

#include "pg/store/store.hpp"

#include <algorithm>

#include "pg/fault.hpp"
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

bool slot_gain(const SlotEntry& now, const SlotTaken& taken, Counters* sums,
               uint32 latency[kLatencyBuckets]) {
  const Counters& a = now.sums;
  const Counters& b = taken.sums;
  sums->calls = a.calls - b.calls;
  sums->plans = a.plans - b.plans;
  sums->errors = a.errors - b.errors;
  sums->plan_ns = a.plan_ns - b.plan_ns;
  if ((sums->calls | sums->plans | sums->errors) == 0) return false;
  sums->exec_ns = a.exec_ns - b.exec_ns;
  sums->rows = a.rows - b.rows;
  sums->blks_hit = a.blks_hit - b.blks_hit;
  sums->blks_read = a.blks_read - b.blks_read;
  sums->blks_dirtied = a.blks_dirtied - b.blks_dirtied;
  sums->temp_read = a.temp_read - b.temp_read;
  sums->temp_written = a.temp_written - b.temp_written;
  sums->wal_bytes = a.wal_bytes - b.wal_bytes;
  sums->jit_ns = a.jit_ns - b.jit_ns;
  sums->sampled = a.sampled - b.sampled;
  sums->exec_ns2 = a.exec_ns2 - b.exec_ns2;
  uint32 counted = 0;
  for (int i = 0; i < kLatencyBuckets; ++i) latency[i] = static_cast<uint16>(now.latency[i] - taken.latency[i]);
  for (int i = 0; i < kLatencyBuckets; ++i) counted += latency[i];
  // A bucket that went round between two visits is short by a multiple of 2^16: that was the fullest one.
  if (counted < sums->calls)
    *std::max_element(latency, latency + kLatencyBuckets) += static_cast<uint32>(sums->calls - counted);
  return true;
}

bool entry_index_gain(const SlotEntry& now, const Counters& gain, IndexCounter* index) {
  if (now.indexid == InvalidOid || gain.calls == 0) return false;
  *index = {now.dbid, now.indexid, now.constraint_check ? 0 : gain.calls, now.constraint_check ? gain.calls : 0,
            0, now.last_seen};
  return true;
}

void take_slot_entry(Slot* slot, int i, const SlotEntry& now) {
  Counters gain;
  uint32 latency[kLatencyBuckets];
  SlotTaken* taken = &slot->taken[i];
  if (!slot_gain(now, *taken, &gain, latency)) return;
  taken->sums = now.sums;
  memcpy(taken->latency, now.latency, sizeof taken->latency);
  IndexCounter index;
  if (entry_index_gain(now, gain, &index)) merge_index_counter(index);
  const StatementKey key = {now.userid, now.dbid, now.queryid, now.toplevel};
  StatementEntry* statement = find_or_add_statement(key, now.last_seen);
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
  if (!DsaPointerIsValid(statement->text))
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

void merge_index_counter(const IndexCounter& gain) {
  const uint32 capacity = store()->index_capacity;
  const uint32 start = static_cast<uint32>(mix64((uint64{gain.dbid} << 32) | gain.indexid)) % capacity;
  IndexCounter* oldest = nullptr;
  IndexCounter* home = nullptr;
  for (uint32 n = 0; n < 64 && home == nullptr; ++n) {
    IndexCounter* c = &index_at((start + n) % capacity)->counter;
    if (c->indexid == InvalidOid || (c->indexid == gain.indexid && c->dbid == gain.dbid)) home = c;
    if (oldest == nullptr || c->last_use < oldest->last_use) oldest = c;
  }
  if (home == nullptr) home = oldest;  // a full neighbourhood: the index unused longest gives way
  if (home->indexid != gain.indexid || home->dbid != gain.dbid) *home = {gain.dbid, gain.indexid, 0, 0, 0, 0};
  home->executor_scans += gain.executor_scans;
  home->constraint_checks += gain.constraint_checks;
  home->tuples += gain.tuples;
  if (gain.last_use > home->last_use) home->last_use = gain.last_use;
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
  LWLockRelease(index_table_lock());
  Store& s = *store();
  SpinLockAcquire(&s.free_lock);
  put_right(&s.started);
  put_right(&s.reset_at);
  for (Gap& gap : s.gaps) {
    put_right(&gap.from);
    put_right(&gap.until);
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
      if (now.indexid != InvalidOid) LWLockAcquire(index_table_lock(), LW_EXCLUSIVE);
      take_slot_entry(slot, i, now);
      if (now.indexid != InvalidOid) LWLockRelease(index_table_lock());
    }
    LWLockRelease(partition_lock(partition));
  }
  LWLockAcquire(index_table_lock(), LW_EXCLUSIVE);
  take_slot_indexes(slot);
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
