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
  'values of $1 ... as SQL text, masked as assist.mask_literals says; NULL unless assist.sample_parameters is on';

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
COMMENT ON FUNCTION assist._index_use() IS 'internal: rows of assist.index_use, of all databases, and the same of tables that are scanned sequentially';

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
