// Index candidates from observed predicates.
#include "core/advise/candidates.hpp"

#include <algorithm>

#include "assist/size_model.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::advise {
namespace {

using boost::container::static_vector;
using text::Append;

constexpr std::size_t kMaxUses = 6;   // columns of one kind looked at
constexpr std::size_t kMaxEqual = 3;  // equal keys of one index
constexpr std::size_t kMaxSort = 3;

using Keys = static_vector<CandidateKey, kMaxUses>;

// What one statement does with one table.
struct Uses {
  Keys equal;  // most different values first
  Keys range;
  Keys pattern;  // LIKE
  Keys join;
  Keys order;  // the columns of ORDER BY, in its order
  Keys group;
};

bool IsLetters(std::string_view type, std::string_view prefix) {
  return type.substr(0, prefix.size()) == prefix;
}

// The operator class that serves LIKE whatever the collation; empty for a type without one.
std::string_view PatternClass(std::string_view type) {
  if (IsLetters(type, "text")) return "text_pattern_ops";
  if (IsLetters(type, "character varying") || IsLetters(type, "varchar"))
    return "varchar_pattern_ops";
  if (IsLetters(type, "character(") || type == "character" || type == "bpchar")
    return "bpchar_pattern_ops";
  return {};
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool IsEqual(std::string_view op) { return op == "=" || op == "IS NULL" || op == "= ANY"; }
bool IsRange(std::string_view op) { return op == "<" || op == "<=" || op == ">" || op == ">="; }
// "~~ infix" begins with a wildcard: no b-tree serves it.
bool IsPattern(std::string_view op) { return op == "~~" || op == "~~ unknown" || op == "^@"; }

const Column* FindColumn(const Table& table, std::string_view name) {
  for (const Column& column : table.columns) {
    if (!column.dropped && column.name == name) return &column;
  }
  return nullptr;
}

// Types without a default b-tree operator class among those that are compared at all.
bool IsSortable(const Column& column) {
  for (const std::string_view type :
       {"json", "xml", "point", "box", "path", "polygon", "circle", "line"}) {
    if (column.type_name == type) return false;
  }
  return column.average_width <= kMaxKeyBytes;
}

bool Has(const Keys& keys, const CandidateKey& key) {
  return std::any_of(keys.begin(), keys.end(), [&](const CandidateKey& other) {
    return other.column == key.column &&
           (key.column != 0 || text::SameExpression(other.text, key.text));
  });
}

void AddTo(Keys& keys, const CandidateKey& key) {
  if (keys.size() < keys.capacity() && !Has(keys, key)) keys.push_back(key);
}

// An expression that is one function call or one name stands without parentheses in an index
// definition.
bool NeedsParentheses(std::string_view expression) {
  std::size_t i = 0;
  while (i < expression.size() &&
         (expression[i] == '_' || expression[i] == '.' || expression[i] == '"' ||
          static_cast<unsigned char>(expression[i]) >= 0x80 ||
          (expression[i] >= '0' && expression[i] <= '9') ||
          (expression[i] >= 'a' && expression[i] <= 'z') ||
          (expression[i] >= 'A' && expression[i] <= 'Z'))) {
    ++i;
  }
  if (i == 0 || i >= expression.size() || expression[i] != '(') return true;
  int depth = 0;
  bool quoted = false;
  for (; i < expression.size(); ++i) {
    if (expression[i] == '\'') quoted = !quoted;
    if (quoted) continue;
    if (expression[i] == '(') ++depth;
    if (expression[i] == ')' && --depth == 0) break;
  }
  return i + 1 != expression.size();
}

// One entry of a predicate's parallel lists as a key; false when no b-tree key comes of it.
bool ReadKey(const Table& table, const Predicate& predicate, std::size_t i, CandidateKey& key,
             const Column*& column) {
  column = nullptr;
  const std::string_view name =
      i < predicate.columns.size() ? predicate.columns[i] : std::string_view();
  if (!name.empty()) {
    column = FindColumn(table, name);
    if (column == nullptr || !IsSortable(*column)) return false;
    key = {.column = column->number, .text = column->name};
    return true;
  }
  const std::string_view expression =
      i < predicate.expressions.size() ? predicate.expressions[i] : std::string_view();
  // A constant, a parameter, or a subquery is no key.
  if (expression.empty() || Contains(expression, "$") || Contains(expression, "SELECT "))
    return false;
  key = {.column = 0, .text = expression};
  return true;
}

void ReadOrder(std::string_view op, CandidateKey& key) {
  key.use = KeyUse::kOrder;
  key.descending = Contains(op, "DESC");
  key.nulls_first = Contains(op, "NULLS FIRST") || (key.descending && !Contains(op, "NULLS LAST"));
}

void Classify(const Snapshot& snapshot, const Table& table, const Predicate& predicate,
              Uses& uses) {
  for (std::size_t i = 0; i < predicate.operators.size(); ++i) {
    CandidateKey key;
    const Column* column;
    const std::string_view op = predicate.operators[i];
    if (!ReadKey(table, predicate, i, key, column)) {
      // Behind a sort key that no index has, the rest of the order is of no use.
      if (predicate.use == PredicateUse::kSort) return;
      continue;
    }
    switch (predicate.use) {
      case PredicateUse::kFilter:
      case PredicateUse::kIndex:
        if (IsEqual(op)) {
          AddTo(uses.equal, key);
        } else if (IsRange(op)) {
          key.use = KeyUse::kRange;
          AddTo(uses.range, key);
        } else if (IsPattern(op)) {
          key.use = KeyUse::kPattern;
          const Setting* collation = snapshot.FindSetting("lc_collate");
          const bool bytewise =
              collation != nullptr && (collation->value == "C" || collation->value == "POSIX");
          key.opclass = column == nullptr ? "text_pattern_ops" : PatternClass(column->type_name);
          if (!bytewise && key.opclass.empty()) break;
          if (bytewise) key.opclass = {};
          AddTo(uses.pattern, key);
        }
        break;
      case PredicateUse::kJoin:
        if (op == "=") AddTo(uses.join, key);
        break;
      case PredicateUse::kSort:
        ReadOrder(op, key);
        if (uses.order.size() < kMaxSort) AddTo(uses.order, key);
        break;
      case PredicateUse::kGroup:
        key.use = KeyUse::kOrder;
        if (uses.group.size() < kMaxSort) AddTo(uses.group, key);
        break;
    }
  }
}

// Different values, for the order of equal keys; an expression is taken as telling rows apart.
double Distinct(const Table& table, const CandidateKey& key) {
  const double rows = table.rows > 0 ? table.rows : 1;
  for (const Column& column : table.columns) {
    if (column.number == key.column && column.has_statistics && column.distinct != 0)
      return DistinctCount(column.distinct, rows);
  }
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

class Collector {
 public:
  Collector(const Snapshot& snapshot, Oid table, std::pmr::vector<Candidate>& out)
      : snapshot_(snapshot), table_(table), out_(out) {}

  void Add(std::initializer_list<const Keys*> parts) {
    Candidate candidate;
    candidate.table = table_;
    for (const Keys* part : parts) {
      std::size_t equal = 0;
      for (const CandidateKey& key : *part) {
        if (key.use == KeyUse::kEqual && equal++ >= kMaxEqual) continue;
        if (candidate.keys.size() == kMaxKeys) break;
        const bool repeated = std::any_of(
            candidate.keys.begin(), candidate.keys.end(), [&](const CandidateKey& other) {
              return other.column == key.column && (key.column != 0 || other.text == key.text);
            });
        if (!repeated) candidate.keys.push_back(key);
      }
    }
    if (candidate.keys.empty() || count_ == kMaxCandidates) return;
    Normalize(candidate);
    for (const Candidate& other : out_) {
      if (SameKeys(other, candidate)) return;
    }
    bool served = false;
    rules::ForEachIndexOf(snapshot_, table_,
                          [&](const Index& index) { served = served || Serves(index, candidate); });
    if (served) return;
    out_.push_back(candidate);
    ++count_;
  }

 private:
  const Snapshot& snapshot_;
  Oid table_;
  std::pmr::vector<Candidate>& out_;
  std::size_t count_ = 0;
};

void AddCandidates(const Snapshot& snapshot, const Table& table, Uses& uses,
                   std::pmr::vector<Candidate>& out) {
  SortByDistinct(table, uses.equal);
  SortByDistinct(table, uses.join);
  Collector add(snapshot, table.oid, out);
  const auto one = [](const CandidateKey& key) { return Keys(1, key); };
  for (const CandidateKey& key : uses.range) {
    const Keys range = one(key);
    if (!uses.equal.empty()) add.Add({&uses.equal, &range});
  }
  if (!uses.order.empty()) add.Add({&uses.equal, &uses.order});
  add.Add({&uses.equal});
  for (const CandidateKey& key : uses.pattern) {
    const Keys pattern = one(key);
    add.Add({&uses.equal, &pattern});
    add.Add({&pattern});
  }
  for (const CandidateKey& key : uses.join) {
    const Keys join = one(key);
    add.Add({&join, &uses.equal});
    add.Add({&join});
  }
  if (uses.join.size() > 1) add.Add({&uses.join});
  for (const CandidateKey& key : uses.equal) {
    const Keys equal = one(key);
    add.Add({&equal});
  }
  for (const CandidateKey& key : uses.range) {
    const Keys range = one(key);
    add.Add({&range});
  }
  if (!uses.order.empty()) add.Add({&uses.order});
  if (!uses.group.empty()) add.Add({&uses.group});
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

}  // namespace

std::size_t Candidate::EqualKeys() const {
  std::size_t n = 0;
  while (n < keys.size() && keys[n].use == KeyUse::kEqual) ++n;
  return n;
}

bool SameKeys(const Candidate& a, const Candidate& b) {
  return a.keys.size() == b.keys.size() && Covers(a, b);
}

bool Covers(const Candidate& longer, const Candidate& shorter) {
  if (longer.table != shorter.table || longer.keys.size() < shorter.keys.size()) return false;
  // Keys compared by equality in both may be swapped; it is enough to ask for the plain prefix, and
  // for the same set where all of the shorter one's are equal.
  bool prefix = true;
  for (std::size_t i = 0; i < shorter.keys.size() && prefix; ++i) {
    const CandidateKey& a = longer.keys[i];
    const CandidateKey& b = shorter.keys[i];
    prefix = a.column == b.column && a.text == b.text && a.opclass == b.opclass &&
             a.descending == b.descending && a.nulls_first == b.nulls_first;
  }
  if (prefix) return true;
  if (shorter.EqualKeys() != shorter.keys.size()) return false;
  for (std::size_t i = 0; i < shorter.keys.size(); ++i) {
    if (std::none_of(shorter.keys.begin(), shorter.keys.end(), [&](const CandidateKey& key) {
          return key.column == longer.keys[i].column && key.text == longer.keys[i].text &&
                 key.opclass == longer.keys[i].opclass;
        })) {
      return false;
    }
  }
  return true;
}

bool Serves(const Index& index, const Candidate& candidate) {
  if (index.table != candidate.table || !index.valid || !index.live || !index.predicate.empty())
    return false;
  if (index.keys.empty() || candidate.keys.empty()) return false;
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

std::pmr::vector<Candidate> FindCandidates(const Snapshot& snapshot, std::int64_t query_id,
                                           Oid user, std::pmr::memory_resource* memory) {
  std::pmr::vector<Candidate> out(memory);
  std::pmr::vector<Oid> tables(memory);
  for (const Predicate& predicate : snapshot.predicates) {
    if (predicate.query_id != query_id || predicate.user != user) continue;
    const Table* table = IndexedTable(snapshot, predicate.relation);
    if (table != nullptr && std::find(tables.begin(), tables.end(), table->oid) == tables.end())
      tables.push_back(table->oid);
  }
  std::sort(tables.begin(), tables.end());
  for (const Oid oid : tables) {
    const Table& table = *snapshot.FindTable(oid);
    Uses uses;
    for (const Predicate& predicate : snapshot.predicates) {
      if (predicate.query_id != query_id || predicate.user != user) continue;
      const Table* indexed = IndexedTable(snapshot, predicate.relation);
      if (indexed != nullptr && indexed->oid == oid) Classify(snapshot, table, predicate, uses);
    }
    AddCandidates(snapshot, table, uses, out);
  }
  return out;
}

std::pmr::string KeyList(const Candidate& candidate, std::pmr::memory_resource* memory) {
  std::pmr::string list("(", memory);
  for (const CandidateKey& key : candidate.keys) {
    if (list.size() > 1) list.append(", ");
    if (key.column != 0) {
      text::AppendIdentifier(list, key.text);
    } else if (NeedsParentheses(key.text)) {
      Append(list, "(", key.text, ")");
    } else {
      list.append(key.text);
    }
    if (!key.opclass.empty()) Append(list, " ", key.opclass);
    if (key.descending) list.append(" DESC");
    if (key.nulls_first != key.descending)
      list.append(key.nulls_first ? " NULLS FIRST" : " NULLS LAST");
  }
  list.append(")");
  return list;
}

std::pmr::string ChooseName(const Snapshot& snapshot, const Candidate& candidate,
                            const std::pmr::vector<std::pmr::string>& taken,
                            std::pmr::memory_resource* memory) {
  const Table* table = snapshot.FindTable(candidate.table);
  std::pmr::string base(table == nullptr ? "index" : table->name, memory);
  for (const CandidateKey& key : candidate.keys) {
    base.append("_");
    if (key.column != 0) {
      base.append(key.text);
      continue;
    }
    // lower(email) becomes lower, as CREATE INDEX would name it; anything else is expr.
    const std::size_t open = NeedsParentheses(key.text) ? 0 : key.text.find('(');
    const std::string_view name = key.text.substr(0, open);
    const std::size_t dot = name.rfind('.');
    base.append(open == 0 ? "expr" : dot == std::string_view::npos ? name : name.substr(dot + 1));
  }
  const auto is_taken = [&](std::string_view name) {
    if (std::any_of(taken.begin(), taken.end(), [&](const auto& other) { return other == name; }))
      return true;
    if (table == nullptr) return false;
    for (const Index& index : snapshot.indexes) {
      if (index.schema == table->schema && index.name == name) return true;
    }
    for (const Table& other : snapshot.tables) {
      if (other.schema == table->schema && other.name == name) return true;
    }
    return false;
  };
  std::pmr::string name = text::ObjectName(base, "_idx", memory);
  for (int i = 1; is_taken(name); ++i) {
    std::pmr::string suffix("_idx", memory);
    Append(suffix, text::Integer(i));
    name = text::ObjectName(base, suffix, memory);
  }
  return name;
}

std::pmr::string Definition(const Snapshot& snapshot, const Candidate& candidate,
                            std::string_view name, std::pmr::memory_resource* memory) {
  const Table* table = snapshot.FindTable(candidate.table);
  std::pmr::string sql(memory);
  if (table == nullptr) return sql;
  Append(sql, table->kind == 'p' ? "CREATE INDEX " : "CREATE INDEX CONCURRENTLY ");
  if (!name.empty()) {
    text::AppendIdentifier(sql, name);
    sql.append(" ");
  }
  sql.append("ON ");
  text::AppendQualified(sql, table->schema, table->name);
  Append(sql, " USING btree ", KeyList(candidate, memory));
  return sql;
}

}  // namespace assist::advise
