/*
 * SQL text without a server: normalize, fingerprint, parse to JSON, deparse. Plain C, usable from
 * code built with -fno-exceptions; never throws, never ereports, never crashes on deep nesting.
 *
 * The dialect is that of libpg_query (PostgreSQL 15), with standard_conforming_strings on. `sql` is
 * UTF-8 of `bytes` bytes without a terminator: convert before the call when the database's encoding
 * is another. Not reentrant and not cancellable: work is bounded by SQLPARSE_MAX_BYTES and
 * SQLPARSE_MAX_NESTING only. Memory of the library stays allocated after its first use (about 0.25
 * MB private).
 */
#ifndef ASSIST_SQLPARSE_SQLPARSE_H
#define ASSIST_SQLPARSE_SQLPARSE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  SQLPARSE_MAX_BYTES = 1 << 20, /* longer texts are refused: deparsing this takes 0.4 s */
  SQLPARSE_MAX_NESTING =
      1000 /* of NestingBound() in tokens.hpp: what deparsing takes 2 MB of stack for */
};

typedef enum {
  SQLPARSE_OK,
  SQLPARSE_SYNTAX,   /* does not parse, or is not UTF-8 */
  SQLPARSE_TOO_LONG, /* above SQLPARSE_MAX_BYTES */
  SQLPARSE_TOO_DEEP, /* nested too deeply */
  SQLPARSE_MEMORY    /* out of memory */
} sqlparse_status;

typedef struct {
  int position;      /* SQLPARSE_SYNTAX: 1-based character in `sql`; 0 = unknown */
  char message[256]; /* server style, English; "" when all is well */
} sqlparse_error;

/*
 * Each gives SQLPARSE_OK and a result, or another status, no result and `*error` filled. `error`
 * may be NULL.
 * `*text` is malloc'ed, NUL-terminated, `*text_bytes` long (may be NULL), and given back by
 * sqlparse_free().
 */

/* The text with every literal replaced by $n. No string, bit or dollar-quoted literal is left in
 * any kind of statement; numbers are left where they are part of a type, a position or an option.
 * Comments stay. */
sqlparse_status sqlparse_normalize(const char* sql, size_t bytes, char** text, size_t* text_bytes,
                                   sqlparse_error* error);

/* The same for statements that differ in literals, spacing and the length of IN lists only. */
sqlparse_status sqlparse_fingerprint(const char* sql, size_t bytes, uint64_t* fingerprint,
                                     sqlparse_error* error);

/* The parse tree in libpg_query's JSON: {"version": ..., "stmts": [...]}. */
sqlparse_status sqlparse_parse(const char* sql, size_t bytes, char** json, size_t* json_bytes,
                               sqlparse_error* error);

/* The text printed again from its parse tree: one spelling for equal trees, without comments. */
sqlparse_status sqlparse_deparse(const char* sql, size_t bytes, char** text, size_t* text_bytes,
                                 sqlparse_error* error);

void sqlparse_free(char* text); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif /* ASSIST_SQLPARSE_SQLPARSE_H */
