// Selection: which of many possible indexes to build, so that a workload costs least and they fit
// into a budget.
//
// What a set of indexes is worth is not the sum of what each is worth: two that do the same work
// are worth one, two that pay only together are worth nothing alone. So the price of a set is asked
// for, as rarely as possible: statement by statement, each with those of the set that could serve
// it, and never where what is known already leaves no doubt (an index more cannot make a statement
// dearer; one that a plan does not use can be left out of it).
//
// SOURCE: greedy by gain per byte with stale gains re-computed only at the top (Minoux, lazy
// greedy); append moves as in Extend (Schlosser, Kossmann, Boissier, ICDE 2019); local search by
// drop and swap after it; the bound is a Lagrangian decomposition, the price of an index split
// among the statements that share it (as CoPhy relaxes its program; Dash, Polyzotis, Ailamaki, VLDB
// 2011).
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

namespace assist::advise {

// Items of one statement: bit i is Weighed::items[i].
using ItemSet = std::uint64_t;
inline constexpr std::size_t kMaxItems = 64;  // of one statement

// An index that could be built.
struct Item {
  double bytes = 0;
  double upkeep = 0;            // what keeping it costs, in the unit of weighted cost
  int table = 0;                // items of one table are asked for together first
  std::span<const int> covers;  // items whose work it does too: they go when it comes
  double least = 0;             // cost that it alone must take off a statement to be anything to it
};

// A statement.
struct Weighed {
  double weight = 1;           // of one unit of its cost
  std::span<const int> items;  // that could serve it, at most kMaxItems
};

struct PlannedSet {
  double cost = 0;
  ItemSet used = 0;  // those of the set that the plan scans
};

// Where prices come from.
class CostSource {
 public:
  // The statement's plans, one with each of the sets in place. One that cannot be planned costs
  // the same whatever is in place, and uses nothing.
  virtual void Plan(int statement, std::span<const ItemSet> sets, std::span<PlannedSet> out) = 0;
  // Whether the time is up: what has been found so far is the answer then.
  virtual bool Stop() = 0;
  // What is chosen is known; what follows only says how good it is.
  virtual void Chosen() {}

 protected:
  ~CostSource() = default;
};

struct SelectSettings {
  double budget_bytes = -1;  // < 0: none
  double floor = 0;          // weighted cost that an item has to save, its upkeep taken off
  double negligible = 0;     // cost that a statement may lose to a shorter index
  std::size_t most_items = 64;
};

struct Chosen {
  int item = 0;
  double cost_before = 0, cost_after = 0;  // weighted, of all statements, without and with it;
                                           // those before it in place
};

struct Selection {
  explicit Selection(std::pmr::memory_resource* memory) : chosen(memory) {}
  std::pmr::vector<Chosen> chosen;  // what pays most first
  double cost_before = 0;           // weighted, of all statements, without any
  double cost_after = 0;            // with all of the chosen
  double bytes = 0, upkeep = 0;     // of the chosen
  double bound = 0;  // no set of these items within the budget brings cost and upkeep below it
  std::int64_t plans = 0;  // asked for
};

Selection Select(std::span<const Item> items, std::span<const Weighed> statements,
                 CostSource& source, const SelectSettings& settings,
                 std::pmr::memory_resource* memory);

}  // namespace assist::advise
