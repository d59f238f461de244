// Finds constants in SQL text without parsing it, and masks them. Allocates nothing, raises nothing.
#pragma once

#include "pg/server.hpp"

namespace assist::pg {

// Length of the constant that starts at `p` (NUL-terminated text): a number with or without sign, a string
// of any kind with its continuations, TRUE, FALSE or NULL. 0 when nothing of the kind is there.
int constant_length(const char* p);

// Room that masking a text of this length may need.
int masked_size(int length);
// Writes `text` to `out` with every number and string replaced by $n, counting on from the highest $n in it.
// Returns the bytes written; no terminating NUL. REQUIRES: text[length] is readable, `out` has masked_size.
int mask_constants(const char* text, int length, char* out);

}  // namespace assist::pg
