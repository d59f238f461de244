// What the rules share: units, which relations are judged at all, and when two indexes are the
// same.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "assist/finding.hpp"
#include "assist/rule.hpp"
#include "assist/snapshot.hpp"

namespace assist::rules {

inline constexpr double kKB = 1024;
inline constexpr double kMB = 1024 * kKB;
inline constexpr double kGB = 1024 * kMB;
inline constexpr double kMaxBytes = 1e15;
inline constexpr double kSecondsPerDay = 86400;

// Days from `moment` to the snapshot; 0 when the moment is unknown.
double DaysSince(const Snapshot& snapshot, double moment);

// A table whose indexes and space are the user's to change: not temporary, not an extension's, not
// the server's own.
bool IsJudged(const Table& table);
bool IsServerSchema(std::string_view schema);

// An index that DROP INDEX may take without changing what the database guarantees: no constraint,
// not unique, not replica identity, not the CLUSTER order, not an extension's, not part of a
// partitioned one.
bool IsDroppable(const Index& index);

// Equal in everything that decides which statements the index can serve: table, method, keys with
// opclass, options, collation and order, INCLUDE columns, predicate. Names, storage parameters and
// uniqueness are not compared.
bool SameShape(const Index& a, const Index& b);
bool SameKey(const IndexKey& a, const IndexKey& b);

// Whether `keeper` guarantees all that `other` of the same shape does.
bool GuaranteesAsMuch(const Index& keeper, const Index& other);

// The index to keep of those with the shape of `index`, when `index` can be dropped in its favour;
// nullptr when there is none. Order: constraint, foreign key's target, replica identity, unique,
// clustered, smaller, older.
const Index* BetterTwin(const Snapshot& snapshot, const Index& index);

// How sure a prediction is that rests on so many observed executions in so many days, 0 to 1: few
// or a short look may be a coincidence, a thousand and a week are taken as enough.
double Confidence(double executions, double days);

// Usable by the planner now.
bool IsLive(const Index& index);

// Whether the executor's index use is known for a while: the library is preloaded and has watched.
bool IndexUseIsKnown(const Snapshot& snapshot);
// Scans by statements, or foreign-key checks, within the last `days`.
bool UsedWithin(const Snapshot& snapshot, const Index& index, double days);

template <typename F>
void ForEachIndexOf(const Snapshot& snapshot, Oid table, F&& f) {
  snapshot.ForEachIndexOf(table, f);
}

// The leaves of an index: itself, or of a partitioned index those attached below it.
template <typename F>
void ForEachLeaf(const Snapshot& snapshot, const Index& index, F&& f) {
  if (index.kind != 'I') {
    f(index);
    return;
  }
  for (const Index& child : snapshot.indexes) {
    if (child.parent == index.oid) ForEachLeaf(snapshot, child, f);
  }
}

// Bytes of an index, with those of its partitions.
std::int64_t TotalBytes(const Snapshot& snapshot, const Index& index);

// Scans of and writes to a table since the statistics reset, with those of its partitions.
struct Traffic {
  double scans = 0;
  double writes = 0;  // rows inserted, deleted, and updated outside of HOT
  double updates = 0, hot_updates = 0;
};
Traffic TrafficOf(const Snapshot& snapshot, const Table& table);

// Whether the index has the referencing columns of a foreign key in front, in any order.
bool SupportsForeignKey(const Snapshot& snapshot, const Index& index);

// What dropping an index asks for: the action and its SQL, with the bytes that it frees.
void AskToDrop(const Snapshot& snapshot, const Index& index, Finding& finding);

// Whether a command is one that the planner plans: SELECT (SELECT FOR UPDATE and the like, which
// foreign keys use, included), INSERT, UPDATE, DELETE or MERGE.
bool IsPlanned(std::string_view command);

// The key list of an index as its definition spells it: (customer_id, created_at DESC).
std::string_view KeyList(std::string_view definition);
// Everything behind " USING ": method, keys, INCLUDE, WITH, WHERE; empty when there is none.
std::string_view BehindUsing(std::string_view definition);

// The length of a list's first item: up to a comma outside of parentheses and quotes.
std::size_t FirstItem(std::string_view list);
// Calls f with each item of a list as the server spells it (a, lower(b) DESC), until it says false.
// Whether it never did.
template <typename F>
bool EachItem(std::string_view list, F&& f) {
  while (!list.empty()) {
    const std::size_t end = FirstItem(list);
    if (!f(list.substr(0, end))) return false;
    list.remove_prefix(std::min(list.size(), end + 2));
  }
  return true;
}

// "<rule>:<object>" into the finding.
void Identify(Finding& finding, std::string_view rule, std::string_view object);

// A share of database time, 0 when that time is unknown.
double ShareOfTime(const Snapshot& snapshot, double ms_per_day);

}  // namespace assist::rules
