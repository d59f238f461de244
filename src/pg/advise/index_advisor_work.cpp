// What the index advisor weighs: statements and candidates.

#include "pg/advise/index_advisor_work.hpp"

#include <ctime>

#include "core/rule_support.hpp"

#include "pg/whatif/planning_query.hpp"
#include "pg/progress.hpp"

extern "C" {
#include "catalog/namespace.h"  // for RangeVarGetRelid
#include "catalog/pg_am.h"
#include "miscadmin.h"      // for MyDatabaseId
#include "parser/parser.h"  // for raw_parser
}

namespace assist::pg {

namespace {

constexpr std::size_t kMaxStatements = 500;
constexpr double kMinStatementMs = 1;  // total time below which a statement is not looked at
// Statements run less often are loads, not traffic.
constexpr std::int64_t kMinWriterCalls = 5;
constexpr int kMostSetColumns = 64;
// All of so many: at least 86 % of executions, with 95 % confidence (the rule of three).
constexpr uint32 kFewSamples = 20;
// A condition that holds for more of the rows restricts nothing.
constexpr double kMostOfRows = 0.7;

double CpuMs() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// The target of INSERT, UPDATE, DELETE, MERGE and COPY FROM, and what an UPDATE sets.
struct Written {
  Oid table;  // InvalidOid = none
  int ncolumns;
  const char* columns[kMostSetColumns];
};

void add_set_columns(Written* written, List* targets) {
  ListCell* cell;
  foreach (cell, targets)
    if (written->ncolumns < kMostSetColumns)
      written->columns[written->ncolumns++] = lfirst_node(ResTarget, cell)->name;
}

Written written_by(const char* text) {
  Written written = {InvalidOid, 0, {}};
  List* list = raw_parser(text, RAW_PARSE_DEFAULT);
  if (list_length(list) != 1) return written;
  Node* statement = linitial_node(RawStmt, list)->stmt;
  if (IsA(statement, PrepareStmt)) statement = reinterpret_cast<PrepareStmt*>(statement)->query;
  const RangeVar* target = nullptr;
  if (IsA(statement, InsertStmt)) target = reinterpret_cast<InsertStmt*>(statement)->relation;
  if (IsA(statement, UpdateStmt)) {
    target = reinterpret_cast<UpdateStmt*>(statement)->relation;
    add_set_columns(&written, reinterpret_cast<UpdateStmt*>(statement)->targetList);
  }
  if (IsA(statement, DeleteStmt)) target = reinterpret_cast<DeleteStmt*>(statement)->relation;
  if (IsA(statement, MergeStmt)) {
    target = reinterpret_cast<MergeStmt*>(statement)->relation;
    ListCell* cell;
    foreach (cell, reinterpret_cast<MergeStmt*>(statement)->mergeWhenClauses) {
      auto* clause = lfirst_node(MergeWhenClause, cell);
      if (clause->commandType == CMD_UPDATE) add_set_columns(&written, clause->targetList);
    }
  }
  if (IsA(statement, CopyStmt) && reinterpret_cast<CopyStmt*>(statement)->is_from)
    target = reinterpret_cast<CopyStmt*>(statement)->relation;
  if (target != nullptr) written.table = RangeVarGetRelid(target, NoLock, true);
  return written;
}

}  // namespace

Workload::Workload(const Snapshot& snapshot, MemoryContext keep, MemoryContext scratch,
                   std::pmr::memory_resource* memory, const AdviceRequest& request)
    : snapshot_(snapshot),
      keep_(keep),
      scratch_(scratch),
      memory_(memory),
      works_(memory),
      pool_(memory),
      writers_(memory),
      limit_ms_(request.cpu_limit_ms),
      started_(CpuMs()),
      bounded_(request.bound),
      index_bytes_(request.index_bytes),
      unplanned_(memory),
      unserved_(memory) {}

Workload::~Workload() = default;

double Workload::CpuMsSpent() const { return CpuMs() - started_; }

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
      if (query.samples >= kFewSamples) {
        work.constants = query.placed;
        work.nconstants = query.nplaced;
      }
      work.search_path = kept.search_path;
      found = true;
    });
  } catch (const PgError& error) {
    if (error.data() == nullptr || error.is_interrupt()) throw;
  }
  MemoryContextSwitchTo(caller);
  return found;
}

// Which table each observed writing statement writes.
void Workload::CollectWriters() {
  for (const Statement& statement : snapshot_.statements) {
    const bool inserts = statement.command == "INSERT" || statement.command == "COPY";
    const bool updates = statement.command == "UPDATE" || statement.command == "MERGE";
    if (!inserts && !updates && statement.command != "DELETE") continue;
    if (statement.calls < kMinWriterCalls || statement.rows <= 0) continue;
    if (Stop()) return;
    Work work(memory_);
    work.statement = &statement;
    work.user = statement.user;
    if (!ReadText(work)) continue;
    Written written = {InvalidOid, 0, {}};
    auto parse = [&] { Guarded([&] { written = written_by(work.text); }); };
    const bool read = InRole(work, AsCall(parse));
    if (!read || written.table == InvalidOid) continue;
    std::pmr::vector<std::string_view> columns(memory_);
    for (int i = 0; i < written.ncolumns; ++i)
      if (written.columns[i] != nullptr) columns.push_back(KeepText(written.columns[i]));
    Guarded([&] { MemoryContextReset(scratch_); });
    const double seconds = std::max(kMinWindowSeconds, snapshot_.server.now - statement.first_seen);
    const double rows = statement.rows * rules::kSecondsPerDay / seconds;
    writers_.push_back({written.table, inserts ? rows : 0, updates ? rows : 0,
                        inserts || updates ? 0 : rows, std::move(columns)});
  }
}

void Workload::CollectObserved() {
  CollectWriters();
  std::pmr::vector<const Statement*> statements(memory_);
  for (const Statement& statement : snapshot_.statements) {
    if (statement.total_ms < kMinStatementMs || statement.calls <= 0) continue;
    if (!rules::IsPlanned(statement.command)) continue;
    statements.push_back(&statement);
  }
  std::stable_sort(
      statements.begin(), statements.end(),
      [](const Statement* a, const Statement* b) { return a->total_ms > b->total_ms; });
  if (statements.size() > kMaxStatements) statements.resize(kMaxStatements);
  tell_phase(ProgressPhase::kReadingStatements, static_cast<std::int64_t>(statements.size()));
  for (const Statement* statement : statements) {
    tell_statement_done();
    if (Stop()) {
      unplanned_.push_back(statement->query_id);
      continue;
    }
    Work work(memory_);
    work.statement = statement;
    work.query_id = statement->query_id;
    work.user = statement->user;
    if (!ReadText(work)) continue;
    const double seconds =
        std::max(kMinWindowSeconds, snapshot_.server.now - statement->first_seen);
    work.calls_per_day = static_cast<double>(statement->calls) * rules::kSecondsPerDay / seconds;
    if (FindCandidates(work)) works_.push_back(std::move(work));
  }
  MeasureCost();
  Merge();
  Prepare();
}

void Workload::CollectGiven(std::span<const char* const> texts, Oid user) {
  given_ = true;
  tell_phase(ProgressPhase::kReadingStatements, static_cast<std::int64_t>(texts.size()));
  for (const char* text : texts) {
    tell_statement_done();
    Work work(memory_);
    work.text = text;
    work.user = user;
    work.ms_per_cost = 1;
    try {
      if (FindCandidates(work)) works_.push_back(std::move(work));
    } catch (const PgError& error) {
      Guarded([&] {
        explain_error(error.data(), text, "Each of queries is one statement that would run here.");
      });
      throw;
    }
  }
  Merge();
  Prepare();
}

void Workload::ReportUnplanned(std::pmr::vector<std::int64_t>& query_ids) const {
  query_ids.insert(query_ids.end(), unplanned_.begin(), unplanned_.end());
  // Where the time was up, not all that could serve a statement was looked at.
  if (!timed_out_) return;
  for (const Work& work : works_)
    if (!work.items.empty()) query_ids.push_back(work.query_id);
}

// Its position in the pool.
int Workload::Pool(const Candidate& candidate) {
  for (std::size_t i = 0; i < pool_.size(); ++i)
    if (SameIndex(pool_[i].candidate, candidate)) return static_cast<int>(i);
  Pooled pooled;
  pooled.candidate = candidate;
  const std::pmr::string definition = Definition(snapshot_, candidate, "", memory_);
  pooled.definition = KeepText(definition).data();
  pool_.push_back(pooled);
  return static_cast<int>(pool_.size()) - 1;
}

std::string_view Workload::KeepText(std::string_view text) {
  char* copy = nullptr;
  Guarded([&] { copy = static_cast<char*>(MemoryContextAlloc(keep_, text.size() + 1)); });
  std::copy(text.begin(), text.end(), copy);
  copy[text.size()] = '\0';
  return {copy, text.size()};
}

// Pools what several statements could share, and predicts its size as one that it serves.
void Workload::Merge() {
  std::pmr::vector<const Candidate*> pool(memory_);
  for (const Pooled& pooled : pool_)
    if (pooled.possible) pool.push_back(&pooled.candidate);
  std::pmr::vector<Candidate> merged(memory_);
  AddMerged(snapshot_, pool, merged);
  for (const Candidate& candidate : merged) {
    if (Stop()) return;
    const auto is_served = [&](const Work& work) {
      return !work.failed && std::any_of(work.items.begin(), work.items.end(),
                                         [&](int i) { return Covers(candidate, at(i).candidate); });
    };
    const auto work = std::find_if(works_.begin(), works_.end(), is_served);
    if (work == works_.end()) continue;
    const int number = Pool(candidate);
    auto define = [&] { Define(number); };
    if (!Visit(*work, AsCall(define))) at(number).possible = false;
  }
}

// What every candidate costs to keep, and which statements it could serve besides those that
// brought it: a longer index that starts with the keys a statement wants.
void Workload::Prepare() {
  for (std::size_t i = 0; i < pool_.size(); ++i) {
    Pooled& pooled = pool_[i];
    if (!pooled.possible) continue;
    if (pooled.share > kMostOfRows && !pooled.candidate.predicate.empty()) {
      pooled.possible = false;
      continue;
    }
    if (!given_) pooled.write_ms_per_day = WriteCost(pooled);
  }
  for (Work& work : works_) {
    std::erase_if(work.items, [&](int i) { return !at(i).possible; });
    const std::size_t own = work.items.size();
    for (std::size_t i = 0; i < pool_.size() && work.items.size() < advise::kMaxItems; ++i) {
      if (!pool_[i].possible) continue;
      const auto number = static_cast<int>(i);
      if (std::find(work.items.begin(), work.items.end(), number) != work.items.end()) continue;
      const auto covers = [&](int item) { return Covers(pool_[i].candidate, at(item).candidate); };
      if (std::any_of(work.items.begin(), work.items.begin() + static_cast<std::ptrdiff_t>(own),
                      covers))
        work.items.push_back(number);
    }
  }
}

}  // namespace assist::pg
