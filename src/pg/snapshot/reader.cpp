// The snapshot as a whole, and what is remembered of it.

#include "pg/snapshot/reader.hpp"

#include <algorithm>

#include "core/bloat.hpp"
#include "pg/own_sql.hpp"

extern "C" {
#include "utils/snapmgr.h"
}

namespace assist::pg {

namespace {

constexpr int kReadTries = 3;

}  // namespace

Needs ReadSnapshot(Snapshot& snapshot, std::pmr::vector<Oid>& unread) {
  unread.clear();
  reader::ReadTables(snapshot);
  snapshot.Seal();  // the other parts look relations up
  reader::ReadIndexes(snapshot, unread);
  if (!unread.empty()) {
    const auto is_unread = [&](Oid oid) {
      return std::find(unread.begin(), unread.end(), oid) != unread.end();
    };
    std::erase_if(snapshot.tables, [&](const Table& table) { return is_unread(table.oid); });
    std::erase_if(snapshot.indexes, [&](const Index& index) { return is_unread(index.table); });
  }
  snapshot.Seal();
  const Needs server = reader::ReadServer(snapshot);
  const Needs observed = reader::ReadObserved(snapshot);
  for (Table& table : snapshot.tables) table.bloat = EstimateTableBloat(table);
  for (Index& index : snapshot.indexes)
    if (const Table* table = snapshot.FindTable(index.table))
      index.bloat = EstimateIndexBloat(index, *table);
  return server | observed;
}

Needs ReadSnapshotAgain(std::optional<Snapshot>& snapshot, std::pmr::vector<Oid>& unread) {
  for (int i = 1;; ++i) {
    snapshot.emplace(unread.get_allocator().resource());
    Needs there = Needs::kNothing;
    ErrorData* error = TrySubtransaction([&] {
      Guarded([] { PushActiveSnapshot(GetTransactionSnapshot()); });
      there = ReadSnapshot(*snapshot, unread);
      Guarded([] { PopActiveSnapshot(); });
    });
    if (error == nullptr) return there;
    if (i == kReadTries) throw PgError(error);
  }
}

void RememberSeen(const Snapshot&) {
  // Seen while the clock was ahead: they would stay too young until then.
  Execute("DELETE FROM assist.object_seen WHERE first_seen > clock_timestamp()");
  // The sort reads all before the first is inserted: the first analysis would scan what it has
  // inserted so far for each of 60,000 objects.
  Execute(
      "INSERT INTO assist.object_seen (oid, first_seen, row_versions)"
      " SELECT c.oid, clock_timestamp(), pg_stat_get_tuples_inserted(c.oid) + "
      "pg_stat_get_tuples_updated(c.oid)"
      "  - pg_stat_get_tuples_hot_updated(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = "
      "c.relnamespace"
      " WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I') AND c.relpersistence <> 't'"
      " AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'assist')"
      " AND NOT EXISTS (SELECT 1 FROM assist.object_seen s WHERE s.oid = c.oid)"
      " ORDER BY c.oid"
      " ON CONFLICT DO NOTHING");
  Execute(
      "DELETE FROM assist.object_seen s"
      " WHERE NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = s.oid)");
  Execute(
      "DELETE FROM assist.bloat_measure m"
      " WHERE NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = m.oid)");
}

}  // namespace assist::pg
