// Size model of GIN: how many pages an index takes whose keys were extracted from a sample of rows.
//
// A GIN index holds each different key once, with the compressed list of the rows that have it:
// beside the key while it is short, in a tree of its own pages when it is long. So what counts is
// how many different keys there are, and how many rows have each: of keys met more than once the
// sample tells it, of those met once it tells how many more like them there must be.
#pragma once

#include <span>

namespace assist {

// A key of the sample.
struct GinKey {
  double rows = 0;   // of the sample that have it
  double bytes = 0;  // stored, with its header
};

struct GinShape {
  double rows = 0;               // that have an entry
  double sampled = 0;            // of these
  std::span<const GinKey> keys;  // different ones, in any order
  double heap_rows = 0, heap_pages = 0;
  double page_bytes = 8192;
};

// SOURCE: ginpostinglist.c (encoding), gindatapage.c (segments, pages filled in a build),
// ginentrypage.c (entries, pages split in the middle); the number of different keys by Haas and
// Stokes as in analyze.c.
double EstimateGinPages(const GinShape& shape);

}  // namespace assist
