// The size model: tuple layout, heap pages, b-tree pages with posting lists.
//
// Where all tuples have one size the walk is exact to the page. Where sizes vary, a page ends
// somewhere inside a tuple: the mean leftover of a renewal process, E[s^2] / 2 E[s], stands for it.
#include "assist/size_model.hpp"

#include <algorithm>
#include <cmath>

#include <boost/container/static_vector.hpp>

namespace assist {
namespace {

constexpr double kItemPointer = 4;  // sizeof(ItemIdData)
constexpr double kPageHeader = 24;  // SizeOfPageHeaderData
constexpr double kMaxAlign = 8;
constexpr double kTid = 6;                // sizeof(ItemPointerData)
constexpr double kHeapHeader = 23;        // SizeofHeapTupleHeader
constexpr double kIndexHeader = 8;        // sizeof(IndexTupleData)
constexpr double kIndexHeaderNulls = 16;  // with the fixed-size null bitmap, MAXALIGNed
constexpr double kBtreeSpecial = 16;      // BTPageOpaqueData
constexpr double kShortVarlena = 126;  // longest value with a 1-byte header, which is not aligned
constexpr double kNonleafFillfactor = 70;  // BTREE_NONLEAF_FILLFACTOR

double AlignUp(double bytes, double align) { return std::ceil(bytes / align) * align; }
double AlignDown(double bytes, double align) { return std::floor(bytes / align) * align; }

double AlignBytes(char align) {
  switch (align) {
    case 'c':
      return 1;
    case 's':
      return 2;
    case 'd':
      return 8;
    default:
      return 4;
  }
}

// A position in a tuple of which only the remainder by `modulus` is certain: behind a value of
// varying width nothing is, and aligning costs half a step on average.
class Layout {
 public:
  explicit Layout(double start) : bytes_(start) {}

  void Align(double align) {
    double pad = std::fmod(modulus_ - std::fmod(phase(), modulus_), modulus_);
    if (align <= modulus_) {
      pad = std::fmod(align - std::fmod(phase(), align), align);
    } else {
      pad += (align - modulus_) / 2;
      exact_ = false;
      modulus_ = align;
      phase_ = 0;
      bytes_ += pad;
      return;
    }
    bytes_ += pad;
    phase_ = std::fmod(phase_ + pad, modulus_);
  }

  void Fixed(double bytes) {
    bytes_ += bytes;
    phase_ = std::fmod(phase_ + bytes, modulus_);
  }

  void Varying(double bytes) {
    bytes_ += bytes;
    modulus_ = 1;
    phase_ = 0;
    exact_ = false;
  }

  // Adds one column; `share` is the part of the tuples that have it.
  void Add(const SizedColumn& column, double share = 1) {
    if (share <= 0) return;
    const bool varlena = column.length < 0;
    const double width = varlena ? column.width : column.length;
    if (share < 1) {
      const double align = varlena && width <= kShortVarlena ? 1 : AlignBytes(column.align);
      Varying((width + (align - 1) / 2) * share);
      return;
    }
    if (!varlena || width > kShortVarlena) Align(AlignBytes(column.align));
    if (!varlena || column.constant_width) {
      Fixed(width);
    } else {
      Varying(width + 0.5);  // stawidth is cut to an integer
    }
  }

  double Finish() {
    Align(kMaxAlign);
    return bytes_;
  }
  bool exact() const { return exact_; }

 private:
  double phase() const { return phase_; }

  double bytes_;
  double modulus_ = kMaxAlign;  // 1, 2, 4 or 8
  double phase_ = 0;            // position modulo modulus_
  bool exact_ = true;
};

struct TupleSize {
  double bytes = 0;   // MAXALIGNed, item pointer left out
  bool exact = true;  // all tuples have this size
};

TupleSize HeapTuple(const HeapShape& shape) {
  double share_without_null = shape.dropped_columns > 0 ? 0 : 1;
  for (const SizedColumn& column : shape.columns) share_without_null *= 1 - column.null_fraction;

  TupleSize full, with_null;
  if (share_without_null > 0) {
    Layout layout(AlignUp(kHeapHeader, kMaxAlign));
    for (const SizedColumn& column : shape.columns) layout.Add(column);
    full = {layout.Finish(), layout.exact()};
  }
  if (share_without_null < 1) {
    const double columns = static_cast<double>(shape.columns.size()) + shape.dropped_columns;
    Layout layout(AlignUp(kHeapHeader + std::ceil(columns / 8), kMaxAlign));
    for (const SizedColumn& column : shape.columns) {
      // Share of the tuples with a null somewhere that have this column nevertheless.
      const double present =
          (1 - column.null_fraction - share_without_null) / (1 - share_without_null);
      layout.Add(column, column.null_fraction <= 0 ? 1 : std::max(0.0, present));
    }
    with_null = {layout.Finish(), layout.exact()};
  }
  if (share_without_null >= 1) return full;
  if (share_without_null <= 0) return with_null;
  return {full.bytes * share_without_null + with_null.bytes * (1 - share_without_null),
          full.exact && with_null.exact && full.bytes == with_null.bytes};
}

// The leaf tuples of an index: moments of their size with the item pointer.
struct LeafTuples {
  double count = 0;
  double mean = 0, square = 0;
  double list = 0;     // mean bytes of a posting list, which a high key does not keep
  bool exact = false;  // practically all have the size `mean`
};

// Collects leaf tuples: plain ones, and the posting lists into which a key's TIDs are split.
class LeafMix {
 public:
  // max_posting: bytes a tuple with a posting list may have; 0 = no deduplication.
  explicit LeafMix(double max_posting) : max_posting_(AlignDown(max_posting, kMaxAlign)) {}

  // `keys` keys of `base` bytes with `tids` heap rows each (a whole number).
  void Add(TupleSize base, double tids, double keys) {
    if (tids <= 0 || keys <= 0) return;
    const double limit = std::max(1.0, std::floor((max_posting_ - base.bytes) / kTid));
    const double full = std::floor(tids / limit);
    const double rest = tids - full * limit;
    if (full > 0) AddTuple(base, limit, keys * full);
    if (rest > 0) AddTuple(base, rest, keys);
  }

  LeafTuples Result() const {
    LeafTuples result;
    if (count_ <= 0) return result;
    result.count = count_;
    result.mean = bytes_ / count_;
    result.square = squares_ / count_;
    result.list = lists_ / count_;
    result.exact = exact_ && result.square < result.mean * result.mean * (1 + 1e-6);
    // Pages full of maximal lists: the few shorter ones at the end of each key do not set the pace.
    if (!result.exact && exact_ && largest_bytes_ > 0.9 * bytes_) {
      const double shorter = 1 - largest_bytes_ / bytes_;
      result.count = largest_count_ / (1 - shorter);
      result.mean = largest_;
      result.square = largest_ * largest_;
      result.list = largest_list_;
      result.exact = true;
    }
    return result;
  }

 private:
  void AddTuple(TupleSize base, double tids, double count) {
    const double list = tids > 1 ? AlignUp(base.bytes + tids * kTid, kMaxAlign) - base.bytes : 0;
    const double bytes = base.bytes + list + kItemPointer;
    count_ += count;
    bytes_ += bytes * count;
    squares_ += bytes * bytes * count;
    lists_ += list * count;
    exact_ = exact_ && (base.exact || list > base.bytes);
    if (bytes > largest_) {
      largest_ = bytes;
      largest_list_ = list;
      largest_count_ = largest_bytes_ = 0;
    }
    if (bytes == largest_) {
      largest_count_ += count;
      largest_bytes_ += bytes * count;
    }
  }

  double max_posting_;
  double count_ = 0, bytes_ = 0, squares_ = 0, lists_ = 0;
  double largest_ = 0, largest_list_ = 0, largest_count_ = 0, largest_bytes_ = 0;
  bool exact_ = true;
};

// Rate of the zero-truncated Poisson distribution with the given mean (> 1).
double TruncatedPoissonRate(double mean) {
  if (mean > 30) return mean;
  double low = 0, high = mean;
  for (int i = 0; i < 50; ++i) {
    const double rate = (low + high) / 2;
    const double its_mean = rate < 1e-9 ? 1 : rate / -std::expm1(-rate);
    (its_mean < mean ? low : high) = rate;
  }
  return (low + high) / 2;
}

// Adds `keys` keys that share `rows` heap rows. How often a key occurs is taken as Poisson: sizes
// grow nearly linearly with the number of TIDs, so the shape of the distribution matters little.
void AddKeys(TupleSize base, double keys, double rows, LeafMix* mix) {
  const double mean = rows / keys;
  if (mean <= 1.0001) {
    mix->Add(base, 1, rows);
    return;
  }
  if (keys < 2 || mean > 1e4) {
    const double whole = std::floor(mean);
    mix->Add(base, whole, keys * (1 - (mean - whole)));
    mix->Add(base, whole + 1, keys * (mean - whole));
    return;
  }
  const double rate = TruncatedPoissonRate(mean);
  const double spread = 6 * std::sqrt(rate) + 6;
  const double first = std::max(1.0, std::floor(rate - spread));
  const double last = std::ceil(rate + spread);
  const double norm = -std::expm1(-rate);
  for (double n = first; n <= last; ++n) {
    mix->Add(base, n, keys * std::exp(n * std::log(rate) - rate - std::lgamma(n + 1)) / norm);
  }
}

constexpr std::size_t kMaxIndexColumns = 32;  // INDEX_MAX_KEYS
constexpr std::size_t kMaxNullable = 6;       // 64 patterns of nulls are told apart

// One pattern of nulls: its share of the rows, and the size and number of its keys.
struct NullPattern {
  double share = 0;
  TupleSize size;
  double distinct = 0;  // 0 = unknown
};

using IndexColumns = boost::container::static_vector<SizedColumn, kMaxIndexColumns>;

// `mask` has a bit for each of `nullable` (positions in `columns`), set where the column is null.
NullPattern DescribePattern(const IndexColumns& columns, std::size_t keys, std::uint32_t mask,
                            std::span<const std::size_t> nullable, double rows) {
  NullPattern pattern;
  pattern.share = 1;
  std::uint32_t nulls = 0;
  for (std::size_t i = 0; i < nullable.size(); ++i) {
    const bool null = (mask >> i & 1) != 0;
    const double fraction = columns[nullable[i]].null_fraction;
    pattern.share *= null ? fraction : 1 - fraction;
    if (null) nulls |= 1u << nullable[i];
  }
  Layout layout(nulls != 0 ? kIndexHeaderNulls : kIndexHeader);
  boost::container::static_vector<double, kMaxIndexColumns> distinct;
  bool all_known = true;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if ((nulls >> i & 1) != 0) continue;
    layout.Add(columns[i]);
    if (i >= keys) continue;
    all_known = all_known && columns[i].distinct > 0;
    distinct.push_back(columns[i].distinct);
  }
  pattern.size.bytes = layout.Finish();
  pattern.size.exact = layout.exact();
  if (all_known) {
    pattern.distinct = CombineDistinct({distinct.data(), distinct.size()}, rows * pattern.share);
  }
  return pattern;
}

// Bytes of a page that tuples and their item pointers can take, the high key's pointer given away.
double BtreeUsable(double page_bytes) {
  return page_bytes - kPageHeader - kBtreeSpecial - kItemPointer;
}

// Tuples left on a page when the server moves on: it fills up to the soft limit, then the last
// tuple goes to the next page and its key becomes the high key.
double TuplesPerPage(const LeafTuples& tuples, double page_bytes, double keep_free) {
  const double usable = BtreeUsable(page_bytes) - kItemPointer;
  const double soft = usable - keep_free + tuples.list;
  const double hard = usable - (tuples.mean - kItemPointer) - kMaxAlign;
  const double limit = std::min(soft, hard);
  if (tuples.exact) return std::max(1.0, std::floor(limit / tuples.mean));
  return std::max(1.0, (limit - tuples.square / tuples.mean / 2) / tuples.mean);
}

}  // namespace

double EstimateHeapTupleBytes(const HeapShape& shape) { return HeapTuple(shape).bytes; }

double EstimateHeapPages(const HeapShape& shape) {
  if (shape.rows <= 0) return 0;
  const TupleSize tuple = HeapTuple(shape);
  const double keep_free = std::floor(shape.page_bytes * (100 - shape.fillfactor) / 100);
  const double room = shape.page_bytes - kPageHeader - keep_free;
  double per_page = room / (tuple.bytes + kItemPointer);
  per_page = tuple.exact ? std::floor(per_page) : per_page - 0.5;
  return std::ceil(shape.rows / std::max(1.0, per_page));
}

BtreeSize EstimateBtree(const BtreeShape& shape) {
  BtreeSize result;
  result.pages = 1;  // the meta page; an empty index is built without a root
  if (shape.rows <= 0) return result;

  IndexColumns columns;
  for (const SizedColumn& column : shape.keys) {
    if (columns.size() < kMaxIndexColumns) columns.push_back(column);
  }
  for (const SizedColumn& column : shape.included) {
    if (columns.size() < kMaxIndexColumns) columns.push_back(column);
  }
  boost::container::static_vector<std::size_t, kMaxNullable> nullable;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].null_fraction > 0 && nullable.size() < kMaxNullable) nullable.push_back(i);
  }

  const bool deduplicate = shape.equal_image && !shape.unique && shape.included.empty();
  // A tenth of the page, not BTMaxItemSize: what _bt_load() allows a posting list during a build.
  LeafMix mix(deduplicate ? AlignDown(std::floor(shape.page_bytes / 10), kMaxAlign) - kItemPointer
                          : 0);
  double keys_in_all = 0;
  for (std::uint32_t mask = 0; mask < 1u << nullable.size(); ++mask) {
    const NullPattern pattern = DescribePattern(columns, shape.keys.size(), mask,
                                                {nullable.data(), nullable.size()}, shape.rows);
    const double rows = shape.rows * pattern.share;
    if (rows < 0.5) continue;
    double distinct = pattern.distinct;
    if (mask == 0) {
      distinct = shape.distinct;
    } else if (distinct <= 0 && shape.distinct > 0) {
      distinct = shape.distinct * pattern.share;
    }
    distinct = distinct <= 0 ? rows : std::clamp(distinct, 1.0, std::max(1.0, rows));
    keys_in_all += distinct;
    AddKeys(pattern.size, deduplicate ? distinct : rows, rows, &mix);
  }
  const LeafTuples leaf = mix.Result();
  const double keep_free = std::floor(shape.page_bytes * (100 - shape.fillfactor) / 100);
  result.leaf_pages =
      std::max(1.0, std::ceil(leaf.count / TuplesPerPage(leaf, shape.page_bytes, keep_free)));
  result.pages += result.leaf_pages;

  // Upper levels hold one truncated key a page below: no INCLUDE columns, and a TID where keys
  // repeat.
  Layout pivot_layout(kIndexHeader);
  for (const SizedColumn& column : shape.keys) pivot_layout.Add(column);
  LeafTuples pivot;
  pivot.mean = pivot_layout.Finish() + kItemPointer;
  pivot.exact = pivot_layout.exact();
  if (keys_in_all < result.leaf_pages * 2) pivot.mean += kMaxAlign;
  pivot.square = pivot.mean * pivot.mean;
  const double pivots_free = std::floor(shape.page_bytes * (100 - kNonleafFillfactor) / 100);
  const double fanout = std::max(2.0, TuplesPerPage(pivot, shape.page_bytes, pivots_free));
  for (double level = result.leaf_pages; level > 1;) {
    level = std::ceil(level / fanout);
    result.pages += level;
    ++result.height;
  }
  return result;
}

double EstimateBtreePages(const BtreeShape& shape) { return EstimateBtree(shape).pages; }

double CombineDistinct(std::span<const double> distinct, double rows) {
  if (rows <= 0) return 0;
  double product = 1, most = 1;
  for (const double each : distinct) {
    product *= std::max(1.0, each);
    most = std::max(most, each);
  }
  // Combinations that occur when `rows` of them are drawn from `product` equally likely ones; never
  // fewer than one column has values.
  const double drawn = product >= rows * 1e6 ? rows : product * -std::expm1(-rows / product);
  return std::clamp(drawn, std::min(most, rows), rows);
}

double DistinctCount(double stadistinct, double rows) {
  return stadistinct >= 0 ? stadistinct : -stadistinct * rows;
}

}  // namespace assist
