/*
 * Differences between server versions, in one place: nothing else in the tree names PG_VERSION_NUM.
 * Each shim presents the newest signature and names the version that introduced it.
 *
 * REQUIRES: postgres.h (through pg/server.hpp) was included before.
 */
#ifndef ASSIST_PG_COMPAT_H
#define ASSIST_PG_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "pg_assist needs PostgreSQL 15 or newer"
#endif

#ifdef __cplusplus
extern "C" {
#endif
#include "nodes/plannodes.h"
#include "executor/execdesc.h"
#include "jit/jit.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/queryjumble.h"
#else
#include "utils/queryjumble.h"
#endif
#include "parser/parse_relation.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#if PG_VERSION_NUM < 170000
#include "storage/backendid.h"
#endif
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/backend_status.h"
#include "utils/datetime.h"
#include "access/stratnum.h"
#include "utils/lsyscache.h"
#include "utils/pg_locale.h"
#ifdef __cplusplus
}
#endif

#define ASSIST_SERVER_MAJOR ((uint32)(PG_VERSION_NUM / 10000))

/* Nanoseconds of the monotonic clock the server times statements with. instr_time is a timespec on 15
 * and an int64 of ticks from 16 on. */
static inline uint64 assist_now_ns(void) {
  instr_time now;
  INSTR_TIME_SET_CURRENT(now);
#if PG_VERSION_NUM >= 160000
  return (uint64)INSTR_TIME_GET_NANOSEC(now);
#else
  return (uint64)now.tv_sec * 1000000000ULL + (uint64)now.tv_nsec;
#endif
}

/* Index of this process in ProcGlobal->allProcs; MyProcNumber since 17. */
static inline int assist_my_proc_number(void) {
#if PG_VERSION_NUM >= 170000
  return MyProcNumber;
#else
  return MyProc->pgprocno;
#endif
}

/* Number of the transaction among those of this backend; moved in 17. */
static inline LocalTransactionId assist_local_transaction_id(void) {
#if PG_VERSION_NUM >= 170000
  return MyProc->vxid.lxid;
#else
  return MyProc->lxid;
#endif
}

/* Since 18 the server itself gives an id to the query inside CREATE TABLE AS and DECLARE CURSOR. */
#define ASSIST_CONTAINED_QUERIES_LACK_ID (PG_VERSION_NUM < 180000)
static inline JumbleState* assist_jumble_query(Query* query, const char* source) {
#if PG_VERSION_NUM >= 160000
  (void)source;
  return JumbleQuery(query);
#else
  return JumbleQuery(query, source);
#endif
}

/* Places in a text that the server's jumble noted. Since 18 a list of constants is noted as one, however long,
 * and parameters are noted too. */
#define ASSIST_LISTS_ARE_SQUASHED (PG_VERSION_NUM >= 180000)
static inline bool assist_is_parameter(const LocationLen* place) {
#if ASSIST_LISTS_ARE_SQUASHED
  return place->extern_param;
#else
  (void)place;
  return false;
#endif
}
static inline bool assist_has_lists(const JumbleState* jumble) {
#if ASSIST_LISTS_ARE_SQUASHED
  return jumble->has_squashed_lists;
#else
  (void)jumble;
  return false;
#endif
}
static inline int assist_list_bytes(const LocationLen* place) { /* 0 = it is one constant */
#if ASSIST_LISTS_ARE_SQUASHED
  return place->squashed ? place->length : 0;
#else
  (void)place;
  return 0;
#endif
}

/* Whether the operator of a sort is a b-tree's ">"; asked with a comparison type instead of a strategy since 18. */
static inline bool assist_orders_descending(Oid ordering_operator) {
  Oid family, type;
#if PG_VERSION_NUM >= 180000
  CompareType comparison;
  return get_ordering_op_properties(ordering_operator, &family, &type, &comparison) && comparison == COMPARE_GT;
#else
  int16 strategy;
  return get_ordering_op_properties(ordering_operator, &family, &type, &strategy) && strategy == BTGreaterStrategyNumber;
#endif
}

/* The nth of pgstat_fetch_stat_numbackends(), from 1; renamed in 16. */
static inline const PgBackendStatus *assist_backend_status(int n) {
#if PG_VERSION_NUM >= 160000
  const LocalPgBackendStatus *local = pgstat_get_local_beentry_by_index(n);
#else
  const LocalPgBackendStatus *local = pgstat_fetch_stat_local_beentry(n);
#endif
  return local == NULL ? NULL : &local->backendStatus;
}

/* Direction of a path key: a strategy of the b-tree before 18. */
static inline bool assist_pathkey_descending(const PathKey* key) {
#if PG_VERSION_NUM >= 180000
  return key->pk_cmptype == COMPARE_GT;
#else
  return key->pk_strategy == BTGreaterStrategyNumber;
#endif
}

/* Whether a collation compares bytes. */
static inline bool assist_collation_is_c(Oid collation) {
#if PG_VERSION_NUM >= 180000
  return OidIsValid(collation) && pg_newlocale_from_collation(collation)->collate_is_c;
#else
  return OidIsValid(collation) && lc_collate_is_c(collation);
#endif
}

/* Whether a join is that of all tables of its query: outer joins are numbered as well since 16. */
static inline bool assist_joins_all(const PlannerInfo* root, const RelOptInfo* rel) {
#if PG_VERSION_NUM >= 160000
  return bms_equal(rel->relids, root->all_query_rels);
#else
  return bms_equal(rel->relids, root->all_baserels);
#endif
}

/* ExecutorRun lost its last argument in 18. */
#if PG_VERSION_NUM >= 180000
#define ASSIST_RUN_ONCE_PARAM
#define ASSIST_RUN_ONCE
#else
#define ASSIST_RUN_ONCE_PARAM , bool once
#define ASSIST_RUN_ONCE , once
#endif

/* Ownership of a relation; one function for all kinds of objects since 16. */
#if PG_VERSION_NUM >= 160000
#define assist_pg_class_ownercheck(relid, roleid) object_ownercheck(RelationRelationId, (relid), (roleid))
#else
#define assist_pg_class_ownercheck(relid, roleid) pg_class_ownercheck((relid), (roleid))
#endif

/* Privileges of a Query: they left the range table in 16. */
#if PG_VERSION_NUM >= 160000
#define assist_check_query_permissions(query) \
  ExecCheckPermissions((query)->rtable, (query)->rteperminfos, true)
#else
#define assist_check_query_permissions(query) ExecCheckRTPerms((query)->rtable, true)
#endif

/* A relation in a Query made by hand needs an entry for its privileges since 16. */
static inline void assist_add_permissions(Query* query, RangeTblEntry* relation) {
#if PG_VERSION_NUM >= 160000
  addRTEPermissionInfo(&query->rteperminfos, relation);
#else
  (void)query;
  (void)relation;
#endif
}

/* Tree walkers take a typed callback since 16; before, C++ reads `bool (*)()` as "no arguments". */
#if PG_VERSION_NUM >= 160000
#define ASSIST_WALKER(function) (function)
#else
#define ASSIST_WALKER(function) reinterpret_cast<bool (*)()>(reinterpret_cast<void *>(function))
#endif

/* EXPLAIN of a plan with parameters that have no value: since 16 the executor is told not to prune with
 * them, before the pruning steps are taken out of the plan. */
#if PG_VERSION_NUM >= 160000
#define ASSIST_EXPLAIN_GENERIC EXEC_FLAG_EXPLAIN_GENERIC
#define assist_forget_initial_pruning(append) ((void)(append))
#else
#define ASSIST_EXPLAIN_GENERIC 0
#define assist_forget_initial_pruning(append) assist_forget_pruning_steps((append)->part_prune_info)
static inline void assist_forget_pruning_steps(struct PartitionPruneInfo *prune_info) {
  ListCell *hierarchy;
  if (prune_info == NULL) return;
  foreach (hierarchy, prune_info->prune_infos) {
    ListCell *table;
    foreach (table, (List *)lfirst(hierarchy))
      ((PartitionedRelPruneInfo *)lfirst(table))->initial_pruning_steps = NIL;
  }
}
#endif

/* Whether the table's access method can be scanned by bitmap. */
#if PG_VERSION_NUM >= 180000
#define assist_table_has_bitmap_scan(table) ((table)->rd_tableam->scan_bitmap_next_tuple != NULL)
#else
#define assist_table_has_bitmap_scan(table) ((table)->rd_tableam->scan_bitmap_next_block != NULL)
#endif
static inline uint64 assist_instr_time_ns(instr_time t) {
#if PG_VERSION_NUM >= 160000
  return (uint64)INSTR_TIME_GET_NANOSEC(t);
#else
  return (uint64)t.tv_sec * 1000000000ULL + (uint64)t.tv_nsec;
#endif
}

/* Time that JIT compilation took in this process, nanoseconds. */
static inline uint64 assist_jit_ns(const JitInstrumentation* jit) {
  return assist_instr_time_ns(jit->generation_counter) + assist_instr_time_ns(jit->inlining_counter) +
         assist_instr_time_ns(jit->optimization_counter) + assist_instr_time_ns(jit->emission_counter);
}

/* planstate_tree_walker with a typed callback, as from 16 on. */
typedef bool (*assist_planstate_callback)(PlanState* state, void* context);
static inline bool assist_walk_planstate(PlanState* state, assist_planstate_callback walker, void* context) {
#if PG_VERSION_NUM >= 160000
  return planstate_tree_walker(state, walker, context);
#else
  return planstate_tree_walker(state, (bool (*)())(void*)walker, context);
#endif
}

/* Scans of an index that this transaction has counted so far; t_counts became counts in 16. */
static inline int64 assist_index_scans(const PgStat_TableStatus* status) {
#if PG_VERSION_NUM >= 160000
  return (int64)status->counts.numscans;
#else
  return (int64)status->t_counts.t_numscans;
#endif
}

/* expression_tree_walker and _mutator with typed callbacks, as from 16 on. */
typedef bool (*assist_expression_callback)(Node* node, void* context);
typedef Node* (*assist_mutator)(Node* node, void* context);
static inline bool assist_walk_expression(Node* node, assist_expression_callback walker, void* context) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_walker(node, walker, context);
#else
  return expression_tree_walker(node, (bool (*)())(void*)walker, context);
#endif
}
static inline Node* assist_mutate_expression(Node* node, assist_mutator mutator, void* context) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_mutator(node, mutator, context);
#else
  return expression_tree_mutator(node, (Node * (*)())(void*)mutator, context);
#endif
}

/* The server's array of PgBackendStatus, by this process's own place in it (it is not exported itself), and the
 * place in it of a process of ProcGlobal->allProcs; -1 = none. By backend id before 17. */
static inline PgBackendStatus* assist_backend_status_array(void) {
#if PG_VERSION_NUM >= 170000
  return MyBEEntry != NULL && MyProcNumber >= 0 ? MyBEEntry - MyProcNumber : NULL;
#else
  return MyBEEntry != NULL && MyBackendId > 0 ? MyBEEntry - (MyBackendId - 1) : NULL;
#endif
}
static inline int assist_backend_status_index(int proc_number) {
#if PG_VERSION_NUM >= 170000
  return proc_number;
#else
  return ((const volatile PGPROC*)ProcGlobal->allProcs)[proc_number].backendId - 1;
#endif
}

/* Wait events that extensions named, since 17: pgstat_get_wait_event() raises an error for a number nobody named.
 * Their numbers count from 1. */
static inline uint32 assist_custom_wait_events(void) {
#if PG_VERSION_NUM >= 170000
  int of_extensions = 0, of_injection_points = 0;
  pfree(GetWaitEventCustomNames(PG_WAIT_EXTENSION, &of_extensions));
  pfree(GetWaitEventCustomNames(PG_WAIT_INJECTIONPOINT, &of_injection_points));
  return (uint32)(of_extensions + of_injection_points);
#else
  return 0;
#endif
}
static inline const char* assist_wait_event_name(uint32 wait_event_info, uint32 custom_wait_events) {
#if PG_VERSION_NUM >= 170000
  const uint32 wait_class = wait_event_info & 0xFF000000U;
  const uint32 number = wait_event_info & 0x0000FFFFU;
  if ((wait_class == PG_WAIT_EXTENSION || wait_class == PG_WAIT_INJECTIONPOINT) && number > custom_wait_events)
    return "unknown wait event";
#else
  (void)custom_wait_events;
#endif
  return pgstat_get_wait_event(wait_event_info);
}

/* The lists of the lock manager became dlists in 16. Each gives what follows, NULL at the end; what follows NULL is
 * the first one. */
static inline PROCLOCK* assist_next_holder(LOCK* lock, PROCLOCK* holder) {
#if PG_VERSION_NUM >= 160000
  dlist_node* node = holder == NULL ? &lock->procLocks.head : &holder->lockLink;
  node = node->next;
  return node == NULL || node == &lock->procLocks.head ? NULL : (PROCLOCK*)((char*)node - offsetof(PROCLOCK, lockLink));
#else
  return (PROCLOCK*)SHMQueueNext(&lock->procLocks, holder == NULL ? &lock->procLocks : &holder->lockLink,
                                 offsetof(PROCLOCK, lockLink));
#endif
}
static inline PGPROC* assist_next_waiter(LOCK* lock, PGPROC* waiter) {
#if PG_VERSION_NUM >= 160000
  dlist_node* head = &lock->waitProcs.dlist.head;
  dlist_node* node = waiter == NULL ? head : &waiter->links;
  node = node->next;
  return node == NULL || node == head ? NULL : (PGPROC*)((char*)node - offsetof(PGPROC, links));
#else
  SHM_QUEUE* head = &lock->waitProcs.links;
  return (PGPROC*)SHMQueueNext(head, waiter == NULL ? head : &waiter->links, offsetof(PGPROC, links));
#endif
}
static inline PROCLOCK* assist_next_lock_of(PGPROC* proc, int partition, PROCLOCK* held) {
#if PG_VERSION_NUM >= 160000
  dlist_node* head = &proc->myProcLocks[partition].head;
  dlist_node* node = held == NULL ? head : &held->procLink;
  node = node->next;
  return node == NULL || node == head ? NULL : (PROCLOCK*)((char*)node - offsetof(PROCLOCK, procLink));
#else
  SHM_QUEUE* head = &proc->myProcLocks[partition];
  return (PROCLOCK*)SHMQueueNext(head, held == NULL ? head : &held->procLink, offsetof(PROCLOCK, procLink));
#endif
}

/* Whether ParseDateTime()'s fields are a date or time; tells more of errors since 16. */
static inline int assist_decode_moment(char** field, int* types, int fields, int* kind, struct pg_tm* tm, fsec_t* fsec,
                                       int* zone) {
#if PG_VERSION_NUM >= 160000
  DateTimeErrorExtra extra;
  return DecodeDateTime(field, types, fields, kind, tm, fsec, zone, &extra) == 0;
#else
  return DecodeDateTime(field, types, fields, kind, tm, fsec, zone) == 0;
#endif
}

#endif /* ASSIST_PG_COMPAT_H */
