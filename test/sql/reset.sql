-- assist.reset: by user, database, statement; what comes after counts from nothing.
CREATE EXTENSION pg_assist;
CREATE TABLE re (a int PRIMARY KEY, b text);
INSERT INTO re SELECT g, 'b' || g FROM generate_series(1, 100) g;
CREATE ROLE re_one;
CREATE ROLE re_two;
GRANT SELECT ON re TO re_one, re_two;
CREATE DATABASE re_other;
SET assist.sample_rate = 1;
CREATE VIEW seen AS
  SELECT r.rolname, d.datname, s.query, s.calls, s.errors FROM assist.statements s JOIN pg_roles r ON r.oid = s.userid JOIN pg_database d ON d.oid = s.dbid
   WHERE s.query ~ '(FROM|UPDATE) re\M|re_other' AND s.query NOT LIKE '%assist.%' ORDER BY datname, rolname COLLATE "C", s.query COLLATE "C";
CREATE VIEW details AS
  SELECT (SELECT count(*) FROM assist.plans JOIN assist.statements USING (userid, dbid, queryid, toplevel) WHERE query LIKE '%FROM re W%' AND query NOT LIKE '%assist.%') AS plans,
         (SELECT count(*) FROM assist.predicates WHERE relation_name = 'public.re') AS predicates,
         (SELECT count(*) FROM assist.samples JOIN assist.statements USING (userid, dbid, queryid, toplevel) WHERE query LIKE '%FROM re W%' AND query NOT LIKE '%assist.%') AS samples,
         (SELECT sum(errors) FROM assist.errors) AS errors;

CREATE PROCEDURE work() LANGUAGE plpgsql AS $$
BEGIN
  SET LOCAL ROLE re_one;
  EXECUTE 'SELECT b FROM re WHERE a = 1'; EXECUTE 'SELECT b FROM re WHERE a = 2'; EXECUTE 'SELECT a FROM re WHERE b = ''x''';
  BEGIN EXECUTE 'SELECT 1 / (a - a) FROM re'; EXCEPTION WHEN OTHERS THEN NULL; END;
  SET LOCAL ROLE re_two;
  EXECUTE 'SELECT b FROM re WHERE a = 3';
END $$;
SELECT current_user AS me, current_database() AS here \gset

-- Everything.
SELECT FROM assist.reset();
CALL work();
\c re_other
SELECT 1 AS re_other;
\c :here
SET assist.sample_rate = 1;
SELECT * FROM seen;
SELECT * FROM details;
SELECT FROM assist.reset();
SELECT * FROM seen;
SELECT * FROM details;
SELECT count(*) AS rows_left FROM assist.statements WHERE query NOT LIKE '%assist.%' AND query NOT LIKE '%seen%' AND query NOT LIKE '%details%';

-- A user, and nobody else.
CALL work();
SELECT FROM assist.reset('re_one'::regrole);
SELECT * FROM seen;
SELECT count(*) FILTER (WHERE userid = 're_one'::regrole) AS of_one, count(*) FILTER (WHERE userid = 're_two'::regrole) > 0 AS of_two FROM assist.plans;
-- A statement, of all users.
SELECT FROM assist.reset();
CALL work();
SELECT FROM assist.reset(queryid => (SELECT min(queryid) FROM assist.statements WHERE query = 'SELECT b FROM re WHERE a = $1'));
SELECT * FROM seen;
-- A statement of a user.
SELECT FROM assist.reset();
CALL work();
SELECT FROM assist.reset('re_two'::regrole, NULL, (SELECT min(queryid) FROM assist.statements WHERE query = 'SELECT b FROM re WHERE a = $1'));
SELECT * FROM seen;
-- A database.
SELECT FROM assist.reset();
CALL work();
\c re_other
SELECT 1 AS re_other;
\c :here
SET assist.sample_rate = 1;
SELECT FROM assist.reset(dbid => (SELECT oid FROM pg_database WHERE datname = 're_other'));
SELECT * FROM seen;
SELECT FROM assist.reset(dbid => (SELECT oid FROM pg_database WHERE datname = current_database()));
SELECT * FROM seen;
-- What does not exist: nothing happens.
CALL work();
SELECT FROM assist.reset(1, 1, 1);
SELECT count(*) FROM seen;

-- Afterwards: smallest and largest are of what came after, texts are there.
CREATE FUNCTION re_wait(ms float8) RETURNS void LANGUAGE plpgsql AS $$
DECLARE until timestamptz := clock_timestamp() + ms * interval '1 ms';
BEGIN WHILE clock_timestamp() < until LOOP END LOOP; END $$;
SELECT FROM assist.reset();
SELECT re_wait(150);
SELECT FROM assist.reset();
SELECT re_wait(1);
SELECT query, calls, max_exec_time < 150 AS largest_is_new, min_exec_time <= p50_exec_time AND p99_exec_time <= max_exec_time AS ordered, first_seen >= now() - interval '1 minute' AS new
  FROM assist.statements WHERE query = 'SELECT re_wait($1)';
-- In the middle of a transaction.
BEGIN;
SELECT b FROM re WHERE a = 5;
SELECT FROM assist.reset();
SELECT b FROM re WHERE a = 6;
COMMIT;
SELECT query, calls FROM seen;
-- Index use goes with a reset of everything or of the database.
SET enable_seqscan = off;
SELECT b FROM re WHERE a = 7;
RESET enable_seqscan;
SELECT executor_scans > 0 AS used FROM assist.index_use WHERE index = 're_pkey'::regclass;
SELECT FROM assist.reset('re_one'::regrole);
SELECT executor_scans > 0 AS used FROM assist.index_use WHERE index = 're_pkey'::regclass;
SELECT FROM assist.reset();
SELECT executor_scans FROM assist.index_use WHERE index = 're_pkey'::regclass;
-- The account of what was lost starts anew.
SELECT component, evictions, lost_calls FROM assist.status WHERE component = 'statements';

-- The text of a prepared statement is there again with its next execution.
PREPARE kept AS SELECT b FROM re WHERE a = $1 AND b <> 'never';
EXECUTE kept(1);
SELECT FROM assist.reset();
EXECUTE kept(2);
SELECT query, calls FROM assist.statements WHERE queryid IN (SELECT queryid FROM assist.plans) AND (query LIKE '%kept%' OR query IS NULL);
DEALLOCATE kept;

-- Not for everyone.
SET ROLE re_one;
SELECT assist.reset();
RESET ROLE;
GRANT pg_read_all_stats TO re_one;
SET ROLE re_one;
SELECT assist.reset();
RESET ROLE;

DROP VIEW seen, details;
DROP PROCEDURE work;
DROP FUNCTION re_wait;
DROP TABLE re;
DROP DATABASE re_other;
DROP ROLE re_one, re_two;
DROP EXTENSION pg_assist;
