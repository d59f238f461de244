// This backend's slot: finding a statement's entry and adding to it. The hot path.

#include "capture/hot.hpp"
#include "pg/fault.hpp"
#include "pg/store/admit.hpp"

extern "C" {
#include "storage/ipc.h"  // for before_shmem_exit
}

namespace assist::capture {

// A foreign key's check or action, by the text that ri_triggers.c makes for it.
bool is_constraint_query(const EntryKey& key, const char* source) {
  return !key.toplevel && source != nullptr && strstr(source, " OPERATOR(pg_catalog.") != nullptr &&
         (strncmp(source, "SELECT 1 FROM ", 14) == 0 || strncmp(source, "DELETE FROM ", 12) == 0 ||
          strncmp(source, "UPDATE ", 7) == 0);
}

namespace {

// Whether this execution is to supply the text: nobody may have it after a reset.
void ask_for_text(const SlotEntry* entry, uint64 queryid) {
  const uint64 bit = text_bit(entry);
  if (entry->planid == 0 || (known_texts[queryid % kKnownTexts] == queryid && known_texts_epoch == store()->reset_epoch))
    __atomic_fetch_and(&own_slot->text_wanted, ~bit, __ATOMIC_RELAXED);
  else
    __atomic_fetch_or(&own_slot->text_wanted, bit, __ATOMIC_RELAXED);
}

void occupy(SlotEntry* entry, SlotTaken* taken, const EntryKey& key, const char* source, Oid sole_index) {
  ++entry_claims;
  begin_write(entry);
  const uint32 sequence = entry->sequence;
  memset(entry, 0, sizeof *entry);
  entry->sequence = sequence;
  entry->queryid = key.queryid;
  entry->planid = key.planid;
  entry->userid = key.userid;
  entry->dbid = MyDatabaseId;
  entry->toplevel = key.toplevel;
  entry->indexid = sole_index;
  entry->constraint_check = is_constraint_query(key, source);
  entry->min_ns = PG_UINT64_MAX;
  entry->minmax_epoch = store()->reset_epoch;
  memset(taken, 0, sizeof *taken);
  end_write(entry);
  ask_for_text(entry, key.queryid);
}

// Gives the entry's gains to the central store and takes its place.
bool evict(int i, const EntryKey& key, const char* source, Oid sole_index) {
  SlotEntry* entry = &own_slot->entries[i];
  LWLock* lock = partition_lock(partition_of(entry->dbid, entry->queryid));
  if (!store_lock_briefly(lock, LW_EXCLUSIVE)) return false;
  const bool index = entry->indexid != InvalidOid;
  if (index && !lock_index_counter(entry->dbid, entry->indexid, true)) {
    LWLockRelease(lock);
    return false;
  }
  fault_point("evict");
  take_slot_entry(own_slot, i, *entry, true);
  occupy(entry, &own_slot->taken[i], key, source, sole_index);
  if (index) LWLockRelease(index_table_lock());
  LWLockRelease(lock);
  return true;
}

}  // namespace

SlotEntry* claim_entry(const EntryKey& key, const char* source, Oid sole_index) {
  const auto first = static_cast<int>(entries_of(key.queryid, key.userid) - own_slot->entries);
  for (int i = first; i < first + kSlotWays; ++i) {
    if (own_slot->entries[i].queryid != 0) continue;
    occupy(&own_slot->entries[i], &own_slot->taken[i], key, source, sole_index);
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
    if (evict(first + oldest, key, source, sole_index)) return &own_slot->entries[first + oldest];
  }
  return nullptr;
}

Slot* own_slot = nullptr;
uint64 entry_claims = 0;
Planned planned = {};

static void take_at_exit(int, Datum) {
  if (own_slot != nullptr) take_slot(own_slot, true);
}

bool attach_slot() {
  if (capture_suppressed > 0 || IsParallelWorker() || MyBEEntry == nullptr) return false;
  own_slot = my_slot();
  if (own_slot == nullptr) return false;
  static bool registered = false;
  if (!registered) {
    registered = true;
    before_shmem_exit(take_at_exit, 0);
  }
  begin_passing(own_slot);
  begin_telling();
  return true;
}

void detach_slot() {
  own_slot = nullptr;
  end_telling();
}

void record_execution(const Open& open, uint64 jit_ns, TimestampTz now) {
  record_execution_inline(open, jit_ns, now);
}

void record_error(const Open& open, int sqlstate, const char* message) {
  if (own_slot == nullptr) return;
  const EntryKey key = {open.queryid, open.planid, open.userid, open.depth == 0};
  SlotEntry* entry = find_or_claim_entry(key, nullptr, open.sole_index);
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
  // What only fails does not come to where texts are supplied.
  __atomic_fetch_and(&own_slot->text_wanted, ~text_bit(entry), __ATOMIC_RELAXED);

  const StatementKey statement_key = {open.userid, MyDatabaseId, open.queryid, open.depth == 0};
  LWLock* lock = partition_lock(partition_of(MyDatabaseId, open.queryid));
  if (!store_lock_briefly(lock, LW_EXCLUSIVE)) return;
  // What got no place for its text gets none for its error.
  StatementEntry* statement = is_passed_over(open.queryid) && store_is_full() ? find_statement(statement_key)
                                                                              : find_or_add_statement(statement_key, now);
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

void flush_planning() {
  if (planned.count == 0) return;
  const Planning& p = planned.statement;
  SlotEntry* entry =
      own_slot != nullptr ? find_or_claim_entry({p.queryid, 0, p.userid, p.depth == 0}, nullptr, InvalidOid) : nullptr;
  if (entry != nullptr) {
    begin_write(entry);
    add_plans(entry, p.queryid);
    entry->last_seen = GetCurrentStatementStartTimestamp();
    end_write(entry);
  }
  planned.count = 0;
}

void count_lost_execution(uint64 ns) {
  if (own_slot == nullptr) return;
  ++own_slot->lost_calls;
  own_slot->lost_ns += ns;
  ++own_slot->activity;
}

}  // namespace assist::capture
