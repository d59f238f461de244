// A stored recommendation with what the server knows about its object now: what a migration is made
// from.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string>

#include "assist/migration.hpp"

namespace assist::pg {

struct StoredRecommendation {
  std::int64_t id = 0;
  std::string_view title, rationale;
  Action action;
  MigrationFacts facts;  // its texts live in the memory resource
  explicit StoredRecommendation(std::pmr::memory_resource* memory) : action(memory) {}
};

// Reads one recommendation that the current role may see. Texts live in `memory`, which must not be
// freed piecewise (a monotonic resource). Throws AssistError P0002 for others, PgError.
StoredRecommendation ReadRecommendation(std::int64_t id, std::pmr::memory_resource* memory);

}  // namespace assist::pg
