// The profile of waits and the history of activity, in shared memory of fixed size. The collector writes, with
// waits_lock() held exclusively for some microseconds; readers copy what they want with it held shared. Nothing that
// a user's statement does takes it.
//
// Both begin anew with the server: the numbers of wait events that extensions name are of one run of the server.
#pragma once

#include <string>
#include <vector>

#include "assist/wait_profile.hpp"
#include "pg/store/store.hpp"

namespace assist::pg {

enum class ActivityState : uint8 { kActive, kIdleInTransaction };

inline constexpr int kWaitSums = 128;
inline constexpr int kApplications = 128;

// What a session did at one moment.
struct ActivitySample {
  TimestampTz at;              // 0 = none
  uint64 queryid, top_queryid; // 0 = not known
  int pid, leader_pid;         // leader_pid: of a parallel worker; 0 = it is none
  int blocked_by;              // the process whose lock it waits for first; kNobody, or 0 for a prepared transaction
  Oid userid, dbid;
  uint32 event;                // the server's wait_event_info; 0 = on the processor
  uint16 application;          // place in the table of names
  ActivityState state;
  bool toplevel;
};
static_assert(sizeof(ActivitySample) == 56);
inline constexpr int kNobody = -1;

struct WaitsAccount {
  uint32 entries, capacity;    // of the profile
  uint64 evictions;            // entries that gave way
  uint64 samples;              // sessions seen active, so far
  uint64 looks;                // at all sessions
  uint64 look_ns;              // processor time of them
  uint64 skipped_us;           // time no sample stands for: the collector was stopped
  uint64 interval_us;          // between two looks, as it is now
  uint64 activity_count, activity_capacity;
  TimestampTz last_look;
  Size used, bytes;
};

Size waits_shmem_size();
void waits_shmem_init();  // REQUIRES: AddinShmemInitLock

// --- For the collector, which alone writes. Each takes waits_lock().
struct WaitSample {
  WaitKey key;
  ActivitySample activity;     // for the history; without `at` and `application`
  char application[NAMEDATALEN];
};
// Adds one look at all sessions: `counts` of the samples to the profile, standing for wait_us each; all of them to the
// history where `at` is not 0. look_ns, interval_us and skipped_us are for the account.
struct Look {
  const WaitSample* samples;
  uint32 count;                // of them; the first `counts` are active
  uint32 counts;
  uint64 wait_us;
  TimestampTz at;
  uint64 look_ns, interval_us, skipped_us;
};
void add_look(const Look& look);
void forget_future_activity(TimestampTz now);

// Forgets samples; 0 = any user, database, query.
void reset_waits(Oid userid, Oid dbid, uint64 queryid);

// --- For readers. May throw std::bad_alloc; never an ERROR. REQUIRES: store() != nullptr.
struct WaitRow {
  WaitKey key;                 // userid 0: of what gave way, per database and event (kAnyEvent: of all further ones)
  uint64 samples, wait_us;
};
// Cumulative since the server's start or the last reset; of one database, or of all for 0.
std::vector<WaitRow> ReadWaits(Oid dbid);
struct ActivityRow {
  ActivitySample sample;
  char application[NAMEDATALEN];
};
std::vector<ActivityRow> ReadActivity();  // the oldest first
WaitsAccount read_waits_account();

}  // namespace assist::pg
