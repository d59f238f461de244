// The plan as EXPLAIN (FORMAT JSON) shows it, with constants masked.

#include "capture/capture.hpp"
#include "pg/block_text.hpp"
#include "pg/mask.hpp"

extern "C" {
#include "commands/explain.h"
#include "nodes/pathnodes.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/json.h"  // for escape_json
#include "utils/lsyscache.h"
}

namespace assist::capture {

namespace {

// Keys whose strings are names or words, which may hold anything and no constants.
bool is_name_key(const char* key, int length) {
  static const char* const kNames[] = {"Relation Name", "Alias", "Schema", "Index Name", "CTE Name",
                                       "Subplan Name", "Function Name", "Node Type", "Strategy"};
  for (const char* name : kNames)
    if (static_cast<int>(strlen(name)) == length && strncmp(name, key, static_cast<Size>(length)) == 0) return true;
  return false;
}

const char* json_string_end(const char* p, const char* end) {
  for (++p; p < end && *p != '"'; ++p)
    if (*p == '\\') ++p;
  return p < end ? p + 1 : end;
}

// Appends the text that a JSON string (without its quotes) stands for, as escape_json() writes them.
void append_unescaped(StringInfo out, const char* p, const char* end) {
  for (; p < end; ++p) {
    char c = *p;
    if (c == '\\' && p + 1 < end) {
      switch (c = *++p) {
        case 'b': c = '\b'; break;
        case 'f': c = '\f'; break;
        case 'n': c = '\n'; break;
        case 'r': c = '\r'; break;
        case 't': c = '\t'; break;
        case 'u':  // only control characters are written so
          c = static_cast<char>(strtol(pnstrdup(p + 1, 4), nullptr, 16));
          p += 4;
          break;
        default: break;
      }
    }
    appendStringInfoCharMacro(out, c);
  }
}

// Appends JSON, masking the constants inside string values. The lexer reads them without their escapes: of \n'x',
// a line break and a string, it would take n'x' for a constant and leave what is no JSON.
void mask_json(const char* json, int length, StringInfo out) {
  const char* end = json + length;
  const char* key = "";
  int key_length = 0;
  StringInfoData text;
  initStringInfo(&text);
  for (const char* p = json; p < end;) {
    if (*p != '"') {
      appendStringInfoCharMacro(out, *p++);
      continue;
    }
    const char* after = json_string_end(p, end);
    const int n = static_cast<int>(after - p);
    if (after < end && *after == ':') {
      key = p + 1;
      key_length = n - 2;
    } else if (!is_name_key(key, key_length) && n > 2) {
      resetStringInfo(&text);
      append_unescaped(&text, p + 1, after - 1);
      char* masked = static_cast<char*>(palloc(static_cast<Size>(text.len) + 1));  // ? is no longer than a constant
      masked[mask_constants(text.data, text.len, 0, masked)] = '\0';
      escape_json(out, masked);
      pfree(masked);
      p = after;
      continue;
    }
    appendBinaryStringInfo(out, p, n);
    p = after;
  }
}

}  // namespace

char* plan_json(QueryDesc* desc, bool analyze, int* length) {
  ExplainState* state = NewExplainState();
  state->analyze = analyze && desc->instrument_options != 0;
  state->costs = true;
  state->timing = false;
  state->format = EXPLAIN_FORMAT_JSON;
  ExplainBeginOutput(state);
  ExplainPrintPlan(state, desc);
  ExplainEndOutput(state);
  // As EXPLAIN's own: an object, not the array of one that it prints for scripts.
  StringInfo text = state->str;
  if (text->len > 0 && text->data[text->len - 1] == '\n') text->data[--text->len] = '\0';
  text->data[0] = '{';
  text->data[text->len - 1] = '}';
  StringInfoData masked;
  initStringInfo(&masked);
  mask_json(text->data, text->len, &masked);
  *length = masked.len;
  return masked.data;
}

char* plan_relations(const PlannedStmt* plan) {
  StringInfoData lines;
  initStringInfo(&lines);
  Oid seen[16];
  int count = 0;
  for (int i = 1; i <= list_length(plan->rtable) && count < 16; ++i) {
    const RangeTblEntry* entry = rt_fetch(i, plan->rtable);
    if (entry->rtekind != RTE_RELATION || root_relation(plan, static_cast<Index>(i)) != static_cast<Index>(i)) continue;
    bool known = false;
    for (int n = 0; n < count; ++n) known = known || seen[n] == entry->relid;
    if (known) continue;
    char* name = get_rel_name(entry->relid);
    if (name == nullptr) continue;
    seen[count++] = entry->relid;
    appendStringInfo(&lines, "%u ", entry->relid);
    append_field(&lines, quote_qualified_identifier(get_namespace_name(get_rel_namespace(entry->relid)), name));
    appendStringInfoChar(&lines, '\n');
  }
  return lines.data;
}

}  // namespace assist::capture
