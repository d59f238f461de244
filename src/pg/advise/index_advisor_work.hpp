// What the index advisor weighs: the observed statements with their texts, the candidates of all of
// them, and exact prices, each a planner call with a set of candidates in place.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <vector>

#include "assist/snapshot.hpp"
#include "core/advise/candidates.hpp"

#include "pg/whatif/planning_standin.hpp"

namespace assist::pg {

using advise::Candidate;
using advise::CandidateKey;
using Positions = std::pmr::vector<int>;  // in Workload::pool()

// Share of a statement's cost: a smaller drop is the planner's noise.
inline constexpr double kMinCostDrop = 0.05;
// A shorter observation is not stretched to a day as it is.
inline constexpr double kMinWindowSeconds = 3600;

// A candidate over all statements.
struct Pooled {
  Candidate candidate;     // as the statement that brought it spells expressions
  Candidate qualified;     // the same, readable under any search_path
  const char* definition;  // CREATE INDEX without a name
  double write_ms_per_day = 0;
  bool open = true;      // may still be chosen
  bool possible = true;  // CREATE INDEX accepts it
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
  double cost_before = 0;         // as it is
  double cost_now = 0;            // with the chosen ones
  Positions relevant;             // candidates that could serve it
  std::pmr::vector<double> cost;  // with the chosen ones and that candidate
  double cost_all = 0;            // with all of them
  Positions used_by_all;          // in that plan
  bool planned = false;           // at least once
  bool failed = false;            // could not be planned

  explicit Work(std::pmr::memory_resource* memory)
      : relevant(memory), cost(memory), used_by_all(memory) {}
  bool priced() const { return !failed && !cost.empty(); }
  bool Wants(int candidate) const {
    return std::find(relevant.begin(), relevant.end(), candidate) != relevant.end();
  }
  // Milliseconds a day when its cost falls so; 0 for noise.
  double Saved(double from, double to) const {
    if (from - to < from * kMinCostDrop) return 0;
    // The cost of one planning may be far from that of the executions: no more than all of their
    // time.
    return std::min((from - to) * ms_per_cost, statement->mean_ms) * calls_per_day;
  }
};

struct Priced {
  double cost = 0;
  Positions used;
};

// Rows a day that observed statements write into a table.
struct Writer {
  Oid table;
  double inserted, updated, deleted;
};

class Workload {
 public:
  // `keep` lives as long as the workload, `scratch` is reset after each planning; `memory` is over
  // `keep`.
  Workload(const Snapshot& snapshot, MemoryContext keep, MemoryContext scratch,
           std::pmr::memory_resource* memory);

  // Reads statements and candidates, and prices each statement as it is and with each candidate
  // alone.
  void Collect();

  // The statement's price with each set of candidates; false, and the statement has failed, after
  // an ERROR.
  bool Price(Work& work, const std::pmr::vector<Positions>& sets, std::pmr::vector<Priced>& out);
  // Its prices anew, with `chosen` in place.
  void PriceAgain(Work& work, const Positions& chosen);
  // Bytes of a candidate's index, of all partitions; 0 after an ERROR.
  std::int64_t IndexBytes(int candidate);
  // Bytes of the table and all its partitions.
  std::int64_t HeapBytes(const Table& root) const;

  bool OutOfTime() const;
  // Appends the statements that were not priced for a reason that passes.
  void ReportUnplanned(std::pmr::vector<std::int64_t>& query_ids) const;
  std::pmr::vector<Work>& works() { return works_; }
  std::pmr::vector<Pooled>& pool() { return pool_; }
  Pooled& at(int candidate) { return pool_[static_cast<std::size_t>(candidate)]; }
  std::pmr::memory_resource* memory() const { return memory_; }

 private:
  void CollectWriters();
  void CollectWorks();
  bool ReadText(Work& work);
  int Pool(Work& work, const Candidate& candidate);
  void AddRelevant();
  void MeasureCost();
  void PriceAlone(Work& work);
  std::pmr::vector<MeasuredRange> MeasureRanges(const Statement& statement) const;
  void PriceInside(Work& work, const std::pmr::vector<Positions>& sets,
                   std::pmr::vector<Priced>& out);
  template <typename F>
  bool InContext(Work& work, F&& f);
  double WriteCost(Oid table) const;
  bool IsPartOf(const Table& table, Oid root) const;

  const Snapshot& snapshot_;
  MemoryContext keep_, scratch_;
  std::pmr::memory_resource* memory_;
  std::pmr::vector<Work> works_;
  std::pmr::vector<Pooled> pool_;
  std::pmr::vector<Writer> writers_;
  double started_;  // CPU ms
  int waits_ = 0;
  std::pmr::vector<std::int64_t> unplanned_;
};

}  // namespace assist::pg
