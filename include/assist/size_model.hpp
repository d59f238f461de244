// Size model: how many pages a table or a b-tree takes when it is written afresh.
//
// One model for two uses: what a hypothetical index would occupy, and what an existing relation
// would occupy after a rewrite (its bloat is the rest). It walks the layout that the server writes:
// alignment in column order, null bitmap, item pointers, fillfactor, and for b-trees the posting
// lists of deduplication. Widths and distinct counts are the planner's statistics.
#pragma once

#include <cstdint>
#include <span>

#include "assist/snapshot.hpp"

namespace assist {

inline constexpr double kDefaultPageBytes = 8192;

// What one stored column contributes to a tuple.
struct SizedColumn {
  double width = 0;          // bytes of a non-null value, average (pg_statistic.stawidth)
  std::int16_t length = -1;  // attlen: bytes; -1 = varlena
  char align = 'i';          // attalign: c 1, s 2, i 4, d 8 bytes
  double null_fraction = 0;  // 0..1
  double distinct = 0;  // different non-null values; 0 = unknown (b-tree keys with nulls use it)
  bool constant_width =
      false;  // varlena whose values all have `width` bytes: no alignment guess needed
};

struct BtreeShape {
  double rows = 0;                    // heap rows that have an entry (partial: after the predicate)
  std::span<const SizedColumn> keys;  // in key order
  std::span<const SizedColumn> included;  // INCLUDE columns; they switch deduplication off
  double distinct = 0;           // different key tuples without a null; <= 0 = all different
  bool equal_image = false;      // every key's opclass allows deduplication, and it is not off
  bool unique = false;           // a unique index is built without deduplication
  std::int32_t fillfactor = 90;  // of leaf pages
  double page_bytes = kDefaultPageBytes;  // BLCKSZ
};

struct BtreeSize {
  double pages = 0;  // whole index, meta page included
  double leaf_pages = 0;
  std::int32_t height = 0;  // levels above the leaves: what the planner calls tree_height
};

// The index as CREATE INDEX or REINDEX would write it.
// SOURCE: nbtsort.c (page filling, posting lists of at most a tenth of a page), nbtdedup.c (size of
// one).
BtreeSize EstimateBtree(const BtreeShape& shape);
double EstimateBtreePages(const BtreeShape& shape);

// Expected number of different combinations of columns that have `distinct` values each (> 0),
// taken as independent, among `rows` rows: a product that saturates at the number of rows.
double CombineDistinct(std::span<const double> distinct, double rows);

// pg_statistic's stadistinct as a count: negative ones are shares of `rows`; 0 (unknown) gives 0.
double DistinctCount(double stadistinct, double rows);

struct HeapShape {
  double rows = 0;  // live rows
  std::span<const SizedColumn>
      columns;                       // in attnum order; dropped ones left out unless still stored
  std::int32_t dropped_columns = 0;  // they are null in new rows, which forces the null bitmap
  std::int32_t fillfactor = 100;
  double page_bytes = kDefaultPageBytes;
};

// Average bytes of one heap tuple, MAXALIGNed, item pointer left out.
double EstimateHeapTupleBytes(const HeapShape& shape);

// The main fork as VACUUM FULL would write it. SOURCE: hio.c, heaptuple.c (heap_compute_data_size).
double EstimateHeapPages(const HeapShape& shape);

}  // namespace assist
