// One index for several statements that read different columns through the same keys.

#include <algorithm>

#include "core/advise/candidates.hpp"

namespace assist::advise {

namespace {

const Column* FindColumn(const Table& table, std::int16_t number) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const Column& column) { return column.number == number; });
  return found == table.columns.end() ? nullptr : &*found;
}

// Lets `into` carry what `other` carries. False, and `into` as it was, where that is too much.
bool Carry(const Table& table, const Candidate& other, Candidate& into) {
  Candidate wider = into;
  double bytes = 0;
  for (const CandidateKey& key : other.included) {
    const auto same = [&](const CandidateKey& has) { return has.column == key.column; };
    if (std::any_of(wider.included.begin(), wider.included.end(), same)) continue;
    if (wider.included.size() == kMaxIncluded) return false;
    wider.included.push_back(key);
  }
  for (const CandidateKey& key : wider.included) {
    const Column* column = FindColumn(table, key.column);
    if (column == nullptr) return false;
    bytes += column->average_width;
  }
  const auto columns = std::count_if(table.columns.begin(), table.columns.end(),
                                     [](const Column& column) { return !column.dropped; });
  if (bytes > kMaxIncludedBytes ||
      static_cast<std::ptrdiff_t>(wider.keys.size() + wider.included.size()) >= columns)
    return false;
  std::sort(wider.included.begin(), wider.included.end(),
            [](const CandidateKey& a, const CandidateKey& b) { return a.column < b.column; });
  into = wider;
  return true;
}

}  // namespace

void AddMerged(const Snapshot& snapshot, std::span<const Candidate* const> pool,
               std::pmr::vector<Candidate>& out) {
  for (std::size_t i = 0; i < pool.size(); ++i) {
    if (pool[i]->included.empty()) continue;
    const auto same_keys = [&](const Candidate* other) {
      return !other->included.empty() && SameKeys(*pool[i], *other);
    };
    const auto end = pool.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::any_of(pool.begin(), end, same_keys)) continue;  // merged already
    const Table* table = snapshot.FindTable(pool[i]->table);
    if (table == nullptr) continue;
    Candidate merged = *pool[i];
    bool more = false;
    for (std::size_t j = i + 1; j < pool.size(); ++j)
      if (same_keys(pool[j])) more = Carry(*table, *pool[j], merged) || more;
    const auto is_there = [&](const Candidate* other) { return SameIndex(*other, merged); };
    if (more && std::none_of(pool.begin(), pool.end(), is_there)) out.push_back(merged);
  }
}

}  // namespace assist::advise
