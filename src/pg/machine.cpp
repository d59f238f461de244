// What this server may use of the machine: memory and processors, control groups (v2 and v1)
// respected.
//
// Pure C library: no server call, so that files are closed on every path.

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "pg/machine.hpp"

namespace assist::pg {

namespace {

constexpr std::size_t kPathBytes = 4096;
// Above it a limit means "none" (v1 says 2^63 rounded to pages).
constexpr double kNoLimit = 1e17;

bool ReadLine(const char* path, char* line, std::size_t size) {
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  const bool ok = std::fgets(line, static_cast<int>(size), file) != nullptr;
  std::fclose(file);
  return ok;
}

// First number of a file; `second` too if wanted. "max" is 0, like a missing file.
double ReadNumber(const char* path, double* second = nullptr) {
  char line[256];
  if (!ReadLine(path, line, sizeof line)) return 0;
  char* rest = nullptr;
  const double first = std::strncmp(line, "max", 3) == 0 ? 0 : std::strtod(line, &rest);
  if (second != nullptr) *second = rest != nullptr ? std::strtod(rest, nullptr) : 0;
  return first;
}

double MemTotal() {
  std::FILE* file = std::fopen("/proc/meminfo", "re");
  if (file == nullptr) return 0;
  char line[256];
  double kb = 0;
  while (kb == 0 && std::fgets(line, sizeof line, file) != nullptr)
    if (std::strncmp(line, "MemTotal:", 9) == 0) kb = std::strtod(line + 9, nullptr);
  std::fclose(file);
  return kb * 1024;
}

// Path of this process in the hierarchy of `controller` ("" = v2), as /proc/self/cgroup gives it.
bool CgroupPath(const char* controller, char* path, std::size_t size) {
  std::FILE* file = std::fopen("/proc/self/cgroup", "re");
  if (file == nullptr) return false;
  char line[kPathBytes];
  bool found = false;
  while (!found && std::fgets(line, sizeof line, file) != nullptr) {
    char* names = std::strchr(line, ':');
    char* where = names != nullptr ? std::strchr(names + 1, ':') : nullptr;
    if (where == nullptr) continue;
    *where++ = '\0';
    ++names;
    where[std::strcspn(where, "\n")] = '\0';
    if (*controller == '\0' ? *names != '\0' : std::strstr(names, controller) == nullptr) continue;
    std::snprintf(path, size, "%s", where);
    found = true;
  }
  std::fclose(file);
  return found;
}

// Smallest of read(directory) over the process's group and all above it; 0 = no limit.
template <typename F>
double SmallestUpwards(const char* root, const char* controller, F&& read) {
  char path[kPathBytes];
  if (!CgroupPath(controller, path, sizeof path)) return 0;
  double smallest = 0;
  for (;;) {
    char directory[kPathBytes + 64];
    std::snprintf(directory, sizeof directory, "%s%s", root,
                  std::strcmp(path, "/") == 0 ? "" : path);
    const double limit = read(directory);
    if (limit > 0 && limit < kNoLimit && (smallest == 0 || limit < smallest)) smallest = limit;
    char* slash = std::strrchr(path, '/');
    if (slash == nullptr || path[1] == '\0') break;
    slash[slash == path ? 1 : 0] = '\0';
  }
  return smallest;
}

double FileIn(const char* directory, const char* name, double* second = nullptr) {
  char path[kPathBytes + 128];
  std::snprintf(path, sizeof path, "%s/%s", directory, name);
  return ReadNumber(path, second);
}

double QuotaCpus() {
  const double v2 = SmallestUpwards("/sys/fs/cgroup", "", [](const char* directory) {
    double period = 0;
    const double quota = FileIn(directory, "cpu.max", &period);
    return quota > 0 && period > 0 ? quota / period : 0;
  });
  const double v1 = SmallestUpwards("/sys/fs/cgroup/cpu", "cpu", [](const char* directory) {
    const double quota = FileIn(directory, "cpu.cfs_quota_us");
    const double period = FileIn(directory, "cpu.cfs_period_us");
    return quota > 0 && period > 0 ? quota / period : 0;
  });
  return v1 > 0 && (v2 == 0 || v1 < v2) ? v1 : v2;
}

}  // namespace

std::int64_t MachineMemory() {
  double bytes = MemTotal();
  const auto limit = [&](double at_most) {
    if (at_most > 0 && (bytes == 0 || at_most < bytes)) bytes = at_most;
  };
  limit(SmallestUpwards("/sys/fs/cgroup", "",
                        [](const char* directory) { return FileIn(directory, "memory.max"); }));
  limit(SmallestUpwards("/sys/fs/cgroup/memory", "memory", [](const char* directory) {
    return FileIn(directory, "memory.limit_in_bytes");
  }));
  return static_cast<std::int64_t>(bytes);
}

std::int32_t MachineCpus() {
  double cpus = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    cpus = std::min(cpus, static_cast<double>(CPU_COUNT(&set)));
  const double quota = QuotaCpus();
  if (quota > 0) cpus = std::min(cpus, std::ceil(quota));
  return static_cast<std::int32_t>(std::max(cpus, 0.0));
}

}  // namespace assist::pg
