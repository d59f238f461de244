// Texts in shared memory: a DSA area inside the main segment, so that its size is a hard cap and no process
// maps anything at run time. Blocks are counted references.
#pragma once

#include "pg/store/layout.hpp"

namespace assist::pg {

// Called once at start, by the postmaster (or a single-user backend).
void arena_create(void* place, Size bytes);

// Room for `bytes` of data; nullptr when the arena is full, below its reserve for more important texts (then *full),
// or its lock is busy. `share` is the part of the arena (0..1) this kind of text may fill it up to.
TextBlock* arena_allocate(Size bytes, double share, dsa_pointer* pointer, bool* full = nullptr);
// nullptr for InvalidDsaPointer. REQUIRES: the lock that guards the pointer.
TextBlock* arena_get(dsa_pointer pointer);
void arena_reference(dsa_pointer pointer);
// Drops a reference and frees the block with the last one. Sets *pointer to InvalidDsaPointer.
void arena_release(dsa_pointer* pointer);
Size arena_used();

// Shares of the arena by kind.
inline constexpr double kShareText = 1.0;
inline constexpr double kSharePlan = 0.85;
inline constexpr double kSharePredicate = 0.85;
inline constexpr double kShareConstants = 0.75;
inline constexpr double kShareSample = 0.6;

}  // namespace assist::pg
