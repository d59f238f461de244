// The central store in a file between two runs of the server.
//
// Written by the postmaster (or a single-user backend) after everybody else is gone, to a temporary name,
// then renamed. A start reads it and renames it to .loaded: when a start finds only that one, the server did
// not shut down cleanly since, and what came after it is recorded as a gap. So is what came after a file that
// could not be renamed: it tells which shutdown it is of. A file that does not check out is set aside under
// the name .damaged with a WARNING.
//
// Layout: FileHead, then records, each a kind byte and its parts; CRC-32C over all of it at the end. Samples
// are not saved. The file has the owner's permissions of the data directory: it holds statement texts.

#include "pg/store/store.hpp"

#include "pg/fault.hpp"
#include "pg/store/pending.hpp"
#include "pg/settings.hpp"
#include "pg/store/text_arena.hpp"

extern "C" {
#include <unistd.h>

#include "access/xlog_internal.h"  // for XLOG_CONTROL_FILE
#include "catalog/pg_control.h"
#include "miscadmin.h"
#include "pgstat.h"  // for PGSTAT_STAT_PERMANENT_DIRECTORY
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

constexpr char kFile[] = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_assist.stat";
constexpr char kLoaded[] = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_assist.stat.loaded";
constexpr char kTemporary[] = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_assist.stat.tmp";
constexpr char kDamaged[] = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_assist.stat.damaged";

struct FileHead {
  uint32 magic, version;
  uint32 sizes[5];       // of the structs written: another build's file is not ours
  uint32 server_major;
  TimestampTz saved_at, started, reset_at;
  uint64 evictions, evicted_calls, evicted_plans, lost_texts, lost_calls, lost_predicates, evicted_indexes;
  TimestampTz index_use_lost;
  uint32 gap_count;
  uint32 mark;  // shutdown_mark() of the shutdown that it was written at; 0 = written at a start
  Gap gaps[kGaps];
  Gap absences[kGaps];
  uint32 absence_count;
  Leftover leftovers[kLeftovers];
};

enum Kind : char { kStatement = 'S', kPlan = 'P', kPredicate = 'Q', kError = 'E', kIndex = 'I', kEnd = '.' };

void fill_head(FileHead* head, uint32 mark) {
  const Store& s = *store();
  *head = {};
  head->magic = kStoreMagic;
  head->version = kStoreVersion;
  head->sizes[0] = sizeof(StatementEntry);
  head->sizes[1] = sizeof(PlanEntry);
  head->sizes[2] = sizeof(PredicateEntry);
  head->sizes[3] = sizeof(ErrorEntry);
  head->sizes[4] = sizeof(IndexCounter);
  head->server_major = ASSIST_SERVER_MAJOR;
  head->saved_at = GetCurrentTimestamp();
  head->started = s.started;
  head->reset_at = s.reset_at;
  head->evictions = s.evictions;
  head->evicted_calls = s.evicted_calls;
  head->evicted_plans = s.evicted_plans;
  head->lost_texts = s.lost_texts;
  head->lost_calls = s.lost_calls;
  head->lost_predicates = s.lost_predicates;
  head->evicted_indexes = s.evicted_indexes;
  head->index_use_lost = s.index_use_lost;
  head->gap_count = s.gap_count;
  head->mark = mark;
  memcpy(head->gaps, s.gaps, sizeof head->gaps);
  memcpy(head->absences, s.absences, sizeof head->absences);
  head->absence_count = s.absence_count;
  memcpy(head->leftovers, s.leftovers, sizeof head->leftovers);
}

// ---- writing

struct Writer {
  FILE* file;
  pg_crc32c crc;
  int problem;  // errno of the first failure; 0 = none
  void put(const void* data, Size bytes) {
    COMP_CRC32C(crc, data, bytes);
    if (problem == 0 && (fault_fails("write") || fwrite(data, 1, bytes, file) != bytes)) problem = errno;
  }
  void kind(Kind k) { put(&k, 1); }
  // A block with its reference left out: bytes, flags, extra, data.
  void block(dsa_pointer pointer) {
    const TextBlock* b = arena_get(pointer);
    const uint32 head[3] = {b != nullptr ? b->bytes : 0, b != nullptr ? b->flags : 0, b != nullptr ? b->extra : 0};
    put(head, sizeof head);
    if (b != nullptr) put(b->data, b->bytes);
  }
};

void write_statement(Writer* out, const StatementEntry& e) {
  fault_point("save");
  out->kind(kStatement);
  out->put(&e, sizeof e);
  out->block(e.text);
  for (uint32 i = e.first_plan; i != kNone; i = plan_at(i)->next) {
    out->kind(kPlan);
    out->put(plan_at(i), sizeof(PlanEntry));
    out->block(plan_at(i)->plan);
    out->block(plan_at(i)->constants);
  }
  for (uint32 i = e.first_predicate; i != kNone; i = predicate_at(i)->next) {
    out->kind(kPredicate);
    out->put(predicate_at(i), sizeof(PredicateEntry));
    out->block(predicate_at(i)->description);
  }
  for (uint32 i = e.first_error; i != kNone; i = error_at(i)->next) {
    out->kind(kError);
    out->put(error_at(i), sizeof(ErrorEntry));
  }
}

// errno of what failed; 0 = nothing.
int write_all(FILE* file, uint32 mark) {
  Writer out = {file, 0, 0};
  INIT_CRC32C(out.crc);
  FileHead head;
  fill_head(&head, mark);
  out.put(&head, sizeof head);
  for (uint32 b = 0; b < store()->bucket_count; ++b)
    for (uint32 i = *bucket_at(b); i != kNone; i = statement_at(i)->next) write_statement(&out, *statement_at(i));
  for (uint32 i = 0; i < store()->index_capacity; ++i) {
    if (index_at(i)->counter.indexid == InvalidOid) continue;
    out.kind(kIndex);
    out.put(&index_at(i)->counter, sizeof(IndexCounter));
  }
  out.kind(kEnd);
  FIN_CRC32C(out.crc);
  const pg_crc32c crc = out.crc;
  out.put(&crc, sizeof crc);
  return out.problem;
}

// ---- reading

// The checked content of the file, in malloc'ed memory; nullptr: none. Damage is logged and set aside.
struct Content {
  char* data;
  Size bytes;  // without the checksum
};

bool read_content(const char* name, Content* content) {
  content->data = nullptr;
  FILE* file = AllocateFile(name, PG_BINARY_R);
  if (file == nullptr) {
    if (errno != ENOENT)
      ereport(LOG, (errcode_for_file_access(), errmsg("could not read file \"%s\": %m", name)));
    return false;
  }
  const char* problem = "it is too short";
  if (fseek(file, 0, SEEK_END) == 0) {
    const long size = ftell(file);
    rewind(file);
    if (size > static_cast<long>(sizeof(FileHead) + sizeof(pg_crc32c))) {
      content->bytes = static_cast<Size>(size) - sizeof(pg_crc32c);
      content->data = static_cast<char*>(malloc(static_cast<Size>(size)));
      problem = "there is no memory for it";
      if (content->data != nullptr) {
        problem = "it cannot be read";
        if (fread(content->data, 1, static_cast<Size>(size), file) == static_cast<Size>(size)) {
          pg_crc32c crc, kept;
          INIT_CRC32C(crc);
          COMP_CRC32C(crc, content->data, content->bytes);
          FIN_CRC32C(crc);
          memcpy(&kept, content->data + content->bytes, sizeof kept);
          FileHead mine, theirs;
          fill_head(&mine, 0);
          memcpy(&theirs, content->data, sizeof theirs);
          if (!EQ_CRC32C(crc, kept))
            problem = "its checksum does not match";
          else if (theirs.magic != mine.magic || theirs.version != mine.version ||
                   memcmp(theirs.sizes, mine.sizes, sizeof mine.sizes) != 0 ||
                   theirs.server_major != mine.server_major)
            problem = "another version of pg_assist or of the server wrote it";
          else
            problem = nullptr;
        }
      }
    }
  }
  FreeFile(file);
  if (problem == nullptr) return true;
  free(content->data);
  content->data = nullptr;
  if (rename(name, kDamaged) != 0) unlink(name);
  ereport(WARNING, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("file \"%s\" is set aside: %s", name, problem),
                    errdetail("What pg_assist had observed before this start is not known. The file is now \"%s\".",
                              kDamaged)));
  return false;
}

struct Reader {
  const char* at;
  const char* end;
  bool get(void* to, Size bytes) {
    if (static_cast<Size>(end - at) < bytes) return false;
    memcpy(to, at, bytes);
    at += bytes;
    return true;
  }
  bool block(dsa_pointer* pointer) {
    uint32 head[3];
    *pointer = InvalidDsaPointer;
    if (!get(head, sizeof head) || static_cast<Size>(end - at) < head[0]) return false;
    if (head[0] > 0) {
      TextBlock* b = arena_allocate(head[0], kShareText, pointer);
      if (b != nullptr) {
        b->flags = head[1];
        b->extra = head[2];
        memcpy(b->data, at, head[0]);
      }
    }
    at += head[0];
    return true;
  }
};

// Puts a saved entry's fields into a fresh one, keeping what links the fresh one in the store.
void restore(StatementEntry* to, const StatementEntry& saved, dsa_pointer text) {
  const StatementEntry links = *to;
  *to = saved;
  to->next = links.next;
  to->first_plan = to->first_predicate = to->first_error = kNone;
  to->plan_count = 0;
  if (DsaPointerIsValid(links.text)) {
    to->text = links.text;
    arena_release(&text);
  } else {
    to->text = text;
  }
}

void read_all(Reader in) {
  StatementEntry* statement = nullptr;
  for (char kind; in.get(&kind, 1) && kind != kEnd;) {
    if (kind == kStatement) {
      StatementEntry saved;
      dsa_pointer text;
      if (!in.get(&saved, sizeof saved) || !in.block(&text)) return;
      const bool fits = store()->statement_count < store()->statement_capacity;
      statement = fits ? find_or_add_statement(saved.key, saved.last_seen) : nullptr;
      if (statement != nullptr)
        restore(statement, saved, text);
      else
        arena_release(&text);
    } else if (kind == kPlan) {
      PlanEntry saved;
      dsa_pointer blocks[2];
      if (!in.get(&saved, sizeof saved) || !in.block(&blocks[0]) || !in.block(&blocks[1])) return;
      PlanEntry* plan =
          statement != nullptr ? find_or_add_plan(statement, saved.planid, saved.last_seen) : nullptr;
      if (plan == nullptr) {
        arena_release(&blocks[0]);
        arena_release(&blocks[1]);
        continue;
      }
      const uint32 next = plan->next;
      *plan = saved;
      plan->next = next;
      plan->plan = blocks[0];
      plan->constants = blocks[1];
      plan->sample_count = 0;
      for (dsa_pointer& sample : plan->samples) sample = InvalidDsaPointer;
    } else if (kind == kPredicate) {
      PredicateEntry saved;
      dsa_pointer description;
      if (!in.get(&saved, sizeof saved) || !in.block(&description)) return;
      PredicateEntry* p = statement != nullptr ? find_or_add_predicate(statement, saved.planid, saved.use,
                                                                       saved.relid, saved.shape)
                                               : nullptr;
      if (p == nullptr) {
        arena_release(&description);
        continue;
      }
      const uint32 next = p->next;
      *p = saved;
      p->next = next;
      p->description = description;
    } else if (kind == kError) {
      ErrorEntry saved;
      if (!in.get(&saved, sizeof saved)) return;
      ErrorEntry* e = statement != nullptr ? find_or_add_error(statement, saved.sqlstate) : nullptr;
      if (e == nullptr) continue;
      const uint32 next = e->next;
      *e = saved;
      e->next = next;
    } else if (kind == kIndex) {
      IndexCounter saved;
      if (!in.get(&saved, sizeof saved)) return;
      merge_index_counter(saved);
    } else {
      return;
    }
  }
}

}  // namespace

uint32 shutdown_mark() {
  ControlFileData control;
  FILE* file = AllocateFile(XLOG_CONTROL_FILE, PG_BINARY_R);
  if (file == nullptr) return 0;
  const bool ok = fread(&control, sizeof control, 1, file) == 1;
  FreeFile(file);
  if (!ok || (control.state != DB_SHUTDOWNED && control.state != DB_SHUTDOWNED_IN_RECOVERY)) return 0;
  // Over the time and the checkpoint, too: the next start changes it for good.
  return control.crc | 1;
}

void save_store(uint32 mark) {
  FILE* file = AllocateFile(kTemporary, PG_BINARY_W);
  int problem = file != nullptr ? write_all(file, mark) : errno;
  // What stdio still holds is written here.
  if (file != nullptr && FreeFile(file) != 0 && problem == 0) problem = errno;
  if (problem != 0) {
    errno = problem;
    ereport(LOG, (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", kTemporary),
                  errdetail("What pg_assist observed since it was last saved is lost when the server stops.")));
    unlink(kTemporary);
    return;
  }
  if (durable_rename(kTemporary, kFile, LOG) == 0) unlink(kLoaded);
}

void load_store() {
  unlink(kTemporary);
  if (!save_statistics) return;
  const bool renamed = access(kFile, F_OK) != 0;
  Content content;
  if (read_content(renamed ? kLoaded : kFile, &content)) {
    FileHead head;
    memcpy(&head, content.data, sizeof head);
    const bool clean = !renamed && head.mark != 0 && head.mark == shutdown_mark();
    Store& s = *store();
    s.started = head.started;
    s.reset_at = head.reset_at;
    s.evictions = head.evictions;
    s.evicted_calls = head.evicted_calls;
    s.evicted_plans = head.evicted_plans;
    s.lost_texts = head.lost_texts;
    s.lost_calls = head.lost_calls;
    s.lost_predicates = head.lost_predicates;
    s.evicted_indexes = head.evicted_indexes;
    s.index_use_lost = head.index_use_lost;
    s.gap_count = head.gap_count;
    memcpy(s.gaps, head.gaps, sizeof s.gaps);
    memcpy(s.absences, head.absences, sizeof s.absences);
    s.absence_count = head.absence_count;
    read_all({content.data + sizeof head, content.data + content.bytes});
    free(content.data);
    memcpy(s.leftovers, head.leftovers, sizeof s.leftovers);
    if (clean) {
      s.absences[s.absence_count++ % kGaps] = {head.saved_at, GetCurrentTimestamp()};
    } else {
      // History may have recorded it since it was saved.
      forget_pending();
      add_gap(head.saved_at, GetCurrentTimestamp());
    }
    forget_future(GetCurrentTimestamp());
  }
  // From here on this is what is known should the server crash, the account of gaps included.
  save_store(0);
  if (rename(kFile, kLoaded) != 0)
    ereport(LOG, (errcode_for_file_access(), errmsg("could not rename file \"%s\": %m", kFile)));
}

}  // namespace assist::pg
