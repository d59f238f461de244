// Blocks of history: building, encoding, adding up.
//
// Encoding: version, kind, number of rows, number of columns; keys as differences; each column as 0
// when it is zero all over, else 1 and its values; histograms as the number of their buckets and
// for each the difference to the one before it and the count. All of these are LEB128.

#include <algorithm>
#include <numeric>

#include "assist/history.hpp"

namespace assist {

namespace {

constexpr std::uint64_t kVersion = 1;

void Put(std::pmr::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes) {}
  bool Get(std::uint64_t* value) {
    *value = 0;
    for (unsigned shift = 0; shift < 64 && !at_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(at_.front());
      at_.remove_prefix(1);
      *value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  std::size_t left() const { return at_.size(); }

 private:
  std::string_view at_;
};

std::uint64_t Plus(Adds adds, std::uint64_t earlier, std::uint64_t later) {
  switch (adds) {
    case Adds::kSum:
      return earlier + later;
    case Adds::kLast:
      return later;
    case Adds::kLargest:
      break;
  }
  return std::max(earlier, later);
}

// The sum of two sparse histograms.
void AddHistogram(std::pmr::vector<BucketCount>& to, std::span<const BucketCount> more) {
  for (const BucketCount& one : more) {
    const auto at = std::lower_bound(
        to.begin(), to.end(), one.bucket,
        [](const BucketCount& b, std::uint8_t bucket) { return b.bucket < bucket; });
    if (at != to.end() && at->bucket == one.bucket)
      at->count += one.count;
    else
      to.insert(at, one);
  }
}

}  // namespace

HistoryBlock::HistoryBlock(HistoryKind k, std::pmr::memory_resource* memory)
    : kind(k), keys(memory), values(ColumnsOf(k).size(), memory), histograms(memory) {}

HistoryBuilder::HistoryBuilder(HistoryKind kind, std::pmr::memory_resource* memory)
    : memory_(memory), kind_(kind), rows_(memory) {}

void HistoryBuilder::Add(std::uint32_t key, std::span<const std::uint64_t> values,
                         std::span<const BucketCount> histogram) {
  Row row{key, static_cast<std::uint32_t>(rows_.size()),
          std::pmr::vector<std::uint64_t>(ColumnsOf(kind_).size(), memory_),
          std::pmr::vector<BucketCount>(histogram.begin(), histogram.end(), memory_)};
  std::copy_n(values.begin(), std::min(values.size(), row.values.size()), row.values.begin());
  rows_.push_back(std::move(row));
}

HistoryBlock HistoryBuilder::Finish() && {
  std::sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
    return a.key != b.key ? a.key < b.key : a.order < b.order;
  });
  const std::span<const HistoryColumn> columns = ColumnsOf(kind_);
  HistoryBlock block(kind_, memory_);
  for (Row& row : rows_) {
    if (block.keys.empty() || block.keys.back() != row.key) {
      block.keys.push_back(row.key);
      for (std::size_t c = 0; c < columns.size(); ++c) block.values[c].push_back(row.values[c]);
      block.histograms.push_back(std::move(row.histogram));
      continue;
    }
    for (std::size_t c = 0; c < columns.size(); ++c)
      block.values[c].back() = Plus(columns[c].adds, block.values[c].back(), row.values[c]);
    AddHistogram(block.histograms.back(), row.histogram);
  }
  return block;
}

void AppendEncoded(std::pmr::string& out, const HistoryBlock& block) {
  Put(out, kVersion);
  Put(out, static_cast<std::uint64_t>(block.kind));
  Put(out, block.rows());
  Put(out, block.values.size());
  std::uint32_t last = 0;
  for (const std::uint32_t key : block.keys) {
    Put(out, key - last);
    last = key;
  }
  for (const auto& column : block.values) {
    const bool zero =
        std::all_of(column.begin(), column.end(), [](std::uint64_t v) { return v == 0; });
    Put(out, zero ? 0 : 1);
    if (!zero)
      for (const std::uint64_t value : column) Put(out, value);
  }
  if (!HasHistogram(block.kind)) return;
  for (const auto& histogram : block.histograms) {
    Put(out, histogram.size());
    unsigned before = 0;
    for (const BucketCount& bucket : histogram) {
      Put(out, bucket.bucket - before);
      Put(out, bucket.count);
      before = bucket.bucket;
    }
  }
}

std::optional<HistoryBlock> DecodeHistory(std::string_view bytes,
                                          std::pmr::memory_resource* memory) {
  Reader in(bytes);
  std::uint64_t version, kind, rows, columns;
  if (!in.Get(&version) || version != kVersion || !in.Get(&kind) || !in.Get(&rows) ||
      !in.Get(&columns))
    return {};
  const auto known = static_cast<HistoryKind>(kind);
  // A row has a byte at least: no more memory is taken than some times what the bytes are.
  if (kind > 0xff || ColumnsOf(known).empty() || rows > in.left() || columns > in.left()) return {};
  HistoryBlock block(known, memory);
  std::uint64_t last = 0, value;
  for (std::uint64_t r = 0; r < rows; ++r) {
    if (!in.Get(&value) || (r > 0 && value == 0) || value > UINT32_MAX - last) return {};
    block.keys.push_back(static_cast<std::uint32_t>(last += value));
  }
  for (std::uint64_t c = 0; c < columns; ++c) {
    std::uint64_t filled;
    if (!in.Get(&filled) || filled > 1) return {};
    const bool wanted = c < block.values.size();  // others are of a later version
    for (std::uint64_t r = 0; r < rows && filled != 0; ++r) {
      if (!in.Get(&value)) return {};
      if (wanted) block.values[c].push_back(value);
    }
  }
  for (auto& column : block.values) column.resize(rows);
  block.histograms.resize(rows);
  if (HasHistogram(known)) {
    for (auto& histogram : block.histograms) {
      std::uint64_t buckets, bucket = 0, count;
      if (!in.Get(&buckets) || buckets > static_cast<std::uint64_t>(kLatencyBuckets)) return {};
      for (std::uint64_t b = 0; b < buckets; ++b) {
        if (!in.Get(&value) || (b > 0 && value == 0) ||
            value >= static_cast<std::uint64_t>(kLatencyBuckets) || !in.Get(&count))
          return {};
        bucket += value;
        if (bucket >= static_cast<std::uint64_t>(kLatencyBuckets)) return {};
        histogram.push_back({static_cast<std::uint8_t>(bucket), count});
      }
    }
  }
  return in.left() == 0 ? std::optional(std::move(block)) : std::nullopt;
}

HistoryBlock MergeHistory(std::span<const HistoryBlock> blocks, std::pmr::memory_resource* memory) {
  HistoryBuilder builder(blocks.empty() ? HistoryKind::kStatement : blocks.front().kind, memory);
  std::pmr::vector<std::uint64_t> row(memory);
  for (const HistoryBlock& block : blocks) {
    row.resize(block.values.size());
    for (std::size_t r = 0; r < block.rows(); ++r) {
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = block.values[c][r];
      builder.Add(block.keys[r], row, block.histograms[r]);
    }
  }
  return std::move(builder).Finish();
}

HistoryBlock KeepLargest(const HistoryBlock& block, std::string_view column, std::size_t count,
                         std::pmr::memory_resource* memory) {
  const std::span<const HistoryColumn> columns = ColumnsOf(block.kind);
  const auto by =
      static_cast<std::size_t>(std::find_if(columns.begin(), columns.end(),
                                            [&](const auto& c) { return c.name == column; }) -
                               columns.begin());
  if (block.rows() <= count || by == columns.size()) return block;
  std::pmr::vector<std::uint32_t> order(block.rows(), memory);
  std::iota(order.begin(), order.end(), 0u);
  std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) {
                     const auto left = block.values[by][a], right = block.values[by][b];
                     return left != right ? left > right : a < b;
                   });
  HistoryBuilder builder(block.kind, memory);
  std::pmr::vector<std::uint64_t> values(columns.size(), memory);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::uint32_t row = order[i];
    for (std::size_t c = 0; c < columns.size(); ++c) values[c] = block.values[c][row];
    builder.Add(i < count ? block.keys[row] : 0, values, block.histograms[row]);
  }
  return std::move(builder).Finish();
}

}  // namespace assist
