#include "core/text/text.hpp"

#include <gtest/gtest.h>

namespace assist::text {
namespace {

std::pmr::memory_resource* Memory() { return std::pmr::new_delete_resource(); }

std::string Identifier(std::string_view name) {
  std::pmr::string out(Memory());
  AppendIdentifier(out, name);
  return std::string(out);
}
std::string Literal(std::string_view text) {
  std::pmr::string out(Memory());
  AppendLiteral(out, text);
  return std::string(out);
}

TEST(Text, Bytes) {
  EXPECT_EQ("0 bytes", Bytes(0).view());
  EXPECT_EQ("512 bytes", Bytes(512).view());
  EXPECT_EQ("8 kB", Bytes(8192).view());
  EXPECT_EQ("1.5 MB", Bytes(1.5 * 1024 * 1024).view());
  EXPECT_EQ("153 GB", Bytes(153.2 * 1024 * 1024 * 1024).view());
  EXPECT_EQ("-8 kB", Bytes(-8192).view());
}

TEST(Text, Duration) {
  EXPECT_EQ("0 ms", Duration(0).view());
  EXPECT_EQ("12 us", Duration(0.012).view());
  EXPECT_EQ("1.5 ms", Duration(1.5).view());
  EXPECT_EQ("99 s", Duration(99000).view());
  EXPECT_EQ("5.2 min", Duration(312e3).view());
  EXPECT_EQ("10 days", Duration(864e6).view());
}

TEST(Text, Count) {
  EXPECT_EQ("7", Count(7).view());
  EXPECT_EQ("2.5", Count(2.5).view());
  EXPECT_EQ("999", Count(999).view());
  EXPECT_EQ("1,000", Count(999.6).view());
  EXPECT_EQ("1,234", Count(1234).view());
  EXPECT_EQ("12,005", Count(12005).view());
  EXPECT_EQ("1.23 million", Count(1.234e6).view());
}

TEST(Text, Percent) {
  EXPECT_EQ("34 %", Percent(0.34).view());
  EXPECT_EQ("9.9 %", Percent(0.099).view());
  EXPECT_EQ("<0.1 %", Percent(0.0001).view());
  EXPECT_EQ("0 %", Percent(0).view());
}

TEST(Text, MemorySettingsAreWholeUnits) {
  EXPECT_EQ("64MB", MemorySetting(64.0 * 1024 * 1024).view());
  EXPECT_EQ("1536kB", MemorySetting(1536.0 * 1024).view());
  EXPECT_EQ("24GB", MemorySetting(24.0 * 1024 * 1024 * 1024).view());
  EXPECT_EQ("1536MB", MemorySetting(1.5 * 1024 * 1024 * 1024).view());
}

TEST(Text, IdentifiersAreQuotedWhereTheServerWould) {
  EXPECT_EQ("orders", Identifier("orders"));
  EXPECT_EQ("\"Orders\"", Identifier("Orders"));
  EXPECT_EQ("\"order\"", Identifier("order"));
  EXPECT_EQ("\"user\"", Identifier("user"));
  EXPECT_EQ("\"1st\"", Identifier("1st"));
  EXPECT_EQ("\"a\"\"b\"", Identifier("a\"b"));
  EXPECT_EQ("\"\"", Identifier(""));
  EXPECT_EQ("\"x; drop table y\"", Identifier("x; drop table y"));
}

TEST(Text, LiteralsAreSafe) {
  EXPECT_EQ("'it''s'", Literal("it's"));
  EXPECT_EQ("E'a\\\\b'''", Literal("a\\b'"));
}

TEST(Text, NamesAreCutAtSixtyThreeBytesBetweenCharacters) {
  EXPECT_EQ("orders_idx", ObjectName("orders", "_idx", Memory()));
  std::string name;
  for (int i = 0; i < 40; ++i) name += "\xc3\xa4";
  const auto cut = ObjectName(name, "_idx", Memory());
  EXPECT_LE(cut.size(), 63u);
  EXPECT_EQ(58u + 4u, cut.size());
}

TEST(Text, ExpressionsAreComparedWithoutBlanksAndOuterParentheses) {
  EXPECT_TRUE(SameExpression("lower(email)", "(lower(email))"));
  EXPECT_TRUE(SameExpression("((a + b))", "a+b"));
  EXPECT_FALSE(SameExpression("(a) + (b)", "a + (b"));
  EXPECT_FALSE(SameExpression("lower(email)", "upper(email)"));
}

}  // namespace
}  // namespace assist::text
