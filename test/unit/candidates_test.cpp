// Index candidates: what is proposed for observed predicates, in which order, and what never is.
#include "core/advise/candidates.hpp"

#include <string>
#include <vector>

#include "world.hpp"

namespace assist::advise {
namespace {

using test::World;

struct Use {
  std::string column;  // empty: an expression
  std::string expression;
  std::string op;
};

class Candidates : public testing::Test {
 protected:
  Candidates() { world_.AddTable(); }

  void Observe(PredicateUse use, const std::vector<Use>& uses, Oid relation = 1000,
               std::int64_t query = 7) {
    std::vector<std::string_view> columns, expressions, operators;
    for (const Use& each : uses) {
      columns.push_back(world_.Keep(each.column));
      expressions.push_back(world_.Keep(each.expression));
      operators.push_back(world_.Keep(each.op));
    }
    Snapshot& snapshot = world_.snapshot;
    Predicate predicate;
    predicate.query_id = query;
    predicate.user = 10;
    predicate.relation = relation;
    predicate.use = use;
    predicate.columns = snapshot.Keep(std::span<const std::string_view>(columns));
    predicate.expressions = snapshot.Keep(std::span<const std::string_view>(expressions));
    predicate.operators = snapshot.Keep(std::span<const std::string_view>(operators));
    snapshot.predicates.push_back(predicate);
  }

  std::vector<std::string> Found(std::int64_t query = 7) {
    world_.snapshot.Seal();
    std::vector<std::string> lists;
    for (const Candidate& candidate :
         FindCandidates(world_.snapshot, query, 10, std::pmr::new_delete_resource())) {
      lists.emplace_back(KeyList(candidate, std::pmr::new_delete_resource()));
    }
    return lists;
  }

  World world_;
};

using Lists = std::vector<std::string>;

TEST_F(Candidates, EqualityOnOneColumn) {
  Observe(PredicateUse::kFilter, {{"customer_id", "", "="}});
  EXPECT_EQ(Found(), Lists{"(customer_id)"});
}

TEST_F(Candidates, EqualityComesBeforeRangeAndOrder) {
  Observe(PredicateUse::kFilter,
          {{"id", "", ">"}, {"status", "", "="}, {"customer_id", "", "= ANY"}});
  Observe(PredicateUse::kSort, {{"note", "", "ASC"}});
  const Lists lists = Found();
  EXPECT_EQ(lists[0], "(customer_id, status, id)");  // more different values first
  EXPECT_EQ(lists[1], "(customer_id, status, note)");
  EXPECT_EQ(lists[2], "(customer_id, status)");
  EXPECT_LE(lists.size(), kMaxCandidates);
}

TEST_F(Candidates, OrderIsReadForwardWhereItCanBe) {
  Observe(PredicateUse::kSort, {{"id", "", "DESC"}});
  EXPECT_EQ(Found(), Lists{"(id)"});
}

TEST_F(Candidates, MixedOrderIsSpelledOut) {
  Observe(PredicateUse::kFilter, {{"status", "", "="}});
  Observe(PredicateUse::kSort,
          {{"customer_id", "", "DESC"}, {"id", "", "ASC"}, {"note", "", "DESC NULLS LAST"}});
  EXPECT_EQ(Found()[0], "(status, customer_id, id DESC, note NULLS FIRST)");
}

TEST_F(Candidates, OrderEndsAtAKeyThatIsNoColumn) {
  Observe(PredicateUse::kSort, {{"id", "", "ASC"}, {"", "(SELECT 1)", "ASC"}, {"note", "", "ASC"}});
  EXPECT_EQ(Found(), Lists{"(id)"});
}

TEST_F(Candidates, ExpressionAsWritten) {
  Observe(PredicateUse::kFilter, {{"", "lower(note)", "="}});
  EXPECT_EQ(Found(), Lists{"(lower(note))"});
}

TEST_F(Candidates, OtherExpressionsInParentheses) {
  Observe(PredicateUse::kFilter, {{"", "note || status", "="}});
  EXPECT_EQ(Found(), Lists{"((note || status))"});
}

TEST_F(Candidates, LikeTakesThePatternClass) {
  world_.snapshot.tables[0]
      .columns = world_.snapshot.Keep(std::span<const Column>(std::vector<Column>{
      {.number = 1, .name = "id", .type_name = "integer"},
      {.number = 4, .name = "note", .type_name = "character varying(40)", .average_width = 20}}));
  Observe(PredicateUse::kFilter, {{"note", "", "~~"}, {"id", "", "~~"}});
  EXPECT_EQ(Found(), Lists{"(note varchar_pattern_ops)"});
}

TEST_F(Candidates, LikeNeedsNoneInTheCCollation) {
  world_.snapshot.settings.push_back({.name = "lc_collate", .value = "C"});
  Observe(PredicateUse::kFilter, {{"note", "", "~~"}});
  EXPECT_EQ(Found(), Lists{"(note)"});
}

TEST_F(Candidates, JoinColumnBeforeAndWithTheFilter) {
  Observe(PredicateUse::kJoin, {{"customer_id", "", "="}});
  Observe(PredicateUse::kFilter, {{"status", "", "="}});
  EXPECT_EQ(Found(), (Lists{"(status)", "(customer_id, status)", "(customer_id)"}));
}

TEST_F(Candidates, PartitionsAreIndexedThroughTheirParent) {
  Table& parent = world_.AddTable(2000, "events");
  parent.kind = 'p';
  Table& child = world_.AddTable(2001, "events_1");
  child.parent = 2000;
  Observe(PredicateUse::kFilter, {{"status", "", "="}}, 2001);
  world_.snapshot.Seal();
  const auto found = FindCandidates(world_.snapshot, 7, 10, std::pmr::new_delete_resource());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].table, 2000u);
  EXPECT_EQ(Definition(world_.snapshot, found[0], "x", std::pmr::new_delete_resource()),
            "CREATE INDEX x ON shop.events USING btree (status)");
}

// Silence.

TEST_F(Candidates, NoneForAnotherStatementOrUser) {
  Observe(PredicateUse::kFilter, {{"customer_id", "", "="}});
  EXPECT_TRUE(Found(8).empty());
  EXPECT_TRUE(FindCandidates(world_.snapshot, 7, 11, std::pmr::new_delete_resource()).empty());
}

TEST_F(Candidates, NoneForOperatorsThatABtreeCannotServe) {
  Observe(PredicateUse::kFilter, {{"note", "", "~~*"},
                                  {"note", "", "~~ infix"},
                                  {"note", "", "OR ="},
                                  {"note", "", "@>"},
                                  {"customer_id", "", "<>"},
                                  {"status", "", "@@"}});
  Observe(PredicateUse::kJoin, {{"customer_id", "", "<"}});
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, NoneForConstantsSubqueriesAndUnknownColumns) {
  Observe(PredicateUse::kFilter,
          {{"", "", "="}, {"", "$1", "="}, {"", "(SELECT 1)", "="}, {"gone", "", "="}});
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, NoneForWideColumns) {
  world_.snapshot.tables[0].columns =
      world_.snapshot.Keep(std::span<const Column>(std::vector<Column>{
          {.number = 4, .name = "note", .type_name = "text", .average_width = 3000},
          {.number = 5, .name = "document", .type_name = "json", .average_width = 30}}));
  Observe(PredicateUse::kFilter, {{"note", "", "="}, {"document", "", "="}});
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, NoneForTablesThatAreNotJudged) {
  world_.snapshot.tables[0].temporary = true;
  Observe(PredicateUse::kFilter, {{"customer_id", "", "="}});
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, NoneThatAnIndexServes) {
  world_.AddIndex(500, "orders_customer", {2, 3});
  Observe(PredicateUse::kFilter, {{"customer_id", "", "="}});
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, NoneThatAnIndexServesInAnotherOrderOfEqualKeys) {
  world_.AddIndex(500, "orders_both", {3, 2});
  Observe(PredicateUse::kFilter, {{"customer_id", "", "="}, {"status", "", "="}});
  EXPECT_EQ(Found(), Lists{"(customer_id)"});
}

TEST_F(Candidates, NoneThatAUniqueIndexDecides) {
  world_.AddIndex(500, "orders_pkey", {1}).unique = true;
  Observe(PredicateUse::kFilter, {{"id", "", "="}, {"status", "", ">"}});
  const Lists lists = Found();
  EXPECT_EQ(lists, Lists{"(status)"});
}

TEST_F(Candidates, NoneThatAnIndexReadBackwardsServes) {
  world_.AddIndex(500, "orders_id", {1});
  Observe(PredicateUse::kSort, {{"id", "", "DESC"}});
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, NoneThatAnotherMethodServes) {
  world_.AddIndex(500, "orders_hash", {2}).method = "hash";
  Observe(PredicateUse::kFilter, {{"customer_id", "", "="}});
  EXPECT_TRUE(Found().empty());
}

TEST_F(Candidates, AnUnusableIndexServesNothing) {
  world_.AddIndex(500, "a", {2}).valid = false;
  world_.AddIndex(501, "b", {2}).predicate = "(status = 'open'::text)";
  world_.AddIndex(502, "c", {3, 2});
  world_.AddIndex(503, "d", {2}).method = "brin";
  Observe(PredicateUse::kFilter, {{"customer_id", "", "="}});
  EXPECT_EQ(Found(), Lists{"(customer_id)"});
}

TEST_F(Candidates, AreBoundedAndInTheSameOrderEachTime) {
  Observe(PredicateUse::kFilter, {{"id", "", "="},
                                  {"customer_id", "", "="},
                                  {"status", "", "="},
                                  {"note", "", "="},
                                  {"id", "", ">"},
                                  {"note", "", "<"},
                                  {"note", "", "~~"}});
  Observe(PredicateUse::kJoin, {{"customer_id", "", "="}, {"id", "", "="}});
  Observe(PredicateUse::kSort, {{"note", "", "ASC"}, {"id", "", "ASC"}});
  const Lists first = Found();
  EXPECT_GE(first.size(), 6u);
  EXPECT_LE(first.size(), kMaxCandidates);
  std::reverse(world_.snapshot.predicates.begin(), world_.snapshot.predicates.end());
  Lists second = Found(), sorted = first;
  std::sort(second.begin(), second.end());
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, second);
  for (const std::string& list : first) EXPECT_LE(std::count(list.begin(), list.end(), ','), 3);
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
  EXPECT_FALSE(SameKeys(On({a, b}), On({a})));
  Candidate other = On({a});
  other.table = 1;
  EXPECT_FALSE(Covers(On({a, b}), other));
}

}  // namespace
}  // namespace assist::advise
