// What the columns of each kind of history are. Written to tables: only ever added to, at the end.

#include "assist/history.hpp"

namespace assist {

namespace {

constexpr HistoryColumn kStatement[] = {
    {"calls", Adds::kSum},
    {"plans", Adds::kSum},
    {"errors", Adds::kSum},
    {"plan_us", Adds::kSum},
    {"exec_us", Adds::kSum},
    {"rows", Adds::kSum},
    {"blks_hit", Adds::kSum},
    {"blks_read", Adds::kSum},
    {"blks_dirtied", Adds::kSum},
    {"temp_blks_read", Adds::kSum},
    {"temp_blks_written", Adds::kSum},
    {"wal_bytes", Adds::kSum},
    {"jit_us", Adds::kSum},
};
constexpr HistoryColumn kPlan[] = {{"calls", Adds::kSum}, {"exec_us", Adds::kSum}};
constexpr HistoryColumn kTable[] = {
    {"seq_scan", Adds::kSum},      {"seq_tup_read", Adds::kSum}, {"idx_scan", Adds::kSum},
    {"idx_tup_fetch", Adds::kSum}, {"n_tup_ins", Adds::kSum},    {"n_tup_upd", Adds::kSum},
    {"n_tup_hot_upd", Adds::kSum}, {"n_tup_del", Adds::kSum},    {"n_live_tup", Adds::kLast},
    {"n_dead_tup", Adds::kLast},   {"bytes", Adds::kLast},       {"vacuums", Adds::kSum},
    {"analyzes", Adds::kSum},      {"blks_hit", Adds::kSum},     {"blks_read", Adds::kSum},
    // Of its indexes, as the executor attributes them; the library's own.
    {"executor_scans", Adds::kSum, 1},
    {"constraint_checks", Adds::kSum, 1},
    // Of the table itself.
    {"executor_seq_scans", Adds::kSum, 1},
};
constexpr HistoryColumn kIndex[] = {
    {"executor_scans", Adds::kSum, 1},  // the library's own
    {"constraint_checks", Adds::kSum, 1},
    {"idx_scan", Adds::kSum},
    {"idx_tup_read", Adds::kSum},
    {"bytes", Adds::kLast},
    {"blks_hit", Adds::kSum},
    {"blks_read", Adds::kSum},
};
// One row for the database, its key 1.
constexpr HistoryColumn kDatabase[] = {
    {"xact_commit", Adds::kSum},
    {"xact_rollback", Adds::kSum},
    {"calls", Adds::kSum},
    {"exec_us", Adds::kSum},
    {"errors", Adds::kSum},
    {"deadlocks", Adds::kSum},
    {"temp_bytes", Adds::kSum},
    {"blks_hit", Adds::kSum},
    {"blks_read", Adds::kSum},
    {"connections", Adds::kLargest},
    {"bytes", Adds::kLast},
    {"xid_age", Adds::kLast},
    {"mxid_age", Adds::kLast},
    {"wal_bytes", Adds::kSum, 1},  // pg_stat_wal
    {"checkpoints_timed", Adds::kSum, 2},
    {"checkpoints_requested", Adds::kSum, 2},
    {"buffers_checkpoint", Adds::kSum, 2},
    {"buffers_backend", Adds::kSum, 3},  // pg_stat_io since 17
    {"replication_lag_bytes", Adds::kLargest},
    {"active", Adds::kLargest},
    {"disk_free_bytes", Adds::kLast},
    {"slot_retained_bytes", Adds::kLargest},
};
// Times are sums of rounded ones, which may fall by a microsecond where entries are moved together.
constexpr HistoryColumn kWait[] = {{"samples", Adds::kSum}, {"wait_us", Adds::kSum, 1}};

}  // namespace

std::span<const HistoryColumn> ColumnsOf(HistoryKind kind) {
  switch (kind) {
    case HistoryKind::kStatement:
      return kStatement;
    case HistoryKind::kPlan:
      return kPlan;
    case HistoryKind::kTable:
      return kTable;
    case HistoryKind::kIndex:
      return kIndex;
    case HistoryKind::kDatabase:
      return kDatabase;
    case HistoryKind::kWait:
      return kWait;
  }
  return {};
}

bool HasHistogram(HistoryKind kind) { return kind == HistoryKind::kStatement; }

}  // namespace assist
