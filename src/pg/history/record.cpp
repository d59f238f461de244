// One visit's recording, kind by kind.

#include "pg/history/record.hpp"

#include <algorithm>
#include <optional>

#include "pg/history/work.hpp"
#include "pg/memory.hpp"
#include "pg/own_sql.hpp"
#include "pg/settings.hpp"

namespace assist::pg {

namespace {

constexpr HistoryKind kOften[] = {HistoryKind::kStatement, HistoryKind::kPlan,
                                  HistoryKind::kDatabase, HistoryKind::kWait};
// Of many thousand relations most did nothing: they are looked at in periods of the second tier.
constexpr HistoryKind kSeldom[] = {HistoryKind::kTable, HistoryKind::kIndex};

HistoryTiers Tiers() {
  std::string problem;
  auto tiers = ParseTiers(history_tiers, &problem);
  return tiers.has_value() ? *tiers : HistoryTiers{};  // checked when it was set
}

// An extension that was not updated yet has no tables of history.
bool HasTables() {
  bool there = false;
  Query("SELECT to_regclass('assist.history_relation') IS NOT NULL",
        [&](const Row& row) { there = row.Flag(0); });
  return there;
}

// What was recorded while the clock was ahead is of no time that there was; it would hide what
// comes until then. A clock that is corrected by moments is none that was set.
void ForgetFuture(TimestampTz now) {
  const Arg args[] = {Arg::Moment(now)};
  Execute("DELETE FROM assist.history_block WHERE until > $1 + interval '1 minute'", args);
}

// What tiers had that are no more, and imported series older than what is kept.
void ForgetBeyond(const HistoryTiers& tiers, TimestampTz now) {
  const Arg args[] = {Arg::Int4(static_cast<int>(tiers.size()) * kRingSlots),
                      Arg::Moment(now - tiers.back().keep_us)};
  Execute("DELETE FROM assist.history_block WHERE ring >= $1", {args, 1});
  Execute("DELETE FROM assist.history_imported WHERE at < $1", {args + 1, 1});
}

// A visit comes somewhat before a period is over as often as after it.
bool IsDue(const Interval& interval, const HistoryTier& tier, bool always) {
  return always || interval.until - interval.start >= tier.period_us * 3 / 4;
}

}  // namespace

void EmptyRings() {
  const HistoryTiers tiers = Tiers();
  if (is_preloaded() && !tiers.empty() && HasTables()) EmptyStale(tiers, GetCurrentTimestamp());
}

void RecordHistory(bool always) {
  const HistoryTiers tiers = Tiers();
  if (!is_preloaded() || tiers.empty() || !HasTables()) return;
  ContextResource memory(CurrentMemoryContext);
  const TimestampTz now = GetCurrentTimestamp();
  ForgetFuture(now);
  const Interval often = IntervalSince(LastEnd(HistoryKind::kStatement, kAnyTier), now);
  const int seldom_tier = std::min<int>(1, static_cast<int>(tiers.size()) - 1);
  const Interval seldom = IntervalSince(LastEnd(HistoryKind::kTable, kAnyTier), now);
  const bool relations = IsDue(seldom, tiers[static_cast<std::size_t>(seldom_tier)], always);
  // What is over is added up first: the ring may come round to it after a long stop.
  if (IsDue(often, tiers[0], always)) {
    RollUp(tiers, 0, kOften, now);
    const PendingWork work = TakePending();
    RecordStatements(tiers, often, work, &memory);
    RecordDatabase(tiers, often, work, relations, &memory);
    RecordWaits(tiers, often, &memory);
  }
  if (relations) {
    RollUp(tiers, seldom_tier, kSeldom, now);
    RecordRelations(tiers, seldom_tier, seldom, &memory);
    PruneDictionaries();
    ForgetBeyond(tiers, now);
  }
}

std::int64_t ForgetHistory(TimestampTz before) {
  const OwnerScope scope;
  const Arg args[] = {Arg::Moment(before)};
  const std::int64_t blocks = Execute("DELETE FROM assist.history_block WHERE until <= $1", args);
  Execute("DELETE FROM assist.history_imported WHERE at < $1", args);
  Execute("DELETE FROM assist.event WHERE at < $1", args);
  Execute("DELETE FROM assist.regression WHERE until < $1", args);
  Execute("DELETE FROM assist.alert WHERE resolved_at < $1", args);
  Execute("DELETE FROM assist.capacity_level WHERE first_day + cardinality(levels) <= $1::date",
          args);
  Execute("DELETE FROM assist.history_statement WHERE last_seen + interval '1 day' < $1", args);
  Execute("DELETE FROM assist.history_wait WHERE last_seen + interval '1 day' < $1", args);
  Execute("DELETE FROM assist.history_relation WHERE last_seen + interval '1 day' < $1", args);
  Execute(
      "DELETE FROM assist.history_plan p"
      " WHERE NOT EXISTS (SELECT 1 FROM assist.history_statement s WHERE s.id = p.statement)");
  return blocks;
}

}  // namespace assist::pg
