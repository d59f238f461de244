-- Recommendations: what the analysis found, its review, and the record of every action.
--
-- The tables are written by the library only, by fixed statements under their owner's rights. Others read
-- the views, which show a role what concerns the relations it owns, and members of pg_read_all_stats all.

CREATE TABLE assist.recommendation (
  id pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  fingerprint pg_catalog.text NOT NULL UNIQUE,
  category pg_catalog.text NOT NULL,
  rule pg_catalog.text NOT NULL,
  severity pg_catalog.text NOT NULL,
  object pg_catalog.text NOT NULL,
  title pg_catalog.text NOT NULL,
  rationale pg_catalog.text NOT NULL,
  benefit_ms_per_day pg_catalog.float8 NOT NULL,
  benefit_pct pg_catalog.float8,
  storage_delta_bytes pg_catalog.int8 NOT NULL,
  confidence pg_catalog.float8 NOT NULL,
  risk pg_catalog.text NOT NULL,
  sql pg_catalog.text,
  queryids pg_catalog.int8[] NOT NULL DEFAULT '{}',
  evidence pg_catalog.jsonb NOT NULL DEFAULT '{}',
  status pg_catalog.text NOT NULL DEFAULT 'open' CHECK (status OPERATOR(pg_catalog.=) ANY (ARRAY[
    'open', 'approved', 'scheduled', 'running', 'implemented', 'verified', 'reverted', 'failed',
    'dismissed', 'postponed', 'obsolete']::pg_catalog.text[])),
  status_reason pg_catalog.text,
  postponed_until pg_catalog.timestamptz,
  -- The last analysis did not find it any more. Distinguishes a cause that came back from one that stayed.
  gone pg_catalog.bool NOT NULL DEFAULT false,
  created_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  updated_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  -- The table it is about, for rights: oid and qualified name, which must agree (oids change by dump and
  -- restore).
  relation pg_catalog.oid,
  relation_name pg_catalog.text,
  -- The action that a migration is generated from.
  action_kind pg_catalog.text NOT NULL,
  action_scope pg_catalog.text,
  action_relation pg_catalog.oid,
  action_object pg_catalog.text,
  action_statement pg_catalog.text,
  action_parameter pg_catalog.text,
  action_value pg_catalog.text,
  action_role pg_catalog.text,
  action_definition pg_catalog.text
) WITH (fillfactor = 70);
CREATE INDEX ON assist.recommendation (rule);
COMMENT ON TABLE assist.recommendation IS 'every recommendation ever made; read assist.all_recommendations';

CREATE TABLE assist.action_log (
  id pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  role pg_catalog.text,
  session_role pg_catalog.text,
  action pg_catalog.text NOT NULL,
  recommendation_id pg_catalog.int8,
  object pg_catalog.text,
  sql pg_catalog.text,
  outcome pg_catalog.text NOT NULL,
  detail pg_catalog.text
);
CREATE INDEX ON assist.action_log (recommendation_id);
COMMENT ON TABLE assist.action_log IS 'every action ever taken; read assist.history';

-- First seen moments: fresh indexes and tables are not judged.
CREATE TABLE assist.object_seen (
  oid pg_catalog.oid PRIMARY KEY,
  first_seen pg_catalog.timestamptz NOT NULL,
  row_versions pg_catalog.int8 NOT NULL
);
COMMENT ON TABLE assist.object_seen IS
  'when an analysis first saw a table or an index, and its row versions then (inserted, updated outside of HOT)';

-- The server's cumulative counters at earlier analyses, so that deltas are known.
CREATE TABLE assist.server_counter (
  at pg_catalog.timestamptz PRIMARY KEY,
  wal_bytes pg_catalog.int8 NOT NULL,
  checkpoints_timed pg_catalog.int8 NOT NULL,
  checkpoints_requested pg_catalog.int8 NOT NULL,
  active_backends pg_catalog.int4 NOT NULL
);
COMMENT ON TABLE assist.server_counter IS
  'cumulative WAL (bytes) and checkpoint counters since their last reset, and active sessions, of the last days';

-- What pgstattuple measured: it holds for a day, as long as the relation is much as it was.
CREATE TABLE assist.bloat_measure (
  oid pg_catalog.oid PRIMARY KEY,
  measured_at pg_catalog.timestamptz NOT NULL,
  size_bytes pg_catalog.int8 NOT NULL,
  changes pg_catalog.int8 NOT NULL,
  reclaimable_bytes pg_catalog.int8 NOT NULL,
  reclaimable_fraction pg_catalog.float8 NOT NULL,
  expected_bytes pg_catalog.int8 NOT NULL
);
COMMENT ON TABLE assist.bloat_measure IS
  'bloat of tables and indexes as pgstattuple measured it (bytes), with the rows changed until then';

CREATE VIEW assist.all_recommendations WITH (security_barrier) AS
  SELECT r.id, r.category, r.rule, r.severity, r.object, r.title, r.rationale, r.benefit_ms_per_day,
         r.benefit_pct, r.storage_delta_bytes, r.confidence, r.risk, r.sql, r.queryids, r.evidence,
         r.status, r.status_reason, r.postponed_until, r.created_at, r.updated_at
  FROM assist.recommendation r
  WHERE pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
     OR EXISTS (SELECT 1 FROM pg_catalog.pg_class c
                  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                WHERE c.oid OPERATOR(pg_catalog.=) r.relation
                  AND pg_catalog.format('%I.%I', n.nspname, c.relname) OPERATOR(pg_catalog.=) r.relation_name
                  AND pg_catalog.pg_has_role(c.relowner, 'USAGE'))
  ORDER BY r.benefit_ms_per_day DESC,
           pg_catalog.array_position(ARRAY['critical', 'high', 'medium', 'low', 'info'], r.severity),
           r.storage_delta_bytes, r.id;
COMMENT ON VIEW assist.all_recommendations IS
  'one row per recommendation, whatever its status, by benefit; of the relations one owns, or all for pg_read_all_stats';
COMMENT ON COLUMN assist.all_recommendations.object IS 'qualified name, setting or query id';
COMMENT ON COLUMN assist.all_recommendations.benefit_ms_per_day IS 'ms of statement time saved a day, predicted';
COMMENT ON COLUMN assist.all_recommendations.benefit_pct IS
  'per cent of the observed time of top-level statements; NULL when that is not known';
COMMENT ON COLUMN assist.all_recommendations.storage_delta_bytes IS 'bytes; negative = freed';
COMMENT ON COLUMN assist.all_recommendations.confidence IS '0..1';
COMMENT ON COLUMN assist.all_recommendations.sql IS
  'ready to run; NULL where there is none. The safe steps: assist.generate_migration(id)';
COMMENT ON COLUMN assist.all_recommendations.evidence IS 'the numbers it rests on; each key ends with its unit';
COMMENT ON COLUMN assist.all_recommendations.status_reason IS 'why it was dismissed, or became obsolete';

CREATE VIEW assist.recommendations AS
  SELECT * FROM assist.all_recommendations WHERE status OPERATOR(pg_catalog.=) 'open';
COMMENT ON VIEW assist.recommendations IS 'the open recommendations, by benefit; see assist.all_recommendations';

CREATE FUNCTION assist._check_filter(category pg_catalog.text, status pg_catalog.text,
                                     min_severity pg_catalog.text)
RETURNS pg_catalog.int4 LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'assist_check_filter';
COMMENT ON FUNCTION assist._check_filter(pg_catalog.text, pg_catalog.text, pg_catalog.text) IS
  'internal: how many severities min_severity lets through, or an error for a value that does not exist';

CREATE FUNCTION assist.recommendations(category pg_catalog.text DEFAULT NULL,
                                       status pg_catalog.text DEFAULT 'open',
                                       min_severity pg_catalog.text DEFAULT NULL)
RETURNS SETOF assist.all_recommendations LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
  SELECT r.* FROM assist.all_recommendations r
  WHERE assist._check_filter(recommendations.category, recommendations.status, recommendations.min_severity)
          OPERATOR(pg_catalog.>) 0
    AND (recommendations.category IS NULL OR r.category OPERATOR(pg_catalog.=) recommendations.category)
    AND (recommendations.status IS NULL OR r.status OPERATOR(pg_catalog.=) recommendations.status)
    AND pg_catalog.array_position(ARRAY['critical', 'high', 'medium', 'low', 'info'], r.severity)
          OPERATOR(pg_catalog.<=) assist._check_filter(NULL, NULL, recommendations.min_severity);
END;
COMMENT ON FUNCTION assist.recommendations(pg_catalog.text, pg_catalog.text, pg_catalog.text) IS
'Recommendations by benefit. category: index, table, query, configuration, maintenance, schema; status: open, approved, scheduled, running, implemented, verified, reverted, failed, dismissed, postponed, obsolete; min_severity: info, low, medium, high, critical. NULL = any.';

CREATE VIEW assist.history WITH (security_barrier) AS
  SELECT l.id, l.at, l.role, l.session_role, l.action, l.recommendation_id, l.object, l.sql, l.outcome,
         l.detail
  FROM assist.action_log l
  WHERE pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
     OR l.recommendation_id OPERATOR(pg_catalog.=) ANY (SELECT id FROM assist.all_recommendations)
  ORDER BY l.id;
COMMENT ON VIEW assist.history IS
  'one row per action on a recommendation: when, by whom (role, session_role; NULL = the analysis), its SQL and outcome';

CREATE FUNCTION assist.refresh(categories pg_catalog.text[] DEFAULT NULL)
RETURNS pg_catalog.int4 LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_refresh';
COMMENT ON FUNCTION assist.refresh(pg_catalog.text[]) IS
'Evaluates the rules on this database now, on everything observed so far by any session, and returns the number of open recommendations. categories: index, table, query, configuration, maintenance, schema; NULL = all.';

CREATE FUNCTION assist.approve(id pg_catalog.int8)
RETURNS assist.all_recommendations LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_approve';
COMMENT ON FUNCTION assist.approve(pg_catalog.int8) IS
'Marks an open or postponed recommendation as approved and returns it. Needs ownership of the object or of the database.';

CREATE FUNCTION assist.dismiss(id pg_catalog.int8, reason pg_catalog.text DEFAULT NULL)
RETURNS assist.all_recommendations LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_dismiss';
COMMENT ON FUNCTION assist.dismiss(pg_catalog.int8, pg_catalog.text) IS
'Dismisses a recommendation for good, whatever later analyses find, and returns it; assist.reopen() takes it back.';

CREATE FUNCTION assist.postpone(id pg_catalog.int8, until pg_catalog.timestamptz)
RETURNS assist.all_recommendations LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_postpone';
COMMENT ON FUNCTION assist.postpone(pg_catalog.int8, pg_catalog.timestamptz) IS
'Puts a recommendation aside until a moment; the first analysis after it opens it again. Returns it.';

CREATE FUNCTION assist.reopen(id pg_catalog.int8)
RETURNS assist.all_recommendations LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_reopen';
COMMENT ON FUNCTION assist.reopen(pg_catalog.int8) IS
'Opens a dismissed, postponed, approved, implemented, reverted or failed recommendation again and returns it.';

CREATE FUNCTION assist.mark_implemented(id pg_catalog.int8)
RETURNS assist.all_recommendations LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_mark_implemented';
COMMENT ON FUNCTION assist.mark_implemented(pg_catalog.int8) IS
'Records that a recommendation was followed by hand and returns it. It opens again when its cause goes and comes back.';

-- Even with GRANT ... ON ALL TABLES they are read through views.
ALTER TABLE assist.recommendation ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.action_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.object_seen ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.server_counter ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.bloat_measure ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON FUNCTION
  assist._check_filter(pg_catalog.text, pg_catalog.text, pg_catalog.text),
  assist.recommendations(pg_catalog.text, pg_catalog.text, pg_catalog.text),
  assist.refresh(pg_catalog.text[]), assist.approve(pg_catalog.int8),
  assist.dismiss(pg_catalog.int8, pg_catalog.text),
  assist.postpone(pg_catalog.int8, pg_catalog.timestamptz), assist.reopen(pg_catalog.int8),
  assist.mark_implemented(pg_catalog.int8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  assist._check_filter(pg_catalog.text, pg_catalog.text, pg_catalog.text),
  assist.recommendations(pg_catalog.text, pg_catalog.text, pg_catalog.text),
  assist.refresh(pg_catalog.text[]) TO pg_read_all_stats;
GRANT SELECT ON assist.recommendations, assist.all_recommendations, assist.history TO pg_read_all_stats;

SELECT pg_catalog.pg_extension_config_dump('assist.recommendation', '');
SELECT pg_catalog.pg_extension_config_dump('assist.recommendation_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('assist.action_log', '');
SELECT pg_catalog.pg_extension_config_dump('assist.action_log_id_seq', '');
