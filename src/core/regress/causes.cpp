// Probable causes of a changed level.

#include <algorithm>
#include <array>
#include <cstdio>

#include "assist/departure.hpp"
#include "core/regress/causes.hpp"

namespace assist {

namespace {

constexpr double kLeast = 0.15;   // score below which a cause is not worth its line
constexpr double kHalfway = 3.0;  // hours before the onset at which an event is half as probable
constexpr double kFarthest = 24;

double Proximity(double hours, double slack) {
  if (hours > slack || hours < -kFarthest) return 0;
  return hours >= 0 ? 1 : std::exp2(hours / kHalfway);
}

// The share of the change of the mean that a change of a part of it explains, 0 .. 1.
double Explains(double part_before, double part_after, double before, double after) {
  if (std::isnan(part_before) || std::isnan(part_after) || before == after) return 0;
  return std::clamp((part_after - part_before) / (after - before), 0.0, 1.0);
}

// How much of the factor of the mean a factor explains, 0 .. 1: on a scale of logarithms.
double ExplainsFactor(double was, double is, double before, double after) {
  if (!(was > 0) || !(is > 0) || !(before > 0) || !(after > 0) || before == after) return 0;
  return std::clamp(std::log(is / was) / std::log(after / before), 0.0, 1.0);
}

// Settings by which the planner chooses, or that change how the same plan runs.
bool Steers(std::string_view setting) {
  static constexpr std::array kPrefixes = {"enable_", "cpu_", "jit",      "join_",
                                           "from_",   "geqo", "parallel_"};
  static constexpr std::array kNames = {"random_page_cost",
                                        "seq_page_cost",
                                        "effective_cache_size",
                                        "work_mem",
                                        "hash_mem_multiplier",
                                        "default_statistics_target",
                                        "plan_cache_mode",
                                        "constraint_exclusion",
                                        "min_parallel_table_scan_size",
                                        "min_parallel_index_scan_size",
                                        "max_parallel_workers_per_gather",
                                        "max_parallel_workers",
                                        "effective_io_concurrency"};
  for (const std::string_view prefix : kPrefixes)
    if (setting.starts_with(prefix)) return true;
  return std::find(kNames.begin(), kNames.end(), setting) != kNames.end();
}

bool PlanChanged(const Departure& d) {
  return d.plan_before.plan != 0 && d.plan_after.plan != 0 &&
         d.plan_before.plan != d.plan_after.plan && d.plan_after.share >= 0.5;
}

void AddEvent(const Departure& d, const NearEvent& event, bool slower, std::vector<Cause>& out) {
  // What many calls did not mind is hardly the cause, though plans and settings of sessions follow
  // late.
  constexpr double kFew = 30;
  const double near =
      Proximity(event.hours, d.onset_hours) / std::sqrt(1 + event.calls_between / kFew);
  if (near == 0) return;
  const bool replanned = PlanChanged(d);
  Cause cause;
  cause.evidence = event.title;
  cause.sql = event.undo;
  cause.origin = event.title;
  switch (event.kind) {
    case NearEvent::Kind::kDropIndex:
    case NearEvent::Kind::kInvalidIndex: {
      if (!slower) return;
      const bool invalid = event.kind == NearEvent::Kind::kInvalidIndex;
      const bool used =
          UsesIndex(d.plan_before, event.object) && !UsesIndex(d.plan_after, event.object);
      // An invalid one may be the rest of a failed attempt that no plan ever had.
      if (!used && (invalid || !event.touches)) return;
      cause.code = invalid ? "index_invalid" : "index_dropped";
      cause.score = near * (used ? 1 : replanned ? 0.7 : 0.3);
      if (used) cause.evidence += ", which the plan before used";
      cause.mitigation = invalid ? "Build it again." : "Create it again.";
      break;
    }
    case NearEvent::Kind::kSetting: {
      const bool steers = Steers(event.object);
      cause.code = "setting_changed";
      cause.score = near * (steers ? (replanned ? 0.95 : 0.6) : 0.2);
      cause.mitigation = "Set it back, or raise it where only this statement needs it.";
      break;
    }
    case NearEvent::Kind::kSchema:
      if (!event.touches) return;
      cause.code = "schema_changed";
      cause.score = near * (replanned ? 0.6 : 0.4);
      cause.mitigation = "See whether the statement fits the new definition.";
      break;
    case NearEvent::Kind::kAnalyze:
      if (!event.touches || !replanned) return;
      cause.code = "statistics_changed";
      cause.score = near * 0.65;
      cause.mitigation =
          "Raise the statistics target of the columns that it filters by, and ANALYZE again.";
      break;
    case NearEvent::Kind::kDeploy:
      cause.code = "deploy";
      cause.score = near * 0.5;
      cause.mitigation = "Ask what this release changed about the statement.";
      break;
    case NearEvent::Kind::kRestart:
      cause.code = "restart";
      cause.score = near * (slower && d.after.blocks_read > 2 * d.before.blocks_read ? 0.6 : 0.25);
      cause.mitigation = "Caches fill by themselves; pg_prewarm fills them after a restart.";
      break;
  }
  out.push_back(std::move(cause));
}

void AddPlan(const Departure& d, bool slower, std::vector<Cause>& out) {
  if (!PlanChanged(d)) return;
  Cause cause;
  cause.code = "plan_changed";
  cause.score = 0.9 * d.plan_after.share;
  cause.evidence = "another plan: " + PlanDifference(d.plan_before, d.plan_after);
  if (slower) {
    cause.mitigation =
        "See what made the planner change its mind: the causes besides, statistics, the "
        "parameters.";
    for (const TableSides& table : d.tables)
      if (table.stale_share > 0.1)
        cause.sql += (cause.sql.empty() ? "" : " ") + ("ANALYZE " + table.name + ";");
  }
  out.push_back(std::move(cause));
}

void AddTables(const Departure& d, bool slower, std::vector<Cause>& out) {
  for (const TableSides& table : d.tables) {
    const double growth =
        ExplainsFactor(table.rows_before, table.rows_after, d.before.mean_ms, d.after.mean_ms);
    if (growth > 0 && std::abs(std::log(table.rows_after / table.rows_before)) > std::log(1.3)) {
      Cause cause;
      cause.code = slower ? "table_grew" : "table_shrank";
      cause.score = 0.7 * growth;
      cause.evidence = table.name + " had " + Number(table.rows_before) + " rows and has " +
                       Number(table.rows_after);
      cause.origin = table.name;
      if (slower)
        cause.mitigation =
            "See what the advisor recommends for it; partition or archive what is not read.";
      out.push_back(std::move(cause));
    }
    if (slower && table.stale_share > 0.2) {
      Cause cause;
      cause.code = "statistics_stale";
      cause.score = (PlanChanged(d) ? 0.75 : 0.25) * std::min(1.0, table.stale_share / 0.5);
      cause.evidence = Percent(table.stale_share) + " of the rows of " + table.name +
                       " have changed since its last ANALYZE";
      cause.mitigation = "Analyze it, and let autovacuum do so earlier.";
      cause.sql = "ANALYZE " + table.name + ";";
      cause.origin = table.name;
      out.push_back(std::move(cause));
    }
  }
}

// Parts of a call that were measured, and what it means when they change.
void AddParts(const Departure& d, bool slower, std::vector<Cause>& out) {
  const double before = d.before.mean_ms, after = d.after.mean_ms;
  const auto add = [&](std::string_view code, double score, std::string evidence,
                       std::string mitigation) {
    Cause cause;
    cause.code = code;
    cause.score = score;
    cause.evidence = std::move(evidence);
    if (slower) cause.mitigation = std::move(mitigation);
    out.push_back(std::move(cause));
  };
  const auto from_to = [](double was, double is, std::string_view unit) {
    return Number(was) + " to " + Number(is) + std::string(unit);
  };
  if (const double share = Explains(d.before.lock_ms, d.after.lock_ms, before, after); share > 0.1)
    add("lock_waits", 0.98 * share,
        "it waits for locks: " + from_to(d.before.lock_ms, d.after.lock_ms, " ms a call"),
        "See assist.lock_tree for who holds them; shorten those transactions.");
  if (const double share = Explains(d.before.io_ms, d.after.io_ms, before, after); share > 0.1)
    add("disk_waits", 0.8 * share,
        "it waits for the disk: " + from_to(d.before.io_ms, d.after.io_ms, " ms a call"),
        "See what else reads, and whether its data still fits into memory.");
  if (const double share = Explains(d.before.other_wait_ms, d.after.other_wait_ms, before, after);
      share > 0.2)
    add("waits", 0.7 * share,
        "it waits: " + from_to(d.before.other_wait_ms, d.after.other_wait_ms, " ms a call"),
        "See assist.waits for what.");
  if (const double share = Explains(d.before.jit_ms, d.after.jit_ms, before, after); share > 0.1)
    add("jit", 0.95 * share,
        "compiling takes " + from_to(d.before.jit_ms, d.after.jit_ms, " ms a call"),
        "Raise jit_above_cost, or turn jit off for this role or database.");
  if (slower && d.after.temp_blocks >= 10 && d.after.temp_blocks > 2 * d.before.temp_blocks)
    add("spill", d.before.temp_blocks < 1 ? 0.8 : 0.5,
        "it writes temporary files: " +
            from_to(d.before.temp_blocks, d.after.temp_blocks, " blocks a call"),
        "Raise work_mem where this statement runs: see the rule work_mem.");
  if (const double share = ExplainsFactor(d.before.rows, d.after.rows, before, after); share > 0.3)
    add(slower ? "more_rows" : "fewer_rows", 0.75 * share,
        "it returns or changes " + from_to(d.before.rows, d.after.rows, " rows a call"),
        "Ask whether the application needs all of them; page through them by key.");
  const double hits_before = d.before.blocks_hit + d.before.blocks_read,
               hits_after = d.after.blocks_hit + d.after.blocks_read;
  if (slower && hits_before >= 1 && hits_after >= 1 && d.after.blocks_read >= 5) {
    const double missed_before = d.before.blocks_read / hits_before,
                 missed_after = d.after.blocks_read / hits_after;
    if (missed_after > missed_before + 0.05)
      add("cache", 0.6 * std::min(1.0, (missed_after - missed_before) / 0.3),
          Percent(missed_before) + " of its blocks were not in shared buffers, now " +
              Percent(missed_after),
          "See what pushed them out; shared_buffers and the size of its tables.");
  }
  // Neither the plan nor the work of a call has changed, but there are checkpoints on demand.
  if (slower && !PlanChanged(d) && d.requested_checkpoints_after >= 1 &&
      d.requested_checkpoints_after > 2 * d.requested_checkpoints_before)
    add("checkpoints", 0.5,
        "checkpoints on demand: " +
            from_to(d.requested_checkpoints_before, d.requested_checkpoints_after, " an hour"),
        "Raise max_wal_size: see the rule max_wal_size.");
  if (slower && !PlanChanged(d) && d.before.calls_per_hour > 0 &&
      d.after.calls_per_hour > 3 * d.before.calls_per_hour)
    add("load", 0.3,
        "it is called " +
            from_to(d.before.calls_per_hour, d.after.calls_per_hour, " times an hour"),
        "See who calls it so often.");
  // Same plan, same blocks found by their count: other parameters than before.
  if (!PlanChanged(d) && d.plan_before.plan != 0) {
    const double share = ExplainsFactor(hits_before, hits_after, before, after);
    const double rows = ExplainsFactor(d.before.rows, d.after.rows, before, after);
    if (share > 0.5 && rows < 0.3)
      add("parameters", 0.45 * share,
          "the same plan touches " + from_to(hits_before, hits_after, " blocks a call"),
          "Values that match many more rows: compare parameters in assist.samples; bloat shows in "
          "table_bloat.");
  }
}

}  // namespace

std::string Number(double value) {
  char text[32];
  if (std::abs(value) >= 100 || value == std::floor(value))
    std::snprintf(text, sizeof text, "%.0f", value);
  else
    std::snprintf(text, sizeof text, "%.2g", value);
  return text;
}

std::string Percent(double share) { return Number(std::round(100 * share)) + " %"; }

// The last part of a qualified name, without its quotes: as plans have it.
std::string PlainName(std::string_view qualified) {
  std::string name;
  bool quoted = false;
  for (std::size_t i = 0; i < qualified.size(); ++i) {
    if (qualified[i] == '"') {
      if (quoted && i + 1 < qualified.size() && qualified[i + 1] == '"')
        name += qualified[++i];
      else
        quoted = !quoted;
    } else if (qualified[i] == '.' && !quoted) {
      name.clear();
    } else {
      name += qualified[i];
    }
  }
  return name;
}

bool UsesIndex(const PlanSide& plan, std::string_view index) {
  // "Index Scan using NAME on ...", the name without its schema.
  const std::string name = " using " + PlainName(index);
  return std::any_of(plan.nodes.begin(), plan.nodes.end(), [&](const std::string& node) {
    const std::size_t at = node.find(name);
    return at != node.npos && (at + name.size() == node.size() || node[at + name.size()] == ' ');
  });
}

std::string PlanDifference(const PlanSide& before, const PlanSide& after) {
  std::vector<std::string> gone, come = after.nodes;
  for (const std::string& node : before.nodes) {
    const auto same = std::find(come.begin(), come.end(), node);
    if (same == come.end())
      gone.push_back(node);
    else
      come.erase(same);
  }
  std::string text;
  const auto append = [&text](char sign, const std::vector<std::string>& nodes) {
    constexpr std::size_t kMost = 4;
    for (std::size_t i = 0; i < std::min(kMost, nodes.size()); ++i) {
      if (!text.empty()) text += ", ";
      text += sign;
      text += ' ' + nodes[i];
    }
    if (nodes.size() > kMost) text += " and " + std::to_string(nodes.size() - kMost) + " more";
  };
  append('-', gone);
  append('+', come);
  return text.empty() ? "the same nodes in another order" : text;
}

std::vector<Cause> RankCauses(const Departure& departure) {
  std::vector<Cause> causes;
  const bool slower = departure.after.mean_ms >= departure.before.mean_ms;
  // Events of one kind about one object: the nearest. They come the latest first.
  for (std::size_t i = 0; i < departure.events.size(); ++i) {
    const NearEvent& event = departure.events[i];
    const auto same = [&](const NearEvent& other) {
      return other.kind == event.kind && other.object == event.object && !event.object.empty();
    };
    if (std::none_of(departure.events.begin(),
                     departure.events.begin() + static_cast<std::ptrdiff_t>(i), same))
      AddEvent(departure, event, slower, causes);
  }
  AddPlan(departure, slower, causes);
  AddTables(departure, slower, causes);
  AddParts(departure, slower, causes);
  std::erase_if(causes, [](const Cause& cause) { return cause.score < kLeast; });
  std::stable_sort(causes.begin(), causes.end(),
                   [](const Cause& a, const Cause& b) { return a.score > b.score; });
  // The same thing said twice, as of a setting set twice: the nearer one.
  std::vector<Cause> ranked;
  for (Cause& cause : causes) {
    const bool told = std::any_of(ranked.begin(), ranked.end(), [&](const Cause& other) {
      return other.code == cause.code && other.evidence == cause.evidence;
    });
    if (!told) ranked.push_back(std::move(cause));
  }
  return ranked;
}

std::string CommonCause(const std::vector<Cause>& ranked) {
  constexpr double kProbable = 0.3;
  if (ranked.empty()) return "";
  const auto found = std::find_if(ranked.begin(), ranked.end(), [](const Cause& cause) {
    return cause.code != "plan_changed" && cause.score >= kProbable;
  });
  const Cause& common = found != ranked.end() ? *found : ranked.front();
  return std::string(common.code) + (common.origin.empty() ? "" : ": " + common.origin);
}

}  // namespace assist
