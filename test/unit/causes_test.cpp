// Causes of regressions: what is named first, and what is not named at all.

#include "core/regress/causes.hpp"

#include <gtest/gtest.h>

namespace assist {
namespace {

Departure Slower(double factor = 10) {
  Departure d;
  d.before = {.calls_per_hour = 1000, .mean_ms = 2, .rows = 1, .blocks_hit = 5};
  d.after = d.before;
  d.after.mean_ms *= factor;
  d.plan_before = {1, 1, {"Index Scan using orders_customer on orders"}};
  d.plan_after = d.plan_before;
  return d;
}
void Replan(Departure& d) { d.plan_after = {2, 0.95, {"Seq Scan on orders"}}; }

std::string First(const Departure& d) {
  const auto causes = RankCauses(d);
  return causes.empty() ? "" : std::string(causes.front().code);
}
bool Names(const Departure& d, std::string_view code) {
  for (const Cause& cause : RankCauses(d))
    if (cause.code == code) return true;
  return false;
}

TEST(Causes, NothingIsNamedWithoutAnyEvidence) { EXPECT_TRUE(RankCauses(Slower()).empty()); }

TEST(Causes, ADroppedIndexThatThePlanUsedComesBeforeThePlanItself) {
  Departure d = Slower();
  Replan(d);
  EXPECT_EQ("plan_changed", First(d));
  d.events.push_back({.kind = NearEvent::Kind::kDropIndex,
                      .hours = -0.2,
                      .touches = true,
                      .object = "public.orders_customer",
                      .title = "DROP INDEX public.orders_customer",
                      .undo = "CREATE INDEX orders_customer ON orders (customer);"});
  const auto causes = RankCauses(d);
  ASSERT_EQ(2u, causes.size());
  EXPECT_EQ("index_dropped", causes[0].code);
  EXPECT_EQ("CREATE INDEX orders_customer ON orders (customer);", causes[0].sql);
  EXPECT_EQ("another plan: - Index Scan using orders_customer on orders, + Seq Scan on orders",
            causes[1].evidence);
  // An index of another table is no cause, nor one whose name merely begins alike.
  d.events[0].object = "public.orders_cust";
  d.events[0].touches = false;
  EXPECT_FALSE(Names(d, "index_dropped"));
}

TEST(Causes, ADropLongAgoOrAfterwardsIsNone) {
  Departure d = Slower();
  Replan(d);
  d.events.push_back({.kind = NearEvent::Kind::kDropIndex,
                      .hours = -30,
                      .touches = true,
                      .object = "orders_customer"});
  EXPECT_FALSE(Names(d, "index_dropped"));
  d.events[0].hours = 3;
  EXPECT_FALSE(Names(d, "index_dropped"));
  d.events[0].hours = 0.5;  // within what an onset is known to
  EXPECT_EQ("index_dropped", First(d));
  // Where the onset is known to the minute, what came half an hour later is none.
  d.onset_hours = 0.03;
  EXPECT_FALSE(Names(d, "index_dropped"));
}

TEST(Causes, WhatManyCallsDidNotMindIsHardlyOne) {
  Departure d = Slower();
  Replan(d);
  d.events.push_back({.kind = NearEvent::Kind::kSetting, .hours = -0.1, .object = "work_mem"});
  EXPECT_EQ("setting_changed", First(d));
  d.events[0].calls_between = 500;
  EXPECT_EQ("plan_changed", First(d));
  // Of several about one thing the last one counts, which comes first.
  d.events.insert(
      d.events.begin(),
      {.kind = NearEvent::Kind::kSetting, .hours = 0, .object = "work_mem", .title = "later"});
  EXPECT_EQ(2u, RankCauses(d).size());
  EXPECT_EQ("later", RankCauses(d).front().evidence);
}

TEST(Causes, ASettingThatSteersThePlannerComesBeforeThePlan) {
  Departure d = Slower();
  Replan(d);
  d.events.push_back({.kind = NearEvent::Kind::kSetting,
                      .hours = -0.1,
                      .object = "random_page_cost",
                      .title = "random_page_cost: 1.1 to 40"});
  EXPECT_EQ("setting_changed", First(d));
  // One that has nothing to do with plans does not.
  d.events[0].object = "log_min_duration_statement";
  EXPECT_EQ("plan_changed", First(d));
}

TEST(Causes, WhatAPartOfTheTimeExplains) {
  Departure d = Slower();
  d.before.lock_ms = 0;
  d.after.lock_ms = 17;
  EXPECT_EQ("lock_waits", First(d));
  d = Slower();
  d.after.jit_ms = 15;
  EXPECT_EQ("jit", First(d));
  d = Slower();
  d.after.temp_blocks = 500;
  EXPECT_EQ("spill", First(d));
  d = Slower();
  d.after.rows = 10;
  EXPECT_EQ("more_rows", First(d));
  d = Slower();
  d.after.blocks_hit = 60;
  EXPECT_EQ("parameters", First(d));
  d = Slower();
  d.before.blocks_hit = d.after.blocks_hit = 50;
  d.after.blocks_read = 40;
  EXPECT_EQ("cache", First(d));
  d = Slower();
  d.requested_checkpoints_after = 12;
  EXPECT_EQ("checkpoints", First(d));
  // A tenth of a millisecond of waiting does not explain eighteen.
  d = Slower();
  d.before.lock_ms = 0;
  d.after.lock_ms = 0.1;
  EXPECT_TRUE(RankCauses(d).empty());
}

TEST(Causes, TablesThatGrewAndStatisticsThatDidNotFollow) {
  Departure d = Slower();
  d.tables.push_back({.name = "orders", .rows_before = 1e5, .rows_after = 1e6});
  EXPECT_EQ("table_grew", First(d));
  d.tables[0].rows_after = 1.1e5;
  EXPECT_TRUE(RankCauses(d).empty());
  d.tables[0].stale_share = 0.6;
  Replan(d);
  EXPECT_TRUE(Names(d, "statistics_stale"));
  EXPECT_EQ("ANALYZE orders;", RankCauses(d).front().sql);
}

TEST(Causes, ADeployIsNamedBehindWhatIsMoreSpecific) {
  Departure d = Slower();
  d.events.push_back({.kind = NearEvent::Kind::kDeploy, .hours = -0.1, .title = "release 7"});
  EXPECT_EQ("deploy", First(d));
  d.after.temp_blocks = 500;
  EXPECT_EQ("spill", First(d));
  EXPECT_TRUE(Names(d, "deploy"));
}

TEST(Causes, ImprovementsHaveCausesToo) {
  Departure d = Slower(0.1);
  Replan(d);
  const auto causes = RankCauses(d);
  ASSERT_EQ(1u, causes.size());
  EXPECT_EQ("plan_changed", causes[0].code);
  EXPECT_TRUE(causes[0].mitigation.empty());
  // No index was missed for it to become faster.
  d.events.push_back({.kind = NearEvent::Kind::kDropIndex,
                      .hours = 0,
                      .touches = true,
                      .object = "orders_customer"});
  EXPECT_FALSE(Names(d, "index_dropped"));
}

TEST(Causes, NamesOfIndexesAreAsInPlans) {
  EXPECT_EQ("a", PlainName("a"));
  EXPECT_EQ("b", PlainName("a.b"));
  EXPECT_EQ("Order.idx", PlainName("public.\"Order.idx\""));
  EXPECT_EQ("a\"b", PlainName("\"x.y\".\"a\"\"b\""));
  Departure d = Slower();
  d.plan_before.nodes = {"Index Scan using Order_idx on orders"};
  Replan(d);
  d.events.push_back(
      {.kind = NearEvent::Kind::kDropIndex, .object = "public.\"Order_idx\"", .title = "dropped"});
  EXPECT_EQ("index_dropped", First(d));
}

TEST(Causes, AnInvalidIndexThatThePlanUsed) {
  Departure d = Slower();
  Replan(d);
  d.events.push_back({.kind = NearEvent::Kind::kInvalidIndex,
                      .touches = true,
                      .object = "public.orders_customer",
                      .undo = "REINDEX INDEX CONCURRENTLY public.orders_customer;"});
  EXPECT_EQ("index_invalid", First(d));
  d.events[0].object = "public.orders_other";
  EXPECT_FALSE(Names(d, "index_invalid"));
}

TEST(Causes, WhatStatementsHaveInCommon) {
  EXPECT_EQ("", CommonCause({}));
  Departure d = Slower();
  Replan(d);
  EXPECT_EQ("plan_changed", CommonCause(RankCauses(d)));
  // An ANALYZE comes behind the plan that it changed.
  d.events.push_back({.kind = NearEvent::Kind::kAnalyze,
                      .hours = -0.1,
                      .touches = true,
                      .object = "orders",
                      .title = "ANALYZE of orders"});
  EXPECT_EQ("plan_changed", First(d));
  EXPECT_EQ("statistics_changed: ANALYZE of orders", CommonCause(RankCauses(d)));
  // What waits for locks after a release has the locks in common.
  d = Slower();
  d.before.lock_ms = 0;
  d.after.lock_ms = 17;
  d.events.push_back({.kind = NearEvent::Kind::kDeploy, .hours = -0.1, .title = "release 4.2"});
  EXPECT_EQ("lock_waits", CommonCause(RankCauses(d)));
  d.after.lock_ms = 0;
  EXPECT_EQ("deploy: release 4.2", CommonCause(RankCauses(d)));
}

}  // namespace
}  // namespace assist
