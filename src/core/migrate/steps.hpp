// The list of steps that an action becomes, and what its builders share.
#pragma once

#include <memory_resource>
#include <string>
#include <string_view>
#include <utility>

#include "assist/migration.hpp"
#include "core/migrate/index_statement.hpp"
#include "core/text/text.hpp"

namespace assist::migrate {

// Lock levels are those of PostgreSQL 15, seen in pg_locks.
inline constexpr double kInstantMs = 10;  // a catalog change
inline constexpr std::string_view kShareUpdate = "SHARE UPDATE EXCLUSIVE";
inline constexpr std::string_view kShare = "SHARE";
inline constexpr std::string_view kAccessExclusive = "ACCESS EXCLUSIVE";

class Steps {
 public:
  Steps(const Action& action, const MigrationFacts& facts, std::pmr::memory_resource* memory)
      : action_(action), facts_(facts), memory_(memory), steps_(memory) {}
  Migration Take() { return std::move(steps_); }

 protected:
  // A step that changes a catalog entry under the lock that most such changes take.
  MigrationStep& Add(Direction direction, std::pmr::string sql);

  template <typename... Parts>
  std::pmr::string Text(const Parts&... parts) const {
    std::pmr::string text(memory_);
    text::Append(text, parts...);
    return text;
  }

  // Duration of `scans` of the table, a sort, and an index of index_bytes written (0 = a fifth of
  // the table).
  double BuildMs(std::int64_t table_bytes, std::int64_t index_bytes, double scans) const;

  void AddVerifyValid(MigrationStep& step, std::string_view index) const;

  const Action& action_;
  const MigrationFacts& facts_;
  std::pmr::memory_resource* memory_;
  Migration steps_;
};

// kCreateIndex, kDropIndex, kReindex, kCompleteIndex.
class IndexSteps : public Steps {
 public:
  using Steps::Steps;
  void CreateIndex();
  void DropIndex();
  void Reindex();
  void CompleteIndex();

 private:
  // Of the indexes that partitions have already: use none, use all that fit, or make all again
  // under their old names.
  enum class Existing { kNone, kUse, kRemake };

  MigrationStep& AddBuild(Direction direction, std::pmr::string sql, bool concurrently, double rows,
                          std::int64_t table_bytes, std::int64_t index_bytes);
  void AddDrop(Direction direction, std::string_view index);
  void AddComment(Direction direction, std::string_view index, std::string_view comment);
  // Makes `statement` as `index`; on a partitioned table one partition after the other.
  void MakeIndex(Direction direction, const IndexStatement& statement, std::string_view index,
                 Existing existing);
  // For each partition that lacks one its index, built concurrently, and its attachment to
  // `parent`.
  void MakePartitionIndexes(Direction direction, const IndexStatement& statement,
                            std::string_view parent, Existing existing);
  void BuildPartitionIndex(Direction direction, const IndexStatement& statement,
                           const PartitionFact& partition, std::string_view name);
  // What partitions' indexes have behind the partition's name.
  std::pmr::string PartitionSuffix(const IndexStatement& statement, std::string_view parent) const;
};

}  // namespace assist::migrate
