// Index candidates: which indexes could serve what a statement does with a table.
//
// The keys of a b-tree candidate are columns compared by equality, then one range or the order
// wanted: the only shape in which every key narrows the scan. What else the statement reads may
// come along as included columns, a condition that it always states may restrict the index, and
// where its operators ask for another method, that is a candidate too. What an existing index
// serves already is no candidate. Whether a candidate is any good is for the planner to say
// (pg/advise/index_advisor.hpp).
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/static_vector.hpp>

#include "assist/snapshot.hpp"

namespace assist::advise {

inline constexpr std::size_t kMaxKeys = 4;
inline constexpr std::size_t kMaxIncluded = 6;
inline constexpr std::size_t kMaxCandidates = 28;  // of one statement on one table
// Widest column worth a key: b-tree entries end at a third of a page.
inline constexpr double kMaxKeyBytes = 600;

enum class Method : std::uint8_t { kBtree, kHash, kGin, kGist, kBrin };

// How a key is used decides what may stand before it.
enum class KeyUse : std::uint8_t {
  kEqual,
  kRange,
  kPattern,   // LIKE with a fixed beginning
  kJoin,      // equal to something of another table
  kOrder,     // of ORDER BY
  kGroup,     // of GROUP BY, DISTINCT
  kOperator,  // an operator that another method than b-tree serves
  kDistance   // ORDER BY column <-> value
};

struct CandidateKey {
  std::int16_t column = 0;   // attnum; 0 = expression
  std::string_view text;     // column name, or the expression as deparsed
  std::string_view opclass;  // as SQL spells it; empty = the type's default
  KeyUse use = KeyUse::kEqual;
  bool descending = false;  // kOrder: as the definition spells it
  bool nulls_first = false;
};

struct Candidate {
  Oid table = 0;  // the partitioned table where the statement used a partition
  Method method = Method::kBtree;
  boost::container::static_vector<CandidateKey, kMaxKeys> keys;
  boost::container::static_vector<CandidateKey, kMaxIncluded> included;  // columns, b-tree only
  std::string_view predicate;  // condition of a partial index, deparsed; empty = none
  double held = -1;            // UsedCondition::held of the predicate
  // Equal keys come first and may stand in any order among themselves.
  std::size_t EqualKeys() const;
};

// A column or expression that a statement uses.
struct UsedKey {
  std::string_view column;      // its name; empty = an expression
  std::string_view expression;  // as deparsed
  KeyUse use = KeyUse::kEqual;
  Method method = Method::kBtree;  // kOperator, kDistance
  std::string_view opclass;        // as CandidateKey's
  bool descending = false, nulls_first = false;
  int arm = 0;  // > 0: in that arm of an OR, so that it narrows the scan only beside the others
};

// A condition that the statement always states.
struct UsedCondition {
  std::string_view column;
  std::string_view text;  // deparsed
  bool constant = false;  // equality with a constant: another execution may have another
  double held = -1;       // share of the executions that have this one; below 0 = it is no matter
};

// What one statement does with one table.
struct TableUse {
  explicit TableUse(std::pmr::memory_resource* memory)
      : keys(memory), conditions(memory), needed(memory) {}
  Oid relation = 0;                // as the statement names it
  std::pmr::vector<UsedKey> keys;  // those of an order and of groups in theirs
  std::pmr::vector<UsedCondition> conditions;
  std::pmr::vector<std::string_view> needed;  // columns that are read
  bool needs_row = false;                     // the whole row, or a system column
};

// Included columns that an index-only scan is worth: above it reading the table is as cheap.
inline constexpr double kMaxIncludedBytes = 120;

// Whether both have the same table, method, keys in their order, and condition.
bool SameKeys(const Candidate& a, const Candidate& b);
// Whether both would be one and the same index.
bool SameIndex(const Candidate& a, const Candidate& b);
// Whether an index on `longer` does for every statement what one on `shorter` does: its keys start
// with them.
bool Covers(const Candidate& longer, const Candidate& shorter);
// Whether the index does already what the candidate would: same access, whatever its other columns
// are.
bool Serves(const Index& index, const Candidate& candidate);

// Appends the candidates for one use, at most kMaxCandidates, most promising first, without those
// that are there. Texts are the use's own and the snapshot's.
void AddCandidates(const Snapshot& snapshot, const TableUse& use, std::pmr::vector<Candidate>& out);

// Appends what several statements share: of candidates with the same keys that carry different
// columns for each, one that carries those of all, as far as these are not too many or too wide
// (merge.cpp).
void AddMerged(const Snapshot& snapshot, std::span<const Candidate* const> pool,
               std::pmr::vector<Candidate>& out);

// (customer_id, ordered DESC): the key list as pg_get_indexdef spells it.
std::pmr::string KeyList(const Candidate& candidate, std::pmr::memory_resource* memory);
// The same with method, included columns and condition, as far as there are any: for titles.
std::pmr::string Columns(const Candidate& candidate, std::pmr::memory_resource* memory);
// table_column_column_idx, unquoted, within 63 bytes, taken by no relation of the schema in the
// snapshot and none of `taken`.
std::pmr::string ChooseName(const Snapshot& snapshot, const Candidate& candidate,
                            const std::pmr::vector<std::pmr::string>& taken,
                            std::pmr::memory_resource* memory);
// CREATE INDEX [CONCURRENTLY] name ON schema.table USING method (...) ...: a partitioned table
// takes no CONCURRENTLY. `name` is unquoted; none: CREATE INDEX ON ...
std::pmr::string Definition(const Snapshot& snapshot, const Candidate& candidate,
                            std::string_view name, std::pmr::memory_resource* memory);

}  // namespace assist::advise
