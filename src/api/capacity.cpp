// What assist.capacity reads that no catalog shows: where a sequence stands, and how full a file system is.

#include <sys/statvfs.h>

#include "pg/guard.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_tablespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "funcapi.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/rel.h"
}

namespace {

using namespace assist::pg;

bool may_see(Oid owner) {
  return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
         (OidIsValid(owner) && has_privs_of_role(GetUserId(), owner));
}

// False where it was never called, or cannot be read now without waiting.
bool last_value(Oid oid, int64* value) {
  // Not the server's own function: that takes RowExclusiveLock, and wants SELECT on the sequence.
  if (!ConditionalLockRelationOid(oid, AccessShareLock)) return false;
  Relation sequence = try_relation_open(oid, NoLock);
  if (sequence == nullptr) {
    UnlockRelationOid(oid, AccessShareLock);
    return false;
  }
  bool known = false;
  if (sequence->rd_rel->relkind == RELKIND_SEQUENCE && !RELATION_IS_OTHER_TEMP(sequence) &&
      may_see(sequence->rd_rel->relowner) &&
      (RelationIsPermanent(sequence) || !RecoveryInProgress()) && RelationGetNumberOfBlocks(sequence) > 0) {
    Buffer buffer = ReadBuffer(sequence, 0);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    Page page = BufferGetPage(buffer);
    ItemId item = PageGetItemId(page, FirstOffsetNumber);
    if (PageGetMaxOffsetNumber(page) >= FirstOffsetNumber && ItemIdIsNormal(item)) {
      const auto* tuple = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
      const auto* data = reinterpret_cast<const FormData_pg_sequence_data*>(
          reinterpret_cast<const char*>(tuple) + tuple->t_hoff);
      known = data->is_called;
      *value = data->last_value;
    }
    UnlockReleaseBuffer(buffer);
  }
  relation_close(sequence, AccessShareLock);
  return known;
}

// pg_wal for InvalidOid.
bool file_system_of(Oid tablespace, struct statvfs* out) {
  char path[64];
  if (tablespace == InvalidOid) {
    snprintf(path, sizeof path, "pg_wal");
  } else if (tablespace == DEFAULTTABLESPACE_OID || tablespace == GLOBALTABLESPACE_OID) {
    snprintf(path, sizeof path, "base");
  } else {
    snprintf(path, sizeof path, "pg_tblspc/%u", tablespace);
  }
  return statvfs(path, out) == 0;
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_sequence_last_value) {
  bool known = false;
  int64 value = 0;
  Guarded([&] { known = last_value(PG_GETARG_OID(0), &value); });
  if (!known) PG_RETURN_NULL();
  return Int64GetDatum(value);
}

ASSIST_SQL_FUNCTION(assist_disk_space) {
  Datum result{0};
  bool known = false;
  Guarded([&] {
    struct statvfs found;
    if (!may_see(InvalidOid) || !file_system_of(PG_GETARG_OID(0), &found)) return;
    TupleDesc row;
    if (get_call_result_type(fcinfo, nullptr, &row) != TYPEFUNC_COMPOSITE) return;
    // As df: what only root may fill is neither used nor free.
    const auto block = static_cast<int64>(found.f_frsize);
    const auto used = static_cast<int64>(found.f_blocks - found.f_bfree) * block;
    Datum values[] = {Int64GetDatum(used), Int64GetDatum(used + static_cast<int64>(found.f_bavail) * block),
                      Int64GetDatum(static_cast<int64>(found.f_fsid))};
    bool nulls[lengthof(values)] = {};
    result = HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls));
    known = true;
  });
  if (!known) PG_RETURN_NULL();
  return result;
}
