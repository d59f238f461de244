// Normalizing, fingerprints, deparsing; and that no text, however deep or damaged, does more than
// fail.

#include "sqlparse/sqlparse.hpp"

#include <functional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "sqlparse/tokens.hpp"

namespace assist::sqlparse {
namespace {

std::string Repeat(std::string_view piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

TEST(Normalize, ReplacesLiterals) {
  EXPECT_EQ(Normalize("SELECT * FROM t WHERE a = 5 AND b = 'x'").text(),
            "SELECT * FROM t WHERE a = $1 AND b = $2");
  EXPECT_EQ(Normalize("INSERT INTO t VALUES (1, 'secret', $1)").text(),
            "INSERT INTO t VALUES ($2, $3, $1)");
  EXPECT_EQ(Normalize("SELECT $$a$$, E'b\\'c', U&'d', B'01', X'1f', -7").text(),
            "SELECT $1, $2, $3, $4, $5, $6");
  EXPECT_EQ(Normalize("").text(), "");
}

// libpg_query does not descend into these; what it leaves is masked.
TEST(Normalize, LeavesNoStringInUtilityStatements) {
  for (const char* sql : {
           "CREATE TABLE t (a text DEFAULT 'secret')",
           "ALTER ROLE bob PASSWORD 'secret'",
           "CREATE USER bob PASSWORD 'secret'",
           "COMMENT ON TABLE t IS 'secret'",
           "NOTIFY channel, 'secret'",
           "COPY t FROM '/secret' WITH (DELIMITER 'secret')",
           "SET application_name = 'secret'",
           "ALTER SYSTEM SET log_line_prefix = 'secret'",
           "CREATE SUBSCRIPTION s CONNECTION 'password=secret' PUBLICATION p",
           "CREATE USER MAPPING FOR bob SERVER s OPTIONS (password 'secret')",
           "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $body$ SELECT 'secret' $body$",
           "DO $x$ BEGIN PERFORM 'secret'; END $x$",
           "CREATE VIEW v AS SELECT 'secret' AS s",
           "EXPLAIN SELECT 'secret'",
           "PREPARE TRANSACTION 'secret'",
           "DECLARE c CURSOR FOR SELECT 'secret'",
           "CALL p('secret')",
           "EXECUTE s('secret')",
           "CREATE TYPE mood AS ENUM ('secret')",
           "SELECT 'a'\n  'secret'",
           "SELECT interval 'secret' day",
           "SELECT U&'secret' UESCAPE '!'",
       }) {
    const Result result = Normalize(sql);
    EXPECT_TRUE(result) << sql << ": " << result.error.message;
    EXPECT_EQ(result.text().find("secret"), std::string_view::npos) << result.text();
    EXPECT_EQ(result.text().find('\''), std::string_view::npos) << result.text();
  }
}

TEST(Normalize, GivesTheErrorAndItsPosition) {
  const Result result = Normalize("SELECT 'ä' FROM FROM t");
  EXPECT_EQ(result.status, SQLPARSE_SYNTAX);
  EXPECT_EQ(result.error.position, 17);
  EXPECT_STREQ(result.error.message, "syntax error at or near \"FROM\"");
  EXPECT_EQ(result.text(), "");
  EXPECT_EQ(Normalize("SELECT 'open").status, SQLPARSE_SYNTAX);
}

TEST(Normalize, RefusesWhatIsNotUtf8) {
  const Result result = Normalize("SELECT 'ä\xff'");
  EXPECT_EQ(result.status, SQLPARSE_SYNTAX);
  EXPECT_EQ(result.error.position, 10);
  EXPECT_EQ(Normalize(std::string_view("SELECT 1\0, 2", 12)).status, SQLPARSE_SYNTAX);
  EXPECT_EQ(Normalize("SELECT '\xed\xa0\x80'").status, SQLPARSE_SYNTAX);  // surrogate
  EXPECT_EQ(Normalize("SELECT '\xc0\xaf'").status, SQLPARSE_SYNTAX);      // overlong
  EXPECT_TRUE(Normalize("SELECT '\xf0\x9f\x90\x98'"));
}

TEST(Fingerprint, IgnoresLiteralsAndSpacing) {
  const Fingerprint a = FingerprintOf("SELECT * FROM t WHERE a IN (1, 2, 3)");
  const Fingerprint b = FingerprintOf("select  *  from t where a in (4)");
  const Fingerprint c = FingerprintOf("SELECT * FROM u WHERE a IN (1)");
  EXPECT_EQ(a.status, SQLPARSE_OK);
  EXPECT_NE(a.value, 0U);
  EXPECT_EQ(a.value, b.value);
  EXPECT_NE(a.value, c.value);
  EXPECT_EQ(FingerprintOf("SELECT (").status, SQLPARSE_SYNTAX);
}

TEST(Parse, GivesJson) {
  const Result result = ParseToJson("SELECT a FROM t");
  ASSERT_TRUE(result);
  EXPECT_EQ(result.text().substr(0, 11), "{\"version\":");
  EXPECT_NE(result.text().find("\"relname\":\"t\""), std::string_view::npos);
}

TEST(Deparse, GivesOneSpelling) {
  EXPECT_EQ(Deparse("select  a -- why\n from t where (a=1)").text(), "SELECT a FROM t WHERE a = 1");
  EXPECT_EQ(Deparse("SELECT FROM FROM").status, SQLPARSE_SYNTAX);
}

TEST(Limits, LongTextsAreRefused) {
  const std::string sql = "SELECT '" + std::string(SQLPARSE_MAX_BYTES, 'x') + "'";
  EXPECT_EQ(Normalize(sql).status, SQLPARSE_TOO_LONG);
  EXPECT_EQ(FingerprintOf(sql).status, SQLPARSE_TOO_LONG);
  EXPECT_TRUE(Normalize(sql.substr(0, 8) + std::string(900000, 'x') + "'"));
}

// What applications do send is not "too deep".
TEST(Limits, WideStatementsAreNotDeep) {
  EXPECT_TRUE(Normalize("SELECT * FROM t WHERE a IN (" + Repeat("1, ", 20000) + "2)"));
  EXPECT_TRUE(Normalize("INSERT INTO t VALUES (1, 'x')" + Repeat(", (2, 'y')", 20000)));
  EXPECT_TRUE(Deparse("SELECT 1 WHERE a = 1" + Repeat(" OR a = 1 AND b LIKE 'x'", 5000)));
  EXPECT_TRUE(Deparse("SELECT CASE" + Repeat(" WHEN a = 1 THEN 'x'", 3000) + " END"));
  EXPECT_TRUE(Deparse("SELECT 1" + Repeat(" UNION ALL SELECT 1", 300)));
  EXPECT_TRUE(Deparse("SELECT 1 FROM a" + Repeat(" JOIN b ON a.x = b.x AND a.y = b.y", 200)));
  EXPECT_TRUE(Deparse("SELECT 1 AS a" + Repeat(", x.column_name AS another_name", 1600)));
  EXPECT_TRUE(Normalize(Repeat("SELECT 1 + 1; ", 10000)));
}

struct Shape {
  const char* name;
  std::function<std::string(std::size_t bytes)> make;
};

std::string Nested(std::string_view head, std::string_view open, std::string_view core,
                   std::string_view close, std::size_t bytes) {
  const std::size_t times = (bytes - head.size() - core.size()) / (open.size() + close.size());
  return std::string(head) + Repeat(open, times) + std::string(core) + Repeat(close, times);
}

const Shape kShapes[] = {
    {"operators", [](std::size_t n) { return Nested("SELECT ", "'x'||", "'x'", "", n); }},
    {"brackets", [](std::size_t n) { return Nested("SELECT ", "(", "1", ")", n); }},
    {"subselects", [](std::size_t n) { return Nested("SELECT ", "(SELECT ", "1", ")", n); }},
    {"derived_tables",
     [](std::size_t n) { return Nested("SELECT 1 FROM ", "(SELECT 1 FROM ", "t", ") x", n); }},
    {"calls", [](std::size_t n) { return Nested("SELECT ", "f(", "1", ")", n); }},
    {"cases", [](std::size_t n) { return Nested("SELECT ", "CASE WHEN a THEN ", "1", " END", n); }},
    {"negations", [](std::size_t n) { return Nested("SELECT ", "NOT ", "a", "", n); }},
    {"unions", [](std::size_t n) { return Nested("", "SELECT 1 UNION ", "SELECT 1", "", n); }},
    {"joins",
     [](std::size_t n) { return Nested("SELECT 1 FROM t", " JOIN t ON a AND b", "", "", n); }},
    {"casts", [](std::size_t n) { return Nested("SELECT 1", "::int", "", "", n); }},
    {"arrays", [](std::size_t n) { return Nested("SELECT ARRAY", "[", "1", "]", n); }},
    {"subscripts", [](std::size_t n) { return Nested("SELECT ", "(a[", "1", "])[1]", n); }},
    {"mixed_siblings",
     [](std::size_t n) { return Nested("SELECT ", "(", "1", ") + 1 + 1 + 1", n); }},
    {"column_called_end",
     [](std::size_t n) { return Nested("SELECT ", "(SELECT 1 AS end, ", "1", ")", n); }},
    {"in_default",
     [](std::size_t n) {
       return Nested("CREATE TABLE t (a text DEFAULT ", "'x'||", "'x')", "", n);
     }},
    {"in_check",
     [](std::size_t n) { return Nested("ALTER TABLE t ADD CHECK (", "(", "a", ")", n) + ")"; }},
    {"with", [](std::size_t n) { return Nested("", "WITH a AS (", "SELECT 1", ") SELECT 1", n); }},
    {"explains", [](std::size_t n) { return Nested("", "EXPLAIN ", "SELECT 1", "", n); }},
    {"rows", [](std::size_t n) { return Nested("SELECT ", "ROW(", "1", ")", n); }},
    {"collations", [](std::size_t n) { return Nested("SELECT a", " COLLATE \"C\"", "", "", n); }},
    {"indirections", [](std::size_t n) { return Nested("SELECT a", ".b", "", "", n); }},
    {"is_null", [](std::size_t n) { return Nested("SELECT a", " IS NULL", "", "", n); }},
    {"only_opening", [](std::size_t n) { return Nested("SELECT ", "((SELECT ", "", "", n); }},
    {"grouping_sets",
     [](std::size_t n) { return Nested("SELECT 1 GROUP BY ", "GROUPING SETS (", "a", ")", n); }},
};

class DeepNesting : public testing::TestWithParam<Shape> {};

// A result or a clean error at every depth, on either side of the limit. A crash ends the test
// program.
TEST_P(DeepNesting, GivesAResultOrACleanError) {
  for (std::size_t bytes : {200U, 1000U, 2000U, 4000U, 6000U, 8000U, 12000U, 100000U, 1000000U}) {
    const std::string sql = GetParam().make(bytes);
    const Result normalized = Normalize(sql);
    const Result parsed = ParseToJson(sql);
    const Result deparsed = Deparse(sql);
    const Fingerprint fingerprint = FingerprintOf(sql);
    for (const sqlparse_status status :
         {normalized.status, parsed.status, deparsed.status, fingerprint.status}) {
      EXPECT_TRUE(status == SQLPARSE_OK || status == SQLPARSE_TOO_DEEP || status == SQLPARSE_SYNTAX)
          << status << " at " << bytes;
    }
    if (normalized) {
      EXPECT_EQ(normalized.text().find('\''), std::string_view::npos)
          << "literals left at " << bytes;
    } else {
      EXPECT_NE(normalized.error.message[0], '\0');
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, DeepNesting, testing::ValuesIn(kShapes),
                         [](const auto& shape) { return std::string(shape.param.name); });

// The scanner against texts cut anywhere, and the parser with it: nothing but a status comes back.
TEST(Robustness, TextsCutAnywhere) {
  const std::string_view sql =
      "/* a /* b */ c */ SELECT E'x\\'y', U&\"d\\0061t\" , $tag$ $x$ $tag$, 'a'\n'b', .5e-3, $1, "
      "a[1:2], x'1F' -- z\n"
      "FROM \"t\"\"u\" WHERE ä @> '{\"k\": 1}'::jsonb AND CASE WHEN a THEN b END ; SELECT 2";
  for (std::size_t begin = 0; begin < sql.size(); begin += 3) {
    for (std::size_t end = begin; end <= sql.size(); ++end) {
      const std::string_view part = sql.substr(begin, end - begin);
      const Result result = Normalize(part);
      EXPECT_EQ(result.text().find("'{"), std::string_view::npos);
      Scanner scanner(part);
      std::size_t last = 0;
      for (Token token = scanner.Next(); token.kind != TokenKind::kEnd; token = scanner.Next()) {
        ASSERT_LE(last, token.begin);
        ASSERT_LE(token.begin, token.end);
        ASSERT_LE(token.end, part.size());
        last = token.end;
        if (token.kind == TokenKind::kUnterminated) break;
      }
    }
  }
}

TEST(NestingBound, CountsBracketsAndChains) {
  constexpr std::size_t kEnough = 1000;
  EXPECT_LT(NestingBound("SELECT a, b, c FROM t WHERE a = 1 AND b = 2", kEnough), 10U);
  EXPECT_GE(NestingBound("SELECT ((((1))))", kEnough), 5U);
  // A bracket inside a chain adds to it wherever it stands.
  EXPECT_GE(NestingBound("SELECT ((1)+1+1+1)+1+1+1", kEnough), 12U);
  EXPECT_EQ(NestingBound("SELECT " + Repeat("(", 5000), kEnough), kEnough);
  EXPECT_EQ(NestingBound("", kEnough), 0U);
}

}  // namespace
}  // namespace assist::sqlparse
