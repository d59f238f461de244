-- History: what happened when. Written by the analysis, in blocks that the library reads.

CREATE TABLE assist.history_statement (
  id pg_catalog.int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queryid pg_catalog.int8 NOT NULL,
  userid pg_catalog.oid NOT NULL,
  toplevel pg_catalog.bool NOT NULL,
  role_name pg_catalog.name,
  query pg_catalog.text,
  command pg_catalog.text,
  relation_names pg_catalog.text[],
  first_seen pg_catalog.timestamptz NOT NULL,
  last_seen pg_catalog.timestamptz NOT NULL,
  -- The plan that ran four fifths of the calls of an interval, since when, and the one before it.
  main_plan pg_catalog.int4,
  main_plan_since pg_catalog.timestamptz,
  plan_before pg_catalog.int4,
  UNIQUE (queryid, userid, toplevel)
);
COMMENT ON TABLE assist.history_statement IS 'every statement that history tells of';

CREATE TABLE assist.history_relation (
  id pg_catalog.int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  dbid pg_catalog.oid NOT NULL,
  relid pg_catalog.oid NOT NULL,
  kind pg_catalog.int2 NOT NULL,
  schema_name pg_catalog.name NOT NULL,
  name pg_catalog.name NOT NULL,
  table_name pg_catalog.name,
  definition pg_catalog.text,
  first_seen pg_catalog.timestamptz NOT NULL,
  last_seen pg_catalog.timestamptz NOT NULL,
  UNIQUE (dbid, relid)
);
COMMENT ON TABLE assist.history_relation IS 'every table (kind 3) and index (4) that history tells of, by its last name; dbid tells those of a dump''s origin';
COMMENT ON COLUMN assist.history_relation.definition IS 'CREATE INDEX as it was last: what brings a dropped one back';

CREATE TABLE assist.history_wait (
  id pg_catalog.int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queryid pg_catalog.int8 NOT NULL,
  userid pg_catalog.oid NOT NULL,
  toplevel pg_catalog.bool NOT NULL,
  wait_event_type pg_catalog.text NOT NULL,
  wait_event pg_catalog.text NOT NULL,
  last_seen pg_catalog.timestamptz NOT NULL,
  UNIQUE (queryid, userid, toplevel, wait_event_type, wait_event)
);
COMMENT ON TABLE assist.history_wait IS 'every statement and wait event that history tells of; queryid 0: not known, or of several';

CREATE UNLOGGED TABLE assist.history_base (
  kind pg_catalog.int2 NOT NULL,
  oid pg_catalog.oid NOT NULL,
  counters pg_catalog.int8[] NOT NULL,
  PRIMARY KEY (kind, oid)
);
COMMENT ON TABLE assist.history_base IS 'cumulative counters as they were when history was recorded last; a crash empties it, as it does the server''s';

CREATE TABLE assist.history_plan (
  id pg_catalog.int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  statement pg_catalog.int4 NOT NULL,
  planid pg_catalog.int8 NOT NULL,
  plan pg_catalog.jsonb,
  first_seen pg_catalog.timestamptz NOT NULL,
  UNIQUE (statement, planid)
);
COMMENT ON TABLE assist.history_plan IS 'every plan that history tells of; statement is an id of assist.history_statement';

-- A ring of partitions for each tier: the oldest is emptied as a whole, so that nothing is deleted row by row and no
-- lock is waited for. All of them are made here: what would be made at run time were no part of the extension.
CREATE TABLE assist.history_block (
  ring pg_catalog.int2 NOT NULL,
  kind pg_catalog.int2 NOT NULL,
  start pg_catalog.timestamptz NOT NULL,
  until pg_catalog.timestamptz NOT NULL,
  observed pg_catalog.float8 NOT NULL,
  rows pg_catalog.int4 NOT NULL,
  data pg_catalog.bytea NOT NULL
) PARTITION BY LIST (ring);
COMMENT ON TABLE assist.history_block IS 'what the objects of a kind did from start to until, observed for so many seconds of it; read assist.statement_history and its like';
CREATE TABLE assist.history_block_0 PARTITION OF assist.history_block FOR VALUES IN (0);
CREATE TABLE assist.history_block_1 PARTITION OF assist.history_block FOR VALUES IN (1);
CREATE TABLE assist.history_block_2 PARTITION OF assist.history_block FOR VALUES IN (2);
CREATE TABLE assist.history_block_3 PARTITION OF assist.history_block FOR VALUES IN (3);
CREATE TABLE assist.history_block_4 PARTITION OF assist.history_block FOR VALUES IN (4);
CREATE TABLE assist.history_block_5 PARTITION OF assist.history_block FOR VALUES IN (5);
CREATE TABLE assist.history_block_6 PARTITION OF assist.history_block FOR VALUES IN (6);
CREATE TABLE assist.history_block_7 PARTITION OF assist.history_block FOR VALUES IN (7);
CREATE TABLE assist.history_block_8 PARTITION OF assist.history_block FOR VALUES IN (8);
CREATE TABLE assist.history_block_9 PARTITION OF assist.history_block FOR VALUES IN (9);
CREATE TABLE assist.history_block_10 PARTITION OF assist.history_block FOR VALUES IN (10);
CREATE TABLE assist.history_block_11 PARTITION OF assist.history_block FOR VALUES IN (11);
CREATE TABLE assist.history_block_12 PARTITION OF assist.history_block FOR VALUES IN (12);
CREATE TABLE assist.history_block_13 PARTITION OF assist.history_block FOR VALUES IN (13);
CREATE TABLE assist.history_block_14 PARTITION OF assist.history_block FOR VALUES IN (14);
CREATE TABLE assist.history_block_15 PARTITION OF assist.history_block FOR VALUES IN (15);

CREATE FUNCTION assist._history_rows(
  data pg_catalog.bytea, OUT key pg_catalog.int8, OUT counts pg_catalog.int8[], OUT p50_us pg_catalog.float8,
  OUT p95_us pg_catalog.float8, OUT p99_us pg_catalog.float8, OUT max_us pg_catalog.float8)
RETURNS SETOF record LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 500
AS 'MODULE_PATHNAME', 'assist_history_rows';
COMMENT ON FUNCTION assist._history_rows(pg_catalog.bytea) IS 'internal: the rows of a block; counts in the order of its kind''s columns';

CREATE FUNCTION assist._history_merge(blocks pg_catalog.bytea[]) RETURNS pg_catalog.bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'assist_history_merge';
COMMENT ON FUNCTION assist._history_merge(pg_catalog.bytea[]) IS 'internal: the block of adjacent intervals together, given in their order';

CREATE FUNCTION assist.record_history() RETURNS pg_catalog.void LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'assist_record_history';
COMMENT ON FUNCTION assist.record_history() IS
'records now what has happened in this database since the last time, as the analyst and assist.refresh() do';

CREATE FUNCTION assist.forget(before pg_catalog.timestamptz) RETURNS pg_catalog.int8 LANGUAGE C STRICT VOLATILE
AS 'MODULE_PATHNAME', 'assist_forget';
COMMENT ON FUNCTION assist.forget(pg_catalog.timestamptz) IS
'deletes the history of this database that ended before a moment; returns how many blocks that were';

-- Of each moment the finest block there is: a coarser one where the finer ones begin later, these from its end on.
CREATE VIEW assist._history_finest AS
  WITH since AS (
    SELECT b.kind, b.ring OPERATOR(pg_catalog./) 4 AS tier, pg_catalog.min(b.start) AS since
    FROM assist.history_block b GROUP BY 1, 2
  ), finer AS (
    SELECT s.kind, s.tier, pg_catalog.min(f.since) AS since
    FROM since s LEFT JOIN since f ON f.kind OPERATOR(pg_catalog.=) s.kind AND f.tier OPERATOR(pg_catalog.<) s.tier
    GROUP BY 1, 2
  ), told AS MATERIALIZED (  -- once, not for every block
    SELECT b.kind, b.ring OPERATOR(pg_catalog./) 4 AS tier, pg_catalog.max(b.until) AS until
    FROM assist.history_block b
         JOIN finer f ON f.kind OPERATOR(pg_catalog.=) b.kind AND f.tier OPERATOR(pg_catalog.=) (b.ring OPERATOR(pg_catalog./) 4)
    WHERE f.since IS NULL OR b.start OPERATOR(pg_catalog.<) f.since
    GROUP BY 1, 2
  )
  SELECT b.kind, b.start, b.until, b.observed, b.data
  FROM assist.history_block b
       JOIN finer f ON f.kind OPERATOR(pg_catalog.=) b.kind AND f.tier OPERATOR(pg_catalog.=) (b.ring OPERATOR(pg_catalog./) 4)
  WHERE (f.since IS NULL OR b.start OPERATOR(pg_catalog.<) f.since)
    AND b.start OPERATOR(pg_catalog.>=) COALESCE((
      SELECT pg_catalog.max(t.until) FROM told t
      WHERE t.kind OPERATOR(pg_catalog.=) b.kind AND t.tier OPERATOR(pg_catalog.>) (b.ring OPERATOR(pg_catalog./) 4)), '-infinity');
COMMENT ON VIEW assist._history_finest IS 'internal: blocks without those that a finer tier tells better';

CREATE VIEW assist.statement_history WITH (security_barrier) AS
  SELECT b.start, b.until, b.observed,
         s.userid, s.role_name, s.queryid, s.toplevel, s.query, s.command,
         r.counts[1] AS calls, r.counts[2] AS plans, r.counts[3] AS errors,
         r.counts[1] OPERATOR(pg_catalog./) NULLIF(b.observed, 0) AS calls_per_second,
         r.counts[4] OPERATOR(pg_catalog./) 1000.0::pg_catalog.float8 AS total_plan_time,
         r.counts[5] OPERATOR(pg_catalog./) 1000.0::pg_catalog.float8 AS total_exec_time,
         r.counts[5] OPERATOR(pg_catalog./) 1000.0::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(r.counts[1], 0) AS mean_exec_time,
         r.p50_us OPERATOR(pg_catalog./) 1000 AS p50_exec_time, r.p95_us OPERATOR(pg_catalog./) 1000 AS p95_exec_time,
         r.p99_us OPERATOR(pg_catalog./) 1000 AS p99_exec_time, r.max_us OPERATOR(pg_catalog./) 1000 AS max_exec_time,
         r.counts[6] AS rows, r.counts[7] AS shared_blks_hit, r.counts[8] AS shared_blks_read,
         r.counts[9] AS shared_blks_dirtied, r.counts[10] AS temp_blks_read, r.counts[11] AS temp_blks_written,
         r.counts[12] AS wal_bytes, r.counts[13] OPERATOR(pg_catalog./) 1000.0::pg_catalog.float8 AS jit_time
  FROM assist._history_finest b
       CROSS JOIN LATERAL assist._history_rows(b.data) r
       LEFT JOIN assist.history_statement s ON s.id OPERATOR(pg_catalog.=) r.key
  WHERE b.kind OPERATOR(pg_catalog.=) 1
    AND (pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
         OR s.role_name OPERATOR(pg_catalog.=) CURRENT_USER
            AND s.userid OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) CURRENT_USER));
COMMENT ON VIEW assist.statement_history IS
'one row per statement and recorded interval in which it ran: calls, times in ms, blocks, bytes of that interval; the finest intervals there are. A row without queryid is of statements that are not told apart any more.';
COMMENT ON COLUMN assist.statement_history.observed IS 'seconds of the interval in which the server was seen';
COMMENT ON COLUMN assist.statement_history.max_exec_time IS 'ms; within 10 %, as the other quantiles';

CREATE VIEW assist.plan_history WITH (security_barrier) AS
  SELECT b.start, b.until, s.userid, s.role_name, s.queryid, s.toplevel, p.planid,
         r.counts[1] AS calls, r.counts[2] OPERATOR(pg_catalog./) 1000.0::pg_catalog.float8 AS total_exec_time,
         r.counts[2] OPERATOR(pg_catalog./) 1000.0::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(r.counts[1], 0) AS mean_exec_time,
         p.first_seen, p.plan, b.observed, (r.counts[1])::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(b.observed, 0) AS calls_per_second
  FROM assist._history_finest b
       CROSS JOIN LATERAL assist._history_rows(b.data) r
       JOIN assist.history_plan p ON p.id OPERATOR(pg_catalog.=) r.key
       JOIN assist.history_statement s ON s.id OPERATOR(pg_catalog.=) p.statement
  WHERE b.kind OPERATOR(pg_catalog.=) 2
    AND (pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
         OR s.role_name OPERATOR(pg_catalog.=) CURRENT_USER
            AND s.userid OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) CURRENT_USER));
COMMENT ON VIEW assist.plan_history IS
'one row per statement, plan and recorded interval: which plans it was run with, calls, times in ms';

CREATE VIEW assist.table_history WITH (security_barrier) AS
  SELECT b.start, b.until, b.observed, pg_catalog.format('%I.%I', h.schema_name, h.name) AS relation_name,
         (SELECT c.oid::pg_catalog.regclass FROM pg_catalog.pg_class c
           WHERE c.oid OPERATOR(pg_catalog.=) h.relid AND c.relname OPERATOR(pg_catalog.=) h.name) AS relation,
         r.counts[1] AS seq_scan, r.counts[2] AS seq_tup_read, r.counts[3] AS idx_scan, r.counts[4] AS idx_tup_fetch,
         r.counts[5] AS n_tup_ins, r.counts[6] AS n_tup_upd, r.counts[7] AS n_tup_hot_upd, r.counts[8] AS n_tup_del,
         r.counts[9] AS n_live_tup, r.counts[10] AS n_dead_tup, r.counts[11] AS size_bytes,
         r.counts[12] AS vacuums, r.counts[13] AS analyzes, r.counts[14] AS blks_hit, r.counts[15] AS blks_read,
         r.counts[16] AS executor_scans, r.counts[17] AS constraint_checks, r.counts[18] AS executor_seq_scans,
         (r.counts[1] OPERATOR(pg_catalog.+) r.counts[3])::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(b.observed, 0) AS scans_per_second,
         (r.counts[5] OPERATOR(pg_catalog.+) r.counts[6] OPERATOR(pg_catalog.+) r.counts[8])::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(b.observed, 0) AS writes_per_second,
         100::pg_catalog.float8 OPERATOR(pg_catalog.*) r.counts[14] OPERATOR(pg_catalog./) NULLIF(r.counts[14] OPERATOR(pg_catalog.+) r.counts[15], 0) AS blks_hit_pct
  FROM assist._history_finest b
       CROSS JOIN LATERAL assist._history_rows(b.data) r
       JOIN assist.history_relation h ON h.id OPERATOR(pg_catalog.=) r.key
  WHERE b.kind OPERATOR(pg_catalog.=) 3
    AND (pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
         OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) h.relid
                     AND c.relname OPERATOR(pg_catalog.=) h.name AND pg_catalog.pg_has_role(c.relowner, 'USAGE')));
COMMENT ON VIEW assist.table_history IS
'one row per table and recorded interval in which something happened to it: scans and rows of that interval (seq_scan and idx_scan as the server counts them, executor_scans those of its indexes by plans, constraint_checks by foreign keys, without the planner''s probes; executor_seq_scans the executions that read the table sequentially, COPY and CREATE INDEX not among them); live and dead rows and bytes of the main fork as they were at its end';

CREATE VIEW assist.index_history WITH (security_barrier) AS
  SELECT b.start, b.until, b.observed, pg_catalog.format('%I.%I', h.schema_name, h.name) AS index_name,
         pg_catalog.format('%I.%I', h.schema_name, h.table_name) AS relation_name,
         r.counts[1] AS executor_scans, r.counts[2] AS constraint_checks, r.counts[3] AS idx_scan, r.counts[4] AS idx_tup_read,
         r.counts[5] AS size_bytes, r.counts[6] AS blks_hit, r.counts[7] AS blks_read,
         (r.counts[1])::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(b.observed, 0) AS executor_scans_per_second
  FROM assist._history_finest b
       CROSS JOIN LATERAL assist._history_rows(b.data) r
       JOIN assist.history_relation h ON h.id OPERATOR(pg_catalog.=) r.key
  WHERE b.kind OPERATOR(pg_catalog.=) 4
    AND (pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
         OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) h.relid
                     AND c.relname OPERATOR(pg_catalog.=) h.name AND pg_catalog.pg_has_role(c.relowner, 'USAGE')));
COMMENT ON VIEW assist.index_history IS
'one row per index and recorded interval in which it was used or grew; executor_scans are those of plans, constraint_checks those of foreign keys, idx_scan the server''s count, probes of the planner included';

CREATE VIEW assist.wait_history WITH (security_barrier) AS
  SELECT b.start, b.until, b.observed, NULLIF(h.userid, 0) AS userid, s.role_name, NULLIF(h.queryid, 0) AS queryid, h.toplevel,
         NULLIF(h.wait_event_type, '') AS wait_event_type, NULLIF(h.wait_event, '') AS wait_event,
         r.counts[1] AS samples, r.counts[2] OPERATOR(pg_catalog./) 1000.0::pg_catalog.float8 AS wait_time, s.query,
         (r.counts[2])::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(b.observed, 0) OPERATOR(pg_catalog./) 1000000 AS average_sessions
  FROM assist._history_finest b
       CROSS JOIN LATERAL assist._history_rows(b.data) r
       JOIN assist.history_wait h ON h.id OPERATOR(pg_catalog.=) r.key
       LEFT JOIN assist.history_statement s ON s.queryid OPERATOR(pg_catalog.=) h.queryid
         AND s.userid OPERATOR(pg_catalog.=) h.userid AND s.toplevel OPERATOR(pg_catalog.=) h.toplevel
  WHERE b.kind OPERATOR(pg_catalog.=) 6
    AND (pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
         OR s.role_name OPERATOR(pg_catalog.=) CURRENT_USER
            AND s.userid OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) CURRENT_USER));
COMMENT ON VIEW assist.wait_history IS
'one row per statement, wait event and recorded interval: samples, and wait_time in ms, of all its sessions together; CPU: it waited for nothing. As assist.waits, over time';

CREATE VIEW assist.database_history WITH (security_barrier) AS
  SELECT b.start, b.until, b.observed,
         r.counts[1] AS xact_commit, r.counts[2] AS xact_rollback, r.counts[3] AS calls,
         r.counts[4] OPERATOR(pg_catalog./) 1000.0::pg_catalog.float8 AS total_exec_time, r.counts[5] AS errors,
         r.counts[6] AS deadlocks, r.counts[7] AS temp_bytes, r.counts[8] AS blks_hit, r.counts[9] AS blks_read,
         r.counts[10] AS connections, r.counts[20] AS active, NULLIF(r.counts[11], 0) AS size_bytes,
         r.counts[12] AS xid_age, r.counts[13] AS mxid_age, r.counts[14] AS wal_bytes,
         r.counts[15] AS checkpoints_timed, r.counts[16] AS checkpoints_requested,
         r.counts[17] AS buffers_checkpoint, r.counts[18] AS buffers_backend,
         r.counts[19] AS replication_lag_bytes, r.counts[22] AS slot_retained_bytes, NULLIF(r.counts[21], 0) AS disk_free_bytes,
         (r.counts[1] OPERATOR(pg_catalog.+) r.counts[2])::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(b.observed, 0) AS transactions_per_second,
         (r.counts[3])::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(b.observed, 0) AS calls_per_second,
         (r.counts[14])::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(b.observed, 0) AS wal_bytes_per_second,
         100::pg_catalog.float8 OPERATOR(pg_catalog.*) r.counts[8] OPERATOR(pg_catalog./) NULLIF(r.counts[8] OPERATOR(pg_catalog.+) r.counts[9], 0) AS blks_hit_pct
  FROM assist._history_finest b CROSS JOIN LATERAL assist._history_rows(b.data) r
  WHERE b.kind OPERATOR(pg_catalog.=) 5 AND pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE');
COMMENT ON COLUMN assist.wait_history.average_sessions IS 'sessions that waited for it at a time, on average';
COMMENT ON VIEW assist.database_history IS
'one row per recorded interval: transactions, top-level calls and their time in ms of this database, what the whole server did (WAL, checkpoints, buffers), and sizes, ages in transactions and free disk as they were at its end; connections, active and replication lag are the largest seen';

CREATE FUNCTION assist._statement_totals(
  since pg_catalog.timestamptz, until pg_catalog.timestamptz, OUT userid pg_catalog.oid, OUT role_name pg_catalog.text,
  OUT queryid pg_catalog.int8, OUT toplevel pg_catalog.bool, OUT query pg_catalog.text, OUT observed pg_catalog.float8,
  OUT counts pg_catalog.int8[], OUT p50_us pg_catalog.float8, OUT p95_us pg_catalog.float8, OUT p99_us pg_catalog.float8,
  OUT max_us pg_catalog.float8)
RETURNS SETOF record LANGUAGE C STABLE ROWS 500
AS 'MODULE_PATHNAME', 'assist_statement_totals';
COMMENT ON FUNCTION assist._statement_totals(pg_catalog.timestamptz, pg_catalog.timestamptz) IS
'internal: rows of assist.statement_totals(); NULL is without end';

CREATE FUNCTION assist.statement_totals(
  period pg_catalog.tstzrange DEFAULT NULL, OUT userid pg_catalog.oid, OUT role_name pg_catalog.text, OUT queryid pg_catalog.int8,
  OUT toplevel pg_catalog.bool, OUT query pg_catalog.text, OUT observed pg_catalog.float8, OUT calls pg_catalog.int8,
  OUT errors pg_catalog.int8, OUT total_exec_time pg_catalog.float8, OUT mean_exec_time pg_catalog.float8,
  OUT p50_exec_time pg_catalog.float8, OUT p95_exec_time pg_catalog.float8, OUT p99_exec_time pg_catalog.float8,
  OUT rows pg_catalog.int8, OUT shared_blks_hit pg_catalog.int8, OUT shared_blks_read pg_catalog.int8,
  OUT temp_blks_written pg_catalog.int8, OUT wal_bytes pg_catalog.int8)
RETURNS SETOF record LANGUAGE sql STABLE ROWS 500
BEGIN ATOMIC
  SELECT t.userid, t.role_name, t.queryid, t.toplevel, t.query, t.observed, t.counts[1], t.counts[3],
         t.counts[5] OPERATOR(pg_catalog./) 1000.0::pg_catalog.float8,
         t.counts[5] OPERATOR(pg_catalog./) 1000.0::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(t.counts[1], 0),
         t.p50_us OPERATOR(pg_catalog./) 1000, t.p95_us OPERATOR(pg_catalog./) 1000, t.p99_us OPERATOR(pg_catalog./) 1000,
         t.counts[6], t.counts[7], t.counts[8], t.counts[11], t.counts[12]
  FROM assist._statement_totals(pg_catalog.lower(period), pg_catalog.upper(period)) t
  WHERE NOT COALESCE(pg_catalog.isempty(period), false)
  ORDER BY t.counts[5] DESC;
END;
COMMENT ON FUNCTION assist.statement_totals(pg_catalog.tstzrange) IS
'what each statement did in a period (NULL: all that is recorded), with percentiles over all of it; times in ms, observed in seconds. Of a recorded interval that the period cuts, the period that holds its middle has all';

CREATE FUNCTION assist.compare_periods(
  a pg_catalog.tstzrange, b pg_catalog.tstzrange, OUT userid pg_catalog.oid, OUT role_name pg_catalog.text, OUT queryid pg_catalog.int8,
  OUT toplevel pg_catalog.bool, OUT query pg_catalog.text, OUT change_ms_per_hour pg_catalog.float8,
  OUT ms_per_hour_a pg_catalog.float8, OUT ms_per_hour_b pg_catalog.float8,
  OUT calls_per_hour_a pg_catalog.float8, OUT calls_per_hour_b pg_catalog.float8,
  OUT mean_exec_time_a pg_catalog.float8, OUT mean_exec_time_b pg_catalog.float8, OUT mean_ratio pg_catalog.float8,
  OUT p95_exec_time_a pg_catalog.float8, OUT p95_exec_time_b pg_catalog.float8,
  OUT rows_per_call_a pg_catalog.float8, OUT rows_per_call_b pg_catalog.float8,
  OUT blks_per_call_a pg_catalog.float8, OUT blks_per_call_b pg_catalog.float8,
  OUT errors_a pg_catalog.int8, OUT errors_b pg_catalog.int8)
RETURNS SETOF record LANGUAGE sql STABLE ROWS 500
BEGIN ATOMIC
  SELECT c.userid, c.role_name, c.queryid, c.toplevel, c.query,
         COALESCE(c.ms_b, 0) OPERATOR(pg_catalog.-) COALESCE(c.ms_a, 0), c.ms_a, c.ms_b, c.calls_a, c.calls_b, c.mean_a, c.mean_b,
         c.mean_b OPERATOR(pg_catalog./) NULLIF(c.mean_a, 0), c.p95_a, c.p95_b, c.rows_a, c.rows_b, c.blks_a, c.blks_b, c.errors_a, c.errors_b
  FROM (
    SELECT COALESCE(x.userid, y.userid) AS userid, COALESCE(x.role_name, y.role_name) AS role_name,
           COALESCE(x.queryid, y.queryid) AS queryid, COALESCE(x.toplevel, y.toplevel) AS toplevel, COALESCE(x.query, y.query) AS query,
           x.total_exec_time OPERATOR(pg_catalog.*) 3600::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(x.observed, 0) AS ms_a,
           y.total_exec_time OPERATOR(pg_catalog.*) 3600::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(y.observed, 0) AS ms_b,
           x.calls OPERATOR(pg_catalog.*) 3600::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(x.observed, 0) AS calls_a,
           y.calls OPERATOR(pg_catalog.*) 3600::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(y.observed, 0) AS calls_b,
           x.mean_exec_time AS mean_a, y.mean_exec_time AS mean_b, x.p95_exec_time AS p95_a, y.p95_exec_time AS p95_b,
           x.rows::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(x.calls, 0) AS rows_a,
           y.rows::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(y.calls, 0) AS rows_b,
           (x.shared_blks_hit OPERATOR(pg_catalog.+) x.shared_blks_read)::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(x.calls, 0) AS blks_a,
           (y.shared_blks_hit OPERATOR(pg_catalog.+) y.shared_blks_read)::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(y.calls, 0) AS blks_b,
           x.errors AS errors_a, y.errors AS errors_b
    FROM assist.statement_totals(a) x
         FULL JOIN assist.statement_totals(b) y
           ON COALESCE(y.queryid, 0) OPERATOR(pg_catalog.=) COALESCE(x.queryid, 0) AND y.userid OPERATOR(pg_catalog.=) x.userid
              AND COALESCE(y.toplevel, false) OPERATOR(pg_catalog.=) COALESCE(x.toplevel, false)) c
  ORDER BY pg_catalog.abs(COALESCE(c.ms_b, 0) OPERATOR(pg_catalog.-) COALESCE(c.ms_a, 0)) DESC;
END;
COMMENT ON FUNCTION assist.compare_periods(pg_catalog.tstzrange, pg_catalog.tstzrange) IS
'each statement''s change from period a to period b, the largest change of time per hour first: ms and calls per hour that was observed, mean and p95 in ms, rows and blocks (read or found) per call; a side is NULL where it did not run';

-- Whoever is granted SELECT on all tables of the schema reads the views, which show what is theirs, and nothing past them.
ALTER TABLE assist.history_statement ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_plan ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_wait ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_relation ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_base ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_0 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_1 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_2 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_3 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_4 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_5 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_6 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_7 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_8 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_9 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_10 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_11 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_12 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_13 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_14 ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.history_block_15 ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON FUNCTION assist._statement_totals(pg_catalog.timestamptz, pg_catalog.timestamptz), assist.statement_totals(pg_catalog.tstzrange),
  assist.compare_periods(pg_catalog.tstzrange, pg_catalog.tstzrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist._statement_totals(pg_catalog.timestamptz, pg_catalog.timestamptz), assist.statement_totals(pg_catalog.tstzrange),
  assist.compare_periods(pg_catalog.tstzrange, pg_catalog.tstzrange) TO pg_read_all_stats;
REVOKE ALL ON FUNCTION assist._history_rows(pg_catalog.bytea), assist._history_merge(pg_catalog.bytea[]), assist.record_history(),
  assist.forget(pg_catalog.timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist._history_rows(pg_catalog.bytea), assist._history_merge(pg_catalog.bytea[]), assist.record_history()
  TO pg_read_all_stats;
GRANT SELECT ON assist._history_finest, assist.statement_history, assist.plan_history, assist.table_history, assist.index_history, assist.wait_history, assist.database_history TO pg_read_all_stats;
SELECT pg_catalog.pg_extension_config_dump('assist.history_relation', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_relation_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_statement', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_statement_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_wait', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_wait_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_plan', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_plan_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_0', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_1', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_2', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_3', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_4', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_5', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_6', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_7', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_8', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_9', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_10', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_11', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_12', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_13', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_14', '');
SELECT pg_catalog.pg_extension_config_dump('assist.history_block_15', '');
