// Comparisons that no index can serve as things are.
#include "core/unserved.hpp"

#include <algorithm>

#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::rules {
namespace {

using text::Append;

// Of the same key of the same table.
bool IsSame(const UnservedComparison& a, const UnservedComparison& b) {
  return a.kind == b.kind && a.table == b.table && a.key == b.key;
}

bool IsOf(const Snapshot& snapshot, Oid relation, Oid table) {
  for (int level = 0; level < 32; ++level) {
    if (relation == table) return true;
    const Table* here = snapshot.FindTable(relation);
    if (here == nullptr || here->parent == 0) return false;
    relation = here->parent;
  }
  return false;
}

// Patterns are observed with their kind: "~~ infix".
bool IsOperation(std::string_view observed, std::string_view operation) {
  return observed.starts_with(operation) &&
         (observed.size() == operation.size() || observed[operation.size()] == ' ');
}

// The filter that has the comparison, as it was executed; nullptr: no execution was looked at.
const Predicate* FindFilter(const Snapshot& snapshot, const UnservedComparison& unserved) {
  const Predicate* most = nullptr;
  for (const Predicate& predicate : snapshot.predicates) {
    if (predicate.query_id != unserved.query_id || predicate.use != PredicateUse::kFilter ||
        !IsOf(snapshot, predicate.relation, unserved.table))
      continue;
    for (std::size_t i = 0; i < predicate.operators.size(); ++i) {
      if (!IsOperation(predicate.operators[i], unserved.operation)) continue;
      const bool same = unserved.column.empty()
                            ? predicate.columns[i].empty() &&
                                  text::SameExpression(predicate.expressions[i], unserved.key)
                            : predicate.columns[i] == unserved.column;
      if (same && (most == nullptr || predicate.executions > most->executions)) most = &predicate;
    }
  }
  return most;
}

const Statement* FindStatement(const Snapshot& snapshot, const UnservedComparison& unserved) {
  const auto found = std::find_if(
      snapshot.statements.begin(), snapshot.statements.end(), [&](const Statement& statement) {
        return statement.query_id == unserved.query_id && statement.user == unserved.user;
      });
  return found == snapshot.statements.end() ? nullptr : &*found;
}

struct Sum {
  double ms_per_day = 0, calls_per_day = 0, executions = 0, days = 0;
  double rows_in = 0, rows_out = 0;  // of the statement that takes most
  double most_ms = 0;
};

void AppendReplaced(std::pmr::string& out, std::string_view pattern, std::string_view key) {
  for (const char each : pattern) {
    if (each == '$')
      out += key;
    else
      out += each;
  }
}

// Names the GIN indexes that have the column; false: there are none.
bool AppendIndexes(const Snapshot& snapshot, const UnservedComparison& unserved,
                   std::pmr::string& why) {
  const Table* table = snapshot.FindTable(unserved.table);
  const auto is_it = [&](const IndexKey& key) {
    return std::any_of(table->columns.begin(), table->columns.end(), [&](const Column& column) {
      return column.number == key.column && !column.dropped && column.name == unserved.column;
    });
  };
  bool found = false;
  snapshot.ForEachIndexOf(table->oid, [&](const Index& index) {
    if (index.method != "gin" || !IsLive(index) || !index.predicate.empty() ||
        std::none_of(index.keys.begin(), index.keys.end(), is_it))
      return;
    Append(why, " The index ", index.qualified, " is there for it.");
    found = true;
  });
  return found;
}

void AppendSql(const Table& table, const UnservedComparison& unserved, const UnservedAdvice& advice,
               std::pmr::string& sql) {
  const bool plain = !unserved.column.empty();
  Append(sql, advice.before, "CREATE INDEX ", table.kind == 'p' ? "" : "CONCURRENTLY ", "ON ",
         table.qualified, " USING gin (", plain ? "" : "(", unserved.key, plain ? "" : ")",
         advice.operator_class.empty() ? "" : " ", advice.operator_class, ");");
}

// Of the statements that compare the key so, those of which executions read many rows and kept few.
Sum SumUp(const Snapshot& snapshot, const ParamValues& values, const UnservedComparison& key,
          std::pmr::vector<std::int64_t>& query_ids) {
  Sum sum;
  for (const UnservedComparison& unserved : snapshot.unserved) {
    const Statement* statement =
        IsSame(unserved, key) ? FindStatement(snapshot, unserved) : nullptr;
    const Predicate* filter = statement != nullptr ? FindFilter(snapshot, unserved) : nullptr;
    if (filter == nullptr || filter->rows_in < values["min_rows"] ||
        filter->rows_out > values["max_selectivity"] * filter->rows_in ||
        std::find(query_ids.begin(), query_ids.end(), unserved.query_id) != query_ids.end())
      continue;
    const double days = std::max(DaysSince(snapshot, statement->first_seen), 1.0 / 24);
    const double ms = statement->total_ms * unserved.scan_share / days;
    sum.ms_per_day += ms;
    sum.calls_per_day += static_cast<double>(statement->calls) / days;
    sum.executions += static_cast<double>(statement->calls);
    sum.days = std::max(sum.days, days);
    if (ms >= sum.most_ms) {
      sum.most_ms = ms;
      sum.rows_in = filter->rows_in;
      sum.rows_out = filter->rows_out;
    }
    query_ids.push_back(unserved.query_id);
  }
  return sum;
}

}  // namespace

void TellUnserved(const Snapshot& snapshot, const ParamValues& values, const UnservedAdvice& advice,
                  Findings& out) {
  for (std::size_t i = 0; i < snapshot.unserved.size(); ++i) {
    const UnservedComparison& first = snapshot.unserved[i];
    const auto same = [&](const UnservedComparison& other) { return IsSame(first, other); };
    const auto here = snapshot.unserved.begin() + static_cast<std::ptrdiff_t>(i);
    if (first.kind != advice.kind || std::any_of(snapshot.unserved.begin(), here, same)) continue;
    const Table* table = snapshot.FindTable(first.table);
    if (table == nullptr || !IsJudged(*table)) continue;
    std::pmr::vector<std::int64_t> query_ids(out.memory());
    const Sum sum = SumUp(snapshot, values, first, query_ids);
    const double share = ShareOfTime(snapshot, sum.ms_per_day);
    if (query_ids.empty() || sum.ms_per_day < values["min_time"]) continue;
    if (snapshot.server.database_ms_per_day > 0 && share < values["min_share"]) continue;

    Finding& finding = out.Add(advice.rule, share >= 0.2 ? Severity::kMedium : Severity::kLow);
    Identify(finding, advice.rule, table->qualified);
    Append(finding.fingerprint, ":", first.key);
    Append(finding.title, "No index of ", table->qualified, " serves a statement that ");
    AppendReplaced(finding.title, advice.comparison, first.key);
    std::pmr::string& why = finding.rationale;
    Append(why, text::Count(static_cast<double>(query_ids.size())),
           query_ids.size() == 1 ? " statement" : " statements", ", executed ",
           text::Count(sum.calls_per_day), " times a day, ",
           query_ids.size() == 1 ? "reads " : "read ", table->qualified, " for ",
           text::Duration(sum.ms_per_day), " a day, ", text::Percent(share),
           " of database time: by the executions looked at ", text::Count(sum.rows_in),
           " rows at a time, of which ", text::Count(sum.rows_out), " are kept. ", advice.why);
    if (!advice.rewrite.empty()) {
      Append(why, " The statement has to say ");
      AppendReplaced(why, advice.rewrite, first.key);
      Append(why, ".");
    }
    Append(finding.risk, "What it saves is not predicted, at most that time. ", advice.risk);
    const bool indexed = AppendIndexes(snapshot, first, why);
    if (!indexed || !advice.before.empty()) AppendSql(*table, first, advice, finding.sql);
    finding.confidence = Confidence(sum.executions, sum.days);
    finding.query_ids = query_ids;
    finding.Add("read_ms_per_day", sum.ms_per_day);
    finding.Add("share_of_database_time", share);
    finding.Add("calls_per_day", sum.calls_per_day);
    finding.Add("rows_read", sum.rows_in);
    finding.Add("rows_kept", sum.rows_out);
    finding.Add("table_rows", table->rows);
  }
}

}  // namespace assist::rules
