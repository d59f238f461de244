// Statements and their plans: from the store's pending counters to blocks.

#include <algorithm>
#include <map>
#include <span>
#include <tuple>

#include "assist/history.hpp"
#include "pg/history/work.hpp"
#include "pg/own_sql.hpp"

namespace assist::pg {

namespace {

using StatementName = std::tuple<std::int64_t, Oid, bool>;  // query id, user, top level

StatementName NameOf(const StatementKey& key) {
  return {static_cast<std::int64_t>(key.queryid), key.userid, key.toplevel};
}

// Keys of statements in history_statement; those that are not in it are entered.
std::map<StatementName, std::uint32_t> StatementKeys(const PendingWork& work) {
  std::map<StatementName, std::uint32_t> known;
  std::vector<std::int64_t> queryids;
  for (const PendingStatement& statement : work.statements)
    if (statement.key.queryid != 0)
      queryids.push_back(static_cast<std::int64_t>(statement.key.queryid));
  const auto add = [&known](const Row& row) {
    known[{row.Integer(1), row.Object(2), row.Flag(3)}] =
        static_cast<std::uint32_t>(row.Integer(0));
  };
  const Arg wanted[] = {Arg::Integers(queryids)};
  QueryFresh(
      "SELECT id, queryid, userid, toplevel FROM assist.history_statement WHERE queryid = ANY ($1)",
      wanted, add);
  std::vector<std::int64_t> new_queryids, new_users, new_levels;
  for (const PendingStatement& statement : work.statements) {
    if (statement.key.queryid == 0 || known.contains(NameOf(statement.key))) continue;
    new_queryids.push_back(static_cast<std::int64_t>(statement.key.queryid));
    new_users.push_back(statement.key.userid);
    new_levels.push_back(statement.key.toplevel);
  }
  if (new_queryids.empty()) return known;
  const Arg missing[] = {Arg::Integers(new_queryids), Arg::Integers(new_users),
                         Arg::Integers(new_levels)};
  QueryFresh(
      "INSERT INTO assist.history_statement (queryid, userid, toplevel, role_name, query, command, "
      "relation_names, first_seen, last_seen)"
      " SELECT n.queryid, n.userid::oid, n.toplevel <> 0, r.rolname, s.query, s.command, "
      "s.relation_names,"
      "        COALESCE(s.first_seen, clock_timestamp()), clock_timestamp()"
      " FROM unnest($1, $2, $3) n (queryid, userid, toplevel)"
      " LEFT JOIN pg_roles r ON r.oid = n.userid::oid"
      " LEFT JOIN (SELECT a.* FROM assist._statements() a JOIN pg_database d ON d.oid = a.dbid AND "
      "d.datname = current_database()) s"
      "   ON s.queryid = n.queryid AND s.userid = n.userid::oid AND s.toplevel = (n.toplevel <> 0)"
      " ON CONFLICT (queryid, userid, toplevel) DO NOTHING"
      " RETURNING id, queryid, userid, toplevel",
      missing, add);
  return known;
}

using PlanName = std::pair<std::uint32_t, std::int64_t>;  // statement, plan id

std::map<PlanName, std::uint32_t> PlanKeys(
    const PendingWork& work, const std::map<StatementName, std::uint32_t>& statements) {
  std::map<PlanName, std::uint32_t> known;
  std::vector<std::int64_t> of, planids;
  for (const PendingStatement& statement : work.statements) {
    const auto key = statements.find(NameOf(statement.key));
    if (key == statements.end()) continue;
    for (std::uint32_t n = 0; n < statement.plan_count; ++n) {
      of.push_back(key->second);
      planids.push_back(static_cast<std::int64_t>(work.plans[statement.first_plan + n].planid));
    }
  }
  if (of.empty()) return known;
  const auto add = [&known](const Row& row) {
    known[{static_cast<std::uint32_t>(row.Integer(1)), row.Integer(2)}] =
        static_cast<std::uint32_t>(row.Integer(0));
  };
  const Arg wanted[] = {Arg::Integers(of), Arg::Integers(planids)};
  QueryFresh(
      "SELECT p.id, p.statement, p.planid FROM assist.history_plan p"
      " WHERE p.statement = ANY ($1::int[]) AND p.planid = ANY ($2)",
      wanted, add);
  std::vector<std::int64_t> new_of, new_planids;
  for (std::size_t i = 0; i < of.size(); ++i) {
    if (known.contains({static_cast<std::uint32_t>(of[i]), planids[i]})) continue;
    new_of.push_back(of[i]);
    new_planids.push_back(planids[i]);
  }
  if (new_of.empty()) return known;
  const Arg missing[] = {Arg::Integers(new_of), Arg::Integers(new_planids)};
  QueryFresh(
      "INSERT INTO assist.history_plan (statement, planid, plan, first_seen)"
      " SELECT n.statement::int, n.planid, p.plan, COALESCE(p.first_seen, clock_timestamp())"
      " FROM unnest($1, $2) n (statement, planid) JOIN assist.history_statement s ON s.id = "
      "n.statement"
      " LEFT JOIN (SELECT a.* FROM assist._plans() a JOIN pg_database d ON d.oid = a.dbid AND "
      "d.datname = current_database()) p"
      "   ON p.planid = n.planid AND p.queryid = s.queryid AND p.userid = s.userid AND p.toplevel "
      "= s.toplevel"
      " ON CONFLICT (statement, planid) DO NOTHING RETURNING id, statement, planid",
      missing, add);
  return known;
}

std::uint64_t Microseconds(std::uint64_t ns) { return (ns + 500) / 1000; }

HistoryBlock StatementBlock(const PendingWork& work,
                            const std::map<StatementName, std::uint32_t>& keys,
                            std::pmr::memory_resource* memory) {
  HistoryBuilder builder(HistoryKind::kStatement, memory);
  for (const PendingStatement& statement : work.statements) {
    const auto key = keys.find(NameOf(statement.key));
    const Counters& c = statement.sums;
    const std::uint64_t values[] = {c.calls,
                                    c.plans,
                                    c.errors,
                                    Microseconds(c.plan_ns),
                                    Microseconds(c.exec_ns),
                                    c.rows,
                                    c.blks_hit,
                                    c.blks_read,
                                    c.blks_dirtied,
                                    c.temp_read,
                                    c.temp_written,
                                    c.wal_bytes,
                                    Microseconds(c.jit_ns)};
    BucketCount histogram[kLatencyBuckets];
    std::size_t n = 0;
    for (int b = 0; b < kLatencyBuckets; ++b)
      if (const std::uint64_t count = count_in(statement.latency, b); count > 0)
        histogram[n++] = {static_cast<std::uint8_t>(b), count};
    // Key 0: statements that were evicted before they were recorded.
    builder.Add(key != keys.end() ? key->second : 0, values, {histogram, n});
  }
  return std::move(builder).Finish();
}

using PlanKeyMap = std::map<PlanName, std::uint32_t>;

HistoryBlock PlanBlock(const PendingWork& work,
                       const std::map<StatementName, std::uint32_t>& statements,
                       const PlanKeyMap& keys, std::pmr::memory_resource* memory) {
  HistoryBuilder builder(HistoryKind::kPlan, memory);
  for (const PendingStatement& statement : work.statements) {
    const auto of = statements.find(NameOf(statement.key));
    if (of == statements.end()) continue;
    for (std::uint32_t n = 0; n < statement.plan_count; ++n) {
      const PendingPlan& plan = work.plans[statement.first_plan + n];
      const auto key = keys.find({of->second, static_cast<std::int64_t>(plan.planid)});
      const std::uint64_t values[] = {plan.calls, Microseconds(plan.exec_ns)};
      if (key != keys.end()) builder.Add(key->second, values);
    }
  }
  return std::move(builder).Finish();
}

// Which plan runs a statement now: of intervals with enough calls that agree.
void RememberMainPlans(const Interval& interval, const PendingWork& work,
                       const std::map<StatementName, std::uint32_t>& statements,
                       const PlanKeyMap& keys) {
  constexpr std::uint64_t kMinCalls = 10;
  std::vector<std::int64_t> ids, plans;
  for (const PendingStatement& statement : work.statements) {
    const auto of = statements.find(NameOf(statement.key));
    if (of == statements.end() || statement.plan_count == 0) continue;
    const std::span all(work.plans.data() + statement.first_plan, statement.plan_count);
    const PendingPlan& most = *std::max_element(
        all.begin(), all.end(),
        [](const PendingPlan& a, const PendingPlan& b) { return a.calls < b.calls; });
    const auto key = keys.find({of->second, static_cast<std::int64_t>(most.planid)});
    if (key == keys.end() || most.calls < kMinCalls || most.calls * 5 < statement.sums.calls * 4)
      continue;
    ids.push_back(of->second);
    plans.push_back(key->second);
  }
  const Arg args[] = {Arg::Integers(ids), Arg::Integers(plans), Arg::Moment(interval.start)};
  Execute(
      "UPDATE assist.history_statement s SET plan_before = s.main_plan, main_plan = n.plan::int, "
      "main_plan_since = $3 FROM unnest($1, $2) n (statement, plan)"
      " WHERE s.id = n.statement::int AND s.main_plan IS DISTINCT FROM n.plan::int",
      args);
}

}  // namespace

void RecordStatements(const HistoryTiers& tiers, const Interval& interval, const PendingWork& work,
                      std::pmr::memory_resource* memory) {
  const auto keys = StatementKeys(work);
  std::vector<std::uint32_t> ids;
  for (const auto& [name, id] : keys) ids.push_back(id);
  Touch("history_statement", ids);
  StoreBlock(tiers, 0, interval, StatementBlock(work, keys, memory), memory);
  const PlanKeyMap plans = PlanKeys(work, keys);
  StoreBlock(tiers, 0, interval, PlanBlock(work, keys, plans, memory), memory);
  RememberMainPlans(interval, work, keys, plans);
}

}  // namespace assist::pg
