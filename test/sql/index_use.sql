-- assist.index_use: executions that scanned an index, and nothing else.
CREATE EXTENSION pg_assist;
CREATE TABLE iu (id int PRIMARY KEY, a int, b int, c text);
INSERT INTO iu SELECT g, g % 100, g, 'text ' || g FROM generate_series(1, 10000) g;
CREATE INDEX iu_a ON iu (a);
CREATE INDEX iu_b ON iu (b);
CREATE INDEX iu_c ON iu (c);
CREATE TABLE iu_child (id int PRIMARY KEY, iu_id int REFERENCES iu ON DELETE CASCADE);
CREATE INDEX iu_child_iu ON iu_child (iu_id);
INSERT INTO iu_child SELECT g, g FROM generate_series(1, 1000) g;
VACUUM ANALYZE iu, iu_child;
CREATE VIEW seen AS SELECT index_name, executor_scans AS scans, constraint_checks AS checks, last_use IS NOT NULL AS used
  FROM assist.index_use WHERE index_name LIKE 'public.iu%' AND executor_scans + constraint_checks > 0 ORDER BY 1;
-- Every index has a row, used or not.
SELECT FROM assist.reset();
SELECT index, index_name, relation, executor_scans, tuples, constraint_checks FROM assist.index_use WHERE index_name LIKE 'public.iu%' ORDER BY 1;

-- Each kind of scan, once for an execution.
SELECT FROM assist.reset();
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;
SELECT c FROM iu WHERE id = 5;
SELECT c FROM iu WHERE id = 6;
SELECT * FROM seen;
RESET enable_indexonlyscan;
SELECT b FROM iu WHERE b BETWEEN 5 AND 6;
SELECT * FROM seen;
RESET enable_bitmapscan; SET enable_indexscan = off; SET enable_indexonlyscan = off;
SELECT count(c) FROM iu WHERE a = 7;
SELECT count(c) FROM iu WHERE a = 7 OR b = 9;
SELECT * FROM seen;
RESET enable_indexscan; RESET enable_indexonlyscan;

-- Many loops of one execution are one use; an index that nothing reached is none.
SELECT FROM assist.reset();
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off;
SELECT count(i.c) FROM iu_child h JOIN iu i ON i.id = h.iu_id WHERE h.id <= 50;
SELECT * FROM seen;
SELECT FROM assist.reset();
SELECT count(i.c) FROM iu_child h JOIN iu i ON i.id = h.iu_id WHERE h.id < 0;
SELECT * FROM seen;
-- The same by bitmaps, in one transaction with a use.
SET enable_indexscan = off; SET enable_indexonlyscan = off;
SELECT FROM assist.reset();
BEGIN;
SELECT count(c) FROM iu WHERE a = 7;
SELECT count(i.c) FROM iu_child h JOIN iu i ON i.a = h.iu_id WHERE h.id < 0;
COMMIT;
SELECT * FROM seen;
SELECT count(i.c) FROM iu_child h JOIN iu i ON i.a = h.iu_id WHERE h.id < 4;
SELECT * FROM seen;
RESET enable_indexscan; RESET enable_indexonlyscan;
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_memoize; RESET enable_seqscan;
SELECT FROM assist.reset();
SELECT count(*) FROM iu WHERE c IS NOT NULL;
SELECT * FROM seen;

-- Changes find their rows by an index.
SELECT FROM assist.reset();
UPDATE iu SET c = 'new' WHERE id = 7;
DELETE FROM iu WHERE id = 9000;
INSERT INTO iu VALUES (10001, 1, 1, 'x');
INSERT INTO iu VALUES (10001, 1, 1, 'x') ON CONFLICT DO NOTHING;
SELECT * FROM seen;

-- Inside functions and prepared statements.
SELECT FROM assist.reset();
DO $$ DECLARE r text; BEGIN FOR i IN 1 .. 5 LOOP SELECT c INTO r FROM iu WHERE id = i; END LOOP; END $$;
PREPARE p(int) AS SELECT c FROM iu WHERE id = $1;
EXECUTE p(1); EXECUTE p(2);
SELECT * FROM seen;
DEALLOCATE p;

-- EXPLAIN does not use; EXPLAIN ANALYZE does.
SELECT FROM assist.reset();
EXPLAIN (COSTS off) SELECT c FROM iu WHERE id = 5;
SELECT * FROM seen;
\o /dev/null
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) SELECT c FROM iu WHERE id = 5;
\o
SELECT * FROM seen;

-- The planner looks up the ends of an index, the server counts that, we do not.
SELECT FROM assist.reset();
SELECT pg_stat_force_next_flush();
SELECT idx_scan AS server_before FROM pg_stat_user_indexes WHERE indexrelname = 'iu_b' \gset
SELECT count(*) FROM iu WHERE b > 9990 AND c <> '';
EXPLAIN (COSTS off) SELECT count(*) FROM iu WHERE b > 9999999 AND c <> '';
EXPLAIN (COSTS off) SELECT count(*) FROM iu x JOIN iu y ON x.b = y.b;
SELECT pg_stat_force_next_flush();
SELECT idx_scan - :server_before > max(executor_scans) AS server_counts_more, max(executor_scans) AS scans
  FROM pg_stat_user_indexes s JOIN assist.index_use u ON u.index = s.indexrelid WHERE indexrelname = 'iu_b' GROUP BY idx_scan;

-- Foreign keys: the check of the parent, the search for children.
SELECT FROM assist.reset();
INSERT INTO iu_child VALUES (5001, 17), (5002, 18);
SELECT * FROM seen;
UPDATE iu_child SET iu_id = 20 WHERE id = 5001;
SELECT * FROM seen;
DELETE FROM iu WHERE id = 18;
SELECT * FROM seen;
-- The same index read by a statement of the application, from inside a function too, is a use.
SET enable_seqscan = off;
DO $$ BEGIN PERFORM 1 FROM ONLY iu_child x WHERE iu_id = 20 FOR KEY SHARE OF x; END $$;
RESET enable_seqscan;
SELECT * FROM seen WHERE index_name = 'public.iu_child_iu';

-- Tuples, from sampled executions.
SELECT FROM assist.reset();
SET assist.sample_rate = 1;
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT count(c) FROM iu WHERE b BETWEEN 101 AND 150;
SELECT count(c) FROM iu WHERE b BETWEEN 201 AND 300;
SELECT executor_scans, tuples FROM assist.index_use WHERE index = 'iu_b'::regclass;
RESET enable_seqscan; RESET enable_bitmapscan; RESET assist.sample_rate;

-- More indexes than a session counts by itself.
SELECT FROM assist.reset();
DO $$ BEGIN
  FOR i IN 1 .. 80 LOOP EXECUTE format('CREATE TABLE iu_many_%s (x int PRIMARY KEY)', i); END LOOP;
  SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;
  FOR k IN 1 .. 3 LOOP FOR i IN 1 .. 80 LOOP EXECUTE format('SELECT x FROM iu_many_%s WHERE x = 5', i); END LOOP; END LOOP;
END $$;
SELECT count(*), min(scans), max(scans) FROM seen WHERE index_name LIKE 'public.iu\_many%';

-- Catalogue indexes count as well; a use by the catalogue's own caches is no execution.
SELECT FROM assist.reset();
SELECT relname FROM pg_class WHERE oid = 'iu'::regclass;
SELECT executor_scans FROM assist.index_use WHERE index = 'pg_class_oid_index'::regclass;

DROP VIEW seen;
DO $$ BEGIN FOR i IN 1 .. 80 LOOP EXECUTE format('DROP TABLE iu_many_%s', i); END LOOP; END $$;
DROP TABLE iu_child, iu;
DROP EXTENSION pg_assist;
