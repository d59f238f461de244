#include "assist/migration.hpp"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "core/migrate/index_statement.hpp"
#include "world.hpp"

namespace assist::test {
namespace {

std::pmr::memory_resource* Memory() { return std::pmr::new_delete_resource(); }

Action MakeAction(Action::Kind kind, std::string_view object, std::string_view statement = "") {
  Action action(Memory());
  action.kind = kind;
  action.object = object;
  action.statement = statement;
  return action;
}

std::vector<std::string> Sql(const Migration& migration, Direction direction) {
  std::vector<std::string> sql;
  for (const MigrationStep& step : migration) {
    if (step.direction == direction) sql.emplace_back(step.sql);
  }
  return sql;
}
using Lines = std::vector<std::string>;

constexpr std::string_view kCreate =
    "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON shop.orders USING btree (customer_id)";

TEST(Migration, CreateIndexIsBuiltConcurrentlyAndExplained) {
  MigrationFacts facts;
  facts.rows = 1e6;
  facts.table_bytes = 200'000'000;
  facts.index_bytes = 20'000'000;
  facts.reason = "saves 99 s a day; it's hot";
  const Migration migration = GenerateMigration(
      MakeAction(Action::Kind::kCreateIndex, "shop.orders_customer_id_idx", kCreate), facts,
      Memory());
  EXPECT_EQ((Lines{std::string(kCreate),
                   "COMMENT ON INDEX shop.orders_customer_id_idx IS "
                   "'created by pg_assist: saves 99 s a day; it''s hot'"}),
            Sql(migration, Direction::kUp));
  EXPECT_EQ((Lines{"DROP INDEX CONCURRENTLY shop.orders_customer_id_idx"}),
            Sql(migration, Direction::kDown));
  EXPECT_FALSE(migration[0].transactional);
  EXPECT_EQ("SHARE UPDATE EXCLUSIVE", migration[0].lock_level);
  EXPECT_EQ(Blocks::kNothing, migration[0].blocks);
  EXPECT_EQ(1e6, migration[0].estimated_rows);
  EXPECT_NEAR(2500, migration[0].estimated_ms,
              20);  // two scans at 200 MB/s, 20 MB written at 40 MB/s
  EXPECT_TRUE(migration[1].transactional);
  EXPECT_FALSE(migration[0].destructive);
  EXPECT_EQ(1, migration[0].step);
  EXPECT_EQ(2, migration[1].step);
  EXPECT_EQ(1, migration[2].step);
}

TEST(Migration, PlainCreateIndexBecomesConcurrent) {
  const Migration migration = GenerateMigration(
      MakeAction(Action::Kind::kCreateIndex, "s.i", "create unique index i on s.t (a);"), {},
      Memory());
  EXPECT_EQ("CREATE UNIQUE INDEX CONCURRENTLY i ON s.t (a)", Sql(migration, Direction::kUp)[0]);
}

TEST(Migration, CreateIndexOnPartitionedTableGoesPartitionByPartition) {
  const PartitionFact partitions[] = {{.schema = "shop",
                                       .name = "orders_2023",
                                       .table = "shop.orders_2023",
                                       .rows = 4e5,
                                       .table_bytes = 40'000'000},
                                      {.schema = "shop",
                                       .name = "Orders 2024",
                                       .table = "shop.\"Orders 2024\"",
                                       .rows = 6e5,
                                       .table_bytes = 60'000'000}};
  MigrationFacts facts;
  facts.partitioned = true;
  facts.partitions = partitions;
  facts.table_bytes = 100'000'000;
  facts.index_bytes = 10'000'000;
  const Migration migration = GenerateMigration(
      MakeAction(Action::Kind::kCreateIndex, "shop.orders_customer_id_idx", kCreate), facts,
      Memory());
  EXPECT_EQ(
      (Lines{"CREATE INDEX orders_customer_id_idx ON ONLY shop.orders USING btree (customer_id)",
             "CREATE INDEX CONCURRENTLY orders_2023_customer_id_idx ON shop.orders_2023 USING "
             "btree (customer_id)",
             "ALTER INDEX shop.orders_customer_id_idx ATTACH PARTITION "
             "shop.orders_2023_customer_id_idx",
             "CREATE INDEX CONCURRENTLY \"Orders 2024_customer_id_idx\" ON shop.\"Orders 2024\" "
             "USING btree (customer_id)",
             "ALTER INDEX shop.orders_customer_id_idx ATTACH PARTITION shop.\"Orders "
             "2024_customer_id_idx\"",
             "COMMENT ON INDEX shop.orders_customer_id_idx IS 'created by pg_assist'"}),
      Sql(migration, Direction::kUp));
  EXPECT_EQ((Lines{"DROP INDEX shop.orders_customer_id_idx"}), Sql(migration, Direction::kDown));
  EXPECT_EQ("SHARE", migration[0].lock_level);
  EXPECT_EQ("ACCESS EXCLUSIVE", migration[2].lock_level);
  EXPECT_EQ("ACCESS EXCLUSIVE", migration.back().lock_level);
}

TEST(Migration, PartitionIndexNamesStayDifferentWhenCut) {
  const std::string a = std::string(60, 'p') + "a", b = std::string(60, 'p') + "b";
  const PartitionFact partitions[] = {{.schema = "s", .name = a, .table = "s.a"},
                                      {.schema = "s", .name = b, .table = "s.b"}};
  MigrationFacts facts;
  facts.partitioned = true;
  facts.partitions = partitions;
  const Migration migration = GenerateMigration(
      MakeAction(Action::Kind::kCreateIndex, "s.i", "CREATE INDEX i ON s.t (a)"), facts, Memory());
  EXPECT_NE(migration[2].sql, migration[4].sql);
}

TEST(Migration, UnknownPartitionsAreSaidToBlockWrites) {
  MigrationFacts facts;
  facts.partitioned = true;
  const Migration migration = GenerateMigration(
      MakeAction(Action::Kind::kCreateIndex, "shop.orders_customer_id_idx", kCreate), facts,
      Memory());
  EXPECT_EQ("CREATE INDEX orders_customer_id_idx ON shop.orders USING btree (customer_id)",
            migration[0].sql);
  EXPECT_EQ(Blocks::kWrites, migration[0].blocks);
  EXPECT_TRUE(Contains(migration[0].note, "blocks writes"));
}

TEST(Migration, DropIndexHasItsExactInverse) {
  MigrationFacts facts;
  facts.current_definition =
      "CREATE UNIQUE INDEX \"Email key\" ON shop.customers USING btree (lower(email) "
      "text_pattern_ops DESC) "
      "INCLUDE (id) WITH (fillfactor='70') WHERE (note <> ' WHERE '::text)";
  facts.current_comment = "for the login\npage \\ it's";
  facts.tablespace = "fast";
  const std::string_view extra[] = {
      "ALTER INDEX shop.\"Email key\" ALTER COLUMN 1 SET STATISTICS 500"};
  facts.extra_definitions = extra;
  const Migration migration = GenerateMigration(
      MakeAction(Action::Kind::kDropIndex, "shop.\"Email key\""), facts, Memory());
  EXPECT_EQ((Lines{"DROP INDEX CONCURRENTLY shop.\"Email key\""}), Sql(migration, Direction::kUp));
  EXPECT_EQ((Lines{"CREATE UNIQUE INDEX CONCURRENTLY \"Email key\" ON shop.customers USING btree "
                   "(lower(email) text_pattern_ops DESC) INCLUDE (id) WITH (fillfactor='70') "
                   "TABLESPACE fast "
                   "WHERE (note <> ' WHERE '::text)",
                   "COMMENT ON INDEX shop.\"Email key\" IS E'for the login\npage \\\\ it''s'",
                   "ALTER INDEX shop.\"Email key\" ALTER COLUMN 1 SET STATISTICS 500"}),
            Sql(migration, Direction::kDown));
  EXPECT_FALSE(migration[0].transactional);
  EXPECT_FALSE(migration[0].destructive);
}

TEST(Migration, DropOfAnUnknownDefinitionIsDestructive) {
  const Migration migration =
      GenerateMigration(MakeAction(Action::Kind::kDropIndex, "shop.i"), {}, Memory());
  EXPECT_TRUE(migration[0].destructive);
  EXPECT_TRUE(Sql(migration, Direction::kDown).empty());
}

TEST(Migration, DropOfAPartitionedIndexSaysThatItLocks) {
  MigrationFacts facts;
  facts.partitioned = true;
  facts.current_definition = "CREATE INDEX i ON ONLY s.t USING btree (a)";
  const Migration migration =
      GenerateMigration(MakeAction(Action::Kind::kDropIndex, "s.i"), facts, Memory());
  EXPECT_EQ("DROP INDEX s.i", migration[0].sql);
  EXPECT_EQ(Blocks::kReadsAndWrites, migration[0].blocks);
  EXPECT_EQ((Lines{"CREATE INDEX i ON s.t USING btree (a)"}), Sql(migration, Direction::kDown));
}

TEST(Migration, DropOfAPartitionedIndexMakesItsPartsAgainUnderTheirNames) {
  const PartitionFact partitions[] = {{.schema = "s",
                                       .name = "t1",
                                       .table = "s.t1",
                                       .matching_index = "s.\"My idx\"",
                                       .attached = true},
                                      {.schema = "s", .name = "t2", .table = "s.t2"}};
  MigrationFacts facts;
  facts.partitioned = true;
  facts.partitions = partitions;
  facts.current_definition = "CREATE INDEX t_a_idx ON ONLY s.t USING btree (a)";
  const Migration migration =
      GenerateMigration(MakeAction(Action::Kind::kDropIndex, "s.t_a_idx"), facts, Memory());
  EXPECT_EQ((Lines{"DROP INDEX s.t_a_idx"}), Sql(migration, Direction::kUp));
  EXPECT_EQ((Lines{"CREATE INDEX t_a_idx ON ONLY s.t USING btree (a)",
                   "CREATE INDEX CONCURRENTLY \"My idx\" ON s.t1 USING btree (a)",
                   "ALTER INDEX s.t_a_idx ATTACH PARTITION s.\"My idx\"",
                   "CREATE INDEX CONCURRENTLY t2_a_idx ON s.t2 USING btree (a)",
                   "ALTER INDEX s.t_a_idx ATTACH PARTITION s.t2_a_idx"}),
            Sql(migration, Direction::kDown));
}

TEST(Migration, Reindex) {
  const Migration migration =
      GenerateMigration(MakeAction(Action::Kind::kReindex, "s.i"), {}, Memory());
  ASSERT_EQ(1u, migration.size());
  EXPECT_EQ("REINDEX INDEX CONCURRENTLY s.i", migration[0].sql);
  EXPECT_FALSE(migration[0].transactional);
}

TEST(Migration, VacuumAndAnalyze) {
  EXPECT_EQ("VACUUM s.t",
            GenerateMigration(MakeAction(Action::Kind::kVacuum, "s.t"), {}, Memory())[0].sql);
  EXPECT_EQ("ANALYZE s.t",
            GenerateMigration(MakeAction(Action::Kind::kAnalyze, "s.t"), {}, Memory())[0].sql);
  const Migration full =
      GenerateMigration(MakeAction(Action::Kind::kVacuumFull, "s.t"), {}, Memory());
  EXPECT_EQ("VACUUM (FULL, ANALYZE) s.t", full[0].sql);
  EXPECT_EQ("ACCESS EXCLUSIVE", full[0].lock_level);
  EXPECT_EQ(Blocks::kReadsAndWrites, full[0].blocks);
}

Action Parameter(Action::Scope scope) {
  Action action = MakeAction(Action::Kind::kSetParameter, "work_mem");
  action.scope = scope;
  action.parameter = "work_mem";
  action.value = "64MB";
  action.role = "Report User";
  return action;
}

TEST(Migration, AlterSystemReloadsAndGoesBack) {
  MigrationFacts facts;
  EXPECT_EQ(
      (Lines{"ALTER SYSTEM RESET work_mem", "SELECT pg_catalog.pg_reload_conf()"}),
      Sql(GenerateMigration(Parameter(Action::Scope::kSystem), facts, Memory()), Direction::kDown));
  facts.had_previous = true;
  facts.previous_value = "8MB";
  const Migration migration = GenerateMigration(Parameter(Action::Scope::kSystem), facts, Memory());
  EXPECT_EQ((Lines{"ALTER SYSTEM SET work_mem = '64MB'", "SELECT pg_catalog.pg_reload_conf()"}),
            Sql(migration, Direction::kUp));
  EXPECT_EQ((Lines{"ALTER SYSTEM SET work_mem = '8MB'", "SELECT pg_catalog.pg_reload_conf()"}),
            Sql(migration, Direction::kDown));
  EXPECT_FALSE(migration[0].transactional);
  EXPECT_EQ("", migration[0].lock_level);
}

TEST(Migration, ParametersThatNeedARestartSaySo) {
  MigrationFacts facts;
  facts.needs_restart = true;
  const Migration migration = GenerateMigration(Parameter(Action::Scope::kSystem), facts, Memory());
  EXPECT_EQ(1u, Sql(migration, Direction::kUp).size());
  EXPECT_TRUE(Contains(migration[0].note, "restart"));
}

TEST(Migration, NarrowScopesQuoteTheirNames) {
  MigrationFacts facts;
  facts.database = "shop-1";
  EXPECT_EQ((Lines{"ALTER ROLE \"Report User\" IN DATABASE \"shop-1\" SET work_mem = '64MB'",
                   "ALTER ROLE \"Report User\" IN DATABASE \"shop-1\" RESET work_mem"}),
            Lines({std::string(GenerateMigration(Parameter(Action::Scope::kRoleInDatabase), facts,
                                                 Memory())[0]
                                   .sql),
                   std::string(GenerateMigration(Parameter(Action::Scope::kRoleInDatabase), facts,
                                                 Memory())[1]
                                   .sql)}));
  EXPECT_EQ("ALTER ROLE \"Report User\" SET work_mem = '64MB'",
            GenerateMigration(Parameter(Action::Scope::kRole), facts, Memory())[0].sql);
  facts.had_previous = true;
  facts.previous_value = "5MB";
  const Migration migration =
      GenerateMigration(Parameter(Action::Scope::kDatabase), facts, Memory());
  EXPECT_EQ("ALTER DATABASE \"shop-1\" SET work_mem = '64MB'", migration[0].sql);
  EXPECT_EQ("ALTER DATABASE \"shop-1\" SET work_mem = '5MB'", migration[1].sql);
}

TEST(Migration, CompletingAnIndexAttachesWhatFitsAndBuildsTheRest) {
  const PartitionFact partitions[] = {
      {.schema = "s",
       .name = "t1",
       .table = "s.t1",
       .matching_index = "s.t1_a_idx",
       .attached = true},
      {.schema = "s", .name = "t2", .table = "s.t2", .matching_index = "s.t2_a_idx"},
      {.schema = "s", .name = "t3", .table = "s.t3"}};
  MigrationFacts facts;
  facts.partitioned = true;
  facts.partitions = partitions;
  facts.current_definition = "CREATE INDEX t_a_idx ON ONLY s.t USING btree (a)";
  const Migration migration =
      GenerateMigration(MakeAction(Action::Kind::kCompleteIndex, "s.t_a_idx"), facts, Memory());
  EXPECT_EQ((Lines{"ALTER INDEX s.t_a_idx ATTACH PARTITION s.t2_a_idx",
                   "CREATE INDEX CONCURRENTLY t3_a_idx ON s.t3 USING btree (a)",
                   "ALTER INDEX s.t_a_idx ATTACH PARTITION s.t3_a_idx"}),
            Sql(migration, Direction::kUp));
}

TEST(Migration, NothingHasNoSteps) {
  EXPECT_TRUE(GenerateMigration(Action(Memory()), {}, Memory()).empty());
  EXPECT_TRUE(
      GenerateMigration(MakeAction(Action::Kind::kCreateIndex, "s.i", "no statement"), {}, Memory())
          .empty());
}

TEST(MigrationScript, SaysWhatItDoesAndCarriesTheWayBack) {
  MigrationFacts facts;
  facts.table_bytes = 200'000'000;
  const Migration migration = GenerateMigration(
      MakeAction(Action::Kind::kCreateIndex, "shop.orders_customer_id_idx", kCreate), facts,
      Memory());
  const std::pmr::string script = MigrationScript("Create an index on shop.orders (customer_id)",
                                                  "It saves 99 s a day.", migration, Memory());
  EXPECT_TRUE(Contains(script, "-- pg_assist: Create an index on shop.orders (customer_id)\n"));
  EXPECT_TRUE(Contains(script, "-- It saves 99 s a day.\n"));
  EXPECT_TRUE(Contains(script, "\\set ON_ERROR_STOP on\n"));
  EXPECT_TRUE(Contains(script, "\nCREATE INDEX CONCURRENTLY orders_customer_id_idx"));
  EXPECT_TRUE(Contains(script, "\n--   DROP INDEX CONCURRENTLY shop.orders_customer_id_idx;\n"));
  EXPECT_TRUE(Contains(script, "SELECT indisvalid"));
  EXPECT_TRUE(Contains(script, "without --single-transaction"));
  EXPECT_FALSE(Contains(script, "SET lock_timeout"));
}

TEST(MigrationScript, StrongLocksAreWaitedForBriefly) {
  const Migration migration =
      GenerateMigration(MakeAction(Action::Kind::kVacuumFull, "s.t"), {}, Memory());
  const std::pmr::string script = MigrationScript("x", "", migration, Memory());
  EXPECT_TRUE(Contains(
      script, "SET lock_timeout = '5s';\nVACUUM (FULL, ANALYZE) s.t;\nRESET lock_timeout;\n"))
      << script;
}

// Whatever stands in names, comments and texts: a line of the script is a comment or one of the
// steps.
TEST(MigrationScript, TextsCannotEscapeTheirComments) {
  MigrationFacts facts;
  facts.current_definition = "CREATE INDEX i ON s.t USING btree (a)";
  facts.current_comment = "first\nDROP TABLE s.t;\rDROP TABLE s.u;";
  const Migration migration =
      GenerateMigration(MakeAction(Action::Kind::kDropIndex, "s.i"), facts, Memory());
  const std::pmr::string script =
      MigrationScript("a\nDROP TABLE x; --", "b\r\nDROP TABLE y;\n\\! rm", migration, Memory());
  std::string_view rest = script;
  int active = 0;
  while (!rest.empty()) {
    const std::size_t end = rest.find_first_of("\n\r");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.empty() || line.substr(0, 2) == "--") continue;
    ++active;
    EXPECT_TRUE(line == "\\set ON_ERROR_STOP on" || line == "DROP INDEX CONCURRENTLY s.i;" ||
                line == "SELECT pg_catalog.to_regclass('s.i') IS NULL AS dropped;")
        << line;
  }
  EXPECT_EQ(3, active);
}

TEST(IndexStatement, NamesAreTakenApart) {
  migrate::IndexStatement statement;
  ASSERT_TRUE(migrate::ParseIndexStatement(
      "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"a b\" ON ONLY \"s t\".\"x(y\"(a)",
      &statement));
  EXPECT_TRUE(statement.unique && statement.concurrently && statement.only);
  EXPECT_EQ("\"a b\"", statement.name);
  EXPECT_EQ("\"s t\".\"x(y\"", statement.table);
  EXPECT_EQ("(a)", statement.rest);
  EXPECT_EQ("x(y", migrate::UnquotedName(statement.table, Memory()));
  EXPECT_EQ("a\"b", migrate::UnquotedName("s.\"a\"\"b\"", Memory()));
  EXPECT_FALSE(migrate::ParseIndexStatement("DROP INDEX x", &statement));
  ASSERT_TRUE(migrate::ParseIndexStatement("CREATE INDEX if ON t USING btree (a)", &statement));
  EXPECT_EQ(statement.name, "if");
  ASSERT_TRUE(migrate::ParseIndexStatement("CREATE INDEX IF NOT EXISTS i ON t (a)", &statement));
  EXPECT_EQ(statement.name, "i");
  EXPECT_FALSE(migrate::ParseIndexStatement("CREATE INDEX i ON ONLY(t)", &statement));
  ASSERT_TRUE(migrate::ParseIndexStatement("CREATE INDEX ON t (a)", &statement));
  EXPECT_EQ("", statement.name);
}

}  // namespace
}  // namespace assist::test
