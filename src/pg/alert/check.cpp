// What is measured when.

#include <cstdio>

#include "pg/alert/alert.hpp"
#include "pg/alert/measure.hpp"
#include "pg/settings.hpp"

extern "C" {
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

// A visit comes somewhat before a period is over as often as after it.
constexpr TimestampTz kMinutesPace = 270 * USECS_PER_SEC;
constexpr TimestampTz kHourPace = 55 * USECS_PER_MINUTE;
constexpr TimestampTz kDayPace = 23 * USECS_PER_HOUR;

// An extension that was not updated yet has no such tables.
bool HasTables() {
  bool there = false;
  Query("SELECT to_regclass('assist.alert') IS NOT NULL",
        [&](const Row& row) { there = row.Flag(0); });
  return there;
}

// Once in a period; also when the clock was put back.
bool IsDue(std::string_view pace, TimestampTz period, TimestampTz now) {
  const Arg args[] = {Arg::Text(pace), Arg::Moment(now), Arg::Moment(now - period)};
  return Execute(
             "INSERT INTO assist.alert_judged AS j (pace, at) VALUES ($1, $2)"
             " ON CONFLICT (pace) DO UPDATE SET at = excluded.at WHERE j.at <= $3 OR j.at > $2",
             args) > 0;
}

// The end of what is recorded of a kind: blocks follow each other without a gap.
TimestampTz RecordedUntil(HistoryKind kind, TimestampTz now) {
  TimestampTz until = now;
  const Arg args[] = {Arg::Int4(static_cast<int>(kind)), Arg::Int4(RingsOf(kind)),
                      Arg::Moment(now)};
  QueryFresh(
      "SELECT max(until) FROM assist.history_block WHERE kind = $1 AND ring < $2 AND until <= $3",
      args, [&](const Row& row) {
        if (!row.IsNull(0)) until = row.Integer(0);
      });
  return until;
}

}  // namespace

TimestampTz HistorySince(HistoryKind kind, TimestampTz now) {
  TimestampTz since = now;
  const Arg args[] = {Arg::Int4(static_cast<int>(kind))};
  Query("SELECT min(start) FROM assist.history_block WHERE kind = $1", args, [&](const Row& row) {
    if (!row.IsNull(0)) since = std::min<TimestampTz>(now, row.Integer(0));
  });
  return since;
}

std::string Learning(double days, double needed) {
  char text[80];
  std::snprintf(text, sizeof text, "learning: %.1f of %.0f days of history", days, needed);
  return text;
}

void CheckAlerts() {
  if (!is_preloaded() || !HasTables()) return;
  const TimestampTz now = GetCurrentTimestamp();
  if (!IsDue("minutes", kMinutesPace, now)) return;
  AlertBook book(now);
  // What is core is told anew once a day, while there is not a day yet once an hour.
  const bool young = HistorySince(HistoryKind::kTable, now) > now - USECS_PER_DAY;
  if (IsDue("tables", young ? kHourPace : kDayPace, now)) ChooseCoreTables(now);
  const TimestampTz recorded = RecordedUntil(HistoryKind::kStatement, now),
                    relations_recorded = RecordedUntil(HistoryKind::kTable, now);
  book.SetRecorded(recorded);
  MeasureTimes(book, now);
  MeasureCacheHits(book, now);
  MeasureUnusualLoad(book, now);
  book.SetRecorded(relations_recorded);
  MeasureCoreTables(book, now);
  MeasureOwnTargets(book, recorded, relations_recorded, now);
  book.SetRecorded(now);
  TakeRegressions(book, now);
  TakeCapacity(book, now);
  if (IsDue("hour", kHourPace, now)) {
    MeasureCallGrowth(book, now);
    MeasureUnusualStatements(book, now);
  }
  if (IsDue("day", kDayPace, now)) MeasureDatabaseGrowth(book, now);
  book.Close();
}

}  // namespace assist::pg
