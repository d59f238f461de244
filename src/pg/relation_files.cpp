// Sizes of relations by their files.

#include "pg/relation_files.hpp"

#include <sys/stat.h>

#include <cstdio>

#include "pg/server.hpp"

namespace assist::pg {

std::int64_t FileBytes(std::string_view path, std::int64_t otherwise) {
  std::int64_t total = 0;
  for (int segment = 0;; ++segment) {
    char name[MAXPGPATH];
    if (segment == 0)
      std::snprintf(name, sizeof name, "%.*s", static_cast<int>(path.size()), path.data());
    else
      std::snprintf(name, sizeof name, "%.*s.%d", static_cast<int>(path.size()), path.data(),
                    segment);
    struct stat file;
    if (path.empty() || stat(name, &file) != 0) return segment == 0 ? otherwise : total;
    total += file.st_size;
    if (file.st_size < static_cast<off_t>(RELSEG_SIZE) * BLCKSZ) return total;
  }
}

}  // namespace assist::pg
