/* Faults of the machine, by LD_PRELOAD: a clock that is set to another time, and a disk without
 * space. The file named by ASSIST_INTERPOSE is mapped by every process of the server, so that a
 * test changes its fields at once for all.
 *
 * The clock is the time of day; the monotonic one goes on as clocks do that are set. A full disk
 * refuses what makes a file longer, not what is written over. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
  volatile int64_t clock_seconds; /* added to the time of day */
  volatile int64_t refused;       /* writes refused so far */
  char full[4080];                /* part of the paths of the files without space; "" = none */
};

static struct control nothing;
static struct control* control = &nothing;

__attribute__((constructor)) static void map_control(void) {
  const char* name = getenv("ASSIST_INTERPOSE");
  const int file = name != NULL ? open(name, O_RDWR) : -1;
  if (file < 0) return;
  void* map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (map != MAP_FAILED) control = map;
  close(file);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* ---- the clock */

int clock_gettime(clockid_t clock, struct timespec* now) {
  static __typeof__(&clock_gettime) real;
  if (real == NULL) real = (__typeof__(&clock_gettime))dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    now->tv_sec += control->clock_seconds;
  return result;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  struct timespec precise;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  if (out != NULL) *out = precise.tv_sec;
  return precise.tv_sec;
}

/* ---- the disk */

/* Whether the file has no space for what would end at this offset; -1 = at its end. */
static int is_full(int file, off_t end) {
  char link[32], path[4096];
  struct stat is;
  if (control->full[0] == '\0') return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = '\0';
  if (strstr(path, control->full) == NULL || fstat(file, &is) != 0 || !S_ISREG(is.st_mode))
    return 0;
  if (end >= 0 && end <= is.st_size) return 0;
  __atomic_fetch_add(&control->refused, 1, __ATOMIC_RELAXED);
  errno = ENOSPC;
  return 1;
}

static off_t bytes_of(const struct iovec* part, int count) {
  off_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += part[i].iov_len;
  return bytes;
}

ssize_t write(int file, const void* data, size_t bytes) {
  REAL(write);
  const off_t at = control->full[0] != '\0' ? lseek(file, 0, SEEK_CUR) : 0;
  return is_full(file, at >= 0 ? at + (off_t)bytes : -1) ? -1 : real(file, data, bytes);
}

ssize_t pwrite(int file, const void* data, size_t bytes, off_t at) {
  REAL(pwrite);
  return is_full(file, at + (off_t)bytes) ? -1 : real(file, data, bytes, at);
}

ssize_t pwrite64(int file, const void* data, size_t bytes, off_t at) {
  return pwrite(file, data, bytes, at);
}

ssize_t pwritev(int file, const struct iovec* parts, int count, off_t at) {
  REAL(pwritev);
  return is_full(file, at + bytes_of(parts, count)) ? -1 : real(file, parts, count, at);
}

ssize_t pwritev64(int file, const struct iovec* parts, int count, off_t at) {
  return pwritev(file, parts, count, at);
}

int posix_fallocate(int file, off_t at, off_t bytes) {
  REAL(posix_fallocate);
  return is_full(file, at + bytes) ? ENOSPC : real(file, at, bytes);
}

int posix_fallocate64(int file, off_t at, off_t bytes) { return posix_fallocate(file, at, bytes); }

int fallocate(int file, int mode, off_t at, off_t bytes) {
  REAL(fallocate);
  return is_full(file, at + bytes) ? -1 : real(file, mode, at, bytes);
}

/* What stdio buffers goes past write() above. */
size_t fwrite(const void* restrict data, size_t bytes, size_t count, FILE* restrict file) {
  REAL(fwrite);
  return is_full(fileno(file), -1) ? 0 : real(data, bytes, count, file);
}
