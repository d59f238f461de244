// The hooks. Each calls the next one in the chain with nothing of ours to unwind, and records after it.

#include "capture/capture.hpp"

#include "pg/guard_c.hpp"

extern "C" {
#include "commands/extension.h"  // for creating_extension
#include "executor/executor.h"
#include "jit/jit.h"
#include "optimizer/planner.h"
#include "parser/analyze.h"
#include "tcop/utility.h"
}

namespace assist::capture {

int suppressed = 0;

namespace {

planner_hook_type next_planner = nullptr;
post_parse_analyze_hook_type next_post_parse = nullptr;
ExecutorStart_hook_type next_start = nullptr;
ExecutorRun_hook_type next_run = nullptr;
ExecutorFinish_hook_type next_finish = nullptr;
ExecutorEnd_hook_type next_end = nullptr;
ProcessUtility_hook_type next_utility = nullptr;

// An ErrorContextCallback of ours around a server call. An ERROR restores the stack by itself.
struct Watch {
  ErrorContextCallback callback;
  inline void begin() {
    callback.callback = note_error;
    callback.arg = nullptr;
    callback.previous = error_context_stack;
    error_context_stack = &callback;
  }
  inline void end() const { error_context_stack = callback.previous; }
};

inline Usage usage_now() {
  return {static_cast<uint64>(pgBufferUsage.shared_blks_hit), static_cast<uint64>(pgBufferUsage.shared_blks_read),
          static_cast<uint64>(pgBufferUsage.shared_blks_dirtied),
          static_cast<uint64>(pgBufferUsage.temp_blks_read),
          static_cast<uint64>(pgBufferUsage.temp_blks_written), pgWalUsage.wal_bytes};
}

inline void add_usage(Usage* to, const Usage& from, const Usage& now) {
  to->blks_hit += now.blks_hit - from.blks_hit;
  to->blks_read += now.blks_read - from.blks_read;
  to->blks_dirtied += now.blks_dirtied - from.blks_dirtied;
  to->temp_read += now.temp_read - from.temp_read;
  to->temp_written += now.temp_written - from.temp_written;
  to->wal_bytes += now.wal_bytes - from.wal_bytes;
}

void on_post_parse(ParseState* state, Query* query, JumbleState* jumble) {
  if (next_post_parse != nullptr) next_post_parse(state, query, jumble);
  if (query->queryId != 0 && enabled()) see_parse(state->p_sourcetext, query, jumble);
}

PlannedStmt* plan_next(Query* query, const char* source, int options, ParamListInfo params) {
  return next_planner != nullptr ? next_planner(query, source, options, params)
                                 : standard_planner(query, source, options, params);
}

PlannedStmt* on_plan(Query* query, const char* source, int options, ParamListInfo params) {
  if (query->queryId == 0 || !enabled()) return plan_next(query, source, options, params);
  const uint64 queryid = query->queryId;
  Open open = {};
  open.queryid = queryid;
  open.userid = GetUserId();
  open.subid = GetCurrentSubTransactionId();
  open.depth = depth;
  open.running = true;
  const int i = push_open(open);
  Watch watch;
  watch.begin();
  ++depth;
  const bool timed = track_planning;
  const uint64 from = timed ? assist_now_ns() : 0;
  PlannedStmt* plan = plan_next(query, source, options, params);
  const uint64 ns = timed ? assist_now_ns() - from : 0;
  --depth;
  watch.end();
  if (i >= 0) pop_open(i);
  if (timed) record_planning(queryid, ns);
  return plan;
}

void on_start(QueryDesc* desc, int flags) {
  const PlannedStmt* plan = desc->plannedstmt;
  int i = -1;
  if (plan->queryId != 0 && (flags & EXEC_FLAG_EXPLAIN_ONLY) == 0 && enabled()) {
    Open open = {};
    open.desc = desc;
    open.queryid = plan->queryId;
    open.planid = plan_fingerprint(plan, &open.scans_index);
    open.estimated_cost = plan->planTree != nullptr ? plan->planTree->total_cost : 0;
    open.userid = GetUserId();
    open.subid = GetCurrentSubTransactionId();
    open.depth = depth;
    open.running = true;
    open.entry = find_or_claim_entry({open.queryid, open.planid, open.userid, depth == 0}, desc->sourceText);
    open.weight = open.entry != nullptr ? choose_sample(open.entry) : 0;
    if (open.weight > 0) desc->instrument_options |= INSTRUMENT_ROWS;
    i = push_open(open);
    if (i < 0) count_lost_execution(0);
  }
  Watch watch;
  watch.begin();
  if (i >= 0) ++depth;
  if (next_start != nullptr)
    next_start(desc, flags);
  else
    standard_ExecutorStart(desc, flags);
  watch.end();
  if (i >= 0) {
    --depth;
    open_at(i)->running = false;
  }
}

// One piece of an open execution: the server's call between a clock pair.
struct Measured {
  Watch watch;
  Usage usage;
  uint64 from;
  int i;
  inline void begin(int open) {
    i = open;
    open_at(i)->running = true;
    ++depth;
    watch.begin();
    usage = usage_now();
    from = assist_now_ns();
  }
  inline Open* end() {
    const uint64 now = assist_now_ns();
    watch.end();
    Open* open = open_at(i);
    open->exec_ns += now - from;
    add_usage(&open->used, usage, usage_now());
    open->running = false;
    return open;
  }
};

void run_next(QueryDesc* desc, ScanDirection direction, uint64 count, bool once) {
  if (next_run != nullptr)
    next_run(desc, direction, count, once);
  else
    standard_ExecutorRun(desc, direction, count, once);
}

void on_run(QueryDesc* desc, ScanDirection direction, uint64 count, bool once) {
  const int i = find_open(desc);
  if (i < 0) {
    run_next(desc, direction, count, once);
    return;
  }
  const int around = depth;
  Measured measured;
  measured.begin(i);
  run_next(desc, direction, count, once);
  measured.end()->rows += desc->estate->es_processed;
  depth = around;
}

void finish_next(QueryDesc* desc) {
  if (next_finish != nullptr)
    next_finish(desc);
  else
    standard_ExecutorFinish(desc);
}

void on_finish(QueryDesc* desc) {
  // Only changes have something left to do here: AFTER triggers.
  const int i = desc->operation == CMD_SELECT && !desc->plannedstmt->hasModifyingCTE ? -1 : find_open(desc);
  if (i < 0) {
    finish_next(desc);
    return;
  }
  const int around = depth;
  Measured measured;
  measured.begin(i);
  finish_next(desc);
  measured.end();
  depth = around;
}

void on_end(QueryDesc* desc) {
  const int i = find_open(desc);
  if (i >= 0) {
    const Open open = *open_at(i);  // a copy: what follows may open statements of its own
    pop_open(i);
    const EState* state = desc->estate;
    uint64 jit_ns = 0;
    if (state != nullptr && state->es_jit != nullptr) jit_ns = assist_jit_ns(&state->es_jit->instr);
    if (open.scans_index) record_index_use(desc, open);
    if (open.weight > 0) record_deep(desc, open);
    record_execution(open, jit_ns);
    if (slot()->text_wanted != 0) supply_text(desc, open);
  }
  if (next_end != nullptr)
    next_end(desc);
  else
    standard_ExecutorEnd(desc);
}

// The arguments of a ProcessUtility call, to pass them through a try block.
struct Utility {
  PlannedStmt* statement;
  const char* source;
  bool read_only;
  ProcessUtilityContext context;
  ParamListInfo params;
  QueryEnvironment* environment;
  DestReceiver* receiver;
  QueryCompletion* completion;
  Open open;
};

void utility_next(const Utility& u) {
  if (next_utility != nullptr)
    next_utility(u.statement, u.source, u.read_only, u.context, u.params, u.environment, u.receiver,
                 u.completion);
  else
    standard_ProcessUtility(u.statement, u.source, u.read_only, u.context, u.params, u.environment,
                            u.receiver, u.completion);
}

void utility_body(void* arg) { utility_next(*static_cast<Utility*>(arg)); }

void utility_failed(int sqlstate, void* arg) {
  const auto* u = static_cast<const Utility*>(arg);
  depth = u->open.depth;
  record_error(u->open, sqlstate, sqlstate == last_sqlstate ? last_message : "");
}

void on_utility(PlannedStmt* statement, const char* source, bool read_only, ProcessUtilityContext context,
                ParamListInfo params, QueryEnvironment* environment, DestReceiver* receiver,
                QueryCompletion* completion) {
  Utility u = {statement, source, read_only, context, params, environment, receiver, completion, {}};
  const Node* tree = statement->utilityStmt;
  // EXECUTE and PREPARE show as the statement that they run; its id is the prepared statement's own.
  const bool transparent = IsA(tree, ExecuteStmt) || IsA(tree, PrepareStmt) || IsA(tree, DeallocateStmt);
  // Scripts of CREATE EXTENSION are the extension's business, not the application's.
  if (transparent || suppressed > 0 || creating_extension || IsParallelWorker() || slot() == nullptr ||
      track == kTrackNone) {
    utility_next(u);
    return;
  }
  const bool recorded = track_utility && statement->queryId != 0 && enabled();
  u.open.queryid = statement->queryId;
  u.open.userid = GetUserId();
  u.open.depth = depth;
  const bool counts_rows = IsA(tree, CopyStmt) || IsA(tree, FetchStmt) || IsA(tree, CreateTableAsStmt) ||
                           IsA(tree, RefreshMatViewStmt);
  const Usage usage = usage_now();
  const uint64 from = assist_now_ns();
  ++depth;
  if (recorded)
    run_watched(utility_body, utility_failed, &u);
  else
    run_watched(utility_body, [](int, void* arg) { depth = static_cast<Utility*>(arg)->open.depth; }, &u);
  depth = u.open.depth;
  if (!recorded) return;
  u.open.exec_ns = assist_now_ns() - from;
  add_usage(&u.open.used, usage, usage_now());
  if (counts_rows && completion != nullptr) u.open.rows = completion->nprocessed;
  record_execution(u.open, 0);
}

}  // namespace

void install_hooks() {
  next_planner = planner_hook;
  planner_hook = on_plan;
  next_post_parse = post_parse_analyze_hook;
  post_parse_analyze_hook = on_post_parse;
  next_start = ExecutorStart_hook;
  ExecutorStart_hook = on_start;
  next_run = ExecutorRun_hook;
  ExecutorRun_hook = on_run;
  next_finish = ExecutorFinish_hook;
  ExecutorFinish_hook = on_finish;
  next_end = ExecutorEnd_hook;
  ExecutorEnd_hook = on_end;
  next_utility = ProcessUtility_hook;
  ProcessUtility_hook = on_utility;
  install_error_hook();
  install_transaction_callbacks();
}

}  // namespace assist::capture
