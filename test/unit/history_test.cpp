#include "assist/history.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace assist {
namespace {

std::pmr::memory_resource* Memory() { return std::pmr::new_delete_resource(); }

std::string Encoded(const HistoryBlock& block) {
  std::pmr::string out(Memory());
  AppendEncoded(out, block);
  return std::string(out);
}

std::size_t Column(HistoryKind kind, std::string_view name) {
  const auto columns = ColumnsOf(kind);
  for (std::size_t c = 0; c < columns.size(); ++c)
    if (columns[c].name == name) return c;
  ADD_FAILURE() << name;
  return 0;
}

HistoryBlock Block(std::initializer_list<std::uint32_t> keys, std::uint64_t calls) {
  HistoryBuilder builder(HistoryKind::kStatement, Memory());
  for (const std::uint32_t key : keys) {
    const std::uint64_t values[] = {calls, 0, 1, 0, calls * 1000 + key};
    const BucketCount histogram[] = {{static_cast<std::uint8_t>(key % 50), calls}, {112, 1}};
    builder.Add(key, values, histogram);
  }
  return std::move(builder).Finish();
}

void ExpectSame(const HistoryBlock& a, const HistoryBlock& b) {
  ASSERT_EQ(a.kind, b.kind);
  ASSERT_EQ(a.keys, b.keys);
  ASSERT_EQ(a.values, b.values);
  ASSERT_EQ(a.histograms.size(), b.histograms.size());
  for (std::size_t r = 0; r < a.rows(); ++r)
    ASSERT_TRUE(std::equal(a.histograms[r].begin(), a.histograms[r].end(), b.histograms[r].begin(), b.histograms[r].end(),
                           [](const BucketCount& x, const BucketCount& y) { return x.bucket == y.bucket && x.count == y.count; }));
}

TEST(History, KindsHaveColumns) {
  for (int kind = 1; kind <= 6; ++kind) {
    const auto columns = ColumnsOf(static_cast<HistoryKind>(kind));
    ASSERT_FALSE(columns.empty());
    for (std::size_t a = 0; a < columns.size(); ++a)
      for (std::size_t b = a + 1; b < columns.size(); ++b) EXPECT_NE(columns[a].name, columns[b].name);
  }
  EXPECT_TRUE(ColumnsOf(static_cast<HistoryKind>(0)).empty());
  EXPECT_TRUE(ColumnsOf(static_cast<HistoryKind>(200)).empty());
}

TEST(History, RowsComeInOrder) {
  const HistoryBlock block = Block({70, 3, 4'000'000'000U, 5}, 2);
  EXPECT_EQ((std::pmr::vector<std::uint32_t>{3, 5, 70, 4'000'000'000U}), block.keys);
  EXPECT_EQ(2003u, block.values[Column(HistoryKind::kStatement, "exec_us")][0]);
  EXPECT_EQ(3u, block.histograms[0][0].bucket);
}

TEST(History, EncodingGivesBackTheSame) {
  for (const HistoryBlock& block : {Block({}, 1), Block({1}, 1), Block({0, 1, 127, 128, 4'294'967'295U}, 1ULL << 62)}) {
    const auto back = DecodeHistory(Encoded(block), Memory());
    ASSERT_TRUE(back.has_value());
    ExpectSame(block, *back);
  }
  HistoryBuilder builder(HistoryKind::kTable, Memory());
  const std::uint64_t values[] = {UINT64_MAX};
  builder.Add(9, values);
  const HistoryBlock table = std::move(builder).Finish();
  ExpectSame(table, DecodeHistory(Encoded(table), Memory()).value());
}

TEST(History, EncodingIsSmall) {
  HistoryBuilder builder(HistoryKind::kStatement, Memory());
  for (std::uint32_t key = 1; key <= 500; ++key) {
    const std::uint64_t values[] = {40, 0, 0, 0, 25'000, 40, 160};
    const BucketCount histogram[] = {{20, 10}, {21, 20}, {22, 8}, {23, 2}};
    builder.Add(key * 10, values, histogram);
  }
  EXPECT_LE(Encoded(std::move(builder).Finish()).size(), 500u * 20);
}

TEST(History, DamagedBytesAreRefused) {
  const std::string whole = Encoded(Block({1, 2, 3}, 5));
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(DecodeHistory(whole.substr(0, n), Memory()).has_value()) << n;
  EXPECT_FALSE(DecodeHistory(whole + "x", Memory()).has_value());
  EXPECT_FALSE(DecodeHistory("\x02" + whole.substr(1), Memory()).has_value());           // another version
  EXPECT_FALSE(DecodeHistory(std::string("\x01\x09\x00\x00", 4), Memory()).has_value());  // no such kind
  EXPECT_FALSE(DecodeHistory("\x01\x02\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01", Memory()).has_value());  // as many rows as could be
}

TEST(History, ColumnsOfALaterVersionArePassedOver) {
  // A plan block with a third column.
  const auto block = DecodeHistory(std::string("\x01\x02\x01\x03" "\x07" "\x01\x05" "\x01\x09" "\x01\x63", 11), Memory());
  ASSERT_TRUE(block.has_value());
  EXPECT_EQ(7u, block->keys[0]);
  EXPECT_EQ(5u, block->values[0][0]);
  EXPECT_EQ(9u, block->values[1][0]);
  // And one with a column less, from an earlier one.
  const auto earlier = DecodeHistory(std::string("\x01\x02\x01\x01" "\x07" "\x01\x05", 7), Memory());
  ASSERT_TRUE(earlier.has_value());
  EXPECT_EQ(0u, earlier->values[1][0]);
}

TEST(History, IntervalsAddUp) {
  const HistoryBlock parts[] = {Block({1, 2}, 10), Block({}, 1), Block({2, 3}, 5)};
  const HistoryBlock all = MergeHistory(parts, Memory());
  EXPECT_EQ((std::pmr::vector<std::uint32_t>{1, 2, 3}), all.keys);
  EXPECT_EQ((std::pmr::vector<std::uint64_t>{10, 15, 5}), all.values[0]);
  ASSERT_EQ(2u, all.histograms[1].size());
  EXPECT_EQ(15u, all.histograms[1][0].count);
  EXPECT_EQ(2u, all.histograms[1][1].count);
  // Sizes are the last ones, the longest execution the longest.
  const auto table = [](std::uint64_t scans, std::uint64_t bytes) {
    HistoryBuilder builder(HistoryKind::kTable, Memory());
    std::array<std::uint64_t, 11> values{};
    values[0] = scans;
    values[Column(HistoryKind::kTable, "bytes")] = bytes;
    builder.Add(1, values);
    return std::move(builder).Finish();
  };
  const HistoryBlock tables[] = {table(1, 900), table(2, 700)};
  const HistoryBlock sum = MergeHistory(tables, Memory());
  EXPECT_EQ(3u, sum.values[0][0]);
  EXPECT_EQ(700u, sum.values[Column(HistoryKind::kTable, "bytes")][0]);
}

TEST(History, WhatIsNotAmongTheLargestIsAddedUp) {
  HistoryBuilder builder(HistoryKind::kPlan, Memory());
  for (const std::uint32_t key : {1u, 2u, 3u, 4u}) {
    const std::uint64_t values[] = {key, key == 3 ? 900 : 100 * key};  // calls, exec_us
    builder.Add(key, values);
  }
  const HistoryBlock block = std::move(builder).Finish();
  const HistoryBlock kept = KeepLargest(block, "exec_us", 2, Memory());
  EXPECT_EQ((std::pmr::vector<std::uint32_t>{0, 3, 4}), kept.keys);
  EXPECT_EQ((std::pmr::vector<std::uint64_t>{3, 3, 4}), kept.values[0]);
  EXPECT_EQ((std::pmr::vector<std::uint64_t>{300, 900, 400}), kept.values[1]);
  // A second time the rest of before may be among the largest: it stays what it is.
  EXPECT_EQ(900u, KeepLargest(kept, "exec_us", 1, Memory()).values[1][1]);
  EXPECT_EQ(block.keys, KeepLargest(block, "exec_us", 4, Memory()).keys);
}

}  // namespace
}  // namespace assist
