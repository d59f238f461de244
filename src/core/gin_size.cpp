// Size model of GIN.
#include "assist/gin_size.hpp"

#include "assist/distinct.hpp"

#include <algorithm>
#include <cmath>

namespace assist {
namespace {

constexpr double kTupleHeader = 8, kItem = 4, kPageHeader = 32;
constexpr double kOffsetsOfPage = 2048;  // of the space that row numbers of one page are encoded in
constexpr double kInlineShare = 1.0 / 3;  // of a page: the longest list beside its key
constexpr double kSegmentBytes = 256, kSegmentHeader = 8;
// Entries come in the order of keys, so pages that split in the middle stay half full; the next
// batch fills some of them again. Of large entries as many as fit are on a page.
constexpr double kEntryFill = 0.55, kLargeEntry = 1.0 / 12, kPostingFill = 0.95;

double Align(double bytes) { return std::ceil(bytes / 8) * 8; }

// Bytes of one row number in a list of `rows` of them, on average: the distance to the one before,
// seven bits a byte.
double RowBytes(const GinShape& shape, double rows) {
  const double of_page =
      shape.heap_pages > 0 ? std::max(shape.heap_rows / shape.heap_pages, 1.0) : 1;
  const double gap = std::max(shape.heap_rows / rows, 1.0);
  const auto bytes = [](double distance) {
    return std::max(1.0, std::floor(std::log2(distance) / 7) + 1);
  };
  const double same_page = gap < of_page ? 1 - gap / of_page : 0;
  return same_page * bytes(gap) +
         (1 - same_page) * bytes(std::max(gap / of_page, 1.0) * kOffsetsOfPage);
}

struct Pages {
  double entries = 0;   // bytes
  double postings = 0;  // pages
};

void AddKeys(const GinShape& shape, double count, double rows, double bytes, Pages& pages) {
  rows = std::max(rows, 1.0);
  const double list = 6 + 2 + (rows - 1) * RowBytes(shape, rows);
  if (list <= shape.page_bytes * kInlineShare) {
    const double room = shape.page_bytes - kPageHeader;
    const double entry = Align(kTupleHeader + bytes + (rows > 1 ? list : 6 + 2)) + kItem;
    const double packed = room / std::floor(room / entry) * kEntryFill;
    pages.entries += count * (entry < shape.page_bytes * kLargeEntry ? entry : packed);
    return;
  }
  const double segments = list * (1 + kSegmentHeader / kSegmentBytes);
  const double leaves = std::ceil(segments / ((shape.page_bytes - kPageHeader) * kPostingFill));
  pages.postings += count * (leaves + (leaves > 1 ? 1 + std::floor(leaves / 800) : 0));
  pages.entries += count * (Align(kTupleHeader + bytes) + kItem);
}

}  // namespace

double EstimateGinPages(const GinShape& shape) {
  if (shape.sampled <= 0 || shape.keys.empty()) return 2;
  const double scale = std::max(shape.rows / shape.sampled, 1.0);
  Pages pages;
  RareValues rare;
  double rare_bytes = 0;
  for (const GinKey& key : shape.keys) {
    if (rare.Add(key.rows)) {
      rare_bytes += key.bytes;
    } else {
      AddKeys(shape, 1, key.rows * scale, key.bytes, pages);
    }
  }
  if (rare.Values() > 0) {
    const double bytes = rare_bytes / rare.Values(), others = rare.Others(scale);
    AddKeys(shape, rare.Unique() * scale, 1, bytes, pages);
    if (others > 0) AddKeys(shape, others, rare.OthersRows() * scale / others, bytes, pages);
  }
  const double leaves = std::ceil(pages.entries / ((shape.page_bytes - kPageHeader) * kEntryFill));
  return 2 + leaves + (leaves > 1 ? std::ceil(leaves / 100) : 0) + pages.postings;
}

}  // namespace assist
