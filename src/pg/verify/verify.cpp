// Recommended indexes that are there: finding them, measuring them.

#include "pg/verify/verify.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "assist/verify.hpp"
#include "core/text/text.hpp"
#include "pg/history/slices.hpp"
#include "pg/memory.hpp"
#include "pg/own_sql.hpp"

extern "C" {
#include "miscadmin.h"  // for CHECK_FOR_INTERRUPTS
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

// As far back as levels are compared.
constexpr TimestampTz kBefore = static_cast<TimestampTz>(kStepWeekHours) * USECS_PER_HOUR;

// The index of v, while it is the one that was found: oids change by dump and restore, names by
// ALTER and DROP.
#define ASSIST_ITS_INDEX                                                                    \
  " JOIN pg_class c ON c.oid = v.index_oid AND c.relkind IN ('i', 'I')"                     \
  " JOIN pg_namespace n ON n.oid = c.relnamespace AND format('%I.%I', n.nspname, c.relname) " \
  "= v.index_name"

struct Wanted {
  std::int64_t id;
  std::string object, definition;
  Oid table;
  TimestampTz created;
};

// Not yet known to be built; or built, dropped and recommended again.
std::vector<Wanted> ReadWanted() {
  std::vector<Wanted> wanted;
  Query(
      "SELECT r.id, r.object, r.action_statement, r.action_relation, r.created_at"
      " FROM assist.recommendation r"
      " LEFT JOIN assist.verification v ON v.recommendation_id = r.id"
      " WHERE r.action_kind = 'create index' AND r.action_relation IS NOT NULL"
      " AND (r.status IN ('open', 'approved', 'postponed', 'obsolete')"
      "  OR r.status = 'implemented' AND v.recommendation_id IS NULL)",
      [&](const Row& row) {
        wanted.push_back({row.Integer(0), std::string(row.Text(1)), std::string(row.Text(2)),
                          row.Object(3), row.Integer(4)});
      });
  return wanted;
}

TimestampTz BuiltAt(const Index& index) {
  TimestampTz moment = 0;
  const Arg args[] = {Arg::Text(index.qualified), Arg::Object(index.oid)};
  Query(
      "SELECT coalesce((SELECT max(at) FROM assist.event WHERE kind = 'ddl' AND command = 'CREATE "
      "INDEX' AND object = $1),"
      " (SELECT first_seen FROM assist.object_seen WHERE oid = $2), clock_timestamp())",
      args, [&](const Row& row) { moment = row.Integer(0); });
  return moment;
}

// An index that was there before it was recommended is none that was built for it.
void FindNew(const Snapshot& snapshot) {
  for (const Wanted& one : ReadWanted()) {
    const Index* index = FindBuilt(snapshot, one.table, one.definition);
    if (index == nullptr) continue;
    const TimestampTz built = BuiltAt(*index);
    if (built < one.created) continue;
    bool held = true;
    const std::string reason = "built as " + std::string(index->qualified);
    const Arg mark[] = {Arg::Int8(one.id), Arg::Text(reason)};
    QueryFresh(
        "WITH free AS (SELECT id FROM assist.recommendation WHERE id = $1 AND status IN ('open',"
        "  'approved', 'postponed', 'obsolete', 'implemented') FOR NO KEY UPDATE SKIP LOCKED)"
        " UPDATE assist.recommendation r SET status = 'implemented', status_reason = $2, gone = "
        "true, postponed_until = NULL, updated_at = clock_timestamp()"
        " FROM free WHERE free.id = r.id RETURNING r.id",
        mark, [&](const Row&) { held = false; });
    if (held) continue;
    const Arg args[] = {Arg::Int8(one.id), Arg::Text(index->qualified), Arg::Object(index->oid),
                        Arg::Moment(built)};
    Execute(
        "INSERT INTO assist.verification AS v (recommendation_id, index_name, index_oid, built_at,"
        " predicted_ms_per_day, statements)"
        " SELECT $1, $2, $3, $4, benefit_ms_per_day, cardinality(queryids) FROM "
        "assist.recommendation WHERE id = $1"
        " ON CONFLICT (recommendation_id) DO UPDATE SET (index_name, index_oid, built_at, verdict,"
        "  predicted_ms_per_day, saved_ms_per_day, saved_low, saved_high, statements, measured,"
        "  slower, measured_at, settled_at) = (excluded.index_name, excluded.index_oid,"
        "  excluded.built_at, 'measuring', excluded.predicted_ms_per_day, NULL, NULL, NULL,"
        "  excluded.statements, 0, 0, NULL, NULL)",
        args);
    const Arg log[] = {Arg::Int8(one.id), Arg::Text(one.object), Arg::Text(reason)};
    Execute(
        "INSERT INTO assist.action_log (action, recommendation_id, object, outcome, detail)"
        " VALUES ('build', $1, $2, 'implemented', $3)",
        log);
  }
}

struct Due {
  std::int64_t id;
  std::string object;
  TimestampTz built;
  double predicted;
  int measured;  // statements, the time before
  std::vector<std::uint32_t> statements;
};

// Those that are dropped meanwhile are not measured, nor those whose recommendation was reopened.
std::vector<Due> ReadDue() {
  std::vector<Due> due;
  QueryFresh(
      "SELECT v.recommendation_id, r.object, v.built_at, v.predicted_ms_per_day, v.measured,"
      " ARRAY(SELECT s.id::int8 FROM assist.history_statement s WHERE s.queryid = ANY (r.queryids))"
      " FROM assist.verification v JOIN assist.recommendation r ON r.id = v.recommendation_id"
      ASSIST_ITS_INDEX
      " WHERE v.settled_at IS NULL AND r.status IN ('implemented', 'verified', 'failed')"
      " AND (v.measured_at IS NULL"
      "  OR clock_timestamp() - v.measured_at >= (clock_timestamp() - v.built_at) / 20)",
      {}, [&](const Row& row) {
        Due& one = due.emplace_back(
            Due{row.Integer(0), std::string(row.Text(1)), row.Integer(2), row.Real(3),
                static_cast<int>(row.Integer(4)), {}});
        for (const Cell& id : row.Items(5))
          one.statements.push_back(static_cast<std::uint32_t>(id.integer));
      });
  return due;
}

double Hours(TimestampTz span) {
  return static_cast<double>(span) / static_cast<double>(USECS_PER_HOUR);
}

std::vector<StepSlice> StepsOf(const std::vector<Slice>& slices, TimestampTz since) {
  const std::size_t calls = ColumnOf(HistoryKind::kStatement, "calls"),
                    exec = ColumnOf(HistoryKind::kStatement, "exec_us");
  std::vector<StepSlice> steps;
  for (const Slice& slice : slices)
    if (slice.start >= since)
      steps.push_back({Hours(slice.start - since), Hours(slice.until - since),
                       static_cast<double>(slice.values[calls]),
                       static_cast<double>(slice.values[exec]) / 1000});
  return steps;
}

void StoreStatement(std::int64_t id, std::uint32_t statement, const MeasuredStatement& measured) {
  const auto real = [&](double value) {
    return measured.measured ? Arg::Real(value) : Arg::Null(Arg::Type::kFloat8);
  };
  const Step& change = measured.change;
  const Arg args[] = {Arg::Int8(id),
                      Arg::Int4(static_cast<std::int32_t>(statement)),
                      real(change.before_ms),
                      real(change.after_ms),
                      real(change.ratio),
                      real(change.low),
                      real(change.high),
                      Arg::Real(measured.calls_per_day),
                      real(measured.saved_ms_per_day)};
  Execute(
      "INSERT INTO assist.verified_statement (recommendation_id, statement, before_ms, after_ms,"
      " ratio, ratio_low, ratio_high, calls_per_day, saved_ms_per_day)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
      " ON CONFLICT (recommendation_id, statement) DO UPDATE SET (before_ms, after_ms, ratio,"
      "  ratio_low, ratio_high, calls_per_day, saved_ms_per_day) = (excluded.before_ms,"
      "  excluded.after_ms, excluded.ratio, excluded.ratio_low, excluded.ratio_high,"
      "  excluded.calls_per_day, excluded.saved_ms_per_day)",
      args);
}

std::string_view NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kMeasuring:
      return "measuring";
    case Verdict::kHelped:
      return "helped";
    case Verdict::kDidNotHelp:
      return "did not help";
    case Verdict::kUnclear:
      return "unclear";
  }
  return "measuring";
}

std::string_view StatusOf(Verdict verdict) {
  if (verdict == Verdict::kHelped) return "verified";
  return verdict == Verdict::kDidNotHelp ? "failed" : "implemented";
}

std::string ReasonOf(const Verification& result) {
  std::string reason;
  const auto add = [&](auto... parts) { (reason.append(std::string_view(parts)), ...); };
  if (result.verdict == Verdict::kHelped)
    add("saves ");
  else if (result.verdict == Verdict::kDidNotHelp)
    add("did not help: saves ");
  else
    return result.settled ? "what it saves could not be told in a week"
                          : "what it saves is being measured";
  add(text::Duration(result.saved_ms_per_day), " a day (", text::Duration(result.low), " to ",
      text::Duration(result.high), "), measured");
  if (result.slower > 0) {
    add("; ", text::Integer(result.slower),
        result.slower == 1 ? " statement is slower" : " statements are slower");
  }
  return reason;
}

void Store(const Due& due, std::size_t statements, const Verification& result) {
  const bool known = result.measured > 0;
  const auto real = [&](double value) {
    return known ? Arg::Real(value) : Arg::Null(Arg::Type::kFloat8);
  };
  const Arg args[] = {Arg::Int8(due.id),
                      Arg::Text(NameOf(result.verdict)),
                      real(result.saved_ms_per_day),
                      real(result.low),
                      real(result.high),
                      Arg::Int4(static_cast<std::int32_t>(statements)),
                      Arg::Int4(result.measured),
                      Arg::Int4(result.slower),
                      Arg::Bool(result.settled)};
  Execute(
      "UPDATE assist.verification SET verdict = $2, saved_ms_per_day = $3, saved_low = $4,"
      " saved_high = $5, statements = greatest(statements, $6), measured = $7, slower = $8,"
      " measured_at = clock_timestamp(), settled_at = CASE WHEN $9 THEN clock_timestamp() END"
      " WHERE recommendation_id = $1",
      args);
  const std::string_view status = StatusOf(result.verdict);
  const std::string reason = ReasonOf(result);
  bool changed = false;
  const Arg mark[] = {Arg::Int8(due.id), Arg::Text(status), Arg::Text(reason)};
  QueryFresh(
      "WITH free AS (SELECT id, status FROM assist.recommendation WHERE id = $1 AND status IN"
      "  ('implemented', 'verified', 'failed') AND (status, status_reason) IS DISTINCT FROM ($2, "
      "$3)"
      "  FOR NO KEY UPDATE SKIP LOCKED)"
      " UPDATE assist.recommendation r SET status = $2, status_reason = $3, updated_at = "
      "clock_timestamp() FROM free WHERE free.id = r.id RETURNING free.status <> $2",
      mark, [&](const Row& row) { changed = row.Flag(0); });
  if (!changed) return;
  const Arg log[] = {Arg::Int8(due.id), Arg::Text(due.object), Arg::Text(status),
                     Arg::Text(reason)};
  Execute(
      "INSERT INTO assist.action_log (action, recommendation_id, object, outcome, detail)"
      " VALUES ('verify', $1, $2, $3, $4)",
      log);
}

void Settle(std::int64_t id) {
  const Arg args[] = {Arg::Int8(id)};
  Execute(
      "UPDATE assist.verification SET settled_at = clock_timestamp() WHERE recommendation_id = $1",
      args);
}

void Measure() {
  const std::vector<Due> all = ReadDue();
  if (all.empty()) return;
  const TimestampTz now = Guarded([] { return GetCurrentTimestamp(); });
  TimestampTz since = now;
  std::set<std::uint32_t> wanted;
  for (const Due& due : all) {
    since = std::min(since, due.built - kBefore);
    wanted.insert(due.statements.begin(), due.statements.end());
  }
  const Slices slices = ReadSlices(HistoryKind::kStatement, since, now, &wanted, "exec_us");
  for (const Due& due : all) {
    Guarded([] { CHECK_FOR_INTERRUPTS(); });
    const TimestampTz first = due.built - kBefore;
    const double built = Hours(due.built - first), until = Hours(now - first);
    std::vector<MeasuredStatement> measured;
    for (const std::uint32_t statement : due.statements) {
      const auto found = slices.objects.find(statement);
      if (found == slices.objects.end()) continue;
      const std::vector<StepSlice> steps = StepsOf(found->second, first);
      measured.push_back(MeasureHelped(steps, built, until));
      StoreStatement(due.id, statement, measured.back());
    }
    const Verification result = Judge(measured, due.predicted, until - built);
    // What was told of it stays when history is no longer there to be looked at.
    if (result.measured > 0 || due.measured == 0)
      Store(due, measured.size(), result);
    else if (result.settled)
      Settle(due.id);
  }
}

void ReadIneffective(Snapshot& snapshot) {
  QueryFresh(
      "SELECT v.index_oid, v.recommendation_id, extract(epoch FROM v.built_at)::float8, v.measured,"
      " v.predicted_ms_per_day, v.saved_ms_per_day, v.saved_low, v.saved_high"
      " FROM assist.verification v JOIN assist.recommendation r ON r.id = v.recommendation_id"
      ASSIST_ITS_INDEX
      " WHERE v.verdict = 'did not help' AND r.status = 'failed'",
      {}, [&](const Row& row) {
        snapshot.ineffective.push_back({row.Object(0), row.Integer(1), row.Real(2),
                                        static_cast<int>(row.Integer(3)), row.Real(4), row.Real(5),
                                        row.Real(6), row.Real(7)});
      });
}

}  // namespace

void VerifyBuilt(Snapshot& snapshot) {
  bool there = false;
  Query("SELECT to_regclass('assist.verification') IS NOT NULL",
        [&](const Row& row) { there = row.Flag(0); });
  if (!there) return;  // the extension was not updated yet
  Execute(
      "DELETE FROM assist.verification v WHERE NOT EXISTS"
      " (SELECT 1 FROM assist.recommendation r WHERE r.id = v.recommendation_id)");
  Execute(
      "DELETE FROM assist.verified_statement m WHERE NOT EXISTS"
      " (SELECT 1 FROM assist.verification v WHERE v.recommendation_id = m.recommendation_id)");
  // Whose index is not there any more, or has another name, is not measured any more either.
  Execute(
      "UPDATE assist.verification SET settled_at = clock_timestamp() WHERE settled_at IS NULL"
      " AND built_at < clock_timestamp() - interval '9 days'");
  FindNew(snapshot);
  Measure();
  ReadIneffective(snapshot);
}

}  // namespace assist::pg
