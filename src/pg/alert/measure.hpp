// The measurements that alerts are made of, by what they are of.
#pragma once

#include <map>
#include <string_view>

#include "assist/history.hpp"
#include "pg/alert/book.hpp"
#include "pg/memory.hpp"
#include "pg/own_sql.hpp"

namespace assist::pg {

// REQUIRES (all): OwnerScope. Throw PgError.

void MeasureTimes(AlertBook& book, TimestampTz now);       // single_row_time, list_time
void MeasureCallGrowth(AlertBook& book, TimestampTz now);  // once an hour
void MeasureCacheHits(AlertBook& book, TimestampTz now);
void MeasureDatabaseGrowth(AlertBook& book, TimestampTz now);  // once a day
void MeasureCoreTables(AlertBook& book, TimestampTz now);      // index_usage, core_seq_scan
// Which tables are core, and what is usual there.
void ChooseCoreTables(TimestampTz now);
void MeasureUnusualLoad(AlertBook& book, TimestampTz now);  // errors, connections, files
// new_statement, vanished_statement, unusual_hours, schema_change: once an hour
void MeasureUnusualStatements(AlertBook& book, TimestampTz now);
// Metrics of history or imported series that assist.set_threshold() was given; until when
// statements and the database, and relations, were recorded.
void MeasureOwnTargets(AlertBook& book, TimestampTz recorded, TimestampTz relations_recorded,
                       TimestampTz now);
// What regressions and capacity found.
void TakeRegressions(AlertBook& book, TimestampTz now);
void TakeCapacity(AlertBook& book, TimestampTz now);

// What is measured without a fixed period reaches so far back at most.
inline constexpr TimestampTz kReach = USECS_PER_HOUR;

// Relations are recorded in the second tier where there is one: blocks as they were recorded are in
// rings below this.
inline int RingsOf(HistoryKind kind) {
  return kind == HistoryKind::kTable || kind == HistoryKind::kIndex ? 8 : 4;
}

struct BlockTimes {
  TimestampTz start, until;
  double observed_s;
};

// visit(const BlockTimes&, const HistoryBlock&) of each block that a statement gives as start,
// until, observed, data.
template <typename F>
void ForEachBlock(const char* sql, std::span<const Arg> args, F&& visit) {
  Query(sql, args, [&](const Row& row) {
    const ScopedContext context("assist history block");
    ContextResource memory(context.get());
    const auto block = DecodeHistory(row.Text(3), &memory);
    if (block.has_value()) visit(BlockTimes{row.Integer(0), row.Integer(1), row.Real(2)}, *block);
  });
}

// As they were recorded, those that ended within kReach, the latest first.
template <typename F>
void ForEachRecentBlock(HistoryKind kind, TimestampTz now, F&& visit) {
  const Arg args[] = {Arg::Int4(static_cast<int>(kind)), Arg::Moment(now - kReach),
                      Arg::Int4(RingsOf(kind))};
  ForEachBlock(
      "SELECT start, until, observed, data FROM assist.history_block WHERE kind = $1 AND ring < $3"
      " AND until > $2 ORDER BY start DESC",
      args, [&](const BlockTimes& times, const HistoryBlock& block) {
        if (block.kind == kind) visit(times, block);
      });
}

// The finest there are of a period.
template <typename F>
void ForEachFinestBlock(HistoryKind kind, TimestampTz since, TimestampTz until, F&& visit) {
  const Arg args[] = {Arg::Int4(static_cast<int>(kind)), Arg::Moment(since), Arg::Moment(until)};
  ForEachBlock(
      "SELECT start, until, observed, data FROM assist._history_finest WHERE kind = $1"
      " AND start + (until - start) / 2 >= $2 AND start + (until - start) / 2 < $3",
      args, [&](const BlockTimes& times, const HistoryBlock& block) {
        if (block.kind == kind) visit(times, block);
      });
}

// What a metric of a statement or of the database is about.
AlertObject ThisDatabase();
std::map<std::uint32_t, AlertObject> TopLevelStatements(const std::vector<std::int64_t>& ids);

// Since when history of a kind goes back, as far as it is looked at; `now` if there is none.
TimestampTz HistorySince(HistoryKind kind, TimestampTz now);
// "learning: 3.2 of 8 days of history".
std::string Learning(double days, double needed);

}  // namespace assist::pg
