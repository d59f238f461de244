// What this backend runs, told to the sampler of waits; the parts that nested statements and errors need.

#include "capture/capture.hpp"

namespace assist::capture {

namespace {

// What was told before the statement of each depth began; what is deeper shares the last place.
constexpr int kMostSaved = 64;
Running saved[kMostSaved + 1];

Running nowhere;
constexpr TimestampTz kNoMoment = 0;

Running* saved_at(int at) { return &saved[at < kMostSaved ? at : kMostSaved]; }

void write_running(const Running& now) {
  Running& running = *told;
  const uint32 sequence = running.sequence + 1;
  running.sequence = sequence;
  pg_write_barrier();
  running = now;
  running.sequence = sequence;
  pg_write_barrier();
  running.sequence = sequence + 1;
}

}  // namespace

Running* told = &nowhere;
const TimestampTz* message_moment = &kNoMoment;

void save_running() {
  Running now = *told;
  *saved_at(depth) = now;
  if (now.moment != *message_moment) {
    now.top_queryid = 0;  // of another message: the statement around this one is not recorded
  } else if (now.depth == 0) {
    now.top_queryid = now.queryid;
    now.top_userid = now.userid;
  } else {
    return;
  }
  write_running(now);
}

void tell_saved(int around) { write_running(*saved_at(around)); }

void tell_innermost() {
  Running now = *told;
  if (now.depth == 0 || now.moment != *message_moment) return;
  now.queryid = now.top_queryid;
  now.userid = now.top_userid;
  now.depth = 0;
  for (int i = open_top - 1; i >= 0; --i) {
    const Open& open = open_stack[i];
    if (!open.live || !open.running) continue;
    now.queryid = open.queryid;
    now.userid = open.userid;
    now.depth = open.depth;
    break;
  }
  write_running(now);  // query id 0: it is not known what goes on
}

void begin_telling() {
  told = &own_slot->running;
  message_moment = &MyBEEntry->st_activity_start_timestamp;
  // Another process had this slot, or nothing was told while it was detached.
  if (told->dbid != MyDatabaseId || told->moment != *message_moment) {
    Running none = {};
    none.dbid = MyDatabaseId;
    write_running(none);
  }
  const PgBackendStatus* statuses = assist_backend_status_array();
  if (statuses != nullptr) store()->backend_status_at = reinterpret_cast<const char*>(statuses) - store_at(0);
}

void end_telling() { told = &nowhere; }

}  // namespace assist::capture
