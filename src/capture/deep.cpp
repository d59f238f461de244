// What a sampled execution tells beyond its counters. All of it runs contained: in a subtransaction, with
// interrupts held off, in a memory context of its own; whatever fails there, the statement does not.

#include "capture/capture.hpp"
#include "pg/fault.hpp"
#include "pg/guard_c.hpp"
#include "pg/store/constants.hpp"
#include "pg/store/evict.hpp"

extern "C" {
#include "utils/memutils.h"
#include "utils/guc.h"  // for application_name
#include "utils/timestamp.h"
#include "utils/float.h"  // for extra_float_digits
}

namespace assist::capture {

namespace {

constexpr TimestampTz kSampleAge = 60 * USECS_PER_SEC;  // until a sample gives way to a newer one

struct Deep {
  QueryDesc* desc;
  const Open* open;
  dsa_pointer plan, constants, sample;  // made and not yet in their place
};

LWLock* lock_of(const Open& open) { return partition_lock(partition_of(MyDatabaseId, open.queryid)); }

StatementKey key_of(const Open& open) { return {open.userid, MyDatabaseId, open.queryid, open.depth == 0}; }

PlanEntry* plan_of(const Open& open) {
  const TimestampTz now = GetCurrentStatementStartTimestamp();
  StatementEntry* statement = find_or_add_statement(key_of(open), now);
  return statement != nullptr ? find_or_add_plan(statement, open.planid, now) : nullptr;
}

// What the store has of this plan already.
struct Wanted {
  bool plan, constants, sample;
};
Wanted look_up(const Open& open, double cost) {
  Wanted wanted = {false, false, false};
  if (!store_lock_briefly(lock_of(open), LW_EXCLUSIVE)) return wanted;
  PlanEntry* plan = plan_of(open);
  if (plan != nullptr) {
    plan->estimated_cost = cost;
    wanted.plan = !DsaPointerIsValid(plan->plan);
    wanted.constants = keep_constants && !DsaPointerIsValid(plan->constants);
    const TextBlock* oldest = arena_get(plan->samples[plan->sample_count % kSamplesPerPlan]);
    SampleHead head;
    if (oldest != nullptr) memcpy(&head, oldest->data, sizeof head);
    const TimestampTz age = oldest != nullptr ? GetCurrentStatementStartTimestamp() - head.at : 0;
    wanted.sample = oldest == nullptr || age > kSampleAge || age < -kSampleAge;  // the clock was put back
  }
  LWLockRelease(lock_of(open));
  return wanted;
}

// A block for this statement, at the expense of statements used less.
TextBlock* allocate(const Open& open, Size bytes, double share, dsa_pointer* pointer) {
  bool full = false;
  TextBlock* block = arena_allocate(bytes, share, pointer, &full);
  if (!full || !store_lock_briefly(lock_of(open), LW_EXCLUSIVE)) return block;
  const StatementEntry* statement = find_statement(key_of(open));
  if (statement != nullptr) block = allocate_detail_for(statement, bytes, share, pointer);
  LWLockRelease(lock_of(open));
  return block;
}

// Block of a plan: JSON \0 | at `extra`: its relations.
dsa_pointer store_plan(QueryDesc* desc, const Open& open) {
  int length;
  const char* json = plan_json(desc, false, &length);
  const char* relations = plan_relations(desc->plannedstmt);
  const Size json_bytes = static_cast<Size>(length) + 1;
  dsa_pointer pointer;
  TextBlock* block = allocate(open, json_bytes + strlen(relations) + 1, kSharePlan, &pointer);
  if (block == nullptr) return InvalidDsaPointer;
  memcpy(block->data, json, json_bytes);
  block->extra = static_cast<uint32>(json_bytes);
  strcpy(block->data + json_bytes, relations);
  return pointer;
}

// Block of a sample: SampleHead, constants block, plan JSON. Nobody's plan or predicates give way for it.
dsa_pointer store_sample(QueryDesc* desc, const Open& open, const char* constants, Size constants_bytes) {
  int length;
  const char* json = plan_json(desc, true, &length);
  SampleHead head = {};
  head.at = GetCurrentTimestamp();
  head.exec_ns = open.exec_ns;
  head.rows = open.rows;
  head.constants_bytes = static_cast<uint32>(constants_bytes);
  strlcpy(head.application, application_name != nullptr ? application_name : "", sizeof head.application);
  dsa_pointer pointer;
  TextBlock* block =
      arena_allocate(sizeof head + constants_bytes + static_cast<Size>(length), kShareSample, &pointer);
  if (block == nullptr) return InvalidDsaPointer;
  memcpy(block->data, &head, sizeof head);
  if (constants_bytes > 0) memcpy(block->data + sizeof head, constants, constants_bytes);
  memcpy(block->data + sizeof head + constants_bytes, json, static_cast<Size>(length));
  return pointer;
}

// Puts a block in its place, unless another backend was faster.
void place(dsa_pointer* where, dsa_pointer* block) {
  if (DsaPointerIsValid(*where)) return;
  *where = *block;
  *block = InvalidDsaPointer;
}

void collect(void* arg) {
  Deep& deep = *static_cast<Deep*>(arg);
  const Open& open = *deep.open;
  if (open.used.temp_written > 0) record_spills(deep.desc, open);
  if (open.weight == 0) return;
  PlanFacts facts = {deep.desc, &open, NIL, 0, false};
  record_predicates(&facts);
  const Wanted wanted = look_up(open, deep.desc->plannedstmt->planTree->total_cost);
  Size constants_bytes = 0;
  const bool whole = wanted.constants || (wanted.sample && keep_constants && sample_parameters);
  const char* constants = keep_constants ? constants_block(deep.desc, open, whole, &constants_bytes) : nullptr;
  if (wanted.plan) deep.plan = store_plan(deep.desc, open);
  if (wanted.constants && constants != nullptr) {
    const Size bytes = tallied_bytes(constants, constants_bytes);
    TextBlock* block = allocate(open, bytes, kShareConstants, &deep.constants);
    if (block != nullptr) {
      memcpy(block->data, constants, constants_bytes);
      begin_tally(block, constants_bytes);
    }
  }
  if (wanted.sample)
    deep.sample = store_sample(deep.desc, open, constants, sample_parameters && keep_constants ? constants_bytes : 0);
  fault_point("sample");
  if (store_lock_briefly(lock_of(open), LW_EXCLUSIVE)) {
    PlanEntry* plan = plan_of(open);
    if (plan != nullptr) {
      place(&plan->plan, &deep.plan);
      place(&plan->constants, &deep.constants);
      TextBlock* kept = arena_get(plan->constants);
      if (kept != nullptr && constants != nullptr) count_constants(kept, constants, constants_bytes, open.weight);
      if (DsaPointerIsValid(deep.sample)) {
        dsa_pointer* old = &plan->samples[plan->sample_count++ % kSamplesPerPlan];
        arena_release(old);
        place(old, &deep.sample);
      }
      if (facts.misestimate > plan->misestimate) {
        plan->misestimate = facts.misestimate;
        plan->underestimated = facts.underestimated;
      }
    }
    LWLockRelease(lock_of(open));
  }
}

}  // namespace

void record_deep(QueryDesc* desc, const Open& open) {
  if (desc->planstate == nullptr || !can_contain()) return;
  MemoryContext context = AllocSetContextCreateInternal(CurrentMemoryContext, "assist sample",
                                                        ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  Deep deep = {desc, &open, InvalidDsaPointer, InvalidDsaPointer, InvalidDsaPointer};
  const uint64 from = assist_now_ns();
  suppress_capture();
  // Values are written so that they mean the same to every session.
  const int date_style = DateStyle, interval_style = IntervalStyle, float_digits = extra_float_digits;
  DateStyle = USE_ISO_DATES;
  IntervalStyle = INTSTYLE_POSTGRES;
  if (extra_float_digits < 1) extra_float_digits = 1;
  run_contained(collect, &deep);
  for (dsa_pointer* left : {&deep.plan, &deep.constants, &deep.sample}) arena_release(left);
  DateStyle = date_style;
  IntervalStyle = interval_style;
  extra_float_digits = float_digits;
  resume_capture();
  if (attach_slot()) {
    own_slot->sampled_ns += assist_now_ns() - from;
    ++own_slot->sampled_executions;
  }
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
}

}  // namespace assist::capture
