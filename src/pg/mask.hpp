// Finds constants in SQL text without parsing it, and masks them. Allocates nothing, raises nothing.
#pragma once

#include <climits>

#include "pg/server.hpp"

namespace assist::pg {

// Length of the constant that starts at `p` (NUL-terminated text): a number with or without sign, a string
// of any kind with its continuations, or a word (TRUE, NULL ...). 0 when nothing of the kind is there.
int constant_length(const char* p);

// Walks over the numbers and strings of a text; comments, quoted identifiers, parameters and the modifiers
// of casts (::numeric(10,2)) are passed over. REQUIRES: *end is readable.
struct ConstantScan {
  const char* at;        // where the search goes on
  const char* end;
  const char* start;     // the constant found
  int length;
  ConstantScan(const char* from, int n) : at(from), end(from + n), start(from), length(0) {}
  bool next();           // false: no more; `start` is `end` then
};

// The numbers and strings in the text.
uint16 count_constants(const char* text, int length);

// The highest n of the parameters $n in the text; 0 = none.
int highest_parameter(const char* text, int length);

// Room that masking a text of this length may need.
int masked_size(int length);
// Writes `text` to `out` with every number and string replaced: by $n from `first` on, or by ? when `first`
// is 0. Stops when `room` bytes are full. Returns the bytes written; no terminating NUL.
int mask_constants(const char* text, int length, int first, char* out, int room = INT_MAX);

}  // namespace assist::pg
