// Shared memory: its layout in bytes, and the hash table of statements.

#include "pg/store/store.hpp"

#include "pg/store/pending.hpp"
#include "pg/settings.hpp"
#include "pg/store/evict.hpp"
#include "pg/store/text_arena.hpp"
#include "pg/visits.hpp"
#include "pg/store/waits.hpp"

extern "C" {
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

constexpr char kTranche[] = "pg_assist";
constexpr int kLocks = kPartitions + 3;  // partitions, index table, arena, waits

LWLockPadded* locks = nullptr;

struct Sizes {
  uint32 slots, buckets, statements, plans, predicates, errors, indexes, asked;
};

Sizes configured_sizes() {
  Sizes s;
  s.slots = static_cast<uint32>(MaxBackends + NUM_AUXILIARY_PROCS);
  s.statements = static_cast<uint32>(max_statements);
  s.buckets = 64;
  while (s.buckets < s.statements) s.buckets *= 2;
  s.plans = s.statements + s.statements / 4;
  s.predicates = s.statements * 2 + s.statements / 2;
  s.errors = 256 + s.statements / 8;
  s.indexes = 1024 + s.statements + s.statements / 2;  // and tables that are scanned sequentially
  s.asked = 4096;
  while (s.asked < s.statements * 2) s.asked *= 2;
  return s;
}

struct Offsets {
  Size slots, buckets, statements, plans, predicates, errors, indexes, asked, arena, total;
};

Offsets offsets_of(const Sizes& s) {
  Offsets o;
  Size at = CACHELINEALIGN(sizeof(Store));
  const auto place = [&at](Size count, Size each) {
    const Size here = at;
    at = CACHELINEALIGN(add_size(at, mul_size(count, each)));
    return here;
  };
  o.slots = place(s.slots, sizeof(Slot));
  o.buckets = place(s.buckets, sizeof(uint32));
  o.statements = place(s.statements, sizeof(StatementEntry));
  o.plans = place(s.plans, sizeof(PlanEntry));
  o.predicates = place(s.predicates, sizeof(PredicateEntry));
  o.errors = place(s.errors, sizeof(ErrorEntry));
  o.indexes = place(s.indexes, sizeof(IndexEntry));
  o.asked = place(s.asked, sizeof(uint32));
  o.arena = place(1, static_cast<Size>(text_memory_kb) * 1024);
  o.total = at;
  return o;
}

template <typename Entry>
void chain_free(Entry* entries, uint32 count, uint32* first) {
  for (uint32 i = 0; i < count; ++i) entries[i].next = i + 1 < count ? i + 1 : kNone;
  *first = count > 0 ? 0 : kNone;
}

shmem_request_hook_type previous_request = nullptr;
shmem_startup_hook_type previous_startup = nullptr;

void request() {
  if (previous_request != nullptr) previous_request();
  RequestAddinShmemSpace(store_size());
  RequestAddinShmemSpace(visits_shmem_size());
  RequestAddinShmemSpace(waits_shmem_size());
  RequestNamedLWLockTranche(kTranche, kLocks);
}

void at_shutdown(int code, Datum) {
  // The postmaster alone, after every child is gone. Where they were killed the memory is not to be
  // trusted: locks may be held for ever. An immediate shutdown ends with code 0, too.
  const uint32 mark = code == 0 && the_store != nullptr && save_statistics ? shutdown_mark() : 0;
  if (mark != 0) {
    take_all_slots();
    save_store(mark);
  }
}

void startup() {
  if (previous_startup != nullptr) previous_startup();
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  bool found;
  the_store = static_cast<Store*>(ShmemInitStruct(kTranche, store_size(), &found));
  locks = GetNamedLWLockTranche(kTranche);
  if (!found) {
    const Sizes sizes = configured_sizes();
    const Offsets o = offsets_of(sizes);
    MemSet(the_store, 0, o.arena);
    Store& s = *the_store;
    s.magic = kStoreMagic;
    s.version = kStoreVersion;
    s.slot_count = sizes.slots;
    s.bucket_count = sizes.buckets;
    s.statement_capacity = sizes.statements;
    s.plan_capacity = sizes.plans;
    s.predicate_capacity = sizes.predicates;
    s.error_capacity = sizes.errors;
    s.index_capacity = sizes.indexes;
    s.asked_count = sizes.asked;
    s.slots_at = o.slots;
    s.buckets_at = o.buckets;
    s.statements_at = o.statements;
    s.plans_at = o.plans;
    s.predicates_at = o.predicates;
    s.errors_at = o.errors;
    s.indexes_at = o.indexes;
    s.asked_at = o.asked;
    s.arena_at = o.arena;
    s.arena_bytes = static_cast<Size>(text_memory_kb) * 1024;
    s.total_bytes = o.total;
    s.started = s.reset_at = GetCurrentTimestamp();
    s.sampling_slowdown = 1;
    SpinLockInit(&s.free_lock);
    SpinLockInit(&s.component_lock);
    for (uint32 i = 0; i < sizes.buckets; ++i) *bucket_at(i) = kNone;
    chain_free(statement_at(0), sizes.statements, &s.free_statement);
    chain_free(plan_at(0), sizes.plans, &s.free_plan);
    chain_free(predicate_at(0), sizes.predicates, &s.free_predicate);
    chain_free(error_at(0), sizes.errors, &s.free_error);
    arena_create(store_at(o.arena), s.arena_bytes);
  }
  visits_shmem_init();
  waits_shmem_init();
  LWLockRelease(AddinShmemInitLock);
  if (!IsUnderPostmaster) {
    on_shmem_exit(at_shutdown, Datum{0});
    if (!found) load_store();
  }
}

// Takes an entry off a free list; kNone when it is empty.
template <typename At>
uint32 pop_free(uint32 Store::*list, uint32 Store::*count, At at) {
  Store& s = *the_store;
  SpinLockAcquire(&s.free_lock);
  const uint32 i = s.*list;
  if (i != kNone) {
    s.*list = at(i)->next;
    ++(s.*count);
  }
  SpinLockRelease(&s.free_lock);
  return i;
}

template <typename Entry>
void push_free(uint32 Store::*list, uint32 Store::*count, Entry* entry, uint32 i) {
  Store& s = *the_store;
  SpinLockAcquire(&s.free_lock);
  entry->next = s.*list;
  s.*list = i;
  --(s.*count);
  SpinLockRelease(&s.free_lock);
}

uint32 index_of(const StatementEntry* e) { return static_cast<uint32>(e - statement_at(0)); }

void free_plan(PlanEntry* plan, uint32 i) {
  release_blocks(plan);
  push_free(&Store::free_plan, &Store::plan_count, plan, i);
}

}  // namespace

Store* the_store = nullptr;
Size store_size() { return offsets_of(configured_sizes()).total; }

void install_shmem_hooks() {
  previous_request = shmem_request_hook;
  shmem_request_hook = request;
  previous_startup = shmem_startup_hook;
  shmem_startup_hook = startup;
}

LWLock* partition_lock(uint32 partition) { return &locks[partition].lock; }
LWLock* index_table_lock() { return &locks[kPartitions].lock; }
LWLock* arena_lock() { return &locks[kPartitions + 1].lock; }
LWLock* waits_lock() { return &locks[kPartitions + 2].lock; }

Slot* my_slot() {
  if (the_store == nullptr || MyProc == nullptr) return nullptr;
  const auto i = static_cast<uint32>(assist_my_proc_number());
  return i < the_store->slot_count ? slot_at(i) : nullptr;
}

bool store_lock_briefly(LWLock* lock, LWLockMode mode) {
  for (int attempt = 0; attempt < 50; ++attempt) {
    if (LWLockConditionalAcquire(lock, mode)) return true;
    if (attempt < 20) {
      for (int spin = 0; spin < 100; ++spin) SPIN_DELAY();
    } else {
      pg_usleep(150);
    }
  }
  return false;
}

StatementEntry* find_statement(const StatementKey& key) {
  for (uint32 i = *bucket_at(statement_bucket(key.dbid, key.queryid)); i != kNone;
       i = statement_at(i)->next) {
    if (same_key(statement_at(i)->key, key)) return statement_at(i);
  }
  return nullptr;
}

StatementEntry* find_text_sibling(const StatementKey& key) {
  for (uint32 i = *bucket_at(statement_bucket(key.dbid, key.queryid)); i != kNone;
       i = statement_at(i)->next) {
    StatementEntry* e = statement_at(i);
    if (e->key.queryid == key.queryid && e->key.dbid == key.dbid && DsaPointerIsValid(e->text)) return e;
  }
  return nullptr;
}

StatementEntry* find_or_add_statement(const StatementKey& key, TimestampTz now) {
  StatementEntry* found = find_statement(key);
  if (found != nullptr) return found;
  const auto pop = [] { return pop_free(&Store::free_statement, &Store::statement_count, statement_at); };
  uint32 i = pop();
  const uint32 bucket = statement_bucket(key.dbid, key.queryid);
  if (i == kNone && evict_statement(bucket % kPartitions)) i = pop();
  if (i == kNone) return nullptr;
  StatementEntry* e = statement_at(i);
  memset(e, 0, sizeof *e);
  e->key = key;
  e->first_plan = e->first_predicate = e->first_error = kNone;
  e->usage = fresh_usage(now);
  e->first_seen = e->last_seen = now;
  e->min_ns = PG_UINT64_MAX;
  StatementEntry* sibling = find_text_sibling(key);
  if (sibling != nullptr) {
    e->text = sibling->text;
    arena_reference(e->text);
  }
  e->next = *bucket_at(bucket);
  *bucket_at(bucket) = i;
  return e;
}

PlanEntry* find_plan(StatementEntry* statement, uint64 planid) {
  for (uint32 i = statement->first_plan; i != kNone; i = plan_at(i)->next)
    if (plan_at(i)->planid == planid) return plan_at(i);
  return nullptr;
}

PlanEntry* find_or_add_plan(StatementEntry* statement, uint64 planid, TimestampTz now) {
  PlanEntry* found = find_plan(statement, planid);
  if (found != nullptr) return found;
  uint32 i = kNone;
  if (statement->plan_count < static_cast<uint32>(max_plans_per_statement))
    i = pop_free(&Store::free_plan, &Store::plan_count, plan_at);
  if (i == kNone) {
    // The plan run least gives way; its calls stay in the statement's sums.
    uint32* least = nullptr;
    for (uint32* at = &statement->first_plan; *at != kNone; at = &plan_at(*at)->next)
      if (least == nullptr || plan_at(*at)->calls < plan_at(*least)->calls) least = at;
    if (least == nullptr) return nullptr;
    const uint32 victim = *least;
    PlanEntry* gone = plan_at(victim);
    *least = gone->next;
    --statement->plan_count;
    statement->evicted_plan_calls += gone->calls;
    SpinLockAcquire(&the_store->free_lock);
    ++the_store->evicted_plans;
    SpinLockRelease(&the_store->free_lock);
    free_plan(gone, victim);
    i = pop_free(&Store::free_plan, &Store::plan_count, plan_at);
    if (i == kNone) return nullptr;
  }
  PlanEntry* plan = plan_at(i);
  memset(plan, 0, sizeof *plan);
  plan->planid = planid;
  plan->first_seen = plan->last_seen = now;
  plan->next = statement->first_plan;
  statement->first_plan = i;
  ++statement->plan_count;
  return plan;
}

PredicateEntry* find_or_add_predicate(StatementEntry* statement, uint64 planid, PredicateUse use, Oid relid,
                                      uint64 shape) {
  for (uint32 i = statement->first_predicate; i != kNone; i = predicate_at(i)->next) {
    PredicateEntry* p = predicate_at(i);
    if (p->shape == shape && p->planid == planid && p->use == use && p->relid == relid) return p;
  }
  const auto pop = [] { return pop_free(&Store::free_predicate, &Store::predicate_count, predicate_at); };
  uint32 i = pop();
  if (i == kNone && free_details(statement, Spare::kUsedMore)) i = pop();
  if (i == kNone) return nullptr;
  PredicateEntry* p = predicate_at(i);
  memset(p, 0, sizeof *p);
  p->planid = planid;
  p->use = use;
  p->relid = relid;
  p->shape = shape;
  p->next = statement->first_predicate;
  statement->first_predicate = i;
  return p;
}

ErrorEntry* find_or_add_error(StatementEntry* statement, int sqlstate) {
  for (uint32 i = statement->first_error; i != kNone; i = error_at(i)->next)
    if (error_at(i)->sqlstate == sqlstate) return error_at(i);
  const uint32 i = pop_free(&Store::free_error, &Store::error_count, error_at);
  if (i == kNone) return nullptr;
  ErrorEntry* e = error_at(i);
  memset(e, 0, sizeof *e);
  e->sqlstate = sqlstate;
  e->next = statement->first_error;
  statement->first_error = i;
  return e;
}

void free_predicates(StatementEntry* e) {
  while (e->first_predicate != kNone) {
    const uint32 i = e->first_predicate;
    e->first_predicate = predicate_at(i)->next;
    arena_release(&predicate_at(i)->description);
    push_free(&Store::free_predicate, &Store::predicate_count, predicate_at(i), i);
  }
}

void remove_statement(StatementEntry* e, bool count_as_evicted) {
  for (uint32* at = bucket_at(statement_bucket(e->key.dbid, e->key.queryid)); *at != kNone;
       at = &statement_at(*at)->next) {
    if (*at == index_of(e)) {
      *at = e->next;
      break;
    }
  }
  while (e->first_plan != kNone) {
    const uint32 i = e->first_plan;
    e->first_plan = plan_at(i)->next;
    free_plan(plan_at(i), i);
  }
  free_predicates(e);
  while (e->first_error != kNone) {
    const uint32 i = e->first_error;
    e->first_error = error_at(i)->next;
    push_free(&Store::free_error, &Store::error_count, error_at(i), i);
  }
  arena_release(&e->text);
  add_leftover(e->key.dbid, e->pending);
  if (count_as_evicted) {
    SpinLockAcquire(&the_store->free_lock);
    ++the_store->evictions;
    the_store->evicted_calls += e->sums.calls + e->sums.errors;
    SpinLockRelease(&the_store->free_lock);
  }
  push_free(&Store::free_statement, &Store::statement_count, e, index_of(e));
}

void count_lost(uint64 calls, uint64 texts, uint64 predicates) {
  SpinLockAcquire(&the_store->free_lock);
  the_store->lost_calls += calls;
  the_store->lost_texts += texts;
  the_store->lost_predicates += predicates;
  SpinLockRelease(&the_store->free_lock);
}

void add_gap(TimestampTz from, TimestampTz until) {
  SpinLockAcquire(&the_store->free_lock);
  the_store->gaps[the_store->gap_count % kGaps] = {from, until};
  ++the_store->gap_count;
  SpinLockRelease(&the_store->free_lock);
}

void report_component(ComponentId id, const char* state, const char* detail, const char* last_error) {
  if (the_store == nullptr) return;
  Component& c = the_store->components[id];
  const TimestampTz now = GetCurrentTimestamp();
  SpinLockAcquire(&the_store->component_lock);
  strlcpy(c.state, state, sizeof c.state);
  if (detail != nullptr) strlcpy(c.detail, detail, sizeof c.detail);
  if (last_error != nullptr) strlcpy(c.last_error, last_error, sizeof c.last_error);
  c.last_run = now;
  c.pid = MyProcPid;
  SpinLockRelease(&the_store->component_lock);
}

void reset_store(Oid userid, Oid dbid, uint64 queryid) {
  // What is still in the slots belongs to the time before.
  take_all_slots();
  const bool all = userid == InvalidOid && dbid == InvalidOid && queryid == 0;
  for (uint32 p = 0; p < kPartitions; ++p) {
    LWLockAcquire(partition_lock(p), LW_EXCLUSIVE);
    for (uint32 b = p; b < the_store->bucket_count; b += kPartitions) {
      uint32 i = *bucket_at(b);
      while (i != kNone) {
        StatementEntry* e = statement_at(i);
        i = e->next;
        if ((userid == InvalidOid || e->key.userid == userid) &&
            (dbid == InvalidOid || e->key.dbid == dbid) && (queryid == 0 || e->key.queryid == queryid))
          remove_statement(e, false);
      }
    }
    LWLockRelease(partition_lock(p));
  }
  if (userid == InvalidOid && queryid == 0) {
    LWLockAcquire(index_table_lock(), LW_EXCLUSIVE);
    for (uint32 i = 0; i < the_store->index_capacity; ++i)
      if (dbid == InvalidOid || index_at(i)->counter.dbid == dbid)
        index_at(i)->counter.executor_scans = index_at(i)->counter.constraint_checks =
            index_at(i)->counter.tuples = 0;
    if (all) the_store->evicted_indexes = 0;
    LWLockRelease(index_table_lock());
  }
  reset_waits(userid, dbid, queryid);
  SpinLockAcquire(&the_store->free_lock);
  ++the_store->reset_epoch;
  if (all) {
    the_store->evictions = the_store->evicted_calls = the_store->evicted_plans = 0;
    the_store->lost_calls = the_store->lost_texts = the_store->lost_predicates = 0;
    the_store->reset_at = GetCurrentTimestamp();
  }
  SpinLockRelease(&the_store->free_lock);
}

}  // namespace assist::pg
