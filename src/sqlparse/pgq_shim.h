/*
 * libpg_query as plain C: the boundary of the partial link. Only the pgq_ functions named in
 * pgq_exports.txt are visible outside pgq.o; everything of libpg_query is local to it.
 *
 * REQUIRES of every `sql`: NUL-terminated, valid UTF-8, of a nesting the caller has bounded
 * (tokens.hpp): several of libpg_query's recursions have no stack check at all.
 * None of them is reentrant. Results are malloc'ed; text is NUL-terminated.
 */
#ifndef ASSIST_SQLPARSE_PGQ_SHIM_H
#define ASSIST_SQLPARSE_PGQ_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { PGQ_OK, PGQ_SYNTAX, PGQ_TOO_DEEP, PGQ_MEMORY } pgq_status;

typedef struct {
  pgq_status status;
  char* text;           /* malloc'ed; NULL unless PGQ_OK and the call gives text */
  uint64_t fingerprint; /* pgq_fingerprint only */
  int position;         /* PGQ_SYNTAX: 1-based character, 0 = unknown */
  char message[256];    /* "" when PGQ_OK */
} pgq_result;

#ifdef __cplusplus
extern "C" {
#endif

void pgq_normalize(const char* sql, pgq_result* result);
void pgq_fingerprint(const char* sql, pgq_result* result);
void pgq_parse_json(const char* sql, pgq_result* result);
void pgq_deparse(const char* sql, pgq_result* result);

/* Within pgq.o. */
void pgq_stack_enter(void* frame);
bool pgq_stack_exceeded(void);

#ifdef __cplusplus
}
#endif

#endif /* ASSIST_SQLPARSE_PGQ_SHIM_H */
