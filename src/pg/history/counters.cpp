// What cumulative counters gained.

#include "pg/history/counters.hpp"

#include <algorithm>
#include <bitset>

namespace assist::pg {

namespace {
constexpr std::size_t kBatch = 2000;  // objects
}

bool CounterBases::Gain(Oid oid, std::span<const std::int64_t> now, const Row& row, int before,
                        bool is_new, std::span<std::uint64_t> gain) {
  const std::span<const Cell> then = row.Items(before);
  const bool known = !row.IsNull(before) && then.size() == columns_.size();
  bool changed = !known, gained = false;
  std::bitset<8> reset;  // by resets_with
  for (std::size_t c = 0; c < columns_.size(); ++c)
    if (known && columns_[c].adds == Adds::kSum && !IsOfIndexes(c) && now[c] < then[c].integer)
      reset.set(columns_[c].resets_with);
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const std::int64_t was = known ? then[c].integer : 0;
    if (now[c] != was) changed = true;
    if (columns_[c].adds == Adds::kSum) {
      const bool anew = reset.test(columns_[c].resets_with);
      std::int64_t gained_here = now[c] - was;
      if (IsOfIndexes(c) && gained_here < 0)
        gained_here = anew ? now[c] : 0;
      else if (!IsOfIndexes(c) && anew)
        gained_here = now[c];
      gain[c] = static_cast<std::uint64_t>(gained_here);
      if (gain[c] != 0) gained = true;
    } else {
      gain[c] = static_cast<std::uint64_t>(std::max<std::int64_t>(now[c], 0));
      if (now[c] != was) gained = true;
    }
  }
  if (changed) {
    oids_.push_back(oid);
    counters_.insert(counters_.end(), now.begin(), now.end());
    if (oids_.size() == kBatch) Save();
  }
  return gained && (known || (is_new && row.IsNull(before)));
}

bool CounterBases::IsOfIndexes(std::size_t column) const {
  const HistoryColumn& c = columns_[column];
  return kind_ == HistoryKind::kTable && (c.name.starts_with("idx_") || c.resets_with != 0);
}

void CounterBases::Save() {
  if (oids_.empty()) return;
  const Arg args[] = {Arg::Int4(static_cast<int>(kind_)), Arg::Integers(oids_),
                      Arg::Integers(counters_), Arg::Int4(static_cast<int>(columns_.size()))};
  Execute(
      "INSERT INTO assist.history_base (kind, oid, counters)"
      " SELECT $1, o.oid::oid, ($3)[(o.n - 1) * $4 + 1 : o.n * $4] FROM unnest($2) WITH ORDINALITY "
      "o (oid, n)"
      " ON CONFLICT (kind, oid) DO UPDATE SET counters = excluded.counters",
      args);
  oids_.clear();
  counters_.clear();
}

}  // namespace assist::pg
