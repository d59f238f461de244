// Recorded history: what many objects did in one interval, as one block of bytes.
//
// A block has a row per object that did something: its key in a dictionary, a number of counters
// whose meaning the kind of block gives, and for statements a histogram of latencies. Rows of zeros
// are not there. Blocks of adjacent intervals add up to the block of both: a counter by its sum,
// its last or its largest value.
//
// Encoding (version 1): columns one after the other, each as variable-length integers, a column of
// zeros as nothing; independent of the machine's byte order and word size, so that a dump can be
// restored anywhere.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assist/histogram.hpp"

namespace assist {

// Kept in tables: numbers are never given again.
enum class HistoryKind : std::uint8_t {
  kStatement = 1,
  kPlan = 2,
  kTable = 3,
  kIndex = 4,
  kDatabase = 5,
  kWait = 6
};

// How a column of two adjacent intervals becomes that of both.
enum class Adds : std::uint8_t { kSum, kLast, kLargest };

struct HistoryColumn {
  std::string_view name;  // as in the views
  Adds adds;
  // Cumulative counters of one object with the same number are reset together: when one of them has
  // fallen, all begin anew.
  std::uint8_t resets_with = 0;
};

// Columns of a kind, in the order of the encoding. A later version may add some at the end.
std::span<const HistoryColumn> ColumnsOf(HistoryKind kind);
bool HasHistogram(HistoryKind kind);

struct BucketCount {
  std::uint8_t bucket;
  std::uint64_t count;
};

// Shape: keys ascend and differ; values[column][row]; histograms[row], empty where the kind has
// none.
struct HistoryBlock {
  explicit HistoryBlock(HistoryKind k, std::pmr::memory_resource* memory);
  HistoryKind kind;
  std::pmr::vector<std::uint32_t> keys;
  std::pmr::vector<std::pmr::vector<std::uint64_t>> values;
  std::pmr::vector<std::pmr::vector<BucketCount>> histograms;  // buckets ascend

  std::size_t rows() const { return keys.size(); }
};

// Rows in any order come to be in theirs; of equal keys the later one is added to the earlier.
class HistoryBuilder {
 public:
  HistoryBuilder(HistoryKind kind, std::pmr::memory_resource* memory);
  // REQUIRES: as many values as the kind has columns, or fewer: the others are 0.
  void Add(std::uint32_t key, std::span<const std::uint64_t> values,
           std::span<const BucketCount> histogram = {});
  HistoryBlock Finish() &&;

 private:
  struct Row {
    std::uint32_t key;
    std::uint32_t order;
    std::pmr::vector<std::uint64_t> values;
    std::pmr::vector<BucketCount> histogram;
  };
  std::pmr::memory_resource* memory_;
  HistoryKind kind_;
  std::pmr::vector<Row> rows_;
};

void AppendEncoded(std::pmr::string& out, const HistoryBlock& block);
// nullopt: these are not the bytes of a block.
std::optional<HistoryBlock> DecodeHistory(std::string_view bytes,
                                          std::pmr::memory_resource* memory);

// The block of all intervals together. REQUIRES: blocks of one kind, in the order of their
// intervals.
HistoryBlock MergeHistory(std::span<const HistoryBlock> blocks, std::pmr::memory_resource* memory);

// The rows with the largest values of a column, at most `count` of them; the others are added up
// under key 0.
HistoryBlock KeepLargest(const HistoryBlock& block, std::string_view column, std::size_t count,
                         std::pmr::memory_resource* memory);

}  // namespace assist
