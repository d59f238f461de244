#include "core/text/sensitive.hpp"

#include <gtest/gtest.h>

namespace assist::text {
namespace {

std::string Masked(std::string_view text) {
  std::pmr::string out;
  AppendMasked(out, text);
  return std::string(out);
}

// What must not be recognised: the text stays.
void ExpectKept(std::string_view text) { EXPECT_EQ(text, Masked(text)); }

TEST(Sensitive, Email) {
  EXPECT_EQ("'[email]'", Masked("'alice@example.com'"));
  EXPECT_EQ("to <[email]>, [email].", Masked("to <first.last+tag@mail.example.co.uk>, b_c@d-e.org."));
  EXPECT_EQ("?user=[email]&x=1", Masked("?user=bob%40example.com&x=1"));
  EXPECT_EQ("[email]", Masked("j\xc3\xbcrgen@m\xc3\xbcller.de"));
  EXPECT_EQ("-[email]", Masked("-bob@example.com"));
  ExpectKept("user@localhost");
  ExpectKept("tags @> ARRAY['a']");
  ExpectKept("left-pad@1.3.0");
  ExpectKept("@media screen");
  ExpectKept("a @ b.c");
}

TEST(Sensitive, Card) {
  EXPECT_EQ("'[card]'::text", Masked("'4111111111111111'::text"));
  EXPECT_EQ("[card], [card], [card]", Masked("5500 0000 0000 0004, 3400-000000-00009, 30000000000004"));
  EXPECT_EQ("paid by [card].", Masked("paid by 6011-0000-0000-0004."));
  EXPECT_EQ("[card]", Masked("2223003122003222"));
  ExpectKept("4111111111111112");             // check digit
  ExpectKept("1111111111111117");             // issued by nobody
  ExpectKept("0.4111111111111111");           // decimals
  ExpectKept("4111111111111111.5");
  ExpectKept("x4111111111111111");
  ExpectKept("1700000000000000");             // microseconds
  ExpectKept("41111 1111 1111 111");          // grouped otherwise
  ExpectKept("41111111111111110000");
}

TEST(Sensitive, Phone) {
  EXPECT_EQ("[phone]", Masked("+491712345678"));
  EXPECT_EQ("call [phone], or [phone]", Masked("call +49 (0)171 234-5678, or +1 (555) 123-4567"));
  EXPECT_EQ("[phone], [phone]", Masked("(555) 123-4567, 555-123-4567"));
  EXPECT_EQ("[phone];[phone]", Masked("1-555-123-4567;555.123.4567"));
  EXPECT_EQ("[phone], [phone], [phone]", Masked("030 1234567, 0171/2345678, (030) 123456"));
  EXPECT_EQ("[phone] / [phone]", Masked("020 7946 0958 / 0412 345 678"));
  EXPECT_EQ("[phone]", Masked("06 12 34 56 78"));
  EXPECT_EQ("'[phone]'", Masked("'00491712345678'"));
  ExpectKept("5551234567");                   // a number like any other
  ExpectKept("2024-01-15 10:20:30+02:00");
  ExpectKept("01.02.2024 10:20");
  ExpectKept("08/15/2024");
  ExpectKept("192.168.100.200");
  ExpectKept("10.0.0.1:5432");
  ExpectKept("f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
  ExpectKept("123-45-6789 and 1,234,567.89");
  ExpectKept("IN (1, 2, 3) LIMIT 100 OFFSET 2000");
  ExpectKept("200 300 4000");
  ExpectKept("001 002 003 004");
  ExpectKept("x + 123456");
  ExpectKept("0000012345");
  ExpectKept("f(555) 123-4567x");
}

TEST(Sensitive, Token) {
  EXPECT_EQ("[token]", Masked("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"));
  EXPECT_EQ("key [token]!", Masked("key AKIAIOSFODNN7EXAMPLE!"));
  EXPECT_EQ("?k=[token]&l=1", Masked("?k=ghp_0123456789abcdefghijABCDEFGHIJ012345&l=1"));
  EXPECT_EQ("-[token]", Masked("-sk_live_0123456789abcdefghijABCD"));
  EXPECT_EQ("'[token]'", Masked("'5d41402abc4b2a76b9719d911017c592'"));
  EXPECT_EQ("[token]", Masked("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY9a8B7c=="));
  EXPECT_EQ("'[token]'", Masked("'$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'"));
  EXPECT_EQ("'[token]'", Masked("'SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0$U1RPUkVES0VZ:U0VSVkVSS0VZ'"));
  ExpectKept("f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
  ExpectKept("12345678901234567890123456789012");
  ExpectKept("pg_catalog.pg_stat_get_progress_info_of_a_long_name_1");
  ExpectKept("/usr/lib/postgresql/15/lib/bitcode/postgres/utils.index.bc");
  ExpectKept("aVeryLongCamelCaseIdentifierOfSomeJavaProgram2AndMore");
  ExpectKept("sk-1");
}

TEST(Sensitive, Announced) {
  EXPECT_EQ("password=[secret] host=x", Masked("password=hunter2 host=x"));
  EXPECT_EQ(R"({"password": "[secret]", "a": 1})", Masked(R"({"password": "p\"w", "a": 1})"));
  EXPECT_EQ("ALTER ROLE bob PASSWORD '[secret]'", Masked("ALTER ROLE bob PASSWORD 'it''s'"));
  EXPECT_EQ("DB_PASSWORD=[secret]", Masked("DB_PASSWORD=x"));
  EXPECT_EQ("dbPassword: '[secret]'", Masked("dbPassword: 'x'"));
  EXPECT_EQ("access_token => '[secret]'", Masked("access_token => 'abcdefgh'"));
  EXPECT_EQ("Authorization: [secret]\nHost: x", Masked("Authorization: Basic dXNlcjpwYXNz\nHost: x"));
  EXPECT_EQ("bearer [secret]", Masked("bearer abcdefghijk"));
  EXPECT_EQ("postgres://app:[secret]@db.example.com/x", Masked("postgres://app:s3cr:et@db.example.com/x"));
  EXPECT_EQ("a [secret] b", Masked("a -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- b"));
  ExpectKept("password authentication failed for user \"bob\"");
  ExpectKept("WHERE password = $1 AND token = $2");
  ExpectKept("password: null, pwd=****");
  ExpectKept("token: x");
  ExpectKept("https://example.com:8080/a@b");
  ExpectKept("-----BEGIN CERTIFICATE-----");
}

TEST(Sensitive, OrdinaryStatementsStay) {
  ExpectKept("SELECT a.b, count(*) FROM t AS a WHERE a.c >= 12.5e-3 AND d ~ '^[a-z]+@' ORDER BY 1 DESC LIMIT 10");
  ExpectKept("/* app=shop, route=/orders/:id, traceparent=00-0af7651916cd43dd-b7ad6b7169203331-01 */ SELECT 1");
  ExpectKept("duration: 12.345 ms  plan: Seq Scan on orders  (cost=0.00..1234.56 rows=100 width=8)");
}

// Long texts of what begins something again and again: with more than linear work this test would not end.
TEST(Sensitive, LongTexts) {
  for (const std::string_view piece : {"a.", "1 ", "a@", "token='$", "://a:", "-----BEGIN ", "eyJ ", "+1", "(0", "0-", "%40"}) {
    std::string text;
    while (text.size() < 1'000'000) text += piece;
    EXPECT_LE(Masked(text).size(), text.size() * 4) << piece;
  }
}

}  // namespace
}  // namespace assist::text
