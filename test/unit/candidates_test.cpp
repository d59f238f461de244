// Index candidates: what is proposed for the uses of a table, in which order, and what never is.
#include "core/advise/candidates.hpp"

#include <algorithm>

#include <string>
#include <vector>

#include "core/advise/redundant.hpp"
#include "world.hpp"

namespace assist::advise {
namespace {

using test::World;

class Candidates : public testing::Test {
 protected:
  Candidates() : use_(std::pmr::new_delete_resource()) {
    world_.AddTable();
    use_.relation = 1000;
  }

  void Use(KeyUse use, std::initializer_list<std::string_view> columns) {
    for (const std::string_view column : columns)
      use_.keys.push_back({.column = column, .use = use});
  }
  void UseExpression(KeyUse use, std::string_view expression) {
    use_.keys.push_back({.expression = expression, .use = use});
  }
  void Order(std::string_view column, bool descending = false, bool nulls_first = false) {
    use_.keys.push_back({.column = column, .use = KeyUse::kOrder, .descending = descending, .nulls_first = nulls_first});
  }

  std::vector<Candidate> All() {
    world_.snapshot.Seal();
    std::pmr::vector<Candidate> found(std::pmr::new_delete_resource());
    AddCandidates(world_.snapshot, use_, found);
    return {found.begin(), found.end()};
  }
  std::vector<std::string> Found() {
    std::vector<std::string> lists;
    for (const Candidate& candidate : All())
      lists.emplace_back(Columns(candidate, std::pmr::new_delete_resource()));
    return lists;
  }

  World world_;
  TableUse use_;
};

using Lists = std::vector<std::string>;

TEST_F(Candidates, EqualityOnOneColumn) {
  Use(KeyUse::kEqual, {"customer_id"});
  EXPECT_EQ(Found(), Lists{"(customer_id)"});
}

TEST_F(Candidates, EqualityComesBeforeRangeAndOrder) {
  Use(KeyUse::kRange, {"id"});
  Use(KeyUse::kEqual, {"status", "customer_id"});
  Order("note");
  const Lists lists = Found();
  EXPECT_EQ(lists[0], "(customer_id, status, id)");  // more different values first
  EXPECT_EQ(lists[1], "(customer_id, status, note)");
  EXPECT_EQ(lists[2], "(customer_id, status)");
  EXPECT_LE(lists.size(), kMaxCandidates);
}

TEST_F(Candidates, OrderIsReadForwardWhereItCanBe) {
  Order("id", true, true);
  EXPECT_EQ(Found(), Lists{"(id)"});
}

TEST_F(Candidates, MixedOrderIsSpelledOut) {
  Use(KeyUse::kEqual, {"status"});
  Order("customer_id", true, true);
  Order("id");
  Order("note", true, false);
  EXPECT_EQ(Found()[0], "(status, customer_id, id DESC, note NULLS FIRST)");
}

TEST_F(Candidates, ExpressionAsWritten) {
  UseExpression(KeyUse::kEqual, "lower(note)");
  EXPECT_EQ(Found(), Lists{"(lower(note))"});
}

TEST_F(Candidates, OtherExpressionsInParentheses) {
  UseExpression(KeyUse::kEqual, "note || status");
  EXPECT_EQ(Found(), Lists{"((note || status))"});
}

TEST_F(Candidates, LikeTakesThePatternClass) {
  use_.keys.push_back({.column = "note", .use = KeyUse::kPattern, .opclass = "text_pattern_ops"});
  EXPECT_EQ(Found(), Lists{"(note text_pattern_ops)"});
}

TEST_F(Candidates, JoinColumnBeforeAndWithTheFilter) {
  Use(KeyUse::kJoin, {"customer_id"});
  Use(KeyUse::kEqual, {"status"});
  EXPECT_EQ(Found(), (Lists{"(status)", "(customer_id, status)", "(customer_id)"}));
}

TEST_F(Candidates, JoinColumnWithARange) {
  Use(KeyUse::kJoin, {"customer_id"});
  Use(KeyUse::kRange, {"id"});
  EXPECT_EQ(Found(), (Lists{"(customer_id)", "(id)", "(customer_id, id)"}));
}

TEST_F(Candidates, EachArmOfAnOrByItself) {
  use_.keys.push_back({.column = "customer_id", .use = KeyUse::kEqual, .arm = 1});
  use_.keys.push_back({.column = "id", .use = KeyUse::kEqual, .arm = 2});
  EXPECT_EQ(Found(), (Lists{"(customer_id)", "(id)"}));
}

TEST_F(Candidates, WhatElseIsReadComesAlong) {
  Use(KeyUse::kEqual, {"customer_id"});
  Use(KeyUse::kRange, {"id"});
  use_.needed = {"customer_id", "id", "status"};
  const Lists lists = Found();
  EXPECT_NE(std::find(lists.begin(), lists.end(), "(customer_id, id) INCLUDE (status)"), lists.end());
}

TEST_F(Candidates, NothingComesAlongWithAWholeRowOrWideColumns) {
  Use(KeyUse::kEqual, {"customer_id"});
  use_.needed = {"status"};
  use_.needs_row = true;
  EXPECT_EQ(Found(), Lists{"(customer_id)"});
  use_.needs_row = false;
  world_.snapshot.tables[0].columns = world_.snapshot.Keep(std::span<const Column>(std::vector<Column>{
      {.number = 2, .name = "customer_id", .average_width = 4}, {.number = 3, .name = "status", .average_width = 400}}));
  EXPECT_EQ(Found(), Lists{"(customer_id)"});
}

TEST_F(Candidates, AConditionThatIsAlwaysStatedRestrictsTheIndex) {
  Use(KeyUse::kEqual, {"customer_id", "note"});
  use_.conditions.push_back({.column = "note", .text = "(note IS NULL)"});
  const Lists lists = Found();
  EXPECT_NE(std::find(lists.begin(), lists.end(), "(customer_id) WHERE (note IS NULL)"), lists.end());
}

TEST_F(Candidates, AConstantRestrictsItOnlyWhereThereAreFew) {
  Use(KeyUse::kEqual, {"customer_id", "status"});
  Use(KeyUse::kRange, {"id"});
  use_.conditions.push_back({.column = "customer_id", .text = "(customer_id = 8)", .constant = true});
  use_.conditions.push_back({.column = "status", .text = "(status = 'new'::text)", .constant = true});
  int restricted = 0;
  for (const Candidate& candidate : All()) {
    EXPECT_NE(candidate.predicate, "(customer_id = 8)");
    restricted += candidate.predicate == "(status = 'new'::text)";
  }
  EXPECT_GE(restricted, 1);
}

TEST_F(Candidates, OtherMethodsWhereTheOperatorAsksForThem) {
  use_.keys.push_back({.column = "note", .use = KeyUse::kOperator, .method = Method::kGin, .opclass = "public.gin_trgm_ops"});
  use_.keys.push_back({.column = "note", .use = KeyUse::kDistance, .method = Method::kGist, .opclass = "public.gist_trgm_ops"});
  EXPECT_EQ(Found(), (Lists{"USING gin (note public.gin_trgm_ops)", "USING gist (note public.gist_trgm_ops)"}));
  EXPECT_EQ(Definition(world_.snapshot, All()[0], "x", std::pmr::new_delete_resource()),
            "CREATE INDEX CONCURRENTLY x ON shop.orders USING gin (note public.gin_trgm_ops)");
}

TEST_F(Candidates, BrinWhereRowsLieInOrder) {
  Use(KeyUse::kRange, {"id"});
  std::vector<Column> columns(world_.snapshot.tables[0].columns.begin(), world_.snapshot.tables[0].columns.end());
  columns[0].correlation = -0.99;
  world_.snapshot.tables[0].columns = world_.snapshot.Keep(std::span<const Column>(columns));
  world_.snapshot.tables[0].pages = 100000;
  EXPECT_EQ(Found(), (Lists{"(id)", "USING brin (id)"}));
  world_.snapshot.tables[0].pages = 100;
  EXPECT_EQ(Found(), Lists{"(id)"});
}

TEST_F(Candidates, HashForWideValuesComparedByEquality) {
  Use(KeyUse::kEqual, {"note"});
  world_.snapshot.tables[0].columns = world_.snapshot.Keep(
      std::span<const Column>(std::vector<Column>{{.number = 4, .name = "note", .average_width = 90}}));
  EXPECT_EQ(Found(), (Lists{"(note)", "USING hash (note)"}));
}

TEST_F(Candidates, PartitionsAreIndexedThroughTheirParent) {
  Table& parent = world_.AddTable(2000, "events");
  parent.kind = 'p';
  Table& child = world_.AddTable(2001, "events_1");
  child.parent = 2000;
  use_.relation = 2001;
  Use(KeyUse::kEqual, {"status"});
  const auto found = All();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].table, 2000u);
  EXPECT_EQ(Definition(world_.snapshot, found[0], "x", std::pmr::new_delete_resource()),
            "CREATE INDEX x ON shop.events USING btree (status)");
}

// Silence.

TEST_F(Candidates, NoneForUnknownColumns) {
  Use(KeyUse::kEqual, {"gone"});
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, NoneForWideColumns) {
  world_.snapshot.tables[0].columns =
      world_.snapshot.Keep(std::span<const Column>(std::vector<Column>{
          {.number = 4, .name = "note", .type_name = "text", .average_width = 3000}}));
  Use(KeyUse::kRange, {"note"});
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, NoneForTablesThatAreNotJudged) {
  world_.snapshot.tables[0].temporary = true;
  Use(KeyUse::kEqual, {"customer_id"});
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, NoneThatAnIndexServes) {
  world_.AddIndex(500, "orders_customer", {2, 3});
  Use(KeyUse::kEqual, {"customer_id"});
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, NoneThatAnIndexServesInAnotherOrderOfEqualKeys) {
  world_.AddIndex(500, "orders_both", {3, 2});
  Use(KeyUse::kEqual, {"customer_id", "status"});
  EXPECT_EQ(Found(), Lists{"(customer_id)"});
}

TEST_F(Candidates, NoneThatAUniqueIndexDecides) {
  world_.AddIndex(500, "orders_pkey", {1}).unique = true;
  Use(KeyUse::kEqual, {"id"});
  Use(KeyUse::kRange, {"status"});
  EXPECT_EQ(Found(), Lists{"(status)"});
}

TEST_F(Candidates, NoneThatAnIndexReadBackwardsServes) {
  world_.AddIndex(500, "orders_id", {1});
  Order("id", true, true);
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, NoneThatAnotherMethodServes) {
  world_.AddIndex(500, "orders_hash", {2}).method = "hash";
  Use(KeyUse::kEqual, {"customer_id"});
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, AnIndexWithoutWhatIsReadBesidesDoesNotServe) {
  world_.AddIndex(500, "orders_customer", {2});
  Use(KeyUse::kEqual, {"customer_id"});
  use_.needed = {"customer_id", "status"};
  EXPECT_EQ(Found(), Lists{"(customer_id) INCLUDE (status)"});
}

TEST_F(Candidates, AnUnusableIndexServesNothing) {
  world_.AddIndex(500, "a", {2}).valid = false;
  world_.AddIndex(501, "b", {2}).predicate = "(status = 'open'::text)";
  world_.AddIndex(502, "c", {3, 2});
  world_.AddIndex(503, "d", {2}).method = "brin";
  Use(KeyUse::kEqual, {"customer_id"});
  EXPECT_EQ(Found(), Lists{"(customer_id)"});
}

TEST_F(Candidates, AreBoundedAndEachOnce) {
  Use(KeyUse::kEqual, {"id", "customer_id", "status", "note"});
  Use(KeyUse::kRange, {"id", "note"});
  Use(KeyUse::kJoin, {"customer_id", "id"});
  Order("note");
  Order("id");
  use_.needed = {"id", "note", "status"};
  Lists lists = Found();
  EXPECT_GE(lists.size(), 6u);
  EXPECT_LE(lists.size(), kMaxCandidates);
  for (const std::string& list : lists) EXPECT_LE(std::count(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(list.find(')')), ','), 3);
  std::sort(lists.begin(), lists.end());
  EXPECT_EQ(std::adjacent_find(lists.begin(), lists.end()), lists.end());
}

// Names and definitions.

Candidate On(std::initializer_list<CandidateKey> keys) {
  Candidate candidate;
  candidate.table = 1000;
  for (const CandidateKey& key : keys) candidate.keys.push_back(key);
  return candidate;
}

TEST_F(Candidates, NamesFitAndAreFree) {
  auto* memory = std::pmr::new_delete_resource();
  world_.AddIndex(500, "orders_customer_id_idx", {2});
  world_.snapshot.Seal();
  const Candidate candidate = On({{.column = 2, .text = "customer_id"}});
  std::pmr::vector<std::pmr::string> taken(memory);
  EXPECT_EQ(ChooseName(world_.snapshot, candidate, taken, memory), "orders_customer_id_idx1");
  taken.emplace_back("orders_customer_id_idx1");
  EXPECT_EQ(ChooseName(world_.snapshot, candidate, taken, memory), "orders_customer_id_idx2");
  const std::string wide(60, 'x');
  EXPECT_EQ(ChooseName(world_.snapshot, On({{.column = 9, .text = wide}}), taken, memory).size(),
            63u);
  EXPECT_EQ(ChooseName(world_.snapshot, On({{.text = "lower(note)"}}), taken, memory),
            "orders_lower_idx");
  EXPECT_EQ(ChooseName(world_.snapshot, On({{.text = "pg_catalog.upper(note)"}}), taken, memory),
            "orders_upper_idx");
  EXPECT_EQ(ChooseName(world_.snapshot, On({{.text = "note || 'a'"}}), taken, memory),
            "orders_expr_idx");
}

TEST_F(Candidates, IdentifiersAreQuoted) {
  world_.snapshot.tables[0].name = "Order \"s";
  world_.snapshot.Seal();
  EXPECT_EQ(
      Definition(world_.snapshot, On({{.column = 2, .text = "a b"}, {.column = 3, .text = "user"}}),
                 "Order_idx", std::pmr::new_delete_resource()),
      "CREATE INDEX CONCURRENTLY \"Order_idx\" ON shop.\"Order \"\"s\" USING btree (\"a b\", "
      "\"user\")");
}

TEST(Covering, PrefixesAndSetsOfEqualKeys) {
  const CandidateKey a{.column = 1, .text = "a"}, b{.column = 2, .text = "b"};
  const CandidateKey c{.column = 3, .text = "c", .use = KeyUse::kRange};
  const CandidateKey down{
      .column = 2, .text = "b", .use = KeyUse::kOrder, .descending = true, .nulls_first = true};
  EXPECT_TRUE(Covers(On({a, b}), On({a})));
  EXPECT_TRUE(Covers(On({a, b, c}), On({b, a})));
  EXPECT_TRUE(Covers(On({a, c}), On({a, c})));
  EXPECT_FALSE(Covers(On({a}), On({a, b})));
  EXPECT_FALSE(Covers(On({a, b}), On({b})));
  EXPECT_FALSE(Covers(On({a, b}), On({a, down})));
  EXPECT_FALSE(SameIndex(On({a, b}), On({a})));
  Candidate other = On({a});
  other.table = 1;
  EXPECT_FALSE(Covers(On({a, b}), other));
  Candidate partial = On({a}), carrying = On({a});
  partial.predicate = "(b IS NULL)";
  carrying.included.push_back(b);
  EXPECT_TRUE(Covers(On({a, b}), partial));
  EXPECT_FALSE(Covers(partial, On({a})));
  EXPECT_TRUE(Covers(On({a, b}), carrying));
  EXPECT_TRUE(Covers(carrying, On({a})));
  EXPECT_FALSE(Covers(On({a, c}), carrying));
}

TEST(Redundant, WhatBeginsTheNewIndexAndGuardsNothing) {
  World world;
  world.AddTable();
  Index& index = world.AddIndex(500, "orders_customer", {2});
  index.definition = "CREATE INDEX orders_customer ON shop.orders USING btree (customer_id)";
  const CandidateKey customer{.column = 2, .text = "customer_id"}, status{.column = 3, .text = "status"};
  EXPECT_TRUE(DoesWorkOf(On({customer, status}), index));
  EXPECT_FALSE(DoesWorkOf(On({status, customer}), index));
  Candidate partial = On({customer, status});
  partial.predicate = "(status IS NULL)";
  EXPECT_FALSE(DoesWorkOf(partial, index));
  index.unique = true;
  EXPECT_FALSE(DoesWorkOf(On({customer, status}), index));
  index.unique = false;
  index.definition = "CREATE INDEX orders_customer ON shop.orders USING btree (customer_id text_pattern_ops)";
  EXPECT_FALSE(DoesWorkOf(On({customer, status}), index));
}

// --- what several statements share

class Merged : public testing::Test {
 protected:
  Merged() {
    world_.AddTable();
    world_.snapshot.Seal();
  }
  static Candidate Make(std::initializer_list<std::int16_t> keys,
                        std::initializer_list<std::int16_t> included) {
    static constexpr std::string_view kNames[] = {"", "id", "customer_id", "status", "note"};
    Candidate candidate;
    candidate.table = 1000;
    for (const std::int16_t key : keys)
      candidate.keys.push_back({.column = key, .text = kNames[key]});
    for (const std::int16_t key : included)
      candidate.included.push_back({.column = key, .text = kNames[key]});
    return candidate;
  }
  std::vector<std::string> Found(const std::vector<Candidate>& pool) {
    std::vector<const Candidate*> pointers;
    for (const Candidate& candidate : pool) pointers.push_back(&candidate);
    std::pmr::vector<Candidate> out(std::pmr::new_delete_resource());
    AddMerged(world_.snapshot, pointers, out);
    std::vector<std::string> lists;
    for (const Candidate& candidate : out)
      lists.emplace_back(Columns(candidate, std::pmr::new_delete_resource()));
    return lists;
  }
  World world_;
};

TEST_F(Merged, SameKeysCarryWhatEitherCarries) {
  EXPECT_EQ(Found({Make({2}, {1}), Make({2}, {3})}), Lists{"(customer_id) INCLUDE (id, status)"});
  EXPECT_EQ(Found({Make({2}, {3}), Make({1}, {3}), Make({2}, {1})}),
            Lists{"(customer_id) INCLUDE (id, status)"});
}

TEST_F(Merged, NothingNewIsNothing) {
  EXPECT_EQ(Found({}), Lists{});
  EXPECT_EQ(Found({Make({2}, {1})}), Lists{});
  EXPECT_EQ(Found({Make({2}, {1}), Make({2}, {1, 3})}), Lists{});
  EXPECT_EQ(Found({Make({2}, {1}), Make({2}, {3}), Make({2}, {1, 3})}), Lists{});
  EXPECT_EQ(Found({Make({2}, {}), Make({2}, {3})}), Lists{});
}

TEST_F(Merged, OtherKeysStayApart) {
  EXPECT_EQ(Found({Make({2}, {1}), Make({2, 3}, {4})}), Lists{});
  Candidate partial = Make({2}, {3});
  partial.predicate = "(note IS NULL)";
  EXPECT_EQ(Found({Make({2}, {1}), partial}), Lists{});
  Candidate descending = Make({2}, {3});
  descending.keys[0].descending = true;
  EXPECT_EQ(Found({Make({2}, {1}), descending}), Lists{});
}

TEST_F(Merged, NeitherTheWholeRowNorWhatIsTooWide) {
  EXPECT_EQ(Found({Make({2}, {1, 3}), Make({2}, {4})}), Lists{});  // all four columns
  std::vector<Column> columns(world_.snapshot.tables[0].columns.begin(),
                              world_.snapshot.tables[0].columns.end());
  columns[2].average_width = 100;
  columns[3].average_width = 100;
  world_.snapshot.tables[0].columns = world_.snapshot.Keep(std::span<const Column>(columns));
  EXPECT_EQ(Found({Make({2}, {3}), Make({2}, {4})}), Lists{});
  EXPECT_EQ(Found({Make({2}, {3}), Make({2}, {4}), Make({2}, {1})}),
            Lists{"(customer_id) INCLUDE (id, status)"});
}

}  // namespace
}  // namespace assist::advise
