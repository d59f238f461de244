// Index candidates from what a statement does with a table.
#include "core/advise/candidates.hpp"

#include <algorithm>
#include <cmath>

#include "assist/size_model.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::advise {
namespace {

using boost::container::static_vector;

constexpr std::size_t kMaxUses = 8;   // columns of one kind looked at
constexpr std::size_t kMaxEqual = 3;  // equal keys of one index
constexpr std::size_t kMaxSort = 3;
constexpr double kHashBytes = 48;  // a b-tree of wider keys is much larger than a hash index
// A constant among few different values is a state, among many one of them.
constexpr double kFewValues = 10;
constexpr double kBrinCorrelation = 0.9;
constexpr std::int64_t kBrinPages = 2048;  // 16 summaries

using Keys = static_vector<CandidateKey, kMaxUses>;
using Included = static_vector<CandidateKey, kMaxIncluded>;

// The uses of one table, as keys of it.
struct Uses {
  Keys equal;  // most different values first
  Keys range;
  Keys pattern;
  Keys join;
  Keys order;
  Keys group;
  Keys arms;  // of an OR
};

const Column* FindColumn(const Table& table, std::string_view name) {
  for (const Column& column : table.columns) {
    if (!column.dropped && column.name == name) return &column;
  }
  return nullptr;
}

const Column* FindColumn(const Table& table, std::int16_t number) {
  for (const Column& column : table.columns) {
    if (column.number == number) return &column;
  }
  return nullptr;
}

bool SameKey(const CandidateKey& a, const CandidateKey& b) {
  return a.column == b.column && (a.column != 0 || a.text == b.text);
}

void AddTo(Keys& keys, const CandidateKey& key) {
  if (keys.size() < keys.capacity() &&
      std::none_of(keys.begin(), keys.end(),
                   [&](const CandidateKey& k) { return SameKey(k, key); }))
    keys.push_back(key);
}

// False when the table has no such column, or one too wide for a key.
bool ReadKey(const Table& table, const UsedKey& used, CandidateKey& key) {
  key = {.text = used.expression,
         .opclass = used.opclass,
         .use = used.use,
         .descending = used.descending,
         .nulls_first = used.nulls_first};
  if (used.column.empty()) return !used.expression.empty();
  const Column* column = FindColumn(table, used.column);
  if (column == nullptr) return false;
  key.column = column->number;
  key.text = column->name;
  const bool whole_value = used.method == Method::kBtree;
  return !whole_value || column->average_width <= kMaxKeyBytes;
}

void Classify(const UsedKey& used, CandidateKey key, Uses& uses) {
  if (used.arm > 0) {
    if (used.use == KeyUse::kJoin) key.use = KeyUse::kEqual;
    AddTo(uses.arms, key);
    return;
  }
  switch (used.use) {
    case KeyUse::kEqual:
      AddTo(uses.equal, key);
      break;
    case KeyUse::kRange:
      AddTo(uses.range, key);
      break;
    case KeyUse::kPattern:
      AddTo(uses.pattern, key);
      break;
    case KeyUse::kJoin:
      key.use = KeyUse::kEqual;
      AddTo(uses.join, key);
      break;
    case KeyUse::kOrder:
      if (uses.order.size() < kMaxSort) AddTo(uses.order, key);
      break;
    case KeyUse::kGroup:
      key.use = KeyUse::kOrder;
      if (uses.group.size() < kMaxSort) AddTo(uses.group, key);
      break;
    case KeyUse::kOperator:
    case KeyUse::kDistance:
      break;
  }
}

// Different values, for the order of equal keys; an expression is taken as telling rows apart.
double Distinct(const Table& table, const CandidateKey& key) {
  const double rows = table.rows > 0 ? table.rows : 1;
  const Column* column = FindColumn(table, key.column);
  if (column != nullptr && column->has_statistics && column->distinct != 0)
    return DistinctCount(column->distinct, rows);
  return rows;
}

void SortByDistinct(const Table& table, Keys& keys) {
  std::stable_sort(keys.begin(), keys.end(), [&](const CandidateKey& a, const CandidateKey& b) {
    const double left = Distinct(table, a), right = Distinct(table, b);
    if (left != right) return left > right;
    return a.column != b.column ? a.column < b.column : a.text < b.text;
  });
}

// The same order read backwards, so that the first key ascends: a b-tree scan goes both ways.
void Normalize(Candidate& candidate) {
  const auto first =
      std::find_if(candidate.keys.begin(), candidate.keys.end(),
                   [](const CandidateKey& key) { return key.use == KeyUse::kOrder; });
  if (first == candidate.keys.end() || !first->descending) return;
  for (auto key = first; key != candidate.keys.end(); ++key) {
    key->descending = !key->descending;
    key->nulls_first = !key->nulls_first;
  }
}

bool HasKey(const Candidate& candidate, const CandidateKey& key) {
  return std::any_of(candidate.keys.begin(), candidate.keys.end(),
                     [&](const CandidateKey& other) { return SameKey(other, key); });
}

class Collector {
 public:
  Collector(const Snapshot& snapshot, const Table& table, std::pmr::vector<Candidate>& out)
      : snapshot_(snapshot), table_(table), out_(out) {}

  // The b-tree with these keys, one part after the other.
  Candidate Make(std::initializer_list<const Keys*> parts) const {
    Candidate candidate;
    candidate.table = table_.oid;
    for (const Keys* part : parts) {
      std::size_t equal = 0;
      for (const CandidateKey& key : *part) {
        if (key.use == KeyUse::kEqual && equal++ >= kMaxEqual) continue;
        if (candidate.keys.size() == kMaxKeys) break;
        if (!HasKey(candidate, key)) candidate.keys.push_back(key);
      }
    }
    Normalize(candidate);
    return candidate;
  }

  void Add(const Candidate& candidate) {
    if (candidate.keys.empty() || count_ == kMaxCandidates) return;
    for (const Candidate& other : out_) {
      if (SameIndex(other, candidate)) return;
    }
    bool served = false;
    rules::ForEachIndexOf(snapshot_, table_.oid,
                          [&](const Index& index) { served = served || Serves(index, candidate); });
    if (served) return;
    out_.push_back(candidate);
    ++count_;
  }
  void Add(std::initializer_list<const Keys*> parts) { Add(Make(parts)); }

 private:
  const Snapshot& snapshot_;
  const Table& table_;
  std::pmr::vector<Candidate>& out_;
  std::size_t count_ = 0;
};

Keys One(const CandidateKey& key) { return Keys(1, key); }

void AddBtrees(const Uses& uses, Collector& add) {
  for (const CandidateKey& key : uses.range) {
    const Keys range = One(key);
    if (!uses.equal.empty()) add.Add({&uses.equal, &range});
  }
  if (!uses.order.empty()) add.Add({&uses.equal, &uses.order});
  add.Add({&uses.equal});
  for (const CandidateKey& key : uses.pattern) {
    const Keys pattern = One(key);
    add.Add({&uses.equal, &pattern});
    add.Add({&pattern});
  }
  for (const CandidateKey& key : uses.join) {
    const Keys join = One(key);
    add.Add({&join, &uses.equal});
    add.Add({&join});
  }
  if (uses.join.size() > 1) add.Add({&uses.join});
  for (const CandidateKey& key : uses.equal) {
    const Keys equal = One(key);
    add.Add({&equal});
  }
  for (const CandidateKey& key : uses.range) {
    const Keys range = One(key);
    add.Add({&range});
  }
  for (const CandidateKey& key : uses.arms) {
    const Keys arm = One(key);
    add.Add({&arm});
  }
  if (!uses.order.empty()) add.Add({&uses.order});
  if (!uses.group.empty()) add.Add({&uses.group});
  // Pairs: a join may be narrowed by a range, or by one equality as well as by all.
  for (const CandidateKey& key : uses.join) {
    const Keys join = One(key);
    for (const CandidateKey& other : uses.range) {
      const Keys range = One(other);
      add.Add({&join, &range});
    }
    if (uses.equal.size() > 1)
      for (const CandidateKey& other : uses.equal) {
        const Keys equal = One(other);
        add.Add({&join, &equal});
      }
  }
  if (uses.equal.size() > 1)
    for (const CandidateKey& key : uses.equal)
      for (const CandidateKey& other : uses.range) {
        const Keys equal = One(key), range = One(other);
        add.Add({&equal, &range});
      }
}

// Whether all that is read besides the keys can come along. Not where that is the whole row, for
// the index would be a second table, nor behind an expression, of which the planner knows too
// little before its index is there to say what reading no table would spare.
bool Include(const Table& table, const TableUse& use, Candidate& candidate) {
  if (use.needs_row || use.needed.empty()) return false;
  if (std::any_of(candidate.keys.begin(), candidate.keys.end(),
                  [](const CandidateKey& key) { return key.column == 0; }))
    return false;
  double bytes = 0;
  for (const std::string_view name : use.needed) {
    const Column* column = FindColumn(table, name);
    if (column == nullptr) return false;
    const CandidateKey key = {.column = column->number, .text = column->name};
    if (HasKey(candidate, key)) continue;
    bytes += column->average_width;
    if (candidate.included.size() == kMaxIncluded || bytes > kMaxIncludedBytes) return false;
    candidate.included.push_back(key);
  }
  std::sort(candidate.included.begin(), candidate.included.end(),
            [](const CandidateKey& a, const CandidateKey& b) { return a.column < b.column; });
  const auto columns = std::count_if(table.columns.begin(), table.columns.end(),
                                     [](const Column& column) { return !column.dropped; });
  return !candidate.included.empty() &&
         static_cast<std::ptrdiff_t>(candidate.keys.size() + candidate.included.size()) < columns;
}

void AddCovering(const Table& table, const TableUse& use, const Uses& uses, Collector& add) {
  const auto include = [&](std::initializer_list<const Keys*> parts) {
    Candidate candidate = add.Make(parts);
    if (!candidate.keys.empty() && Include(table, use, candidate)) add.Add(candidate);
  };
  for (const CandidateKey& key : uses.join) {
    const Keys join = One(key);
    include({&join, &uses.equal});
  }
  for (const CandidateKey& key : uses.range) {
    const Keys range = One(key);
    include({&uses.equal, &range});
  }
  if (uses.range.empty()) include({&uses.equal, &uses.order});
  if (uses.equal.empty() && uses.range.empty()) include({&uses.group});
}

void AddPartial(const Table& table, const TableUse& use, const Uses& uses, Collector& add) {
  for (const UsedCondition& condition : use.conditions) {
    const Column* column = FindColumn(table, condition.column);
    if (column == nullptr) continue;
    if (condition.constant && Distinct(table, {.column = column->number}) > kFewValues) continue;
    // What the condition says needs no key.
    const auto without = [&](const Keys& keys) {
      Keys out;
      for (const CandidateKey& key : keys)
        if (key.column != column->number) out.push_back(key);
      return out;
    };
    const Keys equal = without(uses.equal), order = without(uses.order),
               ranges = without(uses.range), joins = without(uses.join);
    const auto partial = [&](std::initializer_list<const Keys*> parts) {
      Candidate candidate = add.Make(parts);
      candidate.predicate = condition.text;
      candidate.held = condition.held;
      add.Add(candidate);
    };
    for (const CandidateKey& key : ranges) {
      const Keys range = One(key);
      partial({&equal, &range});
    }
    if (!order.empty()) partial({&equal, &order});
    partial({&equal});
    if (equal.empty() && order.empty() && ranges.empty() && joins.empty()) {
      const Keys own = One({.column = column->number, .text = column->name});
      partial({&own});
    }
    for (const CandidateKey& key : joins) {
      const Keys join = One(key);
      partial({&join, &equal});
    }
  }
}

void AddOtherMethods(const Table& table, const TableUse& use, const Uses& uses, Collector& add) {
  for (const UsedKey& used : use.keys) {
    if (used.use != KeyUse::kOperator && used.use != KeyUse::kDistance) continue;
    CandidateKey key;
    if (!ReadKey(table, used, key)) continue;
    Candidate candidate;
    candidate.table = table.oid;
    candidate.method = used.method;
    candidate.keys.push_back(key);
    add.Add(candidate);
  }
  for (const CandidateKey& key : uses.equal) {
    const Column* column = FindColumn(table, key.column);
    if (column == nullptr || column->average_width < kHashBytes) continue;
    Candidate candidate;
    candidate.table = table.oid;
    candidate.method = Method::kHash;
    candidate.keys.push_back(key);
    add.Add(candidate);
  }
  for (const Keys* keys : {&uses.range, &uses.equal}) {
    for (const CandidateKey& key : *keys) {
      const Column* column = FindColumn(table, key.column);
      if (column == nullptr || table.pages < kBrinPages ||
          std::abs(column->correlation) < kBrinCorrelation || !key.opclass.empty())
        continue;
      Candidate candidate;
      candidate.table = table.oid;
      candidate.method = Method::kBrin;
      candidate.keys.push_back(key);
      add.Add(candidate);
    }
  }
}

// The table an index on which serves `relation`: the root of its partitioned tables.
const Table* IndexedTable(const Snapshot& snapshot, Oid relation) {
  const Table* table = snapshot.FindTable(relation);
  for (int level = 0; table != nullptr && table->parent != 0 && level < 32; ++level) {
    const Table* parent = snapshot.FindTable(table->parent);
    if (parent == nullptr || parent->kind != 'p') break;
    table = parent;
  }
  if (table == nullptr || !rules::IsJudged(*table)) return nullptr;
  return table->kind == 'r' || table->kind == 'p' || table->kind == 'm' ? table : nullptr;
}

bool SameColumn(const IndexKey& index, const CandidateKey& key) {
  if (index.column != key.column) return false;
  return key.column != 0 || text::SameExpression(index.expression, key.text);
}

// Positions of order: as wanted, or all of them the other way round.
bool SameOrder(const Index& index, const Candidate& candidate, std::size_t from) {
  bool forward = true, backward = true;
  for (std::size_t i = from; i < candidate.keys.size(); ++i) {
    if (i >= index.keys.size() || !SameColumn(index.keys[i], candidate.keys[i])) return false;
    const CandidateKey& key = candidate.keys[i];
    const bool descending = (index.keys[i].option & 1) != 0;
    const bool nulls_first = (index.keys[i].option & 2) != 0;
    if (key.use != KeyUse::kOrder) continue;
    forward = forward && descending == key.descending && nulls_first == key.nulls_first;
    backward = backward && descending != key.descending && nulls_first != key.nulls_first;
  }
  return forward || backward;
}

bool SameClass(const CandidateKey& a, const CandidateKey& b) {
  return SameKey(a, b) && a.opclass == b.opclass;
}

// Whether an index-only scan of `longer` reads all that one of `shorter` does.
bool CarriesAll(const Candidate& longer, const Candidate& shorter) {
  return std::all_of(
      shorter.included.begin(), shorter.included.end(), [&](const CandidateKey& key) {
        const auto same = [&](const CandidateKey& other) { return SameKey(other, key); };
        return std::any_of(longer.included.begin(), longer.included.end(), same) ||
               std::any_of(longer.keys.begin(), longer.keys.end(), same);
      });
}

}  // namespace

std::size_t Candidate::EqualKeys() const {
  std::size_t n = 0;
  while (n < keys.size() && keys[n].use == KeyUse::kEqual) ++n;
  return n;
}

bool SameKeys(const Candidate& a, const Candidate& b) {
  return a.table == b.table && a.method == b.method && a.predicate == b.predicate &&
         std::equal(a.keys.begin(), a.keys.end(), b.keys.begin(), b.keys.end(),
                    [](const CandidateKey& x, const CandidateKey& y) {
                      return SameClass(x, y) && x.descending == y.descending &&
                             x.nulls_first == y.nulls_first;
                    });
}

bool SameIndex(const Candidate& a, const Candidate& b) {
  return a.method == b.method && a.predicate == b.predicate && a.keys.size() == b.keys.size() &&
         a.included.size() == b.included.size() && Covers(a, b);
}

bool Covers(const Candidate& longer, const Candidate& shorter) {
  if (longer.table != shorter.table || longer.method != shorter.method) return false;
  if (!longer.predicate.empty() && longer.predicate != shorter.predicate) return false;
  if (longer.method != Method::kBtree)
    return longer.keys.size() == shorter.keys.size() &&
           std::equal(longer.keys.begin(), longer.keys.end(), shorter.keys.begin(), SameClass);
  if (longer.keys.size() < shorter.keys.size() || !CarriesAll(longer, shorter)) return false;
  // Keys compared by equality in both may be swapped; it is enough to ask for the plain prefix, and
  // for the same set where all of the shorter one's are equal.
  bool prefix = true;
  for (std::size_t i = 0; i < shorter.keys.size() && prefix; ++i) {
    const CandidateKey& a = longer.keys[i];
    const CandidateKey& b = shorter.keys[i];
    prefix = SameClass(a, b) && a.descending == b.descending && a.nulls_first == b.nulls_first;
  }
  if (prefix) return true;
  if (shorter.EqualKeys() != shorter.keys.size()) return false;
  for (std::size_t i = 0; i < shorter.keys.size(); ++i) {
    if (std::none_of(shorter.keys.begin(), shorter.keys.end(),
                     [&](const CandidateKey& key) { return SameClass(key, longer.keys[i]); }))
      return false;
  }
  return true;
}

bool Serves(const Index& index, const Candidate& candidate) {
  if (index.table != candidate.table || !index.valid || !index.live || !index.predicate.empty())
    return false;
  if (index.keys.empty() || candidate.keys.empty()) return false;
  const auto method = [&](Method m) { return candidate.method == m; };
  if (!method(Method::kBtree)) {
    // The same method on the same column, whatever its operator class: the planner says if not.
    const bool same =
        (method(Method::kHash) && (index.method == "hash" || index.method == "btree")) ||
        (method(Method::kBrin) && (index.method == "brin" || index.method == "btree"));
    return same && candidate.keys.size() == 1 && SameColumn(index.keys[0], candidate.keys[0]);
  }
  // What an index-only scan would read is there too.
  const auto carries = [&](const CandidateKey& key) {
    return std::any_of(index.keys.begin(), index.keys.end(),
                       [&](const IndexKey& other) { return SameColumn(other, key); }) ||
           std::find(index.included.begin(), index.included.end(), key.column) !=
               index.included.end();
  };
  if (!std::all_of(candidate.included.begin(), candidate.included.end(), carries)) return false;
  const bool only_equal = candidate.EqualKeys() == candidate.keys.size();
  if (index.method != "btree") {
    // Another method on the same column answers the same comparison, if not always as fast; BRIN
    // does not.
    return index.method != "brin" && only_equal && candidate.keys.size() == 1 &&
           SameColumn(index.keys[0], candidate.keys[0]);
  }
  const std::size_t equal = candidate.EqualKeys();
  if (index.keys.size() < candidate.keys.size()) {
    // A unique index leaves one row for what follows it.
    if (!index.unique || index.keys.size() > equal) return false;
  }
  const std::size_t leading = std::min(equal, index.keys.size());
  for (std::size_t i = 0; i < leading; ++i) {
    const auto wanted = std::find_if(
        candidate.keys.begin(), candidate.keys.begin() + static_cast<std::ptrdiff_t>(equal),
        [&](const CandidateKey& key) { return SameColumn(index.keys[i], key); });
    if (wanted == candidate.keys.begin() + static_cast<std::ptrdiff_t>(equal)) return false;
  }
  if (index.keys.size() < candidate.keys.size()) return true;
  // Whether a pattern class is the index's is not to be told from its oid here: the planner will
  // say.
  for (const CandidateKey& key : candidate.keys) {
    if (!key.opclass.empty()) return false;
  }
  return SameOrder(index, candidate, equal);
}

void AddCandidates(const Snapshot& snapshot, const TableUse& use,
                   std::pmr::vector<Candidate>& out) {
  const Table* table = IndexedTable(snapshot, use.relation);
  if (table == nullptr) return;
  Uses uses;
  for (const UsedKey& used : use.keys) {
    CandidateKey key;
    if (ReadKey(*table, used, key)) Classify(used, key, uses);
  }
  SortByDistinct(*table, uses.equal);
  SortByDistinct(*table, uses.join);
  Collector add(snapshot, *table, out);
  AddBtrees(uses, add);
  AddOtherMethods(*table, use, uses, add);
  AddPartial(*table, use, uses, add);
  AddCovering(*table, use, uses, add);
}

}  // namespace assist::advise
