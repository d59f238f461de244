// One look at all sessions: what each waits for, and which statement it runs.
//
// Everything is read where the server's processes write it, without a lock: the wait event from PGPROC, state and user
// from PgBackendStatus by its change count, the statement from the session's own slot (Running). What changes while it
// is read is told from the one before or after. Nothing is allocated, nothing ereports.

#include "worker/wait_sampler.hpp"

#include <ctime>

#include "assist/sample_clock.hpp"
#include "pg/store/lock_waits.hpp"
#include "pg/settings.hpp"
#include "pg/store/waits.hpp"

extern "C" {
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
}

namespace assist::worker {

using namespace assist::pg;  // NOLINT: written in terms of the store

namespace {

constexpr int64 kHistoryUs = 1000000;  // between two looks that go into the history
constexpr int kMostTries = 100;        // to read what its owner is writing
constexpr int kMostLockWaits = 128;    // in one look

SampleClock sample_clock;
WaitSample* samples = nullptr;         // one for each process
uint64 last_history_us = 0;
double look_ns = 0;                    // processor time of one look, smoothed

// What is read of a session's PgBackendStatus.
struct Session {
  int pid;
  BackendType type;
  BackendState state;
  Oid userid, dbid;
  TimestampTz moment;
  char application[NAMEDATALEN];
};

const PgBackendStatus* status_of(int proc) {
  const int64 at = *const_cast<volatile int64*>(&store()->backend_status_at);
  const int i = assist_backend_status_index(proc);
  if (at == 0 || i < 0 || i >= MaxBackends) return nullptr;
  return reinterpret_cast<const PgBackendStatus*>(reinterpret_cast<const char*>(store()) + at) + i;
}

bool read_session(const PgBackendStatus* status, bool with_application, Session* session) {
  const volatile PgBackendStatus* from = status;
  for (int i = 0; i < kMostTries; ++i) {
    int before, after;
    pgstat_begin_read_activity(from, before);
    session->pid = from->st_procpid;
    session->type = from->st_backendType;
    session->state = from->st_state;
    session->userid = from->st_userid;
    session->dbid = from->st_databaseid;
    session->moment = from->st_activity_start_timestamp;
    session->application[0] = '\0';
    if (with_application) strlcpy(session->application, from->st_appname, sizeof session->application);
    pgstat_end_read_activity(from, after);
    if (pgstat_read_activity_complete(before, after)) return true;
    SPIN_DELAY();
  }
  return false;
}

bool read_running(int proc, Running* running) {
  const Running* from = &slot_at(static_cast<uint32>(proc))->running;
  for (int i = 0; i < kMostTries; ++i) {
    const uint32 before = *const_cast<const volatile uint32*>(&from->sequence);
    if ((before & 1) == 0) {
      pg_read_barrier();
      memcpy(running, from, sizeof *running);
      pg_read_barrier();
      if (*const_cast<const volatile uint32*>(&from->sequence) == before) return true;
    }
    SPIN_DELAY();
  }
  return false;
}

bool is_idle_in_transaction(const Session& session) {
  return session.state == STATE_IDLEINTRANSACTION || session.state == STATE_IDLEINTRANSACTION_ABORTED;
}

// Whether the session runs a statement. Without track_activities the server says nothing of it: then whoever waits for
// its client is idle.
bool is_active(const Session& session, uint32 event) {
  return session.state == STATE_RUNNING || session.state == STATE_FASTPATH ||
         (session.state == STATE_DISABLED && event != WAIT_EVENT_CLIENT_READ);
}

// What `proc` runs, as of now or, between two statements of a transaction, as of last. False: nothing that counts.
bool identify(int proc, const Session& session, bool last, WaitSample* sample) {
  if (session.type != B_BACKEND && session.type != B_BG_WORKER) return false;
  Running running;
  const bool told = read_running(proc, &running) && running.queryid != 0 && running.dbid == session.dbid &&
                    (running.moment == session.moment || last);
  // Of workers that are not a session's, and do not say what they run, nothing is known.
  if (!told && session.type != B_BACKEND) return false;
  if (told) {
    const bool toplevel = running.depth == 0;
    sample->key = {running.queryid, running.userid, running.dbid, 0, toplevel};
    sample->activity.top_queryid = toplevel ? running.queryid : running.top_queryid;
  } else {
    // Before the server knows its query id: being parsed, which takes locks on tables.
    sample->key = {0, session.userid, session.dbid, 0, true};
    sample->activity.top_queryid = 0;
  }
  sample->activity.pid = session.pid;
  sample->activity.leader_pid = 0;
  sample->activity.blocked_by = kNobody;
  sample->activity.state = last ? ActivityState::kIdleInTransaction : ActivityState::kActive;
  memcpy(sample->application, session.application, sizeof sample->application);
  return true;
}

// One process. False when it is not active.
bool look_at(int proc, bool for_history, WaitSample* sample) {
  const auto* p = const_cast<const volatile PGPROC*>(&ProcGlobal->allProcs[proc]);
  const int pid = p->pid;
  if (pid == 0 || pid == MyProcPid) return false;
  const uint32 event = p->wait_event_info;
  const PgBackendStatus* status = status_of(proc);
  if (status == nullptr) return false;
  Session session;
  const PGPROC* leader = p->lockGroupLeader;
  if (leader != nullptr && leader->pid != 0 && leader->pid != pid) {
    // A parallel worker: what it does is its leader's statement.
    const auto leader_proc = static_cast<int>(leader - ProcGlobal->allProcs);
    status = status_of(leader_proc);
    if (status == nullptr || !read_session(status, for_history, &session) || session.pid != leader->pid ||
        !is_active(session, 0) || !identify(leader_proc, session, false, sample))
      return false;
    sample->activity.pid = pid;
    sample->activity.leader_pid = session.pid;
  } else {
    // Most sessions are idle: that is seen without reading all of it.
    if (*const_cast<const volatile BackendState*>(&status->st_state) == STATE_IDLE) return false;
    if (!read_session(status, for_history, &session) || session.pid != pid || !is_active(session, event) ||
        !identify(proc, session, false, sample))
      return false;
  }
  sample->key.event = event;
  return true;
}

void complete(WaitSample* sample) {
  ActivitySample& a = sample->activity;
  a.queryid = sample->key.queryid;
  a.userid = sample->key.userid;
  a.dbid = sample->key.dbid;
  a.event = sample->key.event;
  a.toplevel = sample->key.toplevel;
}

// Finds out for whom those wait that wait for a lock, and adds the sessions that hold one between two statements.
uint32 add_blockers(const int* procs, uint32 count) {
  const uint32 active = count;
  int waits = 0;
  for (uint32 i = 0; i < active && waits < kMostLockWaits; ++i) {
    WaitSample& sample = samples[i];
    if ((sample.key.event & 0xff000000) != PG_WAIT_LOCK) continue;
    ++waits;
    LockWait wait;
    if (!read_lock_wait(procs[i], &wait) || wait.blocker_count == 0) continue;
    sample.activity.blocked_by = wait.blockers[0];
    if (wait.first_holder < 0 || wait.blockers[0] == 0) continue;
    bool known = false;
    for (uint32 n = 0; n < count && !known; ++n) known = samples[n].activity.pid == wait.blockers[0];
    const PgBackendStatus* status = status_of(wait.first_holder);
    Session session;
    WaitSample& holder = samples[count];
    if (known || count >= store()->slot_count || status == nullptr || !read_session(status, true, &session) ||
        session.pid != wait.blockers[0] || !is_idle_in_transaction(session) ||
        !identify(wait.first_holder, session, true, &holder))
      continue;
    holder.key.event = WAIT_EVENT_CLIENT_READ;
    complete(&holder);
    ++count;
  }
  return count;
}

uint64 processor_ns() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64>(now.tv_sec) * 1000000000 + static_cast<uint64>(now.tv_nsec);
}

void look(uint64 now_us, uint64 interval_us) {
  const uint64 from = processor_ns();
  const uint64 wait_us = sample_clock.Sample(now_us, interval_us, pg_prng_double(&pg_global_prng_state));
  const bool for_history = now_us - last_history_us >= static_cast<uint64>(kHistoryUs) - interval_us / 2;
  static int* procs = nullptr;  // of the samples
  if (procs == nullptr) procs = static_cast<int*>(MemoryContextAlloc(TopMemoryContext, sizeof(int) * store()->slot_count));
  uint32 count = 0;
  for (uint32 i = 0; i < store()->slot_count; ++i) {
    if (!look_at(static_cast<int>(i), for_history, &samples[count])) continue;
    complete(&samples[count]);
    procs[count++] = static_cast<int>(i);
  }
  Look seen = {samples, count, count, wait_us, 0, 0, interval_us, sample_clock.skipped_us()};
  if (for_history) {
    last_history_us = now_us;
    seen.count = add_blockers(procs, count);
    seen.at = GetCurrentTimestamp();
  }
  seen.look_ns = processor_ns() - from;
  look_ns = look_ns == 0 ? static_cast<double>(seen.look_ns) : look_ns * 0.9 + static_cast<double>(seen.look_ns) * 0.1;
  add_look(seen);
}

}  // namespace

void start_wait_sampler() {
  samples = static_cast<WaitSample*>(MemoryContextAllocZero(TopMemoryContext, sizeof(WaitSample) * store()->slot_count));
}

long sample_waits() {
  if (wait_interval_ms <= 0) {
    sample_clock.Stop();
    return -1;
  }
  const uint64 interval_us = SustainableInterval(static_cast<uint64>(wait_interval_ms) * 1000, look_ns, max_overhead_percent);
  const uint64 now_us = assist_now_ns() / 1000;
  if (sample_clock.Wait(now_us, interval_us) == 0) look(now_us, interval_us);
  // Rounded up: a latch that times out too early would be waited for again.
  return static_cast<long>((sample_clock.Wait(assist_now_ns() / 1000, interval_us) + 999) / 1000);
}

}  // namespace assist::worker
