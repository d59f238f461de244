// Index candidates: which b-trees could serve what a statement does with a table.
//
// A candidate's keys are columns compared by equality, then one range or the order wanted: the only
// shape in which every key of a b-tree narrows the scan. What an existing index serves already is
// no candidate. Whether a candidate is any good is for the planner to say (pg/advise/index_advisor.hpp).
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/static_vector.hpp>

#include "assist/snapshot.hpp"

namespace assist::advise {

inline constexpr std::size_t kMaxKeys = 4;
inline constexpr std::size_t kMaxCandidates = 8;  // of one statement on one table
// Widest column worth a key: b-tree entries end at a third of a page.
inline constexpr double kMaxKeyBytes = 600;

// How a key is used decides what may stand before it.
enum class KeyUse : std::uint8_t { kEqual, kRange, kPattern, kOrder };

struct CandidateKey {
  std::int16_t column = 0;   // attnum; 0 = expression
  std::string_view text;     // column name, or the expression as deparsed
  std::string_view opclass;  // empty = the type's default
  KeyUse use = KeyUse::kEqual;
  bool descending = false;  // kOrder: as the definition spells it
  bool nulls_first = false;
};

struct Candidate {
  Oid table = 0;  // the partitioned table where the statement used a partition
  boost::container::static_vector<CandidateKey, kMaxKeys> keys;
  // Equal keys come first and may stand in any order among themselves.
  std::size_t EqualKeys() const;
};

// Whether both would be one and the same index.
bool SameKeys(const Candidate& a, const Candidate& b);
// Whether an index on `longer` does for every statement what one on `shorter` does: its keys start
// with them.
bool Covers(const Candidate& longer, const Candidate& shorter);
// Whether the index does already what the candidate would: same access, whatever its other columns
// are.
bool Serves(const Index& index, const Candidate& candidate);

// The candidates of one statement, at most kMaxCandidates a table, most promising first, in an
// order that depends on the snapshot's contents only. Texts are the snapshot's own.
std::pmr::vector<Candidate> FindCandidates(const Snapshot& snapshot, std::int64_t query_id,
                                           Oid user, std::pmr::memory_resource* memory);

// (customer_id, ordered DESC): the key list as pg_get_indexdef spells it.
std::pmr::string KeyList(const Candidate& candidate, std::pmr::memory_resource* memory);
// table_column_column_idx, unquoted, within 63 bytes, taken by no relation of the schema in the
// snapshot and none of `taken`.
std::pmr::string ChooseName(const Snapshot& snapshot, const Candidate& candidate,
                            const std::pmr::vector<std::pmr::string>& taken,
                            std::pmr::memory_resource* memory);
// CREATE INDEX [CONCURRENTLY] name ON schema.table USING btree (...): a partitioned table takes no
// CONCURRENTLY. `name` is unquoted; none: CREATE INDEX ON ...
std::pmr::string Definition(const Snapshot& snapshot, const Candidate& candidate,
                            std::string_view name, std::pmr::memory_resource* memory);

}  // namespace assist::advise
