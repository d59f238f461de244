/*
 * A real stack check for libpg_query. Its own stack_is_too_deep() is a stub that returns false, so
 * that 100 KB of "1+1+..." overflow the stack and take the server down. This definition comes first
 * in the partial link (localize.sh, -z muldefs) and wins.
 *
 * The flag exists because normalizing swallows the error and would return text with its literals.
 */
#include <stdbool.h>
#include <stddef.h>

#include "pgq_shim.h"

enum { kMaxStackBytes = 512 * 1024 };

static const char* stack_base;
static bool exceeded;

bool stack_is_too_deep(void);

void pgq_stack_enter(void* frame) {
  stack_base = frame;
  exceeded = false;
}

bool pgq_stack_exceeded(void) { return exceeded; }

bool stack_is_too_deep(void) {
  const char* here = __builtin_frame_address(0);
  const ptrdiff_t used = here < stack_base ? stack_base - here : here - stack_base;
  if (used < kMaxStackBytes) return false;
  exceeded = true;
  return true;
}
