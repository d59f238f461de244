// The gates around libpg_query: length, encoding, nesting, and no literal in what normalizing
// returns.

#include "sqlparse/sqlparse.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "sqlparse/pgq_shim.h"
#include "sqlparse/tokens.hpp"

namespace {

using assist::sqlparse::Scanner;
using assist::sqlparse::Token;
using assist::sqlparse::TokenKind;

constexpr int kDigits = 10;  // of the largest parameter number

sqlparse_status Fail(sqlparse_error* error, sqlparse_status status, const char* message,
                     int position = 0) noexcept {
  if (error != nullptr) {
    error->position = position;
    std::snprintf(error->message, sizeof error->message, "%s", message);
  }
  return status;
}

// What must hold before libpg_query sees a text; gives a NUL-terminated copy.
sqlparse_status Admit(std::string_view sql, char** copy, sqlparse_error* error) noexcept {
  if (error != nullptr) *error = {};
  if (sql.size() > SQLPARSE_MAX_BYTES)
    return Fail(error, SQLPARSE_TOO_LONG, "statement is too long");
  const std::size_t invalid = assist::sqlparse::FirstInvalidByte(sql);
  if (invalid != sql.size()) {
    return Fail(error, SQLPARSE_SYNTAX, "invalid byte sequence for encoding \"UTF8\"",
                assist::sqlparse::CharacterPosition(sql, invalid));
  }
  if (assist::sqlparse::NestingBound(sql, SQLPARSE_MAX_NESTING) >= SQLPARSE_MAX_NESTING) {
    return Fail(error, SQLPARSE_TOO_DEEP, "statement is nested too deeply");
  }
  *copy = static_cast<char*>(std::malloc(sql.size() + 1));
  if (*copy == nullptr) return Fail(error, SQLPARSE_MEMORY, "out of memory");
  if (!sql.empty()) std::memcpy(*copy, sql.data(), sql.size());
  (*copy)[sql.size()] = '\0';
  return SQLPARSE_OK;
}

// Admits, calls, and translates the outcome. `result->text` is the caller's to free.
sqlparse_status Call(void (*function)(const char*, pgq_result*), std::string_view sql,
                     pgq_result* result, sqlparse_error* error) noexcept {
  char* copy = nullptr;
  const sqlparse_status admitted = Admit(sql, &copy, error);
  if (admitted != SQLPARSE_OK) return admitted;
  function(copy, result);
  std::free(copy);
  switch (result->status) {
    case PGQ_OK:
      return SQLPARSE_OK;
    case PGQ_TOO_DEEP:
      return Fail(error, SQLPARSE_TOO_DEEP, result->message);
    case PGQ_MEMORY:
      return Fail(error, SQLPARSE_MEMORY, result->message);
    default:
      return Fail(error, SQLPARSE_SYNTAX, result->message, result->position);
  }
}

sqlparse_status CallForText(void (*function)(const char*, pgq_result*), std::string_view sql,
                            char** text, std::size_t* text_bytes, sqlparse_error* error) noexcept {
  *text = nullptr;
  pgq_result result;
  const sqlparse_status status = Call(function, sql, &result, error);
  if (status != SQLPARSE_OK) return status;
  *text = result.text;
  if (text_bytes != nullptr) *text_bytes = std::strlen(result.text);
  return SQLPARSE_OK;
}

// Replaces the literals that normalizing left: it does not descend into most utility statements.
// Gives a new malloc'ed text, nullptr when out of memory or when the text cannot be scanned to its
// end.
char* MaskLiterals(std::string_view normalized) noexcept {
  std::size_t strings = 0;
  long highest = 0;
  Scanner counting(normalized);
  for (Token token = counting.Next(); token.kind != TokenKind::kEnd; token = counting.Next()) {
    if (token.kind == TokenKind::kUnterminated) return nullptr;
    if (token.kind == TokenKind::kString) ++strings;
    if (token.kind == TokenKind::kParameter) {
      const long number = std::strtol(normalized.data() + token.begin + 1, nullptr, 10);
      if (number > highest && number <= 65535) highest = number;
    }
  }
  char* masked = static_cast<char*>(std::malloc(normalized.size() + strings * (kDigits + 1) + 1));
  if (masked == nullptr) return nullptr;

  std::size_t from = 0;
  std::size_t to = 0;
  Scanner scanner(normalized);
  for (Token token = scanner.Next(); token.kind != TokenKind::kEnd; token = scanner.Next()) {
    if (token.kind != TokenKind::kString) continue;
    std::memcpy(masked + to, normalized.data() + from, token.begin - from);
    to += token.begin - from;
    to += static_cast<std::size_t>(std::snprintf(masked + to, kDigits + 2, "$%ld", ++highest));
    from = token.end;
  }
  std::memcpy(masked + to, normalized.data() + from, normalized.size() - from);
  masked[to + normalized.size() - from] = '\0';
  return masked;
}

}  // namespace

extern "C" sqlparse_status sqlparse_normalize(const char* sql, std::size_t bytes, char** text,
                                              std::size_t* text_bytes, sqlparse_error* error) {
  char* normalized = nullptr;
  const sqlparse_status status =
      CallForText(pgq_normalize, {sql, bytes}, &normalized, nullptr, error);
  *text = nullptr;
  if (status != SQLPARSE_OK) return status;
  *text = MaskLiterals(normalized);
  std::free(normalized);
  if (*text == nullptr) return Fail(error, SQLPARSE_MEMORY, "out of memory");
  if (text_bytes != nullptr) *text_bytes = std::strlen(*text);
  return SQLPARSE_OK;
}

extern "C" sqlparse_status sqlparse_fingerprint(const char* sql, std::size_t bytes,
                                                std::uint64_t* fingerprint, sqlparse_error* error) {
  pgq_result result;
  const sqlparse_status status = Call(pgq_fingerprint, {sql, bytes}, &result, error);
  *fingerprint = status == SQLPARSE_OK ? result.fingerprint : 0;
  return status;
}

extern "C" sqlparse_status sqlparse_parse(const char* sql, std::size_t bytes, char** json,
                                          std::size_t* json_bytes, sqlparse_error* error) {
  return CallForText(pgq_parse_json, {sql, bytes}, json, json_bytes, error);
}

extern "C" sqlparse_status sqlparse_deparse(const char* sql, std::size_t bytes, char** text,
                                            std::size_t* text_bytes, sqlparse_error* error) {
  return CallForText(pgq_deparse, {sql, bytes}, text, text_bytes, error);
}

extern "C" void sqlparse_free(char* text) { std::free(text); }
