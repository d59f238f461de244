// The ring of partitions that blocks of history go into, and the coarser tiers made of the finer
// ones.

#include <algorithm>
#include <string>

#include "pg/history/work.hpp"
#include "pg/memory.hpp"
#include "pg/own_sql.hpp"
#include "pg/settings.hpp"
#include "pg/store/store.hpp"

extern "C" {
#include "catalog/namespace.h"  // for RangeVarGetRelid
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
}

namespace assist::pg {

namespace {

constexpr int kMostRolledUp = 500;  // periods in one visit; the rest waits for the next

// Empties a partition when nobody has it open.
void empty_partition(const char* name, const char* truncate) {
  Oid partition =
      RangeVarGetRelid(makeRangeVar(pstrdup("assist"), pstrdup(name), -1), NoLock, false);
  if (!ConditionalLockRelationOid(partition, AccessExclusiveLock)) return;
  SPI_connect();
  SPI_execute(truncate, false, 0);
  SPI_finish();
}

// Blocks that are there from the last time round, or that a clock ahead of this one made.
#define ASSIST_STALE "(until <= $2 OR until > clock_timestamp() + interval '1 day')"

void MakeRoom(const RingSlot& slot) {
  const Arg args[] = {Arg::Int4(slot.number), Arg::Moment(slot.since_us)};
  Execute("DELETE FROM assist.history_block WHERE ring = $1 AND " ASSIST_STALE, args);
}

// Since when the server has been seen without a gap.
TimestampTz SeenSince() {
  SpinLockAcquire(&store()->free_lock);
  TimestampTz since = std::max(store()->started, store()->recordable_since);
  for (const Gap& gap : store()->gaps) since = std::max(since, gap.until);
  SpinLockRelease(&store()->free_lock);
  return since;
}

// How long of a time the server was down.
TimestampTz AbsentIn(TimestampTz start, TimestampTz until) {
  TimestampTz absent = 0;
  SpinLockAcquire(&store()->free_lock);
  for (const Gap& gap : store()->absences)
    absent += std::max<TimestampTz>(0, std::min(gap.until, until) - std::max(gap.from, start));
  SpinLockRelease(&store()->free_lock);
  return absent;
}

// The earliest period of a tier that is over and not yet made, of blocks of the tier below;
// nothing: there is none.
bool RollUpOne(const HistoryTiers& tiers, int tier, HistoryKind kind, TimestampTz now) {
  const ScopedContext context("assist history roll-up");
  ContextResource resource(context.get());
  std::pmr::memory_resource* memory = &resource;
  const HistoryTier& to = tiers[static_cast<std::size_t>(tier)];
  const int below = (tier - 1) * kRingSlots;
  TimestampTz first = 0;
  const Arg next[] = {Arg::Int4(static_cast<int>(kind)), Arg::Int4(below),
                      Arg::Int4(below + kRingSlots), Arg::Moment(LastEnd(kind, tier))};
  QueryFresh(
      "SELECT min(until) FROM assist.history_block WHERE kind = $1 AND ring >= $2 AND ring < $3 "
      "AND until > $4",
      next, [&](const Row& row) {
        if (!row.IsNull(0)) first = row.Integer(0);
      });
  if (first == 0) return false;
  // A block belongs to the period that its end is in.
  const TimestampTz begin = PeriodOf(to, first - 1), end = begin + to.period_us;
  if (end > now) return false;
  std::pmr::vector<HistoryBlock> blocks(memory);
  Interval interval = {0, 0, 0};
  const Arg range[] = {next[0], next[1], next[2], Arg::Moment(begin), Arg::Moment(end)};
  QueryFresh(
      "SELECT start, until, observed, data FROM assist.history_block"
      " WHERE kind = $1 AND ring >= $2 AND ring < $3 AND until > $4 AND until <= $5 ORDER BY until",
      range, [&](const Row& row) {
        auto block = DecodeHistory(row.Text(3), memory);
        if (!block.has_value() || block->kind != kind)
          return;  // damaged: the others are not lost for it
        if (blocks.empty()) interval.start = row.Integer(0);
        interval.until = row.Integer(1);
        interval.observed_s += row.Real(2);
        blocks.push_back(std::move(*block));
      });
  if (blocks.empty()) return false;
  HistoryBlock merged = MergeHistory(blocks, memory);
  if (kind == HistoryKind::kStatement || kind == HistoryKind::kPlan)
    merged = KeepLargest(merged, "exec_us", static_cast<std::size_t>(max_statements), memory);
  if (kind == HistoryKind::kWait)
    merged = KeepLargest(merged, "wait_us", static_cast<std::size_t>(max_statements), memory);
  StoreBlock(tiers, tier, interval, merged, memory);
  return true;
}

}  // namespace

void EmptyStale(const HistoryTiers& tiers, TimestampTz now) {
  for (int tier = 0; tier < static_cast<int>(tiers.size()); ++tier) {
    const RingSlot slot = SlotOf(tiers[static_cast<std::size_t>(tier)], tier, now);
    bool stale = false, fresh = false;
    const Arg args[] = {Arg::Int4(slot.number), Arg::Moment(slot.since_us)};
    QueryFresh("SELECT EXISTS (SELECT 1 FROM assist.history_block WHERE ring = $1 AND " ASSIST_STALE
               "), EXISTS (SELECT 1 FROM assist.history_block WHERE ring = $1 AND NOT " ASSIST_STALE
               ")",
               args, [&](const Row& row) {
                 stale = row.Flag(0);
                 fresh = row.Flag(1);
               });
    if (!stale || fresh) continue;
    const std::string name = "history_block_" + std::to_string(slot.number);
    const std::string statement = "TRUNCATE assist." + name;
    Guarded([&] { empty_partition(name.c_str(), statement.c_str()); });
  }
}

#undef ASSIST_STALE

void StoreBlock(const HistoryTiers& tiers, int tier, const Interval& interval,
                const HistoryBlock& block, std::pmr::memory_resource* memory) {
  const RingSlot slot = SlotOf(tiers[static_cast<std::size_t>(tier)], tier, interval.until - 1);
  MakeRoom(slot);
  std::pmr::string bytes(memory);
  AppendEncoded(bytes, block);
  const Arg args[] = {Arg::Int4(slot.number),
                      Arg::Int4(static_cast<int>(block.kind)),
                      Arg::Moment(interval.start),
                      Arg::Moment(interval.until),
                      Arg::Real(interval.observed_s),
                      Arg::Int4(static_cast<int>(block.rows())),
                      Arg::Bytes(bytes)};
  Execute(
      "INSERT INTO assist.history_block (ring, kind, start, until, observed, rows, data)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7)",
      args);
}

TimestampTz LastEnd(HistoryKind kind, int tier) {
  TimestampTz last = 0;
  const int first = tier == kAnyTier ? 0 : tier * kRingSlots;
  const Arg args[] = {Arg::Int4(static_cast<int>(kind)), Arg::Int4(first),
                      Arg::Int4(tier == kAnyTier ? kMostTiers * kRingSlots : first + kRingSlots)};
  QueryFresh(
      "SELECT max(until) FROM assist.history_block WHERE kind = $1 AND ring >= $2 AND ring < $3",
      args, [&](const Row& row) {
        if (!row.IsNull(0)) last = row.Integer(0);
      });
  return last;
}

Interval IntervalSince(TimestampTz last, TimestampTz now) {
  const TimestampTz seen = SeenSince();
  const TimestampTz start = std::min(std::max(last, seen), now);
  return {start, now, static_cast<double>(now - start - AbsentIn(start, now)) / 1e6};
}

void RollUp(const HistoryTiers& tiers, int first, std::span<const HistoryKind> kinds,
            TimestampTz now) {
  for (int tier = first + 1; tier < static_cast<int>(tiers.size()); ++tier)
    for (const HistoryKind kind : kinds)
      for (int n = 0; n < kMostRolledUp && RollUpOne(tiers, tier, kind, now); ++n)
        Guarded([] { CHECK_FOR_INTERRUPTS(); });
}

}  // namespace assist::pg
