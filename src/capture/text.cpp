// Statement texts: normalised by the backend that sees a statement first, stored once.

#include "capture/capture.hpp"
#include "pg/mask.hpp"
#include "pg/text_arena.hpp"

extern "C" {
#include "catalog/namespace.h"  // for namespace_search_path
#include "mb/pg_wchar.h"
#include "tcop/utility.h"       // for CreateCommandName
#include "utils/memutils.h"
}

namespace assist::capture {

namespace {

int by_location(const void* a, const void* b) {
  const int x = static_cast<const LocationLen*>(a)->location;
  const int y = static_cast<const LocationLen*>(b)->location;
  return x < y ? -1 : x > y;
}

// The part of `source` that is this statement.
const char* statement_part(const char* source, int location, int* length) {
  const char* text = source + (location > 0 ? location : 0);
  int n = *length > 0 ? *length : static_cast<int>(strlen(text));
  while (n > 0 && isspace(static_cast<unsigned char>(*text))) {
    ++text;
    --n;
  }
  while (n > 0 && (isspace(static_cast<unsigned char>(text[n - 1])) || text[n - 1] == ';')) --n;
  *length = n;
  return text;
}

struct Buffer {
  char* data;
  int used, room;
  void add(const char* text, int n) {
    if (n <= 0) return;
    if (n > room - used) n = room - used;
    memcpy(data + used, text, static_cast<Size>(n));
    used += n;
  }
};

// Puts $n for every constant. False when there is no memory.
bool normalise(const char* source, const char* text, int length, JumbleState* jumble, Buffer* out) {
  const int constants = jumble != nullptr ? jumble->clocations_count : 0;
  if (constants > 1) qsort(jumble->clocations, static_cast<Size>(constants), sizeof(LocationLen), by_location);
  out->room = length + constants * 11 + 1;
  out->used = 0;
  out->data = static_cast<char*>(
      MemoryContextAllocExtended(CurrentMemoryContext, static_cast<Size>(out->room), MCXT_ALLOC_NO_OOM));
  if (out->data == nullptr) return false;
  const char* from = text;
  const char* end = text + length;
  int n = jumble != nullptr ? jumble->highest_extern_param_id : 0;
  int previous = -1;
  for (int i = 0; i < constants; ++i) {
    const int location = jumble->clocations[i].location;
    const char* at = source + location;
    if (location == previous || location < 0 || at < from || at >= end) continue;
    previous = location;
    const int constant = constant_length(at);
    if (constant <= 0) continue;
    out->add(from, static_cast<int>(at - from));
    char name[16];
    out->add(name, snprintf(name, sizeof name, "$%d", ++n));
    from = at + constant;
    if (from > end) from = end;
  }
  out->add(from, static_cast<int>(end - from));
  return true;
}

// The same from the text alone: every constant that the lexer finds.
bool normalise_lexically(const char* text, int length, Buffer* out) {
  out->room = masked_size(length);
  out->used = 0;
  out->data = static_cast<char*>(
      MemoryContextAllocExtended(CurrentMemoryContext, static_cast<Size>(out->room), MCXT_ALLOC_NO_OOM));
  if (out->data == nullptr) return false;
  out->used = mask_constants(text, length, out->data);
  return true;
}

// Stores a normalised text for a key; true when the store has one now.
// Block: text | at `extra`: command \0 search_path \0.
bool store_text(const EntryKey& key, const char* text, int length, const char* command) {
  const StatementKey statement_key = {key.userid, MyDatabaseId, key.queryid, key.toplevel};
  LWLock* lock = partition_lock(partition_of(MyDatabaseId, key.queryid));
  if (!store_lock_briefly(lock, LW_EXCLUSIVE)) return false;
  const TimestampTz now = GetCurrentStatementStartTimestamp();
  StatementEntry* statement = find_or_add_statement(statement_key, now);
  bool ok = statement != nullptr;
  if (ok && !DsaPointerIsValid(statement->text)) {
    int kept = length;
    if (kept > max_text_bytes) kept = pg_mbcliplen(text, length, max_text_bytes);
    const char* path = namespace_search_path != nullptr ? namespace_search_path : "";
    const Size command_bytes = strlen(command) + 1;
    const Size path_bytes = strlen(path) + 1;
    dsa_pointer pointer;
    TextBlock* block =
        arena_allocate(static_cast<Size>(kept) + 1 + command_bytes + path_bytes, kShareText, &pointer);
    if (block != nullptr) {
      memcpy(block->data, text, static_cast<Size>(kept));
      block->data[kept] = '\0';
      block->extra = static_cast<uint32>(kept) + 1;
      memcpy(block->data + block->extra, command, command_bytes);
      memcpy(block->data + block->extra + command_bytes, path, path_bytes);
      if (kept < length) block->flags |= kTextCut;
      statement->text = pointer;
    } else {
      ok = false;
    }
  }
  LWLockRelease(lock);
  if (!ok) count_lost(0, 1, 0);
  return ok;
}

}  // namespace

uint64 known_texts[kKnownTexts];

void learn_text(const char* source, const Query* query, JumbleState* jumble) {
  int length = query->stmt_len;
  const char* text = statement_part(source, query->stmt_location, &length);
  Buffer buffer;
  // Utility statements are not jumbled on every version, and carry passwords.
  const bool ok = query->commandType == CMD_UTILITY ? normalise_lexically(text, length, &buffer)
                                                    : normalise(source, text, length, jumble, &buffer);
  if (!ok) return;
  const char* command =
      query->commandType == CMD_UTILITY
          ? GetCommandTagName(CreateCommandTag(query->utilityStmt))
          : GetCommandTagName(CreateCommandTag(reinterpret_cast<Node*>(const_cast<Query*>(query))));
  const EntryKey key = {query->queryId, 0, GetUserId(), depth == 0};
  if (store_text(key, buffer.data, buffer.used, command)) known_texts[query->queryId % kKnownTexts] = query->queryId;
  pfree(buffer.data);
}

void supply_text(const QueryDesc* desc, const Open& open) {
  SlotEntry* entry = open.entry;
  if (entry == nullptr || entry->queryid != open.queryid) return;
  const uint64 bit = uint64{1} << (entry - own_slot->entries);
  if ((own_slot->text_wanted & bit) == 0) return;
  __atomic_fetch_and(&own_slot->text_wanted, ~bit, __ATOMIC_RELAXED);
  int length = desc->plannedstmt->stmt_len;
  const char* text = statement_part(desc->sourceText, desc->plannedstmt->stmt_location, &length);
  Buffer buffer;
  if (!normalise_lexically(text, length, &buffer)) return;
  const char* command =
      GetCommandTagName(CreateCommandTag(reinterpret_cast<Node*>(desc->plannedstmt)));
  const EntryKey key = {open.queryid, 0, open.userid, open.depth == 0};
  if (store_text(key, buffer.data, buffer.used, command)) known_texts[open.queryid % kKnownTexts] = open.queryid;
  pfree(buffer.data);
}

}  // namespace assist::capture
