// The server as a whole: machine, settings, WAL and checkpoints. Where the statistics views of
// server versions differ, the difference is here.

#include <sys/statvfs.h>

#include <algorithm>

#include "pg/machine.hpp"
#include "pg/own_sql.hpp"
#include "pg/settings.hpp"
#include "pg/snapshot/reader.hpp"
#include "pg/store/store.hpp"

extern "C" {
#include "utils/timestamp.h"
}

namespace assist::pg::reader {

namespace {

// `number` with `unit` in bytes or ms; a bare one is in the unit of the setting.
#define ASSIST_SCALE(unit)                                                                         \
  " CASE " unit                                                                                    \
  " WHEN 'B' THEN 1 WHEN 'kB' THEN 1024 WHEN '8kB' THEN 8192 WHEN 'MB' THEN 1048576"               \
  "  WHEN 'GB' THEN 1073741824 WHEN 'TB' THEN 1099511627776 WHEN 'us' THEN 0.001 WHEN 'ms' THEN 1" \
  "  WHEN 's' THEN 1000 WHEN 'min' THEN 60000 WHEN 'h' THEN 3600000 WHEN 'd' THEN 86400000 ELSE "  \
  "1 END"
// The number and the unit that a value is spelled with; NULL where it is no number.
#define ASSIST_SPLIT(value)                                                 \
  " substring(" value                                                       \
  " FROM '^\\s*(-?[0-9]+\\.?[0-9]*)\\s*[A-Za-z]*\\s*$')::float8 AS number," \
  " substring(" value " FROM '^\\s*-?[0-9]+\\.?[0-9]*\\s*([A-Za-z]+)\\s*$') AS unit"

// `masked`: the session, its role or its database says otherwise. `raw` then is what a fresh
// session of a role without settings of its own would have: the configuration file's value, else
// the built-in one.
constexpr const char* kSettings =
    "SELECT s.name, CASE WHEN NOT m.masked THEN current_setting(s.name)"
    "   WHEN p.unit IS NULL AND p.number > 0 AND s.unit IN ('kB', '8kB', 'MB') THEN"
    "    CASE WHEN n.number::int8 % 1073741824 = 0 THEN n.number::int8 / 1073741824 || 'GB'"
    "     WHEN n.number::int8 % 1048576 = 0 THEN n.number::int8 / 1048576 || 'MB'"
    "     ELSE n.number::int8 / 1024 || 'kB' END"
    "   WHEN p.unit IS NULL AND p.number > 0 THEN r.raw || coalesce(s.unit, '') ELSE r.raw END,"
    " coalesce(n.number, 0), s.context,"
    " CASE WHEN NOT m.masked THEN s.source WHEN f.setting IS NULL THEN 'default' ELSE 'configuration file' END"
    " FROM pg_settings s"
    " CROSS JOIN LATERAL (SELECT s.context NOT IN ('internal', 'postmaster') AND s.source IN ('session', 'user',"
    "   'database', 'database user', 'client', 'interactive', 'override') AS masked) m"
    " LEFT JOIN LATERAL (SELECT x.setting FROM pg_file_settings x WHERE m.masked AND x.name = s.name"
    "   AND x.error IS NULL ORDER BY x.seqno DESC LIMIT 1) f ON true"
    " CROSS JOIN LATERAL (SELECT CASE WHEN m.masked THEN coalesce(f.setting, s.boot_val) ELSE s.setting END AS raw) r"
    " CROSS JOIN LATERAL (SELECT" ASSIST_SPLIT("r.raw") ") p"
    " CROSS JOIN LATERAL (SELECT CASE WHEN s.vartype IN ('integer', 'real') THEN"
    "   p.number *" ASSIST_SCALE("coalesce(p.unit, s.unit)") " END AS number) n";

constexpr const char* kScopedSettings =
    "SELECT coalesce(r.rolname, ''), d.setdatabase <> 0, v.name, v.value,"
    " coalesce(p.number *" ASSIST_SCALE("coalesce(p.unit, s.unit)") ", 0)"
    " FROM pg_db_role_setting d LEFT JOIN pg_roles r ON r.oid = d.setrole"
    " CROSS JOIN LATERAL unnest(d.setconfig) c(item)"
    " CROSS JOIN LATERAL (SELECT split_part(c.item, '=', 1) AS name,"
    "  substr(c.item, strpos(c.item, '=') + 1) AS value) v"
    " CROSS JOIN LATERAL (SELECT" ASSIST_SPLIT("v.value") ") p"
    " LEFT JOIN pg_settings s ON s.name = v.name"
    " WHERE (d.setdatabase = 0 OR d.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    " AND (d.setrole = 0 OR r.rolname IS NOT NULL)";

constexpr const char* kServer =
    "SELECT extract(epoch FROM clock_timestamp())::float8, current_database(),"
    " current_setting('server_version_num')::int4,"
    " coalesce(extract(epoch FROM stats_reset), 0)::float8, pg_is_in_recovery(),"
    " EXISTS (SELECT 1 FROM pg_stat_replication),"
    " EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pgstattuple'),"
    " current_setting('data_directory')"
    " FROM pg_stat_database WHERE datname = current_database()";

// Cumulative counters as of now: checkpoints moved to a view of their own in 17.
constexpr const char* kCounters15 =
    "SELECT w.wal_bytes::int8, b.checkpoints_timed, b.checkpoints_req,"
    " greatest(extract(epoch FROM w.stats_reset), extract(epoch FROM b.stats_reset))::float8,"
    " extract(epoch FROM greatest(w.stats_reset, b.stats_reset) - least(w.stats_reset, "
    "b.stats_reset)) < 1"
    " FROM pg_stat_wal w, pg_stat_bgwriter b";
constexpr const char* kCounters17 =
    "SELECT w.wal_bytes::int8, c.num_timed, c.num_requested,"
    " greatest(extract(epoch FROM w.stats_reset), extract(epoch FROM c.stats_reset))::float8,"
    " extract(epoch FROM greatest(w.stats_reset, c.stats_reset) - least(w.stats_reset, "
    "c.stats_reset)) < 1"
    " FROM pg_stat_wal w, pg_stat_checkpointer c";

const char* CountersQuery() {
  bool own_view = false;
  Query("SELECT to_regclass('pg_catalog.pg_stat_checkpointer') IS NOT NULL",
        [&](const Row& row) { own_view = row.Flag(0); });
  return own_view ? kCounters17 : kCounters15;
}

struct Counters {
  double wal_bytes = 0, timed = 0, requested = 0, reset = 0;
  bool reset_together = false;
};

Counters ReadCounters() {
  Counters counters;
  Query(CountersQuery(), [&](const Row& row) {
    counters = {row.Real(0), row.Real(1), row.Real(2), row.Real(3), row.Flag(4)};
  });
  return counters;
}

// Rates of WAL below this stretch say little about its peaks.
constexpr int kFewestRates = 12;
// Of the peak of active sessions: seen at each analysis.
constexpr int kFewestActive = 100;

constexpr const char* kHistory =
    "WITH h AS (SELECT at, wal_bytes, checkpoints_timed, checkpoints_requested, active_backends,"
    "  (wal_bytes - lag(wal_bytes) OVER w) / nullif(extract(epoch FROM at - lag(at) OVER w), "
    "0)::float8 AS rate"
    " FROM assist.server_counter WHERE at > to_timestamp($1) WINDOW w AS (ORDER BY at))"
    " SELECT extract(epoch FROM min(at))::float8, min(wal_bytes), min(checkpoints_timed),"
    " min(checkpoints_requested), count(rate), percentile_cont(0.95) WITHIN GROUP (ORDER BY rate),"
    " count(*), percentile_cont(0.99) WITHIN GROUP (ORDER BY active_backends) FROM h";

// Since the oldest counters that are remembered, or since the server began to count.
bool ReadWal(Snapshot& snapshot) {
  const Counters now = ReadCounters();
  Server& server = snapshot.server;
  double since = 0, wal = 0, timed = 0, requested = 0;
  const Arg reset = Arg::Real(now.reset);
  QueryFresh(kHistory, {&reset, 1}, [&](const Row& row) {
    if (row.IsNull(0)) return;
    since = row.Real(0);
    wal = row.Real(1);
    timed = row.Real(2);
    requested = row.Real(3);
    if (row.Integer(4) >= kFewestRates) server.wal_bytes_per_second_p95 = row.Real(5);
    if (row.Integer(6) >= kFewestActive) server.peak_active_backends = row.Real(7);
  });
  // A short memory of ours: the server's own counters reach further back, when all started
  // together.
  if (now.reset_together && now.reset > 0 && (since == 0 || server.now - since < 86400)) {
    since = now.reset;
    wal = timed = requested = 0;
  }
  if (since <= 0) return false;
  server.wal_since = since;
  server.wal_bytes = static_cast<std::int64_t>(std::max(0.0, now.wal_bytes - wal));
  server.checkpoints_timed = static_cast<std::int64_t>(std::max(0.0, now.timed - timed));
  server.checkpoints_requested =
      static_cast<std::int64_t>(std::max(0.0, now.requested - requested));
  // The checkpointer starts one when this much WAL was written since the last; requests beyond what
  // the volume explains came from commands and base backups.
  const Setting* size = snapshot.FindSetting("max_wal_size");
  const Setting* target = snapshot.FindSetting("checkpoint_completion_target");
  if (size != nullptr && target != nullptr && size->number > 0) {
    const double distance = 0.8 * size->number / (1 + target->number);
    server.checkpoints_by_wal =
        std::min(server.checkpoints_requested,
                 static_cast<std::int64_t>(static_cast<double>(server.wal_bytes) / distance));
  }
  return true;
}

std::int64_t FreeBytes(const char* directory) {
  struct statvfs disk;
  if (statvfs(directory, &disk) != 0) return 0;
  return static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
}

double Epoch(TimestampTz moment) {
  return moment == 0
             ? 0
             : static_cast<double>(moment) / 1e6 +
                   (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * static_cast<double>(SECS_PER_DAY);
}

// Start of what capture knows without a gap.
double ObservedSince() {
  const Store* shared = store();
  if (shared == nullptr) return 0;
  TimestampTz since = std::max(shared->started, shared->reset_at);
  for (uint32 i = 0; i < shared->gap_count && i < kGaps; ++i)
    since = std::max(since, shared->gaps[i].until);
  return Epoch(since);
}

}  // namespace

double IndexUseSince() {
  const double observed = ObservedSince();
  return observed > 0 ? std::max(observed, Epoch(store()->index_use_lost)) : 0;
}

Needs ReadServer(Snapshot& snapshot) {
  Server& server = snapshot.server;
  Query(kServer, [&](const Row& row) {
    server.now = row.Real(0);
    server.database = snapshot.Intern(row.Text(1));
    server.version_number = static_cast<std::int32_t>(row.Integer(2));
    server.statistics_since = row.Real(3);
    server.is_standby = row.Flag(4);
    server.has_standbys = row.Flag(5);
    server.has_pgstattuple = row.Flag(6);
    char wal[4096];
    std::snprintf(wal, sizeof wal, "%.*s/pg_wal", static_cast<int>(row.Text(7).size()),
                  row.Text(7).data());
    server.wal_disk_free_bytes = FreeBytes(wal);
  });
  server.memory_bytes = MachineMemory();
  server.cpus = MachineCpus();
  server.observed_since = ObservedSince();
  if (server.statistics_since == 0) server.statistics_since = server.observed_since;
  Query(kSettings, [&](const Row& row) {
    snapshot.settings.push_back({.name = snapshot.Intern(row.Text(0)),
                                 .value = snapshot.Intern(row.Text(1)),
                                 .number = row.Real(2),
                                 .context = snapshot.Intern(row.Text(3)),
                                 .source = snapshot.Intern(row.Text(4))});
  });
  Query(kScopedSettings, [&](const Row& row) {
    snapshot.scoped_settings.push_back({.role = snapshot.Intern(row.Text(0)),
                                        .in_database = row.Flag(1),
                                        .name = snapshot.Intern(row.Text(2)),
                                        .value = snapshot.Intern(row.Text(3)),
                                        .number = row.Real(4)});
  });
  return ReadWal(snapshot) ? Needs::kWal : Needs::kNothing;
}

}  // namespace assist::pg::reader

namespace assist::pg {

void RememberCounters() {
  const reader::Counters now = reader::ReadCounters();
  const Arg args[] = {Arg::Int8(static_cast<std::int64_t>(now.wal_bytes)),
                      Arg::Int8(static_cast<std::int64_t>(now.timed)),
                      Arg::Int8(static_cast<std::int64_t>(now.requested))};
  // Rows of the future were written while the clock was ahead: none would be added until then.
  Execute(
      "DELETE FROM assist.server_counter WHERE at < clock_timestamp() - interval '8 days' OR at > "
      "clock_timestamp()");
  // Every five minutes for eight days: some 2,300 rows.
  Execute(
      "INSERT INTO assist.server_counter (at, wal_bytes, checkpoints_timed, checkpoints_requested, "
      "active_backends)"
      " SELECT clock_timestamp(), $1, $2, $3,"
      "  (SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client "
      "backend')"
      " WHERE NOT EXISTS (SELECT 1 FROM assist.server_counter WHERE at > clock_timestamp() - "
      "interval '5 min')"
      " ON CONFLICT DO NOTHING",
      args);
}

}  // namespace assist::pg
