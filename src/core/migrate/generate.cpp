// From an action to its steps, up and down. Lock levels are those of PostgreSQL 15, seen in
// pg_locks.
#include <algorithm>

#include "assist/migration.hpp"
#include "core/migrate/index_statement.hpp"
#include "core/text/text.hpp"

namespace assist {

std::string_view ToString(Direction direction) {
  return direction == Direction::kUp ? "up" : "down";
}

std::string_view ToString(Blocks blocks) {
  switch (blocks) {
    case Blocks::kNothing:
      return "nothing";
    case Blocks::kWrites:
      return "writes";
    case Blocks::kReadsAndWrites:
      return "reads and writes";
  }
  return "";
}

namespace {

using migrate::FormIndexStatement;
using migrate::IndexStatement;
using migrate::ParseIndexStatement;
using text::Append;

constexpr double kInstantMs = 10;  // a catalog change
constexpr std::string_view kShareUpdate = "SHARE UPDATE EXCLUSIVE";
constexpr std::string_view kShare = "SHARE";
constexpr std::string_view kAccessExclusive = "ACCESS EXCLUSIVE";

constexpr std::string_view kBuildNote =
    "Reads the table twice and waits for transactions that were open when it began. A failure "
    "leaves an "
    "invalid index: drop it before another try.";
constexpr std::string_view kDropNote =
    "Waits for transactions that may be using the index. A failure leaves it invalid: drop it "
    "again.";

class Builder {
 public:
  Builder(const Action& action, const MigrationFacts& facts, std::pmr::memory_resource* memory)
      : action_(action), facts_(facts), memory_(memory), steps_(memory) {}

  Migration Build() {
    switch (action_.kind) {
      case Action::Kind::kNone:
        break;
      case Action::Kind::kCreateIndex:
        CreateIndex();
        break;
      case Action::Kind::kDropIndex:
        DropIndex();
        break;
      case Action::Kind::kReindex:
        Reindex();
        break;
      case Action::Kind::kVacuum:
        Vacuum();
        break;
      case Action::Kind::kVacuumFull:
        VacuumFull();
        break;
      case Action::Kind::kAnalyze:
        Analyze();
        break;
      case Action::Kind::kSetParameter:
        SetParameter();
        break;
      case Action::Kind::kCompleteIndex:
        CompleteIndex();
        break;
    }
    return std::move(steps_);
  }

 private:
  // A step that changes a catalog entry under the lock that most such changes take.
  MigrationStep& Add(Direction direction, std::pmr::string sql) {
    std::int32_t number = 1;
    for (const MigrationStep& step : steps_) number += step.direction == direction ? 1 : 0;
    MigrationStep& step = steps_.emplace_back(memory_);
    step.step = number;
    step.direction = direction;
    step.sql = std::move(sql);
    step.lock_level = kShareUpdate;
    step.estimated_ms = kInstantMs;
    return step;
  }

  template <typename... Parts>
  std::pmr::string Text(const Parts&... parts) {
    std::pmr::string text(memory_);
    Append(text, parts...);
    return text;
  }

  // Two scans, a sort, and the index written.
  double BuildMs(std::int64_t table_bytes, std::int64_t index_bytes, double scans) const {
    if (index_bytes <= 0) index_bytes = table_bytes / 5;
    return kInstantMs +
           scans * static_cast<double>(table_bytes) / facts_.scan_bytes_per_second * 1e3 +
           static_cast<double>(index_bytes) / facts_.build_bytes_per_second * 1e3;
  }

  MigrationStep& AddBuild(Direction direction, std::pmr::string sql, bool concurrently, double rows,
                          std::int64_t table_bytes, std::int64_t index_bytes) {
    MigrationStep& step = Add(direction, std::move(sql));
    step.transactional = !concurrently;
    step.lock_level = concurrently ? kShareUpdate : kShare;
    step.blocks = concurrently ? Blocks::kNothing : Blocks::kWrites;
    step.estimated_rows = rows;
    step.estimated_ms = BuildMs(table_bytes, index_bytes, concurrently ? 2 : 1);
    if (concurrently) step.note = kBuildNote;
    return step;
  }

  void AddDrop(Direction direction, std::string_view index) {
    if (facts_.partitioned) {
      MigrationStep& step = Add(direction, Text("DROP INDEX ", index));
      step.lock_level = kAccessExclusive;
      step.blocks = Blocks::kReadsAndWrites;
      step.note =
          "The index of a partitioned table cannot be dropped concurrently. It locks the table and "
          "every partition for an instant: use a lock_timeout and try again.";
      return;
    }
    MigrationStep& step = Add(direction, Text("DROP INDEX CONCURRENTLY ", index));
    step.transactional = false;
    step.note = kDropNote;
  }

  void AddVerifyValid(MigrationStep& step, std::string_view index) {
    Append(step.verify, "SELECT indisvalid FROM pg_catalog.pg_index WHERE indexrelid = ");
    text::AppendLiteral(step.verify, index);
    Append(step.verify, "::pg_catalog.regclass");
  }

  void AddComment(Direction direction, std::string_view index, std::string_view comment) {
    std::pmr::string sql = Text("COMMENT ON INDEX ", index, " IS ");
    text::AppendLiteral(sql, comment);
    Add(direction, std::move(sql));
  }

  // Steps that make `statement` as `index`; on a partitioned table one partition after the other.
  void MakeIndex(Direction direction, const IndexStatement& statement, std::string_view index) {
    if (!facts_.partitioned) {
      MigrationStep& step = AddBuild(
          direction,
          FormIndexStatement(statement, statement.name, statement.table,
                             {.concurrently = true, .tablespace = facts_.tablespace}, memory_),
          true, facts_.rows, facts_.table_bytes, facts_.index_bytes);
      AddVerifyValid(step, index);
      return;
    }
    if (facts_.partitions.empty()) {
      MigrationStep& step = AddBuild(direction,
                                     FormIndexStatement(statement, statement.name, statement.table,
                                                        {.tablespace = facts_.tablespace}, memory_),
                                     false, facts_.rows, facts_.table_bytes, facts_.index_bytes);
      step.note =
          "The table is partitioned and has no known partitions: CREATE INDEX blocks writes to the "
          "table and all of its partitions while it runs.";
      AddVerifyValid(step, index);
      return;
    }
    MigrationStep& parent = Add(
        direction, FormIndexStatement(statement, statement.name, statement.table,
                                      {.only = true, .tablespace = facts_.tablespace}, memory_));
    parent.lock_level = kShare;
    parent.blocks = Blocks::kWrites;
    parent.note =
        "Makes the entry of the whole, which stays invalid until every partition's index is "
        "attached. Reads no data.";
    const std::pmr::string name = migrate::UnquotedName(index, memory_);
    MakePartitionIndexes(direction, statement, name, index);
    AddVerifyValid(steps_.back(), index);
  }

  // For each partition that lacks one: its index, built concurrently, and its attachment to
  // `parent`.
  void MakePartitionIndexes(Direction direction, const IndexStatement& statement,
                            std::string_view parent_name, std::string_view parent) {
    std::pmr::vector<std::pmr::string> names(memory_);
    const std::pmr::string table = migrate::UnquotedName(statement.table, memory_);
    // orders_customer_id_idx on orders is orders_2024_customer_id_idx on orders_2024.
    std::pmr::string suffix(memory_);
    if (parent_name.size() > table.size() && parent_name.substr(0, table.size()) == table &&
        parent_name[table.size()] == '_') {
      suffix = parent_name.substr(table.size());
    } else {
      Append(suffix, "_", parent_name);
    }
    if (suffix.size() > 32) suffix = "_idx";
    for (const PartitionFact& partition : facts_.partitions) {
      if (partition.attached) continue;
      std::pmr::string qualified(memory_);
      if (partition.matching_index.empty()) {
        std::pmr::string name = text::ObjectName(partition.name, suffix, memory_);
        for (int n = 1; std::find(names.begin(), names.end(), name) != names.end(); ++n) {
          name = text::ObjectName(partition.name, Text(suffix, text::Integer(n)), memory_);
        }
        names.push_back(name);
        text::AppendQualified(qualified, partition.schema, name);
        std::pmr::string plain(memory_);
        text::AppendIdentifier(plain, name);
        const bool concurrently = !partition.partitioned;
        const double share = facts_.table_bytes > 0 ? static_cast<double>(partition.table_bytes) /
                                                          static_cast<double>(facts_.table_bytes)
                                                    : 0;
        MigrationStep& step =
            AddBuild(direction,
                     FormIndexStatement(
                         statement, plain, partition.table,
                         {.concurrently = concurrently, .tablespace = facts_.tablespace}, memory_),
                     concurrently, partition.rows, partition.table_bytes,
                     static_cast<std::int64_t>(share * static_cast<double>(facts_.index_bytes)));
        if (!concurrently) {
          step.note =
              "This partition is partitioned itself: CREATE INDEX blocks writes to it while it "
              "runs.";
        }
      } else {
        qualified = partition.matching_index;
      }
      MigrationStep& attach =
          Add(direction, Text("ALTER INDEX ", parent, " ATTACH PARTITION ", qualified));
      attach.lock_level = kAccessExclusive;
      attach.blocks = Blocks::kReadsAndWrites;
      attach.note =
          "The lock is on the partition's index, for an instant; statements on that partition "
          "wait for it.";
    }
  }

  void CreateIndex() {
    IndexStatement statement;
    if (!ParseIndexStatement(action_.statement, &statement)) return;
    MakeIndex(Direction::kUp, statement, action_.object);
    std::pmr::string comment = Text("created by pg_assist");
    if (!facts_.reason.empty()) Append(comment, ": ", facts_.reason);
    AddComment(Direction::kUp, action_.object, comment);
    AddDrop(Direction::kDown, action_.object);
  }

  void DropIndex() {
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
    if (facts_.partitioned) Append(drop.note, " They name the partitions' indexes anew.");
    MakeIndex(Direction::kDown, statement, action_.object);
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

  void Reindex() {
    MigrationStep& step = Add(Direction::kUp, Text("REINDEX INDEX CONCURRENTLY ", action_.object));
    step.transactional = false;
    step.estimated_rows = facts_.rows;
    step.estimated_ms = BuildMs(facts_.table_bytes, facts_.index_bytes, 2);
    Append(step.note,
           "Builds the index anew beside the old one, which takes its size on disk once more, and "
           "waits for open transactions. A failure leaves an invalid index with the ending _ccnew: "
           "drop it before another try. The definition does not change, so there is no way back "
           "to take.");
    AddVerifyValid(step, action_.object);
  }

  void Vacuum() {
    MigrationStep& step = Add(Direction::kUp, Text("VACUUM ", action_.object));
    step.transactional = false;
    step.estimated_rows = facts_.rows;
    step.estimated_ms = kInstantMs + static_cast<double>(facts_.table_bytes + facts_.index_bytes) /
                                         facts_.scan_bytes_per_second * 1e3;
    step.note =
        "Frees dead rows for reuse. It can be cancelled at any time; there is nothing to take "
        "back.";
    AddVerifyTable(step, "n_dead_tup, last_vacuum");
  }

  void VacuumFull() {
    MigrationStep& step = Add(Direction::kUp, Text("VACUUM (FULL, ANALYZE) ", action_.object));
    step.transactional = false;
    step.lock_level = kAccessExclusive;
    step.blocks = Blocks::kReadsAndWrites;
    step.estimated_rows = facts_.rows;
    step.estimated_ms = BuildMs(facts_.table_bytes, facts_.table_bytes + facts_.index_bytes, 1);
    step.note =
        "Rewrites the table and its indexes. Nobody can read or write the table meanwhile, and the "
        "disk must hold both copies. It can be cancelled; there is nothing to take back.";
    Append(step.verify, "SELECT pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(");
    text::AppendLiteral(step.verify, action_.object);
    Append(step.verify, "))");
  }

  void Analyze() {
    MigrationStep& step = Add(Direction::kUp, Text("ANALYZE ", action_.object));
    step.estimated_rows = std::min(facts_.rows, 30000.0);
    // 300 pages for each unit of the statistics target, 100 by default.
    step.estimated_ms =
        kInstantMs + std::min(static_cast<double>(facts_.table_bytes), 30000.0 * 8192) /
                         facts_.scan_bytes_per_second * 1e3;
    step.note = "Renews the planner's statistics; there is nothing to take back.";
    AddVerifyTable(step, "last_analyze");
  }

  void AddVerifyTable(MigrationStep& step, std::string_view columns) {
    Append(step.verify, "SELECT ", columns, " FROM pg_catalog.pg_stat_all_tables WHERE relid = ");
    text::AppendLiteral(step.verify, action_.object);
    Append(step.verify, "::pg_catalog.regclass");
  }

  // ALTER SYSTEM | ALTER DATABASE d | ALTER ROLE r [IN DATABASE d]
  std::pmr::string Target() {
    std::pmr::string target(memory_);
    switch (action_.scope) {
      case Action::Scope::kSystem:
        Append(target, "ALTER SYSTEM");
        break;
      case Action::Scope::kDatabase:
        Append(target, "ALTER DATABASE ");
        text::AppendIdentifier(target, facts_.database);
        break;
      case Action::Scope::kRole:
      case Action::Scope::kRoleInDatabase:
        Append(target, "ALTER ROLE ");
        text::AppendIdentifier(target, action_.role);
        if (action_.scope == Action::Scope::kRoleInDatabase) {
          Append(target, " IN DATABASE ");
          text::AppendIdentifier(target, facts_.database);
        }
        break;
    }
    return target;
  }

  void AddSetting(Direction direction, bool set, std::string_view value) {
    std::pmr::string sql = Text(Target(), set ? " SET " : " RESET ", action_.parameter);
    if (set) {
      Append(sql, " = ");
      text::AppendLiteral(sql, value);
    }
    MigrationStep& step = Add(direction, std::move(sql));
    step.lock_level.clear();
    const bool system = action_.scope == Action::Scope::kSystem;
    step.transactional = !system;
    if (!system) {
      step.note =
          "Sessions that begin after this have the value; those that are connected keep theirs.";
      return;
    }
    step.note = "Writes postgresql.auto.conf.";
    if (facts_.needs_restart) {
      Append(step.note, " Takes effect at the next restart of the server.");
      return;
    }
    MigrationStep& reload = Add(direction, Text("SELECT pg_catalog.pg_reload_conf()"));
    reload.lock_level.clear();
    reload.note = "All sessions take the value over when they next wait for a statement.";
  }

  void SetParameter() {
    AddSetting(Direction::kUp, true, action_.value);
    MigrationStep& last = steps_.back();
    if (action_.scope == Action::Scope::kSystem) {
      // The file, not SHOW: a reload reaches this session only after its next statement has begun.
      Append(last.verify,
             "SELECT name, setting, error FROM pg_catalog.pg_file_settings WHERE name = ");
      text::AppendLiteral(last.verify, action_.parameter);
      Append(last.verify, " ORDER BY seqno DESC LIMIT 1");
    } else {
      Append(last.verify,
             "SELECT setrole::pg_catalog.regrole, setconfig FROM pg_catalog.pg_db_role_setting");
    }
    AddSetting(Direction::kDown, facts_.had_previous, facts_.previous_value);
  }

  void CompleteIndex() {
    IndexStatement statement;
    if (!ParseIndexStatement(facts_.current_definition, &statement)) return;
    const std::pmr::string name = migrate::UnquotedName(action_.object, memory_);
    MakePartitionIndexes(Direction::kUp, statement, name, action_.object);
    if (steps_.empty()) return;
    MigrationStep& last = steps_.back();
    Append(last.note,
           " With the last one the whole becomes valid. An attached index cannot be detached: the "
           "way back is to drop the whole index.");
    AddVerifyValid(last, action_.object);
  }

  const Action& action_;
  const MigrationFacts& facts_;
  std::pmr::memory_resource* memory_;
  Migration steps_;
};

}  // namespace

Migration GenerateMigration(const Action& action, const MigrationFacts& facts,
                            std::pmr::memory_resource* memory) {
  return Builder(action, facts, memory).Build();
}

}  // namespace assist
