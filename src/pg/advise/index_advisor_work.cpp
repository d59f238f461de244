// What the index advisor weighs: statements, candidates, prices.

#include "pg/advise/index_advisor_work.hpp"

#include <ctime>

#include "core/rule_support.hpp"

#include "pg/whatif/planning_query.hpp"
#include "pg/whatif/planning_standin.hpp"
#include "pg/time_limit.hpp"
#include "pg/whatif/whatif.hpp"
#include "pg/whatif/whatif_guard.hpp"

extern "C" {
#include "catalog/namespace.h"  // for RangeVarGetRelid
#include "miscadmin.h"          // for MyDatabaseId
#include "parser/parser.h"      // for raw_parser
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"  // for deparse_expression
}

namespace assist::pg {

namespace {

constexpr std::size_t kMaxStatements = 100;
constexpr double kCpuBudgetMs = 5000;
// For one statement: functions that it calls may take any time.
constexpr int kStatementLimitMs = 2000;
// Each waited kWhatIfLockTimeoutMs or kStatementLimitMs: then the tables are better left alone for now.
constexpr int kMaxWaits = 5;
constexpr double kMinStatementMs = 1;  // total time below which a statement is not looked at
// Statements run less often are loads, not traffic.
constexpr std::int64_t kMinWriterCalls = 5;

double CpuMs() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

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

// Whether the same statement may well be planned the next time.
bool passes(int sqlstate) {
  return sqlstate == ERRCODE_LOCK_NOT_AVAILABLE || sqlstate == ERRCODE_QUERY_CANCELED ||
         ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INSUFFICIENT_RESOURCES;
}

}  // namespace

Workload::Workload(const Snapshot& snapshot, MemoryContext keep, MemoryContext scratch,
                   std::pmr::memory_resource* memory)
    : snapshot_(snapshot),
      keep_(keep),
      scratch_(scratch),
      memory_(memory),
      works_(memory),
      pool_(memory),
      writers_(memory),
      started_(CpuMs()),
      unplanned_(memory) {}

bool Workload::OutOfTime() const {
  return CpuMs() - started_ > kCpuBudgetMs || waits_ >= kMaxWaits;
}

void Workload::Collect() {
  CollectWriters();
  CollectWorks();
  AddRelevant();
  MeasureCost();
  for (Work& work : works_) {
    if (OutOfTime()) break;
    PriceAlone(work);
  }
}

// Runs `f` as the statement's owner, with scratch_ current. False, and the statement is given up,
// when there was an error.
template <typename F>
bool Workload::InContext(Work& work, F&& f) {
  const WhatIfIdentity identity = {work.statement->user, work.search_path};
  MemoryContext caller = MemoryContextSwitchTo(scratch_);
  TimeLimit limit(kStatementLimitMs);
  try {
    InWhatIfContext(identity, f);
  } catch (const PgError& error) {
    // Its data is in scratch_, which lives on.
    const bool too_long = limit.Exceeded(error);
    if (error.data() == nullptr || (error.is_interrupt() && !too_long)) throw;
    work.failed = true;
    if (passes(error.sqlstate())) unplanned_.push_back(work.statement->query_id);
    if (too_long) ++waits_;
    if (error.sqlstate() == ERRCODE_LOCK_NOT_AVAILABLE && ++waits_ >= kMaxWaits) throw;
    Guarded([&] {
      ereport(DEBUG1, (errmsg_internal("index advisor: statement " INT64_FORMAT " is left out: %s",
                                       static_cast<int64>(work.statement->query_id),
                                       error.data()->message)));
    });
  }
  MemoryContextSwitchTo(caller);
  Guarded([&] { MemoryContextReset(scratch_); });
  return !work.failed;
}

void Workload::ReportUnplanned(std::pmr::vector<std::int64_t>& query_ids) const {
  query_ids.insert(query_ids.end(), unplanned_.begin(), unplanned_.end());
  for (const Work& work : works_)
    if (!work.failed && !work.planned) query_ids.push_back(work.statement->query_id);
}

// Which table each observed writing statement writes.
void Workload::CollectWriters() {
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
    InContext(work, [&] { Guarded([&] { target = written_table(work.text); }); });
    if (target == InvalidOid) continue;
    const double seconds = std::max(kMinWindowSeconds, snapshot_.server.now - statement.first_seen);
    const double rows = statement.rows * rules::kSecondsPerDay / seconds;
    writers_.push_back(
        {target, inserts ? rows : 0, updates ? rows : 0, inserts || updates ? 0 : rows});
  }
}

// Its position in the pool; -1 when CREATE INDEX would refuse it, as an expression that is not
// immutable.
int Workload::Pool(Work& work, const Candidate& candidate) {
  for (std::size_t i = 0; i < pool_.size(); ++i)
    if (SameKeys(pool_[i].candidate, candidate))
      return pool_[i].possible ? static_cast<int>(i) : -1;
  Pooled pooled;
  pooled.candidate = candidate;
  pooled.qualified = candidate;
  pooled.write_ms_per_day = WriteCost(candidate.table);
  const std::pmr::string written = Definition(snapshot_, candidate, "", memory_);
  pooled.possible = InContext(work, [&] {
    OwnedFunctionsOnly owned;
    Guarded([&] {
      HypotheticalSet* set = make_hypothetical_set();
      set->trusted = true;
      const HypotheticalIndex* index = define_hypothetical_index(set, written.c_str());
      search_catalog_only();
      List* context = deparse_context_for(get_rel_name(index->relation), index->relation);
      ListCell* cell = list_head(index->expressions);
      for (CandidateKey& key : pooled.qualified.keys) {
        if (key.column != 0 || cell == nullptr) continue;
        const char* text =
            deparse_expression(static_cast<Node*>(lfirst(cell)), context, false, false);
        key.text = MemoryContextStrdup(keep_, text);
        cell = lnext(index->expressions, cell);
      }
    });
  });
  work.failed = false;
  const std::pmr::string definition = Definition(snapshot_, pooled.qualified, "", memory_);
  Guarded([&] { pooled.definition = MemoryContextStrdup(keep_, definition.c_str()); });
  pool_.push_back(pooled);
  return pooled.possible ? static_cast<int>(pool_.size()) - 1 : -1;
}

bool Workload::ReadText(Work& work) {
  const Statement& statement = *work.statement;
  MemoryContext caller = MemoryContextSwitchTo(keep_);
  bool found = false;
  try {
    Guarded([&] {
      PlanningText kept;
      const StatementKey key = {statement.user, MyDatabaseId,
                                static_cast<uint64>(statement.query_id), statement.top_level};
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

void Workload::CollectWorks() {
  std::pmr::vector<const Statement*> statements(memory_);
  for (const Statement& statement : snapshot_.statements) {
    const std::string_view command = statement.command;
    if (statement.total_ms < kMinStatementMs || statement.calls <= 0) continue;
    if (command != "SELECT" && command != "UPDATE" && command != "DELETE" && command != "INSERT" &&
        command != "MERGE")
      continue;
    statements.push_back(&statement);
  }
  std::stable_sort(
      statements.begin(), statements.end(),
      [](const Statement* a, const Statement* b) { return a->total_ms > b->total_ms; });
  for (const Statement* statement : statements) {
    if (works_.size() == kMaxStatements) break;
    if (OutOfTime()) {
      unplanned_.push_back(statement->query_id);
      continue;
    }
    const auto candidates =
        advise::FindCandidates(snapshot_, statement->query_id, statement->user, memory_);
    // Those without own candidates can still gain from another's: they share its table by a
    // predicate.
    const bool any =
        std::any_of(snapshot_.predicates.begin(), snapshot_.predicates.end(), [&](const auto& p) {
          return p.query_id == statement->query_id && p.user == statement->user;
        });
    if (!any) continue;
    Work work(memory_);
    work.statement = statement;
    if (!ReadText(work)) continue;
    const double seconds =
        std::max(kMinWindowSeconds, snapshot_.server.now - statement->first_seen);
    work.calls_per_day = static_cast<double>(statement->calls) * rules::kSecondsPerDay / seconds;
    for (const Candidate& candidate : candidates) {
      const int pooled = Pool(work, candidate);
      if (pooled >= 0) work.relevant.push_back(pooled);
    }
    works_.push_back(std::move(work));
  }
}

// A longer index of another statement that starts with the keys a statement wants serves it too.
void Workload::AddRelevant() {
  for (Work& work : works_) {
    const std::size_t own = work.relevant.size();
    for (std::size_t i = 0; i < pool_.size(); ++i) {
      for (std::size_t j = 0; j < own; ++j) {
        if (work.Wants(static_cast<int>(i)) ||
            !Covers(pool_[i].candidate,
                    pool_[static_cast<std::size_t>(work.relevant[j])].candidate))
          continue;
        work.relevant.push_back(static_cast<int>(i));
        break;
      }
    }
  }
}

// Plans the statement once with each set of candidates. REQUIRES: in its owner's what-if context,
// scratch_ current.
void Workload::PriceInside(Work& work, const std::pmr::vector<Positions>& sets,
                           std::pmr::vector<Priced>& out) {
  OwnedFunctionsOnly owned;
  AnalyzedStatement statement;
  const std::pmr::vector<MeasuredRange> measured = MeasureRanges(*work.statement);
  HypotheticalSet* all = nullptr;
  Guarded([&] {
    statement = analyze_statement(work.text, TextKind::kObserved, work.types, work.ntypes);
    check_function_owners(reinterpret_cast<Node*>(statement.queries));
    if (statement.generic)
      statement.params =
          stand_in_values(statement.queries, measured.data(), static_cast<int>(measured.size()));
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
    Priced priced{planned.cost, Positions(memory_)};
    List* used = nullptr;
    Guarded([&] { used = used_indexes(planned, view); });
    for (const int i : set)
      if (list_member_ptr(used, defined[static_cast<std::size_t>(i)])) priced.used.push_back(i);
    out.push_back(std::move(priced));
  }
}

bool Workload::Price(Work& work, const std::pmr::vector<Positions>& sets,
                     std::pmr::vector<Priced>& out) {
  return InContext(work, [&] { PriceInside(work, sets, out); });
}

void Workload::PriceAlone(Work& work) {
  std::pmr::vector<Positions> sets(memory_);
  sets.emplace_back();
  for (const int i : work.relevant) sets.emplace_back(1, i);
  sets.push_back(work.relevant);
  std::pmr::vector<Priced> priced(memory_);
  if (!Price(work, sets, priced)) return;
  work.planned = true;
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
void Workload::PriceAgain(Work& work, const Positions& all_chosen) {
  std::pmr::vector<Positions> sets(memory_);
  Positions chosen(memory_);
  for (const int i : all_chosen)
    if (work.Wants(i)) chosen.push_back(i);
  sets.push_back(chosen);
  for (const int i : work.relevant) {
    sets.push_back(chosen);
    if (std::find(chosen.begin(), chosen.end(), i) == chosen.end() && at(i).open)
      sets.back().push_back(i);
  }
  std::pmr::vector<Priced> priced(memory_);
  if (!Price(work, sets, priced)) return;
  work.cost_now = priced.front().cost;
  for (std::size_t i = 0; i < work.relevant.size(); ++i) work.cost[i] = priced[i + 1].cost;
}

std::int64_t Workload::IndexBytes(int candidate) {
  const Table* table = snapshot_.FindTable(at(candidate).candidate.table);
  if (table == nullptr) return 0;
  Work asker(memory_);
  Statement statement;
  statement.user = table->owner;
  asker.statement = &statement;
  int64 bytes = 0;
  InContext(asker, [&] {
    OwnedFunctionsOnly owned;
    Guarded([&] {
      HypotheticalSet* set = make_hypothetical_set();
      set->trusted = true;
      bytes = predicted_index_bytes(set, define_hypothetical_index(set, at(candidate).definition));
    });
  });
  return bytes;
}

}  // namespace assist::pg
