// Core tables: which they are, and how they are read.

#include <algorithm>
#include <cstdio>
#include <map>

#include "pg/alert/measure.hpp"
#include "pg/history/slices.hpp"

extern "C" {
#include "miscadmin.h"  // for MyDatabaseId
}

namespace assist::pg {

namespace {

constexpr TimestampTz kWeek = 7 * USECS_PER_DAY;
constexpr double kMinScans = 100, kMinRowsPerScan = 1000, kUsualScans = 1, kKnownDays = 2;
constexpr double kMinObserved = 600;  // seconds

struct Columns {
  std::size_t seq_scan = ColumnOf(HistoryKind::kTable, "seq_scan"),
              seq_rows = ColumnOf(HistoryKind::kTable, "seq_tup_read"),
              idx_scan = ColumnOf(HistoryKind::kTable, "idx_scan"),
              idx_rows = ColumnOf(HistoryKind::kTable, "idx_tup_fetch"),
              inserted = ColumnOf(HistoryKind::kTable, "n_tup_ins"),
              updated = ColumnOf(HistoryKind::kTable, "n_tup_upd"),
              deleted = ColumnOf(HistoryKind::kTable, "n_tup_del"),
              live = ColumnOf(HistoryKind::kTable, "n_live_tup"),
              // By statements: COPY, pg_dump and CREATE INDEX read a table whole, too.
              statement_scans = ColumnOf(HistoryKind::kTable, "executor_seq_scans");
};

struct Traffic {
  TableTraffic total;
  TimestampTz last = 0;  // of live rows
};

struct CoreTable {
  AlertObject object;
  double seq_scans_per_day = 0, days = 0;
  TimestampTz judged_usage = 0, judged_scans = 0;
  // Since each was judged.
  double usage_seq = 0, usage_idx = 0, usage_rows = 0, scans = 0, all_scans = 0, scan_rows = 0,
         live = 0;
  TimestampTz live_at = 0;
};

std::map<std::uint32_t, CoreTable> ReadCoreTables() {
  std::map<std::uint32_t, CoreTable> tables;
  const Arg args[] = {Arg::Object(MyDatabaseId)};
  Query(
      "SELECT h.id, t.relation_name, c.oid, coalesce(t.seq_scans_per_day, 0), "
      "coalesce(t.observed_days, 0)"
      " FROM assist.core_table t JOIN assist.history_relation h ON h.dbid = $1 AND h.kind = 3 AND "
      "format('%I.%I', h.schema_name, h.name) = t.relation_name"
      " JOIN pg_class c ON c.oid = h.relid AND c.relname = h.name"
      " WHERE coalesce(t.pinned, t.by_traffic)",
      args, [&](const Row& row) {
        CoreTable& table = tables[static_cast<std::uint32_t>(row.Integer(0))];
        table.object = {.name = std::string(row.Text(1)),
                        .key = std::string(row.Text(1)),
                        .relation = row.Object(2),
                        .relation_name = std::string(row.Text(1))};
        table.seq_scans_per_day = row.Real(3);
        table.days = row.Real(4);
      });
  return tables;
}

void AddRecent(std::map<std::uint32_t, CoreTable>& tables, TimestampTz now) {
  const Columns at;
  ForEachRecentBlock(HistoryKind::kTable, now,
                     [&](const BlockTimes& times, const HistoryBlock& block) {
                       for (std::size_t r = 0; r < block.rows(); ++r) {
                         const auto found = tables.find(block.keys[r]);
                         if (found == tables.end()) continue;
                         CoreTable& table = found->second;
                         const auto value = [&](std::size_t column) {
                           return static_cast<double>(block.values[column][r]);
                         };
                         if (times.until > table.live_at) {
                           table.live_at = times.until;
                           table.live = value(at.live);
                         }
                         if (times.start >= table.judged_usage) {
                           table.usage_seq += value(at.seq_scan);
                           table.usage_idx += value(at.idx_scan);
                           table.usage_rows += value(at.seq_rows);
                         }
                         if (times.start >= table.judged_scans) {
                           table.scans += value(at.statement_scans);
                           table.all_scans += value(at.seq_scan);
                           table.scan_rows += value(at.seq_rows);
                         }
                       }
                     });
}

AlertText UsageText(const CoreTable& table, double pct) {
  char title[120];
  std::snprintf(title, sizeof title,
                "%.1f %% of the scans of a core table use an index (%.0f do not)", pct,
                table.usage_seq);
  return {
      .title = title,
      .what_to_do =
          "Which statements read it whole: SELECT query, shared_blks_hit + "
          "shared_blks_read AS blocks FROM assist.statements WHERE '" +
          table.object.name +
          "' = ANY (relation_names) ORDER BY 2 DESC. An index that would help is in "
          "assist.recommendations.",
      .sql = {},
      .evidence = NumbersJson({{"index_scans", table.usage_idx},
                               {"sequential_scans", table.usage_seq},
                               {"rows_per_sequential_scan",
                                table.usage_seq > 0 ? table.usage_rows / table.usage_seq : 0}})};
}

AlertText ScanText(const CoreTable& table) {
  char title[120];
  std::snprintf(title, sizeof title,
                "A core table is read whole, which it was not before (%.0f sequential scans)",
                table.scans);
  return {.title = title,
          .what_to_do =
              "A new statement, a dropped index, or another plan: assist.markers, and "
              "SELECT first_seen, query FROM assist.statements WHERE '" +
              table.object.name +
              "' = ANY (relation_names) ORDER BY 1 DESC. assist.recommendations has the "
              "index that would help.",
          .sql = {},
          .evidence = NumbersJson(
              {{"sequential_scans", table.scans},
               {"rows_per_sequential_scan",
                table.all_scans > 0 ? table.scan_rows / table.all_scans : 0},
               {"sequential_scans_per_day_before", table.seq_scans_per_day}})};
}

}  // namespace

void ChooseCoreTables(TimestampTz now) {
  const Columns at;
  std::map<std::uint32_t, Traffic> traffic;
  double observed_s = 0;
  ForEachFinestBlock(HistoryKind::kTable, now - kWeek, now,
                     [&](const BlockTimes& times, const HistoryBlock& block) {
                       observed_s += times.observed_s;
                       for (std::size_t r = 0; r < block.rows(); ++r) {
                         Traffic& of = traffic[block.keys[r]];
                         const auto value = [&](std::size_t column) {
                           return static_cast<double>(block.values[column][r]);
                         };
                         of.total.id = block.keys[r];
                         of.total.seq_scans += value(at.statement_scans);
                         for (const std::size_t column :
                              {at.seq_rows, at.idx_rows, at.inserted, at.updated, at.deleted})
                           of.total.rows += value(column);
                         if (times.until > of.last) {
                           of.last = times.until;
                           of.total.live_rows = value(at.live);
                         }
                       }
                     });
  const ScopedContext context("assist core tables");
  ContextResource memory(context.get());
  std::pmr::vector<TableTraffic> tables(&memory);
  double all = 0;
  for (const auto& [id, of] : traffic) {
    tables.push_back(of.total);
    if (of.total.live_rows >= kSmallTable) all += of.total.rows;
  }
  // Of a short time nothing follows.
  auto core = CoreTables(tables, &memory);
  if (observed_s < kMinObserved) core.clear();
  const double days = observed_s / 86400;
  const bool known = observed_s >= kMinObserved;
  Execute(
      "UPDATE assist.core_table SET by_traffic = false, rows_per_day = NULL, share = NULL,"
      " seq_scans_per_day = NULL WHERE by_traffic OR pinned IS NOT NULL");
  const auto store = [&](const TableTraffic& table, bool by_traffic) {
    const Arg args[] = {Arg::Int4(static_cast<std::int32_t>(table.id)),
                        Arg::Bool(by_traffic),
                        known ? Arg::Real(table.rows / days) : Arg::Null(Arg::Type::kFloat8),
                        Arg::Real(all > 0 ? table.rows / all : 0),
                        known ? Arg::Real(table.seq_scans / days) : Arg::Null(Arg::Type::kFloat8),
                        Arg::Real(days),
                        Arg::Moment(now),
                        Arg::Object(MyDatabaseId)};
    // Others than core ones are measured when they are pinned.
    Execute(
        "INSERT INTO assist.core_table AS t (relation_name, by_traffic, rows_per_day, share, "
        "seq_scans_per_day, observed_days, measured_at)"
        " SELECT format('%I.%I', h.schema_name, h.name), $2, $3, $4, $5, $6, $7 FROM "
        "assist.history_relation h WHERE h.id = $1 AND h.dbid = $8 AND h.kind = 3"
        " AND ($2 OR EXISTS (SELECT 1 FROM assist.core_table p WHERE p.pinned AND p.relation_name "
        "= "
        "format('%I.%I', h.schema_name, h.name)))"
        " ON CONFLICT (relation_name) DO UPDATE SET by_traffic = t.by_traffic OR "
        "excluded.by_traffic, rows_per_day = excluded.rows_per_day, share = excluded.share, "
        "seq_scans_per_day = excluded.seq_scans_per_day, observed_days = excluded.observed_days, "
        "measured_at = excluded.measured_at",
        args);
  };
  for (const TableTraffic& table : core) store(table, true);
  std::vector<std::int64_t> pinned;
  Query(
      "SELECT h.id FROM assist.core_table t JOIN assist.history_relation h ON h.kind = 3 AND "
      "format('%I.%I', h.schema_name, h.name) = t.relation_name WHERE t.pinned",
      [&](const Row& row) { pinned.push_back(row.Integer(0)); });
  for (const std::int64_t id : pinned)
    if (const auto of = traffic.find(static_cast<std::uint32_t>(id)); of != traffic.end())
      store(of->second.total, false);
  const Arg days_arg[] = {Arg::Real(days), Arg::Moment(now)};
  Execute(
      "UPDATE assist.core_table SET observed_days = $1, measured_at = $2 WHERE pinned AND "
      "measured_at IS DISTINCT FROM $2",
      days_arg);
  Execute("DELETE FROM assist.core_table WHERE NOT by_traffic AND pinned IS NULL");
}

void MeasureCoreTables(AlertBook& book, TimestampTz now) {
  const MetricDescriptor& usage = *FindMetric("index_usage");
  const MetricDescriptor& scan = *FindMetric("core_seq_scan");
  if (!book.IsWanted(usage) && !book.IsWanted(scan)) return;
  auto tables = ReadCoreTables();
  if (tables.empty()) {
    book.SetState(usage, "waits: no core table is known yet");
    book.SetState(scan, "waits: no core table is known yet");
    return;
  }
  double days = kKnownDays;
  for (auto& [id, table] : tables) {
    table.judged_usage = book.JudgedUntil(usage, table.object.key);
    table.judged_scans = book.JudgedUntil(scan, table.object.key);
    days = std::min(days, table.days);
  }
  AddRecent(tables, now);
  for (const auto& [id, table] : tables) {
    const double scans = table.usage_seq + table.usage_idx;
    const bool read_whole =
        table.usage_seq > 0 && table.usage_rows / table.usage_seq >= kMinRowsPerScan;
    if (scans >= kMinScans && table.live >= kMinRowsPerScan) {
      // Scans that stop after some rows are none that an index would replace.
      const double pct = read_whole ? 100 * table.usage_idx / scans : 100;
      if (book.IsKnownOrBeyond(usage, table.object, pct))
        book.Judge(usage, table.object, pct, UsageText(table, pct));
    }
    // Once it is told of, it is over when it is over, however usual it has become.
    const bool is_new = table.days >= kKnownDays && table.seq_scans_per_day < kUsualScans;
    if (!is_new && !book.IsOpen(scan, table.object.key)) continue;
    const bool whole =
        table.all_scans > 0 && table.scan_rows / table.all_scans >= kMinRowsPerScan;
    const double value = whole ? table.scans : 0;
    if (table.live_at > table.judged_scans && book.IsKnownOrBeyond(scan, table.object, value))
      book.Judge(scan, table.object, value, ScanText(table));
  }
  book.SetState(usage, "evaluated");
  book.SetState(scan, days < kKnownDays ? Learning(days, kKnownDays) : "evaluated");
}

}  // namespace assist::pg
