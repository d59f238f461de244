// Admission to a full store.

#include "pg/store/admit.hpp"

#include "pg/store/pending.hpp"

extern "C" {
#include "miscadmin.h"  // for MyDatabaseId
}

namespace assist::pg {

namespace {

constexpr int32 kRoomPerSecond = 200;
constexpr uint64 kLongNs = 100 * kWorthNs;

uint32* place_of(uint64 hash) {
  return reinterpret_cast<uint32*>(store_at(store()->asked_at)) +
         (hash & (store()->asked_count - 1));
}

uint64 read(const uint64& value) { return *const_cast<const volatile uint64*>(&value); }

// Each is a sum that only grows: fields read at slightly different moments are made up for at the
// next look. The sum of squares has two halves.
Counters read(const Counters& sums) {
  Counters copy;
  const auto* from = reinterpret_cast<const volatile uint64*>(&sums);
  auto* to = reinterpret_cast<uint64*>(&copy);
  constexpr Size kWords = sizeof copy / sizeof *to;
  do
    for (Size i = 0; i < kWords; ++i) to[i] = from[i];
  while (to[kWords - 1] != from[kWords - 1]);
  return copy;
}

void account(Oid dbid, const Counters& gain, uint64 statements, uint64 top_ns) {
  Store& s = *store();
  SpinLockAcquire(&s.free_lock);
  s.evictions += statements;
  s.evicted_calls += gain.calls + gain.errors;
  s.taken_exec_ns += top_ns;
  SpinLockRelease(&s.free_lock);
  add_leftover(dbid, gain);
}

}  // namespace

bool has_asked_before(const StatementKey& key, Asks what) {
  const uint64 hash = mix64(key.queryid ^ (uint64{key.userid} << 33) ^ (uint64{key.dbid} << 2) ^
                            (uint64{key.toplevel} << 1) ^ static_cast<uint64>(what));
  const auto tag = static_cast<uint32>(hash >> 32) | 1;
  uint32* place = place_of(hash);
  if (__atomic_load_n(place, __ATOMIC_RELAXED) == tag) return true;
  __atomic_store_n(place, tag, __ATOMIC_RELAXED);
  return false;
}

bool may_make_room() {
  Store& s = *store();
  const uint64 second = assist_now_ns() / 1000000000;
  uint64 known = __atomic_load_n(&s.room_second, __ATOMIC_RELAXED);
  if (second > known && __atomic_compare_exchange_n(&s.room_second, &known, second, false,
                                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
    __atomic_store_n(&s.room_left, kRoomPerSecond, __ATOMIC_RELAXED);
  return __atomic_load_n(&s.room_left, __ATOMIC_RELAXED) > 0 &&
         __atomic_fetch_sub(&s.room_left, 1, __ATOMIC_RELAXED) > 0;
}

bool is_worth_room(uint64 exec_ns) {
  return exec_ns >= kLongNs || (exec_ns >= kWorthNs && may_make_room());
}

bool is_admitted(const StatementKey& key, const Counters& gain) {
  if (!store_is_full()) return true;
  if (gain.calls + gain.errors == 0) return false;  // its execution is counted elsewhere
  if (is_worth_room(gain.exec_ns)) return true;
  return (gain.calls + gain.errors > 1 || has_asked_before(key, Asks::kCounts)) && may_make_room();
}

void pass_over(Slot* slot, const SlotEntry& entry, const Counters& gain, bool by_owner) {
  const uint64 top_ns = entry.toplevel ? gain.exec_ns : 0;
  // What a session of another database left in the slot is not added to this one's.
  if (!by_owner || entry.dbid != slot->passed_dbid) {
    account(entry.dbid, gain, 1, top_ns);
    return;
  }
  add_counters(&slot->passed, gain);
  slot->passed_top_ns += top_ns;
  ++slot->passed_statements;
  ++slot->activity;
}

void begin_passing(Slot* slot) {
  if (slot->passed_dbid == MyDatabaseId || !store_lock_briefly(index_table_lock(), LW_EXCLUSIVE))
    return;
  take_slot_passed(slot);
  slot->passed_dbid = MyDatabaseId;
  LWLockRelease(index_table_lock());
}

void take_slot_passed(Slot* slot) {
  const uint64 statements = read(slot->passed_statements), top_ns = read(slot->passed_top_ns);
  const Counters passed = read(slot->passed);
  const Counters gain = counters_gain(passed, slot->taken_passed);
  if (statements == slot->taken_passed_statements && (gain.calls | gain.errors | gain.plans) == 0)
    return;
  account(slot->passed_dbid, gain, statements - slot->taken_passed_statements,
          top_ns - slot->taken_passed_top_ns);
  slot->taken_passed = passed;
  slot->taken_passed_statements = statements;
  slot->taken_passed_top_ns = top_ns;
}

uint64 passed_calls(const Slot* slot) {
  return read(slot->passed.calls) + read(slot->passed.errors) - slot->taken_passed.calls -
         slot->taken_passed.errors;
}

uint64 passed_statements(const Slot* slot) {
  return read(slot->passed_statements) - slot->taken_passed_statements;
}

}  // namespace assist::pg
