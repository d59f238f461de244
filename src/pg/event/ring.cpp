// The ring of events, and its file between two runs of the server: FileHead, the ring, CRC-32C over both. The file
// is of the shutdown whose mark it bears and is removed when it is read.

#include "pg/event/ring.hpp"

#include "pg/fault.hpp"
#include "pg/settings.hpp"
#include "pg/store/store.hpp"

extern "C" {
#include <unistd.h>

#include "miscadmin.h"
#include "pgstat.h"  // for PGSTAT_STAT_PERMANENT_DIRECTORY
#include "port/atomics.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "tcop/cmdtag.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

constexpr char kTranche[] = "pg_assist events";
constexpr char kFile[] = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_assist.events";
constexpr char kTemporary[] = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_assist.events.tmp";
constexpr uint32 kMagic = 0x41455654;
constexpr uint32 kVersion = 1;

struct Ring {
  TimestampTz epoch;
  uint64 next;                     // under the lock
  pg_atomic_uint64 unpublished;    // by those who did not get the lock
  Event events[kEvents];           // event n at n % kEvents; number 0 = none
};
static_assert(sizeof(Ring) < 150000);

struct FileHead {
  uint32 magic, version;
  uint32 server_major;  // numbers of command tags are its own
  uint32 mark;          // shutdown_mark() of the shutdown that it was written at
  uint64 bytes;
};

Ring* ring = nullptr;
LWLock* lock = nullptr;
shmem_request_hook_type previous_request = nullptr;
shmem_startup_hook_type previous_startup = nullptr;

pg_crc32c checksum(const FileHead& head, const Ring& content) {
  pg_crc32c crc;
  INIT_CRC32C(crc);
  COMP_CRC32C(crc, &head, sizeof head);
  COMP_CRC32C(crc, &content, sizeof content);
  FIN_CRC32C(crc);
  return crc;
}

FileHead head_now(uint32 mark) { return {kMagic, kVersion, ASSIST_SERVER_MAJOR, mark, sizeof(Ring)}; }

// LOG at worst: events are worth less than the shutdown.
void save(uint32 mark) {
  const FileHead head = head_now(mark);
  const pg_crc32c crc = checksum(head, *ring);
  FILE* file = AllocateFile(kTemporary, PG_BINARY_W);
  bool ok = file != nullptr && fwrite(&head, sizeof head, 1, file) == 1 && fwrite(ring, sizeof *ring, 1, file) == 1 &&
            fwrite(&crc, sizeof crc, 1, file) == 1;
  if (file != nullptr && FreeFile(file) != 0) ok = false;
  if (ok) {
    durable_rename(kTemporary, kFile, LOG);
    return;
  }
  ereport(LOG, (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", kTemporary),
                errdetail("Events that were not in assist.markers yet are lost.")));
  unlink(kTemporary);
}

// Reads what the last clean shutdown left. False: nothing, or nothing that can be trusted; the ring is empty then.
bool load() {
  FILE* file = AllocateFile(kFile, PG_BINARY_R);
  if (file == nullptr) return false;
  FileHead head;
  pg_crc32c crc;
  const bool read = fread(&head, sizeof head, 1, file) == 1 && fread(ring, sizeof *ring, 1, file) == 1 &&
                    fread(&crc, sizeof crc, 1, file) == 1 && fgetc(file) == EOF;
  FreeFile(file);
  const FileHead mine = head_now(shutdown_mark());
  const bool sound = read && head.mark != 0 && memcmp(&head, &mine, sizeof head) == 0 &&
                     EQ_CRC32C(crc, checksum(head, *ring)) && ring->next > 0;
  if (!sound) {
    MemSet(ring, 0, sizeof *ring);
    ereport(LOG, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("file \"%s\" is ignored", kFile),
                  errdetail("It is damaged, or of another version, or the server did not shut down cleanly since.")));
  }
  return sound;
}

void note_start(bool clean) {
  Event start = {};
  start.kind = kEventStart;
  start.flags = clean ? 0 : kEventUnclean;
  start.at = GetCurrentTimestamp();
  start.sequence = ring->next++;
  ring->events[start.sequence % kEvents] = start;
}

void at_shutdown(int code, Datum) {
  // The postmaster alone, after every child is gone; see store.cpp.
  const uint32 mark = code == 0 && ring != nullptr && save_statistics ? shutdown_mark() : 0;
  if (mark != 0) save(mark);
}

void request() {
  if (previous_request != nullptr) previous_request();
  RequestAddinShmemSpace(MAXALIGN(sizeof(Ring)));
  RequestNamedLWLockTranche(kTranche, 1);
}

void startup() {
  if (previous_startup != nullptr) previous_startup();
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  bool found;
  ring = static_cast<Ring*>(ShmemInitStruct(kTranche, sizeof(Ring), &found));
  lock = &GetNamedLWLockTranche(kTranche)[0].lock;
  if (!found) MemSet(ring, 0, sizeof *ring);
  LWLockRelease(AddinShmemInitLock);
  if (IsUnderPostmaster) return;
  on_shmem_exit(at_shutdown, Datum{0});
  if (found) return;
  const bool loaded = save_statistics && load();
  unlink(kFile);
  unlink(kTemporary);
  if (!loaded) {
    ring->epoch = GetCurrentTimestamp();
    ring->next = 1;
    pg_atomic_init_u64(&ring->unpublished, 0);
  }
  note_start(shutdown_mark() != 0);
}

}  // namespace

void install_event_ring() {
  previous_request = shmem_request_hook;
  shmem_request_hook = request;
  previous_startup = shmem_startup_hook;
  shmem_startup_hook = startup;
}

void publish_events(const Event* events, int count) {
  if (ring == nullptr || count <= 0) return;
  if (!store_lock_briefly(lock, LW_EXCLUSIVE)) {
    pg_atomic_fetch_add_u64(&ring->unpublished, count);
    return;
  }
  for (int i = 0; i < count; ++i) {
    Event* place = &ring->events[ring->next % kEvents];
    *place = events[i];
    place->sequence = ring->next++;
  }
  LWLockRelease(lock);
}

int copy_events(TimestampTz epoch, uint64 after, Event* to, EventRingState* state) {
  if (ring == nullptr || !store_lock_briefly(lock, LW_SHARED)) return -1;
  *state = {ring->epoch, ring->next, pg_atomic_read_u64(&ring->unpublished)};
  uint64 first = ring->next > kEvents ? ring->next - kEvents : 1;
  if (epoch == ring->epoch && after >= first) first = after + 1;
  int count = 0;
  for (uint64 n = first; n < ring->next && count < static_cast<int>(kEvents); ++n) to[count++] = ring->events[n % kEvents];
  LWLockRelease(lock);
  return count;
}

bool event_ring_usage(uint64* held, uint64* unpublished, Size* bytes) {
  if (ring == nullptr) return false;
  // One word, read without the lock: for display.
  const uint64 events = ring->next - 1;
  *held = events < kEvents ? events : kEvents;
  *unpublished = pg_atomic_read_u64(&ring->unpublished);
  *bytes = sizeof(Ring);
  return true;
}

}  // namespace assist::pg
