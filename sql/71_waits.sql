-- Waits: what sessions were seen doing, every assist.wait_interval. A role without pg_read_all_stats sees its own.

CREATE FUNCTION assist._waits(
  OUT userid oid, OUT dbid oid, OUT queryid bigint, OUT toplevel boolean,
  OUT wait_event_type text, OUT wait_event text, OUT samples bigint, OUT wait_time double precision)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_waits';
COMMENT ON FUNCTION assist._waits() IS 'internal: rows of assist.waits';

CREATE VIEW assist.waits AS SELECT * FROM assist._waits();
COMMENT ON VIEW assist.waits IS
  'one row per statement and wait event: how long its executions waited for it, or were on the processor (CPU), by samples since the server''s start or assist.reset()';
COMMENT ON COLUMN assist.waits.userid IS
  'user who ran it; statement key; NULL: of entries that gave way to others, summed per database and event';
COMMENT ON COLUMN assist.waits.queryid IS
  'statement key, of the innermost statement that ran; NULL: not known, as while a statement is parsed';
COMMENT ON COLUMN assist.waits.wait_event_type IS 'class as in pg_stat_activity; CPU: it waited for nothing that the server names';
COMMENT ON COLUMN assist.waits.wait_event IS 'name as in pg_stat_activity; NULL: several that gave way';
COMMENT ON COLUMN assist.waits.samples IS 'times a session or parallel worker was seen so';
COMMENT ON COLUMN assist.waits.wait_time IS
  'ms: of each sample the time since the one before; parallel workers add theirs to their leader''s statement';

CREATE FUNCTION assist._activity_history(
  OUT sampled_at timestamp with time zone, OUT pid integer, OUT leader_pid integer,
  OUT userid oid, OUT dbid oid, OUT queryid bigint, OUT toplevel boolean, OUT top_queryid bigint,
  OUT application_name text, OUT state text, OUT wait_event_type text, OUT wait_event text, OUT blocked_by integer)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_activity_history';
COMMENT ON FUNCTION assist._activity_history() IS 'internal: rows of assist.activity_history';

CREATE VIEW assist.activity_history AS SELECT * FROM assist._activity_history();
COMMENT ON VIEW assist.activity_history IS
  'one row per active session and second, the last assist.activity_samples of them: what it ran and waited for, and for whom; also idle sessions whose transaction one of them waited for';
COMMENT ON COLUMN assist.activity_history.pid IS 'process id of the session or parallel worker';
COMMENT ON COLUMN assist.activity_history.leader_pid IS 'session that a parallel worker works for; NULL: it is none';
COMMENT ON COLUMN assist.activity_history.queryid IS
  'statement key, of the innermost statement that ran; NULL: not known, as while a statement is parsed; of an idle session the last one';
COMMENT ON COLUMN assist.activity_history.top_queryid IS 'query id of the statement that the client sent; NULL: not known';
COMMENT ON COLUMN assist.activity_history.application_name IS 'of the session; empty also when more than 128 different ones were active';
COMMENT ON COLUMN assist.activity_history.state IS 'active, or idle in transaction: it held a lock that others waited for';
COMMENT ON COLUMN assist.activity_history.wait_event_type IS 'class as in pg_stat_activity; CPU: it waited for nothing that the server names';
COMMENT ON COLUMN assist.activity_history.wait_event IS 'name as in pg_stat_activity';
COMMENT ON COLUMN assist.activity_history.blocked_by IS
  'process id of the session that it waited for, one of them if there were several; 0: a prepared transaction; NULL: it waited for no lock';

CREATE FUNCTION assist._lock_tree(
  OUT line integer, OUT depth integer, OUT path integer[], OUT pid integer, OUT blocked_by integer[],
  OUT lock_type text, OUT lock_mode text, OUT lock_dbid oid, OUT lock_relid oid, OUT lock_object text,
  OUT waiting_since timestamp with time zone)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_lock_tree';
COMMENT ON FUNCTION assist._lock_tree() IS 'internal: who waits for which lock, line by line of assist.lock_tree';

CREATE VIEW assist.lock_tree AS
  SELECT pg_catalog.repeat('   ', t.depth) OPERATOR(pg_catalog.||) t.pid::pg_catalog.text AS tree,
         t.depth, t.path, t.pid, t.blocked_by, a.usename AS user_name, a.datname AS database_name, a.application_name,
         CASE WHEN t.pid OPERATOR(pg_catalog.=) 0 THEN 'prepared transaction' ELSE a.state END AS state,
         pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) t.waiting_since)
           OPERATOR(pg_catalog.*) 1000::double precision AS wait_time,
         t.lock_type, t.lock_mode,
         CASE WHEN t.lock_relid IS NULL THEN t.lock_object
              ELSE pg_catalog.concat_ws(' ',
                CASE WHEN t.lock_dbid OPERATOR(pg_catalog.=) d.oid OR t.lock_dbid IS NULL
                     THEN t.lock_relid::pg_catalog.regclass::pg_catalog.text
                     ELSE pg_catalog.format('relation %s of database %s', t.lock_relid,
                       COALESCE((SELECT o.datname::pg_catalog.text FROM pg_catalog.pg_database o
                                 WHERE o.oid OPERATOR(pg_catalog.=) t.lock_dbid), t.lock_dbid::pg_catalog.text)) END,
                t.lock_object) END AS lock_object,
         a.query_id AS queryid, assist.mask_query(a.query) AS query,
         t.path[1] AS root_pid,
         pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) r.xact_start)
           OPERATOR(pg_catalog.*) 1000::double precision AS root_transaction_time
  FROM assist._lock_tree() t
       CROSS JOIN (SELECT oid FROM pg_catalog.pg_database
                   WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()) d
       LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid OPERATOR(pg_catalog.=) t.pid
       LEFT JOIN pg_catalog.pg_stat_activity r ON r.pid OPERATOR(pg_catalog.=) t.path[1]
  ORDER BY t.line;
COMMENT ON VIEW assist.lock_tree IS
  'one row per session that waits for a lock of the lock manager, or for which one waits, now: each below the one that blocks it, the longest waits first';
COMMENT ON COLUMN assist.lock_tree.tree IS 'pid, indented by depth';
COMMENT ON COLUMN assist.lock_tree.depth IS '0: it waits for nobody';
COMMENT ON COLUMN assist.lock_tree.path IS 'process ids from the root to the session itself';
COMMENT ON COLUMN assist.lock_tree.pid IS 'process id; 0: a prepared transaction, see pg_prepared_xacts';
COMMENT ON COLUMN assist.lock_tree.blocked_by IS
  'process ids: first those that hold the lock, then those that wait for it ahead; 64 at most; NULL: it does not wait';
COMMENT ON COLUMN assist.lock_tree.user_name IS 'of the session';
COMMENT ON COLUMN assist.lock_tree.database_name IS 'of the session';
COMMENT ON COLUMN assist.lock_tree.application_name IS 'of the session; NULL without the right to see it';
COMMENT ON COLUMN assist.lock_tree.state IS 'as in pg_stat_activity; NULL without the right to see it';
COMMENT ON COLUMN assist.lock_tree.wait_time IS 'ms that it has waited so far';
COMMENT ON COLUMN assist.lock_tree.lock_type IS 'locktype of pg_locks';
COMMENT ON COLUMN assist.lock_tree.lock_mode IS 'mode that it waits for, as in pg_locks';
COMMENT ON COLUMN assist.lock_tree.lock_object IS
  'what it is after: table, index, page or row (page,line of its version); a transaction where it is not known which row that changed';
COMMENT ON COLUMN assist.lock_tree.queryid IS 'query id of the server';
COMMENT ON COLUMN assist.lock_tree.query IS
  'statement of the session, the last one where it is idle, with ? for its constants; as much as pg_stat_activity shows to the reader';
COMMENT ON COLUMN assist.lock_tree.root_pid IS 'session at the root: when its transaction ends, the others go on';
COMMENT ON COLUMN assist.lock_tree.root_transaction_time IS 'ms since the root''s transaction began; NULL without the right to see it';

REVOKE ALL ON FUNCTION assist._waits(), assist._activity_history(), assist._lock_tree() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist._waits(), assist._activity_history(), assist._lock_tree() TO pg_read_all_stats;
GRANT SELECT ON assist.waits, assist.activity_history, assist.lock_tree TO pg_read_all_stats;
