/*
 * The only file that includes pg_query.h, which redefines the server's PG_VERSION_NUM without a
 * warning. See pgq_shim.h.
 */
#include "pgq_shim.h"

#include <pg_query.h>
#include <stdio.h>
#include <string.h>

static void begin(pgq_result* result, void* frame) {
  memset(result, 0, sizeof *result);
  pgq_stack_enter(frame);
}

/* Turns libpg_query's error and our flag into a status; true when the call succeeded. The flag goes
 * first: what an exceeded stack left behind may look like success. */
static bool succeeded(pgq_result* result, const PgQueryError* error) {
  if (pgq_stack_exceeded()) {
    result->status = PGQ_TOO_DEEP;
    snprintf(result->message, sizeof result->message, "statement is nested too deeply");
    return false;
  }
  if (error != NULL) {
    const char* message = error->message != NULL ? error->message : "cannot be parsed";
    result->status = strcmp(message, "out of memory") == 0 ? PGQ_MEMORY : PGQ_SYNTAX;
    result->position = error->cursorpos > 0 ? error->cursorpos : 0;
    snprintf(result->message, sizeof result->message, "%s", message);
    return false;
  }
  return true;
}

static void take(pgq_result* result, const char* text) {
  result->text = text != NULL ? strdup(text) : NULL;
  if (result->text == NULL) {
    result->status = PGQ_MEMORY;
    snprintf(result->message, sizeof result->message, "out of memory");
  }
}

void pgq_normalize(const char* sql, pgq_result* result) {
  begin(result, __builtin_frame_address(0));
  PgQueryNormalizeResult normalized = pg_query_normalize(sql);
  if (succeeded(result, normalized.error)) take(result, normalized.normalized_query);
  pg_query_free_normalize_result(normalized);
}

void pgq_fingerprint(const char* sql, pgq_result* result) {
  begin(result, __builtin_frame_address(0));
  PgQueryFingerprintResult printed = pg_query_fingerprint(sql);
  if (succeeded(result, printed.error)) result->fingerprint = printed.fingerprint;
  pg_query_free_fingerprint_result(printed);
}

void pgq_parse_json(const char* sql, pgq_result* result) {
  begin(result, __builtin_frame_address(0));
  PgQueryParseResult parsed = pg_query_parse(sql);
  if (succeeded(result, parsed.error)) take(result, parsed.parse_tree);
  pg_query_free_parse_result(parsed);
}

void pgq_deparse(const char* sql, pgq_result* result) {
  begin(result, __builtin_frame_address(0));
  PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(sql);
  if (succeeded(result, parsed.error)) {
    PgQueryDeparseResult deparsed = pg_query_deparse_protobuf(parsed.parse_tree);
    if (succeeded(result, deparsed.error)) take(result, deparsed.query);
    pg_query_free_deparse_result(deparsed);
  }
  pg_query_free_protobuf_parse_result(parsed);
}
