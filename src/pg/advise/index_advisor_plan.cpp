// Visits to statements: analysis, candidates, prices.

#include "pg/advise/index_advisor_work.hpp"

#include <optional>

#include "pg/time_limit.hpp"
#include "pg/whatif/hypothetical_sample.hpp"
#include "pg/whatif/whatif_guard.hpp"
#include "pg/progress.hpp"

extern "C" {
#include "access/sysattr.h"  // for FirstLowInvalidHeapAttributeNumber
#include "access/table.h"
#include "access/tupdesc.h"
#include "catalog/pg_am.h"
#include "catalog/pg_opclass.h"
#include "access/htup_details.h"  // for GETSTRUCT
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"  // for quote_identifier
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"  // for deparse_expression
#include "utils/syscache.h"
}

namespace assist::pg {

namespace {

// For one visit: functions that planning calls may take any time.
constexpr int kVisitLimitMs = 2000;
// Each waited kWhatIfLockTimeoutMs or kVisitLimitMs: then the tables are better left alone for now.
constexpr int kMaxWaits = 5;

constexpr double kBoundMs = 500;
// Of a statement's executions.
constexpr double kNearlyAll = 0.9;

// Whether the same statement may well be planned the next time.
bool passes(int sqlstate) {
  return sqlstate == ERRCODE_LOCK_NOT_AVAILABLE || sqlstate == ERRCODE_QUERY_CANCELED ||
         ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INSUFFICIENT_RESOURCES;
}

// A table of a statement, and its columns when the statement was analysed.
struct LockedTable {
  Oid oid;
  TupleDesc columns;
};

bool find_tables(Node* node, void* context) {
  if (node == nullptr) return false;
  if (IsA(node, RangeTblEntry)) {
    auto* entry = reinterpret_cast<RangeTblEntry*>(node);
    auto* oids = static_cast<List**>(context);
    if (entry->rtekind == RTE_RELATION) *oids = list_append_unique_oid(*oids, entry->relid);
    return false;
  }
  if (IsA(node, Query))
    return query_tree_walker(reinterpret_cast<Query*>(node), ASSIST_WALKER(find_tables), context,
                             QTW_EXAMINE_RTES_BEFORE);
  return expression_tree_walker(node, ASSIST_WALKER(find_tables), context);
}

// In the current memory context.
List* lock_tables(List* queries) {
  List* oids = NIL;
  ListCell* cell;
  foreach (cell, queries) find_tables(static_cast<Node*>(lfirst(cell)), &oids);
  List* tables = NIL;
  foreach (cell, oids) {
    Relation relation = table_open(lfirst_oid(cell), AccessShareLock);
    auto* table = static_cast<LockedTable*>(palloc(sizeof(LockedTable)));
    *table = {lfirst_oid(cell), CreateTupleDescCopyConstr(RelationGetDescr(relation))};
    tables = lappend(tables, table);
    table_close(relation, NoLock);
  }
  return tables;
}

bool tables_unchanged(const List* tables) {
  bool same = true;
  ListCell* cell;
  foreach (cell, tables) {
    auto* table = static_cast<LockedTable*>(lfirst(cell));
    Relation relation = table_open(table->oid, AccessShareLock);
    same = same && equalTupleDescs(RelationGetDescr(relation), table->columns);
    table_close(relation, NoLock);
  }
  return same;
}

advise::KeyUse use_of(UseKind kind) {
  switch (kind) {
    case UseKind::kEqual:
      return advise::KeyUse::kEqual;
    case UseKind::kRange:
      return advise::KeyUse::kRange;
    case UseKind::kPattern:
      return advise::KeyUse::kPattern;
    case UseKind::kJoin:
      return advise::KeyUse::kJoin;
    case UseKind::kOrder:
      return advise::KeyUse::kOrder;
    case UseKind::kGroup:
      return advise::KeyUse::kGroup;
    case UseKind::kOperator:
      return advise::KeyUse::kOperator;
    case UseKind::kDistance:
      return advise::KeyUse::kDistance;
  }
  return advise::KeyUse::kEqual;
}

// The share of the executions that have the constant there; 0 = not known.
double HeldShare(const Work& work, int location) {
  for (int i = 0; i < work.nconstants; ++i)
    if (location >= 0 && work.constants[i].location == location) return work.constants[i].held;
  return 0;
}

int64 use_given_bytes(HypotheticalIndex* index, Oid function, const char* definition) {
  FmgrInfo info;
  fmgr_info(function, &info);
  LOCAL_FCINFO(call, 1);
  InitFunctionCallInfoData(*call, &info, 1, InvalidOid, nullptr, nullptr);
  call->args[0].value = CStringGetTextDatum(definition);
  call->args[0].isnull = false;
  const Datum result = FunctionCallInvoke(call);
  const int64 bytes = call->isnull ? 0 : DatumGetInt64(result);
  index->size.pages = static_cast<BlockNumber>(bytes / BLCKSZ);
  index->size.tree_height = -1;
  return bytes;
}

// As SQL names it where only pg_catalog is searched.
const char* opclass_name(Oid opclass) {
  HeapTuple tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for operator class %u", opclass);
  auto form = reinterpret_cast<Form_pg_opclass>(GETSTRUCT(tuple));
  const char* schema = get_namespace_name(form->opcnamespace);
  const char* name = schema != nullptr && strcmp(schema, "pg_catalog") != 0
                         ? quote_qualified_identifier(schema, NameStr(form->opcname))
                         : pstrdup(quote_identifier(NameStr(form->opcname)));
  ReleaseSysCache(tuple);
  return name;
}

}  // namespace

bool Workload::Stop() { return CpuMsSpent() > limit_ms_ || waits_ >= kMaxWaits; }

// To say how good a choice is may take as long as to choose, and somewhat more; only where somebody
// asked.
void Workload::Chosen() {
  timed_out_ = Stop();
  chosen_ms_ = CpuMsSpent();
  limit_ms_ = bounded_ ? std::min(limit_ms_, 2 * chosen_ms_ + kBoundMs) : 0;
}

// Calls as the statement's owner, with scratch_ current. False, and the statement is given up,
// when there was an error.
bool Workload::InRole(Work& work, Call call) {
  const WhatIfIdentity identity = {work.user, work.search_path};
  MemoryContext caller = MemoryContextSwitchTo(scratch_);
  std::optional<TimeLimit> limit;
  if (!given_) limit.emplace(kVisitLimitMs);
  defining_ = -1;
  try {
    InWhatIfContext(identity, [&] {
      std::optional<OwnedFunctionsOnly> owned;
      if (!given_) owned.emplace();
      call();
    });
  } catch (const PgError& error) {
    // Its data is in scratch_, which lives on.
    const bool too_long = limit.has_value() && limit->Exceeded(error);
    if (error.data() == nullptr || (error.is_interrupt() && !too_long)) throw;
    if (defining_ >= 0 && !passes(error.sqlstate())) {
      at(defining_).possible = false;
    } else if (given_) {
      throw;
    } else {
      work.failed = true;
      if (passes(error.sqlstate())) unplanned_.push_back(work.query_id);
      if (too_long) ++waits_;
      if (error.sqlstate() == ERRCODE_LOCK_NOT_AVAILABLE && ++waits_ >= kMaxWaits) throw;
    }
    Guarded([&] {
      ereport(DEBUG1, (errmsg_internal("index advisor: statement " INT64_FORMAT ": %s",
                                       static_cast<int64>(work.query_id), error.data()->message)));
    });
  }
  MemoryContextSwitchTo(caller);
  tell_again();
  return !work.failed;
}

// The same, with the statement analysed and its tables locked. What CREATE INDEX would refuse is
// left out from then on, and the visit begins anew.
bool Workload::Visit(Work& work, Call call) {
  auto visit = [&] {
    if (!work.analyzed || !IsUnchanged(work)) Analyze(work);
    call();
  };
  for (;;) {
    const bool done = InRole(work, AsCall(visit));
    Guarded([&] { MemoryContextReset(scratch_); });
    if (!done || defining_ < 0) return done;
  }
}

bool Workload::IsUnchanged(Work& work) {
  bool same = false;
  Guarded([&] { same = tables_unchanged(work.relations); });
  if (!same) {
    ++generation_;
    Guarded([&] { forget_samples(defined_); });  // of tables that were others
  }
  return same && work.generation == generation_;
}

void Workload::Analyze(Work& work) {
  work.analyzed = false;
  std::pmr::vector<MeasuredRange> measured(memory_);
  if (work.statement != nullptr) measured = MeasureRanges(*work.statement);
  Guarded([&] {
    const AnalyzedStatement tree = analyze_statement(
        work.text, given_ ? TextKind::kGiven : TextKind::kObserved, work.types, work.ntypes);
    if (!given_) check_function_owners(reinterpret_cast<Node*>(tree.queries));
    if (given_) work.query_id = tree.query_id;
    if (work.context == nullptr)
      work.context = AllocSetContextCreateInternal(keep_, "assist index advisor statement",
                                                   ALLOCSET_SMALL_SIZES);
    MemoryContextReset(work.context);
    MemoryContext caller = MemoryContextSwitchTo(work.context);
    work.tree = tree;
    work.tree.queries = copy_node(tree.queries);
    work.tree.params = tree.generic ? stand_in_values(work.tree.queries, measured.data(),
                                                      static_cast<int>(measured.size()))
                                    : nullptr;
    work.relations = lock_tables(work.tree.queries);
    work.orders = make_join_orders();
    if (defined_ == nullptr) {
      MemoryContextSwitchTo(keep_);
      defined_ = make_hypothetical_set();
      defined_->trusted = true;
    }
    MemoryContextSwitchTo(caller);
  });
  work.generation = generation_;
  work.analyzed = true;
}

// The definition as the planner takes it, of the table as it is now. REQUIRES: inside a visit of a
// statement that names the table.
void Workload::Define(int candidate) {
  Pooled& pooled = at(candidate);
  if (!pooled.possible || (pooled.index != nullptr && pooled.generation == generation_)) return;
  defining_ = candidate;
  Guarded([&] {
    HypotheticalIndex* index = define_hypothetical_index(defined_, pooled.definition);
    if (!given_) check_function_owners(reinterpret_cast<Node*>(index->expressions));
    const int64 bytes = OidIsValid(index_bytes_)
                            ? use_given_bytes(index, index_bytes_, pooled.definition)
                            : predicted_index_bytes(defined_, index);
    pooled.bytes = static_cast<double>(bytes);
    pooled.possible = bytes > 0;
    const IndexSize& size = index->partitions != NIL
                                ? static_cast<HypotheticalIndex*>(linitial(index->partitions))->size
                                : index->size;
    pooled.share = size.tuples < 0 || size.rows <= 0 ? 1 : size.tuples / size.rows;
    pooled.index = index;
  });
  pooled.generation = generation_;
  defining_ = -1;
}

// REQUIRES: as ReadUse().
void Workload::ReadUnserved(const Work& work, const TableUses& uses) {
  for (int i = 0; i < list_length(uses.unserved) && !given_; ++i) {
    const auto* use = static_cast<UnservedUse*>(list_nth(uses.unserved, i));
    const char *column = nullptr, *key = nullptr, *operation = nullptr;
    Guarded([&] {
      if (use->column != 0) column = get_attname(uses.relation, use->column, true);
      key = deparse_expression(use->expression,
                               deparse_context_for(get_rel_name(uses.relation), uses.relation),
                               false, false);
      const bool any = use->kind == UnservedComparison::Kind::kAnyOfColumn;
      operation = psprintf("%s%s", any ? "ANY " : "", get_opname(use->operation));
    });
    unserved_.push_back({.kind = use->kind,
                         .table = uses.relation,
                         .column = column == nullptr ? std::string_view() : KeepText(column),
                         .key = KeepText(key),
                         .operation = KeepText(operation),
                         .query_id = work.query_id,
                         .user = work.user,
                         .scan_share = work.cost_before > 0
                                           ? std::min(1.0, uses.scan_cost / work.cost_before)
                                           : 0});
  }
}

// What the planner said of one table, as the core takes it. REQUIRES: inside a visit, only
// pg_catalog is searched.
void Workload::ReadUse(const Work& work, const TableUses& uses,
                       std::pmr::vector<Candidate>& candidates) {
  advise::TableUse use(memory_);
  use.relation = uses.relation;
  const auto name_of = [&](AttrNumber column) {
    const char* name = nullptr;
    Guarded([&] { name = get_attname(uses.relation, column, true); });
    return name == nullptr ? std::string_view() : KeepText(name);
  };
  const auto text_of = [&](Node* node) {
    const char* text = nullptr;
    Guarded([&] {
      text = deparse_expression(
          node, deparse_context_for(get_rel_name(uses.relation), uses.relation), false, false);
    });
    return KeepText(text);
  };
  for (int i = 0; i < list_length(uses.keys); ++i) {
    const auto* key = static_cast<KeyUse*>(list_nth(uses.keys, i));
    advise::UsedKey used;
    used.use = use_of(key->kind);
    used.method = key->method == GIN_AM_OID    ? advise::Method::kGin
                  : key->method == GIST_AM_OID ? advise::Method::kGist
                                               : advise::Method::kBtree;
    if (key->column != 0)
      used.column = name_of(key->column);
    else
      used.expression = text_of(key->expression);
    if (OidIsValid(key->opclass)) {
      const char* name = nullptr;
      Guarded([&] { name = opclass_name(key->opclass); });
      used.opclass = KeepText(name);
    }
    used.descending = key->descending;
    used.nulls_first = key->nulls_first;
    used.arm = key->arm;
    use.keys.push_back(used);
  }
  for (int i = 0; i < list_length(uses.conditions); ++i) {
    const auto* condition = static_cast<ConditionUse*>(list_nth(uses.conditions, i));
    // The constants of an observed statement are those of one execution, unless all have them.
    const bool observed = condition->constant && !given_;
    const double held = observed ? HeldShare(work, condition->location) : -1;
    if (observed && held < kNearlyAll) continue;
    use.conditions.push_back(
        {name_of(condition->column), text_of(condition->clause), condition->constant, held});
  }
  for (int at = -1; (at = bms_next_member(uses.needed, at)) >= 0;) {
    const int column = at + FirstLowInvalidHeapAttributeNumber;
    if (column <= 0)
      use.needs_row = true;
    else
      use.needed.push_back(name_of(static_cast<AttrNumber>(column)));
  }
  AddCandidates(snapshot_, use, candidates);
}

// Plans the statement as it is, and pools the candidates for it: those of its tables in turn.
bool Workload::FindCandidates(Work& work) {
  auto find = [&] {
    List* uses = NIL;
    HypotheticalSet* none = nullptr;
    Guarded([&] { none = make_hypothetical_set(); });
    {
      PlanUsesScope reading(&uses);
      JoinOrderScope joining(work.orders, JoinSearching::kWhole);
      work.cost_before = PlanStatement(work.tree, none).cost;
    }
    Guarded([] { search_catalog_only(); });
    std::pmr::vector<std::pmr::vector<Candidate>> by_table(memory_);
    for (int i = 0; i < list_length(uses); ++i) {
      by_table.emplace_back();
      ReadUnserved(work, *static_cast<TableUses*>(list_nth(uses, i)));
      ReadUse(work, *static_cast<TableUses*>(list_nth(uses, i)), by_table.back());
    }
    work.items.clear();
    bool more = true;
    for (std::size_t n = 0; more; ++n) {
      more = false;
      for (const auto& candidates : by_table) {
        if (n >= candidates.size() || work.items.size() == advise::kMaxItems) continue;
        more = true;
        const int pooled = Pool(candidates[n]);
        if (at(pooled).possible &&
            std::find(work.items.begin(), work.items.end(), pooled) == work.items.end())
          work.items.push_back(pooled);
      }
    }
    for (const int i : work.items) Define(i);
  };
  const bool found = Visit(work, AsCall(find));
  if (found && !work.items.empty()) return true;
  // It is not planned again.
  Guarded([&] {
    if (work.context != nullptr) MemoryContextDelete(work.context);
  });
  work.context = nullptr;
  work.analyzed = false;
  return found;
}

// REQUIRES: inside a visit.
void Workload::PlanSets(Work& work, std::span<const ItemSet> sets,
                        std::span<advise::PlannedSet> out, JoinSearching how) {
  const ItemSet all =
      work.items.size() >= advise::kMaxItems ? ~ItemSet{0} : (ItemSet{1} << work.items.size()) - 1;
  for (std::size_t n = 0; n < sets.size(); ++n) {
    HypotheticalSet* view = nullptr;
    Guarded([&] {
      CHECK_FOR_INTERRUPTS();
      view = make_hypothetical_set();
    });
    for (std::size_t k = 0; k < work.items.size() && k < advise::kMaxItems; ++k) {
      if ((sets[n] >> k & 1) == 0) continue;
      Define(work.items[k]);
      if (!at(work.items[k]).possible) continue;  // any more: its table has changed
      Guarded([&] { view->indexes = lappend(view->indexes, at(work.items[k]).index); });
    }
    const bool whole = how == JoinSearching::kWhole || sets[n] == 0 || sets[n] == all;
    JoinOrderScope joining(work.orders, whole ? JoinSearching::kWhole : JoinSearching::kRemembered);
    const PlannedStatement planned = PlanStatement(work.tree, view);
    tell_plans(static_cast<std::int64_t>(pool_.size()), ++plans_);
    List* used = nullptr;
    Guarded([&] { used = used_indexes(planned, view); });
    out[n] = {planned.cost, 0};
    for (std::size_t k = 0; k < work.items.size() && k < advise::kMaxItems; ++k)
      if ((sets[n] >> k & 1) != 0 && list_member_ptr(used, at(work.items[k]).index))
        out[n].used |= ItemSet{1} << k;
    Guarded([&] { MemoryContextReset(scratch_); });
  }
}

void Workload::Plan(int i, std::span<const ItemSet> sets, std::span<advise::PlannedSet> out) {
  Work& one = work(i);
  auto plan = [&] { PlanSets(one, sets, out, JoinSearching::kRemembered); };
  if (!one.failed && !one.items.empty() && Visit(one, AsCall(plan))) return;
  for (advise::PlannedSet& planned : out) planned = {one.cost_before, 0};
}

void Workload::PlanExactly(int i, ItemSet set, advise::PlannedSet* out) {
  Work& one = work(i);
  auto plan = [&] { PlanSets(one, {&set, 1}, {out, 1}, JoinSearching::kWhole); };
  if (!one.failed && Visit(one, AsCall(plan))) return;
  *out = {one.cost_before, 0};
}

}  // namespace assist::pg
