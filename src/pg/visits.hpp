// Visits: which database is being visited by an analyst, in shared memory, so that a visit can be
// ended before a command that needs the database for itself.
//
// One spinlock guards the table; nothing is called while it is held. Every function does nothing
// where the library is not preloaded.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "datatype/timestamp.h"
#include "nodes/nodes.h"
}

namespace assist::pg {

Size visits_shmem_size();
void visits_shmem_init();  // REQUIRES: AddinShmemInitLock

// Before DROP DATABASE, ALTER DATABASE ... RENAME or SET TABLESPACE and CREATE DATABASE with a
// template: ends the visits of the database the statement names. CREATE EXTENSION pg_assist: the
// next visit is not put off. Anything else: returns at once. May ereport (cancel).
void end_visits_for(const Node* statement);
// Ends the visits of a database and keeps new ones away for ten seconds. Waits up to five seconds
// for the worker to be gone.
void end_visits(Oid dbid);

// The worker's side: takes the visit of the database that the launcher reserved; false when it is
// not to be visited now. It is given up when the process is gone from the server's list of
// processes. REQUIRES: called before connecting to the database.
bool begin_visit(Oid dbid);
// Whether the extension was found there; decides how soon the database is visited again.
void note_extension(Oid dbid, bool exists);

// A launcher that starts anew: reservations of the one before are void unless their worker is
// there.
void forget_reservations();

// The launcher's side. `interval` in microseconds.
bool visit_is_due(Oid dbid, TimestampTz now, int64 interval);
// Reserves a visit. False when there is one, or the table is full.
bool reserve_visit(Oid dbid, TimestampTz now);
void release_visit(Oid dbid);  // the reserved worker has ended
void forgo_visit(Oid dbid);    // the reserved worker did not start: the visit is due as before
TimestampTz next_visit(Oid dbid, int64 interval);  // 0 = now
// Forgets databases that are not in the list.
void keep_visits(const Oid* dbids, int count);

}  // namespace assist::pg
