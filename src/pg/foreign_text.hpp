// Texts of other databases: their encoding may be another one, and what is not valid here makes the
// server's functions fail.
#pragma once

#include "pg/server.hpp"

namespace assist::pg {

// A text of database `dbid` in the encoding of this one, with ? for what cannot be shown in it.
// Returns `text` itself when there is nothing to change, else a palloc'ed one; sets *length. May
// ereport (memory only).
const char* text_here(Oid dbid, const char* text, Size* length);

// The same for a text of which nobody knows where it came from.
const char* valid_text(const char* text, Size* length);

}  // namespace assist::pg
