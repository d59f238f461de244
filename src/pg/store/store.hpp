// Operations on the store (layout.hpp). All noexcept in effect: nothing here ereports but what says so.
#pragma once

#include "pg/store/layout.hpp"

// Hidden: reached without the offset table.
#pragma GCC visibility push(hidden)

namespace assist::pg {

// nullptr when the library was not preloaded.
extern Store* the_store;
inline Store* store() { return the_store; }

// Registered by _PG_init: request and set up shared memory, save at shutdown.
void install_shmem_hooks();
Size store_size();

inline char* store_at(Size offset) { return reinterpret_cast<char*>(store()) + offset; }
inline Slot* slot_at(uint32 i) { return reinterpret_cast<Slot*>(store_at(store()->slots_at)) + i; }
inline StatementEntry* statement_at(uint32 i) {
  return reinterpret_cast<StatementEntry*>(store_at(store()->statements_at)) + i;
}
inline PlanEntry* plan_at(uint32 i) {
  return reinterpret_cast<PlanEntry*>(store_at(store()->plans_at)) + i;
}
inline PredicateEntry* predicate_at(uint32 i) {
  return reinterpret_cast<PredicateEntry*>(store_at(store()->predicates_at)) + i;
}
inline ErrorEntry* error_at(uint32 i) {
  return reinterpret_cast<ErrorEntry*>(store_at(store()->errors_at)) + i;
}
inline IndexEntry* index_at(uint32 i) {
  return reinterpret_cast<IndexEntry*>(store_at(store()->indexes_at)) + i;
}
inline uint32* bucket_at(uint32 i) { return reinterpret_cast<uint32*>(store_at(store()->buckets_at)) + i; }

// This process's slot; nullptr without shared memory.
Slot* my_slot();

inline uint64 mix64(uint64 x) {  // SplitMix64's finisher
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}
inline uint32 statement_bucket(Oid dbid, uint64 queryid) {
  return static_cast<uint32>(mix64(queryid + dbid)) & (store()->bucket_count - 1);
}
inline uint32 partition_of(Oid dbid, uint64 queryid) {
  return statement_bucket(dbid, queryid) % kPartitions;
}
LWLock* partition_lock(uint32 partition);
LWLock* index_table_lock();
LWLock* arena_lock();
LWLock* waits_lock();

// Takes `lock` when that needs no long wait; false after some 5 ms. For code inside a user's statement.
bool store_lock_briefly(LWLock* lock, LWLockMode mode);

inline bool same_key(const StatementKey& a, const StatementKey& b) {
  return a.queryid == b.queryid && a.userid == b.userid && a.dbid == b.dbid && a.toplevel == b.toplevel;
}

// REQUIRES for all below: the partition lock of the key, exclusive unless said otherwise.
StatementEntry* find_statement(const StatementKey& key);  // shared is enough
// A statement of the same database and query id, whoever runs it, that has a text. Shared is enough.
StatementEntry* find_text_sibling(const StatementKey& key);
// Evicts the least used statement when the store is full; nullptr when even that fails.
StatementEntry* find_or_add_statement(const StatementKey& key, TimestampTz now);
PlanEntry* find_plan(StatementEntry* statement, uint64 planid);  // shared is enough
PlanEntry* find_or_add_plan(StatementEntry* statement, uint64 planid, TimestampTz now);
PredicateEntry* find_or_add_predicate(StatementEntry* statement, uint64 planid, PredicateUse use, Oid relid,
                                      uint64 shape);
ErrorEntry* find_or_add_error(StatementEntry* statement, int sqlstate);
void remove_statement(StatementEntry* statement, bool count_as_evicted);
void free_predicates(StatementEntry* statement);

Counters counters_gain(const Counters& now, const Counters& before);
// A consistent copy of a slot's entry. False when its owner was stopped in the middle of writing.
bool copy_slot_entry(const SlotEntry* entry, SlotEntry* copy);
// Gains of `now` over what was taken; false when there are none.
bool slot_gain(const SlotEntry& now, const SlotTaken& taken, Counters* sums,
               uint32 latency[kLatencyBuckets]);
// What the gain of an entry whose plan only scans an index says of that index; false: nothing.
bool entry_index_gain(const SlotEntry& now, const Counters& gain, IndexCounter* index);
// Moves the gains of entry `i` (whose consistent copy is `now`) into the central store. `by_owner`: the slot is the caller's.
// REQUIRES: the partition lock, exclusive, and when the entry has an indexid index_table_lock, exclusive, or shared if
// there is a counter of that index.
void take_slot_entry(Slot* slot, int i, const SlotEntry& now, bool by_owner);
void add_counters(Counters* to, const Counters& gain);

// After the clock was put back: moments ahead of it become now, for what depends on their age would wait for
// them. Waits for partition locks.
void forget_future(TimestampTz now);

// Takes the gains of a slot, as its session does when it ends: until the collector comes round, what it ran would look as if it
// had run once, and give way to a flood of others. Waits for partition locks.
void take_slot(Slot* slot, bool by_owner);

// Takes the gains of every slot: the collector's work. Waits for partition locks.
void take_all_slots();
// The same for index counters. REQUIRES: index_table_lock, exclusive, or shared where there is a counter of that index.
// Takes index_table_lock so that gains of an index can be merged: alone only where its counter is still to be made.
// `briefly`: false where that cannot be had soon.
bool lock_index_counter(Oid dbid, Oid index, bool briefly);
void merge_index_counter(const IndexCounter& gain);
bool copy_slot_indexes(const Slot* slot, IndexCounter copy[kIndexSlots]);
bool index_gain(const IndexCounter& now, const IndexCounter& taken, IndexCounter* gain);
void take_slot_indexes(Slot* slot);

// Adds to the account of what could not be recorded.
void count_lost(uint64 calls, uint64 texts, uint64 predicates);
void add_gap(TimestampTz from, TimestampTz until);

// State of a component for assist.status. Texts are cut to fit.
void report_component(ComponentId id, const char* state, const char* detail, const char* last_error);

// Saves and reads the central store (store_file.cpp). Never ereport above LOG. The mark tells one clean shutdown
// of the server from every other; 0: it is not shut down.
uint32 shutdown_mark();
void save_store(uint32 mark);
void load_store();

// Forgets statements; 0 = any. Waits for partition locks.
void reset_store(Oid userid, Oid dbid, uint64 queryid);

}  // namespace assist::pg

#pragma GCC visibility pop
