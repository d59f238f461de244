// What the index advisor weighs: statements with their texts, the candidates of all of them, and
// prices, each a planner call with a set of candidates in place.
//
// A statement is visited: in a subtransaction that is rolled back, as the role that ran it, its
// tables are locked, planned on, and let go, so that nobody waits for long. Between visits its
// analysed tree and the definitions of candidates are kept; what has been told meanwhile to have
// changed is read again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "assist/snapshot.hpp"
#include "core/advise/candidates.hpp"
#include "core/advise/select.hpp"

#include "pg/advise/index_advisor.hpp"
#include "pg/advise/plan_uses.hpp"
#include "pg/store/planning_text.hpp"
#include "pg/whatif/join_order.hpp"
#include "pg/whatif/planning_query.hpp"
#include "pg/whatif/planning_standin.hpp"
#include "pg/whatif/whatif.hpp"

namespace assist::pg {

using advise::Candidate;
using advise::CandidateKey;
using advise::ItemSet;
using Positions = std::pmr::vector<int>;  // in Workload::pool()

// Share of a statement's cost: a smaller drop is the planner's noise.
inline constexpr double kMinCostDrop = 0.05;
// A shorter observation is not stretched to a day as it is.
inline constexpr double kMinWindowSeconds = 3600;

// A candidate over all statements.
struct Pooled {
  Candidate candidate;
  const char* definition = nullptr;  // CREATE INDEX without a name
  HypotheticalIndex* index = nullptr;
  std::uint64_t generation = 0;  // of its table, when it was defined
  double bytes = 0;              // of all partitions
  double share = 1;              // of the table's rows that have an entry
  double write_ms_per_day = 0;
  bool possible = true;  // CREATE INDEX accepts it, its size can be told, and it is worth having
};

// A statement.
struct Work {
  const Statement* statement = nullptr;  // nullptr: given, not observed
  std::int64_t query_id = 0;
  Oid user = 0;
  const char* text = nullptr;
  const char* search_path = nullptr;
  Oid* types = nullptr;
  int ntypes = 0;
  const PlacedConstant* constants = nullptr;  // that nearly all executions have
  int nconstants = 0;
  double calls_per_day = 1;
  double ms_per_cost = 0;  // given: 1
  double cost_before = 0;  // as it is
  Positions items;         // candidates that could serve it, at most advise::kMaxItems
  bool failed = false;     // could not be planned
  // While it is visited, and between.
  bool analyzed = false;
  MemoryContext context = nullptr;  // of what follows
  AnalyzedStatement tree = {};
  JoinOrders* orders = nullptr;
  List* relations = nullptr;  // oids, locked at each visit
  std::uint64_t generation = 0;

  explicit Work(std::pmr::memory_resource* memory) : items(memory) {}
  // What a unit of its cost is worth.
  double Weight() const { return ms_per_cost * calls_per_day; }
  // Milliseconds a day when its cost falls so; 0 for noise.
  double Saved(double from, double to) const {
    return from - to < from * kMinCostDrop ? 0 : (from - to) * Weight();
  }
};

// Rows a day that an observed statement writes into a table.
struct Writer {
  Oid table;
  double inserted, updated, deleted;
  std::pmr::vector<std::string_view> columns;  // that an UPDATE sets
};

class Workload final : public advise::CostSource {
 public:
  // `keep` lives as long as the workload, `scratch` is reset after each planning; `memory` is over
  // `keep`.
  Workload(const Snapshot& snapshot, MemoryContext keep, MemoryContext scratch,
           std::pmr::memory_resource* memory, const AdviceRequest& request);
  ~Workload();
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  // Reads the observed statements and what could serve them.
  void CollectObserved();
  // The given ones instead, planned as `user`. Throws PgError for one that cannot be planned.
  void CollectGiven(std::span<const char* const> texts, Oid user);

  // CostSource.
  void Plan(int work, std::span<const ItemSet> sets, std::span<advise::PlannedSet> out) override;
  bool Stop() override;
  void Chosen() override;
  // As Plan(), but every join order is tried: as the server would plan it.
  void PlanExactly(int work, ItemSet set, advise::PlannedSet* out);

  // Bytes of the table and all its partitions.
  std::int64_t HeapBytes(const Table& root) const;
  // Appends the statements that were not priced for a reason that passes.
  void ReportUnplanned(std::pmr::vector<std::int64_t>& query_ids) const;
  const std::pmr::vector<UnservedComparison>& unserved() const { return unserved_; }
  std::pmr::vector<Work>& works() { return works_; }
  Work& work(int i) { return works_[static_cast<std::size_t>(i)]; }
  std::pmr::vector<Pooled>& pool() { return pool_; }
  Pooled& at(int candidate) { return pool_[static_cast<std::size_t>(candidate)]; }
  std::pmr::memory_resource* memory() const { return memory_; }
  std::int64_t plans() const { return plans_; }
  double CpuMsSpent() const;
  double ChosenMs() const { return chosen_ms_; }  // spent when it was known what to choose

 private:
  void CollectWriters();
  bool ReadText(Work& work);
  bool FindCandidates(Work& work);
  void ReadUnserved(const Work& work, const TableUses& uses);
  void ReadUse(const Work& work, const TableUses& uses, std::pmr::vector<Candidate>& candidates);
  std::string_view KeepText(std::string_view text);
  int Pool(const Candidate& candidate);
  void Merge();
  void Prepare();
  void MeasureCost();
  std::pmr::vector<MeasuredRange> MeasureRanges(const Statement& statement) const;
  // What a visit does; lives while it is called.
  struct Call {
    void* object;
    void (*invoke)(void*);
    void operator()() const { invoke(object); }
  };
  template <typename F>
  static Call AsCall(F& f) {
    return {&f, [](void* object) { (*static_cast<F*>(object))(); }};
  }
  bool InRole(Work& work, Call call);
  bool Visit(Work& work, Call call);
  void Analyze(Work& work);
  bool IsUnchanged(Work& work);
  void Define(int candidate);
  void PlanSets(Work& work, std::span<const ItemSet> sets, std::span<advise::PlannedSet> out,
                JoinSearching how);
  double WriteCost(const Pooled& pooled) const;
  double TouchedShare(Oid root, const Candidate& candidate) const;
  bool IsPartOf(const Table& table, Oid root) const;

  const Snapshot& snapshot_;
  MemoryContext keep_, scratch_;
  std::pmr::memory_resource* memory_;
  std::pmr::vector<Work> works_;
  std::pmr::vector<Pooled> pool_;
  std::pmr::vector<Writer> writers_;
  HypotheticalSet* defined_ = nullptr;
  double limit_ms_;  // CPU
  double started_;   // CPU ms
  double chosen_ms_ = 0;
  bool bounded_;                  // see AdviceRequest
  bool timed_out_ = false;        // before it was known what to choose
  Oid index_bytes_;               // see AdviceRequest
  int defining_ = -1;             // candidate
  std::uint64_t generation_ = 1;  // of what is known of the tables
  int waits_ = 0;
  bool given_ = false;
  std::int64_t plans_ = 0;
  std::pmr::vector<std::int64_t> unplanned_;
  std::pmr::vector<UnservedComparison> unserved_;
};

}  // namespace assist::pg
