// What cumulative counters gained since they were last looked at.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "assist/history.hpp"
#include "pg/own_sql.hpp"

namespace assist::pg {

// The counters of the last time, in assist.history_base; an unlogged table: a crash empties it, as
// it does the server's own counters.
class CounterBases {
 public:
  explicit CounterBases(HistoryKind kind) : kind_(kind), columns_(ColumnsOf(kind)) {}

  // `now` in the order of the kind's columns, `before` an array of the last time or NULL. Columns
  // that add up become differences; where one has fallen it was reset with all that are reset with
  // it, and what they have gained since is their value. The counters are remembered when they have
  // changed. False: nothing was gained, or there is no `before` and the object may be as old as the
  // server (`is_new` false). What is summed up over the indexes of a table falls with one that is
  // dropped, too: it has gained nothing then, as is not known.
  bool Gain(Oid oid, std::span<const std::int64_t> now, const Row& row, int before, bool is_new,
            std::span<std::uint64_t> gain);

  // Writes what was remembered. REQUIRES: OwnerScope.
  void Save();

 private:
  bool IsOfIndexes(std::size_t column) const;

  HistoryKind kind_;
  std::span<const HistoryColumn> columns_;
  std::vector<std::int64_t> oids_, counters_;
};

}  // namespace assist::pg
