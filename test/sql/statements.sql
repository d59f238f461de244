-- assist.statements: what is counted, under which text, and how much.
CREATE EXTENSION pg_assist;
SET timezone = 'UTC';
CREATE TABLE st (a int PRIMARY KEY, b text, n numeric(10,2));
INSERT INTO st SELECT g, 'row ' || g, g FROM generate_series(1, 1000) g;
VACUUM ANALYZE st;
CREATE ROLE st_user;

-- Counted as soon as the executor has ended, in the same session, in the same transaction.
SELECT FROM assist.reset();
BEGIN;
SELECT a FROM st WHERE a < 4;
SELECT a FROM st WHERE a < 3;
SELECT query, command, calls, rows, errors, toplevel, relation_names, relations FROM assist.statements
 WHERE query LIKE 'SELECT a FROM st %';
SELECT a FROM st WHERE a < 2;
ROLLBACK;
SELECT calls, rows, plans FROM assist.statements WHERE query LIKE 'SELECT a FROM st %';

-- Rows of each kind of statement.
SELECT FROM assist.reset();
INSERT INTO st SELECT g, 'x', 0 FROM generate_series(2001, 2010) g;
UPDATE st SET b = 'y' WHERE a BETWEEN 2001 AND 2005;
DELETE FROM st WHERE a > 2000 RETURNING a;
CREATE TABLE st_copy AS SELECT * FROM st WHERE a <= 50;
SELECT * INTO st_into FROM st WHERE a <= 7;
CREATE MATERIALIZED VIEW st_view AS SELECT a, b FROM st WHERE a <= 30;
REFRESH MATERIALIZED VIEW st_view;
COPY st_copy FROM stdin;
5001	five	1
5002	six	2
\.
COPY (SELECT a FROM st WHERE a <= 3) TO stdout;
BEGIN;
DECLARE cur CURSOR FOR SELECT a FROM st ORDER BY a;
FETCH 2 FROM cur;
FETCH 3 FROM cur;
MOVE 10 FROM cur;
CLOSE cur;
COMMIT;
VALUES (1), (2);
MERGE INTO st_copy USING (VALUES (1), (9999)) v (x) ON a = x WHEN MATCHED THEN UPDATE SET b = 'm' WHEN NOT MATCHED THEN INSERT (a) VALUES (x);
PREPARE ps(int) AS SELECT a, b FROM st WHERE a = $1;
EXECUTE ps(1);
EXECUTE ps(2);
EXECUTE ps(99999);
DEALLOCATE ps;
SELECT toplevel AS top, command, calls, rows, query FROM assist.statements
 WHERE query NOT LIKE '%assist.%' AND NOT (query LIKE 'CREATE MAT%' AND NOT toplevel) -- what fills a view has an id of its own before 17 only
 ORDER BY query COLLATE "C", toplevel, rows;
DROP TABLE st_copy, st_into;
DROP MATERIALIZED VIEW st_view;

-- Texts: no constant is in them, names and structure are.
CREATE TABLE "odd ""name" ("from" int, "it's" text, j jsonb, arr int[], d date, i interval, bits bit(8), ok bool);
SELECT FROM assist.reset();
SET standard_conforming_strings = on;
SELECT 'secret1', "it's" FROM "odd ""name" WHERE "it's" = 'it''s secret2' AND "from" = -123450;
SELECT E'secret3\'\n', $$secret4$$, $tag$secret5 $$ $tag$, U&'secret\0036', U&'secret!0037' UESCAPE '!', B'1010', X'5EC8' FROM "odd ""name";
SELECT n'secret9' FROM "odd ""name";
SELECT 'secret10'
  'secret11' AS continued FROM "odd ""name";
SELECT -5123450, - 5123451, +5123452, 3-5123453, a - -5123454, 1.5e-7, .25, 5123455::text, CAST(5123456 AS bigint) FROM st WHERE a = 0;
SELECT a FROM st WHERE a = ANY ('{5123463,5123464}') AND n = 512.34::numeric(10,2) AND b::varchar(17) = 'secret12'::char(9);
SELECT /* it's a /* nested */ comment */ count(*) -- don't
  FROM st WHERE a = 5123471;
SELECT b::date, b :: varchar BETWEEN 'secret31' AND 'secret32', b::character varying(20), a::double precision, n::numeric (10, 2)
  FROM st WHERE a = 0 AND a::int BETWEEN 5123472 AND 5123473 AND b::pg_catalog."text" BETWEEN 'secret33' AND 'secret34';
SELECT a AS "quoted 5 column", b AS "x""y" FROM st WHERE a = 5123480 LIMIT 5123481 OFFSET 5123482;
SELECT DATE '2001-02-03', INTERVAL '5 days' DAY, TIMESTAMPTZ '2001-02-03 00:00+00', TRUE, NULL FROM "odd ""name" WHERE ok IS TRUE AND d IS NULL;
SELECT j -> 'secret14' ->> 'secret15', arr[5] FROM "odd ""name" WHERE j @> '{"secret16": 1}' AND arr && ARRAY[5123490];
SELECT extract(year FROM d), substring("it's" FROM 3 FOR 4), position('secret17' IN "it's"), d AT TIME ZONE 'UTC' FROM "odd ""name";
SELECT 5123500 \; SELECT a FROM st WHERE a = 5123501 AND b = 'secret18' \; SELECT 5123502, b FROM st WHERE a = 0;
INSERT INTO "odd ""name" ("from", "it's") VALUES (5123510, 'secret19'), (5123511, 'secret20');
SELECT a FROM st WHERE b = 'größe secret21' AND a = 5123520;
ALTER ROLE st_user PASSWORD 'secret22';
ALTER USER st_user WITH ENCRYPTED PASSWORD E'secret\x32\x33' VALID UNTIL '2051-01-01';
SET application_name = 'secret24';
COMMENT ON TABLE st IS 'secret25';
DO $$ BEGIN PERFORM 'secret26', 5123530; END $$;
CREATE TABLE st_cast AS SELECT a FROM st WHERE a::int BETWEEN 5123474 AND 5123475 AND b::text = 'secret35';
CREATE FUNCTION secret_body() RETURNS text LANGUAGE sql AS $$ SELECT 'secret27'::text $$;
EXPLAIN (COSTS off) SELECT a FROM st WHERE b = 'secret28';
CREATE TABLE st_default (a int DEFAULT 5123540 CHECK (a <> 5123541), b text DEFAULT 'secret29');
PREPARE prep AS SELECT a FROM st WHERE b = 'secret30' AND a = $1;
EXECUTE prep(5123550);
DEALLOCATE prep;
SELECT query FROM assist.statements WHERE query NOT LIKE '%assist.%' ORDER BY query COLLATE "C";
-- The same as a check: nothing of it anywhere, in texts, plans, predicates and errors.
SELECT count(*) AS leaks FROM (
  SELECT query AS t FROM assist.statements WHERE query NOT LIKE '%assist.%'
  UNION ALL SELECT plan::text FROM assist.plans
  UNION ALL SELECT last_message FROM assist.errors) x
 WHERE t ~ 'secret[0-9\\!]' OR t ~ '5123[0-9]|512\.34|5EC8|2051';
DROP TABLE "odd ""name", st_default, st_cast;
DROP FUNCTION secret_body;
RESET application_name;

-- standard_conforming_strings = off: a backslash escapes a quote in a plain string, too.
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT FROM assist.reset();
SELECT a FROM st WHERE b = 'it\'s secret1' AND a = 5123450;
SELECT query FROM assist.statements WHERE query LIKE 'SELECT a FROM st%';
RESET standard_conforming_strings;
RESET escape_string_warning;

-- A text longer than assist.max_text_length is cut at a character and marked; it is one statement still.
SELECT FROM assist.reset();
SET assist.max_text_length = 256;
SELECT 'SELECT a' || string_agg(', ''größer'' AS "ä' || g || '"', '') || ' FROM st WHERE a = 1' AS long_query
  FROM generate_series(1, 100) g \gset
\o /dev/null
:long_query;
:long_query;
\o
SELECT calls, query_cut, octet_length(query) BETWEEN 250 AND 256 AS length_ok, left(query, 38)
  FROM assist.statements WHERE query LIKE 'SELECT a, $1 AS "%';
SELECT calls, query_cut FROM assist.statements WHERE query LIKE 'SELECT a FROM st%';
RESET assist.max_text_length;

-- Top level and nested.
CREATE FUNCTION st_sql(int) RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT count(*) FROM st WHERE a < $1 AND b IS NOT NULL';
CREATE FUNCTION st_plpgsql(int) RETURNS bigint LANGUAGE plpgsql AS
  $$ DECLARE r bigint; BEGIN SELECT count(*) INTO r FROM st WHERE a > $1; RETURN r + st_sql(5); END $$;
CREATE FUNCTION st_trigger() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO st_log VALUES (NEW.a); RETURN NEW; END $$;
CREATE TABLE st_log (a int);
CREATE TABLE st_fires (a int);
CREATE TRIGGER t AFTER INSERT ON st_fires FOR EACH ROW EXECUTE FUNCTION st_trigger();
CREATE PROCEDURE st_proc(n int) LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
  FOR i IN 1 .. n LOOP
    INSERT INTO st_log VALUES (i);
    IF i % 2 = 0 THEN COMMIT; ELSE ROLLBACK; END IF;
  END LOOP;
  FOR r IN SELECT a FROM st WHERE a <= 3 LOOP
    UPDATE st_log SET a = a WHERE a = r.a;
    COMMIT;
  END LOOP;
END $$;
SELECT FROM assist.reset();
SELECT st_plpgsql(10);
SELECT st_plpgsql(10) FROM generate_series(1, 3);
INSERT INTO st_fires VALUES (1), (2), (3);
DO $$ BEGIN FOR i IN 1 .. 4 LOOP PERFORM a FROM st WHERE a = i; END LOOP; END $$;
CALL st_proc(2);
CALL st_proc(2);
SELECT toplevel AS top, calls, rows, query FROM assist.statements
 WHERE query NOT LIKE '%assist.%' ORDER BY toplevel DESC, query COLLATE "C";
-- The time of a statement includes what runs inside it.
SELECT bool_and(top.total_exec_time >= inner_.total_exec_time) FROM assist.statements top, assist.statements inner_
 WHERE top.query LIKE 'INSERT INTO st_fires%' AND inner_.query LIKE 'INSERT INTO st_log VALUES (NEW.a)';
-- The same statement on both levels: two rows.
SELECT FROM assist.reset();
DO $$ BEGIN PERFORM 1; UPDATE st SET b = b WHERE a = 1; END $$;
UPDATE st SET b = b WHERE a = 1;
UPDATE st SET b = b WHERE a = 2;
SELECT toplevel AS top, calls, count(*) OVER (PARTITION BY queryid) FROM assist.statements
 WHERE query LIKE 'UPDATE st SET%' ORDER BY toplevel;

-- assist.track.
SELECT FROM assist.reset();
SET assist.track = 'top';
SELECT st_sql(5);
DO $$ BEGIN PERFORM count(*) FROM st; END $$;
SET assist.track = 'none';
SELECT st_sql(6) AS untracked;
CREATE TABLE st_untracked (a int);
DROP TABLE st_untracked;
RESET assist.track;
SELECT toplevel AS top, calls, query FROM assist.statements WHERE query NOT LIKE '%assist.%' ORDER BY query COLLATE "C";

-- assist.track_utility off: no utility statement, but what runs in one.
SELECT FROM assist.reset();
SET assist.track_utility = off;
CREATE TABLE st_utility AS SELECT a FROM st WHERE a = 1;
DROP TABLE st_utility;
DO $$ BEGIN PERFORM a FROM st WHERE a = 1; END $$;
BEGIN;
SAVEPOINT s;
COMMIT;
RESET assist.track_utility;
SELECT toplevel AS top, calls, query FROM assist.statements WHERE query NOT LIKE '%assist.%' ORDER BY query COLLATE "C";

-- assist.track_planning.
SELECT FROM assist.reset();
SELECT a FROM st WHERE a = 17;
SET assist.track_planning = off;
SELECT b FROM st WHERE a = 17;
RESET assist.track_planning;
SELECT query, plans, total_plan_time > 0 AS has_plan_time, total_exec_time > 0 AS has_exec_time FROM assist.statements
 WHERE query LIKE 'SELECT _ FROM st%' ORDER BY query COLLATE "C";
-- A generic plan is planned once, custom plans each time.
SET plan_cache_mode = force_generic_plan;
PREPARE generic(int) AS SELECT a + 1 FROM st WHERE a = $1;
EXECUTE generic(1); EXECUTE generic(2); EXECUTE generic(3);
SET plan_cache_mode = force_custom_plan;
PREPARE custom(int) AS SELECT a + 1 + 1 FROM st WHERE a = $1;
EXECUTE custom(1); EXECUTE custom(2); EXECUTE custom(3);
RESET plan_cache_mode;
SELECT query, calls, plans FROM assist.statements WHERE query LIKE '%SELECT a + %' AND query NOT LIKE '%assist.%' ORDER BY query COLLATE "C";
DEALLOCATE ALL;

-- EXPLAIN ANALYZE executes; EXPLAIN does not.
SELECT FROM assist.reset();
EXPLAIN (COSTS off) SELECT count(*) FROM st WHERE b = 'explained';
\o /dev/null
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) SELECT count(*) FROM st WHERE n = 7;
\o
SELECT toplevel AS top, calls, rows, query FROM assist.statements WHERE query NOT LIKE '%assist.%' ORDER BY query COLLATE "C", toplevel;

-- Times: order of the quantiles, and what is known of them.
CREATE FUNCTION st_wait(ms float8) RETURNS void LANGUAGE plpgsql AS $$
DECLARE until timestamptz := clock_timestamp() + ms * interval '1 ms';
BEGIN WHILE clock_timestamp() < until LOOP END LOOP; END $$;
SELECT FROM assist.reset();
DO $$ BEGIN FOR i IN 1 .. 60 LOOP PERFORM st_wait(CASE WHEN i > 54 THEN 20 ELSE 2 END); END LOOP; END $$;
SELECT calls, min_exec_time BETWEEN 1.9 AND 4 AS min, max_exec_time >= 19.9 AS max,
       mean_exec_time BETWEEN 3.7 AND 15 AS mean, stddev_exec_time >= 5 AS stddev,
       p50_exec_time BETWEEN 1.8 AND 10 AS p50, p95_exec_time BETWEEN 18 AND 100 AS p95,
       abs(total_exec_time / calls - mean_exec_time) < 1e-6 AS total
  FROM assist.statements WHERE query LIKE '%st_wait(CASE%' AND NOT toplevel;
-- Two executions: the deviation is half of what is between them. One: none.
DO $$ BEGIN FOR i IN 1 .. 2 LOOP PERFORM st_wait(i * i * 3), 'two'; END LOOP; END $$;
SELECT calls, abs(stddev_exec_time - (max_exec_time - min_exec_time) / 2) < 1e-4 AS stddev,
       abs(mean_exec_time - (max_exec_time + min_exec_time) / 2) < 1e-4 AS mean, max_exec_time > min_exec_time AS apart
  FROM assist.statements WHERE query LIKE '%st_wait(i * i%' AND NOT toplevel;
SELECT st_wait(3);
SELECT calls, stddev_exec_time, min_exec_time = max_exec_time AS one, p50_exec_time = max_exec_time AS p50, p99_exec_time = max_exec_time AS p99
  FROM assist.statements WHERE query LIKE 'SELECT st_wait($1)';
SELECT count(*) > 5 AS some, bool_and(min_exec_time <= p50_exec_time AND p50_exec_time <= p95_exec_time
         AND p95_exec_time <= p99_exec_time AND p99_exec_time <= max_exec_time) AS ordered,
       bool_and(mean_exec_time BETWEEN min_exec_time AND max_exec_time) AS mean, bool_and(first_seen <= last_seen) AS seen
  FROM assist.statements WHERE calls > 0;

-- Resources.
SELECT FROM assist.reset();
CREATE TABLE st_big AS SELECT g AS a, repeat('x', 100) AS b FROM generate_series(1, 20000) g;
UPDATE st_big SET b = 'y' WHERE a <= 1000;
SET work_mem = '64kB';
SELECT count(*) FROM (SELECT * FROM st_big ORDER BY b, a OFFSET 0) s;
RESET work_mem;
SELECT count(*) FROM st WHERE a = 12;
SELECT command, wal_bytes > 0 AS wal, shared_blks_dirtied > 0 AS dirtied, shared_blks_hit > 0 AS hit,
       temp_blks_written > 100 AS temp_written, temp_blks_read > 100 AS temp_read, jit_time
  FROM assist.statements WHERE query LIKE 'CREATE TABLE st_big%' OR query LIKE 'UPDATE st_big%' OR query LIKE 'SELECT count(*) FROM (%'
    OR query LIKE 'SELECT count(*) FROM st WHERE a%'
 ORDER BY query COLLATE "C";
-- Against what EXPLAIN says of the same.
SELECT FROM assist.reset();
CREATE FUNCTION st_blocks() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE p json;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT sum(a) FROM st_big' INTO p;
  RETURN (p->0->'Plan'->>'Shared Hit Blocks')::bigint + (p->0->'Plan'->>'Shared Read Blocks')::bigint;
END $$;
SELECT sum(a) FROM st_big;
SELECT s.shared_blks_hit + s.shared_blks_read = st_blocks() AS same_blocks FROM assist.statements s WHERE query = 'SELECT sum(a) FROM st_big' AND toplevel;
DROP TABLE st_big;

-- JIT time is taken where there is JIT.
SELECT FROM assist.reset();
SET jit = on; SET jit_above_cost = 0;
SELECT sum(a) FROM st WHERE a > 500;
RESET jit; RESET jit_above_cost;
SELECT jit_time > 0 OR NOT pg_jit_available() AS jit FROM assist.statements WHERE query LIKE 'SELECT sum(a) FROM st WHERE%';

-- The query inside a cursor and inside CREATE TABLE AS counts by itself, within the statement around it.
SELECT FROM assist.reset();
BEGIN;
DECLARE st_cursor CURSOR FOR SELECT a FROM st WHERE b = 'inside';
FETCH ALL st_cursor;
COMMIT;
CREATE TEMP TABLE st_copy AS SELECT a FROM st WHERE b = 'inside' LIMIT 3;
DO $$ BEGIN FOR i IN 1 .. 2 LOOP DROP TABLE st_copy; CREATE TEMP TABLE st_copy AS SELECT a FROM st WHERE a < i; END LOOP; END $$;
SELECT toplevel, command, calls, rows, query FROM assist.statements WHERE query ~ 'DECLARE st_cursor|TABLE st_copy AS' AND query !~ '^DO'
 ORDER BY query COLLATE "C", toplevel, command COLLATE "C";
DROP TABLE st_copy;

-- Users are told apart.
SELECT FROM assist.reset();
GRANT SELECT ON st TO st_user;
SELECT count(*) FROM st WHERE b = 'user';
SET ROLE st_user;
SELECT count(*) FROM st WHERE b = 'user';
SELECT count(*) FROM st WHERE b = 'user';
RESET ROLE;
SELECT userid = 'st_user'::regrole AS as_st_user, calls, query FROM assist.statements WHERE query LIKE 'SELECT count(*) FROM st WHERE b%' ORDER BY 1;

DROP FUNCTION st_sql, st_plpgsql, st_wait, st_blocks;
DROP PROCEDURE st_proc;
DROP TABLE st, st_log, st_fires;
DROP FUNCTION st_trigger;
DROP ROLE st_user;
DROP EXTENSION pg_assist;
