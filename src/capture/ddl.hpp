// DDL as it is committed: what a utility statement was about, kept until its transaction ends, then put into the
// ring of events (pg/event/ring.hpp). Seen in ProcessUtility, so that no event trigger can fail a statement, and a
// session that runs none pays nothing.
//
// Texts are never recorded: of what may hold secrets (roles, user mappings, servers, subscriptions) the tag and the
// name alone, of settings the name alone.
#pragma once

#include "capture/capture.hpp"
#include "pg/event/ring.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "tcop/utility.h"  // for ProcessUtilityContext
}

#pragma GCC visibility push(hidden)

namespace assist::capture {

inline constexpr int kPendingEvents = 64;  // kept of a transaction; further ones are counted

// A command that is running: its events without their time. In the memory context of the command.
struct Ddl {
  const PlannedStmt* statement;
  Ddl* around;            // the one in whose command this one runs
  LocalTransactionId begun_in;
  Oid created;            // the first relation that was created inside, where that was watched
  bool watches;           // created is watched
  bool concurrent_index;  // CREATE INDEX CONCURRENTLY
  int count;
  int more;               // objects beyond `count`
  Event events[FLEXIBLE_ARRAY_MEMBER];
};

template <typename T>
const T* as(const Node* tree) {
  return reinterpret_cast<const T*>(tree);
}

// --- ddl_kinds.cpp
// Objects that the statement may name; 0 = not an event, for which nothing else is called.
int count_objects(const Node* tree);

// --- ddl_details.cpp: inside a contained block; palloc'd
const char* role_name(const RoleSpec* role);  // not quoted
const char* sub_command(const AlterTableCmd* command);

// --- ddl_names.cpp: inside a contained block, for they read catalogs
// Before the command: fills ddl->events up to ddl->count, which it sets to what is there of these: not temporary
// objects, not what does not exist.
void name_before(Ddl* ddl, int most);
// Whether name_after is to be called, after the command: for names that only the server knows.
bool needs_name_after(const Ddl* ddl);
void name_after(Ddl* ddl);

// --- ddl.cpp
// nullptr: not an event. Never ereports.
Ddl* begin_ddl(const PlannedStmt* statement, ProcessUtilityContext context);
void end_ddl(Ddl* ddl);   // the command has succeeded
void fail_ddl(Ddl* ddl);  // it has raised an ERROR, which is still on its way

}  // namespace assist::capture

#pragma GCC visibility pop
