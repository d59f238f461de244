// Comma-separated values: what is read as which fields, and where an error is.

#include "core/text/csv.hpp"

#include <gtest/gtest.h>

namespace assist::text {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows Read(std::string_view text) {
  Rows rows;
  CsvError error;
  EXPECT_TRUE(ReadCsv(text, error, [&](const auto& fields, std::size_t) {
    rows.push_back(fields);
    return nullptr;
  })) << error.problem;
  return rows;
}
CsvError Fails(std::string_view text) {
  CsvError error;
  EXPECT_FALSE(ReadCsv(text, error, [](const auto&, std::size_t) { return nullptr; }));
  return error;
}

TEST(Csv, FieldsAndLines) {
  EXPECT_EQ((Rows{{"a", "b"}, {"1", ""}}), Read("a,b\n1,\n"));
  EXPECT_EQ((Rows{{"a", "b"}, {"c"}}), Read("a,b\r\n\r\nc"));
  EXPECT_EQ((Rows{{"a,b", "say \"x\"", ""}}), Read("\"a,b\",\"say \"\"x\"\"\",\"\""));
  EXPECT_EQ((Rows{{"two\nlines"}, {"z"}}), Read("\"two\nlines\"\nz"));
  EXPECT_EQ((Rows{{""}}), Read("\"\"\n"));
  EXPECT_TRUE(Read("\n\n").empty());
  EXPECT_TRUE(Read("").empty());
}

TEST(Csv, ErrorsSayWhere) {
  CsvError error = Fails("a\n\"b");
  EXPECT_EQ(2u, error.line);
  EXPECT_EQ(2u, error.offset);
  error = Fails("\"a\nb\"\nx\"y");
  EXPECT_EQ(3u, error.line);
  EXPECT_EQ(7u, error.offset);
  EXPECT_EQ(1u, Fails("\"a\"b").line);
  int rows = 0;
  EXPECT_FALSE(ReadCsv("a\nb\nc", error,
                       [&](const auto&, std::size_t) { return ++rows == 2 ? "no" : nullptr; }));
  EXPECT_EQ(2u, error.line);
  EXPECT_STREQ("no", error.problem);
}

}  // namespace
}  // namespace assist::text
