// Fields of text blocks that end with a tab or a line break: names may hold both, so they are
// escaped.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "lib/stringinfo.h"
}

namespace assist::pg {

// Appends `text` without tabs and line breaks: \t, \n and \\ stand for them. May ereport (memory
// only).
inline void append_field(StringInfo out, const char* text) {
  for (const char* p = text; *p != '\0'; ++p) {
    const char escape = *p == '\t' ? 't' : *p == '\n' ? 'n' : *p == '\\' ? '\\' : '\0';
    if (escape != '\0') {
      appendStringInfoCharMacro(out, '\\');
      appendStringInfoCharMacro(out, escape);
    } else {
      appendStringInfoCharMacro(out, *p);
    }
  }
}

// The text of an escaped field; `to` has room for `bytes`. Returns its length.
inline Size read_field(const char* field, Size bytes, char* to) {
  Size n = 0;
  for (Size i = 0; i < bytes; ++i) {
    char c = field[i];
    if (c == '\\' && i + 1 < bytes) {
      c = field[++i];
      c = c == 't' ? '\t' : c == 'n' ? '\n' : c;
    }
    to[n++] = c;
  }
  return n;
}

}  // namespace assist::pg
