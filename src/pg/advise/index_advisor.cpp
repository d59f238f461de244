// The index advisor.
//
// For every statement worth it: its cost as it is and with each candidate in place (exact planner
// calls, a few dozen microseconds each). Then greedily the candidate with the greatest net saving
// over all statements; after each choice the statements it serves are planned again with it in
// place, so that what is left to gain is counted once. At the end the chosen ones are replayed in
// order: what each saves with its predecessors in place is what it is credited with.
//
// Costs become milliseconds by the statement's own measure: observed time over the estimated costs
// of the plans that took it.

#include "pg/advise/index_advisor.hpp"

#include <algorithm>

#include "assist/migration.hpp"
#include "core/text/text.hpp"

#include "pg/guard.hpp"
#include "pg/advise/index_advisor_work.hpp"
#include "pg/memory.hpp"

namespace assist::pg {

namespace {

constexpr std::size_t kMaxProposals = 20;
constexpr double kMinSavedMsPerDay = 100;
constexpr double kMinShare = 0.002;  // of database time

class Advisor {
 public:
  Advisor(Snapshot& snapshot, Workload& workload)
      : snapshot_(snapshot),
        workload_(workload),
        memory_(workload.memory()),
        floor_(std::max(kMinSavedMsPerDay, kMinShare * snapshot.server.database_ms_per_day)),
        chosen_(memory_),
        names_(memory_) {}

  void Run() {
    workload_.Collect();
    Choose();
    ChooseTogether();
    Report();
    workload_.ReportUnplanned(snapshot_.unplanned);
  }

 private:
  double Net(int candidate);
  void Take(int candidate);
  void Choose();
  void ChooseTogether();
  void Report();
  void ReportOne(int candidate, const std::pmr::vector<ProposedIndex::Helped>& helped);

  Snapshot& snapshot_;
  Workload& workload_;
  std::pmr::memory_resource* memory_;
  double floor_;  // ms a day, net, that a proposal has to save
  Positions chosen_;
  std::pmr::vector<std::pmr::string> names_;  // given so far
};

// Milliseconds a day that the candidate still saves, its upkeep taken off.
double Advisor::Net(int candidate) {
  double net = -workload_.at(candidate).write_ms_per_day;
  for (const Work& work : workload_.works()) {
    if (!work.priced()) continue;
    for (std::size_t i = 0; i < work.relevant.size(); ++i)
      if (work.relevant[i] == candidate) net += work.Saved(work.cost_now, work.cost[i]);
  }
  return net;
}

void Advisor::Take(int candidate) {
  const Candidate& taken = workload_.at(candidate).candidate;
  // It takes the place of the first chosen one that it begins with; the others go.
  const auto covered = [&](int other) { return Covers(taken, workload_.at(other).candidate); };
  const auto first = std::find_if(chosen_.begin(), chosen_.end(), covered);
  const auto position = first - chosen_.begin();
  std::erase_if(chosen_, covered);
  chosen_.insert(chosen_.begin() + position, candidate);
  for (Pooled& pooled : workload_.pool()) {
    if (Covers(taken, pooled.candidate)) pooled.open = false;
  }
  for (Work& work : workload_.works()) {
    if (!work.priced() || !work.Wants(candidate) || workload_.OutOfTime()) continue;
    workload_.PriceAgain(work, chosen_);
  }
}

void Advisor::Choose() {
  while (chosen_.size() < kMaxProposals && !workload_.OutOfTime()) {
    int best = -1;
    double best_net = floor_;
    for (std::size_t i = 0; i < workload_.pool().size(); ++i) {
      if (!workload_.pool()[i].open) continue;
      const double net = Net(static_cast<int>(i));
      // A key more must be worth it: within two per cent the shorter index is the better one.
      const bool shorter = best >= 0 && workload_.pool()[i].candidate.keys.size() <
                                            workload_.at(best).candidate.keys.size();
      if (best < 0 ? net > best_net : net > best_net * (shorter ? 0.98 : 1.0 / 0.98)) {
        best = static_cast<int>(i);
        best_net = net;
      }
    }
    if (best < 0) return;
    Take(best);
  }
}

// Indexes that pay only together, as on both sides of a join: what the plan with all of them uses.
void Advisor::ChooseTogether() {
  for (Work& work : workload_.works()) {
    if (!work.priced() || work.used_by_all.size() < 2 || workload_.OutOfTime()) continue;
    if (chosen_.size() + work.used_by_all.size() > kMaxProposals) continue;
    double net = work.Saved(work.cost_now, work.cost_all);
    for (const int i : work.used_by_all) {
      if (workload_.at(i).open) net -= workload_.at(i).write_ms_per_day;
    }
    if (net < floor_ || work.cost_all > work.cost_now * 0.7) continue;
    for (const int i : Positions(work.used_by_all, memory_))
      if (workload_.at(i).open) Take(i);
  }
}

void Advisor::Report() {
  // Each statement with the first, the first two ... of the chosen: what every one adds.
  struct Step {
    int candidate;
    Work* work;
    double before, after;
  };
  std::pmr::vector<Step> steps(memory_);
  for (Work& work : workload_.works()) {
    if (!work.priced()) continue;
    Positions chosen(memory_);
    for (const int i : chosen_)
      if (work.Wants(i)) chosen.push_back(i);
    if (chosen.empty()) continue;
    std::pmr::vector<Positions> sets(memory_);
    for (std::size_t n = 0; n <= chosen.size(); ++n)
      sets.emplace_back(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(n));
    std::pmr::vector<Priced> priced(memory_);
    if (!workload_.Price(work, sets, priced)) continue;
    // Each is credited with what it takes off the cost with its predecessors in place.
    for (std::size_t n = 0; n < chosen.size(); ++n) {
      const Positions& used = priced[n + 1].used;
      if (std::find(used.begin(), used.end(), chosen[n]) == used.end()) continue;
      steps.push_back({chosen[n], &work, priced[n].cost, priced[n + 1].cost});
    }
  }
  for (const int candidate : chosen_) {
    Pooled& pooled = workload_.at(candidate);
    std::pmr::vector<ProposedIndex::Helped> helped(memory_);
    double saved = 0;
    for (const Step& step : steps) {
      if (step.candidate != candidate) continue;
      const double ms = step.work->Saved(step.before, step.after);
      if (ms <= 0) continue;
      helped.push_back({step.work->statement->query_id, step.work->statement->user,
                        step.work->calls_per_day, step.work->statement->mean_ms, step.before,
                        step.after, ms});
      saved += ms;
    }
    if (saved - pooled.write_ms_per_day < floor_) continue;
    std::stable_sort(helped.begin(), helped.end(), [](const auto& a, const auto& b) {
      return a.saved_ms_per_day > b.saved_ms_per_day;
    });
    ReportOne(candidate, helped);
  }
}

void Advisor::ReportOne(int candidate, const std::pmr::vector<ProposedIndex::Helped>& helped) {
  const Pooled& pooled = workload_.at(candidate);
  const Table* table = snapshot_.FindTable(pooled.qualified.table);
  const std::int64_t bytes = workload_.IndexBytes(candidate);
  if (table == nullptr) return;
  if (bytes == 0) {
    for (const ProposedIndex::Helped& one : helped) snapshot_.unplanned.push_back(one.query_id);
    return;
  }
  ProposedIndex proposed;
  proposed.table = table->oid;
  // Named last: what was not chosen must not change the names of what was.
  names_.push_back(ChooseName(snapshot_, pooled.qualified, names_, memory_));
  proposed.definition =
      snapshot_.Intern(Definition(snapshot_, pooled.qualified, names_.back(), memory_));
  std::pmr::string name(memory_);
  text::AppendIdentifier(name, names_.back());
  proposed.name = snapshot_.Intern(name);
  const std::pmr::string keys = KeyList(pooled.qualified, memory_);
  proposed.columns = snapshot_.Intern(std::string_view(keys).substr(1, keys.size() - 2));
  proposed.predicted_bytes = bytes;
  // As the migration's estimate: the heap is read once, the index sorted and written.
  const MigrationFacts rates;
  proposed.predicted_build_ms =
      (static_cast<double>(workload_.HeapBytes(*table)) / rates.scan_bytes_per_second +
       static_cast<double>(bytes) / rates.build_bytes_per_second) *
      1e3;
  proposed.helped = snapshot_.Keep(std::span<const ProposedIndex::Helped>(helped));
  proposed.write_ms_per_day = pooled.write_ms_per_day;
  snapshot_.proposed_indexes.push_back(proposed);
}

}  // namespace

void ProposeIndexes(Snapshot& snapshot) {
  snapshot.proposed_indexes.clear();
  snapshot.unplanned.clear();
  MemoryContext keep = nullptr, scratch = nullptr;
  Guarded([&] {
    keep = AllocSetContextCreateInternal(CurrentMemoryContext, "assist index advisor",
                                         ALLOCSET_DEFAULT_SIZES);
    scratch =
        AllocSetContextCreateInternal(keep, "assist index advisor plans", ALLOCSET_DEFAULT_SIZES);
  });
  {
    ContextResource memory(keep);
    Workload workload(snapshot, keep, scratch, &memory);
    Advisor(snapshot, workload).Run();
  }
  // After an error both stay for the caller's context: the error's data is in one of them.
  Guarded([&] { MemoryContextDelete(keep); });
}

}  // namespace assist::pg
