// The constants of one execution, so that its statement can be planned again as it was.
//
// Block: uint16 count, then for $1 .. $count: Oid type, uint8 known, uint16 bytes, SQL text that stands for
// it (unaligned).

#include "capture/capture.hpp"
#include "pg/mask.hpp"
#include "pg/store/text_arena.hpp"

extern "C" {
#include "access/transam.h"  // for FirstNormalObjectId
#include "lib/stringinfo.h"
#include "nodes/params.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

namespace assist::capture {

namespace {

constexpr int kMostBytes = 512;   // of one constant
constexpr int kMostParameters = 256;

void put(StringInfo out, Oid type, const char* literal, int length) {
  const uint8 known = literal != nullptr && length <= kMostBytes;
  const auto bytes = static_cast<uint16>(known ? length : 0);
  appendBinaryStringInfo(out, reinterpret_cast<const char*>(&type), sizeof type);
  appendBinaryStringInfo(out, reinterpret_cast<const char*>(&known), sizeof known);
  appendBinaryStringInfo(out, reinterpret_cast<const char*>(&bytes), sizeof bytes);
  if (bytes > 0) appendBinaryStringInfo(out, literal, bytes);
}

// A bound parameter as a typed literal. Values of types that users defined are left alone: their output
// functions are not ours to call.
void put_parameter(StringInfo out, ParamListInfo params, int n) {
  ParamExternData workspace;
  const ParamExternData* param = params->paramFetch != nullptr
                                     ? params->paramFetch(params, n, true, &workspace)
                                     : &params->params[n - 1];
  if (param == nullptr || !OidIsValid(param->ptype) || param->ptype >= FirstNormalObjectId) {
    put(out, param != nullptr ? param->ptype : InvalidOid, nullptr, 0);
    return;
  }
  const char* type = format_type_be(param->ptype);
  char* literal;
  if (param->isnull) {
    literal = psprintf("NULL::%s", type);
  } else {
    Oid function;
    bool varlena;
    getTypeOutputInfo(param->ptype, &function, &varlena);
    if (varlena && VARSIZE_ANY_EXHDR(DatumGetPointer(param->value)) > kMostBytes) {
      put(out, param->ptype, nullptr, 0);
      return;
    }
    literal = psprintf("%s::%s", quote_literal_cstr(OidOutputFunctionCall(function, param->value)), type);
  }
  put(out, param->ptype, literal, static_cast<int>(strlen(literal)));
}

// The mapping that was stored with the statement's text. False when there is no text.
bool read_mapping(const Open& open, TextConstants* mapping) {
  const StatementKey key = {open.userid, MyDatabaseId, open.queryid, open.depth == 0};
  LWLock* lock = partition_lock(partition_of(key.dbid, key.queryid));
  if (!store_lock_briefly(lock, LW_SHARED)) return false;
  const StatementEntry* statement = find_statement(key);
  const TextBlock* block = statement != nullptr ? arena_get(statement->text) : nullptr;
  if (block != nullptr) {
    const char* at = block->data + block->extra;
    at += strlen(at) + 1;  // command
    at += strlen(at) + 1;  // search_path
    memcpy(mapping, at, offsetof(TextConstants, ordinal));
    memcpy(mapping, at, text_constants_size(*mapping));
  }
  LWLockRelease(lock);
  return block != nullptr;
}

// Where a list whose first constant begins at `start` does: a sign in front of it belongs to it.
const char* with_sign(const char* text, const char* start) {
  const char* at = start;
  while (at > text && isspace(static_cast<unsigned char>(at[-1]))) --at;
  return at > text && (at[-1] == '-' || at[-1] == '+') ? at - 1 : start;
}

}  // namespace

char* constants_block(QueryDesc* desc, const Open& open, bool whole, Size* bytes) {
  TextConstants mapping;
  if (!read_mapping(open, &mapping) || (mapping.count == 0 && !whole)) return nullptr;
  StringInfoData out;
  initStringInfo(&out);
  const int bound = mapping.first - 1;
  const auto count = static_cast<uint16>(bound + mapping.count);
  if (count > kMostParameters) return nullptr;
  appendBinaryStringInfo(&out, reinterpret_cast<const char*>(&count), sizeof count);
  ParamListInfo params = desc->params;
  for (int n = 1; n <= bound; ++n) {
    if (params != nullptr && n <= params->numParams)
      put_parameter(&out, params, n);
    else
      put(&out, InvalidOid, nullptr, 0);
  }
  int length;
  const char* text = statement_text(desc, &length);
  const int longer = mapping.total > 0 ? count_constants(text, length) - mapping.total : 0;  // by so many, the list
  const bool all_known = longer == 0 || mapping.list != kNoList;
  ConstantScan scan(text, length);
  int ordinal = -1;
  for (int i = 0; i < mapping.count; ++i) {
    const int wanted = (mapping.ordinal[i] & ~kWithSign) + (i > mapping.list ? longer : 0);
    bool found = ordinal == wanted;
    while (ordinal < wanted && (found = scan.next())) ++ordinal;
    const char* start = scan.start;
    if (found && (mapping.ordinal[i] & kWithSign) != 0)
      while (start > text && *start != '-' && *start != '+') --start;
    if (found && i == mapping.list) {
      start = with_sign(text, start);
      for (const int last = wanted + mapping.list_length + longer - 1; ordinal < last && (found = scan.next());) ++ordinal;
    }
    found = found && all_known;
    put(&out, InvalidOid, found ? start : nullptr, found ? static_cast<int>(scan.start + scan.length - start) : 0);
  }
  *bytes = static_cast<Size>(out.len);
  return out.data;
}

}  // namespace assist::capture
