-- Regressions: statements whose time per call is no longer what it was, with the probable causes.

CREATE TABLE assist.regression (
  id pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  incident pg_catalog.int8,
  statement pg_catalog.int4 NOT NULL,
  direction pg_catalog.text NOT NULL CHECK (direction OPERATOR(pg_catalog.=) ANY (ARRAY['slower', 'faster']::pg_catalog.text[])),
  severity pg_catalog.text NOT NULL CHECK (severity OPERATOR(pg_catalog.=) ANY (ARRAY['warning', 'info']::pg_catalog.text[])),
  detector pg_catalog.text NOT NULL CHECK (detector OPERATOR(pg_catalog.=) ANY (ARRAY['event', 'season']::pg_catalog.text[])),
  onset pg_catalog.timestamptz NOT NULL,
  found_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  until pg_catalog.timestamptz,
  before_ms pg_catalog.float8 NOT NULL,
  after_ms pg_catalog.float8 NOT NULL,
  ratio pg_catalog.float8 NOT NULL,
  ratio_low pg_catalog.float8 NOT NULL,
  ratio_high pg_catalog.float8 NOT NULL,
  impact pg_catalog.float8 NOT NULL,
  calls_per_hour pg_catalog.float8 NOT NULL,
  causes pg_catalog.jsonb NOT NULL DEFAULT '[]',
  common_cause pg_catalog.text NOT NULL DEFAULT '',
  updated_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE INDEX ON assist.regression (statement, onset);
ALTER TABLE assist.regression ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE assist.regression IS 'departures of statements from what is normal; read assist.regressions';

CREATE TABLE assist.regression_judged (
  one pg_catalog.bool PRIMARY KEY DEFAULT true CHECK (one),
  hour pg_catalog.timestamptz NOT NULL
);
ALTER TABLE assist.regression_judged ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE assist.regression_judged IS 'the hour at which statements were last compared with their season';

CREATE TABLE assist.history_imported (
  metric pg_catalog.text NOT NULL,
  object pg_catalog.text NOT NULL,
  at pg_catalog.timestamptz NOT NULL,
  value pg_catalog.float8 NOT NULL,
  PRIMARY KEY (metric, object, at)
);
ALTER TABLE assist.history_imported ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE assist.history_imported IS 'series from outside: see assist.import_history()';

CREATE FUNCTION assist.import_history(csv pg_catalog.text) RETURNS pg_catalog.int8 LANGUAGE C STRICT VOLATILE
AS 'MODULE_PATHNAME', 'assist_import_history';
COMMENT ON FUNCTION assist.import_history(pg_catalog.text) IS
'loads series from outside, CSV with the columns metric, object, time, value; returns the rows written, one that is there already anew. Of metric mean_exec_time (ms) with a query id as object the hours count as history of that statement where none was recorded, with its share of the database''s time (0 to 1) as metric share';
REVOKE ALL ON FUNCTION assist.import_history(pg_catalog.text) FROM PUBLIC;

CREATE VIEW assist.regressions WITH (security_barrier) AS
  SELECT r.id,
         COALESCE(r.incident, r.id) AS incident,
         CASE WHEN r.until IS NULL THEN 'open' ELSE 'over' END AS status,
         r.severity, r.direction, r.detector, r.onset, r.found_at, r.until,
         pg_catalog.round(r.before_ms::pg_catalog.numeric, 3)::pg_catalog.float8 AS before_ms,
         pg_catalog.round(r.after_ms::pg_catalog.numeric, 3)::pg_catalog.float8 AS after_ms,
         pg_catalog.round(r.ratio::pg_catalog.numeric, 2)::pg_catalog.float8 AS ratio,
         pg_catalog.round(r.ratio_low::pg_catalog.numeric, 2)::pg_catalog.float8 AS ratio_low,
         pg_catalog.round(r.ratio_high::pg_catalog.numeric, 2)::pg_catalog.float8 AS ratio_high,
         pg_catalog.round((100 OPERATOR(pg_catalog.*) r.impact)::pg_catalog.numeric, 1)::pg_catalog.float8 AS impact_pct,
         r.calls_per_hour,
         r.causes #>> '{0,cause}' AS cause, r.causes #>> '{0,evidence}' AS evidence,
         r.causes #>> '{0,mitigation}' AS mitigation, r.causes #>> '{0,sql}' AS sql, r.causes,
         s.userid, s.role_name, s.queryid, s.toplevel, s.query, s.relation_names
  FROM assist.regression r JOIN assist.history_statement s ON s.id OPERATOR(pg_catalog.=) r.statement
  WHERE pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
     OR s.role_name OPERATOR(pg_catalog.=) CURRENT_USER
        AND s.userid OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) CURRENT_USER)
  ORDER BY (r.until IS NULL) DESC, r.onset DESC, pg_catalog.abs(r.impact) DESC;
COMMENT ON VIEW assist.regressions IS
'statements whose time per call is no longer what was normal, slower or faster, since when and probably why; what began together for one cause is one incident';
COMMENT ON COLUMN assist.regressions.incident IS 'the first of those that began within half an hour of each other, with the same thing as probable cause';
COMMENT ON COLUMN assist.regressions.detector IS 'event: compared with the day before something that may be the cause; season: with the same hours of the weeks before';
COMMENT ON COLUMN assist.regressions.ratio IS 'after_ms / before_ms, ratio_low and ratio_high its 95 % interval';
COMMENT ON COLUMN assist.regressions.impact_pct IS 'share of the database time after the onset that the change makes up; negative = it saves';
COMMENT ON COLUMN assist.regressions.cause IS 'the most probable cause; all of them with score, evidence, mitigation and SQL are in causes';

GRANT SELECT ON assist.regressions TO pg_read_all_stats;
SELECT pg_catalog.pg_extension_config_dump('assist.regression', '');
SELECT pg_catalog.pg_extension_config_dump('assist.regression_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_imported', '');
