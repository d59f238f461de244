// What the parts of recording share: intervals, and the ring of partitions that blocks go into.
#pragma once

#include <memory_resource>
#include <span>
#include <vector>

#include "assist/history.hpp"
#include "assist/history_tiers.hpp"
#include "pg/store/pending.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

namespace assist::pg {

using HistoryTiers = std::vector<HistoryTier>;

struct Interval {
  TimestampTz start, until;
  double observed_s;  // of it, how long the server was seen
};

// REQUIRES (all): OwnerScope. Throw PgError.

// Writes a block, an empty one too: an interval that was seen and in which nothing happened is not
// one that nobody knows of. It goes into its partition; what is there from the last time round
// goes, row by row where EmptyStale() could not have the partition.
void StoreBlock(const HistoryTiers& tiers, int tier, const Interval& interval,
                const HistoryBlock& block, std::pmr::memory_resource* memory);

// Empties each tier's partition of the present where it has nothing but blocks from the last time
// round and nobody has it open.
void EmptyStale(const HistoryTiers& tiers, TimestampTz now);

// Makes the periods of coarser tiers that are over, of those kinds that begin at tier `first`.
void RollUp(const HistoryTiers& tiers, int first, std::span<const HistoryKind> kinds,
            TimestampTz now);

// End of the last block of a kind in a tier, or in any; 0 = none.
inline constexpr int kAnyTier = -1;
TimestampTz LastEnd(HistoryKind kind, int tier);

// From the end of the last block until now; from when the server began to be seen, if that was
// later.
Interval IntervalSince(TimestampTz last, TimestampTz now);

// Statements and their plans.
void RecordStatements(const HistoryTiers& tiers, const Interval& interval, const PendingWork& work,
                      std::pmr::memory_resource* memory);

// Tables and indexes, by the differences of the server's counters from those of the time before;
// the first time, and after a crash, there is none.
void RecordRelations(const HistoryTiers& tiers, int tier, const Interval& interval,
                     std::pmr::memory_resource* memory);

// The database and the server.
void RecordDatabase(const HistoryTiers& tiers, const Interval& interval, const PendingWork& work,
                    bool with_size, std::pmr::memory_resource* memory);

// What the statements of this database waited for, by the collector's samples.
void RecordWaits(const HistoryTiers& tiers, const Interval& interval,
                 std::pmr::memory_resource* memory);

// Objects of a dictionary (history_statement, history_relation, history_wait) that ran: seen last
// today.
void Touch(const char* dictionary, std::span<const std::uint32_t> keys);

// Keeps the dictionaries within bounds.
void PruneDictionaries();

}  // namespace assist::pg
