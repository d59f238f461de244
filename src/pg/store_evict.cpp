// Eviction. A partition has some hundred statements: they are looked through one by one.

#include "pg/store_evict.hpp"

#include <cmath>

extern "C" {
#include "access/xact.h"  // for GetCurrentStatementStartTimestamp
}

namespace assist::pg {

namespace {

constexpr double kHalfLifeUs = 3600e6;
constexpr int kMostVictims = 4;  // for one block: what they free may be of another size

double usage_now(const StatementEntry& e, TimestampTz now) {
  // A clock that was set back makes nothing more used.
  return now > e.usage_at
             ? e.usage * std::exp2(-static_cast<double>(now - e.usage_at) / kHalfLifeUs)
             : e.usage;
}

// The statement of a partition that would be missed least, of those that `qualifies` says.
template <typename Qualifies>
StatementEntry* least_used(uint32 partition, TimestampTz now, Qualifies qualifies) {
  StatementEntry* worst = nullptr;
  double worst_usage = 0;
  for (uint32 b = partition; b < store()->bucket_count; b += kPartitions) {
    for (uint32 i = *bucket_at(b); i != kNone; i = statement_at(i)->next) {
      StatementEntry* e = statement_at(i);
      if (!qualifies(e)) continue;
      const double usage = usage_now(*e, now);
      if (worst == nullptr || usage < worst_usage ||
          (usage == worst_usage && e->last_seen < worst->last_seen)) {
        worst = e;
        worst_usage = usage;
      }
    }
  }
  return worst;
}

bool has_blocks(const PlanEntry& plan) {
  if (DsaPointerIsValid(plan.plan) || DsaPointerIsValid(plan.constants)) return true;
  for (const dsa_pointer sample : plan.samples)
    if (DsaPointerIsValid(sample)) return true;
  return false;
}

bool has_details(const StatementEntry* e) {
  for (uint32 i = e->first_plan; i != kNone; i = plan_at(i)->next)
    if (has_blocks(*plan_at(i))) return true;
  return e->first_predicate != kNone;
}

uint32 partition_of(const StatementEntry* e) {
  return pg::partition_of(e->key.dbid, e->key.queryid);
}

bool free_text(const StatementEntry* statement, TimestampTz now) {
  StatementEntry* victim =
      least_used(partition_of(statement), now, [statement](const StatementEntry* e) {
        return e != statement && DsaPointerIsValid(e->text);
      });
  if (victim == nullptr || usage_now(*victim, now) >= usage_now(*statement, now)) return false;
  arena_release(&victim->text);
  count_lost(0, 1, 0);
  return true;
}

// Tries until there is room or `frees` finds nothing more.
template <typename Frees>
TextBlock* allocate_freeing(Size bytes, double share, dsa_pointer* pointer, Frees frees) {
  for (int victims = 0;; ++victims) {
    bool full = false;
    TextBlock* block = arena_allocate(bytes, share, pointer, &full);
    if (block != nullptr || !full || victims == kMostVictims || !frees()) return block;
  }
}

}  // namespace

void add_usage(StatementEntry* statement, double executions, TimestampTz now) {
  statement->usage = usage_now(*statement, now) + executions;
  if (now > statement->usage_at) statement->usage_at = now;
}

bool evict_statement(uint32 held, TimestampTz now) {
  for (uint32 n = 0; n < kPartitions; ++n) {
    const uint32 p = (held + n) % kPartitions;
    if (p != held && !LWLockConditionalAcquire(partition_lock(p), LW_EXCLUSIVE)) continue;
    StatementEntry* victim = least_used(p, now, [](const StatementEntry*) { return true; });
    if (victim != nullptr) remove_statement(victim, true);
    if (p != held) LWLockRelease(partition_lock(p));
    if (victim != nullptr) return true;
  }
  return false;
}

void release_blocks(PlanEntry* plan) {
  arena_release(&plan->plan);
  arena_release(&plan->constants);
  for (dsa_pointer& sample : plan->samples) arena_release(&sample);
}

bool free_details(const StatementEntry* statement, Spare spare) {
  const TimestampTz now = GetCurrentStatementStartTimestamp();
  StatementEntry* victim =
      least_used(partition_of(statement), now,
                 [statement](const StatementEntry* e) { return e != statement && has_details(e); });
  if (victim == nullptr) return false;
  if (spare == Spare::kUsedMore && usage_now(*victim, now) >= usage_now(*statement, now))
    return false;
  for (uint32 i = victim->first_plan; i != kNone; i = plan_at(i)->next) release_blocks(plan_at(i));
  free_predicates(victim);
  return true;
}

TextBlock* allocate_text_for(const StatementEntry* statement, Size bytes, dsa_pointer* pointer) {
  return allocate_freeing(bytes, kShareText, pointer, [statement] {
    return free_details(statement, Spare::kNobody) ||
           free_text(statement, GetCurrentStatementStartTimestamp());
  });
}

TextBlock* allocate_detail_for(const StatementEntry* statement, Size bytes, double share,
                               dsa_pointer* pointer) {
  return allocate_freeing(bytes, share, pointer,
                          [statement] { return free_details(statement, Spare::kUsedMore); });
}

}  // namespace assist::pg
