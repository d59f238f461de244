-- Alerts: targets, and what misses them; one row per incident.
--
-- The tables are written by the library only, by fixed statements under their owner's rights. Others read the views,
-- which show a role what concerns its own statements and the relations it owns, and members of pg_read_all_stats all.

CREATE TABLE assist.threshold (
  metric pg_catalog.text NOT NULL,
  scope pg_catalog.text NOT NULL DEFAULT '',
  warning pg_catalog.float8,
  critical pg_catalog.float8,
  changed_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  changed_by pg_catalog.text NOT NULL,
  PRIMARY KEY (metric, scope)
);
COMMENT ON TABLE assist.threshold IS 'what assist.set_threshold() changed; read assist.thresholds';

CREATE TABLE assist.threshold_state (
  metric pg_catalog.text PRIMARY KEY,
  state pg_catalog.text NOT NULL,
  evaluated_at pg_catalog.timestamptz NOT NULL
);
COMMENT ON TABLE assist.threshold_state IS 'what the last evaluation did with each metric';

CREATE TABLE assist.alert_judged (
  pace pg_catalog.text PRIMARY KEY,
  at pg_catalog.timestamptz NOT NULL
);
COMMENT ON TABLE assist.alert_judged IS 'when the metrics of a pace (minutes, hour, day, tables) were evaluated last';

CREATE TABLE assist.core_table (
  relation_name pg_catalog.text PRIMARY KEY,
  pinned pg_catalog.bool,
  by_traffic pg_catalog.bool NOT NULL DEFAULT false,
  rows_per_day pg_catalog.float8,
  share pg_catalog.float8,
  seq_scans_per_day pg_catalog.float8,
  observed_days pg_catalog.float8,
  measured_at pg_catalog.timestamptz
);
COMMENT ON TABLE assist.core_table IS
  'tables that are core by their traffic, or were said to be or not to be by assist.set_core_table(); read assist.core_tables';

CREATE TABLE assist.alert (
  id pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  fingerprint pg_catalog.text NOT NULL,
  source pg_catalog.text NOT NULL CHECK (source OPERATOR(pg_catalog.=) ANY (ARRAY[
    'threshold', 'anomaly', 'regression', 'capacity']::pg_catalog.text[])),
  metric pg_catalog.text NOT NULL,
  object pg_catalog.text NOT NULL,
  severity pg_catalog.text NOT NULL CHECK (severity OPERATOR(pg_catalog.=) ANY (ARRAY['warning', 'critical']::pg_catalog.text[])),
  status pg_catalog.text NOT NULL CHECK (status OPERATOR(pg_catalog.=) ANY (ARRAY[
    'pending', 'open', 'acknowledged', 'resolved']::pg_catalog.text[])),
  since pg_catalog.timestamptz NOT NULL,
  opened_at pg_catalog.timestamptz,
  last_seen pg_catalog.timestamptz NOT NULL,
  resolved_at pg_catalog.timestamptz,
  value pg_catalog.float8,
  threshold pg_catalog.float8,
  unit pg_catalog.text,
  title pg_catalog.text NOT NULL,
  evidence pg_catalog.jsonb NOT NULL DEFAULT '{}',
  what_to_do pg_catalog.text,
  sql pg_catalog.text,
  -- Whom it concerns, for rights. Oid and name must agree, as oids change by dump and restore.
  statement pg_catalog.int4,
  relation pg_catalog.oid,
  relation_name pg_catalog.text,
  acknowledged_by pg_catalog.text,
  acknowledged_at pg_catalog.timestamptz,
  comment pg_catalog.text,
  muted_until pg_catalog.timestamptz,
  times_opened pg_catalog.int4 NOT NULL DEFAULT 0,
  -- In a row: beyond warning, beyond critical, good, below critical.
  breaches pg_catalog.int4 NOT NULL DEFAULT 0,
  criticals pg_catalog.int4 NOT NULL DEFAULT 0,
  goods pg_catalog.int4 NOT NULL DEFAULT 0,
  calm pg_catalog.int4 NOT NULL DEFAULT 0,
  -- What came before was judged.
  judged_until pg_catalog.timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX ON assist.alert (fingerprint) WHERE status OPERATOR(pg_catalog.<>) 'resolved';
CREATE INDEX ON assist.alert (resolved_at);
COMMENT ON TABLE assist.alert IS 'incidents, and what may become one; read assist.alerts';
COMMENT ON COLUMN assist.alert.status IS 'pending: beyond the threshold, but not for long enough';

CREATE FUNCTION assist._metrics(
  OUT metric pg_catalog.text, OUT unit pg_catalog.text, OUT scope_of pg_catalog.text, OUT direction pg_catalog.text,
  OUT warning pg_catalog.float8, OUT critical pg_catalog.float8, OUT anomaly pg_catalog.bool, OUT meaning pg_catalog.text)
RETURNS SETOF pg_catalog.record LANGUAGE C STRICT STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'assist_metrics';
COMMENT ON FUNCTION assist._metrics() IS 'internal: the metrics of the library and their default thresholds';

CREATE VIEW assist.thresholds WITH (security_barrier) AS
  SELECT m.metric, COALESCE(t.scope, '') AS scope,
         CASE WHEN t.metric IS NULL THEN m.warning ELSE t.warning END AS warning,
         CASE WHEN t.metric IS NULL THEN m.critical ELSE t.critical END AS critical,
         m.unit, m.direction, m.scope_of, m.warning AS default_warning, m.critical AS default_critical, m.meaning,
         CASE WHEN t.metric IS NULL AND m.warning IS NULL AND m.critical IS NULL
                OR t.metric IS NOT NULL AND t.warning IS NULL AND t.critical IS NULL THEN 'off'
              ELSE COALESCE(s.state, 'not evaluated yet') END AS state,
         s.evaluated_at, t.changed_at, t.changed_by
  FROM (SELECT d.*, '' AS scope FROM assist._metrics() d
        UNION ALL
        SELECT d.*, u.scope FROM assist._metrics() d
               JOIN assist.threshold u ON u.metric OPERATOR(pg_catalog.=) d.metric AND u.scope OPERATOR(pg_catalog.<>) '') m
       LEFT JOIN assist.threshold t ON t.metric OPERATOR(pg_catalog.=) m.metric AND t.scope OPERATOR(pg_catalog.=) m.scope
       LEFT JOIN assist.threshold_state s ON s.metric OPERATOR(pg_catalog.=) m.metric
  WHERE m.scope OPERATOR(pg_catalog.=) '' OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
  UNION ALL
  SELECT t.metric, t.scope, t.warning, t.critical,
         CASE WHEN t.metric OPERATOR(pg_catalog.~) '_time$' THEN 'ms' WHEN t.metric OPERATOR(pg_catalog.~) 'bytes$' THEN 'bytes' ELSE '' END,
         CASE WHEN t.critical OPERATOR(pg_catalog.<) t.warning THEN 'below' ELSE 'above' END,
         'history', NULL, NULL,
         'as assist.forecast() takes it, of what was recorded since the last look: per hour what is counted, and levels as they are',
         CASE WHEN t.warning IS NULL AND t.critical IS NULL THEN 'off' ELSE COALESCE(s.state, 'not evaluated yet') END,
         s.evaluated_at, t.changed_at, t.changed_by
  FROM assist.threshold t
       LEFT JOIN assist.threshold_state s ON s.metric OPERATOR(pg_catalog.=)
         CASE WHEN t.scope OPERATOR(pg_catalog.=) '' THEN t.metric ELSE pg_catalog.concat(t.metric, ':', t.scope) END
  WHERE NOT EXISTS (SELECT FROM assist._metrics() d WHERE d.metric OPERATOR(pg_catalog.=) t.metric)
    AND (t.scope OPERATOR(pg_catalog.=) '' OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'))
  ORDER BY 1, 2;
COMMENT ON VIEW assist.thresholds IS
  'one row per metric, and per object that has thresholds of its own: from where on there is an alert; change them with assist.set_threshold(), which takes any metric of assist.forecast(), too';
COMMENT ON COLUMN assist.thresholds.scope IS 'query id or qualified table or index; empty = all that have none of their own, or the database';
COMMENT ON COLUMN assist.thresholds.warning IS 'in unit; NULL = off';
COMMENT ON COLUMN assist.thresholds.critical IS 'in unit; NULL = off';
COMMENT ON COLUMN assist.thresholds.direction IS 'on which side of the threshold the alert is: above or below';
COMMENT ON COLUMN assist.thresholds.scope_of IS 'what a scope of it names: statement, table, or database (no scope); history = a metric of the views of history or an imported one, that assist.set_threshold() was given';
COMMENT ON COLUMN assist.thresholds.meaning IS 'what is measured, and how much of it there must be';
COMMENT ON COLUMN assist.thresholds.state IS 'evaluated, off, or what it waits for';

CREATE FUNCTION assist.set_threshold(
  metric pg_catalog.text, scope pg_catalog.text DEFAULT '', warning pg_catalog.float8 DEFAULT NULL,
  critical pg_catalog.float8 DEFAULT NULL)
RETURNS assist.thresholds LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_set_threshold';
COMMENT ON FUNCTION assist.set_threshold(pg_catalog.text, pg_catalog.text, pg_catalog.float8, pg_catalog.float8) IS
'Sets from where on a metric of assist.thresholds is an alert, in its unit; NULL = never. scope: a query id or a table, empty = all others. Any metric that assist.forecast() takes is one, too, with its object as scope: per hour what is counted; below, where critical is less than warning, else above. Returns the row. The next evaluation goes by it.';

CREATE FUNCTION assist.reset_threshold(metric pg_catalog.text, scope pg_catalog.text DEFAULT '')
RETURNS assist.thresholds LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_reset_threshold';
COMMENT ON FUNCTION assist.reset_threshold(pg_catalog.text, pg_catalog.text) IS
'Takes assist.set_threshold() back: the default again, or for a scope what is valid for all. Returns the row that is in force; NULL where there is none.';

CREATE VIEW assist.core_tables WITH (security_barrier) AS
  SELECT pg_catalog.to_regclass(t.relation_name) AS relation, t.relation_name,
         CASE WHEN t.pinned THEN 'set' ELSE 'traffic' END AS reason,
         pg_catalog.round(t.rows_per_day) AS rows_per_day,
         pg_catalog.round((100 OPERATOR(pg_catalog.*) t.share)::pg_catalog.numeric, 1)::pg_catalog.float8 AS share_pct,
         pg_catalog.round(t.seq_scans_per_day::pg_catalog.numeric, 2)::pg_catalog.float8 AS seq_scans_per_day,
         pg_catalog.round(t.observed_days::pg_catalog.numeric, 2)::pg_catalog.float8 AS observed_days, t.measured_at
  FROM assist.core_table t
  WHERE COALESCE(t.pinned, t.by_traffic)
    AND (pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
         OR EXISTS (SELECT 1 FROM pg_catalog.pg_class c
                      JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                    WHERE pg_catalog.format('%I.%I', n.nspname, c.relname) OPERATOR(pg_catalog.=) t.relation_name
                      AND pg_catalog.pg_has_role(c.relowner, 'USAGE')))
  ORDER BY t.rows_per_day DESC NULLS LAST, t.relation_name;
COMMENT ON VIEW assist.core_tables IS
  'one row per table that matters most: those that carry 80 % of the rows read and written in the last week, without small ones, and those that assist.set_core_table() says; of the relations one owns, or all for pg_read_all_stats';
COMMENT ON COLUMN assist.core_tables.reason IS 'traffic, or set by assist.set_core_table()';
COMMENT ON COLUMN assist.core_tables.rows_per_day IS 'rows read and written a day';
COMMENT ON COLUMN assist.core_tables.share_pct IS 'per cent of all rows read and written in tables of 10,000 rows or more';
COMMENT ON COLUMN assist.core_tables.observed_days IS 'days of the last week that were seen';

CREATE FUNCTION assist.set_core_table(relation pg_catalog.regclass, core pg_catalog.bool)
RETURNS pg_catalog.bool LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_set_core_table';
COMMENT ON FUNCTION assist.set_core_table(pg_catalog.regclass, pg_catalog.bool) IS
'Says that a table is core (assist.core_tables), or is not; NULL = by its traffic again. Returns whether it is now.';

CREATE VIEW assist.alerts WITH (security_barrier) AS
  SELECT a.id,
         CASE WHEN a.status OPERATOR(pg_catalog.<>) 'resolved' AND a.muted_until OPERATOR(pg_catalog.>) pg_catalog.now() THEN 'muted'
              ELSE a.status END AS status,
         a.severity, a.source, a.metric, a.object, a.title, a.value, a.threshold, a.unit, a.since, a.last_seen, a.resolved_at,
         a.evidence, a.what_to_do, a.sql, a.times_opened, a.acknowledged_by, a.acknowledged_at, a.comment, a.muted_until,
         s.queryid, s.userid, s.role_name, a.relation_name
  FROM assist.alert a LEFT JOIN assist.history_statement s ON s.id OPERATOR(pg_catalog.=) a.statement
  WHERE a.status OPERATOR(pg_catalog.<>) 'pending'
    AND (pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
         OR s.role_name OPERATOR(pg_catalog.=) CURRENT_USER
            AND s.userid OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) CURRENT_USER)
         OR EXISTS (SELECT 1 FROM pg_catalog.pg_class c
                      JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                    WHERE c.oid OPERATOR(pg_catalog.=) a.relation
                      AND pg_catalog.format('%I.%I', n.nspname, c.relname) OPERATOR(pg_catalog.=) a.relation_name
                      AND pg_catalog.pg_has_role(c.relowner, 'USAGE')))
  ORDER BY a.status OPERATOR(pg_catalog.=) 'resolved', a.severity, a.since, a.id;
COMMENT ON VIEW assist.alerts IS
  'one row per incident, the critical ones first, then by when it began; of one''s own statements and the relations one owns, or all for pg_read_all_stats';
COMMENT ON COLUMN assist.alerts.status IS 'open, acknowledged, muted, resolved';
COMMENT ON COLUMN assist.alerts.severity IS 'critical, warning';
COMMENT ON COLUMN assist.alerts.source IS 'threshold, anomaly, regression, capacity';
COMMENT ON COLUMN assist.alerts.metric IS 'of assist.thresholds; regression; or the resource of assist.capacity';
COMMENT ON COLUMN assist.alerts.object IS 'query id, qualified table, database, or object of assist.capacity';
COMMENT ON COLUMN assist.alerts.value IS 'as it was measured last, in unit';
COMMENT ON COLUMN assist.alerts.threshold IS 'in unit, the one that severity stands for';
COMMENT ON COLUMN assist.alerts.since IS 'when it was first seen beyond the threshold; of a regression its onset';
COMMENT ON COLUMN assist.alerts.last_seen IS 'when it was last measured';
COMMENT ON COLUMN assist.alerts.evidence IS 'the numbers it rests on; each key ends with its unit';
COMMENT ON COLUMN assist.alerts.sql IS 'what helps, ready to run; NULL where none is known';
COMMENT ON COLUMN assist.alerts.times_opened IS 'how often it has come back: within a day it is the same incident';

CREATE FUNCTION assist.acknowledge(alert_id pg_catalog.int8, comment pg_catalog.text DEFAULT NULL)
RETURNS assist.alerts LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_acknowledge';
COMMENT ON FUNCTION assist.acknowledge(pg_catalog.int8, pg_catalog.text) IS
'Says that somebody takes care of an alert, and returns it. It opens again when it becomes critical, and is resolved by itself. For the owner of its relation or of the database, and the role whose statement it is.';

CREATE FUNCTION assist.mute(alert_id pg_catalog.int8, until pg_catalog.timestamptz)
RETURNS assist.alerts LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_mute';
COMMENT ON FUNCTION assist.mute(pg_catalog.int8, pg_catalog.timestamptz) IS
'Keeps an alert, should it be resolved and come back too, out of notifications, log and health until a moment; NULL = no longer. Returns it. For whom assist.acknowledge() is.';

-- Whoever is granted SELECT on all tables of the schema reads the views, which show what is theirs, and nothing past them.
ALTER TABLE assist.threshold ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.threshold_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.alert_judged ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.core_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.alert ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON FUNCTION assist._metrics(),
  assist.set_threshold(pg_catalog.text, pg_catalog.text, pg_catalog.float8, pg_catalog.float8),
  assist.reset_threshold(pg_catalog.text, pg_catalog.text), assist.set_core_table(pg_catalog.regclass, pg_catalog.bool),
  assist.acknowledge(pg_catalog.int8, pg_catalog.text), assist.mute(pg_catalog.int8, pg_catalog.timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist._metrics() TO pg_read_all_stats;
GRANT SELECT ON assist.thresholds, assist.core_tables, assist.alerts TO pg_read_all_stats;

SELECT pg_catalog.pg_extension_config_dump('assist.threshold', '');
SELECT pg_catalog.pg_extension_config_dump('assist.core_table', 'WHERE pinned IS NOT NULL');
SELECT pg_catalog.pg_extension_config_dump('assist.alert', '');
SELECT pg_catalog.pg_extension_config_dump('assist.alert_id_seq', '');
