// The index advisor.
//
// Every statement is planned as it is and with each candidate alone; out of what that saves over
// all statements, upkeep taken off, a set is chosen (core/advise/select.hpp). At the end the
// statements are planned with the first, the first two ... of the chosen: what each saves with its
// predecessors in place is what it is credited with.
//
// Costs become milliseconds by the statement's own measure: observed time over the estimated costs
// of the plans that took it.

#include "pg/advise/index_advisor.hpp"

#include <algorithm>
#include <cmath>

#include "assist/migration.hpp"
#include "core/advise/redundant.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

#include "pg/guard.hpp"
#include "pg/advise/index_advisor_work.hpp"
#include "pg/memory.hpp"
#include "pg/progress.hpp"

namespace assist::pg {

namespace {

constexpr std::size_t kMaxProposals = 20;
constexpr double kMinSavedMsPerDay = 100;
constexpr double kMinShare = 0.002;  // of database time
// Of the cost of the given statements, and of a mean one's.
constexpr double kMinGivenShare = 0.005, kMinMeanShare = 0.1;
// Of either, where a budget says how much is too much.
constexpr double kMinShareInBudget = 0.0005;
// Planner units of some page reads: what included columns spare must be more to matter.
constexpr double kFewPages = 20;

class Advisor {
 public:
  Advisor(Snapshot& snapshot, Workload& workload, const AdviceRequest& request, Advice& advice)
      : snapshot_(snapshot),
        workload_(workload),
        request_(request),
        advice_(advice),
        memory_(workload.memory()),
        chosen_(memory_),
        names_(memory_) {}

  void Run() {
    if (request_.given)
      workload_.CollectGiven(request_.texts, request_.user);
    else
      workload_.CollectObserved();
    advice_.analysis_ms = workload_.CpuMsSpent();
    tell_phase(ProgressPhase::kChoosingIndexes);
    Choose();
    advice_.selection_ms = workload_.ChosenMs() - advice_.analysis_ms;
    advice_.bound_ms = workload_.CpuMsSpent() - workload_.ChosenMs();
    Report();
    advice_.statements = static_cast<int>(workload_.works().size());
    advice_.candidates = static_cast<int>(workload_.pool().size());
    advice_.plans = workload_.plans();
    workload_.ReportUnplanned(snapshot_.unplanned);
    for (UnservedComparison unserved : workload_.unserved()) {
      for (std::string_view* text : {&unserved.column, &unserved.key, &unserved.operation})
        *text = snapshot_.Intern(*text);
      snapshot_.unserved.push_back(unserved);
    }
  }

 private:
  // What an index adds to a statement.
  struct Step {
    int rank;
    const Work* work;
    double before, after;
  };
  void Choose();
  double Floor() const;
  void Report();
  void Credit(int number, std::pmr::vector<Step>& steps);
  void ReportOne(int candidate, std::span<const Step> steps, double* cost);

  Snapshot& snapshot_;
  Workload& workload_;
  const AdviceRequest& request_;
  Advice& advice_;
  std::pmr::memory_resource* memory_;
  Positions chosen_;
  std::pmr::vector<std::pmr::string> names_;  // given so far
};

// What an index has to save, net.
double Advisor::Floor() const {
  const bool budget = request_.budget_bytes >= 0;
  if (!request_.given)
    return std::max(kMinSavedMsPerDay, (budget ? kMinShareInBudget : kMinShare) *
                                           snapshot_.server.database_ms_per_day);
  double total = 0;
  for (const Work& work : workload_.works()) total += work.cost_before;
  const double share = budget ? kMinShareInBudget : kMinGivenShare;
  const auto count = static_cast<double>(std::max<std::size_t>(workload_.works().size(), 1));
  return total * std::min(share, kMinMeanShare / count);
}

void Advisor::Choose() {
  // Those that are possible, by their place in the pool, and back.
  std::pmr::vector<int> candidates(memory_), item_of(workload_.pool().size(), -1, memory_);
  for (std::size_t i = 0; i < workload_.pool().size(); ++i) {
    if (!workload_.pool()[i].possible) continue;
    item_of[i] = static_cast<int>(candidates.size());
    candidates.push_back(static_cast<int>(i));
  }
  std::pmr::vector<advise::Item> items(candidates.size(), memory_);
  std::pmr::vector<std::pmr::vector<int>> covers(memory_);
  covers.reserve(items.size());
  for (std::size_t n = 0; n < items.size(); ++n) {
    const Pooled& pooled = workload_.at(candidates[n]);
    covers.emplace_back();
    for (std::size_t m = 0; m < items.size(); ++m)
      if (m != n && Covers(pooled.candidate, workload_.at(candidates[m]).candidate))
        covers.back().push_back(static_cast<int>(m));
    items[n] = {pooled.bytes, pooled.write_ms_per_day, static_cast<int>(pooled.candidate.table),
                covers.back(), pooled.candidate.included.empty() ? 0 : kFewPages};
  }
  std::pmr::vector<Positions> used(memory_);
  used.reserve(workload_.works().size());
  std::pmr::vector<advise::Weighed> statements(memory_);
  for (const Work& work : workload_.works()) {
    used.emplace_back();
    for (const int i : work.items) used.back().push_back(item_of[static_cast<std::size_t>(i)]);
    statements.push_back({work.Weight(), used.back()});
  }
  advise::SelectSettings settings;
  settings.budget_bytes = request_.budget_bytes;
  settings.floor = Floor();
  if (request_.budget_bytes < 0) settings.negligible = kFewPages;
  settings.most_items = request_.most_indexes;
  const advise::Selection selection =
      advise::Select(items, statements, workload_, settings, memory_);
  for (const advise::Chosen& chosen : selection.chosen)
    chosen_.push_back(candidates[static_cast<std::size_t>(chosen.item)]);
  advice_.cost_before = selection.cost_before;
  advice_.cost_after = selection.cost_after;
  advice_.upkeep = selection.upkeep;
  advice_.bound = selection.bound;
}

// The statement with the first, the first two ... of the chosen.
void Advisor::Credit(int number, std::pmr::vector<Step>& steps) {
  const Work& work = workload_.work(number);
  std::pmr::vector<ItemSet> sets(memory_);
  std::pmr::vector<std::size_t> ranks(memory_);
  ItemSet all = 0;
  sets.push_back(0);
  for (std::size_t rank = 0; rank < chosen_.size(); ++rank) {
    const auto at = std::find(work.items.begin(), work.items.end(), chosen_[rank]);
    if (at == work.items.end()) continue;
    all |= ItemSet{1} << (at - work.items.begin());
    ranks.push_back(rank);
    sets.push_back(all);
  }
  if (all == 0 || work.failed) return;
  // With all of them as the server would plan it; the joins that finds serve the others.
  advise::PlannedSet whole;
  workload_.PlanExactly(number, all, &whole);
  std::pmr::vector<advise::PlannedSet> planned(sets.size(), memory_);
  workload_.Plan(number, sets, planned);
  planned.back() = whole;
  for (std::size_t n = 0; n < ranks.size(); ++n) {
    const ItemSet bit = sets[n + 1] & ~sets[n];
    if ((planned[n + 1].used & bit) == 0) continue;
    steps.push_back({static_cast<int>(ranks[n]), &work, planned[n].cost, planned[n + 1].cost});
  }
}

void Advisor::Report() {
  std::pmr::vector<Step> steps(memory_);
  double cost = 0;  // by calls
  tell_phase(ProgressPhase::kPlanningWithChosen,
             static_cast<std::int64_t>(workload_.works().size()));
  for (std::size_t i = 0; i < workload_.works().size(); ++i) {
    tell_statement_done();
    const Work& work = workload_.work(static_cast<int>(i));
    cost += work.cost_before * work.calls_per_day;
    Credit(static_cast<int>(i), steps);
  }
  const double floor = Floor();
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step& a, const Step& b) { return a.rank < b.rank; });
  for (std::size_t rank = 0; rank < chosen_.size(); ++rank) {
    const auto mine = [&](const Step& step) { return step.rank == static_cast<int>(rank); };
    const auto first = std::find_if(steps.begin(), steps.end(), mine);
    const auto end = std::find_if_not(first, steps.end(), mine);
    double saved = 0;
    for (auto step = first; step != end; ++step)
      saved += step->work->Saved(step->before, step->after);
    if (!request_.given && saved - workload_.at(chosen_[rank]).write_ms_per_day < floor) continue;
    if (first == end) continue;
    ReportOne(chosen_[rank], {first, end}, &cost);
  }
}

void Advisor::ReportOne(int candidate, std::span<const Step> steps, double* cost) {
  const Pooled& pooled = workload_.at(candidate);
  const Table* table = snapshot_.FindTable(pooled.candidate.table);
  if (table == nullptr) return;
  AdvisedIndex& advised = advice_.indexes.emplace_back(advice_.indexes.get_allocator().resource());
  ProposedIndex& proposed = advised.proposed;
  proposed.table = table->oid;
  // Named last: what was not chosen must not change the names of what was.
  names_.push_back(ChooseName(snapshot_, pooled.candidate, names_, memory_));
  proposed.definition =
      snapshot_.Intern(Definition(snapshot_, pooled.candidate, names_.back(), memory_));
  std::pmr::string name(memory_);
  text::AppendIdentifier(name, names_.back());
  proposed.name = snapshot_.Intern(name);
  proposed.columns = snapshot_.Intern(Columns(pooled.candidate, memory_));
  proposed.predicted_bytes = static_cast<std::int64_t>(pooled.bytes);
  // As the migration's estimate: the heap is read once, the index sorted and written.
  const MigrationFacts rates;
  proposed.predicted_build_ms =
      (static_cast<double>(workload_.HeapBytes(*table)) / rates.scan_bytes_per_second +
       pooled.bytes / rates.build_bytes_per_second) *
      1e3;
  proposed.write_ms_per_day = pooled.write_ms_per_day;
  proposed.held = pooled.candidate.held;
  std::pmr::vector<ProposedIndex::Helped> helped(memory_);
  advised.cost_before = *cost;
  double executions = 0, days = 0;
  for (const Step& step : steps) {
    const Work& work = *step.work;
    *cost -= (step.before - step.after) * work.calls_per_day;
    const double ms =
        request_.given ? step.before - step.after : work.Saved(step.before, step.after);
    if (ms <= 0) continue;
    helped.push_back({work.query_id, work.user, work.calls_per_day,
                      work.statement == nullptr ? 0 : work.statement->mean_ms, step.before,
                      step.after, ms});
    if (work.statement == nullptr) continue;
    executions += static_cast<double>(work.statement->calls);
    days = std::max(days, (snapshot_.server.now - work.statement->first_seen) / 86400);
  }
  advised.cost_after = *cost;
  advised.confidence = request_.given ? 1 : rules::Confidence(executions, days);
  std::stable_sort(helped.begin(), helped.end(), [](const auto& a, const auto& b) {
    return a.saved_ms_per_day > b.saved_ms_per_day;
  });
  proposed.helped = snapshot_.Keep(std::span<const ProposedIndex::Helped>(helped));
  snapshot_.ForEachIndexOf(table->oid, [&](const Index& index) {
    if (advise::DoesWorkOf(pooled.candidate, index)) advised.redundant.push_back(&index);
  });
}

}  // namespace

Advice AdviseIndexes(Snapshot& snapshot, const AdviceRequest& request,
                     std::pmr::memory_resource* out) {
  Advice advice(out);
  MemoryContext keep = nullptr, scratch = nullptr;
  Guarded([&] {
    keep = AllocSetContextCreateInternal(CurrentMemoryContext, "assist index advisor",
                                         ALLOCSET_DEFAULT_SIZES);
    scratch =
        AllocSetContextCreateInternal(keep, "assist index advisor plans", ALLOCSET_DEFAULT_SIZES);
  });
  {
    ContextResource memory(keep);
    Workload workload(snapshot, keep, scratch, &memory, request);
    Advisor(snapshot, workload, request, advice).Run();
  }
  // After an error both stay for the caller's context: the error's data is in one of them.
  Guarded([&] { MemoryContextDelete(keep); });
  return advice;
}

void ProposeIndexes(Snapshot& snapshot) {
  snapshot.proposed_indexes.clear();
  snapshot.unplanned.clear();
  snapshot.unserved.clear();
  const ScopedContext context("assist proposed indexes");
  ContextResource memory(context.get());
  AdviceRequest request;
  request.most_indexes = kMaxProposals;
  for (const AdvisedIndex& advised : AdviseIndexes(snapshot, request, &memory).indexes)
    snapshot.proposed_indexes.push_back(advised.proposed);
}

}  // namespace assist::pg
