// Blocks of history, object by object.

#include "pg/history/slices.hpp"

#include <algorithm>

#include "pg/memory.hpp"
#include "pg/own_sql.hpp"

namespace assist::pg {

std::size_t ColumnOf(HistoryKind kind, std::string_view name) {
  const auto columns = ColumnsOf(kind);
  return static_cast<std::size_t>(
      std::find_if(columns.begin(), columns.end(), [&](const auto& c) { return c.name == name; }) -
      columns.begin());
}

Slices ReadSlices(HistoryKind kind, TimestampTz since, TimestampTz until,
                  const std::set<std::uint32_t>* wanted, std::string_view total,
                  std::map<std::uint32_t, double>* sums) {
  Slices slices;
  const std::size_t column = ColumnOf(kind, total);
  const Arg args[] = {Arg::Int4(static_cast<int>(kind)), Arg::Moment(since), Arg::Moment(until)};
  // A block is a day's at most: those that may have their middle in the range are found by their
  // start.
  Query(
      "SELECT start, until, floor(extract(epoch FROM " ASSIST_LOCAL(
          "start + (until - start) / 2") ") / 3600)::int4,"
      " observed, data FROM assist._history_finest WHERE kind = $1"
      " AND start + (until - start) / 2 >= $2 AND start + (until - start) / 2 < $3 ORDER BY start",
      args, [&](const Row& row) {
        const ScopedContext context("assist history block");
        ContextResource memory(context.get());
        const auto block = DecodeHistory(row.Text(4), &memory);
        if (!block.has_value() || block->kind != kind) return;
        RecordedInterval& interval = slices.intervals.emplace_back();
        interval = {row.Integer(0), row.Integer(1), static_cast<std::int32_t>(row.Integer(2)),
                    row.Real(3), 0};
        for (std::size_t r = 0; r < block->rows(); ++r) {
          const double part = static_cast<double>(block->values[column][r]);
          interval.total += part;
          if (sums != nullptr) (*sums)[block->keys[r]] += part;
          if (wanted == nullptr || !wanted->contains(block->keys[r])) continue;
          Slice& slice = slices.objects[block->keys[r]].emplace_back();
          slice = {interval.start, interval.until, interval.hour, interval.observed_s, {}};
          for (const auto& values : block->values) slice.values.push_back(values[r]);
        }
      });
  return slices;
}

}  // namespace assist::pg
