// From an action to its steps, up and down.
#include <algorithm>

#include "core/migrate/steps.hpp"

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

namespace migrate {

using text::Append;

MigrationStep& Steps::Add(Direction direction, std::pmr::string sql) {
  const auto before = std::count_if(steps_.begin(), steps_.end(), [&](const MigrationStep& step) {
    return step.direction == direction;
  });
  MigrationStep& step = steps_.emplace_back(memory_);
  step.step = static_cast<std::int32_t>(before) + 1;
  step.direction = direction;
  step.sql = std::move(sql);
  step.lock_level = kShareUpdate;
  step.estimated_ms = kInstantMs;
  return step;
}

double Steps::BuildMs(std::int64_t table_bytes, std::int64_t index_bytes, double scans) const {
  if (index_bytes <= 0) index_bytes = table_bytes / 5;
  return kInstantMs +
         scans * static_cast<double>(table_bytes) / facts_.scan_bytes_per_second * 1e3 +
         static_cast<double>(index_bytes) / facts_.build_bytes_per_second * 1e3;
}

void Steps::AddVerifyValid(MigrationStep& step, std::string_view index) const {
  Append(step.verify, "SELECT indisvalid FROM pg_catalog.pg_index WHERE indexrelid = ");
  text::AppendLiteral(step.verify, index);
  Append(step.verify, "::pg_catalog.regclass");
}

namespace {

// kVacuum, kVacuumFull, kAnalyze, kSetParameter.
class OtherSteps : public Steps {
 public:
  using Steps::Steps;
  void Vacuum();
  void VacuumFull();
  void Analyze();
  void SetParameter();

 private:
  std::pmr::string Target() const;
  void AddSetting(Direction direction, bool set, std::string_view value);
  void AddVerifyTable(MigrationStep& step, std::string_view columns) const;
};

void OtherSteps::AddVerifyTable(MigrationStep& step, std::string_view columns) const {
  Append(step.verify, "SELECT ", columns, " FROM pg_catalog.pg_stat_all_tables WHERE relid = ");
  text::AppendLiteral(step.verify, action_.object);
  Append(step.verify, "::pg_catalog.regclass");
}

void OtherSteps::Vacuum() {
  MigrationStep& step = Add(Direction::kUp, Text("VACUUM ", action_.object));
  step.transactional = false;
  step.estimated_rows = facts_.rows;
  step.estimated_ms = kInstantMs + static_cast<double>(facts_.table_bytes + facts_.index_bytes) /
                                       facts_.scan_bytes_per_second * 1e3;
  step.note =
      "Frees dead rows for reuse. It can be cancelled at any time; there is nothing to take back.";
  AddVerifyTable(step, "n_dead_tup, last_vacuum");
}

void OtherSteps::VacuumFull() {
  MigrationStep& step = Add(Direction::kUp, Text("VACUUM (FULL, ANALYZE) ", action_.object));
  step.transactional = false;
  step.lock_level = kAccessExclusive;
  step.blocks = Blocks::kReadsAndWrites;
  step.estimated_rows = facts_.rows;
  step.estimated_ms = BuildMs(facts_.table_bytes, facts_.table_bytes + facts_.index_bytes, 1);
  step.note =
      "Rewrites the table and its indexes. Nobody can read or write the table meanwhile, and the "
      "disk must "
      "hold both copies. It can be cancelled; there is nothing to take back.";
  Append(step.verify, "SELECT pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(");
  text::AppendLiteral(step.verify, action_.object);
  Append(step.verify, "))");
}

void OtherSteps::Analyze() {
  // 300 rows, each from a page of its own at worst, for each unit of the statistics target of 100.
  constexpr double kSampledRows = 30000, kPageBytes = 8192;
  MigrationStep& step = Add(Direction::kUp, Text("ANALYZE ", action_.object));
  step.estimated_rows = std::min(facts_.rows, kSampledRows);
  step.estimated_ms =
      kInstantMs + std::min(static_cast<double>(facts_.table_bytes), kSampledRows * kPageBytes) /
                       facts_.scan_bytes_per_second * 1e3;
  step.note = "Renews the planner's statistics; there is nothing to take back.";
  AddVerifyTable(step, "last_analyze");
}

// ALTER SYSTEM | ALTER DATABASE d | ALTER ROLE r [IN DATABASE d]
std::pmr::string OtherSteps::Target() const {
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

void OtherSteps::AddSetting(Direction direction, bool set, std::string_view value) {
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
  reload.note = "Each session takes the value over before its next statement.";
}

void OtherSteps::SetParameter() {
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

}  // namespace
}  // namespace migrate

Migration GenerateMigration(const Action& action, const MigrationFacts& facts,
                            std::pmr::memory_resource* memory) {
  migrate::IndexSteps index(action, facts, memory);
  migrate::OtherSteps other(action, facts, memory);
  switch (action.kind) {
    case Action::Kind::kNone:
      break;
    case Action::Kind::kCreateIndex:
      index.CreateIndex();
      return index.Take();
    case Action::Kind::kDropIndex:
      index.DropIndex();
      return index.Take();
    case Action::Kind::kReindex:
      index.Reindex();
      return index.Take();
    case Action::Kind::kCompleteIndex:
      index.CompleteIndex();
      return index.Take();
    case Action::Kind::kVacuum:
      other.Vacuum();
      return other.Take();
    case Action::Kind::kVacuumFull:
      other.VacuumFull();
      return other.Take();
    case Action::Kind::kAnalyze:
      other.Analyze();
      return other.Take();
    case Action::Kind::kSetParameter:
      other.SetParameter();
      return other.Take();
  }
  return Migration(memory);
}

}  // namespace assist
