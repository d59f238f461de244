// The hooks. Each calls the next one in the chain with nothing of ours to unwind, and records after it.

#include "capture/ddl.hpp"
#include "capture/hot.hpp"

#include "pg/guard_c.hpp"
#include "pg/visits.hpp"

extern "C" {
#include "commands/extension.h"  // for creating_extension
#include "executor/executor.h"
#include "jit/jit.h"
#include "optimizer/planner.h"
#include "parser/analyze.h"
#include "tcop/utility.h"
}

namespace assist::capture {

namespace {

// Whom each hook calls: the hook that was there before, or the server's own function.
planner_hook_type plan_next = standard_planner;
post_parse_analyze_hook_type next_post_parse = nullptr;
ExecutorStart_hook_type start_next = standard_ExecutorStart;
ExecutorRun_hook_type run_next = standard_ExecutorRun;
ExecutorFinish_hook_type finish_next = standard_ExecutorFinish;
ExecutorEnd_hook_type end_next = standard_ExecutorEnd;
ProcessUtility_hook_type call_utility = standard_ProcessUtility;

// Counting is adding what the server's counters are at the end and taking off what they were before.
pg_attribute_always_inline void add_counters_now(Usage* to) {
  to->blks_hit += static_cast<uint64>(pgBufferUsage.shared_blks_hit);
  to->blks_read += static_cast<uint64>(pgBufferUsage.shared_blks_read);
  to->blks_dirtied += static_cast<uint64>(pgBufferUsage.shared_blks_dirtied);
  to->temp_read += static_cast<uint64>(pgBufferUsage.temp_blks_read);
  to->temp_written += static_cast<uint64>(pgBufferUsage.temp_blks_written);
  to->wal_bytes += pgWalUsage.wal_bytes;
}
pg_attribute_always_inline void take_off_counters_now(Usage* from) {
  from->blks_hit -= static_cast<uint64>(pgBufferUsage.shared_blks_hit);
  from->blks_read -= static_cast<uint64>(pgBufferUsage.shared_blks_read);
  from->blks_dirtied -= static_cast<uint64>(pgBufferUsage.shared_blks_dirtied);
  from->temp_read -= static_cast<uint64>(pgBufferUsage.temp_blks_read);
  from->temp_written -= static_cast<uint64>(pgBufferUsage.temp_blks_written);
  from->wal_bytes -= pgWalUsage.wal_bytes;
}

pg_noinline void post_parse_after(ParseState* state, Query* query, JumbleState* jumble) {
  next_post_parse(state, query, jumble);
  see_parse(state->p_sourcetext, query, jumble);
}

void on_post_parse(ParseState* state, Query* query, JumbleState* jumble) {
  if (unlikely(next_post_parse != nullptr))
    post_parse_after(state, query, jumble);
  else
    see_parse(state->p_sourcetext, query, jumble);
}

PlannedStmt* on_plan(Query* query, const char* source, int options, ParamListInfo params) {
  if (query->queryId == 0 || !enabled()) return plan_next(query, source, options, params);
  watch_errors();
  const uint64 queryid = query->queryId;
  const Oid userid = GetUserId();
  tell_running(queryid, userid, depth);
  const int around = planning_count++;
  Planning* mine = &plannings[around < kMostPlannings ? around : kMostPlannings];
  *mine = {queryid, userid, current_subid, depth++};
  if (!track_planning) {
    PlannedStmt* plan = plan_next(query, source, options, params);
    depth = mine->depth;
    planning_count = around;
    tell_around(depth);
    return plan;
  }
  const uint64 from = assist_now_ns();
  PlannedStmt* plan = plan_next(query, source, options, params);
  record_planning(*mine, assist_now_ns() - from);
  depth = mine->depth;
  planning_count = around;
  tell_around(depth);
  return plan;
}

void on_start(QueryDesc* desc, int flags) {
  const PlannedStmt* plan = desc->plannedstmt;
  if (plan->queryId == 0 || (flags & EXEC_FLAG_EXPLAIN_ONLY) != 0 || !enabled()) {
    start_next(desc, flags);
    return;
  }
  const Oid userid = GetUserId();
  fetch_entries(entries_of(plan->queryId, userid));
  Open* open = push_open(plan->queryId, userid);
  if (open == nullptr) {
    count_lost_execution(0);
    start_next(desc, flags);
    return;
  }
  open->desc = desc;
  open->start_counting();
  const Fingerprint shape = plan_fingerprint(plan);
  open->planid = shape.planid;
  open->scans_relation = shape.scans_relation;
  open->sole_index = shape.sole_index;
  open->entry =
      find_or_claim_entry({open->queryid, open->planid, open->userid, open->depth == 0}, desc->sourceText, shape.sole_index);
  open->claims = entry_claims;
  if (open->entry != nullptr) {
    fetch_sums(open->entry);
    if ((open->weight = choose_sample(open->entry)) > 0) desc->instrument_options |= INSTRUMENT_ROWS;
  }
  const ptrdiff_t i = open - open_stack;
  watch_errors();
  ++depth;  // it is told when it runs: to start takes no time that is worth it
  start_next(desc, flags);
  --depth;
  open_stack[i].running = false;
}

// One piece of an open execution: the server's call between a clock pair.
struct Measured {
  ptrdiff_t i;   // the stack may move meanwhile
  int around;    // depth, which errors caught inside may leave too low
  pg_attribute_always_inline void begin(Open* open) {
    i = open - open_stack;
    around = depth;
    open->running = true;
    tell_running(open->queryid, open->userid, open->depth);
    ++depth;
    take_off_counters_now(&open->used);
    open->exec_ns -= assist_now_ns();
  }
  pg_attribute_always_inline Open* end() {
    const uint64 now = assist_now_ns();
    Open* open = &open_stack[i];
    open->exec_ns += now;
    add_counters_now(&open->used);
    open->running = false;
    depth = around;
    tell_around(around);
    return open;
  }
};

void on_run(QueryDesc* desc, ScanDirection direction, uint64 count ASSIST_RUN_ONCE_PARAM) {
  Open* open = find_open(desc);
  if (unlikely(open == nullptr)) {
    run_next(desc, direction, count ASSIST_RUN_ONCE);
    return;
  }
  Measured measured;
  measured.begin(open);
  run_next(desc, direction, count ASSIST_RUN_ONCE);
  open = measured.end();
  const uint64 rows = desc->estate->es_processed;
  open->rows += rows;
  open->limited = count != 0 && rows >= count;
}

pg_noinline void finish_change(QueryDesc* desc) {
  Open* open = find_open(desc);
  if (open == nullptr) {
    finish_next(desc);
    return;
  }
  Measured measured;
  measured.begin(open);
  finish_next(desc);
  measured.end();
}

void on_finish(QueryDesc* desc) {
  // Only changes have something left to do here: AFTER triggers.
  if (desc->operation == CMD_SELECT && !desc->plannedstmt->hasModifyingCTE)
    finish_next(desc);
  else
    finish_change(desc);
}

// What an execution leaves besides its counters. A copy: it may open statements of its own.
pg_noinline void record_details(QueryDesc* desc, const Open open, TimestampTz now) {
  if (open.scans_relation || (open.weight > 0 && open.sole_index != InvalidOid)) record_index_use(desc, open, now);
  if (open.weight > 0 || open.used.temp_written > 0) record_deep(desc, open);
  if (own_slot->text_wanted != 0) supply_text(desc, open);
}

void on_end(QueryDesc* desc) {
  Open* open = find_open(desc);
  if (open != nullptr) {
    const JitContext* jit = desc->estate->es_jit;
    const TimestampTz now = GetCurrentStatementStartTimestamp();
    if (likely(own_slot != nullptr) || attach_slot()) {
      record_execution_inline(*open, jit != nullptr ? assist_jit_ns(&jit->instr) : 0, now);
      if (unlikely((open->weight | own_slot->text_wanted | open->used.temp_written) != 0)) {
        record_details(desc, *open, now);
        open = find_open(desc);
      } else if (open->scans_relation) {
        record_index_use(desc, *open, now);
      }
    }
    pop_open(open);
  }
  end_next(desc);
}

// The query inside CREATE TABLE AS and DECLARE CURSOR, which the server gives an id of its own only since 18:
// without one, nobody would see its plan. The tree belongs to somebody else when it is read-only.
pg_noinline void identify_contained_query(PlannedStmt** statement, const char* source, bool* read_only) {
  const auto inner = [&] {
    Node* tree = (*statement)->utilityStmt;
    Node* query = IsA(tree, DeclareCursorStmt) ? reinterpret_cast<DeclareCursorStmt*>(tree)->query
                                               : reinterpret_cast<CreateTableAsStmt*>(tree)->query;
    return query != nullptr && IsA(query, Query) ? reinterpret_cast<Query*>(query) : nullptr;
  };
  const Query* found = inner();
  if (found == nullptr || found->commandType == CMD_UTILITY || found->queryId != 0) return;
  if (*read_only) {
    *statement = static_cast<PlannedStmt*>(copyObjectImpl(*statement));
    *read_only = false;
  }
  Query* query = inner();
  query->stmt_location = (*statement)->stmt_location;
  query->stmt_len = (*statement)->stmt_len;
  JumbleState* jumble = assist_jumble_query(query, source);
  ++depth;
  see_parse(source, query, jumble);
  --depth;
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
  Ddl* ddl;  // nullptr: not an event
  Open open;
};

void utility_body(void* arg) {
  const Utility& u = *static_cast<Utility*>(arg);
  call_utility(u.statement, u.source, u.read_only, u.context, u.params, u.environment, u.receiver,
               u.completion);
}

void utility_failed(int sqlstate, void* arg) {
  const auto* u = static_cast<const Utility*>(arg);
  depth = u->open.depth;
  if (u->ddl != nullptr) fail_ddl(u->ddl);
  record_error(u->open, sqlstate, sqlstate == last_sqlstate ? last_message : "");
}

void unrecorded_utility_failed(int, void* arg) {
  const auto* u = static_cast<const Utility*>(arg);
  depth = u->open.depth;
  if (u->ddl != nullptr) fail_ddl(u->ddl);
}

// A utility statement that may run others inside: counted, and one level deeper for those.
pg_noinline void record_utility(PlannedStmt* statement, const char* source, bool read_only,
                                ProcessUtilityContext context, ParamListInfo params,
                                QueryEnvironment* environment, DestReceiver* receiver,
                                QueryCompletion* completion, Ddl* ddl) {
  Utility u = {statement, source, read_only, context, params, environment, receiver, completion, ddl, {}};
  const Node* tree = statement->utilityStmt;
  const bool recorded = track_utility && statement->queryId != 0 && enabled();
  u.open.queryid = statement->queryId;
  u.open.userid = GetUserId();
  u.open.depth = depth;
  const bool counts_rows = IsA(tree, CopyStmt) || IsA(tree, FetchStmt) || IsA(tree, CreateTableAsStmt) ||
                           IsA(tree, RefreshMatViewStmt);
  watch_errors();
  if (recorded) tell_running(u.open.queryid, u.open.userid, depth);
  take_off_counters_now(&u.open.used);
  const uint64 from = assist_now_ns();
  ++depth;
  if (recorded)
    run_watched(utility_body, utility_failed, &u);
  else
    run_watched(utility_body, unrecorded_utility_failed, &u);
  depth = u.open.depth;
  if (!recorded) return;
  tell_around(depth);
  u.open.exec_ns = assist_now_ns() - from;
  add_counters_now(&u.open.used);
  if (counts_rows && completion != nullptr) u.open.rows = completion->nprocessed;
  record_execution(u.open, 0, GetCurrentStatementStartTimestamp());
  if (own_slot != nullptr && own_slot->text_wanted != 0) forget_wanted_text(u.open);
}

pg_noinline void see_utility(PlannedStmt* statement, const char* source, bool read_only,
                             ProcessUtilityContext context, ParamListInfo params, QueryEnvironment* environment,
                             DestReceiver* receiver, QueryCompletion* completion) {
  const Node* tree = statement->utilityStmt;
  end_visits_for(tree);
  // Scripts of CREATE EXTENSION are the extension's business, not the application's.
  Ddl* ddl = creating_extension ? nullptr : begin_ddl(statement, context);
  if (ddl == nullptr && (creating_extension || track == kTrackNone || (own_slot == nullptr && !attach_slot()))) {
    call_utility(statement, source, read_only, context, params, environment, receiver, completion);
    return;
  }
  if (ASSIST_CONTAINED_QUERIES_LACK_ID && track == kTrackAll && statement->queryId != 0 &&
      (IsA(tree, CreateTableAsStmt) || IsA(tree, DeclareCursorStmt)))
    identify_contained_query(&statement, source, &read_only);
  record_utility(statement, source, read_only, context, params, environment, receiver, completion, ddl);
  if (ddl != nullptr) end_ddl(ddl);
}

void on_utility(PlannedStmt* statement, const char* source, bool read_only, ProcessUtilityContext context,
                ParamListInfo params, QueryEnvironment* environment, DestReceiver* receiver,
                QueryCompletion* completion) {
  // EXECUTE and PREPARE show as the statement that they run; its id is the prepared statement's own.
  const NodeTag tag = nodeTag(statement->utilityStmt);
  if (tag == T_ExecuteStmt || tag == T_PrepareStmt || tag == T_DeallocateStmt)
    call_utility(statement, source, read_only, context, params, environment, receiver, completion);
  else
    see_utility(statement, source, read_only, context, params, environment, receiver, completion);
}

}  // namespace

namespace {
template <typename Hook>
void put_before(Hook* hook, Hook* next, Hook mine) {
  if (*hook != nullptr) *next = *hook;
  *hook = mine;
}
}  // namespace

void install_hooks() {
  put_before(&planner_hook, &plan_next, &on_plan);
  put_before(&post_parse_analyze_hook, &next_post_parse, &on_post_parse);
  put_before(&ExecutorStart_hook, &start_next, &on_start);
  put_before(&ExecutorRun_hook, &run_next, &on_run);
  put_before(&ExecutorFinish_hook, &finish_next, &on_finish);
  put_before(&ExecutorEnd_hook, &end_next, &on_end);
  put_before(&ProcessUtility_hook, &call_utility, &on_utility);
  on_suppress = detach_slot;
  install_error_hook();
  install_transaction_callbacks();
}

}  // namespace assist::capture
