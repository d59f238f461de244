// The index advisor.
//
// For every statement worth it: its cost as it is and with each candidate in place (exact planner calls, a
// few dozen microseconds each). Then greedily the candidate with the greatest net saving over all
// statements; after each choice the statements it serves are planned again with it in place, so that what
// is left to gain is counted once. At the end the chosen ones are replayed in order: what each saves with
// its predecessors in place is what it is credited with.
//
// Costs become milliseconds by the statement's own measure: observed time over the estimated costs of the
// plans that took it.

#include "pg/index_advisor.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>

#include "core/advise/candidates.hpp"
#include "assist/migration.hpp"
#include "core/rules/support.hpp"
#include "core/text/text.hpp"

#include "pg/memory.hpp"
#include "pg/planning_query.hpp"
#include "pg/store_read.hpp"
#include "pg/whatif.hpp"
#include "pg/whatif_guard.hpp"

extern "C" {
#include "catalog/namespace.h"  // for RangeVarGetRelid
#include "miscadmin.h"          // for MyDatabaseId
#include "parser/parser.h"      // for raw_parser
}

namespace assist::pg {

namespace {

using advise::Candidate;

constexpr std::size_t kMaxStatements = 100;
constexpr std::size_t kMaxProposals = 20;
constexpr double kCpuBudgetMs = 5000;
constexpr double kMinStatementMs = 1;        // total time below which a statement is not looked at
constexpr double kMinWindowSeconds = 3600;   // a shorter observation is not stretched to a day as it is
constexpr double kMinSavedMsPerDay = 100;
constexpr double kMinCostDrop = 0.05;        // share of a statement's cost: below it is the planner's noise
// One more entry: 1.2 to 1.6 us measured with everything cached and WAL not flushed (300,000 rows, three
// kinds of keys), doubled for WAL and page reads. Removal by vacuum is cheaper.
constexpr double kWriteMs = 0.003;
constexpr double kDeleteMs = 0.001;
// Statements run less often are loads, not traffic.
constexpr std::int64_t kMinWriterCalls = 5;
// Below that the counters of a table speak of how it was filled.
constexpr double kCountersSpeakSeconds = 7 * 86400;

double CpuMs() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// A candidate over all statements.
struct Pooled {
  Candidate candidate;
  const char* definition;   // CREATE INDEX, palloc'ed
  double write_ms_per_day = 0;
  bool open = true;         // may still be chosen
  bool possible = true;     // CREATE INDEX accepts it
};

// A statement and what it would cost with which candidates.
struct Work {
  const Statement* statement = nullptr;
  const char* text = nullptr;
  const char* search_path = nullptr;
  Oid* types = nullptr;
  int ntypes = 0;
  double calls_per_day = 0;
  double ms_per_cost = 0;
  double cost_before = 0;             // as it is
  double cost_now = 0;                // with the chosen ones
  std::pmr::vector<int> relevant;     // pool positions
  std::pmr::vector<double> cost;      // with the chosen ones and that candidate
  double cost_all = 0;                // with all of them
  std::pmr::vector<int> used_by_all;  // pool positions in that plan
  bool failed = false;

  explicit Work(std::pmr::memory_resource* memory) : relevant(memory), cost(memory), used_by_all(memory) {}
  double Saved(double from, double to) const {
    if (from - to < from * kMinCostDrop) return 0;
    // The cost of one planning may be far from that of the executions: no more than all of their time.
    return std::min((from - to) * ms_per_cost, statement->mean_ms) * calls_per_day;
  }
};

struct Priced {
  double cost = 0;
  std::pmr::vector<int> used;
};

// Rows a day that observed statements write into a table.
struct Writer {
  Oid table;
  double inserted, updated, deleted;
};

// The target of INSERT, UPDATE, DELETE, MERGE and COPY FROM; InvalidOid = none.
Oid written_table(const char* text) {
  List* list = raw_parser(text, RAW_PARSE_DEFAULT);
  if (list_length(list) != 1) return InvalidOid;
  Node* statement = linitial_node(RawStmt, list)->stmt;
  if (IsA(statement, PrepareStmt)) statement = reinterpret_cast<PrepareStmt*>(statement)->query;
  const RangeVar* target = nullptr;
  if (IsA(statement, InsertStmt)) target = reinterpret_cast<InsertStmt*>(statement)->relation;
  if (IsA(statement, UpdateStmt)) target = reinterpret_cast<UpdateStmt*>(statement)->relation;
  if (IsA(statement, DeleteStmt)) target = reinterpret_cast<DeleteStmt*>(statement)->relation;
  if (IsA(statement, MergeStmt)) target = reinterpret_cast<MergeStmt*>(statement)->relation;
  if (IsA(statement, CopyStmt) && reinterpret_cast<CopyStmt*>(statement)->is_from)
    target = reinterpret_cast<CopyStmt*>(statement)->relation;
  return target == nullptr ? InvalidOid : RangeVarGetRelid(target, NoLock, true);
}

class Advisor {
 public:
  Advisor(Snapshot& snapshot, MemoryContext keep, MemoryContext scratch, std::pmr::memory_resource* memory)
      : snapshot_(snapshot), keep_(keep), scratch_(scratch), memory_(memory), works_(memory), pool_(memory),
        names_(memory), started_(CpuMs()) {}

  void Run() {
    CollectWriters();
    CollectWorks();
    for (Work& work : works_) {
      if (OutOfTime()) break;
      PriceAlone(work);
    }
    Choose();
    ChooseTogether();
    Report();
  }

 private:
  bool OutOfTime() const { return CpuMs() - started_ > kCpuBudgetMs; }

  void CollectWorks();
  bool ReadText(Work& work);
  int Pool(Work& work, const Candidate& candidate);
  void MeasureCost();
  void AddRelevant();
  void PriceAlone(Work& work);
  void PriceAgain(Work& work);
  template <typename F>
  bool InContext(Work& work, F&& f);
  bool Price(Work& work, const std::pmr::vector<std::pmr::vector<int>>& sets, std::pmr::vector<Priced>& out);
  void PriceInside(Work& work, const std::pmr::vector<std::pmr::vector<int>>& sets,
                   std::pmr::vector<Priced>& out);
  double Net(int candidate) const;
  void Take(int candidate);
  void Choose();
  void ChooseTogether();
  void Report();
  void ReportOne(int candidate, const std::pmr::vector<ProposedIndex::Helped>& helped);
  void CollectWriters();
  double WriteCost(Oid table) const;
  std::int64_t HeapBytes(const Table& root) const;
  bool IsPartOf(const Table& table, Oid root) const;
  bool Relevant(const Work& work, int candidate) const {
    return std::find(work.relevant.begin(), work.relevant.end(), candidate) != work.relevant.end();
  }
  std::pmr::vector<int> ChosenFor(const Work& work, std::size_t count) const {
    std::pmr::vector<int> set(memory_);
    for (std::size_t i = 0; i < count; ++i)
      if (Relevant(work, chosen_[i])) set.push_back(chosen_[i]);
    return set;
  }

  Snapshot& snapshot_;
  MemoryContext keep_, scratch_;
  std::pmr::memory_resource* memory_;
  std::pmr::vector<Work> works_;
  std::pmr::vector<Pooled> pool_;
  std::pmr::vector<std::pmr::string> names_;
  std::pmr::vector<int> chosen_{memory_};
  std::pmr::vector<Writer> writers_{memory_};
  double started_;
};

// Runs `f` as the statement's owner, with scratch_ current. False, and the statement is given up, when
// there was an error.
template <typename F>
bool Advisor::InContext(Work& work, F&& f) {
  const WhatIfIdentity identity = {work.statement->user, work.search_path};
  MemoryContext caller = MemoryContextSwitchTo(scratch_);
  try {
    InWhatIfContext(identity, f);
  } catch (const PgError& error) {
    // Its data is in scratch_, which lives on.
    if (error.data() == nullptr || error.is_interrupt()) throw;
    work.failed = true;
    Guarded([&] {
      ereport(DEBUG1, (errmsg_internal("index advisor: statement " INT64_FORMAT " is left out: %s",
                                       static_cast<int64>(work.statement->query_id), error.data()->message)));
    });
  }
  MemoryContextSwitchTo(caller);
  Guarded([&] { MemoryContextReset(scratch_); });
  return !work.failed;
}

// The table itself or a partition below it.
bool Advisor::IsPartOf(const Table& table, Oid root) const {
  const Table* each = &table;
  for (int level = 0; level < 32 && each != nullptr && each->oid != root; ++level)
    each = each->parent == 0 ? nullptr : snapshot_.FindTable(each->parent);
  return each != nullptr && each->oid == root;
}

std::int64_t Advisor::HeapBytes(const Table& root) const {
  std::int64_t bytes = 0;
  for (const Table& table : snapshot_.tables)
    if (IsPartOf(table, root.oid)) bytes += table.size_bytes;
  return bytes;
}

// Which table each observed writing statement writes.
void Advisor::CollectWriters() {
  for (const Statement& statement : snapshot_.statements) {
    const bool inserts = statement.command == "INSERT" || statement.command == "COPY";
    const bool updates = statement.command == "UPDATE" || statement.command == "MERGE";
    if (!inserts && !updates && statement.command != "DELETE") continue;
    if (statement.calls < kMinWriterCalls || statement.rows <= 0) continue;
    if (OutOfTime()) return;
    Work work(memory_);
    work.statement = &statement;
    if (!ReadText(work)) continue;
    Oid target = InvalidOid;
    InContext(work, [&] {
      Guarded([&] { target = written_table(work.text); });
    });
    if (target == InvalidOid) continue;
    const double seconds = std::max(kMinWindowSeconds, snapshot_.server.now - statement.first_seen);
    const double rows = statement.rows * rules::kSecondsPerDay / seconds;
    writers_.push_back({target, inserts ? rows : 0, updates ? rows : 0, inserts || updates ? 0 : rows});
  }
}

// What keeping one more index of the table costs a day: from its counters when they cover a week, else
// from the writing statements observed. Updates that are heap-only now are taken to stay so: whether they
// touch the new keys is not known.
double Advisor::WriteCost(Oid oid) const {
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

// Its position in the pool; -1 when CREATE INDEX would refuse it, as an expression that is not immutable.
int Advisor::Pool(Work& work, const Candidate& candidate) {
  for (std::size_t i = 0; i < pool_.size(); ++i)
    if (SameKeys(pool_[i].candidate, candidate)) return pool_[i].possible ? static_cast<int>(i) : -1;
  Pooled pooled;
  pooled.candidate = candidate;
  names_.push_back(ChooseName(snapshot_, candidate, names_, memory_));
  // Without CONCURRENTLY nothing differs for the planner.
  const std::pmr::string definition = Definition(snapshot_, candidate, names_.back(), memory_);
  Guarded([&] { pooled.definition = MemoryContextStrdup(keep_, definition.c_str()); });
  pooled.write_ms_per_day = WriteCost(candidate.table);
  pooled.possible = InContext(work, [&] {
    OwnedFunctionsOnly owned;
    Guarded([&] {
      HypotheticalSet* set = make_hypothetical_set();
      set->trusted = true;
      define_hypothetical_index(set, pooled.definition);
    });
  });
  work.failed = false;
  pool_.push_back(pooled);
  return pooled.possible ? static_cast<int>(pool_.size()) - 1 : -1;
}

bool Advisor::ReadText(Work& work) {
  const Statement& statement = *work.statement;
  MemoryContext caller = MemoryContextSwitchTo(keep_);
  bool found = false;
  try {
    Guarded([&] {
      PlanningText kept;
      const StatementKey key = {statement.user, MyDatabaseId, static_cast<uint64>(statement.query_id),
                                statement.top_level};
      if (!read_planning_text(key, 0, &kept) || kept.truncated || kept.text == nullptr) return;
      const PlanningQuery query = make_planning_query(kept);
      work.text = query.text;
      work.types = query.types;
      work.ntypes = query.ntypes;
      work.search_path = kept.search_path;
      found = true;
    });
  } catch (const PgError& error) {
    if (error.data() == nullptr || error.is_interrupt()) throw;
  }
  MemoryContextSwitchTo(caller);
  return found;
}

void Advisor::CollectWorks() {
  std::pmr::vector<const Statement*> statements(memory_);
  for (const Statement& statement : snapshot_.statements) {
    const std::string_view command = statement.command;
    if (statement.total_ms < kMinStatementMs || statement.calls <= 0) continue;
    if (command != "SELECT" && command != "UPDATE" && command != "DELETE" && command != "INSERT" &&
        command != "MERGE")
      continue;
    statements.push_back(&statement);
  }
  std::stable_sort(statements.begin(), statements.end(),
                   [](const Statement* a, const Statement* b) { return a->total_ms > b->total_ms; });
  for (const Statement* statement : statements) {
    if (works_.size() == kMaxStatements || OutOfTime()) break;
    const auto candidates = advise::FindCandidates(snapshot_, statement->query_id, statement->user, memory_);
    // Those without own candidates can still gain from another's: they share its table by a predicate.
    const bool any = std::any_of(snapshot_.predicates.begin(), snapshot_.predicates.end(), [&](const auto& p) {
      return p.query_id == statement->query_id && p.user == statement->user;
    });
    if (!any) continue;
    Work work(memory_);
    work.statement = statement;
    if (!ReadText(work)) continue;
    const double seconds = std::max(kMinWindowSeconds, snapshot_.server.now - statement->first_seen);
    work.calls_per_day = static_cast<double>(statement->calls) * rules::kSecondsPerDay / seconds;
    for (const Candidate& candidate : candidates) {
      const int pooled = Pool(work, candidate);
      if (pooled >= 0) work.relevant.push_back(pooled);
    }
    works_.push_back(std::move(work));
  }
  AddRelevant();
  MeasureCost();
}

// What a cost unit of each statement took: observed time over the costs its plans were estimated at when
// they ran. The cost of now would not do: with an index built meanwhile it is small, the mean still large.
void Advisor::MeasureCost() {
  if (works_.empty() || store() == nullptr) return;
  std::pmr::vector<double> cost(works_.size(), 0.0, memory_), ms(works_.size(), 0.0, memory_);
  for (const PlanRow& plan : ReadPlans()) {
    if (plan.key.dbid != MyDatabaseId || plan.estimated_cost <= 0) continue;
    for (std::size_t i = 0; i < works_.size(); ++i) {
      const Statement& statement = *works_[i].statement;
      if (static_cast<std::int64_t>(plan.key.queryid) != statement.query_id || plan.key.userid != statement.user ||
          plan.key.toplevel != statement.top_level)
        continue;
      cost[i] += plan.estimated_cost * static_cast<double>(plan.calls);
      ms[i] += static_cast<double>(plan.exec_ns) / 1e6;
    }
  }
  for (std::size_t i = 0; i < works_.size(); ++i)
    if (cost[i] > 0) works_[i].ms_per_cost = ms[i] / cost[i];
}

// A longer index of another statement that starts with the keys a statement wants serves it too.
void Advisor::AddRelevant() {
  for (Work& work : works_) {
    const std::size_t own = work.relevant.size();
    for (std::size_t i = 0; i < pool_.size(); ++i) {
      for (std::size_t j = 0; j < own; ++j) {
        if (Relevant(work, static_cast<int>(i)) ||
            !Covers(pool_[i].candidate, pool_[static_cast<std::size_t>(work.relevant[j])].candidate))
          continue;
        work.relevant.push_back(static_cast<int>(i));
        break;
      }
    }
  }
}

// Plans the statement once with each set of candidates. REQUIRES: in its owner's what-if context, scratch_
// current.
void Advisor::PriceInside(Work& work, const std::pmr::vector<std::pmr::vector<int>>& sets,
                          std::pmr::vector<Priced>& out) {
  OwnedFunctionsOnly owned;
  AnalyzedStatement statement;
  HypotheticalSet* all = nullptr;
  Guarded([&] {
    statement = analyze_statement(work.text, TextKind::kObserved, work.types, work.ntypes);
    check_function_owners(reinterpret_cast<Node*>(statement.queries));
    all = make_hypothetical_set();
    all->trusted = true;
  });
  std::pmr::vector<HypotheticalIndex*> defined(pool_.size(), nullptr, memory_);
  for (const auto& set : sets) {
    HypotheticalSet* view = nullptr;
    Guarded([&] {
      CHECK_FOR_INTERRUPTS();
      view = make_hypothetical_set();
    });
    for (const int i : set) {
      const auto position = static_cast<std::size_t>(i);
      Guarded([&] {
        if (defined[position] == nullptr) {
          defined[position] = define_hypothetical_index(all, pool_[position].definition);
          check_function_owners(reinterpret_cast<Node*>(defined[position]->expressions));
        }
        view->indexes = lappend(view->indexes, defined[position]);
      });
    }
    const PlannedStatement planned = PlanStatement(statement, view);
    Priced priced{planned.cost, std::pmr::vector<int>(memory_)};
    List* used = nullptr;
    Guarded([&] { used = used_indexes(planned, view); });
    for (const int i : set)
      if (list_member_ptr(used, defined[static_cast<std::size_t>(i)])) priced.used.push_back(i);
    out.push_back(std::move(priced));
  }
}

bool Advisor::Price(Work& work, const std::pmr::vector<std::pmr::vector<int>>& sets,
                    std::pmr::vector<Priced>& out) {
  return InContext(work, [&] { PriceInside(work, sets, out); });
}

void Advisor::PriceAlone(Work& work) {
  std::pmr::vector<std::pmr::vector<int>> sets(memory_);
  sets.emplace_back();
  for (const int i : work.relevant) sets.emplace_back(1, i);
  sets.push_back(work.relevant);
  std::pmr::vector<Priced> priced(memory_);
  if (!Price(work, sets, priced)) return;
  work.cost_before = work.cost_now = priced.front().cost;
  if (work.cost_before <= 0) {
    work.failed = true;
    return;
  }
  if (work.ms_per_cost <= 0) work.ms_per_cost = work.statement->mean_ms / work.cost_before;
  for (std::size_t i = 0; i < work.relevant.size(); ++i) work.cost.push_back(priced[i + 1].cost);
  work.cost_all = priced.back().cost;
  work.used_by_all = priced.back().used;
}

// With the chosen ones in place.
void Advisor::PriceAgain(Work& work) {
  std::pmr::vector<std::pmr::vector<int>> sets(memory_);
  const std::pmr::vector<int> chosen = ChosenFor(work, chosen_.size());
  sets.push_back(chosen);
  for (const int i : work.relevant) {
    sets.push_back(chosen);
    if (std::find(chosen.begin(), chosen.end(), i) == chosen.end() && pool_[static_cast<std::size_t>(i)].open)
      sets.back().push_back(i);
  }
  std::pmr::vector<Priced> priced(memory_);
  if (!Price(work, sets, priced)) return;
  work.cost_now = priced.front().cost;
  for (std::size_t i = 0; i < work.relevant.size(); ++i) work.cost[i] = priced[i + 1].cost;
}

// Milliseconds a day that the candidate still saves, its upkeep taken off.
double Advisor::Net(int candidate) const {
  double net = -pool_[static_cast<std::size_t>(candidate)].write_ms_per_day;
  for (const Work& work : works_) {
    if (work.failed || work.cost.empty()) continue;
    for (std::size_t i = 0; i < work.relevant.size(); ++i)
      if (work.relevant[i] == candidate) net += work.Saved(work.cost_now, work.cost[i]);
  }
  return net;
}

void Advisor::Take(int candidate) {
  const Candidate& taken = pool_[static_cast<std::size_t>(candidate)].candidate;
  // Chosen ones that it begins with are no longer needed.
  std::erase_if(chosen_, [&](int other) { return Covers(taken, pool_[static_cast<std::size_t>(other)].candidate); });
  chosen_.push_back(candidate);
  for (Pooled& pooled : pool_) {
    if (Covers(taken, pooled.candidate)) pooled.open = false;
  }
  for (Work& work : works_) {
    if (work.failed || work.cost.empty() || !Relevant(work, candidate) || OutOfTime()) continue;
    PriceAgain(work);
  }
}

void Advisor::Choose() {
  while (chosen_.size() < kMaxProposals && !OutOfTime()) {
    int best = -1;
    double best_net = kMinSavedMsPerDay;
    for (std::size_t i = 0; i < pool_.size(); ++i) {
      if (!pool_[i].open) continue;
      const double net = Net(static_cast<int>(i));
      // A key more must be worth it: within two per cent the shorter index is the better one.
      const bool shorter = best >= 0 && pool_[i].candidate.keys.size() <
                                            pool_[static_cast<std::size_t>(best)].candidate.keys.size();
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
  for (Work& work : works_) {
    if (work.failed || work.cost.empty() || work.used_by_all.size() < 2 || OutOfTime()) continue;
    if (chosen_.size() + work.used_by_all.size() > kMaxProposals) continue;
    double net = work.Saved(work.cost_now, work.cost_all);
    for (const int i : work.used_by_all) {
      if (pool_[static_cast<std::size_t>(i)].open) net -= pool_[static_cast<std::size_t>(i)].write_ms_per_day;
    }
    if (net < kMinSavedMsPerDay || work.cost_all > work.cost_now * 0.7) continue;
    for (const int i : std::pmr::vector<int>(work.used_by_all, memory_))
      if (pool_[static_cast<std::size_t>(i)].open) Take(i);
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
  for (Work& work : works_) {
    if (work.failed || work.cost.empty()) continue;
    const std::pmr::vector<int> chosen = ChosenFor(work, chosen_.size());
    if (chosen.empty()) continue;
    std::pmr::vector<std::pmr::vector<int>> sets(memory_);
    for (std::size_t n = 0; n <= chosen.size(); ++n)
      sets.emplace_back(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(n));
    std::pmr::vector<Priced> priced(memory_);
    if (!Price(work, sets, priced)) continue;
    const std::pmr::vector<int>& used = priced.back().used;
    // Savings are credited to what the last plan uses; one that only a predecessor's plan used gets none.
    double before = priced.front().cost;
    for (std::size_t n = 0; n < chosen.size(); ++n) {
      if (std::find(used.begin(), used.end(), chosen[n]) == used.end()) continue;
      const double after = std::min(before, priced[n + 1].cost);
      steps.push_back({chosen[n], &work, before, after});
      before = after;
    }
    if (!steps.empty() && steps.back().work == &work) steps.back().after = std::min(steps.back().after, priced.back().cost);
  }
  for (const int candidate : chosen_) {
    Pooled& pooled = pool_[static_cast<std::size_t>(candidate)];
    std::pmr::vector<ProposedIndex::Helped> helped(memory_);
    double saved = 0;
    for (const Step& step : steps) {
      if (step.candidate != candidate) continue;
      const double ms = step.work->Saved(step.before, step.after);
      if (ms <= 0) continue;
      helped.push_back({step.work->statement->query_id, step.work->statement->user, step.work->calls_per_day,
                        step.work->statement->mean_ms, step.before, step.after, ms});
      saved += ms;
    }
    if (saved - pooled.write_ms_per_day < kMinSavedMsPerDay) continue;
    std::stable_sort(helped.begin(), helped.end(), [](const auto& a, const auto& b) {
      return a.saved_ms_per_day > b.saved_ms_per_day;
    });
    ReportOne(candidate, helped);
  }
}

void Advisor::ReportOne(int candidate, const std::pmr::vector<ProposedIndex::Helped>& helped) {
  const Pooled& pooled = pool_[static_cast<std::size_t>(candidate)];
  const Table* table = snapshot_.FindTable(pooled.candidate.table);
  if (table == nullptr) return;
  int64 bytes = 0;
  MemoryContext caller = MemoryContextSwitchTo(scratch_);
  try {
    InWhatIfContext({table->owner, nullptr}, [&] {
      OwnedFunctionsOnly owned;
      Guarded([&] {
        HypotheticalSet* set = make_hypothetical_set();
        set->trusted = true;
        bytes = predicted_index_bytes(set, define_hypothetical_index(set, pooled.definition));
      });
    });
  } catch (const PgError& error) {
    if (error.data() == nullptr || error.is_interrupt()) throw;
  }
  MemoryContextSwitchTo(caller);
  Guarded([&] { MemoryContextReset(scratch_); });
  if (bytes == 0) return;

  ProposedIndex proposed;
  proposed.table = table->oid;
  proposed.definition = snapshot_.Intern(pooled.definition);
  std::pmr::string name(memory_);
  text::AppendIdentifier(name, names_[static_cast<std::size_t>(candidate)]);
  proposed.name = snapshot_.Intern(name);
  const std::pmr::string keys = KeyList(pooled.candidate, memory_);
  proposed.columns = snapshot_.Intern(std::string_view(keys).substr(1, keys.size() - 2));
  proposed.predicted_bytes = bytes;
  // As the migration's estimate: the heap is read once, the index sorted and written.
  const MigrationFacts rates;
  proposed.predicted_build_ms = (static_cast<double>(HeapBytes(*table)) / rates.scan_bytes_per_second +
                                 static_cast<double>(bytes) / rates.build_bytes_per_second) * 1e3;
  proposed.helped = snapshot_.Keep(std::span<const ProposedIndex::Helped>(helped));
  proposed.write_ms_per_day = pooled.write_ms_per_day;
  snapshot_.proposed_indexes.push_back(proposed);
}

}  // namespace

void ProposeIndexes(Snapshot& snapshot) {
  snapshot.proposed_indexes.clear();
  MemoryContext keep = nullptr, scratch = nullptr;
  Guarded([&] {
    keep = AllocSetContextCreateInternal(CurrentMemoryContext, "assist index advisor", ALLOCSET_DEFAULT_SIZES);
    scratch = AllocSetContextCreateInternal(keep, "assist index advisor plans", ALLOCSET_DEFAULT_SIZES);
  });
  {
    ContextResource memory(keep);
    Advisor(snapshot, keep, scratch, &memory).Run();
  }
  // After an error both stay for the caller's context: the error's data is in one of them.
  Guarded([&] { MemoryContextDelete(keep); });
}

}  // namespace assist::pg
