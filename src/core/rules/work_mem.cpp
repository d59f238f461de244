// work_mem: sorts and hashes that spill to disk, held at the narrowest scope within a memory
// budget.
//
// Budget: sessions active at once x nodes of a plan x work_mem x hash_mem_multiplier must stay
// within a share of the memory that shared_buffers leaves. The p99 of active sessions stands for
// those of any role, so a value for one role is proven with more sessions than it has.
#include <algorithm>
#include <cmath>
#include <iterator>

#include <boost/container/small_vector.hpp>

#include "core/rules/registry.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::rules {
namespace {

using text::Append;

constexpr std::string_view kId = "work_mem";
constexpr double kTempBytesPerMs =
    1e6;  // 1 GB/s, written once and read once: what spilling costs at least
constexpr std::size_t kFewRoles = 1;
constexpr std::size_t kFewQueries = 3;
constexpr std::int32_t kManyDatabases = 3;

constexpr Param kParams[] = {
    {.name = "min_spills_per_hour",
     .unit = Unit::kCount,
     .fallback = 5,
     .min = 0,
     .max = 1e9,
     .meaning = "executions an hour that spill"},
    {.name = "budget_share",
     .unit = Unit::kFraction,
     .fallback = 0.25,
     .min = 0.01,
     .max = 0.9,
     .meaning = "share of memory beside shared_buffers that sorts and hashes may take together"},
    {.name = "nodes_per_plan",
     .unit = Unit::kCount,
     .fallback = 2,
     .min = 1,
     .max = 100,
     .meaning = "sorts and hashes at work at once in one plan"},
    {.name = "max_value",
     .unit = Unit::kBytes,
     .fallback = 2 * kGB,
     .min = kMB,
     .max = 1e12,
     .meaning = "largest value to propose"},
    {.name = "min_held_share",
     .unit = Unit::kFraction,
     .fallback = 0.50,
     .min = 0,
     .max = 1,
     .meaning = "share of the spilling statements' time that a value within the budget must hold"},
};

struct Need {
  const Spill* spill = nullptr;
  double hours = 1;   // observed
  double weight = 0;  // ms spent in executions that spilled
};
using NeedList = boost::container::small_vector<Need, 32>;

const Statement* FindStatement(const Snapshot& snapshot, const Spill& spill) {
  for (const Statement& statement : snapshot.statements) {
    if (statement.query_id == spill.query_id && statement.user == spill.user) return &statement;
  }
  return nullptr;
}

// Index builds and the like use maintenance_work_mem.
bool IsUtility(std::string_view command) { return !command.empty() && !IsPlanned(command); }

// What a new session of the role in this database has.
double Effective(const Snapshot& snapshot, std::string_view role, double system) {
  double value = system;
  int rank = 0;
  for (const ScopedSetting& scoped : snapshot.scoped_settings) {
    if (scoped.name != "work_mem" || (!scoped.role.empty() && scoped.role != role)) continue;
    const int its_rank = (scoped.role.empty() ? 0 : 2) + (scoped.in_database ? 1 : 0);
    if (its_rank < rank) continue;
    rank = its_rank;
    value = scoped.number;
  }
  return value;
}

double RoundUp(double bytes) {
  const double unit = bytes <= 64 * kMB ? 4 * kMB : bytes <= kGB ? 16 * kMB : 128 * kMB;
  return std::ceil(bytes / unit) * unit;
}

// The smallest memory that holds nine tenths of the time spent in spilling executions.
double NinetiethByTime(const NeedList& needs) {
  boost::container::small_vector<std::pair<double, double>, 32> sorted;
  double total = 0;
  for (const Need& need : needs) {
    sorted.emplace_back(need.spill->needed_bytes, need.weight);
    total += need.weight;
  }
  std::sort(sorted.begin(), sorted.end());
  double seen = 0;
  for (const auto& [bytes, weight] : sorted) {
    seen += weight;
    if (seen >= 0.9 * total) return bytes;
  }
  return sorted.empty() ? 0 : sorted.back().first;
}

struct Budget {
  double memory_bytes = 0, shared_buffers = 0, sessions = 0, nodes = 0, multiplier = 2, share = 0;
  double total() const { return share * (memory_bytes - shared_buffers); }
  double used(double work_mem) const { return sessions * nodes * work_mem * multiplier; }
  double affordable() const { return total() / (sessions * nodes * multiplier); }
};

double NumberOf(const Snapshot& snapshot, std::string_view name, double fallback) {
  const Setting* setting = snapshot.FindSetting(name);
  return setting != nullptr && setting->number > 0 ? setting->number : fallback;
}

Severity Judge(double share) {
  if (share >= 0.3) return Severity::kHigh;
  return share >= 0.1 ? Severity::kMedium : Severity::kLow;
}

void Report(const Snapshot& snapshot, const NeedList& needs, Action::Scope scope,
            std::string_view role, double current, const Budget& budget, double max_value,
            Findings& out) {
  const double value = std::min(RoundUp(NinetiethByTime(needs)),
                                std::floor(std::min(budget.affordable(), max_value) / kMB) * kMB);
  if (value <= current) return;
  double executions = 0, temp_per_day = 0, ms_per_day = 0;
  std::size_t held = 0;
  for (const Need& need : needs) {
    if (need.spill->needed_bytes > value) continue;
    ++held;
    const auto count = static_cast<double>(need.spill->executions);
    executions += count;
    temp_per_day += count * need.spill->temp_bytes_per_call / need.hours * 24;
    ms_per_day += need.weight / need.hours * 24;
  }
  if (held == 0) return;

  const text::Short wanted = text::MemorySetting(value);
  const double share = ShareOfTime(snapshot, ms_per_day);
  Finding& finding = out.Add(kId, Judge(share));
  finding.object = "work_mem";
  std::pmr::string where(finding.memory());
  std::pmr::string& statement = finding.action.statement;
  switch (scope) {
    case Action::Scope::kRole:
    case Action::Scope::kRoleInDatabase:
      Append(finding.fingerprint, kId, ":role:", role, ":", snapshot.server.database);
      Append(where, "role ", role, " in database ", snapshot.server.database);
      Append(statement, "ALTER ROLE ");
      text::AppendIdentifier(statement, role);
      Append(statement, " IN DATABASE ");
      text::AppendIdentifier(statement, snapshot.server.database);
      break;
    case Action::Scope::kDatabase:
      Append(finding.fingerprint, kId, ":database:", snapshot.server.database);
      Append(where, "database ", snapshot.server.database);
      Append(statement, "ALTER DATABASE ");
      text::AppendIdentifier(statement, snapshot.server.database);
      break;
    case Action::Scope::kSystem:
      Append(finding.fingerprint, kId, ":system");
      Append(where, "all databases");
      Append(statement, "ALTER SYSTEM");
      break;
  }
  Append(statement, " SET work_mem = '", wanted, "'");
  Append(finding.sql, statement,
         scope == Action::Scope::kSystem ? "; SELECT pg_reload_conf();" : ";");
  Append(finding.title, "Raise work_mem from ", text::MemorySetting(current), " to ", wanted,
         " for ", where);
  Append(finding.rationale, text::Count(static_cast<double>(held)),
         held == 1 ? " statement spills" : " statements spill", " sorts or hashes to disk, ",
         text::Count(executions), " executions so far, ", text::Bytes(temp_per_day),
         " of temporary files a day. They take ", text::Duration(ms_per_day), " a day");
  if (share > 0) Append(finding.rationale, ", ", text::Percent(share), " of database time");
  Append(finding.rationale, ". ", wanted, " holds those that make up nine tenths of that time. ");
  Append(finding.rationale, "Memory: ", text::Count(budget.sessions), " sessions active at once x ",
         text::Count(budget.nodes), " nodes x ", wanted, " x hash_mem_multiplier ",
         text::Number(budget.multiplier, 1), " = ", text::Bytes(budget.used(value)),
         ", within the ", text::Bytes(budget.total()), " that are ", text::Percent(budget.share),
         " of ", text::Bytes(budget.memory_bytes), " without shared_buffers.");
  Append(finding.risk, "Each sort takes up to ", wanted, " and each hash up to ",
         text::Bytes(value * budget.multiplier),
         ", in every process of a parallel plan. More sessions than now, or plans with many such "
         "nodes, take "
         "more memory than computed. ");
  Append(
      finding.risk,
      scope == Action::Scope::kSystem
          ? "Roles and databases with their own value keep it."
          : "Sessions have it from their next connection on; a pooler's stay connected for long.");
  finding.benefit_ms_per_day = std::min(ms_per_day, 2 * temp_per_day / kTempBytesPerMs);
  finding.confidence = 0.45 + 0.4 * std::min(1.0, std::log10(1 + executions) / 3);
  for (const Need& need : needs) {
    if (need.spill->needed_bytes <= value &&
        std::find(finding.query_ids.begin(), finding.query_ids.end(), need.spill->query_id) ==
            finding.query_ids.end()) {
      finding.query_ids.push_back(need.spill->query_id);
    }
  }
  finding.Add("current_bytes", current);
  finding.Add("proposed_bytes", value);
  finding.Add("spilling_executions", executions);
  finding.Add("temp_bytes_per_day", temp_per_day);
  finding.Add("statement_ms_per_day", ms_per_day);
  finding.Add("budget_bytes", budget.total());
  finding.Add("budget_used_bytes", budget.used(value));
  finding.Add("active_sessions_p99", budget.sessions);
  finding.action.kind = Action::Kind::kSetParameter;
  finding.action.scope = scope;
  finding.action.object = "work_mem";
  finding.action.parameter = "work_mem";
  finding.action.value = wanted.view();
  finding.action.role = role;
}

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  const Server& server = snapshot.server;
  const double current = NumberOf(snapshot, "work_mem", 0);
  if (snapshot.spills.empty() || current <= 0) return;
  Budget budget;
  budget.memory_bytes = static_cast<double>(server.memory_bytes);
  budget.shared_buffers = NumberOf(snapshot, "shared_buffers", 0);
  budget.multiplier = NumberOf(snapshot, "hash_mem_multiplier", 2);
  budget.nodes = values["nodes_per_plan"];
  budget.share = values["budget_share"];
  budget.sessions = server.peak_active_backends > 0
                        ? std::max(1.0, std::ceil(server.peak_active_backends))
                        : NumberOf(snapshot, "max_connections", 0);
  if (budget.memory_bytes <= budget.shared_buffers || budget.sessions <= 0) {
    out.Silent(kId, "the memory of the machine or the number of active sessions is not known");
    return;
  }

  NeedList needs;
  double per_hour = 0, all_weight = 0, held_weight = 0, most_needed = 0;
  const double affordable = std::min(budget.affordable(), values["max_value"]);
  for (const Spill& spill : snapshot.spills) {
    const Statement* statement = FindStatement(snapshot, spill);
    if (spill.needed_bytes <= 0 || spill.executions <= 0) continue;
    if (statement != nullptr && IsUtility(statement->command)) continue;
    // What was raised since then is not counted again.
    if (spill.needed_bytes <= Effective(snapshot, spill.role, current)) continue;
    const double since =
        std::max(server.observed_since, statement != nullptr ? statement->first_seen : 0);
    Need need;
    need.spill = &spill;
    need.hours = since > 0 ? std::max(1.0, (server.now - since) / 3600) : 1;
    need.weight = static_cast<double>(spill.executions) * std::max(spill.ms_per_call, 0.001);
    per_hour += static_cast<double>(spill.executions) / need.hours;
    all_weight += need.weight;
    most_needed = std::max(most_needed, spill.needed_bytes);
    if (spill.needed_bytes > affordable) continue;
    held_weight += need.weight;
    needs.push_back(need);
  }
  if (per_hour < values["min_spills_per_hour"] || all_weight <= 0) return;
  if (needs.empty() || held_weight < values["min_held_share"] * all_weight) {
    std::pmr::string reason(out.memory());
    Append(reason, "spilling statements need up to ", text::Bytes(most_needed),
           " a node; the budget leaves ", text::Bytes(affordable), " for each of ",
           text::Count(budget.sessions), " sessions' nodes");
    out.Silent(kId, reason);
    return;
  }

  boost::container::small_vector<std::string_view, 8> roles;
  boost::container::small_vector<std::int64_t, 8> queries;
  for (const Need& need : needs) {
    if (std::find(roles.begin(), roles.end(), need.spill->role) == roles.end())
      roles.push_back(need.spill->role);
    if (std::find(queries.begin(), queries.end(), need.spill->query_id) == queries.end()) {
      queries.push_back(need.spill->query_id);
    }
  }
  const bool named = std::find(roles.begin(), roles.end(), std::string_view()) == roles.end();
  if (named && !server.database.empty() &&
      (roles.size() <= kFewRoles || queries.size() <= kFewQueries)) {
    for (const std::string_view role : roles) {
      NeedList its;
      std::copy_if(needs.begin(), needs.end(), std::back_inserter(its),
                   [&](const Need& need) { return need.spill->role == role; });
      Report(snapshot, its, Action::Scope::kRoleInDatabase, role,
             Effective(snapshot, role, current), budget, values["max_value"], out);
    }
    return;
  }
  const bool system = server.spilling_databases >= kManyDatabases || server.database.empty();
  Report(snapshot, needs, system ? Action::Scope::kSystem : Action::Scope::kDatabase, {},
         system ? current : Effective(snapshot, {}, current), budget, values["max_value"], out);
}

}  // namespace

constinit const RuleDescriptor kWorkMem{
    .id = kId,
    .category = Category::kConfiguration,
    .severity = Severity::kMedium,
    .needs = Needs::kSpills,
    .title = "Sorts and hashes spill to disk that memory could hold",
    .source =
        "memory needed by spilling nodes, p90 by time; sessions x nodes x work_mem x "
        "hash_mem_multiplier "
        "<= 0.25 x (memory - shared_buffers); PostgreSQL docs, runtime-config-resource",
    .params = kParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules
