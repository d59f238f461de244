// Bloat: what rewriting a relation would give back, by estimate from statistics or from a
// measurement.
//
// An estimate compares the real size with the size model (assist/size_model.hpp). It is as good as
// the statistics: a measurement (pgstattuple_approx, pgstatindex) decides where there is one.
#pragma once

#include <cstdint>

#include "assist/size_model.hpp"
#include "assist/snapshot.hpp"

namespace assist {

// The shape of a table after a rewrite. False when a column has no statistics that would be needed.
// `columns` receives the stored columns; it must hold table.columns.size() items.
bool DescribeHeap(const Table& table, SizedColumn* columns, HeapShape* shape);

// source kNone: not a heap, never analysed, or without the statistics. `size_bytes` must be real.
Bloat EstimateTableBloat(const Table& table);

// source kNone: not a b-tree, or without the statistics. Keys are taken as independent and nulls of
// a partial index as absent, so that the expected size is rather too large and the bloat too small.
Bloat EstimateIndexBloat(const Index& index, const Table& table);

// From pgstattuple or pgstattuple_approx: bytes of free space and of dead tuples in the main fork.
// Space that the fillfactor or the width of the tuples leaves on every page is not counted.
Bloat MeasureTableBloat(const Table& table, std::int64_t free_bytes, std::int64_t dead_bytes);

// From pgstatindex; density is avg_leaf_density in per cent.
struct IndexMeasure {
  std::int64_t size_bytes = 0;
  std::int64_t internal_pages = 0, leaf_pages = 0, empty_pages = 0, deleted_pages = 0;
  double density = 0;
};
Bloat MeasureIndexBloat(const IndexMeasure& measure, std::int32_t fillfactor);

}  // namespace assist
