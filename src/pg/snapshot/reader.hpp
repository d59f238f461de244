// Reads catalogs, statistics and what was observed into a Snapshot.
#pragma once

#include <optional>

#include "assist/rule.hpp"
#include "assist/snapshot.hpp"

namespace assist::pg {

// Fills everything but proposed_indexes and confirmed bloat, seals the snapshot and returns which
// optional parts are there. Takes AccessShare on catalogs and, briefly, on tables whose indexes it
// deparses. A table that somebody holds exclusively is left out, with its indexes, and named in
// `unread`. Throws PgError: relations that are dropped meanwhile can fail it; a second try then
// succeeds. REQUIRES: OwnerScope, active snapshot.
Needs ReadSnapshot(Snapshot& snapshot, std::pmr::vector<Oid>& unread);

// The same into a new snapshot, and again where relations were dropped meanwhile.
Needs ReadSnapshotAgain(std::optional<Snapshot>& snapshot, std::pmr::vector<Oid>& unread);

// Notes the tables and indexes not seen before, forgets those that are gone, and keeps the server's
// counters for the next time. REQUIRES: OwnerScope, a transaction that may write.
void RememberSeen(const Snapshot& snapshot);
void RememberCounters();

// Confirms estimated bloat by pgstattuple, where that is installed, for relations that look worth a
// rewrite: one at a time, skipping those that are locked or fail, at most `page_budget` pages in
// total. REQUIRES: OwnerScope.
void ConfirmBloat(Snapshot& snapshot, std::int64_t page_budget);

// Parts of ReadSnapshot, one file each.
namespace reader {
// Main fork in bytes; from `pages_then` where somebody holds a lock that would have to be waited
// for.
std::int64_t RelationBytes(Oid oid, std::int64_t pages_then);
void ReadTables(Snapshot& snapshot);
void ReadIndexes(Snapshot& snapshot, std::pmr::vector<Oid>& unread);  // REQUIRES: ReadTables
Needs ReadServer(Snapshot& snapshot);                                 // and settings
Needs ReadObserved(Snapshot& snapshot);  // statements, predicates, spills, index use
// From when on every use of an index is in assist.index_use: counters may give way to others. Epoch
// in seconds, 0 = nothing is observed.
double IndexUseSince();
}  // namespace reader

}  // namespace assist::pg
