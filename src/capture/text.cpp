// Statement texts: normalised by the backend that sees a statement first, stored once.

#include "capture/capture.hpp"
#include "pg/fault.hpp"
#include "pg/mask.hpp"
#include "pg/store/admit.hpp"
#include "pg/store/evict.hpp"

extern "C" {
#include "catalog/namespace.h"  // for namespace_search_path
#include "commands/extension.h"  // for creating_extension
#include "mb/pg_wchar.h"
#include "parser/parser.h"      // for standard_conforming_strings
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

// A text with its constants replaced, and which constant of the source each $n is.
struct Normal {
  Buffer text;
  bool cut;  // it was not shown whole
  TextConstants constants;
};

// Of a text only the beginning is kept, so that nothing longer is made: the server gives no more than 1 GB, and
// raises an error for more.
bool allocate(Buffer* buffer, int64 room) {
  const int64 most = int64{max_text_bytes} + 64;
  buffer->room = static_cast<int>(room < most ? room : most);
  buffer->used = 0;
  buffer->data = static_cast<char*>(
      MemoryContextAllocExtended(CurrentMemoryContext, static_cast<Size>(buffer->room), MCXT_ALLOC_NO_OOM));
  return buffer->data != nullptr;
}

void begin_constants(TextConstants* constants, int first) {
  // Behind so many parameters no constant is kept anyway.
  constants->first = static_cast<uint16>(first < PG_UINT16_MAX - kMostConstants ? first : PG_UINT16_MAX - kMostConstants);
  constants->count = 0;
  constants->total = 0;
  constants->list = kNoList;
  constants->list_length = 0;
}

// The constants behind one list move by as many as it is longer; behind two, nobody knows which grew.
void add_list(TextConstants* constants, int first, uint16 length, int lists) {
  if (lists == 1 && constants->count < kMostConstants) {
    constants->list = constants->count;
    constants->list_length = length;
    constants->ordinal[constants->count++] = static_cast<uint16>(first);
  } else if (constants->list != kNoList) {
    constants->count = constants->list;
    constants->list = kNoList;
  }
}

// This session had standard_conforming_strings off once: then the server may have read a text under another setting
// than the present one (SET and a query in one string; a statement prepared before), and so found other ends of
// strings in it.
constinit bool strings_vary = false;

bool is_string(const char* p) { return p[0] == '\'' || p[1] == '\'' || (p[1] == '&' && p[2] == '\''); }

// Whether the lexer finds the strings that the server found.
bool agrees(const char* source, const char* text, int length, JumbleState* jumble) {
  if (jumble == nullptr) return false;
  qsort(jumble->clocations, static_cast<Size>(jumble->clocations_count), sizeof(LocationLen), by_location);
  int i = 0;
  for (ConstantScan scan(text, length); scan.next();) {
    bool found = false;
    for (; i < jumble->clocations_count; ++i) {
      const char* at = source + jumble->clocations[i].location;
      if (at >= scan.start + scan.length) break;
      if (assist_is_parameter(&jumble->clocations[i])) continue;
      // In n'x' the constant begins after the n for the server.
      if (at > scan.start + 1 || (at == scan.start + 1 && scan.start[0] == '\'')) return false;
      const int list = assist_list_bytes(&jumble->clocations[i]);
      found = found || at >= scan.start || (list > 0 && scan.start < at + list);
      if (list > 0 && at + list > scan.start + scan.length) break;
    }
    if (is_string(scan.start) && (!found || scan.length < 2 || scan.start[scan.length - 1] != '\'')) return false;
  }
  return true;
}

// How much of a text can be shown: when its strings cannot be told, what comes before the first constant.
int clear_length(const char* source, const char* text, int length, JumbleState* jumble) {
  strings_vary = strings_vary || !standard_conforming_strings;
  if (!strings_vary) return length;
  bool doubtful = false;
  for (int i = 0; i + 1 < length && !doubtful; ++i) doubtful = text[i] == '\\' && text[i + 1] == '\'';
  if (!doubtful || agrees(source, text, length, jumble)) return length;
  ConstantScan scan(text, length);
  return scan.next() ? static_cast<int>(scan.start - text) : length;
}

// Puts $n for every constant that the server counts as one. False when there is no memory.
bool normalise(const char* source, const char* text, int length, JumbleState* jumble, Normal* out) {
  const int count = jumble != nullptr ? jumble->clocations_count : 0;
  if (count > 1) qsort(jumble->clocations, static_cast<Size>(count), sizeof(LocationLen), by_location);
  if (!allocate(&out->text, length + int64{count} * 24 + 1)) return false;
  const char* from = text;
  int n = jumble != nullptr ? jumble->highest_extern_param_id : 0;
  // Where there are lists, the server numbers anew; here the text's own parameters keep their numbers.
  if (count > 0 && assist_has_lists(jumble)) n = highest_parameter(text, length);
  begin_constants(&out->constants, n + 1);
  int lists = 0;
  ConstantScan scan(text, length);
  int ordinal = -1;  // of scan.start among the text's constants
  for (int i = 0; i < count; ++i) {
    const char* at = source + jumble->clocations[i].location;
    if (jumble->clocations[i].location < 0 || at < from || at >= text + length) continue;
    if (assist_is_parameter(&jumble->clocations[i])) continue;
    // In n'x' the constant begins after the n for the server, with it for the lexer.
    while (ordinal < 0 || scan.start + scan.length <= at) {
      if (!scan.next()) break;
      ++ordinal;
    }
    const int list = assist_list_bytes(&jumble->clocations[i]);
    if (list > 0) {
      const int first = ordinal;
      uint16 in_list = 0;
      for (; scan.length > 0 && scan.start < at + list; ++in_list, ++ordinal) scan.next();
      lists += highest_parameter(at, list) > 0 ? 2 : 1;  // parameters in it make it unknown
      out->text.add(from, static_cast<int>(at - from));
      char name[32];
      out->text.add(name, snprintf(name, sizeof name, "$%d /*, ... */", ++n));
      from = at + list;
      add_list(&out->constants, first, in_list, lists);
      continue;
    }
    const int constant = constant_length(at);
    // Only what the lexer finds too can be found again; TRUE or the field of extract() stay as they are.
    if (scan.length == 0 || scan.start >= at + constant) continue;
    if (scan.start < at) at = scan.start;
    out->text.add(from, static_cast<int>(at - from));
    char name[16];
    out->text.add(name, snprintf(name, sizeof name, "$%d", ++n));
    from = scan.start + scan.length;
    if (out->constants.count < kMostConstants && lists < 2)
      out->constants.ordinal[out->constants.count++] =
          static_cast<uint16>(ordinal | (scan.start > at ? kWithSign : 0));
  }
  if (lists == 1) out->constants.total = count_constants(text, length);
  out->text.add(from, static_cast<int>(text + length - from));
  return true;
}

// The same from the text alone: every constant that the lexer finds.
bool normalise_lexically(const char* text, int length, Normal* out) {
  if (!allocate(&out->text, int64{length} * 6 + 16)) return false;
  begin_constants(&out->constants, highest_parameter(text, length) + 1);
  out->text.used = mask_constants(text, length, out->constants.first, out->text.data, out->text.room);
  int count = 0;
  for (ConstantScan scan(text, length); scan.next() && count < kMostConstants; ++count)
    out->constants.ordinal[count] = static_cast<uint16>(count);
  out->constants.count = static_cast<uint16>(count);
  // A list in it may have another length at the next execution: which one it is, only the jumble knows.
  if (ASSIST_LISTS_ARE_SQUASHED) out->constants.total = count_constants(text, length);
  return true;
}

// Stores a normalised text for a key; true when the store has one now.
// Block: text \0 | at `extra`: command \0 search_path \0 TextConstants (used part, unaligned).
bool store_text(const EntryKey& key, const Normal& normal, const char* command) {
  const StatementKey statement_key = {key.userid, MyDatabaseId, key.queryid, key.toplevel};
  LWLock* lock = partition_lock(partition_of(MyDatabaseId, key.queryid));
  if (!store_lock_briefly(lock, LW_EXCLUSIVE)) return false;
  fault_point("text");
  StatementEntry* statement = find_or_add_statement(statement_key, GetCurrentStatementStartTimestamp());
  bool ok = statement != nullptr;
  if (ok && !DsaPointerIsValid(statement->text)) {
    const int length = normal.text.used;
    const int kept = length > max_text_bytes ? pg_mbcliplen(normal.text.data, length, max_text_bytes) : length;
    const char* path = namespace_search_path != nullptr ? namespace_search_path : "";
    const Size parts[] = {static_cast<Size>(kept) + 1, strlen(command) + 1, strlen(path) + 1,
                          text_constants_size(normal.constants)};
    dsa_pointer pointer;
    TextBlock* block = allocate_text_for(statement, parts[0] + parts[1] + parts[2] + parts[3], &pointer);
    if (block != nullptr) {
      char* to = block->data;
      memcpy(to, normal.text.data, static_cast<Size>(kept));
      to[kept] = '\0';
      block->extra = static_cast<uint32>(parts[0]);
      memcpy(to += parts[0], command, parts[1]);
      memcpy(to += parts[1], path, parts[2]);
      memcpy(to += parts[2], &normal.constants, parts[3]);
      if (kept < length || normal.cut) block->flags |= kTextCut;
      statement->text = pointer;
    } else {
      ok = false;
    }
  }
  LWLockRelease(lock);
  if (!ok) count_lost(0, 1, 0);
  return ok;
}

enum class Kept : uint8 { kNot, kWithoutText, kWithText };

// What the store has of a statement. Where its lock is not to be had: nothing.
Kept kept_of(const StatementKey& key) {
  LWLock* lock = partition_lock(partition_of(key.dbid, key.queryid));
  if (!store_lock_briefly(lock, LW_SHARED)) return Kept::kNot;
  const StatementEntry* statement = find_statement(key);
  const Kept kept = statement == nullptr                        ? Kept::kNot
                    : DsaPointerIsValid(statement->text) ? Kept::kWithText
                                                         : Kept::kWithoutText;
  LWLockRelease(lock);
  return kept;
}

// Utility statements that are never counted: they show as what they run, or not at all.
bool is_counted(const Node* utility) {
  return track_utility && !creating_extension && !IsA(utility, ExecuteStmt) && !IsA(utility, PrepareStmt) &&
         !IsA(utility, DeallocateStmt);
}

}  // namespace

uint64 known_texts[kKnownTexts];
uint32 known_texts_epoch = 0;

void forget_known_texts() {
  memset(known_texts, 0, sizeof known_texts);
  known_texts_epoch = store()->reset_epoch;
}

void learn_text(const char* source, const Query* query, JumbleState* jumble) {
  if (known_texts_epoch != store()->reset_epoch) forget_known_texts();
  const auto queryid = static_cast<uint64>(query->queryId);
  if (queryid == 0 || !enabled()) return;
  // Utility statements are not jumbled on every version, and carry passwords.
  const bool utility = query->commandType == CMD_UTILITY;
  uint64* known = &known_texts[queryid % kKnownTexts];
  if (utility && !is_counted(query->utilityStmt)) {
    *known = queryid;
    return;
  }
  const EntryKey key = {queryid, 0, GetUserId(), depth == 0};
  const StatementKey statement_key = {key.userid, MyDatabaseId, queryid, key.toplevel};
  // Of a utility statement the text comes now or never.
  if (store_is_full() && !utility && !has_asked_before(statement_key, Asks::kText)) {
    *known = ~queryid;
    return;
  }
  const Kept kept = kept_of(statement_key);
  if (kept == Kept::kWithText) {
    *known = queryid;
    return;
  }
  if (kept == Kept::kNot && store_is_full() && !may_make_room()) {
    *known = ~queryid;
    return;
  }
  int length = query->stmt_len;
  const char* text = statement_part(source, query->stmt_location, &length);
  Normal normal;
  const int clear = clear_length(source, text, length, utility ? nullptr : jumble);
  normal.cut = clear < length;
  length = clear;
  if (!(utility ? normalise_lexically(text, length, &normal) : normalise(source, text, length, jumble, &normal)))
    return;
  const Node* node = utility ? query->utilityStmt : reinterpret_cast<const Node*>(query);
  if (store_text(key, normal, GetCommandTagName(CreateCommandTag(const_cast<Node*>(node)))))
    *known = queryid;
  pfree(normal.text.data);
}

void forget_wanted_text(const Open& open) {
  const SlotEntry* entry = find_or_claim_entry({open.queryid, 0, open.userid, open.depth == 0}, nullptr, InvalidOid);
  if (entry == nullptr || (own_slot->text_wanted & text_bit(entry)) == 0) return;
  __atomic_fetch_and(&own_slot->text_wanted, ~text_bit(entry), __ATOMIC_RELAXED);
  known_texts[open.queryid % kKnownTexts] = 0;
}

const char* statement_text(const QueryDesc* desc, int* length) {
  *length = desc->plannedstmt->stmt_len;
  return statement_part(desc->sourceText, desc->plannedstmt->stmt_location, length);
}

void supply_text(const QueryDesc* desc, const Open& open) {
  SlotEntry* entry = open.entry;
  if (entry == nullptr || open.claims != entry_claims)  // nested statements may have taken its place
    entry = find_or_claim_entry({open.queryid, open.planid, open.userid, open.depth == 0}, nullptr, open.sole_index);
  if (entry == nullptr) return;
  const uint64 bit = text_bit(entry);
  if ((own_slot->text_wanted & bit) == 0) return;
  __atomic_fetch_and(&own_slot->text_wanted, ~bit, __ATOMIC_RELAXED);
  const EntryKey key = {open.queryid, 0, open.userid, open.depth == 0};
  // Where it got no place at its parse it gets one now if it took that long.
  if (is_passed_over(open.queryid)) {
    known_texts[open.queryid % kKnownTexts] = 0;
    if (store_is_full() &&
        (open.exec_ns < kWorthNs ||
         (kept_of({key.userid, MyDatabaseId, key.queryid, key.toplevel}) == Kept::kNot && !is_worth_room(open.exec_ns))))
      return;
  }
  int length;
  const char* text = statement_text(desc, &length);
  Normal normal;
  const int clear = clear_length(nullptr, text, length, nullptr);
  normal.cut = clear < length;
  if (!normalise_lexically(text, clear, &normal)) return;
  if (store_text(key, normal, GetCommandTagName(CreateCommandTag(reinterpret_cast<Node*>(desc->plannedstmt)))))
    known_texts[open.queryid % kKnownTexts] = open.queryid;
  pfree(normal.text.data);
}

}  // namespace assist::capture
