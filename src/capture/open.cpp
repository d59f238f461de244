// Statements between start and end, as a stack; and what an abort does to them.

#include "capture/capture.hpp"

extern "C" {
#include "utils/memutils.h"
}

namespace assist::capture {

namespace {
constexpr int kFirstCapacity = 32;
constexpr int kMostOpen = 65536;
Open first_stack[kFirstCapacity];
}  // namespace

SubTransactionId current_subid = TopSubTransactionId;
int depth = 0;
Planning plannings[kMostPlannings + 1];
int planning_count = 0;
Open* open_stack = first_stack;
int open_top = 0;
int open_capacity = kFirstCapacity;

bool grow_open_stack() {
  if (open_capacity >= kMostOpen) return false;
  const auto bytes = sizeof(Open) * static_cast<Size>(open_capacity);
  auto* bigger = static_cast<Open*>(
      MemoryContextAllocExtended(TopMemoryContext, bytes * 2, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE));
  if (bigger == nullptr) return false;
  memcpy(bigger, open_stack, bytes);
  if (open_stack != first_stack) pfree(open_stack);
  open_stack = bigger;
  open_capacity *= 2;
  return true;
}

Open* find_open_below(const QueryDesc* desc) {
  for (int i = open_top - 1; i >= 0; --i)
    if (open_stack[i].desc == desc && open_stack[i].live) return &open_stack[i];
  return nullptr;
}

void pop_dead() {
  // Called one entry too low when something in the middle was closed: that one may be alive.
  if (open_stack[open_top].live) ++open_top;
  while (open_top > 0 && !open_stack[open_top - 1].live) --open_top;
}

namespace {

// Ends what is open from `subid` on. Running statements failed; cursors between two fetches just ended.
void end_open(SubTransactionId subid) {
  while (planning_count > 0) {
    const Planning& last = plannings[planning_count < kMostPlannings ? planning_count - 1 : kMostPlannings];
    if (last.subid < subid) break;
    Open failed = {};
    failed.queryid = last.queryid;
    failed.userid = last.userid;
    failed.depth = last.depth;
    record_error(failed, last_sqlstate, last_message);
    if (last.depth < depth) depth = last.depth;
    --planning_count;
  }
  for (int i = open_top - 1; i >= 0; --i) {
    Open& open = open_stack[i];
    if (!open.live || open.subid < subid) continue;
    if (!open.running) {
      record_execution(open, 0, GetCurrentStatementStartTimestamp());
    } else {
      record_error(open, last_sqlstate, last_message);
      if (open.depth < depth) depth = open.depth;
    }
    open.live = false;
  }
  while (open_top > 0 && !open_stack[open_top - 1].live) --open_top;
}

pg_noinline void settle_commit() {
  // Portals are closed by now; what is left had its error swallowed without a subtransaction.
  for (int i = 0; i < open_top; ++i) open_stack[i].running = false;
  planning_count = 0;
  if (open_top > 0) end_open(0);
  flush_planning();
}

pg_noinline void settle_abort() {
  current_subid = TopSubTransactionId;
  end_open(0);
  forget_error();
  flush_planning();
}

void at_transaction(XactEvent event, void*) {
  if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE) {
    if (unlikely((open_top | planning_count) != 0 || planned.count != 0)) settle_commit();
  } else if (event == XACT_EVENT_ABORT) {
    settle_abort();
  }
}

void at_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void*) {
  if (event == SUBXACT_EVENT_START_SUB) {
    current_subid = mine;
  } else if (event == SUBXACT_EVENT_ABORT_SUB) {
    current_subid = parent;
    end_open(mine);
    tell_innermost();
  } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
    current_subid = parent;
    for (int i = 0; i < open_top; ++i)
      if (open_stack[i].subid == mine) open_stack[i].subid = parent;
  }
}

}  // namespace

void install_transaction_callbacks() {
  RegisterXactCallback(at_transaction, nullptr);
  RegisterSubXactCallback(at_subtransaction, nullptr);
}

}  // namespace assist::capture
