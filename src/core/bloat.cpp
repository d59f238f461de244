#include "core/bloat.hpp"

#include <algorithm>
#include <cmath>

#include <boost/container/small_vector.hpp>
#include <boost/container/static_vector.hpp>

namespace assist {
namespace {

constexpr double kPage = kDefaultPageBytes;

Bloat FromExpected(SizeSource source, double size_bytes, double expected_bytes) {
  Bloat bloat;
  bloat.source = source;
  bloat.expected_bytes = static_cast<std::int64_t>(std::min(expected_bytes, size_bytes));
  bloat.reclaimable_bytes = static_cast<std::int64_t>(size_bytes) - bloat.expected_bytes;
  bloat.reclaimable_fraction =
      size_bytes > 0 ? static_cast<double>(bloat.reclaimable_bytes) / size_bytes : 0;
  return bloat;
}

const Column* FindColumn(const Table& table, std::int16_t number) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const Column& column) { return column.number == number; });
  return found != table.columns.end() ? &*found : nullptr;
}

// Whether the model would have to guess a width or a share of nulls.
bool NeedsStatistics(const Column& column) { return column.length < 0 || !column.not_null; }

SizedColumn Sized(const Column& column) {
  return {.width = column.average_width,
          .length = column.length,
          .align = column.align,
          .null_fraction = column.null_fraction};
}

}  // namespace

bool DescribeHeap(const Table& table, SizedColumn* columns, HeapShape* shape) {
  std::size_t stored = 0;
  shape->dropped_columns = 0;
  for (const Column& column : table.columns) {
    if (column.dropped) {
      ++shape->dropped_columns;
      continue;
    }
    if (!column.has_statistics && NeedsStatistics(column)) return false;
    columns[stored++] = Sized(column);
  }
  shape->rows = table.rows;
  shape->columns = {columns, stored};
  shape->fillfactor = table.fillfactor;
  return true;
}

Bloat EstimateTableBloat(const Table& table) {
  if ((table.kind != 'r' && table.kind != 'm') || table.rows < 0 || table.columns.empty() ||
      table.size_bytes <= 0) {
    return {};
  }
  boost::container::small_vector<SizedColumn, 64> columns(table.columns.size());
  HeapShape shape;
  if (!DescribeHeap(table, columns.data(), &shape)) return {};
  return FromExpected(SizeSource::kEstimate, static_cast<double>(table.size_bytes),
                      EstimateHeapPages(shape) * kPage);
}

Bloat EstimateIndexBloat(const Index& index, const Table& table) {
  constexpr std::size_t kMaxColumns = 32;
  if (index.method != "btree" || index.kind != 'i' || index.keys.empty() || index.size_bytes <= 0 ||
      index.keys.size() + index.included.size() > kMaxColumns) {
    return {};
  }
  const bool partial = !index.predicate.empty();
  double rows = index.entries;
  if (rows <= 0) {
    if (partial || table.rows < 0) return {};
    rows = table.rows;
  }

  boost::container::static_vector<SizedColumn, kMaxColumns> keys, included;
  boost::container::static_vector<double, kMaxColumns> distinct;
  bool equal_image = index.deduplicate;
  bool distinct_known = true;
  for (const IndexKey& key : index.keys) {
    const Column* column = key.column != 0 ? FindColumn(table, key.column) : nullptr;
    SizedColumn sized{.width = key.average_width,
                      .length = key.length,
                      .align = key.align,
                      .null_fraction = partial ? 0 : key.null_fraction,
                      .constant_width = key.constant_width};
    double stadistinct = key.distinct;
    if (sized.length == 0) {
      if (column == nullptr) return {};
      sized.length = column->length;
      sized.align = column->align;
    }
    if (sized.width <= 0 && column != nullptr && column->has_statistics) {
      sized.width = column->average_width;
      sized.null_fraction = partial ? 0 : column->null_fraction;
      stadistinct = column->distinct;
    }
    if (sized.length < 0 && sized.width <= 0) return {};
    sized.distinct = std::min(DistinctCount(stadistinct, std::max(rows, table.rows)), rows);
    distinct_known = distinct_known && sized.distinct > 0;
    keys.push_back(sized);
    distinct.push_back(sized.distinct);
    equal_image = equal_image && key.equal_image;
  }
  for (const std::int16_t number : index.included) {
    const Column* column = FindColumn(table, number);
    if (column == nullptr || (!column->has_statistics && NeedsStatistics(*column))) return {};
    included.push_back(Sized(*column));
  }

  BtreeShape shape;
  shape.rows = rows;
  shape.keys = {keys.data(), keys.size()};
  shape.included = {included.data(), included.size()};
  shape.distinct = distinct_known ? CombineDistinct({distinct.data(), distinct.size()}, rows) : 0;
  // Without a word on repetition the largest size stands: every key different.
  shape.equal_image = equal_image && distinct_known;
  shape.unique = index.unique;
  shape.fillfactor = index.fillfactor;
  return FromExpected(SizeSource::kEstimate, static_cast<double>(index.size_bytes),
                      EstimateBtreePages(shape) * kPage);
}

Bloat MeasureTableBloat(const Table& table, std::int64_t free_bytes, std::int64_t dead_bytes) {
  const auto size = static_cast<double>(table.size_bytes);
  if (size <= 0) return {};
  // Share of a freshly written page that is in use: fillfactor, and what no further tuple fits
  // into.
  double filled = table.fillfactor / 100.0;
  boost::container::small_vector<SizedColumn, 64> columns(table.columns.size());
  HeapShape shape;
  if (!table.columns.empty() && DescribeHeap(table, columns.data(), &shape)) {
    shape.rows = 1e6;
    const double pages = EstimateHeapPages(shape);
    if (pages > 0) {
      const double tuple = EstimateHeapTupleBytes(shape) + 4;
      filled = std::min(filled, (shape.rows * tuple + pages * 24) / (pages * kPage));
    }
  }
  const double used = std::max(0.0, size - static_cast<double>(free_bytes + dead_bytes));
  return FromExpected(SizeSource::kMeasured, size, std::ceil(used / filled / kPage) * kPage);
}

Bloat MeasureIndexBloat(const IndexMeasure& measure, std::int32_t fillfactor) {
  if (measure.size_bytes <= 0) return {};
  const double leaf = static_cast<double>(measure.leaf_pages);
  const double kept = std::ceil(leaf * std::min(1.0, measure.density / fillfactor));
  const double share = leaf > 0 ? kept / leaf : 1;
  const double internal = std::ceil(static_cast<double>(measure.internal_pages) * share);
  return FromExpected(SizeSource::kMeasured, static_cast<double>(measure.size_bytes),
                      (1 + internal + kept) * kPage);
}

}  // namespace assist
