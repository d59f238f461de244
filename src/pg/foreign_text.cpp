#include "pg/foreign_text.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"  // for FindDefaultConversionProc
#include "catalog/pg_database.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"  // for MaxAllocSize
#include "utils/syscache.h"
}

namespace assist::pg {

namespace {

bool is_ascii(const char* text, Size length) {
  for (Size i = 0; i < length; ++i)
    if ((text[i] & 0x80) != 0) return false;
  return true;
}

bool is_valid(const char* text, Size length) {
  return pg_verify_mbstr(GetDatabaseEncoding(), text, static_cast<int>(length), true);
}

// The encoding of a database; that of nothing when it is gone.
int encoding_of(Oid dbid) {
  int encoding = PG_SQL_ASCII;
  HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(dbid));
  if (HeapTupleIsValid(tuple)) {
    encoding = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->encoding;
    ReleaseSysCache(tuple);
  }
  return encoding;
}

const char* with_marks(const char* text, Size length) {
  char* out = pnstrdup(text, length);
  for (Size i = 0; i < length; ++i)
    if ((out[i] & 0x80) != 0) out[i] = '?';
  return out;
}

// Converts piece by piece: what has no equivalent, or is not valid where it came from, becomes ?.
const char* convert(Oid conversion, int from, const char* text, Size* length) {
  const Size room = *length * MAX_CONVERSION_GROWTH + 1;
  if (room > MaxAllocSize) return with_marks(text, *length);
  char* source = pnstrdup(text, *length);
  char* out = static_cast<char*>(palloc(room));
  Size used = 0;
  for (Size at = 0; at < *length;) {
    const int done = pg_do_encoding_conversion_buf(
        conversion, from, GetDatabaseEncoding(), reinterpret_cast<unsigned char*>(source + at),
        static_cast<int>(*length - at), reinterpret_cast<unsigned char*>(out + used),
        static_cast<int>(room - used), true);
    used += strlen(out + used);
    at += static_cast<Size>(done);
    if (at >= *length) break;
    out[used++] = '?';
    const auto bytes = static_cast<Size>(pg_encoding_mblen(from, source + at));
    // Of an invalid character only the first byte is given up: ASCII may follow.
    at += at + bytes <= *length && pg_verify_mbstr(from, source + at, static_cast<int>(bytes), true)
              ? bytes
              : 1;
  }
  pfree(source);
  *length = used;
  return out;
}

}  // namespace

const char* valid_text(const char* text, Size* length) {
  return is_valid(text, *length) ? text : with_marks(text, *length);
}

const char* text_here(Oid dbid, const char* text, Size* length) {
  if (dbid == MyDatabaseId || is_ascii(text, *length)) return valid_text(text, length);
  const int from = encoding_of(dbid);
  const int to = GetDatabaseEncoding();
  if (from == to) return valid_text(text, length);
  // Bytes without an encoding mean nothing elsewhere.
  if (from == PG_SQL_ASCII || to == PG_SQL_ASCII) return with_marks(text, *length);
  const Oid conversion = FindDefaultConversionProc(from, to);
  if (!OidIsValid(conversion)) return with_marks(text, *length);
  return convert(conversion, from, text, length);
}

}  // namespace assist::pg
