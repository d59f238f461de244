// assist.import_index_usage: what standbys use.

#include "pg/own_sql.hpp"

extern "C" {
#include "tcop/utility.h"  // for PreventCommandIfReadOnly
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"  // for jsonb_out
}

namespace {

using namespace assist::pg;

constexpr std::string_view kHint =
    "Give what SELECT jsonb_agg(u) FROM pg_stat_user_indexes u says on that node.";

[[noreturn]] void Reject(const char* what) {
  throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, what, kHint.data());
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_import_index_usage) {
  const char* node = nullptr;
  const char* usage = nullptr;
  Guarded([&] {
    PreventCommandIfReadOnly("assist.import_index_usage()");
    if (!PG_ARGISNULL(0)) node = text_to_cstring(PG_GETARG_TEXT_PP(0));
    if (!PG_ARGISNULL(1))
      usage = DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(1)));
  });
  const std::string_view name(node == nullptr ? "" : node);
  if (name.empty() || name.size() > 200)
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "node must be a name of up to 200 bytes",
                      "Any name that tells the standbys apart, as its host.");
  const OwnerScope owner;
  if (usage == nullptr) {
    const Arg args[] = {Arg::Text(name)};
    Execute("DELETE FROM assist.imported_index_use WHERE node = $1", args);
    return Int32GetDatum(0);
  }
  const Arg args[] = {Arg::Text(name), Arg::Text(usage)};
  std::string_view wrong;
  assist::pg::Query(
      "SELECT CASE WHEN jsonb_typeof($2::jsonb) <> 'array' THEN 1"
      " WHEN EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof($2::jsonb) = "
      "'array' THEN $2::jsonb ELSE '[]' END) e"
      "   WHERE jsonb_typeof(e) <> 'object' OR jsonb_typeof(e -> 'schemaname') IS DISTINCT FROM "
      "'string'"
      "    OR jsonb_typeof(e -> 'indexrelname') IS DISTINCT FROM 'string' OR jsonb_typeof(e -> "
      "'idx_scan') IS DISTINCT FROM 'number'"
      "    OR (e ->> 'idx_scan') !~ '^[0-9]{1,18}$') THEN 2 ELSE 0 END, $1",
      args, [&](const Row& row) {
        if (row.Integer(0) == 1) wrong = "usage must be a JSON array";
        if (row.Integer(0) == 2)
          wrong = "each element of usage needs schemaname, indexrelname and a count as idx_scan";
      });
  if (!wrong.empty()) Reject(wrong.data());
  // Counts that shrank were reset: what they say is new.
  std::int64_t known = 0;
  QueryFresh(
      "WITH told AS (SELECT format('%I.%I', schemaname, indexrelname) AS index_name, max(idx_scan) "
      "AS scans, max(last_idx_scan) AS last_use"
      "   FROM jsonb_to_recordset($2::jsonb) u (schemaname text, indexrelname text, idx_scan int8, "
      "last_idx_scan timestamptz)"
      "   WHERE EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
      "     WHERE n.nspname = u.schemaname AND c.relname = u.indexrelname AND c.relkind IN ('i', "
      "'I')) GROUP BY 1),"
      " put AS (INSERT INTO assist.imported_index_use AS i (node, index_name, scans, first_import, "
      "last_import, last_use)"
      "   SELECT $1, index_name, scans, now(), now(), CASE WHEN scans > 0 THEN "
      "least(coalesce(last_use, now()), now()) END FROM told"
      "   ON CONFLICT (node, index_name) DO UPDATE SET scans = excluded.scans, last_import = "
      "excluded.last_import,"
      "     last_use = CASE WHEN excluded.scans > 0 AND excluded.scans <> i.scans THEN "
      "excluded.last_use ELSE i.last_use END"
      "   RETURNING 1),"
      " gone AS (DELETE FROM assist.imported_index_use i WHERE node = $1 AND "
      "to_regclass(index_name) IS NULL)"
      " SELECT count(*) FROM put",
      args, [&](const Row& row) { known = row.Integer(0); });
  return Int32GetDatum(static_cast<int32>(known));
}
