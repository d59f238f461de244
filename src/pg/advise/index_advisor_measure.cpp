// What the index advisor takes from measurements: the cost unit of a statement, what its ranges
// select, what upkeep costs.

#include <cmath>

#include "assist/size_model.hpp"
#include "core/rule_support.hpp"

#include "pg/advise/index_advisor_work.hpp"
#include "pg/store/read.hpp"

extern "C" {
#include "miscadmin.h"  // for MyDatabaseId
}

namespace assist::pg {

namespace {

// One more entry: 1.2 to 1.6 us measured with everything cached and WAL not flushed (300,000 rows,
// three kinds of keys), doubled for WAL and page reads. Removal by vacuum is cheaper.
constexpr double kWriteMs = 0.003;
constexpr double kDeleteMs = 0.001;
// Entries of a row in a GIN index, each of which goes through the pending list first.
constexpr double kGinEntries = 4;
// Below that the counters of a table speak of how it was filled.
constexpr double kCountersSpeakSeconds = 7 * 86400;

}  // namespace

// The table itself or a partition below it.
bool Workload::IsPartOf(const Table& table, Oid root) const {
  const Table* each = &table;
  for (int level = 0; level < 32 && each != nullptr && each->oid != root; ++level)
    each = each->parent == 0 ? nullptr : snapshot_.FindTable(each->parent);
  return each != nullptr && each->oid == root;
}

std::int64_t Workload::HeapBytes(const Table& root) const {
  std::int64_t bytes = 0;
  for (const Table& table : snapshot_.tables)
    if (IsPartOf(table, root.oid)) bytes += table.size_bytes;
  return bytes;
}

// Share of the rows updated in the table whose update sets a column of the candidate, by the
// observed statements; all of them where none was observed.
double Workload::TouchedShare(Oid root, const Candidate& candidate) const {
  const auto in_text = [](std::string_view text, std::string_view column) {
    return text.find(column) != std::string_view::npos;
  };
  const auto touches = [&](std::string_view column) {
    const auto is_key = [&](const CandidateKey& key) {
      return key.column != 0 ? key.text == column : in_text(key.text, column);
    };
    return std::any_of(candidate.keys.begin(), candidate.keys.end(), is_key) ||
           std::any_of(candidate.included.begin(), candidate.included.end(), is_key) ||
           in_text(candidate.predicate, column);
  };
  double all = 0, touched = 0;
  for (const Writer& writer : writers_) {
    const Table* table = snapshot_.FindTable(writer.table);
    if (table == nullptr || !IsPartOf(*table, root) || writer.updated <= 0) continue;
    all += writer.updated;
    if (std::any_of(writer.columns.begin(), writer.columns.end(), touches))
      touched += writer.updated;
  }
  return all > 0 ? touched / all : 1;
}

// What keeping the index costs a day: from the counters of its table when they cover a week, else
// from the writing statements observed. An update that is not heap-only writes an entry into every
// index. One that is stays so unless it sets a column of this index: then it writes an entry into
// this one and all others.
double Workload::WriteCost(const Pooled& pooled) const {
  const Oid oid = pooled.candidate.table;
  const double seconds = snapshot_.server.now - snapshot_.server.statistics_since;
  const bool counters = snapshot_.server.statistics_since > 0 && seconds >= kCountersSpeakSeconds;
  const double touched = TouchedShare(oid, pooled.candidate);
  const double entry =
      kWriteMs * pooled.share * (pooled.candidate.method == advise::Method::kGin ? kGinEntries : 1);
  double ms = 0;
  for (const Table& table : snapshot_.tables) {
    if (!IsPartOf(table, oid)) continue;
    int others = 0;
    snapshot_.ForEachIndexOf(table.oid, [&](const Index&) { ++others; });
    const auto all = static_cast<double>(table.updated);
    const double hot = all > 0 ? static_cast<double>(table.hot_updated) / all : 0;
    const auto cost = [&](double inserted, double updated, double deleted) {
      return (inserted + updated * (1 - hot)) * entry +
             updated * hot * touched * (entry + others * kWriteMs) +
             deleted * kDeleteMs * pooled.share;
    };
    if (counters) {
      ms += cost(static_cast<double>(table.inserted), all, static_cast<double>(table.deleted)) *
            rules::kSecondsPerDay / seconds;
      continue;
    }
    for (const Writer& writer : writers_)
      if (writer.table == table.oid) ms += cost(writer.inserted, writer.updated, writer.deleted);
  }
  return ms;
}

// What a cost unit of each statement took: observed time over the costs its plans were estimated at
// when they ran. The cost of now would not do: with an index built meanwhile it is small, the mean
// still large.
void Workload::MeasureCost() {
  if (works_.empty() || store() == nullptr) return;
  std::pmr::vector<double> cost(works_.size(), 0.0, memory_), ms(works_.size(), 0.0, memory_);
  for (const PlanRow& plan : ReadPlans()) {
    if (plan.key.dbid != MyDatabaseId || plan.estimated_cost <= 0) continue;
    for (std::size_t i = 0; i < works_.size(); ++i) {
      const Statement& statement = *works_[i].statement;
      if (static_cast<std::int64_t>(plan.key.queryid) != statement.query_id ||
          plan.key.userid != statement.user || plan.key.toplevel != statement.top_level)
        continue;
      cost[i] += plan.estimated_cost * static_cast<double>(plan.calls);
      ms[i] += static_cast<double>(plan.exec_ns) / 1e6;
    }
  }
  for (std::size_t i = 0; i < works_.size(); ++i) {
    Work& work = works_[i];
    if (work.cost_before <= 0) continue;
    // The cost of one planning may be far from that of the executions: no more than all of their
    // time can be saved.
    const double most = work.statement->mean_ms / work.cost_before;
    work.ms_per_cost = cost[i] > 0 ? std::min(ms[i] / cost[i], most) : most;
  }
}

// What the statement's ranges on each table selected: the rows left, over the share that equalities
// beside them leave by the statistics.
std::pmr::vector<MeasuredRange> Workload::MeasureRanges(const Statement& statement) const {
  constexpr double kLeast = 0.0005;
  std::pmr::vector<MeasuredRange> measured(memory_);
  for (const Predicate& predicate : snapshot_.predicates) {
    if (predicate.query_id != statement.query_id || predicate.user != statement.user) continue;
    if (predicate.use != assist::PredicateUse::kFilter &&
        predicate.use != assist::PredicateUse::kIndex)
      continue;
    const Table* table = snapshot_.FindTable(predicate.relation);
    if (table == nullptr || predicate.executions <= 0) continue;
    bool ranged = false;
    double selectivity = predicate.selectivity;
    for (std::size_t i = 0; i < predicate.operators.size() && i < predicate.columns.size(); ++i) {
      ranged = ranged || predicate.operators[i].find_first_of("<>") == 0;
      if (predicate.operators[i] != "=") continue;
      for (const Column& column : table->columns) {
        if (column.name != predicate.columns[i] || !column.has_statistics) continue;
        const double distinct = DistinctCount(column.distinct, std::max(1.0, table->rows));
        if (distinct > 1) selectivity *= distinct;
      }
    }
    if (!ranged) continue;
    selectivity = std::clamp(selectivity, kLeast, 1.0);
    const auto known = std::find_if(
        measured.begin(), measured.end(),
        [&](const MeasuredRange& each) { return each.relation == predicate.relation; });
    if (known == measured.end()) {
      measured.push_back({predicate.relation, selectivity});
    } else {
      known->selectivity = std::min(known->selectivity, selectivity);
    }
  }
  return measured;
}

}  // namespace assist::pg
