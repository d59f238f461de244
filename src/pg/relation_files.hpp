// Sizes of relations by their files: no lock, and no cache entry for each of many thousand
// relations.
#pragma once

#include <cstdint>
#include <string_view>

namespace assist::pg {

// Bytes of a fork by its path relative to the data directory (pg_relation_filepath), which is where
// a backend stands; `otherwise` when there is no such file.
std::int64_t FileBytes(std::string_view path, std::int64_t otherwise);

}  // namespace assist::pg
