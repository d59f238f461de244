// The ring of recent events in shared memory: DDL that was committed, commands that change settings, starts of
// the server. Every backend writes, the analyst of each database reads and remembers in a table how far it came, so
// that a transaction of its that is rolled back loses nothing.
//
// One LWLock. Writers try it for some 5 ms and count what they could not write; nobody else waits for them. Saved
// at a clean shutdown beside the store and read back; what a crash takes is gone, and the numbers start anew.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

namespace assist::pg {

enum EventKind : uint8 { kEventDdl = 1, kEventStart = 2 };
enum EventFlags : uint8 {
  kEventFailed = 1,  // the command failed after it had committed a part of its work
  kEventUnclean = 2, // a start that was not preceded by a clean shutdown
};

struct Event {
  uint64 sequence;          // from 1, without gaps, of this server
  TimestampTz at;           // of the commit
  uint64 queryid;           // 0 = none
  Oid dbid;                 // 0 = concerns the whole server
  Oid userid, session_userid;
  Oid relation;             // that it is about; of an index, its table; 0 = none, or not known
  uint16 tag;               // CommandTag
  EventKind kind;
  uint8 flags;              // EventFlags
  uint32 more;              // stands for so many events of which nothing else is known
  char object[136];         // name in the encoding of dbid; cut to fit
  char detail[72];
};
static_assert(sizeof(Event) == 256);

inline constexpr uint32 kEvents = 512;

// Of the ring as it was copied.
struct EventRingState {
  TimestampTz epoch;        // numbers are comparable while this is the same
  uint64 next;              // number of the next event
  uint64 unpublished;       // events that could not be written, in this epoch
};

// Registered by _PG_init: request and set up shared memory, save at shutdown.
void install_event_ring();

// Copies the events into the ring in their order and numbers them. Never ereports, never waits long.
void publish_events(const Event* events, int count);

// Copies the events with a number above `after` into `to` (kEvents of them at most, in order) and returns how many;
// those of another epoch from the first one on. -1: not now, or the library is not preloaded.
int copy_events(TimestampTz epoch, uint64 after, Event* to, EventRingState* state);

// Events in the ring and lost for lack of its lock; false when there is no ring. For assist.status.
bool event_ring_usage(uint64* held, uint64* unpublished, Size* bytes);

}  // namespace assist::pg
