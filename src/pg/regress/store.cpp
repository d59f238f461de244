// assist.regression.

#include "pg/regress/store.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "pg/own_sql.hpp"
#include "pg/regress/detectors.hpp"

extern "C" {
#include "utils/json.h"  // for escape_json
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

// Over when so many calls of this stretch are back at the level before.
constexpr double kBackCalls = 30;
constexpr TimestampTz kBackFor = 30 * USECS_PER_MINUTE;

// Whether a level is that of before again: within a fifth of it, or more than half of the way back,
// in logarithms.
bool IsBack(double now_ms, double before_ms, double ratio) {
  const double left = std::abs(std::log(now_ms / before_ms));
  return left < std::log(1.2) || left < std::abs(std::log(ratio)) / 2;
}

// The end of a regression is no improvement, nor the other way round.
bool IsReturn(const RegressionRow& row) {
  bool back = false;
  const Arg args[] = {Arg::Int4(static_cast<std::int32_t>(row.statement)),
                      Arg::Text(row.ratio >= 1 ? "faster" : "slower"), Arg::Moment(row.onset)};
  QueryFresh(
      "SELECT before_ms, ratio FROM assist.regression WHERE statement = $1 AND direction = $2 AND "
      "onset < $3"
      " AND (until IS NULL OR until > $3 - interval '1 day') ORDER BY id DESC LIMIT 1",
      args, [&](const Row& other) { back = IsBack(row.after_ms, other.Real(0), other.Real(1)); });
  return back;
}

void AppendText(std::string& json, std::string_view key, std::string_view text) {
  Guarded([&] {
    StringInfoData escaped;
    initStringInfo(&escaped);
    escape_json(&escaped, pnstrdup(text.data(), text.size()));
    json.append(",\"").append(key).append("\":").append(escaped.data);
  });
}

std::string CausesJson(const std::vector<Cause>& causes) {
  std::string json = "[";
  for (const Cause& cause : causes) {
    if (json.size() > 1) json += ',';
    char score[32];
    std::snprintf(score, sizeof score, "{\"score\":%.2f", cause.score);
    json += score;
    AppendText(json, "cause", cause.code);
    AppendText(json, "evidence", cause.evidence);
    if (!cause.mitigation.empty()) AppendText(json, "mitigation", cause.mitigation);
    if (!cause.sql.empty()) AppendText(json, "sql", cause.sql);
    json += '}';
  }
  return json + "]";
}

}  // namespace

bool HasRegressions() {
  bool there = false;
  Query("SELECT to_regclass('assist.regression') IS NOT NULL",
        [&](const Row& row) { there = row.Flag(0); });
  return there;
}

bool HourIsOver() {
  return Execute(
             "INSERT INTO assist.regression_judged AS j (one, hour) VALUES (true, "
             "date_trunc('hour', clock_timestamp()))"
             " ON CONFLICT (one) DO UPDATE SET hour = excluded.hour WHERE j.hour <> "
             "excluded.hour") > 0;
}

StatementFacts ReadStatementFacts(std::uint32_t statement) {
  StatementFacts facts;
  facts.id = statement;
  const Arg args[] = {Arg::Int4(static_cast<std::int32_t>(statement))};
  Query("SELECT relation_names FROM assist.history_statement WHERE id = $1", args,
        [&](const Row& row) {
          for (const Cell& name : row.Items(0)) facts.relations.emplace_back(name.text);
        });
  return facts;
}

void StoreRegression(const RegressionRow& row, const Departure& departure) {
  if (IsReturn(row)) return;
  const std::vector<Cause> ranked = RankCauses(departure);
  const std::string causes = CausesJson(ranked), common = CommonCause(ranked);
  const Arg args[] = {Arg::Int4(static_cast<std::int32_t>(row.statement)),
                      Arg::Text(row.ratio >= 1 ? "slower" : "faster"),
                      Arg::Text(row.warning ? "warning" : "info"),
                      Arg::Text(row.seasonal ? "season" : "event"),
                      Arg::Moment(row.onset),
                      row.until != 0 ? Arg::Moment(row.until) : Arg::Null(Arg::Type::kMoment),
                      Arg::Real(row.before_ms),
                      Arg::Real(row.after_ms),
                      Arg::Real(row.ratio),
                      Arg::Real(row.low),
                      Arg::Real(row.high),
                      Arg::Real(row.impact),
                      Arg::Real(departure.after.calls_per_hour),
                      Arg::Text(causes),
                      Arg::Text(common)};
  // What an event told of is not told again by the season; its onset is known better. A level that
  // went on to another one within a day has a row for each: the nearest is meant.
  const std::int64_t known = Execute(
      "UPDATE assist.regression r SET severity = CASE WHEN r.detector = 'event' THEN r.severity "
      "ELSE $3 END,"
      "  until = CASE WHEN r.detector = 'event' AND $4 = 'season' THEN r.until ELSE $6 END,"
      "  onset = CASE WHEN r.detector = $4 OR r.detector = 'season' THEN $5 ELSE r.onset END,"
      "  detector = CASE WHEN r.detector = 'event' THEN r.detector ELSE $4 END,"
      "  after_ms = $8, ratio = $9, ratio_low = $10, ratio_high = $11, impact = $12, "
      "calls_per_hour = $13,"
      "  before_ms = CASE WHEN r.detector = $4 THEN $7 ELSE r.before_ms END,"
      "  causes = CASE WHEN $14 = '[]' THEN r.causes ELSE $14::jsonb END,"
      "  common_cause = CASE WHEN $14 = '[]' THEN r.common_cause ELSE $15 END, updated_at = "
      "clock_timestamp()"
      " WHERE r.id = (SELECT o.id FROM assist.regression o WHERE o.statement = $1 AND o.direction "
      "= $2"
      "   AND o.onset BETWEEN $5 - interval '1 day' AND $5 + interval '1 day' AND (o.until IS NULL "
      "OR o.until > $5)"
      "   ORDER BY abs(extract(epoch FROM o.onset - $5)), o.id DESC LIMIT 1)",
      args);
  if (known > 0) return;
  Execute(
      "INSERT INTO assist.regression (incident, statement, direction, severity, detector, onset, "
      "until, before_ms, after_ms, ratio,"
      "  ratio_low, ratio_high, impact, calls_per_hour, causes, common_cause)"
      " SELECT (SELECT coalesce(o.incident, o.id) FROM assist.regression o WHERE o.direction = $2"
      "   AND o.onset BETWEEN $5 - interval '30 min' AND $5 + interval '30 min' AND o.common_cause "
      "= $15 ORDER BY o.id LIMIT 1),"
      "  $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::jsonb, $15",
      args);
}

namespace {

// The mean of its calls in a stretch, the latest ones that make up enough; 0 = not enough.
double MeanOfCalls(const std::vector<Slice>& slices, TimestampTz since, TimestampTz until) {
  const std::size_t calls = ColumnOf(HistoryKind::kStatement, "calls"),
                    exec = ColumnOf(HistoryKind::kStatement, "exec_us");
  double n = 0, us = 0;
  for (auto slice = slices.rbegin(); slice != slices.rend() && n < kBackCalls; ++slice) {
    if (slice->start < since || slice->until > until) continue;
    n += static_cast<double>(slice->values[calls]);
    us += static_cast<double>(slice->values[exec]);
  }
  return n < kBackCalls ? 0 : us / 1000 / n;
}

// Its level at this time of the day before the onset: a night is no return to what was; 0 = it did
// not run then.
double LevelThatHour(std::uint32_t statement, TimestampTz onset, TimestampTz now) {
  const TimestampTz days = (now - onset) / USECS_PER_DAY + 1, then = now - days * USECS_PER_DAY;
  const std::set<std::uint32_t> one = {statement};
  const Slices slices = ReadSlices(HistoryKind::kStatement, then - USECS_PER_HOUR,
                                   std::min(then + USECS_PER_HOUR, onset), &one, "exec_us");
  const auto of = slices.objects.find(statement);
  return of == slices.objects.end() ? 0 : MeanOfCalls(of->second, 0, onset);
}

}  // namespace

void CloseRegressions(TimestampTz now) {
  struct Open {
    std::int64_t id;
    std::uint32_t statement;
    double before_ms, ratio;
    TimestampTz onset;
  };
  std::vector<Open> open;
  std::set<std::uint32_t> statements;
  // What the season found the season ends.
  QueryFresh(
      "SELECT id, statement, before_ms, ratio, onset FROM assist.regression WHERE until IS NULL "
      "AND "
      "detector = 'event'",
      {}, [&](const Row& row) {
        open.push_back({row.Integer(0), static_cast<std::uint32_t>(row.Integer(1)), row.Real(2),
                        row.Real(3), row.Integer(4)});
        statements.insert(open.back().statement);
      });
  Slices recent;
  if (!open.empty())
    recent = ReadSlices(HistoryKind::kStatement, now - kBackFor, now, &statements, "exec_us");
  for (const Open& one : open) {
    const auto of = recent.objects.find(one.statement);
    if (of == recent.objects.end()) continue;
    const double mean = MeanOfCalls(of->second, one.onset, now);
    if (mean <= 0 || !IsBack(mean, one.before_ms, one.ratio)) continue;
    const double then = LevelThatHour(one.statement, one.onset, now);
    if (then > 0 && !IsBack(mean, then, one.ratio)) continue;
    const Arg args[] = {Arg::Int8(one.id)};
    Execute(
        "UPDATE assist.regression SET until = clock_timestamp(), updated_at = clock_timestamp() "
        "WHERE id = $1",
        args);
  }
  // After four weeks it is what is normal; and what does not run any more is not slow. When a
  // statement ran last is known to the day.
  const Arg args[] = {Arg::Moment(now - kNormalAfter)};
  Execute(
      "UPDATE assist.regression r SET until = clock_timestamp(), updated_at = clock_timestamp()"
      " WHERE r.until IS NULL AND (r.onset < $1 OR NOT EXISTS (SELECT 1 FROM "
      "assist.history_statement s WHERE s.id = r.statement AND s.last_seen > clock_timestamp() - "
      "interval '50 hours'))",
      args);
  // As long as the coarsest history by default.
  Execute("DELETE FROM assist.regression WHERE until < clock_timestamp() - interval '3 years'");
}

}  // namespace assist::pg
