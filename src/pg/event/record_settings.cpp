// Changes of settings: what is compared, whose command it was, and what must not be kept.
//
// Settings of the server change by a reload or a start: only then they are read. A session may have values of its
// own; then the configuration file counts, or nothing. Settings of databases and roles are compared at each visit.

#include "pg/event/record.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "pg/memory.hpp"
#include "pg/own_sql.hpp"

extern "C" {
#include "access/xlog.h"  // for GetSystemIdentifier
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

constexpr std::string_view kMasked = "(masked)";

// A number with its unit in bytes or ms, so that 64MB is 65536kB; NULL where it is none.
#define ASSIST_NUMBER(value, unit)                                                                     \
  " CASE WHEN s.vartype IN ('integer', 'real') THEN"                                                   \
  "  substring(" value " FROM '^\\s*(-?[0-9]+\\.?[0-9]*(?:e[-+]?[0-9]+)?)\\s*[A-Za-z]*\\s*$')::float8" \
  "  * CASE coalesce(substring(" value " FROM '^\\s*-?[0-9.]+\\s*([A-Za-z]+)\\s*$'), " unit ")"        \
  "   WHEN 'B' THEN 1 WHEN 'kB' THEN 1024 WHEN '8kB' THEN 8192 WHEN 'MB' THEN 1048576"                 \
  "   WHEN 'GB' THEN 1073741824 WHEN 'TB' THEN 1099511627776 WHEN 'us' THEN 0.001 WHEN 'ms' THEN 1"    \
  "   WHEN 's' THEN 1000 WHEN 'min' THEN 60000 WHEN 'h' THEN 3600000 WHEN 'd' THEN 86400000"           \
  "   ELSE 1 END END"
#define ASSIST_WORD(value)                                                                          \
  " CASE WHEN s.vartype IN ('bool', 'enum') THEN CASE WHEN lower(" value                            \
  ") IN ('on', 'true', 'yes', '1') THEN 'on' WHEN lower(" value ") IN ('off', 'false', 'no', '0') " \
  "THEN 'off' ELSE lower(" value ") END ELSE " value " END"

// Every setting as a session without settings of its own would have it, beside what was seen: name, value, source,
// value seen, source seen, whether both are the same. Left out: what the server makes up, and what this session hides
// and the file does not tell.
constexpr const char* kSystem =
    "WITH f AS MATERIALIZED (SELECT DISTINCT ON (name) name, setting, sourcefile FROM pg_file_settings"
    "  WHERE error IS NULL ORDER BY name, seqno DESC)"
    " SELECT s.name, v.value, v.source, e.value, e.source,"
    "  coalesce(" ASSIST_NUMBER("v.value", "s.unit") " =" ASSIST_NUMBER("e.value", "s.unit")
    ", " ASSIST_WORD("v.value") " =" ASSIST_WORD("e.value") ")"
    " FROM pg_settings s"
    " CROSS JOIN LATERAL (SELECT s.context NOT IN ('internal', 'postmaster') AND s.source IN ('session', 'user',"
    "   'database', 'database user', 'client', 'interactive', 'override') AS hidden) h"
    " LEFT JOIN f ON h.hidden AND f.name = s.name"
    " LEFT JOIN assist.setting_seen e ON e.scope = 'system' AND e.roleid = 0 AND e.name = s.name"
    " CROSS JOIN LATERAL (SELECT CASE WHEN NOT h.hidden THEN current_setting(s.name)"
    "    WHEN coalesce(f.setting, s.boot_val) ~ '^-?[0-9]+$' THEN coalesce(f.setting, s.boot_val) || coalesce(s.unit, '')"
    "    ELSE coalesce(f.setting, s.boot_val) END AS value,"
    "   CASE WHEN NOT h.hidden THEN coalesce(regexp_replace(s.sourcefile, '^.*/', ''), s.source)"
    "    ELSE coalesce(regexp_replace(f.sourcefile, '^.*/', ''), 'default') END AS source) v"
    " WHERE s.context <> 'internal' AND s.name <> ALL (ARRAY['application_name', 'client_encoding',"
    "   'transaction_isolation', 'transaction_read_only', 'transaction_deferrable', 'session_authorization', 'role'])"
    " AND NOT (h.hidden AND e.source = 'command line')"
    " AND NOT (h.hidden AND f.name IS NULL AND e.source = 'default')";

constexpr const char* kScoped =
    "SELECT coalesce(n.scope, e.scope), coalesce(n.roleid, e.roleid), coalesce(n.name, e.name), n.value, e.value,"
    "  CASE WHEN coalesce(n.roleid, e.roleid) = 0 THEN 'ALL' ELSE r.rolname END, current_database()"
    " FROM (SELECT CASE WHEN d.setdatabase = 0 THEN 'role' WHEN d.setrole = 0 THEN 'database' ELSE 'database+role' END AS scope,"
    "   d.setrole AS roleid, split_part(c.item, '=', 1) AS name, substr(c.item, strpos(c.item, '=') + 1) AS value"
    "  FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) c(item)"
    "  WHERE d.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) n"
    " FULL JOIN (SELECT * FROM assist.setting_seen WHERE scope <> 'system') e USING (scope, roleid, name)"
    " LEFT JOIN pg_roles r ON r.oid = coalesce(n.roleid, e.roleid)"
    " WHERE n.value IS DISTINCT FROM e.value";

constexpr const char* kRemember =
    "INSERT INTO assist.setting_seen (scope, roleid, name, value, source)"
    " SELECT 'system', 0, n, v, s FROM unnest($1, $2, $3) u(n, v, s)"
    " ON CONFLICT (scope, roleid, name) DO UPDATE SET value = excluded.value, source = excluded.source";

// The latest command of that effect since the last change of the setting: $1 scope, $2 name, $3 command, $4 object.
constexpr const char* kInsert =
    "INSERT INTO assist.event (at, kind, object, scope, old_value, new_value, detail, role, session_role)"
    " SELECT coalesce($9, c.at, clock_timestamp()), 'setting', $2, $1, $5, $6, $7, c.role, c.session_role"
    " FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT e.at, e.role, e.session_role FROM assist.event e"
    "  WHERE $8 AND e.kind = 'ddl' AND e.command = $3 AND e.object IS NOT DISTINCT FROM $4"
    "  AND e.detail IN ('SET ' || $2, 'RESET ' || $2, 'RESET ALL')"
    "  AND e.id > coalesce((SELECT max(l.id) FROM assist.event l WHERE l.kind = 'setting' AND l.scope = $1"
    "   AND l.object = $2 AND l.detail IS NOT DISTINCT FROM $7), 0)"
    "  ORDER BY e.id DESC LIMIT 1) c ON true";

bool Contains(std::string_view text, std::string_view part) {
  const auto same = [](char a, char b) { return pg_tolower(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

// Whether the value may hold a secret: what the server shows to superusers only, commands and connection strings, and
// settings of others that are called so.
bool MayBeSecret(std::string_view name) {
  static constexpr std::string_view kNames[] = {"primary_conninfo", "archive_command", "restore_command",
                                                "archive_cleanup_command", "recovery_end_command",
                                                "ssl_passphrase_command"};
  static constexpr std::string_view kParts[] = {"passw", "passphrase", "secret", "key", "token", "credential", "conninfo",
                                                "dsn"};
  if (std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames)) return true;
  if (name.find('.') != std::string_view::npos)
    for (const std::string_view part : kParts)
      if (Contains(name, part)) return true;
  const std::string text(name);
  return Guarded([&] { return (GetConfigOptionFlags(text.c_str(), true) & GUC_SUPERUSER_ONLY) != 0; });
}

// What tells a change of a secret and nothing else of it.
std::string Checksum(std::string_view value) {
  const std::uint64_t hash = hash_bytes_extended(reinterpret_cast<const unsigned char*>(value.data()),
                                                 static_cast<int>(value.size()), GetSystemIdentifier());
  char text[24];
  std::snprintf(text, sizeof text, "#%016llx", static_cast<unsigned long long>(hash));
  return text;
}

struct Change {
  std::string_view scope, name, command, object, old_value, new_value, source;
  bool has_old, has_new, by_command;
  std::int64_t at;  // 0: of the command, else now
};

void Insert(const Change& change) {
  const auto text = [](bool there, std::string_view value) { return there ? Arg::Text(value) : Arg::Null(Arg::Type::kText); };
  const Arg args[] = {Arg::Text(change.scope),
                      Arg::Text(change.name),
                      Arg::Text(change.command),
                      Arg::TextOrNull(change.object),
                      text(change.has_old, change.old_value),
                      text(change.has_new, change.new_value),
                      Arg::Text(change.source),
                      Arg::Bool(change.by_command),
                      change.at != 0 ? Arg::Moment(change.at) : Arg::Null(Arg::Type::kMoment)};
  Execute(kInsert, args);
}

struct Seen {
  std::string name, value, source;         // now; a checksum if it may be a secret
  std::string old_value, old_source;
  bool secret = false, changed = false;
};

bool IsByCommand(std::string_view source) { return source == "postgresql.auto.conf"; }

std::int64_t CompareSystem(bool baseline, std::int64_t at) {
  std::vector<Seen> seen;
  Query(kSystem, [&](const Row& row) {
    Seen setting;
    setting.name = row.Text(0);
    setting.secret = MayBeSecret(setting.name);
    setting.value = setting.secret ? Checksum(row.Text(1)) : std::string(row.Text(1));
    setting.source = row.Text(2);
    const bool known = !row.IsNull(4);
    setting.old_value = row.Text(3);
    setting.old_source = row.Text(4);
    const bool same = known && (setting.secret ? setting.value == setting.old_value : row.Flag(5));
    if (same && setting.source == setting.old_source) return;
    // A default that differs was computed otherwise, not set. What is unknown came with a library.
    setting.changed = known && !same && !(setting.source == "default" && setting.old_source == "default");
    seen.push_back(std::move(setting));
  });
  std::vector<std::string_view> names, values, sources;
  std::int64_t added = 0;
  for (const Seen& setting : seen) {
    names.push_back(setting.name);
    values.push_back(setting.value);
    sources.push_back(setting.source);
    if (baseline || !setting.changed) continue;
    Insert({"system", setting.name, "ALTER SYSTEM", "", setting.secret ? kMasked : std::string_view(setting.old_value),
            setting.secret ? kMasked : std::string_view(setting.value), setting.source, true, true,
            IsByCommand(setting.source) || IsByCommand(setting.old_source), at});
    ++added;
  }
  if (names.empty()) return added;
  const Arg args[] = {Arg::Texts(names), Arg::Texts(values), Arg::Texts(sources)};
  Execute(kRemember, args);
  return added;
}

struct Scoped {
  std::string scope, name, role, database, value, old_value;
  std::int64_t roleid = 0;
  bool has_value = false, has_old = false, role_exists = false;
};

void RememberScoped(const Scoped& setting, std::string_view kept) {
  const Arg args[] = {Arg::Text(setting.scope), {.type = Arg::Type::kOid, .integer = setting.roleid},
                      Arg::Text(setting.name), Arg::Text(kept)};
  if (setting.has_value)
    Execute("INSERT INTO assist.setting_seen (scope, roleid, name, value) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (scope, roleid, name) DO UPDATE SET value = excluded.value", args);
  else
    Execute("DELETE FROM assist.setting_seen WHERE scope = $1 AND roleid = $2 AND name = $3", {args, 3});
}

std::int64_t CompareScoped(bool baseline) {
  std::vector<Scoped> all;
  Query(kScoped, [&](const Row& row) {
    Scoped& setting = all.emplace_back();
    setting.scope = row.Text(0);
    setting.roleid = row.Integer(1);
    setting.name = row.Text(2);
    setting.has_value = !row.IsNull(3);
    setting.value = row.Text(3);
    setting.has_old = !row.IsNull(4);
    setting.old_value = row.Text(4);
    setting.role_exists = !row.IsNull(5);
    setting.role = row.Text(5);
    setting.database = row.Text(6);
  });
  std::int64_t added = 0;
  for (const Scoped& setting : all) {
    const bool secret = MayBeSecret(setting.name);
    const std::string kept = secret ? Checksum(setting.value) : setting.value;
    if (setting.has_value && setting.has_old && kept == setting.old_value) continue;
    RememberScoped(setting, kept);
    // Settings of a role go with it.
    if (baseline || !setting.role_exists) continue;
    const bool database = setting.scope == "database";
    const std::string object = database ? setting.database
                               : setting.scope == "role" ? setting.role
                                                         : setting.role + " in " + setting.database;
    const std::string source = (database ? "database " : "role ") + object;
    Insert({setting.scope, setting.name, database ? "ALTER DATABASE" : "ALTER ROLE", object,
            secret ? kMasked : std::string_view(setting.old_value), secret ? kMasked : std::string_view(kept), source,
            setting.has_old, setting.has_value, true, 0});
    ++added;
  }
  return added;
}

}  // namespace

std::int64_t RecordSettings(EventPosition& position) {
  const bool baseline = position.settings_at == 0;
  const std::int64_t loaded = PgReloadTime;
  // Sessions read the configuration again when they get round to it; a process that is younger than the reload has the
  // postmaster's.
  const bool exact = loaded <= MyStartTimestamp;
  const bool by_start = loaded <= PgStartTime;
  std::int64_t added = 0;
  if (exact && loaded > position.reload_at) {
    if (position.reload_at != 0 && !by_start) {
      const Arg args[] = {Arg::Moment(loaded)};
      added += Execute("INSERT INTO assist.event (at, kind) VALUES ($1, 'reload')", args);
    }
    position.reload_at = loaded;
  }
  if (baseline || loaded > position.settings_at) {
    added += CompareSystem(baseline, by_start ? PgStartTime : loaded);
    // Not by a session: what is fixed when it begins is old there.
    if (baseline || exact) position.settings_at = loaded;
  }
  return added + CompareScoped(baseline);
}

}  // namespace assist::pg
