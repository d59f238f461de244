// Eviction. A partition has some hundred statements: they are looked through one by one.

#include "pg/store/evict.hpp"

#include <algorithm>
#include <cmath>

namespace assist::pg {

namespace {

constexpr double kHalfLifeUs = 3600e6;
constexpr uint32 kSome = 48;
constexpr int kMostVictims = 4;  // for one block: what they free may be of another size

double half_lives(TimestampTz now) { return static_cast<double>(now) / kHalfLifeUs; }

// The statement of a partition that would be missed least, of those that `qualifies` says. `most` of them are looked
// at, at a place that moves on: of 48 the least used is hardly ever one of the better half.
template <typename Qualifies>
StatementEntry* least_used(uint32 partition, uint32 most, Qualifies qualifies) {
  static uint32 hand = 0;
  StatementEntry* worst = nullptr;
  const uint32 buckets = store()->bucket_count / kPartitions;
  for (uint32 n = 0; n < buckets && most > 0; ++n, ++hand) {
    for (uint32 i = *bucket_at(partition + hand % buckets * kPartitions); i != kNone; i = statement_at(i)->next) {
      StatementEntry* e = statement_at(i);
      most -= most > 0;
      if ((worst == nullptr || e->usage < worst->usage) && qualifies(e)) worst = e;
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

bool free_text(const StatementEntry* statement) {
  StatementEntry* victim = least_used(partition_of(statement), PG_UINT32_MAX, [statement](const StatementEntry* e) {
    return e->usage < statement->usage && DsaPointerIsValid(e->text);
  });
  if (victim == nullptr) return false;
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

double fresh_usage(TimestampTz now) { return 1 + half_lives(now); }

void add_usage(StatementEntry* statement, uint64 executions, bool first, TimestampTz now) {
  const double more = static_cast<double>(executions) - (first ? 1 : 0);
  // Not endless, should the clock be set back by days.
  const double usage = std::exp2(std::min(statement->usage - half_lives(now), 60.0)) + more;
  statement->usage = std::log2(usage > 0.01 ? usage : 0.01) + half_lives(now);
}

void limit_usage(StatementEntry* statement, TimestampTz now) {
  const uint64 executions = std::max<uint64>(statement->sums.calls + statement->sums.errors, 1);
  statement->usage =
      std::min(statement->usage, std::log2(1 + static_cast<double>(executions)) + half_lives(now));
}

bool evict_statement(uint32 held) {
  for (uint32 n = 0; n < kPartitions; ++n) {
    const uint32 p = (held + n) % kPartitions;
    if (p != held && !LWLockConditionalAcquire(partition_lock(p), LW_EXCLUSIVE)) continue;
    StatementEntry* victim = least_used(p, kSome, [](const StatementEntry*) { return true; });
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
  StatementEntry* victim = least_used(partition_of(statement), PG_UINT32_MAX, [statement, spare](const StatementEntry* e) {
    return e != statement && (spare == Spare::kNobody || e->usage < statement->usage) && has_details(e);
  });
  if (victim == nullptr) return false;
  for (uint32 i = victim->first_plan; i != kNone; i = plan_at(i)->next) release_blocks(plan_at(i));
  free_predicates(victim);
  return true;
}

TextBlock* allocate_text_for(const StatementEntry* statement, Size bytes, dsa_pointer* pointer) {
  return allocate_freeing(bytes, kShareText, pointer, [statement] {
    return free_details(statement, Spare::kNobody) || free_text(statement);
  });
}

TextBlock* allocate_detail_for(const StatementEntry* statement, Size bytes, double share,
                               dsa_pointer* pointer) {
  return allocate_freeing(bytes, share, pointer,
                          [statement] { return free_details(statement, Spare::kUsedMore); });
}

}  // namespace assist::pg
