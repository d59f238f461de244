// What is known of the prices of sets of items, statement by statement.
#pragma once

#include "core/advise/select.hpp"

namespace assist::advise {

class Prices {
 public:
  Prices(std::span<const Weighed> statements, CostSource& source,
         std::pmr::memory_resource* memory);

  // The plan with the set in place; asks for it where it is not known.
  PlannedSet Of(int statement, ItemSet set);
  double Cost(int statement, ItemSet set) { return Of(statement, set).cost; }
  bool Known(int statement, ItemSet set, PlannedSet* out) const;
  // Asks for those that are not known, at once.
  void Ask(int statement, std::span<const ItemSet> sets);
  // Bounds by what is known: of sets that contain it, and of sets that it contains.
  double AtLeast(int statement, ItemSet set) const;

  std::int64_t plans() const { return plans_; }

 private:
  struct Entry {
    ItemSet set, used;
    double cost;
  };
  void Add(int statement, ItemSet set, const PlannedSet& planned);

  CostSource& source_;
  std::pmr::vector<std::pmr::vector<Entry>> entries_;  // by statement, cheapest first
  std::pmr::vector<PlannedSet> answers_;
  std::pmr::vector<ItemSet> asked_;
  std::int64_t plans_ = 0;
};

}  // namespace assist::advise
