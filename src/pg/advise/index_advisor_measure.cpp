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

// What keeping one more index of the table costs a day: from its counters when they cover a week,
// else from the writing statements observed. Updates that are heap-only now are taken to stay so:
// whether they touch the new keys is not known.
double Workload::WriteCost(Oid oid) const {
  const double seconds = snapshot_.server.now - snapshot_.server.statistics_since;
  const bool counters = snapshot_.server.statistics_since > 0 && seconds >= kCountersSpeakSeconds;
  double ms = 0;
  for (const Table& table : snapshot_.tables) {
    if (!IsPartOf(table, oid)) continue;
    const auto updated = static_cast<double>(table.updated);
    const double moved = updated > 0 ? 1 - static_cast<double>(table.hot_updated) / updated : 1;
    if (counters) {
      const double entries = static_cast<double>(table.inserted) + updated * moved;
      ms += (entries * kWriteMs + static_cast<double>(table.deleted) * kDeleteMs) *
            rules::kSecondsPerDay / seconds;
      continue;
    }
    for (const Writer& writer : writers_) {
      if (writer.table == table.oid)
        ms += (writer.inserted + writer.updated * moved) * kWriteMs + writer.deleted * kDeleteMs;
    }
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
  for (std::size_t i = 0; i < works_.size(); ++i)
    if (cost[i] > 0) works_[i].ms_per_cost = ms[i] / cost[i];
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
