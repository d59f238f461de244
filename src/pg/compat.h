/*
 * Differences between server versions, in one place: nothing else in the tree names PG_VERSION_NUM.
 * Each shim presents the newest signature and names the version that introduced it.
 *
 * REQUIRES: postgres.h (through pg/server.hpp) was included before.
 */
#ifndef ASSIST_PG_COMPAT_H
#define ASSIST_PG_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "pg_assist needs PostgreSQL 15 or newer"
#endif

#ifdef __cplusplus
extern "C" {
#endif
#include "portability/instr_time.h"
#include "storage/backendid.h"
#include "storage/proc.h"
#ifdef __cplusplus
}
#endif

/* Nanoseconds of the monotonic clock the server times statements with. instr_time is a timespec on 15
 * and an int64 of ticks from 16 on. */
static inline uint64 assist_now_ns(void) {
  instr_time now;
  INSTR_TIME_SET_CURRENT(now);
#if PG_VERSION_NUM >= 160000
  return (uint64)INSTR_TIME_GET_NANOSEC(now);
#else
  return (uint64)now.tv_sec * 1000000000ULL + (uint64)now.tv_nsec;
#endif
}

/* Index of this process in ProcGlobal->allProcs; MyProcNumber since 17. */
static inline int assist_my_proc_number(void) {
#if PG_VERSION_NUM >= 170000
  return MyProcNumber;
#else
  return MyProc->pgprocno;
#endif
}

#endif /* ASSIST_PG_COMPAT_H */
