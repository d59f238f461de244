-- pg_assist: schema and helper roles. Pieces sql/NN_topic.sql are joined in order.
\echo Use "CREATE EXTENSION pg_assist" to load this file. \quit

-- Made here, not by the control file: so it is a member, goes with DROP EXTENSION, and a schema that somebody
-- else made before is refused instead of trusted.
CREATE SCHEMA assist;
COMMENT ON SCHEMA assist IS 'pg_assist: what the server observed, what it recommends, and the migrations that follow';
-- The state of the extension itself.

CREATE FUNCTION assist._status(
  OUT component text, OUT state text, OUT detail text, OUT memory_used bigint, OUT memory_limit bigint,
  OUT evictions bigint, OUT lost_calls bigint, OUT last_run timestamp with time zone, OUT last_error text)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_status';
COMMENT ON FUNCTION assist._status() IS 'internal: rows of assist.status';

CREATE VIEW assist.status AS SELECT * FROM assist._status();
COMMENT ON VIEW assist.status IS
  'one row per part of pg_assist: state, memory in bytes, what was evicted or lost, last run and error';
COMMENT ON COLUMN assist.status.lost_calls IS
  'executions not in assist.statements: of evicted statements, or not recorded because nothing was free';

REVOKE ALL ON FUNCTION assist._status() FROM PUBLIC;
GRANT USAGE ON SCHEMA assist TO pg_read_all_stats;
GRANT EXECUTE ON FUNCTION assist._status() TO pg_read_all_stats;
GRANT SELECT ON assist.status TO pg_read_all_stats;
-- Observation: what was seen by the hooks. Each view reads one internal function; a role without
-- pg_read_all_stats sees its own statements.

CREATE FUNCTION assist._statements(
  OUT userid oid, OUT dbid oid, OUT queryid bigint, OUT toplevel boolean,
  OUT query text, OUT query_cut boolean, OUT command text, OUT relation_oids oid[], OUT relation_names text[],
  OUT calls bigint, OUT plans bigint, OUT errors bigint,
  OUT total_plan_time double precision, OUT total_exec_time double precision,
  OUT min_exec_time double precision, OUT max_exec_time double precision,
  OUT mean_exec_time double precision, OUT stddev_exec_time double precision,
  OUT p50_exec_time double precision, OUT p95_exec_time double precision, OUT p99_exec_time double precision,
  OUT rows bigint, OUT shared_blks_hit bigint, OUT shared_blks_read bigint, OUT shared_blks_dirtied bigint,
  OUT temp_blks_read bigint, OUT temp_blks_written bigint, OUT wal_bytes bigint, OUT jit_time double precision,
  OUT plan_count integer, OUT sampled_calls bigint,
  OUT first_seen timestamp with time zone, OUT last_seen timestamp with time zone)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_statements';
COMMENT ON FUNCTION assist._statements() IS 'internal: rows of assist.statements';

CREATE VIEW assist.statements AS
  SELECT s.userid, s.dbid, s.queryid, s.toplevel,
         s.query, s.query_cut, s.command,
         CASE WHEN s.dbid OPERATOR(pg_catalog.=) d.oid
              THEN s.relation_oids::pg_catalog.regclass[] END AS relations,
         s.relation_names,
         s.calls, s.plans, s.errors, s.total_plan_time, s.total_exec_time, s.min_exec_time, s.max_exec_time,
         s.mean_exec_time, s.stddev_exec_time, s.p50_exec_time, s.p95_exec_time, s.p99_exec_time,
         s.rows, s.shared_blks_hit, s.shared_blks_read, s.shared_blks_dirtied,
         s.temp_blks_read, s.temp_blks_written, s.wal_bytes, s.jit_time,
         s.plan_count, s.sampled_calls, s.first_seen, s.last_seen
  FROM assist._statements() s,
       (SELECT oid FROM pg_catalog.pg_database
        WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()) d;
COMMENT ON VIEW assist.statements IS
  'one row per statement (user, database, query id, top level): calls, times in ms, blocks, bytes since first_seen';
COMMENT ON COLUMN assist.statements.query IS 'text with constants as $n; NULL when it was not kept';
COMMENT ON COLUMN assist.statements.query_cut IS 'the text was longer than assist.max_text_length';
COMMENT ON COLUMN assist.statements.relations IS 'relations of its plans, in the current database only';
COMMENT ON COLUMN assist.statements.calls IS 'executions that ended without error';
COMMENT ON COLUMN assist.statements.errors IS 'executions that failed or were cancelled; see assist.errors';
COMMENT ON COLUMN assist.statements.sampled_calls IS 'executions measured with actual row counts';
COMMENT ON COLUMN assist.statements.p95_exec_time IS 'ms; within 10 % of the exact quantile';

CREATE FUNCTION assist._plans(
  OUT userid oid, OUT dbid oid, OUT queryid bigint, OUT toplevel boolean, OUT planid bigint,
  OUT calls bigint, OUT total_exec_time double precision, OUT mean_exec_time double precision,
  OUT p95_exec_time double precision, OUT estimated_cost double precision,
  OUT rows_misestimate double precision, OUT misestimate_direction text, OUT plan jsonb,
  OUT sampled_calls bigint, OUT first_seen timestamp with time zone, OUT last_seen timestamp with time zone)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_plans';
COMMENT ON FUNCTION assist._plans() IS 'internal: rows of assist.plans';

CREATE VIEW assist.plans AS SELECT * FROM assist._plans();
COMMENT ON VIEW assist.plans IS
  'one row per statement and plan shape: calls, times in ms, the plan as EXPLAIN (FORMAT JSON) shows it, without literals';
COMMENT ON COLUMN assist.plans.rows_misestimate IS
  'worst node of the sampled executions: the larger of actual/estimated and estimated/actual rows, >= 1';
COMMENT ON COLUMN assist.plans.misestimate_direction IS
  'under: more rows came than were estimated; over: fewer';

CREATE FUNCTION assist._predicates(
  OUT userid oid, OUT dbid oid, OUT queryid bigint, OUT toplevel boolean, OUT planid bigint,
  OUT relid oid, OUT relation_name text, OUT columns name[], OUT expressions text[], OUT operators text[],
  OUT compared_with text[], OUT usage text, OUT executions bigint, OUT rows_in double precision,
  OUT rows_out double precision, OUT selectivity double precision, OUT estimated_selectivity double precision,
  OUT limited boolean)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_predicates';
COMMENT ON FUNCTION assist._predicates() IS 'internal: rows of assist.predicates';

CREATE VIEW assist.predicates AS
  SELECT p.userid, p.dbid, p.queryid, p.toplevel, p.planid,
         c.oid::pg_catalog.regclass AS relation,
         CASE WHEN c.oid IS NULL THEN p.relation_name
              ELSE pg_catalog.format('%I.%I', n.nspname, c.relname) END AS relation_name,
         p.columns, p.expressions, p.operators, p.compared_with, p.usage, p.executions,
         p.rows_in, p.rows_out, p.selectivity, p.estimated_selectivity, p.limited
  FROM assist._predicates() p
       CROSS JOIN (SELECT oid FROM pg_catalog.pg_database
                   WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()) d
       LEFT JOIN pg_catalog.pg_class c
         ON c.oid OPERATOR(pg_catalog.=) p.relid AND p.dbid OPERATOR(pg_catalog.=) d.oid
       LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace;
COMMENT ON VIEW assist.predicates IS
  'one row per statement, plan, relation and use: what scans, joins, sorts and groupings compared, from sampled executions';
COMMENT ON COLUMN assist.predicates.columns IS 'column of each item; empty for an expression';
COMMENT ON COLUMN assist.predicates.expressions IS 'text of each item; constants in it show as ? to all but superusers';
COMMENT ON COLUMN assist.predicates.operators IS
  'operator of each item; OR marks an arm of an OR, infix a LIKE pattern that starts with a wildcard';
COMMENT ON COLUMN assist.predicates.executions IS 'executions, extrapolated from the sampled ones by their weights';
COMMENT ON COLUMN assist.predicates.rows_in IS 'rows compared per execution, over all loops';
COMMENT ON COLUMN assist.predicates.limited IS 'stopped early at least once (LIMIT, EXISTS): row counts are partial';

CREATE FUNCTION assist._spills(
  OUT userid oid, OUT dbid oid, OUT queryid bigint, OUT toplevel boolean, OUT planid bigint,
  OUT node text, OUT executions double precision, OUT temp_bytes double precision,
  OUT needed_bytes double precision)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_spills';
COMMENT ON FUNCTION assist._spills() IS
  'internal: sorts and hashes that went to disk; bytes per execution, needed_bytes the most work_mem that one would have taken';

CREATE FUNCTION assist._samples(
  OUT userid oid, OUT dbid oid, OUT queryid bigint, OUT toplevel boolean, OUT planid bigint,
  OUT captured_at timestamp with time zone, OUT exec_time double precision, OUT rows bigint,
  OUT parameters text[], OUT application_name text, OUT plan jsonb)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_samples';
COMMENT ON FUNCTION assist._samples() IS 'internal: rows of assist.samples';

CREATE VIEW assist.samples AS SELECT * FROM assist._samples();
COMMENT ON VIEW assist.samples IS
  'sampled executions, the last few of each plan: time in ms, rows, the plan with actual rows';
COMMENT ON COLUMN assist.samples.parameters IS
  'values of $1 ... as SQL text; NULL unless assist.sample_parameters is on';

CREATE FUNCTION assist._errors(
  OUT userid oid, OUT dbid oid, OUT queryid bigint, OUT toplevel boolean,
  OUT sqlstate text, OUT errors bigint, OUT last_message text, OUT last_seen timestamp with time zone)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_errors';
COMMENT ON FUNCTION assist._errors() IS 'internal: rows of assist.errors';

CREATE VIEW assist.errors AS SELECT * FROM assist._errors();
COMMENT ON VIEW assist.errors IS
  'one row per statement and SQLSTATE: how often it failed, was cancelled or timed out';
COMMENT ON COLUMN assist.errors.last_message IS
  'message format without its values, where the server logged the error; else NULL';

CREATE FUNCTION assist._index_use(
  OUT dbid oid, OUT indexid oid, OUT executor_scans bigint, OUT tuples bigint,
  OUT last_use timestamp with time zone, OUT constraint_checks bigint)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_index_use';
COMMENT ON FUNCTION assist._index_use() IS 'internal: rows of assist.index_use, of all databases';

CREATE VIEW assist.index_use AS
  SELECT i.indexrelid::pg_catalog.regclass AS index,
         pg_catalog.format('%I.%I', n.nspname, c.relname) AS index_name,
         i.indrelid::pg_catalog.regclass AS relation,
         COALESCE(u.executor_scans, 0) AS executor_scans,
         COALESCE(u.tuples, 0) AS tuples,
         u.last_use,
         COALESCE(u.constraint_checks, 0) AS constraint_checks
  FROM pg_catalog.pg_index i
       JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid
       JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
       LEFT JOIN assist._index_use() u
         ON u.indexid OPERATOR(pg_catalog.=) i.indexrelid
            AND u.dbid OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_database
                WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database());
COMMENT ON VIEW assist.index_use IS
  'one row per index of this database: executions whose plan scanned it, without the planner''s own probes';
COMMENT ON COLUMN assist.index_use.executor_scans IS
  'statement executions that scanned the index; repeated scans inside one execution count once';
COMMENT ON COLUMN assist.index_use.tuples IS 'index entries returned, extrapolated from sampled executions';
COMMENT ON COLUMN assist.index_use.constraint_checks IS 'executions by foreign-key triggers, not in executor_scans';

CREATE FUNCTION assist.reset(userid oid DEFAULT NULL, dbid oid DEFAULT NULL, queryid bigint DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_reset';
COMMENT ON FUNCTION assist.reset(oid, oid, bigint) IS
  'forgets what was observed of a user, database or query; NULL = any';
REVOKE ALL ON FUNCTION assist.reset(oid, oid, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION assist._statements(), assist._plans(), assist._errors(), assist._index_use(),
  assist._predicates(), assist._spills(), assist._samples() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist._statements(), assist._plans(), assist._errors(), assist._index_use(),
  assist._predicates(), assist._spills(), assist._samples() TO pg_read_all_stats;
GRANT SELECT ON assist.statements, assist.plans, assist.errors, assist.index_use, assist.predicates,
  assist.samples TO pg_read_all_stats;
-- Rules: what the library looks for, switched and tuned by assist.set_rule().

CREATE TABLE assist.rule_setting (
  rule pg_catalog.text PRIMARY KEY,
  enabled pg_catalog.bool,
  settings pg_catalog.jsonb NOT NULL DEFAULT '{}',
  changed_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  changed_by pg_catalog.text NOT NULL
);
COMMENT ON TABLE assist.rule_setting IS
  'what assist.set_rule() changed: one row per rule that differs from its defaults';
COMMENT ON COLUMN assist.rule_setting.enabled IS 'NULL = default: on';
COMMENT ON COLUMN assist.rule_setting.settings IS 'parameter to number, in the parameter''s unit';

CREATE TABLE assist.rule_state (
  rule pg_catalog.text PRIMARY KEY,
  state pg_catalog.text NOT NULL,
  evaluated_at pg_catalog.timestamptz NOT NULL,
  findings pg_catalog.int4 NOT NULL
);
COMMENT ON TABLE assist.rule_state IS 'what the last analysis did with each rule';

CREATE FUNCTION assist._rules(
  OUT rule pg_catalog.text, OUT category pg_catalog.text, OUT severity pg_catalog.text,
  OUT title pg_catalog.text, OUT source pg_catalog.text, OUT defaults pg_catalog.jsonb,
  OUT parameters pg_catalog.jsonb)
RETURNS SETOF pg_catalog.record LANGUAGE C STRICT STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'assist_rules';
COMMENT ON FUNCTION assist._rules() IS 'internal: the rules of the library';

CREATE VIEW assist.rules AS
  SELECT r.rule, r.category, r.severity, r.title,
         COALESCE(s.enabled, true) AS enabled,
         r.defaults OPERATOR(pg_catalog.||) COALESCE(s.settings, '{}') AS settings,
         r.parameters, r.source,
         CASE WHEN NOT COALESCE(s.enabled, true) THEN 'off'
              ELSE COALESCE(t.state, 'not evaluated yet') END AS state,
         t.evaluated_at, s.changed_at, s.changed_by
  FROM assist._rules() r
       LEFT JOIN assist.rule_setting s ON s.rule OPERATOR(pg_catalog.=) r.rule
       LEFT JOIN assist.rule_state t ON t.rule OPERATOR(pg_catalog.=) r.rule
  ORDER BY r.category, r.rule;
COMMENT ON VIEW assist.rules IS
  'one row per rule: what it looks for, whether it is on, its parameters and what the last analysis did with it';
COMMENT ON COLUMN assist.rules.severity IS 'the usual one; a recommendation''s may differ';
COMMENT ON COLUMN assist.rules.settings IS 'parameter to number in force, in the parameter''s unit';
COMMENT ON COLUMN assist.rules.parameters IS
  'array of name, unit, default, min, max, meaning; change them with assist.set_rule()';
COMMENT ON COLUMN assist.rules.source IS 'where thresholds and formulas come from';
COMMENT ON COLUMN assist.rules.state IS
  'evaluated, off, or why the last analysis skipped the rule or stayed silent';

CREATE FUNCTION assist.set_rule(rule pg_catalog.text, enabled pg_catalog.bool DEFAULT NULL,
                                settings pg_catalog.jsonb DEFAULT NULL)
RETURNS assist.rules LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_set_rule';
COMMENT ON FUNCTION assist.set_rule(pg_catalog.text, pg_catalog.bool, pg_catalog.jsonb) IS
'Switches a rule on or off and sets its parameters: {"min_age": 7} in the units of assist.rules, null = back to the default; NULL arguments and parameters not named stay as they are. Returns the rule. The next analysis goes by it.';

REVOKE ALL ON FUNCTION assist._rules(),
  assist.set_rule(pg_catalog.text, pg_catalog.bool, pg_catalog.jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist._rules() TO pg_read_all_stats;
GRANT SELECT ON assist.rules TO pg_read_all_stats;
SELECT pg_catalog.pg_extension_config_dump('assist.rule_setting', '');
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
-- Migrations: the safe steps of a recommendation and the way back.

CREATE FUNCTION assist.generate_migration(recommendation_id pg_catalog.int8,
  OUT step pg_catalog.int4, OUT direction pg_catalog.text, OUT sql pg_catalog.text,
  OUT transactional pg_catalog.bool, OUT lock_level pg_catalog.text, OUT blocks pg_catalog.text,
  OUT estimated_rows pg_catalog.int8, OUT estimated_duration pg_catalog."interval",
  OUT destructive pg_catalog.bool, OUT note pg_catalog.text, OUT verify pg_catalog.text)
RETURNS SETOF pg_catalog.record LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_generate_migration';
COMMENT ON FUNCTION assist.generate_migration(pg_catalog.int8) IS
'The numbered steps of a recommendation, up and then down: statement, whether it may run in a transaction, lock taken, what that blocks (nothing, writes, reads and writes), rows and duration estimated, whether it loses what the down steps cannot rebuild, and a query that shows it worked. Runs nothing.';

CREATE FUNCTION assist.generate_migration(recommendation_ids pg_catalog.int8[],
  OUT step pg_catalog.int4, OUT direction pg_catalog.text, OUT sql pg_catalog.text,
  OUT transactional pg_catalog.bool, OUT lock_level pg_catalog.text, OUT blocks pg_catalog.text,
  OUT estimated_rows pg_catalog.int8, OUT estimated_duration pg_catalog."interval",
  OUT destructive pg_catalog.bool, OUT note pg_catalog.text, OUT verify pg_catalog.text)
RETURNS SETOF pg_catalog.record LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_generate_migrations';
COMMENT ON FUNCTION assist.generate_migration(pg_catalog.int8[]) IS
'One migration of several recommendations: up steps in the given order, down steps in the opposite one.';

CREATE FUNCTION assist.migration_script(recommendation_id pg_catalog.int8)
RETURNS pg_catalog.text LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_migration_script';
COMMENT ON FUNCTION assist.migration_script(pg_catalog.int8) IS
'The migration of a recommendation as one commented psql script: up part, and the down part commented out.';

REVOKE ALL ON FUNCTION assist.generate_migration(pg_catalog.int8),
  assist.generate_migration(pg_catalog.int8[]), assist.migration_script(pg_catalog.int8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist.generate_migration(pg_catalog.int8),
  assist.generate_migration(pg_catalog.int8[]), assist.migration_script(pg_catalog.int8)
  TO pg_read_all_stats;
-- What-if planning.

CREATE FUNCTION assist.what_if(queries pg_catalog.text[], create_indexes pg_catalog.text[] DEFAULT '{}',
                               drop_indexes pg_catalog.regclass[] DEFAULT '{}')
RETURNS TABLE (query pg_catalog.text, cost_before pg_catalog.float8, cost_after pg_catalog.float8,
               plan_before pg_catalog.jsonb, plan_after pg_catalog.jsonb, used pg_catalog.text[])
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_what_if';

COMMENT ON FUNCTION assist.what_if(pg_catalog.text[], pg_catalog.text[], pg_catalog.regclass[]) IS
'Plans each statement as it is and with create_indexes (CREATE INDEX statements) in place and drop_indexes out of sight; executes and changes nothing. One row per statement, in order: cost_before and cost_after in planner units (total), plan_before and plan_after as EXPLAIN (FORMAT JSON) shows them, used = names of the indexes of create_indexes that plan_after scans. Parameters ($1) are planned as in a generic plan. Needs the rights that running the statements needs, and SELECT on the indexed tables.';

REVOKE ALL ON FUNCTION assist.what_if(pg_catalog.text[], pg_catalog.text[], pg_catalog.regclass[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist.what_if(pg_catalog.text[], pg_catalog.text[], pg_catalog.regclass[]) TO pg_read_all_stats;

CREATE FUNCTION assist._index_size(create_index pg_catalog.text) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_index_size';
REVOKE ALL ON FUNCTION assist._index_size(pg_catalog.text) FROM PUBLIC;
COMMENT ON FUNCTION assist._index_size(pg_catalog.text) IS 'Bytes that the index of a CREATE INDEX statement would have, from statistics; of a partitioned table''s, the sum over its partitions.';
