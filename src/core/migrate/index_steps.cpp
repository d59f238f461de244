// Steps for indexes: built and dropped beside running traffic, partition by partition where the
// table is partitioned, and always with the way back.
#include <algorithm>

#include "core/migrate/steps.hpp"

namespace assist::migrate {
namespace {

using text::Append;

constexpr std::string_view kBuildNote =
    "Reads the table twice and waits for transactions that were open when it began. A failure "
    "leaves an "
    "invalid index: drop it before another try.";
constexpr std::string_view kDropNote =
    "Waits for transactions that may be using the index. A failure leaves it invalid: drop it "
    "again.";
constexpr std::size_t kMaxSuffix = 32;

}  // namespace

MigrationStep& IndexSteps::AddBuild(Direction direction, std::pmr::string sql, bool concurrently,
                                    double rows, std::int64_t table_bytes,
                                    std::int64_t index_bytes) {
  MigrationStep& step = Add(direction, std::move(sql));
  step.transactional = !concurrently;
  step.lock_level = concurrently ? kShareUpdate : kShare;
  step.blocks = concurrently ? Blocks::kNothing : Blocks::kWrites;
  step.estimated_rows = rows;
  step.estimated_ms = BuildMs(table_bytes, index_bytes, concurrently ? 2 : 1);
  if (concurrently) step.note = kBuildNote;
  return step;
}

void IndexSteps::AddDrop(Direction direction, std::string_view index) {
  if (facts_.partitioned) {
    MigrationStep& step = Add(direction, Text("DROP INDEX ", index));
    step.lock_level = kAccessExclusive;
    step.blocks = Blocks::kReadsAndWrites;
    step.note =
        "The index of a partitioned table cannot be dropped concurrently. It locks the table and "
        "every "
        "partition for an instant: use a lock_timeout and try again.";
    return;
  }
  MigrationStep& step = Add(direction, Text("DROP INDEX CONCURRENTLY ", index));
  step.transactional = false;
  step.note = kDropNote;
}

void IndexSteps::AddComment(Direction direction, std::string_view index, std::string_view comment) {
  std::pmr::string sql = Text("COMMENT ON INDEX ", index, " IS ");
  text::AppendLiteral(sql, comment);
  Add(direction, std::move(sql));
}

void IndexSteps::MakeIndex(Direction direction, const IndexStatement& statement,
                           std::string_view index, Existing existing) {
  const auto form = [&](bool concurrently, bool only) {
    return FormIndexStatement(
        statement, statement.name, statement.table,
        {.concurrently = concurrently, .only = only, .tablespace = facts_.tablespace}, memory_);
  };
  if (!facts_.partitioned) {
    AddVerifyValid(AddBuild(direction, form(true, false), true, facts_.rows, facts_.table_bytes,
                            facts_.index_bytes),
                   index);
    return;
  }
  if (facts_.partitions.empty()) {
    MigrationStep& step = AddBuild(direction, form(false, false), false, facts_.rows,
                                   facts_.table_bytes, facts_.index_bytes);
    step.note =
        "The table is partitioned and has no known partitions: CREATE INDEX blocks writes to the "
        "table and "
        "all of its partitions while it runs.";
    AddVerifyValid(step, index);
    return;
  }
  MigrationStep& parent = Add(direction, form(false, true));
  parent.lock_level = kShare;
  parent.blocks = Blocks::kWrites;
  parent.note =
      "Makes the entry of the whole, which stays invalid until every partition's index is "
      "attached. Reads "
      "no data.";
  MakePartitionIndexes(direction, statement, index, existing);
  AddVerifyValid(steps_.back(), index);
}

std::pmr::string IndexSteps::PartitionSuffix(const IndexStatement& statement,
                                             std::string_view parent) const {
  const std::pmr::string table = UnquotedName(statement.table, memory_);
  const std::pmr::string name = UnquotedName(parent, memory_);
  // orders_customer_id_idx on orders is orders_2024_customer_id_idx on orders_2024.
  const bool named_after_table = name.size() > table.size() &&
                                 name.compare(0, table.size(), table) == 0 &&
                                 name[table.size()] == '_';
  std::pmr::string suffix =
      named_after_table ? Text(std::string_view(name).substr(table.size())) : Text("_", name);
  if (suffix.size() > kMaxSuffix) suffix = "_idx";
  return suffix;
}

void IndexSteps::BuildPartitionIndex(Direction direction, const IndexStatement& statement,
                                     const PartitionFact& partition, std::string_view name) {
  std::pmr::string quoted(memory_);
  text::AppendIdentifier(quoted, name);
  const bool concurrently = !partition.partitioned;
  const double share = facts_.table_bytes > 0 ? static_cast<double>(partition.table_bytes) /
                                                    static_cast<double>(facts_.table_bytes)
                                              : 0;
  MigrationStep& step = AddBuild(
      direction,
      FormIndexStatement(statement, quoted, partition.table,
                         {.concurrently = concurrently, .tablespace = facts_.tablespace}, memory_),
      concurrently, partition.rows, partition.table_bytes,
      static_cast<std::int64_t>(share * static_cast<double>(facts_.index_bytes)));
  if (!concurrently) {
    step.note =
        "This partition is partitioned itself: CREATE INDEX blocks writes to it while it runs.";
  }
}

void IndexSteps::MakePartitionIndexes(Direction direction, const IndexStatement& statement,
                                      std::string_view parent, Existing existing) {
  std::pmr::vector<std::pmr::string> names(memory_);
  const std::pmr::string suffix = PartitionSuffix(statement, parent);
  for (const PartitionFact& partition : facts_.partitions) {
    if (existing == Existing::kUse && partition.attached) continue;
    std::pmr::string qualified(memory_);
    if (existing == Existing::kUse && !partition.matching_index.empty()) {
      qualified = partition.matching_index;
    } else {
      std::pmr::string name(memory_);
      if (existing == Existing::kRemake && partition.attached) {
        name = UnquotedName(partition.matching_index, memory_);
      } else {
        name = text::ObjectName(partition.name, suffix, memory_);
      }
      for (int n = 1; std::find(names.begin(), names.end(), name) != names.end(); ++n) {
        name = text::ObjectName(partition.name, Text(suffix, text::Integer(n)), memory_);
      }
      names.push_back(name);
      text::AppendQualified(qualified, partition.schema, name);
      BuildPartitionIndex(direction, statement, partition, name);
    }
    MigrationStep& attach =
        Add(direction, Text("ALTER INDEX ", parent, " ATTACH PARTITION ", qualified));
    attach.lock_level = kAccessExclusive;
    attach.blocks = Blocks::kReadsAndWrites;
    attach.note =
        "The lock is on the partition's index, for an instant; statements on that partition wait "
        "for it.";
  }
}

void IndexSteps::CreateIndex() {
  IndexStatement statement;
  if (!ParseIndexStatement(action_.statement, &statement)) return;
  MakeIndex(Direction::kUp, statement, action_.object, Existing::kNone);
  std::pmr::string comment = Text("created by pg_assist");
  if (!facts_.reason.empty()) Append(comment, ": ", facts_.reason);
  AddComment(Direction::kUp, action_.object, comment);
  AddDrop(Direction::kDown, action_.object);
}

void IndexSteps::DropIndex() {
  AddDrop(Direction::kUp, action_.object);
  MigrationStep& drop = steps_.back();
  Append(drop.verify, "SELECT pg_catalog.to_regclass(");
  text::AppendLiteral(drop.verify, action_.object);
  Append(drop.verify, ") IS NULL AS dropped");
  IndexStatement statement;
  if (!ParseIndexStatement(facts_.current_definition, &statement)) {
    drop.destructive = true;
    Append(drop.note, " Its definition is not known: it cannot be made again from here.");
    return;
  }
  Append(drop.note, " The down steps make it again as it is now.");
  MakeIndex(Direction::kDown, statement, action_.object, Existing::kRemake);
  if (!facts_.current_comment.empty()) {
    AddComment(Direction::kDown, action_.object, facts_.current_comment);
  }
  for (const std::string_view extra : facts_.extra_definitions) {
    MigrationStep& step = Add(Direction::kDown, Text(extra));
    if (extra.find(" SET TABLESPACE ") != std::string_view::npos) {
      step.lock_level = kAccessExclusive;
      step.blocks = Blocks::kReadsAndWrites;
      step.estimated_ms +=
          static_cast<double>(facts_.index_bytes) / facts_.build_bytes_per_second * 1e3;
    }
  }
}

void IndexSteps::Reindex() {
  MigrationStep& step = Add(Direction::kUp, Text("REINDEX INDEX CONCURRENTLY ", action_.object));
  step.transactional = false;
  step.estimated_rows = facts_.rows;
  step.estimated_ms = BuildMs(facts_.table_bytes, facts_.index_bytes, 2);
  step.note =
      "Builds the index anew beside the old one, which takes its size on disk once more, and waits "
      "for open "
      "transactions. A failure leaves an invalid index with the ending _ccnew: drop it before "
      "another try. "
      "The definition does not change, so there is no way back to take.";
  AddVerifyValid(step, action_.object);
}

void IndexSteps::CompleteIndex() {
  IndexStatement statement;
  if (!ParseIndexStatement(facts_.current_definition, &statement)) return;
  MakePartitionIndexes(Direction::kUp, statement, action_.object, Existing::kUse);
  if (steps_.empty()) return;
  MigrationStep& last = steps_.back();
  Append(last.note,
         " With the last one the whole becomes valid. An attached index cannot be detached: the "
         "way back is "
         "to drop the whole index.");
  AddVerifyValid(last, action_.object);
}

}  // namespace assist::migrate
