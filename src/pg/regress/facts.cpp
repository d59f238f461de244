// What was measured and what happened on both sides of an onset.

#include <algorithm>

#include "pg/own_sql.hpp"
#include "pg/regress/regress.hpp"

namespace assist::pg {

namespace {

TimestampTz Middle(const Slice& slice) { return slice.start + (slice.until - slice.start) / 2; }

// Sums of a kind's columns on one side.
struct Side {
  double calls = 0, seconds = 0;
  std::vector<double> sums;
};

Measures MeasuresOf(const std::vector<Slice>& slices, TimestampTz since, TimestampTz until) {
  const std::size_t calls = ColumnOf(HistoryKind::kStatement, "calls"),
                    exec = ColumnOf(HistoryKind::kStatement, "exec_us"),
                    rows = ColumnOf(HistoryKind::kStatement, "rows"),
                    hit = ColumnOf(HistoryKind::kStatement, "blks_hit"),
                    read = ColumnOf(HistoryKind::kStatement, "blks_read"),
                    temp = ColumnOf(HistoryKind::kStatement, "temp_blks_written"),
                    jit = ColumnOf(HistoryKind::kStatement, "jit_us");
  Side side;
  side.sums.resize(ColumnsOf(HistoryKind::kStatement).size());
  for (const Slice& slice : slices) {
    if (Middle(slice) < since || Middle(slice) >= until) continue;
    side.seconds += slice.observed_s;
    for (std::size_t c = 0; c < side.sums.size(); ++c)
      side.sums[c] += static_cast<double>(slice.values[c]);
  }
  Measures m;
  const double n = side.sums[calls];
  if (n <= 0) return m;
  m.seconds = side.seconds;
  m.calls_per_hour = side.seconds > 0 ? n * 3600 / side.seconds : 0;
  m.mean_ms = side.sums[exec] / 1000 / n;
  m.rows = side.sums[rows] / n;
  m.blocks_hit = side.sums[hit] / n;
  m.blocks_read = side.sums[read] / n;
  m.temp_blocks = side.sums[temp] / n;
  m.jit_ms = side.sums[jit] / 1000 / n;
  return m;
}

// The plan that ran most of the statement's calls on each side.
void ReadPlans(std::uint32_t statement, TimestampTz since, TimestampTz onset, TimestampTz until,
               Departure& departure) {
  std::set<std::uint32_t> ids;
  std::map<std::uint32_t, std::int64_t> planids;
  const Arg whose[] = {Arg::Int4(static_cast<std::int32_t>(statement))};
  Query("SELECT id, planid FROM assist.history_plan WHERE statement = $1", whose,
        [&](const Row& row) {
          ids.insert(static_cast<std::uint32_t>(row.Integer(0)));
          planids[static_cast<std::uint32_t>(row.Integer(0))] = row.Integer(1);
        });
  if (ids.empty()) return;
  const Slices slices = ReadSlices(HistoryKind::kPlan, since, until, &ids, "calls");
  const auto dominant = [&](TimestampTz from, TimestampTz to, PlanSide& side) {
    double all = 0, most = 0;
    std::uint32_t best = 0;
    for (const auto& [id, of] : slices.objects) {
      double calls = 0;
      for (const Slice& slice : of)
        if (Middle(slice) >= from && Middle(slice) < to)
          calls += static_cast<double>(slice.values[0]);
      all += calls;
      if (calls > most) {
        most = calls;
        best = id;
      }
    }
    if (best == 0) return;
    side.plan = planids[best];
    side.share = most / all;
    const Arg which[] = {Arg::Int4(static_cast<std::int32_t>(best))};
    Query(
        "SELECT concat_ws(' ', n ->> 'Node Type', 'using ' || (n ->> 'Index Name'), 'on ' || (n "
        "->> 'Relation Name'))"
        " FROM assist.history_plan p, jsonb_path_query(p.plan, 'strict $.**?(exists(@.\"Node "
        "Type\"))') n WHERE p.id = $1",
        which, [&](const Row& row) { side.nodes.emplace_back(row.Text(0)); });
  };
  dominant(since, onset, departure.plan_before);
  dominant(onset, until, departure.plan_after);
}

// Rows and bytes of its tables as they were last recorded before and after the onset, and how stale
// their statistics are.
void ReadTables(const StatementFacts& statement, TimestampTz since, TimestampTz onset,
                TimestampTz until, Departure& departure) {
  const std::vector<std::string_view> names(statement.relations.begin(), statement.relations.end());
  std::set<std::uint32_t> ids;
  std::map<std::uint32_t, TableSides> tables;
  const Arg which[] = {Arg::Texts(names)};
  Query(
      "SELECT h.id, format('%I.%I', h.schema_name, h.name),"
      " pg_stat_get_mod_since_analyze(c.oid)::float8 / nullif(pg_stat_get_live_tuples(c.oid), 0)"
      " FROM assist.history_relation h JOIN pg_class c ON c.oid = h.relid AND c.relname = h.name"
      " WHERE h.kind = 3 AND format('%I.%I', h.schema_name, h.name) = ANY ($1)",
      which, [&](const Row& row) {
        const auto id = static_cast<std::uint32_t>(row.Integer(0));
        ids.insert(id);
        tables[id].name = row.Text(1);
        if (!row.IsNull(2)) tables[id].stale_share = row.Real(2);
      });
  if (ids.empty()) return;
  const std::size_t live = ColumnOf(HistoryKind::kTable, "n_live_tup"),
                    bytes = ColumnOf(HistoryKind::kTable, "bytes");
  const Slices slices = ReadSlices(HistoryKind::kTable, since, until, &ids, "seq_scan");
  for (auto& [id, table] : tables) {
    const auto of = slices.objects.find(id);
    if (of != slices.objects.end())
      for (const Slice& slice : of->second) {
        const bool before = Middle(slice) < onset;
        (before ? table.rows_before : table.rows_after) = static_cast<double>(slice.values[live]);
        (before ? table.bytes_before : table.bytes_after) =
            static_cast<double>(slice.values[bytes]);
      }
    departure.tables.push_back(std::move(table));
  }
}

NearEvent::Kind KindOf(std::string_view kind, std::string_view command) {
  if (kind == "setting") return NearEvent::Kind::kSetting;
  if (kind == "mark") return NearEvent::Kind::kDeploy;
  if (kind == "restart" || kind == "promotion") return NearEvent::Kind::kRestart;
  if (kind == "analyze" || command == "ANALYZE") return NearEvent::Kind::kAnalyze;
  return command == "DROP INDEX" ? NearEvent::Kind::kDropIndex : NearEvent::Kind::kSchema;
}

// Events of a day before the onset until an hour after it.
void ReadEvents(const StatementFacts& statement, const std::vector<Slice>& slices,
                TimestampTz onset, Departure& departure) {
  const std::vector<std::string_view> names(statement.relations.begin(), statement.relations.end());
  const Arg args[] = {Arg::Moment(onset), Arg::Texts(names)};
  Query(
      "SELECT e.kind, coalesce(e.command, ''), extract(epoch FROM e.at - $1)::float8 / 3600,"
      " coalesce(e.object, ''),"
      " CASE e.kind WHEN 'setting' THEN format('%s: %s to %s (%s)', e.object, "
      "coalesce(e.old_value, 'not set'),"
      "    coalesce(e.new_value, 'not set'), e.scope)"
      "  WHEN 'mark' THEN e.detail WHEN 'restart' THEN 'the server was started' WHEN 'promotion' "
      "THEN 'the server was promoted'"
      "  ELSE concat_ws(' ', coalesce(e.command, upper(e.kind)), e.object) END || coalesce(' by ' "
      "|| e.role, ''),"
      " coalesce(e.relation_name = ANY ($2) OR e.object = ANY ($2)"
      "  OR EXISTS (SELECT 1 FROM assist.history_relation h WHERE format('%I.%I', h.schema_name, "
      "h.name) = e.object"
      "       AND format('%I.%I', h.schema_name, coalesce(h.table_name, h.name)) = ANY ($2)), "
      "false),"
      " CASE WHEN e.object ~ '_path$|_libraries$|_tablespaces$|_directories$' THEN NULL"  // lists
                                                                                          // of
                                                                                          // names
      "  WHEN e.kind = 'setting' AND '(masked)' IN (coalesce(e.old_value, ''), "
      "coalesce(e.new_value, '')) THEN NULL"
      "  WHEN e.kind = 'setting' THEN (SELECT CASE e.scope WHEN 'system' THEN 'ALTER SYSTEM'"
      "      WHEN 'database' THEN format('ALTER DATABASE %I', current_database())"
      // Where it is set: 'role NAME', 'role NAME in DATABASE'.
      "      WHEN 'role' THEN format('ALTER ROLE %I', substr(e.detail, 6))"
      "      WHEN 'database+role' THEN format('ALTER ROLE %I IN DATABASE %I', "
      "left(substr(e.detail, "
      "6), -length(' in ' || current_database())), current_database()) END"
      "    || CASE WHEN e.old_value IS NULL THEN format(' RESET %s;', e.object) ELSE format(' SET "
      "%s "
      "= %L;', e.object, e.old_value) END"
      "    || CASE WHEN e.scope <> 'system' THEN '' WHEN EXISTS (SELECT 1 FROM pg_settings p WHERE "
      "p.name = e.object AND p.context = 'postmaster')"
      "         THEN ' -- and restart the server' ELSE ' SELECT pg_reload_conf();' END)"
      // Without blocking writes, but for an index on a partitioned table, for which there is no
      // such way.
      "  WHEN e.command = 'DROP INDEX' THEN (SELECT max(CASE WHEN h.definition ~ ' ON ONLY ' THEN "
      "h.definition ELSE regexp_replace(h.definition, '^CREATE (UNIQUE )?INDEX ', 'CREATE \\1INDEX "
      "CONCURRENTLY ') END) || ';' FROM assist.history_relation h WHERE h.kind = 4"
      "       AND format('%I.%I', h.schema_name, h.name) = e.object)"
      "  WHEN e.kind = 'analyze' THEN NULL END"
      " FROM assist.event e WHERE e.at > $1 - interval '24 hours' AND e.at <= $1 + interval '1 "
      "hour'"
      " AND (e.kind IN ('setting', 'mark', 'restart', 'promotion') OR e.command = 'DROP INDEX'"
      "  OR e.kind IN ('ddl', 'analyze') AND e.command IS DISTINCT FROM 'VACUUM' AND "
      "(e.relation_name = ANY ($2) OR e.object = ANY ($2)))"
      " ORDER BY e.at DESC LIMIT 200",
      args, [&](const Row& row) {
        NearEvent event;
        event.kind = KindOf(row.Text(0), row.Text(1));
        event.hours = row.Real(2);
        event.object = row.Text(3);
        event.title = row.Text(4);
        event.touches = row.Flag(5);
        event.undo = row.Text(6);
        const std::size_t calls = ColumnOf(HistoryKind::kStatement, "calls");
        const auto at = onset + static_cast<TimestampTz>(event.hours * USECS_PER_HOUR);
        for (const Slice& slice : slices)
          if (slice.start >= at && slice.until <= onset)
            event.calls_between += static_cast<double>(slice.values[calls]);
        departure.events.push_back(std::move(event));
      });
}

// Indexes of its tables that plans cannot use. Since when is not known: as if since the onset.
void ReadInvalidIndexes(const StatementFacts& statement, Departure& departure) {
  const std::vector<std::string_view> names(statement.relations.begin(), statement.relations.end());
  const Arg args[] = {Arg::Texts(names)};
  Query(
      "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_index x JOIN pg_class c ON c.oid = "
      "x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class t ON t.oid = "
      "x.indrelid JOIN pg_namespace m ON m.oid = t.relnamespace"
      " WHERE NOT x.indisvalid AND c.relkind = 'i' AND format('%I.%I', m.nspname, t.relname) = ANY "
      "($1)",
      args, [&](const Row& row) {
        NearEvent event;
        event.kind = NearEvent::Kind::kInvalidIndex;
        event.touches = true;
        event.object = row.Text(0);
        event.title = event.object + " is invalid";
        event.undo = "REINDEX INDEX CONCURRENTLY " + event.object + ";";
        departure.events.push_back(std::move(event));
      });
}

// Waits of the statement by class, in ms a call. Unknown on a side that was not sampled.
void ReadWaits(std::uint32_t statement, TimestampTz since, TimestampTz onset, TimestampTz until,
               Departure& departure) {
  std::set<std::uint32_t> ids;
  std::map<std::uint32_t, std::string> classes;
  const Arg whose[] = {Arg::Int4(static_cast<std::int32_t>(statement))};
  Query(
      "SELECT w.id, w.wait_event_type FROM assist.history_wait w JOIN assist.history_statement s"
      " ON s.queryid = w.queryid AND s.userid = w.userid AND s.toplevel = w.toplevel WHERE s.id = "
      "$1",
      whose, [&](const Row& row) {
        ids.insert(static_cast<std::uint32_t>(row.Integer(0)));
        classes[static_cast<std::uint32_t>(row.Integer(0))] = row.Text(1);
      });
  const Slices slices = ReadSlices(HistoryKind::kWait, since, until, &ids, "samples");
  bool sampled[2] = {false, false};
  for (const RecordedInterval& interval : slices.intervals)
    sampled[interval.start + (interval.until - interval.start) / 2 >= onset] = true;
  const auto side = [&](bool after, Measures& m, double seconds) {
    if (!sampled[after] || m.calls_per_hour <= 0) return;
    const double calls = m.calls_per_hour * seconds / 3600;
    m.lock_ms = m.io_ms = m.other_wait_ms = 0;
    for (const auto& [id, of] : slices.objects)
      for (const Slice& slice : of) {
        if ((Middle(slice) >= onset) != after) continue;
        const std::string& kind = classes[id];
        double& to = kind == "Lock" ? m.lock_ms : kind == "IO" ? m.io_ms : m.other_wait_ms;
        if (kind != "CPU") to += static_cast<double>(slice.values[1]) / 1000 / calls;
      }
  };
  side(false, departure.before, departure.before.seconds);
  side(true, departure.after, departure.after.seconds);
}

void ReadCheckpoints(TimestampTz since, TimestampTz onset, TimestampTz until,
                     Departure& departure) {
  const std::size_t requested = ColumnOf(HistoryKind::kDatabase, "checkpoints_requested");
  const std::set<std::uint32_t> database = {1};
  const Slices slices = ReadSlices(HistoryKind::kDatabase, since, until, &database, "calls");
  double count[2] = {0, 0}, hours[2] = {0, 0};
  for (const auto& [id, of] : slices.objects)
    for (const Slice& slice : of) {
      const int side = Middle(slice) < onset ? 0 : 1;
      count[side] += static_cast<double>(slice.values[requested]);
      hours[side] += slice.observed_s / 3600;
    }
  if (hours[0] > 0) departure.requested_checkpoints_before = count[0] / hours[0];
  // Of a short time one checkpoint more is no rate.
  if (hours[1] >= 1) departure.requested_checkpoints_after = count[1] / hours[1];
}

}  // namespace

Departure ReadDeparture(const StatementFacts& statement, const std::vector<Slice>& slices,
                        TimestampTz since, TimestampTz onset, TimestampTz until,
                        double onset_hours) {
  Departure departure;
  departure.onset_hours = onset_hours;
  departure.before = MeasuresOf(slices, since, onset);
  departure.after = MeasuresOf(slices, onset, until);
  ReadPlans(statement.id, since, onset, until, departure);
  ReadTables(statement, since, onset, until, departure);
  ReadEvents(statement, slices, onset, departure);
  ReadInvalidIndexes(statement, departure);
  ReadCheckpoints(since, onset, until, departure);
  ReadWaits(statement.id, since, onset, until, departure);
  return departure;
}

}  // namespace assist::pg
