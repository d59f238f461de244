// The registry of visits.

#include "pg/visits.hpp"

#include <algorithm>

extern "C" {
#include <signal.h>

#include "access/htup_details.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"  // for get_database_oid
#include "commands/defrem.h"      // for defGetString
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/acl.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

constexpr int kDatabases = 512;
constexpr int kUnknown = -1, kAbsent = 0, kThere = 1;
// Databases without the extension are looked at less often.
constexpr int64 kAbsentFactor = 5;
constexpr TimestampTz kQuiet = 10 * USECS_PER_SEC;
constexpr int kEndTries = 500;
constexpr long kEndWaitUs = 10000;

struct Visit {
  Oid dbid;            // 0 = free
  int pid;             // of the worker that is there; 0 = none
  bool reserved;       // a worker is on its way or there
  int extension;       // kUnknown, kAbsent, kThere
  TimestampTz last;    // when the last visit was reserved; 0 = never
  TimestampTz before;  // the one before that
  TimestampTz quiet_until;
};

struct Registry {
  slock_t lock;
  Visit visits[kDatabases];
};

Registry* registry = nullptr;

// Runs `f` on the database's entry, nullptr when there is none and `add` is false or the table is
// full. REQUIRES: f is short, calls nothing of the server and does not throw.
template <typename F>
auto with_visit(Oid dbid, bool add, F&& f) {
  SpinLockAcquire(&registry->lock);
  Visit* found = nullptr;
  Visit* free = nullptr;
  for (Visit& visit : registry->visits) {
    if (visit.dbid == dbid) found = &visit;
    if (visit.dbid == InvalidOid && free == nullptr) free = &visit;
  }
  if (found == nullptr && add && free != nullptr) {
    *free = {dbid, 0, false, kUnknown, 0, 0, 0};
    found = free;
  }
  auto result = f(found);
  SpinLockRelease(&registry->lock);
  return result;
}

TimestampTz next_of(const Visit& visit, int64 interval) {
  if (visit.last == 0) return visit.quiet_until;
  const int64 wait = visit.extension == kAbsent ? interval * kAbsentFactor : interval;
  return std::max(visit.last + wait, visit.quiet_until);
}

// Moments ahead of the clock are of before it was put back: nobody is to wait until then.
void put_right(Visit* visit, TimestampTz now) {
  visit->last = std::min(visit->last, now);
  visit->quiet_until = std::min(visit->quiet_until, now + kQuiet);
}

void leave(int, Datum dbid) {
  const int me = MyProcPid;
  with_visit(DatumGetObjectId(dbid), false, [me](Visit* visit) {
    if (visit != nullptr && visit->pid == me) {
      visit->pid = 0;
      visit->reserved = false;
    }
    return 0;
  });
}

// The database a statement needs for itself; nullptr = none.
const char* database_of(const Node* statement) {
  switch (nodeTag(statement)) {
    case T_DropdbStmt:
      return reinterpret_cast<const DropdbStmt*>(statement)->dbname;
    case T_RenameStmt: {
      const auto* rename = reinterpret_cast<const RenameStmt*>(statement);
      return rename->renameType == OBJECT_DATABASE ? rename->subname : nullptr;
    }
    case T_AlterDatabaseStmt:
      return reinterpret_cast<const AlterDatabaseStmt*>(statement)->dbname;
    case T_CreatedbStmt: {
      ListCell* cell;
      foreach (cell, reinterpret_cast<const CreatedbStmt*>(statement)->options) {
        auto* option = lfirst_node(DefElem, cell);
        if (strcmp(option->defname, "template") == 0 && option->arg != nullptr)
          return defGetString(option);
      }
      return nullptr;
    }
    default:
      return nullptr;
  }
}

bool owns_database(Oid dbid) {
  HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(dbid));
  if (!HeapTupleIsValid(tuple)) return false;
  const Oid owner = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->datdba;
  ReleaseSysCache(tuple);
  return has_privs_of_role(GetUserId(), owner);
}

}  // namespace

Size visits_shmem_size() { return MAXALIGN(sizeof(Registry)); }

void visits_shmem_init() {
  bool found;
  registry =
      static_cast<Registry*>(ShmemInitStruct("pg_assist visits", visits_shmem_size(), &found));
  if (found) return;
  MemSet(registry, 0, sizeof(Registry));
  SpinLockInit(&registry->lock);
}

void end_visits_for(const Node* statement) {
  if (registry == nullptr || statement == nullptr) return;
  if (IsA(statement, CreateExtensionStmt)) {
    const auto* create = reinterpret_cast<const CreateExtensionStmt*>(statement);
    if (strcmp(create->extname, "pg_assist") != 0) return;
    with_visit(MyDatabaseId, false, [](Visit* visit) {
      if (visit != nullptr) visit->extension = kUnknown;
      return 0;
    });
    return;
  }
  const char* name = database_of(statement);
  if (name == nullptr) return;
  const Oid dbid = get_database_oid(name, true);
  // Who may not do it anyway does not end a visit either.
  if (IsA(statement, CreatedbStmt) || owns_database(dbid)) end_visits(dbid);
}

void end_visits(Oid dbid) {
  if (registry == nullptr || !OidIsValid(dbid)) return;
  const TimestampTz until = GetCurrentTimestamp() + kQuiet;
  for (int i = 0; i < kEndTries; ++i) {
    const int pid = with_visit(dbid, true, [until](Visit* visit) {
      if (visit == nullptr) return 0;
      visit->quiet_until = until;
      return visit->pid;
    });
    if (pid == 0) return;
    if (i % 100 == 0) kill(pid, SIGTERM);
    CHECK_FOR_INTERRUPTS();
    pg_usleep(kEndWaitUs);
  }
}

bool begin_visit(Oid dbid) {
  if (registry == nullptr) return true;
  const TimestampTz now = GetCurrentTimestamp();
  const int me = MyProcPid;
  const bool mine = with_visit(dbid, false, [now, me](Visit* visit) {
    if (visit == nullptr) return false;
    put_right(visit, now);
    if (visit->quiet_until > now || visit->pid != 0) return false;
    visit->pid = me;
    return true;
  });
  // Callbacks run in the opposite order of registration: this one after the process has left the
  // list of those that are connected to a database.
  if (mine) on_shmem_exit(leave, ObjectIdGetDatum(dbid));
  return mine;
}

void note_extension(Oid dbid, bool exists) {
  if (registry == nullptr) return;
  with_visit(dbid, false, [exists](Visit* visit) {
    if (visit != nullptr) visit->extension = exists ? kThere : kAbsent;
    return 0;
  });
}

void forget_reservations() {
  SpinLockAcquire(&registry->lock);
  for (Visit& visit : registry->visits) visit.reserved = visit.pid != 0;
  SpinLockRelease(&registry->lock);
}

bool visit_is_due(Oid dbid, TimestampTz now, int64 interval) {
  return with_visit(dbid, false, [now, interval](Visit* visit) {
    if (visit == nullptr) return true;
    put_right(visit, now);
    return !visit->reserved && next_of(*visit, interval) <= now;
  });
}

bool reserve_visit(Oid dbid, TimestampTz now) {
  return with_visit(dbid, true, [now](Visit* visit) {
    if (visit == nullptr || visit->reserved || visit->pid != 0) return false;
    visit->reserved = true;
    visit->before = visit->last;
    visit->last = now;
    return true;
  });
}

void release_visit(Oid dbid) {
  with_visit(dbid, false, [](Visit* visit) {
    if (visit != nullptr) visit->reserved = false;
    return 0;
  });
}

void forgo_visit(Oid dbid) {
  with_visit(dbid, false, [](Visit* visit) {
    if (visit == nullptr) return 0;
    visit->reserved = false;
    visit->last = visit->before;
    return 0;
  });
}

TimestampTz next_visit(Oid dbid, int64 interval) {
  return with_visit(dbid, false, [interval](Visit* visit) {
    return visit == nullptr ? TimestampTz{0} : next_of(*visit, interval);
  });
}

void keep_visits(const Oid* dbids, int count) {
  SpinLockAcquire(&registry->lock);
  for (Visit& visit : registry->visits) {
    if (visit.dbid == InvalidOid || visit.reserved || visit.pid != 0) continue;
    if (std::find(dbids, dbids + count, visit.dbid) == dbids + count) visit.dbid = InvalidOid;
  }
  SpinLockRelease(&registry->lock);
}

}  // namespace assist::pg
