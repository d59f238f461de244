-- Health: one row per check, for monitoring systems.

CREATE FUNCTION assist.health()
RETURNS TABLE ("check" pg_catalog.text, status pg_catalog.text, value pg_catalog.text, detail pg_catalog.text,
               perfdata pg_catalog.text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
-- Compiling it would take longer than all it does.
SET jit = off
AS $$
  WITH part AS MATERIALIZED (SELECT * FROM assist.status),
  setup AS MATERIALIZED (
    SELECT pg_is_in_recovery() AS standby,
           EXISTS (SELECT FROM part WHERE component = 'collector') AS preloaded,
           coalesce((SELECT s.setting::float8 FROM pg_settings s WHERE s.name = 'assist.interval'), 0) AS pace),
  scarce AS MATERIALIZED (SELECT * FROM assist.capacity),
  recent AS MATERIALIZED (
    SELECT sum(h.blks_hit) AS hit, sum(h.blks_hit + h.blks_read) AS accessed
    FROM assist.database_history h WHERE h.start > now() - interval '1 hour'),
  target AS MATERIALIZED (SELECT t.warning, t.critical FROM assist.thresholds t WHERE t.metric = 'cache_hit_ratio' AND t.scope = ''),
  hits AS (SELECT 100.0 * r.hit / nullif(r.accessed, 0) AS pct, r.accessed FROM recent r),
  lag AS MATERIALIZED (
    SELECT count(*) AS standbys, max(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
             ELSE pg_current_wal_lsn() END, r.replay_lsn)) AS bytes,
           max(extract(epoch FROM r.replay_lag)) AS seconds
    FROM pg_stat_replication r),
  behind AS (
    SELECT CASE WHEN s.standby AND EXISTS (SELECT FROM pg_stat_wal_receiver)
                     AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
                THEN extract(epoch FROM now() - pg_last_xact_replay_timestamp()) WHEN s.standby THEN 0 END AS seconds
    FROM setup s),
  open AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE a.severity = 'critical') AS critical, count(*) FILTER (WHERE a.severity = 'warning') AS warning,
           (array_agg(a.title ORDER BY a.severity, a.since))[1] AS first
    FROM assist.alerts a WHERE a.status = 'open'),
  lost AS MATERIALIZED (
    SELECT max(p.lost_calls) AS calls, sum(p.evictions) AS evictions, (SELECT sum(s.calls) FROM assist.statements s) AS kept
    FROM part p)
  SELECT c.n, c.status, c.value, c.detail, c.perfdata
  FROM (
    SELECT 1, 'library', CASE WHEN s.preloaded THEN 'ok' ELSE 'critical' END,
           CASE WHEN s.preloaded THEN 'preloaded' ELSE 'not preloaded' END, (SELECT p.detail FROM part p LIMIT 1), NULL
    FROM setup s
    UNION ALL
    SELECT 2, p.component,
           CASE WHEN p.state IN ('stopped', 'not started') AND NOT (s.standby AND p.component = 'launcher') THEN 'critical'
                WHEN p.state = 'failing' THEN 'warning' ELSE 'ok' END,
           p.state, coalesce(p.last_error, p.detail), NULL
    FROM part p, setup s WHERE p.component IN ('collector', 'launcher')
    UNION ALL
    SELECT 3, 'analyst',
           CASE WHEN s.standby OR s.pace = 0 THEN 'ok'
                WHEN a.age > greatest(s.pace * 10, 1800) OR a.age IS NULL AND p.state <> 'not started' THEN 'critical'
                WHEN p.state = 'failing' OR a.age > greatest(s.pace * 3, 600) THEN 'warning'
                WHEN a.age IS NULL THEN 'unknown' ELSE 'ok' END,
           CASE WHEN a.age IS NULL THEN p.state ELSE format('%s, %s s ago', p.state, round(a.age)) END,
           CASE WHEN s.standby THEN 'analyses are made on the primary' WHEN s.pace = 0 THEN 'assist.interval is 0'
                ELSE coalesce(p.last_error, p.detail) END, NULL
    FROM part p, setup s, LATERAL (SELECT extract(epoch FROM clock_timestamp() - p.last_run)::float8 AS age) a
    WHERE p.component = 'analyst'
    UNION ALL
    SELECT 4, 'history',
           CASE WHEN s.standby THEN 'ok' WHEN h.age IS NULL THEN 'unknown' WHEN s.pace = 0 THEN 'ok'
                WHEN h.age > greatest(s.pace * 10, 1800) THEN 'critical'
                WHEN h.age > greatest(s.pace * 3, 600) THEN 'warning' ELSE 'ok' END,
           coalesce(round(h.age) || ' s ago', 'none'), 'since this database was recorded last',
           'history_age=' || round(h.age) || format('s;%s;%s', greatest(s.pace * 3, 600), greatest(s.pace * 10, 1800))
    FROM setup s, (SELECT extract(epoch FROM clock_timestamp() - max(f.until))::float8 AS age
                   FROM assist._history_finest f WHERE f.kind = 5) h
    UNION ALL
    SELECT 5, 'capacity',
           CASE w.severity WHEN 'critical' THEN 'critical' WHEN 'high' THEN 'warning' ELSE CASE WHEN w.severity IS NULL THEN 'unknown' ELSE 'ok' END END,
           coalesce(w.resource || coalesce(' ' || round(w.used_pct, 1) || ' %', ''), 'nothing to see'),
           concat_ws(': ', w.object, w.note), NULL
    FROM (SELECT 1) one LEFT JOIN (SELECT * FROM scarce x WHERE x.resource NOT IN ('xid', 'connections')
      ORDER BY array_position(ARRAY['critical', 'high', 'medium', 'low', 'info'], x.severity), x.used_pct DESC NULLS LAST LIMIT 1) w ON true
    UNION ALL
    SELECT 6, 'xid_age',
           CASE w.severity WHEN 'critical' THEN 'critical' WHEN 'high' THEN 'warning' WHEN 'medium' THEN 'warning' ELSE 'ok' END,
           format('%s in %s', w.used, w.object), w.note, format('xid_age=%s;1200000000;2000000000', w.used)
    FROM (SELECT * FROM scarce x WHERE x.resource = 'xid' ORDER BY x.used DESC LIMIT 1) w
    UNION ALL
    SELECT 7, 'connections', CASE w.severity WHEN 'critical' THEN 'critical' WHEN 'high' THEN 'warning' ELSE 'ok' END,
           format('%s of %s', w.used, w."limit"), w.object,
           format('connections=%s;%s;%s;0;%s', w.used, floor(w."limit" * 0.85), floor(w."limit" * 0.95), w."limit")
    FROM (SELECT * FROM scarce x WHERE x.resource = 'connections' ORDER BY x.used_pct DESC, x.object = 'server' DESC LIMIT 1) w
    UNION ALL
    SELECT 8, 'cache_hit_ratio',
           CASE WHEN coalesce(h.accessed, 0) < 50000 THEN 'ok' WHEN h.pct < t.critical THEN 'critical'
                WHEN h.pct < t.warning THEN 'warning' ELSE 'ok' END,
           coalesce(round(h.pct, 2) || ' %', 'nothing read'),
           CASE WHEN coalesce(h.accessed, 0) < 50000 THEN 'in the last hour; not judged, as fewer than 50,000 blocks were accessed'
                ELSE format('in the last hour, of %s blocks', h.accessed) END,
           'cache_hit_ratio=' || round(h.pct, 2) || '%' || coalesce(format(';%s:;%s:', t.warning, t.critical), '')
    FROM hits h, target t
    UNION ALL
    SELECT 9, 'replication_lag',
           CASE WHEN x.bytes > 1073741824 OR x.seconds > 300 THEN 'critical'
                WHEN x.bytes > 104857600 OR x.seconds > 30 THEN 'warning' ELSE 'ok' END,
           CASE WHEN x.standby THEN coalesce(round(x.seconds) || ' s', 'not known') WHEN x.standbys = 0 THEN 'no standby'
                ELSE format('%s bytes, %s s', coalesce(x.bytes, 0), round(coalesce(x.seconds, 0))) END,
           CASE WHEN x.standby THEN 'since what was replayed last' ELSE 'of the standby that is farthest behind' END,
           format('replication_lag=%sB;104857600;1073741824', coalesce(x.bytes, 0))
    FROM (SELECT s.standby, l.standbys, l.bytes, coalesce(l.seconds, b.seconds) AS seconds FROM setup s, lag l, behind b) x
    UNION ALL
    SELECT 10, 'alerts', CASE WHEN o.critical > 0 THEN 'critical' WHEN o.warning > 0 THEN 'warning' ELSE 'ok' END,
           format('%s critical, %s warning', o.critical, o.warning), coalesce(o.first, 'none is open'),
           format('alerts_critical=%s;;0 alerts_warning=%s;0', o.critical, o.warning)
    FROM open o
    UNION ALL
    SELECT 11, 'lost_calls',
           CASE WHEN l.calls IS NULL THEN 'unknown' WHEN l.calls > 0.05 * (l.calls + coalesce(l.kept, 0)) AND l.calls > 1000 THEN 'warning' ELSE 'ok' END,
           coalesce(format('%s calls', l.calls), 'not known'),
           format('executions that could not be kept; %s evictions; raise assist.max_statements or assist.text_memory if they grow', coalesce(l.evictions, 0)),
           'lost_calls=' || l.calls || 'c'
    FROM lost l
  ) c (ord, n, status, value, detail, perfdata)
  ORDER BY c.ord, c.n
$$;
COMMENT ON FUNCTION assist.health() IS
'One row per check of the server, this database and pg_assist itself: status is ok, warning, critical or unknown, perfdata as monitoring plugins write it (label=value[unit];warning;critical). Writes nothing; works on a standby.';

CREATE FUNCTION assist.health_text() RETURNS pg_catalog.text
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
-- Compiling it would take longer than all it does.
SET jit = off
AS $$
  WITH h AS MATERIALIZED (SELECT * FROM assist.health()),
  worst AS (
    SELECT coalesce((SELECT x.status FROM h x WHERE x.status <> 'ok'
      ORDER BY array_position(ARRAY['critical', 'warning', 'unknown'], x.status) LIMIT 1), 'ok') AS status)
  SELECT upper(w.status) || ' - '
         -- A line is a line, and | ends it.
         || translate(coalesce((SELECT string_agg(format('%s: %s (%s)', x."check", x.value, x.detail), ', '
                         ORDER BY array_position(ARRAY['critical', 'warning', 'unknown'], x.status), x."check")
                      FROM h x WHERE x.status <> 'ok'),
                     format('%s checks', (SELECT count(*) FROM h))), E'|\n\r', '/  ')
         || coalesce('|' || (SELECT string_agg(x.perfdata, ' ' ORDER BY x."check") FROM h x), '')
  FROM worst w
$$;
COMMENT ON FUNCTION assist.health_text() IS
'assist.health() as one line for Nagios and its like: OK, WARNING, CRITICAL or UNKNOWN, what is not well, and after | the numbers.';

REVOKE ALL ON FUNCTION assist.health(), assist.health_text() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist.health(), assist.health_text() TO pg_read_all_stats;
