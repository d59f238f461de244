// The hazards of scripts against facts made by hand: a case where each speaks, and the one where a
// check without these facts would misfire. Texts of statements play no part here;
// test/sql/check_migration.sql has them.

#include <algorithm>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "assist/migration_check.hpp"

namespace assist::check {
namespace {

constexpr std::int64_t kGigabyte = 1024LL * 1024 * 1024;

class CheckMigration : public testing::Test {
 protected:
  CheckMigration() {
    path_.emplace_back("shop");
    Relation& orders = AddRelation("orders");
    orders.columns = {
        {"id", "bigint", true}, {"customer", "bigint", false}, {"note", "text", false}};
    orders.primary_key = {"id"};
    orders.constraints.push_back({.name = "orders_customer",
                                  .kind = ConstraintKind::kForeignKey,
                                  .columns = {"customer"},
                                  .references = {"shop", "customers"}});
    orders.constraints.push_back(
        {.name = "noted", .kind = ConstraintKind::kCheck, .not_null = {"note"}});
    orders.indexes.push_back(
        {.schema = "shop", .name = "orders_note", .keys = {"note"}, .plain = true});
    orders.calls_per_second = 420;
    Relation& customers = AddRelation("customers");
    customers.referenced_by = {"shop.orders"};
    Relation& empty = AddRelation("empty");
    empty.empty = true;
    empty.bytes = 0;
    Relation& index = AddRelation("orders_note");
    index.kind = 'i';
    index.table = {"shop", "orders"};
    Relation& parted = AddRelation("parted");
    parted.kind = 'p';
  }

  Relation& AddRelation(std::string_view name) {
    Relation relation;
    relation.schema = "shop";
    relation.name = name;
    relation.qualified = Text("shop.");
    relation.qualified += name;
    relation.rows = 8.4e6;
    relation.bytes = kGigabyte;
    database_.relations.push_back(relation);
    return database_.relations.back();
  }
  Relation& Of(std::string_view name) {
    return *std::find_if(database_.relations.begin(), database_.relations.end(),
                         [&](const Relation& relation) { return relation.name == name; });
  }

  Statement& Add(StatementKind kind, std::string_view object = "") {
    Statement& s = script_.emplace_back();
    s.kind = kind;
    s.number = static_cast<std::int32_t>(script_.size());
    s.search_path = &path_;
    s.source = "SELECT";
    if (!object.empty()) s.objects.push_back({Text(), Text(object)});
    return s;
  }
  AlterCommand& Alter(AlterOp op, std::string_view name = "", std::string_view table = "orders") {
    Statement& s = Add(StatementKind::kAlterTable, table);
    AlterCommand& c = s.commands.emplace_back();
    c.op = op;
    c.name = name;
    c.column.name = name;
    c.column.type = "uuid";
    return c;
  }
  ConstraintSpec& AddConstraint(ConstraintKind kind, std::string_view column,
                                std::string_view table = "orders") {
    ConstraintSpec& spec = Alter(AlterOp::kAddConstraint, "", table).constraint;
    spec.kind = kind;
    spec.name = "c";
    spec.source = "CONSTRAINT c ...";
    spec.columns.emplace_back(column);
    return spec;
  }
  void Set(std::int64_t ms) {
    Statement& s = Add(StatementKind::kSet);
    s.name = "lock_timeout";
    s.value = ms;
  }

  List<Hazard> Run() {
    std::sort(database_.relations.begin(), database_.relations.end(),
              [](const Relation& a, const Relation& b) { return a.name < b.name; });
    return CheckScript(script_, database_);
  }
  // Names but for the advice that any of these statements may have.
  std::set<std::string> Names() {
    std::set<std::string> names;
    for (const Hazard& hazard : Run())
      if (hazard.name != "missing_lock_timeout") names.emplace(hazard.name);
    script_.clear();
    return names;
  }
  using Set_ = std::set<std::string>;

  List<Text> path_;
  std::vector<Statement> script_;
  Database database_;
};

TEST_F(CheckMigration, VolatileDefaultRewritesStableDoesNot) {
  Alter(AlterOp::kAddColumn, "u").column.default_kind = DefaultKind::kVolatile;
  EXPECT_EQ(Names(), Set_{"add_column_volatile_default"});
  for (const DefaultKind kind : {DefaultKind::kStored, DefaultKind::kNone, DefaultKind::kUnknown})
    Alter(AlterOp::kAddColumn, "u").column.default_kind = kind;
  EXPECT_EQ(Names(), Set_{});
  Alter(AlterOp::kAddColumn, "u", "empty").column.default_kind = DefaultKind::kVolatile;
  EXPECT_EQ(Names(), Set_{});
}

TEST_F(CheckMigration, SerialGeneratedAndDomainRewrite) {
  Alter(AlterOp::kAddColumn, "a").column.serial = true;
  Alter(AlterOp::kAddColumn, "b").column.generated = true;
  Alter(AlterOp::kAddColumn, "c").column.constrained_domain = true;
  EXPECT_EQ(Names(), (Set_{"add_column_serial", "add_column_generated_stored",
                           "add_column_constrained_domain"}));
  Alter(AlterOp::kAddColumn, "a", "empty").column.serial = true;
  EXPECT_EQ(Names(), Set_{});
}

TEST_F(CheckMigration, NotNullWithoutDefaultFailsOnlyWhereThereAreRows) {
  Alter(AlterOp::kAddColumn, "a").column.not_null = true;
  EXPECT_EQ(Names(), Set_{"add_column_not_null_no_default"});
  ColumnSpec& column = Alter(AlterOp::kAddColumn, "a").column;
  column.not_null = true;
  column.default_kind = DefaultKind::kStored;
  Alter(AlterOp::kAddColumn, "a", "empty").column.not_null = true;
  EXPECT_EQ(Names(), Set_{});
}

TEST_F(CheckMigration, WhatIsThereOrElsewhereIsNotRewritten) {
  AlterCommand& there = Alter(AlterOp::kAddColumn, "note");
  there.if_exists = true;  // IF NOT EXISTS
  there.column.serial = true;
  EXPECT_EQ(Names(), Set_{});
  Of("orders").kind = 'f';
  Alter(AlterOp::kAddColumn, "a").column.serial = true;
  EXPECT_EQ(Names(), Set_{});
}

TEST_F(CheckMigration, SetNotNullIsFreeWithAValidatedCheck) {
  Alter(AlterOp::kSetNotNull, "customer");
  EXPECT_EQ(Names(), Set_{"set_not_null_scan"});
  Alter(AlterOp::kSetNotNull, "note");  // noted
  Alter(AlterOp::kSetNotNull, "id");    // is
  EXPECT_EQ(Names(), Set_{});
  Of("orders").constraints.back().validated = false;
  Alter(AlterOp::kSetNotNull, "note");
  EXPECT_EQ(Names(), Set_{"set_not_null_scan"});
}

TEST_F(CheckMigration, SetNotNullIsFreeWithACheckOfTheScript) {
  ConstraintSpec& spec = AddConstraint(ConstraintKind::kCheck, "customer");
  spec.not_valid = true;
  spec.not_null = {"customer"};
  Alter(AlterOp::kValidateConstraint, "c");
  Alter(AlterOp::kSetNotNull, "customer");
  Alter(AlterOp::kDropConstraint, "c");
  EXPECT_EQ(Names(), Set_{});
}

TEST_F(CheckMigration, ConstraintsAreCheckedUnderALock) {
  AddConstraint(ConstraintKind::kCheck, "customer");
  EXPECT_EQ(Names(), Set_{"add_check_validates"});
  AddConstraint(ConstraintKind::kCheck, "customer").not_valid = true;
  EXPECT_EQ(Names(), Set_{});
  AddConstraint(ConstraintKind::kUnique, "id");
  EXPECT_EQ(Names(), Set_{"add_unique_blocking"});
  AddConstraint(ConstraintKind::kPrimary, "id");
  EXPECT_EQ(Names(), Set_{"add_pk_blocking"});
  AddConstraint(ConstraintKind::kExclusion, "id");
  EXPECT_EQ(Names(), Set_{"add_exclusion_blocking"});
  ConstraintSpec& foreign = AddConstraint(ConstraintKind::kForeignKey, "note");
  foreign.references = {Text(), "customers"};
  EXPECT_EQ(Names(), Set_{"add_fk_validates"});  // orders_note serves it
  ConstraintSpec& later = AddConstraint(ConstraintKind::kForeignKey, "customer");
  later.references = {Text(), "customers"};
  later.not_valid = true;
  EXPECT_EQ(Names(), Set_{"fk_without_index"});
}

TEST_F(CheckMigration, ConstraintUsingAnIndexBuildsNothing) {
  AddConstraint(ConstraintKind::kUnique, "id").using_index = "orders_note";
  EXPECT_EQ(Names(), Set_{});
  AddConstraint(ConstraintKind::kPrimary, "").using_index =
      "orders_note";  // note: nullable, but proven
  EXPECT_EQ(Names(), Set_{});
  Of("orders").constraints.pop_back();
  AddConstraint(ConstraintKind::kPrimary, "").using_index = "orders_note";
  EXPECT_EQ(Names(), Set_{"pk_using_nullable_index"});
}

TEST_F(CheckMigration, ValidateInTheSameTransactionGainsNothing) {
  Add(StatementKind::kBegin);
  AddConstraint(ConstraintKind::kCheck, "customer").not_valid = true;
  Alter(AlterOp::kValidateConstraint, "c");
  Add(StatementKind::kCommit);
  EXPECT_EQ(Names(), Set_{"validate_in_same_txn"});
}

TEST_F(CheckMigration, TypeChanges) {
  TypeChange& change = Alter(AlterOp::kAlterType, "note").change;
  change.known = change.rewrite = true;
  EXPECT_EQ(Names(), Set_{"alter_type_rewrite"});
  Alter(AlterOp::kAlterType, "note").change.known = true;
  Alter(AlterOp::kAlterType, "note").change.rewrite = true;  // not known to be so
  EXPECT_EQ(Names(), Set_{});
  TypeChange& indexed = Alter(AlterOp::kAlterType, "note").change;
  indexed.known = indexed.rebuilds_indexes = true;
  EXPECT_EQ(Names(), Set_{"alter_type_index_rebuild"});
  TypeChange& plain = Alter(AlterOp::kAlterType, "customer").change;  // no index on it
  plain.known = plain.rebuilds_indexes = true;
  EXPECT_EQ(Names(), Set_{});
  Of("orders").views.push_back({"note", "shop.notes"});
  TypeChange& used = Alter(AlterOp::kAlterType, "note").change;
  used.known = used.lossy = true;
  EXPECT_EQ(Names(), (Set_{"dependent_objects_block", "lossy_type_change"}));
}

TEST_F(CheckMigration, Indexes) {
  Statement& build = Add(StatementKind::kCreateIndex, "orders");
  build.keys = {"customer"};
  EXPECT_EQ(Names(), Set_{"create_index_blocking"});
  Statement& same = Add(StatementKind::kCreateIndex, "orders");
  same.keys = {"note"};
  same.index_plain = same.concurrently = true;
  EXPECT_EQ(Names(), Set_{"duplicate_index"});
  Add(StatementKind::kCreateIndex, "parted").concurrently = true;
  EXPECT_EQ(Names(), Set_{"concurrently_on_partitioned"});
  Add(StatementKind::kCreateIndex, "parted").only = true;
  Add(StatementKind::kCreateIndex, "empty");
  Add(StatementKind::kCreateIndex, "nowhere");
  EXPECT_EQ(Names(), Set_{});
  Add(StatementKind::kDrop, "orders_note").object_type = ObjectType::kIndex;
  EXPECT_EQ(Names(), Set_{"drop_index_blocking"});
  Of("orders").indexes[0].constraint = true;
  Add(StatementKind::kDrop, "orders_note").object_type = ObjectType::kIndex;
  EXPECT_EQ(Names(), Set_{"dependent_objects_block"});
  Add(StatementKind::kReindex, "orders");
  EXPECT_EQ(Names(), Set_{"reindex_blocking"});
  Add(StatementKind::kReindex, "orders").concurrently = true;
  EXPECT_EQ(Names(), Set_{});
}

TEST_F(CheckMigration, AnInvalidIndexHidesBehindIfNotExists) {
  for (const bool valid : {true, false}) {
    Of("orders").indexes[0].valid = valid;
    Statement& s = Add(StatementKind::kCreateIndex, "orders");
    s.name = "orders_note";
    s.if_not_exists = s.concurrently = true;
    EXPECT_EQ(Names(), valid ? Set_{} : Set_{"invalid_index_masked"});
  }
}

TEST_F(CheckMigration, WhatTheScriptMakesIsNoHazard) {
  Add(StatementKind::kCreateTable, "fresh");
  Add(StatementKind::kCreateIndex, "fresh").name = "fresh_a";
  Alter(AlterOp::kAddColumn, "a", "fresh").column.not_null = true;
  Add(StatementKind::kDrop, "fresh_a").object_type = ObjectType::kIndex;
  Add(StatementKind::kUpdate, "fresh");
  Add(StatementKind::kDrop, "fresh");
  EXPECT_EQ(Names(), Set_{});
}

TEST_F(CheckMigration, Destruction) {
  Add(StatementKind::kDrop, "customers");
  EXPECT_EQ(Names(), (Set_{"drop_table", "dependent_objects_block"}));
  Add(StatementKind::kDrop, "customers").cascade = true;
  EXPECT_EQ(Names(), (Set_{"drop_table", "drop_cascade"}));
  Statement& both = Add(StatementKind::kDrop, "customers");
  both.objects.push_back({Text(), "orders"});
  EXPECT_EQ(Names(), Set_{"drop_table"});
  Add(StatementKind::kDrop, "orders");
  EXPECT_EQ(Names(), (Set_{"drop_table", "fk_drop_locks_parent"}));
  Alter(AlterOp::kDropConstraint, "orders_customer");
  EXPECT_EQ(Names(), (Set_{"drop_constraint", "fk_drop_locks_parent"}));
  Add(StatementKind::kTruncate, "orders");
  EXPECT_EQ(Names(), Set_{"truncate_table"});
  Add(StatementKind::kTruncate, "customers").cascade = true;
  EXPECT_EQ(Names(), (Set_{"truncate_table", "truncate_cascade"}));
  Alter(AlterOp::kDropColumn, "note");
  EXPECT_EQ(Names(), Set_{"drop_column"});
  Alter(AlterOp::kDropNotNull, "id");
  EXPECT_EQ(Names(), Set_{"drop_not_null"});
  Alter(AlterOp::kSetUnlogged);
  EXPECT_EQ(Names(), (Set_{"set_unlogged", "table_rewrite_command"}));
  Alter(AlterOp::kSetLogged);  // it is
  EXPECT_EQ(Names(), Set_{});
}

TEST_F(CheckMigration, RowsChangedInOneStatement) {
  Add(StatementKind::kUpdate, "orders");
  EXPECT_EQ(Names(), Set_{"update_without_where"});
  Add(StatementKind::kDelete, "orders");
  EXPECT_EQ(Names(), Set_{"delete_without_where"});
  Statement& many = Add(StatementKind::kUpdate, "orders");
  many.where = true;
  many.estimated_rows = 3e6;
  EXPECT_EQ(Names(), Set_{"unbatched_dml"});
  for (const double rows : {-1.0, 50.0}) {
    Statement& few = Add(StatementKind::kUpdate, "orders");
    few.where = true;
    few.estimated_rows = rows;
  }
  Add(StatementKind::kUpdate, "empty");
  EXPECT_EQ(Names(), Set_{});
}

TEST_F(CheckMigration, ARenameWithAViewOfTheOldNameIsNone) {
  Add(StatementKind::kRename, "orders").name = "purchases";
  EXPECT_EQ(Names(), Set_{"rename_table"});
  Add(StatementKind::kBegin);
  Add(StatementKind::kRename, "orders").name = "purchases";
  Add(StatementKind::kCreateView, "orders");
  Add(StatementKind::kCommit);
  EXPECT_EQ(Names(), Set_{});
  Statement& column = Add(StatementKind::kRename, "orders");
  column.column = "note";
  column.name = "text";
  EXPECT_EQ(Names(), Set_{"rename_column"});
}

TEST_F(CheckMigration, Transactions) {
  Add(StatementKind::kBegin);
  EXPECT_EQ(Names(), Set_{"uncommitted_transaction"});
  Add(StatementKind::kBegin);
  Statement& build = Add(StatementKind::kCreateIndex, "orders");
  build.concurrently = true;
  Add(StatementKind::kBegin);
  Add(StatementKind::kCommit);
  EXPECT_EQ(Names(), (Set_{"concurrently_in_transaction", "nested_transaction"}));
  Add(StatementKind::kBegin);
  Alter(AlterOp::kBrief);
  Add(StatementKind::kCreateIndex, "customers");
  Add(StatementKind::kCommit);
  EXPECT_EQ(Names(), (Set_{"create_index_blocking", "lock_held_during_slow_statement"}));
  Alter(AlterOp::kBrief);
  Add(StatementKind::kCreateIndex, "customers").concurrently = true;
  EXPECT_EQ(Names(), Set_{});
}

TEST_F(CheckMigration, LockTimeoutIsFollowed) {
  const auto told = [&] {
    const List<Hazard> hazards = Run();
    script_.clear();
    return std::count_if(hazards.begin(), hazards.end(),
                         [](const Hazard& h) { return h.name == "missing_lock_timeout"; });
  };
  Alter(AlterOp::kBrief);
  Alter(AlterOp::kBrief);
  EXPECT_EQ(told(), 1);  // once
  Set(2000);
  Alter(AlterOp::kBrief);
  EXPECT_EQ(told(), 0);
  Add(StatementKind::kBegin);
  Set(2000);
  script_.back().local = true;
  Add(StatementKind::kCommit);
  Alter(AlterOp::kBrief);
  EXPECT_EQ(told(), 1);
  Alter(AlterOp::kLight);
  Alter(AlterOp::kBrief, "", "empty");
  EXPECT_EQ(told(), 0);
  database_.lock_timeout_ms = 1000;
  Alter(AlterOp::kBrief);
  EXPECT_EQ(told(), 0);
}

TEST_F(CheckMigration, ANewEnumValueMustBeCommittedFirst) {
  for (const bool inside : {true, false}) {
    if (inside) Add(StatementKind::kBegin);
    Add(StatementKind::kAddEnumValue, "mood").name = "bad";
    Add(StatementKind::kInsert, "nowhere").words = {"bad"};
    if (inside) Add(StatementKind::kCommit);
    EXPECT_EQ(Names(), inside ? Set_{"enum_value_used_in_same_txn"} : Set_{});
  }
}

TEST_F(CheckMigration, TheForecastHasNumbersAndShowsWhatMayBeSeen) {
  Of("orders").holders.push_back({.pid = 4711,
                                  .role = "app",
                                  .state = "idle in transaction",
                                  .mode = "ROW EXCLUSIVE",
                                  .seconds = 840,
                                  .visible = true});
  Of("orders").holders.push_back({.pid = 12, .mode = "ACCESS SHARE"});  // another role's
  Add(StatementKind::kCreateIndex, "orders");
  Text text = Run()[0].explanation;
  EXPECT_NE(text.find("SHARE on shop.orders for about"), Text::npos) << text;
  EXPECT_NE(text.find("about 8.4 million rows"), Text::npos) << text;
  EXPECT_NE(text.find("calls come in that time"), Text::npos) << text;
  EXPECT_NE(
      text.find(
          "pid 4711 (app, idle in transaction) holds ROW EXCLUSIVE in a transaction of 14 min"),
      Text::npos)
      << text;
  EXPECT_EQ(text.find("ACCESS SHARE"), Text::npos) << text;  // does not conflict with SHARE
  script_.clear();
  AddConstraint(ConstraintKind::kCheck, "customer");
  text = Run()[0].explanation;
  EXPECT_NE(text.find("another session holds ACCESS SHARE"), Text::npos) << text;
  EXPECT_EQ(text.find("pid 12"), Text::npos) << text;
}

TEST_F(CheckMigration, SmallTablesLoseSeverityNotTheName) {
  AddConstraint(ConstraintKind::kCheck, "customer");
  EXPECT_EQ(Run()[0].severity, Severity::kHigh);
  Of("orders").bytes = 8192;
  EXPECT_EQ(Run()[0].severity, Severity::kLow);
  EXPECT_EQ(Run()[0].name, "add_check_validates");
}

TEST(Hazards, AreNamedOnceAndHaveAPage) {
  std::set<std::string> names;
  const std::filesystem::path pages = std::filesystem::path(ASSIST_SOURCE_DIR) / "docs" / "hazards";
  for (const HazardDescriptor& hazard : AllHazards()) {
    EXPECT_TRUE(names.emplace(hazard.name).second) << hazard.name;
    EXPECT_TRUE(std::filesystem::exists(pages / (std::string(hazard.name) + ".md"))) << hazard.name;
  }
  for (const auto& page : std::filesystem::directory_iterator(pages))
    EXPECT_TRUE(page.path().stem() == "README" || names.count(page.path().stem()) == 1)
        << page.path();
}

}  // namespace
}  // namespace assist::check
