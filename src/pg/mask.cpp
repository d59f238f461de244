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

// A comment at `p`: its end, else `p`.
static const char* comment_end(const char* p, const char* end) {
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

int masked_size(int length) { return length * 6 + 16; }

int mask_constants(const char* text, int length, char* out) {
  const char* end = text + length;
  int highest = 0;
  for (const char* p = text; p + 1 < end; ++p)
    if (*p == '$' && isdigit(static_cast<unsigned char>(p[1])) && (p == text || !is_word(static_cast<unsigned char>(p[-1])))) {
      const long n = strtol(p + 1, nullptr, 10);
      if (n > highest && n < 65536) highest = static_cast<int>(n);
    }
  char* to = out;
  for (const char* p = text; p < end;) {
    const auto c = static_cast<unsigned char>(*p);
    const char* next = comment_end(p, end);
    if (next > p) {  // comments are kept: sqlcommenter's tags are in them
    } else if (c == '"') {
      next = p + 1;
      while (next < end && *next != '"') ++next;
      if (next < end) ++next;
    } else if (c == '\'' || isdigit(c) || (c == '.' && p + 1 < end && isdigit(static_cast<unsigned char>(p[1]))) ||
               (c == '$' && p + 1 < end && !isdigit(static_cast<unsigned char>(p[1]))) ||
               (strchr("eEbBxXnN", c) != nullptr && p + 1 < end && p[1] == '\'') ||
               ((c == 'u' || c == 'U') && p + 2 < end && p[1] == '&' && p[2] == '\'')) {
      const int n = constant_length(p);
      if (n > 0) {
        to += snprintf(to, 16, "$%d", ++highest);
        p += n;
        continue;
      }
      next = p + 1;
    } else if (c == '$') {
      next = p + 1;
      while (next < end && isdigit(static_cast<unsigned char>(*next))) ++next;
    } else if (is_word(c)) {
      next = p;
      while (next < end && is_word(static_cast<unsigned char>(*next))) ++next;
    } else {
      next = p + 1;
    }
    memcpy(to, p, static_cast<Size>(next - p));
    to += next - p;
    p = next;
  }
  return static_cast<int>(to - out);
}

}  // namespace assist::pg
