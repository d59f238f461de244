-- History: what each interval saw, exactly, whatever happens to the one who records it.
CREATE EXTENSION pg_assist;
SHOW assist.history_tiers;
CREATE TABLE hi (a int, b text);
INSERT INTO hi SELECT g, 'x' FROM generate_series(1, 100) g;
ANALYZE hi;
CREATE VIEW seen AS
  SELECT calls, errors, rows, query, total_exec_time > 0 AS time, p50_exec_time <= p99_exec_time AND p99_exec_time <= max_exec_time AS quantiles,
         observed > 0 AND observed < 600 AS observed, start < until AS interval
    FROM assist.statement_history WHERE query LIKE '%FROM hi %' AND query NOT LIKE '%assist.%' ORDER BY start, query;
SELECT FROM assist.reset();
SELECT assist.refresh() >= 0 AS refreshed;

-- One interval, then another; nothing when nothing ran.
SELECT a FROM hi WHERE a = 1;
SELECT a FROM hi WHERE a = 2;
SELECT 1 / (a - a) FROM hi WHERE a = 3;
SELECT assist.refresh() >= 0 AS refreshed;
SELECT * FROM seen;
SELECT a FROM hi WHERE a < 4;
SELECT assist.refresh() >= 0 AS refreshed;
SELECT assist.refresh() >= 0 AS refreshed;
SELECT calls, rows, query FROM seen;

-- An analysis that is rolled back records nothing, and nothing is lost.
BEGIN;
SELECT a FROM hi WHERE a = 5;
SELECT assist.refresh() >= 0 AS refreshed;
SELECT sum(calls) AS calls FROM seen WHERE query LIKE 'SELECT a %';
ROLLBACK;
SELECT sum(calls) AS calls FROM seen WHERE query LIKE 'SELECT a %';
SELECT assist.refresh() >= 0 AS refreshed;
SELECT sum(calls) AS calls FROM seen WHERE query LIKE 'SELECT a %';
-- The same with a savepoint, twice in one transaction.
BEGIN;
SELECT a FROM hi WHERE a = 6;
SELECT assist.refresh() >= 0 AS refreshed;
SAVEPOINT s;
SELECT a FROM hi WHERE a = 7;
SELECT assist.refresh() >= 0 AS refreshed;
ROLLBACK TO s;
COMMIT;
SELECT sum(calls) AS calls FROM seen WHERE query LIKE 'SELECT a %';
SELECT assist.refresh() >= 0 AS refreshed;
SELECT sum(calls) AS calls FROM seen WHERE query LIKE 'SELECT a %';
DO $$ BEGIN PERFORM assist.refresh(); RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END $$;
SELECT assist.refresh() >= 0 AS refreshed;

-- What was reset before it was recorded is there, under no name.
SELECT a FROM hi WHERE a = 8;
SELECT FROM assist.reset();
SELECT assist.refresh() >= 0 AS refreshed;
SELECT sum(calls) AS calls FROM seen WHERE query LIKE 'SELECT a %';
SELECT calls > 0 AS some FROM assist.statement_history WHERE queryid IS NULL ORDER BY start DESC LIMIT 1;

-- Intervals follow each other without overlap.
SELECT count(*) AS overlaps FROM (SELECT start, lag(until) OVER (ORDER BY start) AS before FROM (SELECT DISTINCT start, until FROM assist.statement_history) i) o
 WHERE start < before;
-- Plans too.
SELECT sum(r.counts[1]) AS calls FROM assist.history_block b, assist._history_rows(b.data) r, assist.history_plan p, assist.history_statement s
 WHERE b.kind = 2 AND p.id = r.key AND s.id = p.statement AND s.query LIKE 'SELECT a FROM hi WHERE a = %';
SELECT bool_and(plan ->> 'Plan' IS NOT NULL) AS plans FROM assist.history_plan p JOIN assist.history_statement s ON s.id = p.statement WHERE s.query LIKE 'SELECT a FROM hi WHERE a = %';
-- Blocks add up.
SELECT sum(r.counts[1]) = (SELECT sum(c.counts[1]) FROM assist.history_block b, assist._history_rows(b.data) c WHERE b.kind = 1) AS same
  FROM (SELECT assist._history_merge(array_agg(data ORDER BY start)) AS data FROM assist.history_block WHERE kind = 1) m, assist._history_rows(m.data) r;

-- Tables and indexes: what happened to them since they were looked at last, of new ones all.
CREATE TABLE ht (a int PRIMARY KEY, b text);
INSERT INTO ht SELECT g, 'x' FROM generate_series(1, 1000) g;
SELECT pg_stat_force_next_flush();
ANALYZE ht;
SELECT pg_stat_force_next_flush();
SELECT assist.refresh() >= 0 AS refreshed;
SELECT relation, n_tup_ins, n_tup_upd, n_live_tup, size_bytes, analyzes FROM assist.table_history WHERE relation_name = 'public.ht';
SET enable_seqscan = off;
UPDATE ht SET b = 'y' WHERE a = 7;
SELECT b FROM ht WHERE a = 7;
\o /dev/null
EXPLAIN SELECT b FROM ht WHERE a > 999; -- the planner asks the index for its end
\o
RESET enable_seqscan;
SELECT pg_stat_force_next_flush();
SELECT assist.refresh() >= 0 AS refreshed;
SELECT n_tup_ins, n_tup_upd, idx_scan, executor_scans, constraint_checks, n_live_tup FROM assist.table_history WHERE relation_name = 'public.ht' ORDER BY start;
SELECT relation_name, executor_scans, idx_scan, size_bytes FROM assist.index_history WHERE index_name = 'public.ht_pkey' ORDER BY start DESC LIMIT 1;
-- A reset of the server's counters is no loss of what came after it, and a rolled back visit none at all.
SELECT pg_stat_reset_single_table_counters('ht'::regclass);
INSERT INTO ht VALUES (1001, 'z'), (1002, 'z');
UPDATE ht SET b = 'v' WHERE a <= 3; -- more than there were before it
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT assist.refresh() >= 0 AS refreshed;
ROLLBACK;
SELECT assist.refresh() >= 0 AS refreshed;
SELECT n_tup_ins, n_tup_upd, n_live_tup FROM assist.table_history WHERE relation_name = 'public.ht' ORDER BY start DESC LIMIT 1;
-- A table keeps its history under a new name; another of the old name begins its own.
ALTER TABLE ht RENAME TO hu;
CREATE TABLE ht (a int);
INSERT INTO ht VALUES (1);
INSERT INTO hu VALUES (1003, 'z');
SELECT pg_stat_force_next_flush();
SELECT assist.refresh() >= 0 AS refreshed;
SELECT relation_name, sum(n_tup_ins) AS inserted FROM assist.table_history WHERE relation_name IN ('public.ht', 'public.hu') GROUP BY 1 ORDER BY 1;
-- Sequential scans of statements, one for an execution however often it begins anew; the server counts COPY and CREATE INDEX, too.
COPY hu TO '/dev/null';
CREATE INDEX hu_b ON hu (b);
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off;
SET enable_material = off;
SELECT count(*) FROM generate_series(1, 5) g, LATERAL (SELECT b FROM hu WHERE a = g OFFSET 0) t;
SELECT a FROM hu WHERE a = 1 AND (SELECT false); -- not begun
CREATE TEMP TABLE hv AS SELECT 1 AS a; -- none of those, whose oids come and go
SELECT count(*) FROM hv;
SELECT count(*) AS counters FROM assist._index_use() WHERE indexid = 'hv'::regclass;
SELECT count(*) AS counters FROM assist._index_use() WHERE indexid = 'hu'::regclass;
DROP TABLE hv;
RESET enable_material;
RESET enable_indexonlyscan;
RESET enable_bitmapscan;
RESET enable_indexscan;
SELECT pg_stat_force_next_flush();
SELECT assist.refresh() >= 0 AS refreshed;
SELECT seq_scan, executor_seq_scans FROM assist.table_history WHERE relation_name = 'public.hu' ORDER BY start DESC LIMIT 1;
DROP TABLE ht, hu;
-- The database.
SELECT xact_commit > 0 AS commits, calls > 0 AS calls, connections > 0 AS connections, size_bytes > 1e6 AS size, xid_age > 0 AS age, disk_free_bytes > 0 AS disk
  FROM assist.database_history ORDER BY start DESC LIMIT 1;

-- Finer periods are added up to coarser ones when these are over; of each moment the finest is shown, and nothing twice.
CREATE VIEW sums AS SELECT ring / 4 AS tier, sum(r.counts[1]) AS calls FROM assist.history_block b, assist._history_rows(b.data) r WHERE kind = 1 GROUP BY 1;
SELECT sum(calls) AS calls FROM assist.statement_history \gset before_
-- Twenty minutes pass: a partition of the first tier is that of two hours.
DELETE FROM assist.history_block WHERE kind = 1 AND ring >= 4; -- if five minutes were over meanwhile
UPDATE assist.history_block SET start = start - interval '20 minutes', until = until - interval '20 minutes',
   ring = floor(extract(epoch FROM until - interval '20 minutes' - '2000-01-01 00:00+00'::timestamptz) / 7200)::int % 4 WHERE kind = 1;
SELECT assist.refresh() >= 0 AS refreshed;
SELECT count(*) AS tiers, min(calls) > :before_calls - 1 AS complete FROM sums WHERE tier < 2;
SELECT count(*) AS twice FROM (SELECT start, lag(until) OVER (ORDER BY start, until) AS before FROM (SELECT DISTINCT start, until FROM assist.statement_history) i) o WHERE start < before;
SELECT sum(calls) >= :before_calls AS complete FROM assist.statement_history WHERE start < now() - interval '10 minutes';
-- What a ring has left behind goes when it comes round, after eight hours.
UPDATE assist.history_block SET start = start - interval '7 hours 40 minutes', until = until - interval '7 hours 40 minutes',
   ring = floor(extract(epoch FROM until - interval '7 hours 40 minutes' - '2000-01-01 00:00+00'::timestamptz) / 7200)::int % 4 WHERE kind = 1 AND ring < 4;
SELECT count(*) > 0 AS old FROM assist.history_block WHERE ring < 4 AND start < now() - interval '7 hours';
SELECT assist.refresh() >= 0 AS refreshed;
SELECT count(*) AS old FROM assist.history_block WHERE kind = 1 AND start < now() - interval '7 hours'
   AND ring = (SELECT ring FROM assist.history_block WHERE ring < 4 AND kind = 1 ORDER BY start DESC LIMIT 1);
DROP VIEW sums;

-- Any period in one, and two of them side by side.
SELECT assist.record_history();
SELECT clock_timestamp() AS middle \gset
-- The larger part of the next interval is to be after it.
SELECT pg_sleep(0.3);
SELECT a FROM hi WHERE a < 4 AND b = 'x';
SELECT a FROM hi WHERE a < 4 AND b = 'x';
SELECT assist.record_history();
SELECT calls, rows, query, p50_exec_time <= p95_exec_time AS quantiles FROM assist.statement_totals(tstzrange(:'middle', NULL)) WHERE query LIKE 'SELECT a FROM hi%';
SELECT (SELECT sum(calls) FROM assist.statement_totals()) = (SELECT sum(calls) FROM assist.statement_history) AS complete;
SELECT calls_per_hour_a IS NULL AS new, calls_per_hour_b > 0 AS runs, rows_per_call_b, change_ms_per_hour = ms_per_hour_b AS change
  FROM assist.compare_periods(tstzrange(NULL, :'middle'), tstzrange(:'middle', NULL)) WHERE query LIKE 'SELECT a FROM hi WHERE a < $1 AND%';
SELECT count(*) FROM assist.statement_totals('empty');
-- By hand, without an analysis; and what goes when it is told to.
SELECT assist.record_history();
-- Rates are of what was seen.
SELECT (SELECT bool_and(abs(calls_per_second * observed - calls) < 0.01) FROM assist.plan_history) AS plans,
       (SELECT bool_and(abs(writes_per_second * observed - n_tup_ins - n_tup_upd - n_tup_del) < 0.01 AND (blks_hit_pct BETWEEN 0 AND 100 OR blks_hit + blks_read = 0)) FROM assist.table_history) AS tables,
       (SELECT bool_and(abs(executor_scans_per_second * observed - executor_scans) < 0.01) FROM assist.index_history) AS indexes,
       (SELECT bool_and(abs(transactions_per_second * observed - xact_commit - xact_rollback) < 0.01 AND wal_bytes_per_second >= 0) FROM assist.database_history) AS database;

SELECT assist.forget(NULL), assist.forget('-infinity');
SELECT assist.forget(now() + interval '1 hour') > 0 AS forgotten;
SELECT count(*) AS statements, (SELECT count(*) FROM assist.history_block) AS blocks FROM assist.statement_history;
SELECT count(*) > 0 AS kept FROM assist.history_statement;
BEGIN READ ONLY;
SELECT assist.record_history();
ROLLBACK;
BEGIN READ ONLY;
SELECT assist.forget(now());
ROLLBACK;

-- Bad input.
SELECT * FROM assist._history_rows('\x00');
SELECT assist._history_merge(ARRAY['\x01010000'::bytea, '\x01020000']);
ALTER SYSTEM SET assist.history_tiers = '1h:2h';
ALTER SYSTEM SET assist.history_tiers = '';

-- Who sees it.
CREATE ROLE hi_other;
SET ROLE hi_other;
SELECT * FROM assist.statement_history;
RESET ROLE;
GRANT USAGE ON SCHEMA assist TO hi_other;
GRANT SELECT ON assist.statement_history TO hi_other;
GRANT EXECUTE ON FUNCTION assist._history_rows(bytea) TO hi_other;
SET ROLE hi_other;
SELECT count(*) FROM assist.statement_history;
SELECT count(*) FROM assist.history_block;
RESET ROLE;
REVOKE ALL ON SCHEMA assist FROM hi_other;

DROP VIEW seen;
DROP TABLE hi;
DROP EXTENSION pg_assist;
DROP ROLE hi_other;
