// missing_index: hypothetical indexes that the real planner used for observed statements, kept
// where the time they save exceeds what they cost on writes by enough to matter.
#include <algorithm>
#include <cmath>

#include "core/rules/registry.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::rules {
namespace {

using text::Append;

constexpr std::string_view kId = "missing_index";

constexpr Param kParams[] = {
    {.name = "min_saving",
     .unit = Unit::kMillisecondsPerDay,
     .fallback = 1000,
     .min = 0,
     .max = 1e9,
     .meaning = "predicted saving, net of the cost on writes"},
    {.name = "min_share",
     .unit = Unit::kFraction,
     .fallback = 0.01,
     .min = 0,
     .max = 1,
     .meaning = "predicted saving as a share of database time"},
    {.name = "min_speedup",
     .unit = Unit::kRatio,
     .fallback = 1.5,
     .min = 1,
     .max = 1000,
     .meaning = "planner cost before over after, of the statement that gains most"},
    {.name = "min_executions",
     .unit = Unit::kCount,
     .fallback = 5,
     .min = 1,
     .max = 1e9,
     .meaning = "observed executions of the statements that would use it"},
    {.name = "min_rows",
     .unit = Unit::kCount,
     .fallback = 1000,
     .min = 0,
     .max = 1e12,
     .meaning = "rows of the table"},
};

struct Gain {
  double saved_ms_per_day = 0;
  double calls_per_day = 0;
  double executions = 0;     // observed
  double observed_days = 0;  // longest observation among the statements
  double speedup = 1;
  const ProposedIndex::Helped* most = nullptr;
};

const Statement* FindStatement(const Snapshot& snapshot, std::int64_t query_id, Oid user) {
  const Statement* any = nullptr;
  for (const Statement& statement : snapshot.statements) {
    if (statement.query_id != query_id) continue;
    if (statement.user == user) return &statement;
    any = &statement;
  }
  return any;
}

Gain SumUp(const Snapshot& snapshot, const ProposedIndex& proposed) {
  Gain gain;
  for (const ProposedIndex::Helped& helped : proposed.helped) {
    gain.saved_ms_per_day += helped.saved_ms_per_day;
    gain.calls_per_day += helped.calls_per_day;
    if (gain.most == nullptr || helped.saved_ms_per_day > gain.most->saved_ms_per_day) {
      gain.most = &helped;
    }
    if (helped.cost_after > 0) {
      gain.speedup = std::max(gain.speedup, helped.cost_before / helped.cost_after);
    }
    if (const Statement* statement = FindStatement(snapshot, helped.query_id, helped.user)) {
      gain.executions += static_cast<double>(statement->calls);
      gain.observed_days = std::max(gain.observed_days, DaysSince(snapshot, statement->first_seen));
    } else {
      const double days = DaysSince(snapshot, snapshot.server.observed_since);
      gain.executions += helped.calls_per_day * days;
      gain.observed_days = std::max(gain.observed_days, days);
    }
  }
  return gain;
}

// An index of that table with these keys is there already: usable, being built, or invalid, which
// is the matter of invalid_index.
bool Exists(const Snapshot& snapshot, const ProposedIndex& proposed) {
  const std::string_view wanted = BehindUsing(proposed.definition);
  bool found = false;
  snapshot.ForEachIndexOf(proposed.table, [&](const Index& index) {
    const std::string_view has = BehindUsing(index.definition);
    found = found || (!wanted.empty() && has == wanted) || index.being_built;
  });
  return found;
}

// The columns that its keys begin with, as far as they are columns.
std::pmr::vector<const Column*> LeadingColumns(const Table& table, const ProposedIndex& proposed,
                                               std::pmr::memory_resource* memory) {
  std::pmr::vector<const Column*> columns(memory);
  std::string_view list = KeyList(proposed.definition);
  if (list.size() < 2) return columns;
  list = list.substr(1, list.size() - 2);
  EachItem(list, [&](std::string_view item) {
    for (const Column& column : table.columns) {
      std::pmr::string name(memory);
      text::AppendIdentifier(name, column.name);
      if (!item.starts_with(name) || (item.size() > name.size() && item[name.size()] != ' '))
        continue;
      columns.push_back(&column);
      return true;
    }
    return false;
  });
  return columns;
}

// What the index is besides: that of a foreign key, or one that may be meant to be unique.
void ExplainColumns(const Snapshot& snapshot, const ProposedIndex& proposed, const Table& table,
                    std::pmr::string& why) {
  const auto columns = LeadingColumns(table, proposed, why.get_allocator().resource());
  for (const ForeignKey& key : snapshot.foreign_keys) {
    const Table* referenced = snapshot.FindTable(key.referenced);
    if (key.table != table.oid || key.columns.empty() || key.columns.size() > columns.size() ||
        referenced == nullptr)
      continue;
    const bool leads =
        std::all_of(key.columns.begin(), key.columns.end(), [&](std::int16_t number) {
          return std::any_of(columns.begin(),
                             columns.begin() + static_cast<std::ptrdiff_t>(key.columns.size()),
                             [&](const Column* column) { return column->number == number; });
        });
    if (!leads) continue;
    Append(why, " It is the index of the foreign key ");
    text::AppendIdentifier(why, key.name);
    Append(why, ": without it, whoever deletes a row of ", referenced->qualified,
           " or changes its key reads ", table.qualified, " whole.");
    return;
  }
  if (columns.size() != 1) return;
  const Column& column = *columns[0];
  std::pmr::string alone("btree (", why.get_allocator());
  text::AppendIdentifier(alone, column.name);
  alone += ')';
  if (BehindUsing(proposed.definition) == alone && column.has_statistics && column.distinct <= -1 &&
      column.null_fraction == 0)
    Append(why, " All values of ", column.name,
           " differ, as far as the statistics know: if that is meant to be so, should the index be "
           "unique? Only you know.");
}

Severity Judge(double share, double confidence) {
  if (share >= 0.5 && confidence >= 0.75) return Severity::kCritical;
  if (share >= 0.2) return Severity::kHigh;
  return share >= 0.05 ? Severity::kMedium : Severity::kLow;
}

void Explain(const Snapshot& snapshot, const ProposedIndex& proposed, const Table& table,
             const Gain& gain, double net, double share, Finding& finding) {
  std::pmr::string& why = finding.rationale;
  Append(why, "The planner uses this index for ",
         text::Count(static_cast<double>(proposed.helped.size())),
         proposed.helped.size() == 1 ? " observed statement, executed "
                                     : " observed statements, executed ",
         text::Count(gain.executions), " times in ", text::Duration(gain.observed_days * 86400e3),
         ". ");
  if (gain.most != nullptr) {
    Append(why, proposed.helped.size() == 1 ? "It takes " : "The one that gains most takes ",
           text::Duration(gain.most->mean_ms), " on average, ",
           text::Count(gain.most->calls_per_day), " times a day; its planner cost falls from ",
           text::Count(gain.most->cost_before), " to ", text::Count(gain.most->cost_after), ". ");
  }
  Append(why, "Predicted saving: ", text::Duration(net), " a day");
  if (share > 0) Append(why, ", ", text::Percent(share), " of database time");
  if (proposed.write_ms_per_day > 0) {
    Append(why, ", after ", text::Duration(proposed.write_ms_per_day),
           " a day for keeping it up to date");
  }
  Append(why, ". Its size will be about ",
         text::Bytes(static_cast<double>(proposed.predicted_bytes)), ".");
  ExplainColumns(snapshot, proposed, table, why);
  if (proposed.held >= 0)
    Append(why, " Of the executions looked at, ", text::Percent(proposed.held),
           " have the constants of its condition; it serves no others.");

  std::pmr::string& risk = finding.risk;
  Append(risk, "The build reads ", text::Bytes(static_cast<double>(table.size_bytes)), " of ",
         table.qualified);
  if (proposed.predicted_build_ms > 0) {
    Append(risk, ", takes about ", text::Duration(proposed.predicted_build_ms),
           " and then as long as transactions that are already open");
  }
  if (table.kind == 'p') {
    Append(risk,
           ". The table is partitioned: the migration builds the index of one partition after the "
           "other. Writes continue.");
  } else {
    Append(risk, ". Reads and writes continue.");
  }
  if (table.updated > 0 && table.hot_updated > table.updated / 2) {
    Append(
        risk, " ",
        text::Percent(static_cast<double>(table.hot_updated) / static_cast<double>(table.updated)),
        " of the table's updates are heap-only; those that change an indexed column no longer will "
        "be.");
  }
  if (snapshot.server.has_standbys) Append(risk, " The build is replayed on the standbys.");
}

void AddEvidence(const ProposedIndex& proposed, const Table& table, const Gain& gain, double net,
                 double share, Finding& finding) {
  finding.Add("saved_ms_per_day", net);
  finding.Add("write_ms_per_day", proposed.write_ms_per_day);
  finding.Add("share_of_database_time", share);
  finding.Add("executions_observed", gain.executions);
  finding.Add("calls_per_day", gain.calls_per_day);
  finding.Add("observed_days", gain.observed_days);
  finding.Add("predicted_bytes", proposed.predicted_bytes);
  finding.Add("predicted_build_ms", proposed.predicted_build_ms);
  if (proposed.held >= 0) finding.Add("condition_share_of_executions", proposed.held);
  finding.Add("table_rows", table.rows);
  finding.Add("table_bytes", table.size_bytes);
  if (gain.most != nullptr) {
    finding.Add("cost_before", gain.most->cost_before);
    finding.Add("cost_after", gain.most->cost_after);
    finding.Add("mean_ms", gain.most->mean_ms);
  }
}

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  for (const ProposedIndex& proposed : snapshot.proposed_indexes) {
    const Table* table = snapshot.FindTable(proposed.table);
    if (table == nullptr || !IsJudged(*table)) continue;
    if (table->rows >= 0 && table->rows < values["min_rows"]) continue;
    const Gain gain = SumUp(snapshot, proposed);
    const double net = gain.saved_ms_per_day - proposed.write_ms_per_day;
    const double share = ShareOfTime(snapshot, net);
    if (net <= 0 || net < values["min_saving"]) continue;
    if (snapshot.server.database_ms_per_day > 0 && share < values["min_share"]) continue;
    if (gain.speedup < values["min_speedup"] || gain.executions < values["min_executions"])
      continue;
    if (Exists(snapshot, proposed)) continue;

    const double confidence = Confidence(gain.executions, gain.observed_days);
    Finding& finding = out.Add(kId, Judge(share, confidence));
    Identify(finding, kId, table->qualified);
    const std::string_view keys =
        proposed.columns.empty() ? KeyList(proposed.definition) : proposed.columns;
    Append(finding.fingerprint, ":",
           BehindUsing(proposed.definition).empty() ? keys : BehindUsing(proposed.definition));
    const bool bare = !keys.empty() && keys.front() != '(' && keys.substr(0, 6) != "USING ";
    Append(finding.title, "Create an index on ", table->qualified, bare ? " (" : " ", keys,
           bare ? ")" : "");
    Explain(snapshot, proposed, *table, gain, net, share, finding);
    AddEvidence(proposed, *table, gain, net, share, finding);
    Append(finding.sql, proposed.definition, ";");
    finding.benefit_ms_per_day = net;
    finding.storage_delta_bytes = proposed.predicted_bytes;
    finding.confidence = confidence;
    for (const ProposedIndex::Helped& helped : proposed.helped) {
      if (std::find(finding.query_ids.begin(), finding.query_ids.end(), helped.query_id) ==
          finding.query_ids.end()) {
        finding.query_ids.push_back(helped.query_id);
      }
    }
    finding.action.kind = Action::Kind::kCreateIndex;
    finding.action.relation = proposed.table;
    text::AppendIdentifier(finding.action.object, table->schema);
    Append(finding.action.object, ".", proposed.name);
    finding.action.statement = proposed.definition;
  }
}

}  // namespace

constinit const RuleDescriptor kMissingIndex{
    .id = kId,
    .category = Category::kIndex,
    .severity = Severity::kHigh,
    .needs = Needs::kStatements | Needs::kProposedIndexes,
    .title = "An index that the planner would use is missing",
    .source =
        "the server's own planner with a hypothetical index; costs in ms by each statement's "
        "observed "
        "mean time over its own cost",
    .params = kParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules
