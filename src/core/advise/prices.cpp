// An index more never makes a statement dearer, and one that is not used can be left out: so a plan
// tells the price of every set between what it uses and what was in place, and where the price of a
// set below and of one above are the same, it is that of all between them.

#include "core/advise/prices.hpp"

#include <algorithm>

namespace assist::advise {

namespace {

constexpr double kSame = 1 + 1e-9;

bool Contains(ItemSet all, ItemSet some) { return (some & ~all) == 0; }

}  // namespace

Prices::Prices(std::span<const Weighed> statements, CostSource& source,
               std::pmr::memory_resource* memory)
    : source_(source), entries_(statements.size(), memory), answers_(memory), asked_(memory) {}

bool Prices::Known(int statement, ItemSet set, PlannedSet* out) const {
  const auto& entries = entries_[static_cast<std::size_t>(statement)];
  const auto below = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return Contains(set, entry.used); });
  if (below == entries.end() || below->cost > AtLeast(statement, set) * kSame) return false;
  *out = {below->cost, below->used};
  return true;
}

double Prices::AtLeast(int statement, ItemSet set) const {
  const auto& entries = entries_[static_cast<std::size_t>(statement)];
  const auto above = std::find_if(entries.rbegin(), entries.rend(),
                                  [&](const Entry& entry) { return Contains(entry.set, set); });
  return above == entries.rend() ? 0 : above->cost;
}

void Prices::Add(int statement, ItemSet set, const PlannedSet& planned) {
  auto& entries = entries_[static_cast<std::size_t>(statement)];
  const Entry entry = {set, planned.used & set, planned.cost};
  const auto at = std::upper_bound(entries.begin(), entries.end(), entry,
                                   [](const Entry& a, const Entry& b) { return a.cost < b.cost; });
  entries.insert(at, entry);
}

void Prices::Ask(int statement, std::span<const ItemSet> sets) {
  asked_.clear();
  for (const ItemSet set : sets) {
    PlannedSet ignored;
    if (!Known(statement, set, &ignored) &&
        std::find(asked_.begin(), asked_.end(), set) == asked_.end())
      asked_.push_back(set);
  }
  if (asked_.empty()) return;
  answers_.assign(asked_.size(), {});
  source_.Plan(statement, asked_, answers_);
  plans_ += static_cast<std::int64_t>(asked_.size());
  for (std::size_t i = 0; i < asked_.size(); ++i) Add(statement, asked_[i], answers_[i]);
}

PlannedSet Prices::Of(int statement, ItemSet set) {
  PlannedSet known;
  if (Known(statement, set, &known)) return known;
  Ask(statement, {&set, 1});
  // As the planner gave it, also where it contradicts what was known.
  return answers_.front();
}

}  // namespace assist::advise
