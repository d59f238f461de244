// The database and the server it is on, as one row.

#include <sys/statvfs.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "pg/history/counters.hpp"
#include "pg/history/work.hpp"

extern "C" {
#include "miscadmin.h"  // for MyDatabaseId
}

namespace assist::pg {

namespace {

// $1 kind, $2 database, $3 whether its size is to be measured. The counters of the last time, then
// the columns of the kind; those that the server does not count are 0 here and put in later.
// Versions differ in who counts checkpoints and what sessions write.
#define ASSIST_DATABASE(timed, requested, by_checkpoint, by_backends, from)                    \
  "SELECT b.counters, d.xact_commit, d.xact_rollback, 0::int8, 0::int8, 0::int8, d.deadlocks," \
  " d.temp_bytes, d.blks_hit, d.blks_read,"                                                    \
  " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"            \
  " CASE WHEN $3 THEN pg_database_size(d.datid) ELSE 0 END,"                                   \
  " age(p.datfrozenxid)::int8, mxid_age(p.datminmxid)::int8, w.wal_bytes::int8, " timed        \
  ", " requested ", " by_checkpoint ", " by_backends                                           \
  ", coalesce((SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))"                  \
  "    FROM pg_stat_replication), 0)::int8,"                                                   \
  " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"              \
  "    AND state = 'active' AND pid <> pg_backend_pid()), 0::int8,"                            \
  " coalesce((SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))"                  \
  "    FROM pg_replication_slots), 0)::int8"                                                   \
  " FROM pg_stat_wal w, " from                                                                 \
  ", pg_stat_database d JOIN pg_database p ON p.oid = d.datid"                                 \
  " LEFT JOIN assist.history_base b ON b.kind = $1 AND b.oid = d.datid WHERE d.datid = $2"

constexpr const char* kDatabase15 =
    ASSIST_DATABASE("g.checkpoints_timed", "g.checkpoints_req", "g.buffers_checkpoint",
                    "g.buffers_backend", "pg_stat_bgwriter g");
constexpr const char* kDatabase17 =
    ASSIST_DATABASE("g.num_timed", "g.num_requested", "g.buffers_written",
                    "(SELECT coalesce(sum(writes), 0)::int8 FROM pg_stat_io"
                    "  WHERE backend_type = 'client backend' AND object = 'relation')",
                    "pg_stat_checkpointer g");

constexpr int kBefore = 0, kFirstCounter = 1;

std::size_t Place(std::string_view column) {
  const auto columns = ColumnsOf(HistoryKind::kDatabase);
  return static_cast<std::size_t>(std::find_if(columns.begin(), columns.end(),
                                               [&](const auto& c) { return c.name == column; }) -
                                  columns.begin());
}

std::int64_t FreeBytes() {
  struct statvfs disk;
  if (statvfs(".", &disk) != 0) return 0;  // a backend stands in the data directory
  return static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
}

const char* DatabaseQuery() {
  bool own_view = false;
  Query("SELECT to_regclass('pg_catalog.pg_stat_checkpointer') IS NOT NULL",
        [&](const Row& row) { own_view = row.Flag(0); });
  return own_view ? kDatabase17 : kDatabase15;
}

}  // namespace

void RecordDatabase(const HistoryTiers& tiers, const Interval& interval, const PendingWork& work,
                    bool with_size, std::pmr::memory_resource* memory) {
  constexpr HistoryKind kKind = HistoryKind::kDatabase;
  const std::size_t columns = ColumnsOf(kKind).size();
  std::vector<std::int64_t> now(columns);
  std::vector<std::uint64_t> gain(columns);
  CounterBases bases(kKind);
  HistoryBuilder builder(kKind, memory);
  const Arg args[] = {Arg::Int4(static_cast<int>(kKind)), Arg::Object(MyDatabaseId),
                      Arg::Bool(with_size)};
  Query(DatabaseQuery(), args, [&](const Row& row) {
    for (std::size_t c = 0; c < columns; ++c)
      now[c] = row.Integer(kFirstCounter + static_cast<int>(c));
    const std::span<const Cell> before = row.Items(kBefore);
    const std::size_t bytes = Place("bytes");
    if (!with_size && before.size() == columns) now[bytes] = before[bytes].integer;
    now[Place("disk_free_bytes")] = FreeBytes();
    if (!bases.Gain(MyDatabaseId, now, row, kBefore, false, gain)) return;
    for (const PendingStatement& statement : work.statements) {
      gain[Place("errors")] += statement.sums.errors;
      if (statement.key.queryid != 0 && !statement.key.toplevel) continue;
      gain[Place("calls")] += statement.sums.calls;
      gain[Place("exec_us")] += (statement.sums.exec_ns + 500) / 1000;
    }
    builder.Add(1, gain);
  });
  bases.Save();
  StoreBlock(tiers, 0, interval, std::move(builder).Finish(), memory);
}

}  // namespace assist::pg
