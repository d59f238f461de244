// Waits for locks, read from the lock manager.

#include "pg/store/lock_waits.hpp"

#include "pg/store/store.hpp"

extern "C" {
#include "storage/lwlock.h"
#include "storage/proc.h"
}

namespace assist::pg {

namespace {

// Of one list: more than there are processes only when it is damaged.
constexpr int kMostSteps = 100000;

PGPROC* proc_at(int proc) { return &ProcGlobal->allProcs[proc]; }

const PGPROC* group_of(const PGPROC* proc) {
  return proc->lockGroupLeader != nullptr ? proc->lockGroupLeader : proc;
}

void add_blocker(LockWait* wait, int pid) {
  for (int i = 0; i < wait->blocker_count; ++i)
    if (wait->blockers[i] == pid) return;
  if (wait->blocker_count < kMostBlockers) wait->blockers[wait->blocker_count++] = pid;
}

// REQUIRES: the lock's partition, shared; `proc` waits for `lock`.
void read_lists(PGPROC* proc, LOCK* lock, LockWait* wait) {
  const LOCKMASK conflicts = GetLocksMethodTable(lock)->conflictTab[proc->waitLockMode];
  const PGPROC* group = group_of(proc);
  wait->pid = group->pid;
  wait->tag = lock->tag;
  wait->mode = proc->waitLockMode;
  wait->since = static_cast<TimestampTz>(pg_atomic_read_u64(&proc->waitStart));
  wait->blocker_count = 0;
  wait->first_holder = -1;
  int steps = 0;
  for (PROCLOCK* p = assist_next_holder(lock, nullptr); p != nullptr && ++steps < kMostSteps;
       p = assist_next_holder(lock, p)) {
    if (p->groupLeader == group || (p->holdMask & conflicts) == 0) continue;
    if (wait->first_holder < 0) wait->first_holder = static_cast<int>(p->groupLeader - ProcGlobal->allProcs);
    add_blocker(wait, p->groupLeader->pid);
  }
  wait->holder_count = wait->blocker_count;
  steps = 0;
  for (PGPROC* p = assist_next_waiter(lock, nullptr); p != nullptr && p != proc && ++steps < kMostSteps;
       p = assist_next_waiter(lock, p))
    if (group_of(p) != group && (LOCKBIT_ON(p->waitLockMode) & conflicts) != 0) add_blocker(wait, group_of(p)->pid);
}

}  // namespace

bool may_wait_for_lock(int proc) { return const_cast<LOCK* volatile&>(proc_at(proc)->waitLock) != nullptr; }

bool read_lock_wait(int proc_number, LockWait* wait) {
  PGPROC* proc = proc_at(proc_number);
  // It may be over at any time, and the lock be another one's: what is read before the partition is held is a guess.
  // The memory of locks stays the lock manager's.
  LOCK* lock = const_cast<LOCK* volatile&>(proc->waitLock);
  if (lock == nullptr) return false;
  LOCKTAG tag;
  memcpy(&tag, &lock->tag, sizeof tag);
  LWLock* partition = LockHashPartitionLock(LockTagHashCode(&tag));
  if (!store_lock_briefly(partition, LW_SHARED)) return false;
  const bool waits = proc->waitLock == lock && proc->waitStatus == PROC_WAIT_STATUS_WAITING &&
                     memcmp(&tag, &lock->tag, sizeof tag) == 0;
  if (waits) read_lists(proc, lock, wait);
  LWLockRelease(partition);
  return waits;
}

bool find_tuple_lock(int proc_number, LOCKTAG* tag) {
  PGPROC* proc = proc_at(proc_number);
  for (int i = 0; i < NUM_LOCK_PARTITIONS; ++i) {
    LWLock* partition = LockHashPartitionLockByIndex(i);
    if (!store_lock_briefly(partition, LW_SHARED)) continue;
    bool found = false;
    int steps = 0;
    for (PROCLOCK* p = assist_next_lock_of(proc, i, nullptr); p != nullptr && !found && ++steps < 1000;
         p = assist_next_lock_of(proc, i, p)) {
      found = p->tag.myLock->tag.locktag_type == LOCKTAG_TUPLE && p->holdMask != 0;
      if (found) *tag = p->tag.myLock->tag;
    }
    LWLockRelease(partition);
    if (found) return true;
  }
  return false;
}

}  // namespace assist::pg
