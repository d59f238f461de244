// Migration: the numbered, safe steps of a change and the way back.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "assist/finding.hpp"

namespace assist {

enum class Direction : std::uint8_t { kUp, kDown };
enum class Blocks : std::uint8_t { kNothing, kWrites, kReadsAndWrites };

std::string_view ToString(Direction direction);  // up, down
std::string_view ToString(Blocks blocks);        // nothing, writes, reads and writes

struct MigrationStep {
  std::int32_t step = 0;  // 1-based within its direction
  Direction direction = Direction::kUp;
  std::pmr::string sql;       // one statement, no trailing semicolon
  bool transactional = true;  // may run inside a transaction block
  std::pmr::string
      lock_level;  // as in pg_locks.mode, in SQL spelling: SHARE UPDATE EXCLUSIVE; "" = none
  Blocks blocks = Blocks::kNothing;
  double estimated_rows = 0;
  double estimated_ms = 0;   // duration
  bool destructive = false;  // loses data or a definition that the down steps cannot rebuild
  std::pmr::string note;     // sentences: what it does, what it waits for, what a failure leaves
  std::pmr::string verify;   // a query that shows it worked, no trailing semicolon; empty = none
  explicit MigrationStep(std::pmr::memory_resource* memory)
      : sql(memory), lock_level(memory), note(memory), verify(memory) {}
};

using Migration = std::pmr::vector<MigrationStep>;

// A direct partition of a partitioned table.
struct PartitionFact {
  std::string_view schema, name;  // unquoted
  std::string_view table;         // qualified, ready for SQL
  bool partitioned = false;       // has partitions itself
  double rows = 0;
  std::int64_t table_bytes = 0;
  // kCompleteIndex: its valid index that fits but is not attached, or that is attached; qualified.
  std::string_view matching_index;
  bool attached = false;
};

// What the server knows about the object of an action at the moment of generation.
struct MigrationFacts {
  std::string_view current_definition;  // kDropIndex, kReindex: pg_get_indexdef
  std::string_view current_comment;
  // ALTER INDEX ... SET STATISTICS / SET TABLESPACE and the like that the definition does not carry
  std::span<const std::string_view> extra_definitions;
  bool partitioned = false;  // object (or its table) is partitioned: CONCURRENTLY is refused
  std::span<const PartitionFact> partitions;  // of that table; empty = not known
  std::string_view tablespace;  // unquoted, where the index is not in the default one;
                                // pg_get_indexdef leaves it out
  std::string_view table;   // qualified, of an index
  std::string_view reason;  // why, for the comment on a created index; may be empty
  double rows = 0;
  std::int64_t table_bytes = 0, index_bytes = 0;
  std::string_view
      previous_value;  // kSetParameter: value at that scope; meaningful if had_previous
  bool had_previous = false;
  bool needs_restart = false, needs_reload = false;
  std::string_view database;  // unquoted
  // Measured or assumed rates of this server, bytes per second.
  double scan_bytes_per_second = 200e6;
  double build_bytes_per_second = 40e6;
};

// The steps of `action`, up then down. Identifiers inside `action` are already quoted; names that
// are not (role, database) are quoted here. Empty when the action has no migration.
Migration GenerateMigration(const Action& action, const MigrationFacts& facts,
                            std::pmr::memory_resource* memory);

// One commented psql script of a migration: header, up part, down part (commented out).
std::pmr::string MigrationScript(std::string_view title, std::string_view rationale,
                                 const Migration& migration, std::pmr::memory_resource* memory);

}  // namespace assist
