// Who waits for which lock of the lock manager, and for whom: read from the lock itself, with the lock manager's
// partition of that one lock held shared for as long as its lists are walked. Without ProcArrayLock and without the
// other partitions, which pg_blocking_pids() and pg_locks take all at once.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "datatype/timestamp.h"
#include "storage/lock.h"
}

namespace assist::pg {

inline constexpr int kMostBlockers = 64;

// One process's wait. Processes are named by the pid of their lock group's leader; 0 = a prepared transaction.
struct LockWait {
  int pid;
  LOCKTAG tag;
  LOCKMODE mode;                 // that it waits for
  TimestampTz since;             // 0 = it has just begun
  int blocker_count;
  int holder_count;              // of them, the first ones, hold it; the others wait ahead with a conflicting mode
  int blockers[kMostBlockers];   // without repetition; further ones are left out
  int first_holder;              // its place in ProcGlobal->allProcs; -1 = nobody holds it in the way
};

// Whether process `proc` (its place in ProcGlobal->allProcs) waits, and for what. False also when the partition could
// not be had within some milliseconds. Never ereports.
bool read_lock_wait(int proc, LockWait* wait);

// Whether it seems to wait: a hint, without a lock.
bool may_wait_for_lock(int proc);

// The row that a waiter for a transaction is after: the lock on it that it holds meanwhile. False: it holds none. Never
// ereports.
bool find_tuple_lock(int proc, LOCKTAG* tag);

}  // namespace assist::pg
