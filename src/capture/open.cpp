// Statements between start and end, as a stack; and what an abort does to them.

#include "capture/capture.hpp"

extern "C" {
#include "utils/memutils.h"
}

namespace assist::capture {

int depth = 0;

namespace {

constexpr int kFirstCapacity = 32;
constexpr int kMostOpen = 65536;

Open first_stack[kFirstCapacity];
Open* stack = first_stack;
int capacity = kFirstCapacity;
int top = 0;

bool grow() {
  if (capacity >= kMostOpen) return false;
  auto* bigger = static_cast<Open*>(MemoryContextAllocExtended(
      TopMemoryContext, sizeof(Open) * static_cast<Size>(capacity) * 2, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE));
  if (bigger == nullptr) return false;
  memcpy(bigger, stack, sizeof(Open) * static_cast<Size>(capacity));
  if (stack != first_stack) pfree(stack);
  stack = bigger;
  capacity *= 2;
  return true;
}

// Ends what is open from `subid` on. Running statements failed; cursors between two fetches just ended.
void end_open(SubTransactionId subid) {
  for (int i = top - 1; i >= 0; --i) {
    Open& open = stack[i];
    if (!open.live || open.subid < subid) continue;
    if (!open.running) {
      record_execution(open, 0);
    } else {
      record_error(open, last_sqlstate, last_message);
      if (open.depth < depth) depth = open.depth;
    }
    open.live = false;
  }
  while (top > 0 && !stack[top - 1].live) --top;
}

void at_transaction(XactEvent event, void*) {
  switch (event) {
    case XACT_EVENT_ABORT:
      end_open(0);
      forget_error();
      break;
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_PREPARE:
      // Portals are closed by now; what is left had its error swallowed without a subtransaction.
      for (int i = 0; i < top; ++i) stack[i].running = false;
      if (top > 0) end_open(0);
      break;
    default:
      return;
  }
  flush_planning();
}

void at_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void*) {
  if (top == 0) return;
  if (event == SUBXACT_EVENT_ABORT_SUB) {
    end_open(mine);
  } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
    for (int i = 0; i < top; ++i)
      if (stack[i].subid == mine) stack[i].subid = parent;
  }
}

}  // namespace

int push_open(const Open& open) {
  if (top == capacity && !grow()) return -1;
  stack[top] = open;
  stack[top].live = true;
  return top++;
}

int find_open(const QueryDesc* desc) {
  for (int i = top - 1; i >= 0; --i)
    if (stack[i].desc == desc && stack[i].live) return i;
  return -1;
}

Open* open_at(int i) { return &stack[i]; }

void pop_open(int i) {
  stack[i].live = false;
  while (top > 0 && !stack[top - 1].live) --top;
}

void install_transaction_callbacks() {
  RegisterXactCallback(at_transaction, nullptr);
  RegisterSubXactCallback(at_subtransaction, nullptr);
}

}  // namespace assist::capture
