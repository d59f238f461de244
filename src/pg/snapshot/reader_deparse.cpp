// Deparsing of indexes.

#include "pg/snapshot/reader_deparse.hpp"

#include <initializer_list>

#include "pg/guard.hpp"

extern "C" {
#include "catalog/pg_index.h"
#include "fmgr.h"
#include "storage/lmgr.h"  // for ConditionalLockRelationOid
#include "utils/builtins.h"
#include "utils/fmgroids.h"  // for pg_get_indexdef, pg_get_expr
#include "utils/syscache.h"
}

namespace assist::pg::reader {

namespace {

std::string_view text_of(Oid function, std::initializer_list<Datum> args) {
  LOCAL_FCINFO(call, 3);
  FmgrInfo info;
  fmgr_info(function, &info);
  InitFunctionCallInfoData(*call, &info, static_cast<short>(args.size()), InvalidOid, nullptr,
                           nullptr);
  int n = 0;
  for (const Datum arg : args) {
    call->args[n].value = arg;
    call->args[n++].isnull = false;
  }
  const Datum result = FunctionCallInvoke(call);
  if (call->isnull) return {};
  return TextDatumGetCString(result);
}

std::string_view predicate_of(Oid index, Oid table) {
  HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
  if (!HeapTupleIsValid(tuple)) return {};
  bool null;
  const Datum tree = SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indpred, &null);
  std::string_view text;
  if (!null) text = text_of(F_PG_GET_EXPR_PG_NODE_TREE_OID, {tree, ObjectIdGetDatum(table)});
  ReleaseSysCache(tuple);
  return text;
}

}  // namespace

template <typename F>
bool Deparser::Locked(Oid table, F&& deparse) {
  return Guarded([&] {
    MemoryContextReset(scratch_.get());
    if (!ConditionalLockRelationOid(table, AccessShareLock)) return false;
    MemoryContext caller = MemoryContextSwitchTo(scratch_.get());
    deparse();
    MemoryContextSwitchTo(caller);
    UnlockRelationOid(table, AccessShareLock);
    return true;
  });
}

bool Deparser::Index(Oid index, Oid table, bool has_predicate, std::string_view* definition,
                     std::string_view* predicate) {
  return Locked(table, [&] {
    *definition = text_of(F_PG_GET_INDEXDEF_OID, {ObjectIdGetDatum(index)});
    *predicate = has_predicate ? predicate_of(index, table) : std::string_view();
  });
}

bool Deparser::Key(Oid index, Oid table, int place, std::string_view* expression) {
  return Locked(table, [&] {
    *expression = text_of(F_PG_GET_INDEXDEF_OID_INT4_BOOL,
                          {ObjectIdGetDatum(index), Int32GetDatum(place), BoolGetDatum(false)});
  });
}

}  // namespace assist::pg::reader
