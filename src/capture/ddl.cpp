// From command to ring: what is pending in this transaction, and what its end makes of it.

#include "capture/ddl.hpp"

#include "pg/guard_c.hpp"

extern "C" {
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"  // for RelationRelationId
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
}

namespace assist::capture {

namespace {

// One more than is kept: the last place is for the sum of the others.
Event pending[kPendingEvents + 1];
SubTransactionId pending_subid[kPendingEvents];
int pending_count = 0;

// What did not fit, by subtransaction, so that it goes with it. Deeper nesting is counted with its parent.
struct Overflow {
  SubTransactionId subid;
  uint32 count;
};
constexpr int kOverflows = 32;
Overflow overflows[kOverflows];
int overflow_count = 0;

bool callbacks_registered = false;
Ddl* innermost = nullptr;
object_access_hook_type next_object_access = nullptr;

void add_overflow(uint32 count) {
  if (overflow_count > 0 && (overflows[overflow_count - 1].subid == current_subid || overflow_count == kOverflows)) {
    overflows[overflow_count - 1].count += count;
    return;
  }
  overflows[overflow_count++] = {current_subid, count};
}

void add_pending(const Event& event) {
  if (pending_count == kPendingEvents) {
    add_overflow(1 + event.more);
    return;
  }
  pending_subid[pending_count] = current_subid;
  pending[pending_count++] = event;
}

void publish_pending() {
  int count = pending_count;
  uint32 more = 0;
  for (int i = 0; i < overflow_count; ++i) more += overflows[i].count;
  if (more > 0) {
    Event* sum = &pending[count];
    *sum = pending[count - 1];
    sum->more = more;
    sum->tag = CMDTAG_UNKNOWN;
    sum->relation = InvalidOid;
    sum->dbid = MyDatabaseId;
    sum->object[0] = sum->detail[0] = '\0';
    ++count;
  }
  const TimestampTz now = GetCurrentTimestamp();
  for (int i = 0; i < count; ++i) pending[i].at = now;
  publish_events(pending, count);
}

void at_transaction(XactEvent event, void*) {
  if (event == XACT_EVENT_COMMIT) {
    if (pending_count > 0) publish_pending();
  } else if (event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE) {
    return;
  }
  // What was prepared may be rolled back by anybody, at any time: it is not recorded.
  pending_count = overflow_count = 0;
  if (event == XACT_EVENT_ABORT) innermost = nullptr;
}

void at_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void*) {
  if (event == SUBXACT_EVENT_ABORT_SUB) {
    while (pending_count > 0 && pending_subid[pending_count - 1] >= mine) --pending_count;
    while (overflow_count > 0 && overflows[overflow_count - 1].subid >= mine) --overflow_count;
  } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
    for (int i = pending_count; i > 0 && pending_subid[i - 1] >= mine; --i) pending_subid[i - 1] = parent;
    while (overflow_count > 0 && overflows[overflow_count - 1].subid >= mine) {
      Overflow* last = &overflows[overflow_count - 1];
      if (overflow_count > 1 && last[-1].subid == parent) {
        last[-1].count += last->count;
        --overflow_count;
      } else {
        last->subid = parent;
        break;
      }
    }
  }
}

void on_object_access(ObjectAccessType access, Oid classid, Oid objectid, int subid, void* arg) {
  if (next_object_access != nullptr) next_object_access(access, classid, objectid, subid, arg);
  if (access == OAT_POST_CREATE && classid == RelationRelationId && subid == 0 && innermost != nullptr &&
      innermost->watches && innermost->created == InvalidOid)
    innermost->created = objectid;
}

// The hook is there while a command runs that is watched: without, nobody pays for it.
void watch_objects() {
  if (object_access_hook == on_object_access) return;
  next_object_access = object_access_hook;
  object_access_hook = on_object_access;
}

void leave(Ddl* ddl) {
  innermost = ddl->around;
  for (const Ddl* around = innermost; around != nullptr; around = around->around)
    if (around->watches) return;
  // Somebody who came after us calls us; then we stay.
  if (object_access_hook == on_object_access) object_access_hook = next_object_access;
}

struct Beginning {
  Ddl* ddl;
  int most;
};

void begin_body(void* arg) {
  const auto* beginning = static_cast<const Beginning*>(arg);
  if (!callbacks_registered) {
    RegisterXactCallback(at_transaction, nullptr);
    RegisterSubXactCallback(at_subtransaction, nullptr);
    callbacks_registered = true;
  }
  name_before(beginning->ddl, beginning->most);
}

}  // namespace

Ddl* begin_ddl(const PlannedStmt* statement, ProcessUtilityContext context) {
  // Parts of another command are not counted for themselves.
  if (context == PROCESS_UTILITY_SUBCOMMAND || capture_suppressed > 0 || store() == nullptr) return nullptr;
  const int objects = count_objects(statement->utilityStmt);
  if (objects == 0 || !can_contain()) return nullptr;
  const int most = objects < kPendingEvents ? objects : kPendingEvents;
  auto* ddl = static_cast<Ddl*>(MemoryContextAllocExtended(
      CurrentMemoryContext, offsetof(Ddl, events) + static_cast<Size>(most) * sizeof(Event),
      MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO));
  if (ddl == nullptr) return nullptr;
  ddl->statement = statement;
  ddl->more = objects - most;
  ddl->begun_in = assist_local_transaction_id();
  Beginning beginning = {ddl, most};
  if (!run_contained(begin_body, &beginning) || ddl->count == 0) {
    pfree(ddl);
    return nullptr;
  }
  for (int i = 0; i < ddl->count; ++i) {
    Event* event = &ddl->events[i];
    event->kind = kEventDdl;
    event->tag = static_cast<uint16>(CreateCommandTag(statement->utilityStmt));
    event->queryid = statement->queryId;
    event->userid = GetUserId();
    event->session_userid = GetSessionUserId();
  }
  ddl->around = innermost;
  innermost = ddl;
  if (ddl->watches) watch_objects();
  return ddl;
}

void end_ddl(Ddl* ddl) {
  leave(ddl);
  if (needs_name_after(ddl) && can_contain())
    run_contained([](void* arg) { name_after(static_cast<Ddl*>(arg)); }, ddl);
  for (int i = 0; i < ddl->count; ++i) add_pending(ddl->events[i]);
  if (ddl->more > 0) add_overflow(static_cast<uint32>(ddl->more));
  pfree(ddl);
}

void fail_ddl(Ddl* ddl) {
  leave(ddl);
  // What it had committed stays: an index that is not valid.
  if (!ddl->concurrent_index || assist_local_transaction_id() == ddl->begun_in) return;
  ddl->events[0].flags |= kEventFailed;
  ddl->events[0].at = GetCurrentTimestamp();
  publish_events(ddl->events, 1);
}

}  // namespace assist::capture
