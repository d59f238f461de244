// A lexer for constants, enough of SQL's to find where each begins and ends.

#include "pg/mask.hpp"

extern "C" {
#include "parser/parser.h"  // for standard_conforming_strings
}

namespace assist::pg {

namespace {

inline bool is_word(unsigned char c) { return c == '_' || c == '$' || isalnum(c) || c >= 0x80; }

// End of a quoted string whose opening quote is at `p`; `escapes`: backslash quotes the next character.
const char* quoted_end(const char* p, bool escapes) {
  for (++p; *p != '\0'; ++p) {
    if (escapes && *p == '\\' && p[1] != '\0') {
      ++p;
    } else if (*p == '\'') {
      if (p[1] != '\'') return p + 1;
      ++p;
    }
  }
  return p;
}

}  // namespace

int constant_length(const char* p) {
  const char* start = p;
  if (*p == '-' || *p == '+') {
    ++p;
    while (isspace(static_cast<unsigned char>(*p))) ++p;
  }
  if (isdigit(static_cast<unsigned char>(*p)) || (*p == '.' && isdigit(static_cast<unsigned char>(p[1])))) {
    bool exponent = false;
    while (isalnum(static_cast<unsigned char>(*p)) || *p == '.' || *p == '_' ||
           ((*p == '+' || *p == '-') && exponent)) {
      exponent = (*p == 'e' || *p == 'E') && start[0] != '0';
      ++p;
    }
    return static_cast<int>(p - start);
  }
  if (*p == '$') {
    const char* tag = p++;
    while (is_word(static_cast<unsigned char>(*p)) && *p != '$') ++p;
    if (*p != '$') return 0;
    const auto length = static_cast<Size>(++p - tag);
    for (; *p != '\0'; ++p)
      if (strncmp(p, tag, length) == 0) return static_cast<int>(p + length - start);
    return static_cast<int>(p - start);
  }
  bool escapes = !standard_conforming_strings;
  if (strchr("eEbBxXnN", *p) != nullptr && *p != '\0' && p[1] == '\'') {
    escapes = escapes || *p == 'e' || *p == 'E';
    ++p;
  } else if ((*p == 'u' || *p == 'U') && p[1] == '&' && p[2] == '\'') {
    p += 2;
  }
  if (*p == '\'') {
    const char* end = quoted_end(p, escapes);
    // SQL joins strings that only white space with a line break parts.
    for (;;) {
      const char* next = end;
      bool line = false;
      for (; isspace(static_cast<unsigned char>(*next)); ++next) line = line || *next == '\n';
      if (!line || *next != '\'') break;
      end = quoted_end(next, escapes);
    }
    return static_cast<int>(end - start);
  }
  while (is_word(static_cast<unsigned char>(*p))) ++p;
  return static_cast<int>(p - start);
}

namespace {

inline bool is_digit(char c) { return isdigit(static_cast<unsigned char>(c)) != 0; }

// A comment at `p`: its end, else `p`.
const char* comment_end(const char* p, const char* end) {
  if (p + 1 < end && p[0] == '-' && p[1] == '-') {
    while (p < end && *p != '\n') ++p;
  } else if (p + 1 < end && p[0] == '/' && p[1] == '*') {
    int level = 0;
    do {
      if (p + 1 < end && p[0] == '/' && p[1] == '*') {
        ++level;
        p += 2;
      } else if (p + 1 < end && p[0] == '*' && p[1] == '/') {
        --level;
        p += 2;
      } else {
        ++p;
      }
    } while (level > 0 && p < end);
  }
  return p;
}

// A further word of a type's name: character varying, double precision.
bool continues_type(const char* p, const char* end) {
  static const char* const kWords[] = {"varying", "precision", "character", "char", "bit"};
  for (const char* word : kWords) {
    const auto n = static_cast<ptrdiff_t>(strlen(word));
    if (end - p >= n && pg_strncasecmp(p, word, static_cast<Size>(n)) == 0 &&
        (end - p == n || !is_word(static_cast<unsigned char>(p[n]))))
      return true;
  }
  return false;
}

// After "::": the type's name and modifiers. Another word is not the type's: "x::date IN (1, 2)".
const char* type_end(const char* p, const char* end) {
  const auto skip_blanks = [&p, end] {
    while (p < end && isspace(static_cast<unsigned char>(*p))) ++p;
  };
  skip_blanks();
  const char* name = p;
  for (;;) {
    if (p < end && *p == '"') {
      for (++p; p < end && *p != '"';) ++p;
      if (p < end) ++p;
    } else {
      while (p < end && is_word(static_cast<unsigned char>(*p))) ++p;
    }
    if (p < end && *p == '.') {
      ++p;
      continue;
    }
    skip_blanks();
    if (!continues_type(p, end)) break;
  }
  if (p == name || p >= end || *p != '(') return name;
  const char* q = p + 1;
  while (q < end && (is_digit(*q) || *q == ',' || *q == ' ')) ++q;
  return q < end && *q == ')' ? q + 1 : name;
}

bool starts_constant(const char* p, const char* end) {
  const char next = p + 1 < end ? p[1] : '\0';
  switch (*p) {
    case '\'':
      return true;
    case '.':
      return is_digit(next);
    case '$':
      return next != '\0' && !is_digit(next) && (next == '$' || is_word(static_cast<unsigned char>(next)));
    case 'e': case 'E': case 'b': case 'B': case 'x': case 'X': case 'n': case 'N':
      return next == '\'';
    case 'u': case 'U':
      return next == '&' && p + 2 < end && p[2] == '\'';
    default:
      return is_digit(*p);
  }
}

}  // namespace

bool ConstantScan::next() {
  const char* p = at;
  while (p < end) {
    const char* after = comment_end(p, end);
    if (after > p) {
      p = after;
    } else if (*p == '"') {
      for (++p; p < end && *p != '"';) ++p;
      if (p < end) ++p;
    } else if (*p == ':' && p + 1 < end && p[1] == ':') {
      p = type_end(p + 2, end);
    } else if (starts_constant(p, end) && (length = constant_length(p)) > 0) {
      start = p;
      if (length > end - p) length = static_cast<int>(end - p);
      at = p + length;
      return true;
    } else if (*p == '$' || is_word(static_cast<unsigned char>(*p))) {
      for (++p; p < end && is_word(static_cast<unsigned char>(*p));) ++p;
    } else {
      ++p;
    }
  }
  start = at = end;
  length = 0;
  return false;
}

uint16 count_constants(const char* text, int length) {
  uint16 count = 0;
  for (ConstantScan scan(text, length); count < PG_UINT16_MAX && scan.next();) ++count;
  return count;
}

int highest_parameter(const char* text, int length) {
  int highest = 0;
  for (const char* p = text; p + 1 < text + length; ++p) {
    if (*p != '$' || !is_digit(p[1]) || (p > text && is_word(static_cast<unsigned char>(p[-1])))) continue;
    const long n = strtol(p + 1, nullptr, 10);
    if (n > highest && n < 65536) highest = static_cast<int>(n);
  }
  return highest;
}

int masked_size(int length) { return length * 6 + 16; }

int mask_constants(const char* text, int length, int first, char* out, int room) {
  ConstantScan scan(text, length);
  int used = 0;
  const auto add = [&](const char* piece, ptrdiff_t n) {
    if (n > room - used) n = room - used;
    memcpy(out + used, piece, static_cast<Size>(n));
    used += static_cast<int>(n);
  };
  const char* from = text;
  while (used < room) {
    const bool found = scan.next();
    add(from, scan.start - from);
    if (!found) break;
    from = scan.start + scan.length;
    char name[16] = "?";
    add(name, first > 0 ? snprintf(name, sizeof name, "$%d", first++) : 1);
  }
  return used;
}

}  // namespace assist::pg
