// Plan id: a structural fingerprint. Computed anew for each execution, because plans have no place to keep
// it before version 18 and plan pointers are reused; one node costs about 60 instructions.

#include "capture/hot.hpp"

extern "C" {
#include "miscadmin.h"         // for stack_is_too_deep
#include "nodes/pathnodes.h"  // for AppendRelInfo
#include "parser/parsetree.h"
}

namespace assist::capture {

namespace {

struct Walk {
  const PlannedStmt* statement;
  bool scans_relation;
};

// Folds a scan's relation in; true when it is a child of a partitioned or inherited one.
pg_attribute_always_inline bool fold_relation(const Walk& walk, Index rti, uint64* hash) {
  Index root = rti;
  if (walk.statement->appendRelations != NIL) root = root_relation(walk.statement, rti);
  if (root == 0) return false;
  const RangeTblEntry* entry = rt_fetch(root, walk.statement->rtable);
  *hash = fold(*hash, entry->relid | (static_cast<uint64>(entry->rtekind) << 32));
  return root != rti;
}

uint64 plan_hash(Walk* walk, const Plan* plan);

// The recursion: plans can be deep.
pg_noinline uint64 child_hash(Walk* walk, const Plan* plan) {
  if (plan == nullptr) return 0;
  return stack_is_too_deep() ? static_cast<uint64>(nodeTag(plan)) : plan_hash(walk, plan);
}

pg_noinline uint64 list_hash(Walk* walk, const List* plans, uint64 hash) {
  for (int i = 0; i < list_length(plans); ++i)
    hash = fold(hash, child_hash(walk, static_cast<const Plan*>(list_nth(plans, i))));
  return hash;
}

// Children of a partitioned table that are scanned alike count once, however many were left by pruning.
uint64 append_hash(Walk* walk, const List* plans, uint64 hash) {
  uint64 distinct[4];
  int n = 0;
  for (int i = 0; i < list_length(plans); ++i) {
    const uint64 child = child_hash(walk, static_cast<const Plan*>(list_nth(plans, i)));
    bool seen = false;
    for (int j = 0; j < n; ++j) seen = seen || distinct[j] == child;
    if (seen) continue;
    if (n == 4) return fold(hash, child);
    distinct[n++] = child;
  }
  if (n == 1) return distinct[0];
  uint64 sum = 0;
  for (int j = 0; j < n; ++j) sum += distinct[j];
  return fold(hash, sum);
}

// An index scan: the index itself, unless it belongs to one partition of many.
uint64 index_hash(Walk* walk, const Scan* scan, Oid index, const List* quals, int direction, uint64 hash) {
  walk->scans_relation = true;
  if (fold_relation(*walk, scan->scanrelid, &hash)) index = InvalidOid;
  return fold(hash, index_shape(index, quals, direction));
}

pg_noinline uint64 plan_hash(Walk* walk, const Plan* plan) {
  uint64 hash = fold(kPlanSeed, nodeTag(plan));
  switch (nodeTag(plan)) {
    case T_SeqScan:
      walk->scans_relation = true;
      fold_relation(*walk, reinterpret_cast<const Scan*>(plan)->scanrelid, &hash);
      break;
    case T_SampleScan:
    case T_TidScan:
    case T_TidRangeScan:
    case T_ForeignScan:
    case T_FunctionScan:
    case T_ValuesScan:
    case T_CteScan:
    case T_WorkTableScan:
    case T_NamedTuplestoreScan:
    case T_BitmapHeapScan:
      fold_relation(*walk, reinterpret_cast<const Scan*>(plan)->scanrelid, &hash);
      break;
    case T_IndexScan: {
      const auto* scan = reinterpret_cast<const IndexScan*>(plan);
      hash = index_hash(walk, &scan->scan, scan->indexid, scan->indexqual, scan->indexorderdir, hash);
      break;
    }
    case T_IndexOnlyScan: {
      const auto* scan = reinterpret_cast<const IndexOnlyScan*>(plan);
      hash = index_hash(walk, &scan->scan, scan->indexid, scan->indexqual, scan->indexorderdir, hash);
      break;
    }
    case T_BitmapIndexScan: {
      const auto* scan = reinterpret_cast<const BitmapIndexScan*>(plan);
      hash = index_hash(walk, &scan->scan, scan->indexid, scan->indexqual, 0, hash);
      break;
    }
    case T_SubqueryScan:
      hash = fold(hash, child_hash(walk, reinterpret_cast<const SubqueryScan*>(plan)->subplan));
      break;
    case T_NestLoop:
    case T_MergeJoin:
    case T_HashJoin:
      hash = fold(hash, reinterpret_cast<const Join*>(plan)->jointype);
      break;
    case T_Agg:
      hash = fold(hash, static_cast<uint64>(reinterpret_cast<const Agg*>(plan)->aggstrategy) * 64 +
                            static_cast<uint64>(reinterpret_cast<const Agg*>(plan)->aggsplit));
      break;
    case T_Sort:
      hash = fold(hash, static_cast<uint64>(reinterpret_cast<const Sort*>(plan)->numCols));
      break;
    case T_ModifyTable:
      hash = fold(hash, reinterpret_cast<const ModifyTable*>(plan)->operation);
      fold_relation(*walk, reinterpret_cast<const ModifyTable*>(plan)->nominalRelation, &hash);
      break;
    case T_Append:
      return append_hash(walk, reinterpret_cast<const Append*>(plan)->appendplans, hash);
    case T_MergeAppend:
      return append_hash(walk, reinterpret_cast<const MergeAppend*>(plan)->mergeplans, hash);
    case T_BitmapAnd:
      hash = list_hash(walk, reinterpret_cast<const BitmapAnd*>(plan)->bitmapplans, hash);
      break;
    case T_BitmapOr:
      hash = list_hash(walk, reinterpret_cast<const BitmapOr*>(plan)->bitmapplans, hash);
      break;
    case T_CustomScan:
      fold_relation(*walk, reinterpret_cast<const Scan*>(plan)->scanrelid, &hash);
      hash = list_hash(walk, reinterpret_cast<const CustomScan*>(plan)->custom_plans, hash);
      break;
    default:
      break;
  }
  if (plan->lefttree != nullptr) hash = fold(hash, child_hash(walk, plan->lefttree) + 1);
  if (plan->righttree != nullptr) hash = fold(hash, child_hash(walk, plan->righttree) + 2);
  return hash;
}

}  // namespace

Index root_relation(const PlannedStmt* plan, Index rti) {
  const List* children = plan->appendRelations;
  for (int level = 0; children != NIL && level < 32; ++level) {
    // Children are numbered one after the other where they were expanded: look there first.
    const AppendRelInfo* found = nullptr;
    const auto* first = static_cast<const AppendRelInfo*>(linitial(children));
    const int guess = static_cast<int>(rti) - static_cast<int>(first->child_relid);
    if (guess >= 0 && guess < list_length(children)) {
      const auto* at = static_cast<const AppendRelInfo*>(list_nth(children, guess));
      if (at->child_relid == rti) found = at;
    }
    for (int i = 0; i < list_length(children) && found == nullptr; ++i) {
      const auto* at = static_cast<const AppendRelInfo*>(list_nth(children, i));
      if (at->child_relid == rti) found = at;
    }
    if (found == nullptr) break;
    rti = found->parent_relid;
  }
  return rti;
}

Fingerprint walk_fingerprint(const PlannedStmt* statement) {
  Walk walk = {statement, false};
  uint64 hash = plan_hash(&walk, statement->planTree);
  if (statement->subplans != NIL) hash = list_hash(&walk, statement->subplans, hash);
  return {hash | 1, walk.scans_relation, InvalidOid};
}

}  // namespace assist::capture
