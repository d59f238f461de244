// The error boundary for code without exceptions (src/capture): the server's try blocks, behind functions,
// so that no C++ frame with state lies between setjmp and longjmp.
#pragma once

#include "pg/server.hpp"

namespace assist::pg {

// Runs body(arg). On ERROR runs on_error(sqlstate, arg), which must not ereport, and re-throws.
void run_watched(void (*body)(void*), void (*on_error)(int sqlstate, void*), void* arg);

// Runs body(arg) in an internal subtransaction with interrupts held off, and swallows any ERROR after the
// rollback. False when it failed. REQUIRES: a live transaction that is not in parallel mode.
bool run_contained(void (*body)(void*), void* arg);

// Whether run_contained() may be called now.
bool can_contain();

}  // namespace assist::pg
