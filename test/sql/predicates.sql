-- assist.predicates: what scans, joins, sorts and groupings compared, how much went in and came out.
CREATE EXTENSION pg_assist;
SET assist.sample_rate = 1;
CREATE TABLE pr (id int PRIMARY KEY, k int, v int, email text, name varchar(50), at timestamptz, day date,
                 j jsonb, tags text[], price numeric(10,2), flag bool, note text);
INSERT INTO pr SELECT g, g % 100, g % 10, 'User' || g || '@example.com', 'name ' || g % 50,
       '2024-01-01 00:00+00'::timestamptz + g * interval '1 hour', '2024-01-01'::date + g % 365,
       jsonb_build_object('a', g % 20, 'b', 'x' || g % 4), ARRAY['t' || g % 5, 'u' || g % 2], g / 10.0, g % 4 = 0,
       CASE WHEN g % 5 = 0 THEN 'note ' || g END
  FROM generate_series(1, 1000) g;
CREATE INDEX pr_k ON pr (k);
CREATE TABLE pr_other (id int PRIMARY KEY, pr_id int, w int);
INSERT INTO pr_other SELECT g, g % 500 + 1, g % 7 FROM generate_series(1, 2000) g;
ANALYZE pr, pr_other;

CREATE VIEW seen AS
  SELECT relation::text AS rel, usage, columns, expressions AS exprs, operators AS ops, compared_with AS with,
         executions AS n, round(rows_in::numeric, 1) AS rows_in, round(rows_out::numeric, 1) AS rows_out,
         round(selectivity::numeric, 4) AS sel, limited
    FROM assist.predicates p JOIN assist.statements s USING (userid, dbid, queryid, toplevel)
   WHERE s.query NOT LIKE '%assist.%' AND p.relation::text LIKE 'pr%'
   ORDER BY relation::text COLLATE "C", usage COLLATE "C", expressions::text COLLATE "C", operators::text COLLATE "C", rows_in;
-- Runs a query and shows what was learnt from it.
CREATE PROCEDURE learn(query text) LANGUAGE plpgsql AS $$
BEGIN PERFORM FROM assist.reset(); EXECUTE query; END $$;

\pset format unaligned
\pset tuples_only on
-- Columns: rel|usage|columns|expressions|operators|compared with|executions|rows in|rows out|selectivity|limited
-- Comparisons of a column.
CALL learn('SELECT id FROM pr WHERE v = 3'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE 3 = v'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE v < 3 AND flag'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE v <> 3 AND NOT flag'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE v BETWEEN 2 AND 4'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE v IN (1, 2, 3)'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE v = ANY (ARRAY[1, 2]::int[])'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE v NOT IN (1, 2)'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE note IS NULL'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE note IS NOT NULL AND flag IS NOT TRUE'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE at > ''2024-02-01 00:00+00'' AND day = ''2024-01-05'''); SELECT * FROM seen;
-- LIKE: a prefix, an infix.
CALL learn('SELECT id FROM pr WHERE email LIKE ''User12%'''); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE email LIKE ''%12@example%'''); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE email ILIKE ''user9%'''); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE name ~ ''^name 1'''); SELECT * FROM seen;
-- Expressions and casts.
CALL learn('SELECT id FROM pr WHERE lower(email) = ''user7@example.com'''); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE price::int = 5'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE name = ''name 7'''); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE k + v = 12'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE date_trunc(''month'', day::timestamp) = ''2024-01-01'''); SELECT * FROM seen;
-- jsonb and arrays.
CALL learn('SELECT id FROM pr WHERE j @> ''{"a": 5}'''); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE j ->> ''b'' = ''x1'''); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE j ? ''a'' AND (j ->> ''a'')::int < 2'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE tags @> ARRAY[''t1'']'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE tags && ARRAY[''t1'', ''t2'']'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE ''t3'' = ANY (tags)'); SELECT * FROM seen;
-- OR groups.
CALL learn('SELECT id FROM pr WHERE v = 1 OR price < 10'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr WHERE flag AND (v = 1 OR v = 2 AND id < 100)'); SELECT * FROM seen;
-- Several at once: one row of the relation, with all of them.
CALL learn('SELECT id FROM pr WHERE v = 3 AND price < 50 AND flag IS FALSE'); SELECT * FROM seen;

-- An index condition, and what is filtered after it.
SET enable_seqscan = off;
SET enable_bitmapscan = off;
CALL learn('SELECT * FROM pr WHERE k = 7'); SELECT * FROM seen;
CALL learn('SELECT * FROM pr WHERE k = 7 AND id > 500'); SELECT * FROM seen;
RESET enable_bitmapscan;
SET enable_indexscan = off;
CALL learn('SELECT * FROM pr WHERE k = 7 AND price < 50'); SELECT * FROM seen;
RESET enable_indexscan;
SET enable_indexscan = on;
CALL learn('SELECT k FROM pr WHERE k < 3 ORDER BY k'); SELECT * FROM seen;
RESET enable_seqscan;
RESET enable_indexscan;

-- Joins of all three kinds: the columns of both sides.
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off; SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_material = off;
-- Nested loop: what the inner side read is rows times loops.
CALL learn('SELECT count(*) FROM pr_other o JOIN pr p ON p.id = o.pr_id WHERE o.w = 3'); SELECT * FROM seen;
RESET enable_seqscan;
SET enable_indexscan = off; SET enable_indexonlyscan = off;
CALL learn('SELECT count(*) FROM pr_other o JOIN pr p ON p.v = o.w WHERE o.id <= 3 AND p.flag'); SELECT * FROM seen;
RESET enable_indexscan; RESET enable_indexonlyscan; RESET enable_bitmapscan; RESET enable_material;
SET enable_hashjoin = on; SET enable_nestloop = off;
CALL learn('SELECT count(*) FROM pr_other o JOIN pr p ON p.id = o.pr_id WHERE p.v = 3'); SELECT * FROM seen;
SET enable_hashjoin = off; SET enable_mergejoin = on;
CALL learn('SELECT count(*) FROM pr_other o JOIN pr p ON p.id = o.pr_id'); SELECT * FROM seen;
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_nestloop; RESET enable_memoize;
CALL learn('SELECT count(*) FROM pr p WHERE EXISTS (SELECT FROM pr_other o WHERE o.pr_id = p.id AND o.w = 2)'); SELECT * FROM seen;
CALL learn('SELECT count(*) FROM pr p LEFT JOIN pr_other o ON o.pr_id = p.id AND o.w = 2 WHERE o.id IS NULL'); SELECT * FROM seen;
CALL learn('SELECT (SELECT max(w) FROM pr_other o WHERE o.pr_id = p.id) FROM pr p WHERE p.id <= 10'); SELECT * FROM seen;

-- Sorts and groups.
CALL learn('SELECT id FROM pr ORDER BY price DESC, v'); SELECT * FROM seen;
CALL learn('SELECT id FROM pr ORDER BY lower(email)'); SELECT * FROM seen;
CALL learn('SELECT v, count(*) FROM pr GROUP BY v'); SELECT * FROM seen;
SET enable_hashagg = off;
CALL learn('SELECT DISTINCT v, flag FROM pr'); SELECT * FROM seen;
RESET enable_hashagg;
CALL learn('SELECT id, rank() OVER (PARTITION BY v ORDER BY price) FROM pr'); SELECT * FROM seen;

-- Changes.
CALL learn('UPDATE pr SET note = note WHERE v = 3 AND price > 50'); SELECT * FROM seen;
CALL learn('DELETE FROM pr WHERE v = 3 AND price > 5000'); SELECT * FROM seen;
CALL learn('INSERT INTO pr_other SELECT id + 10000, k, v FROM pr WHERE v = 8 AND id < 50'); SELECT * FROM seen;

-- Stopped early: what is known is partial, and marked.
CALL learn('SELECT id FROM pr WHERE v = 3 LIMIT 2'); SELECT usage, columns, ops, rows_out, rows_in < 50 AS partial, limited FROM seen;
CALL learn('SELECT id FROM pr WHERE v = 3 LIMIT 200000'); SELECT usage, columns, ops, rows_in, rows_out, limited FROM seen;
CALL learn('SELECT EXISTS (SELECT FROM pr WHERE v = 3)'); SELECT usage, columns, ops, rows_in < 50 AS partial, limited FROM seen;
-- A cursor in PL/pgSQL that is left.
CREATE FUNCTION pr_first() RETURNS int LANGUAGE plpgsql AS $$
DECLARE c CURSOR FOR SELECT id FROM pr WHERE v = 4; r int;
BEGIN OPEN c; FETCH c INTO r; CLOSE c; RETURN r; END $$;
CALL learn('SELECT pr_first()'); SELECT usage, columns, ops, rows_in < 50 AS partial, limited FROM seen;
-- A join that nothing reached.
CALL learn('SELECT p.id FROM pr p JOIN pr_other o ON o.pr_id = p.k WHERE p.v = 77 AND o.w = 3'); SELECT rel, usage, columns, rows_in, rows_out FROM seen;

-- Many executions add up.
CREATE PROCEDURE repeated() LANGUAGE plpgsql AS $$
BEGIN FOR i IN 0 .. 9 LOOP EXECUTE 'SELECT id FROM pr WHERE v < ' || i; END LOOP; END $$;
CALL learn('CALL repeated()'); SELECT * FROM seen;

-- Partitions: under the name of the parent, added up.
CREATE TABLE pr_part (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE pr_part_1 PARTITION OF pr_part FOR VALUES FROM (0) TO (100);
CREATE TABLE pr_part_2 PARTITION OF pr_part FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (a);
CREATE TABLE pr_part_2_1 PARTITION OF pr_part_2 FOR VALUES FROM (100) TO (150);
CREATE TABLE pr_part_2_2 (b int, gone int, a int);
ALTER TABLE pr_part_2_2 DROP COLUMN gone;
ALTER TABLE pr_part_2 ATTACH PARTITION pr_part_2_2 FOR VALUES FROM (150) TO (200);
INSERT INTO pr_part SELECT g % 200, g % 8 FROM generate_series(1, 800) g;
ANALYZE pr_part;
CALL learn('SELECT a FROM pr_part WHERE b = 3'); SELECT * FROM seen;
CALL learn('SELECT a FROM pr_part WHERE b = 3 AND a < 120'); SELECT * FROM seen;
CALL learn('SELECT a FROM pr_part ORDER BY b'); SELECT * FROM seen;
SELECT count(*) AS rows_of_children FROM assist.predicates WHERE relation_name LIKE '%pr\_part\__%';
-- More partitions than predicates of one execution are kept.
CREATE TABLE pr_many (a int, b int) PARTITION BY LIST (a);
DO $$ BEGIN
  FOR g IN 1 .. 40 LOOP EXECUTE format('CREATE TABLE pr_many_%s PARTITION OF pr_many FOR VALUES IN (%s)', g, g); END LOOP;
END $$;
INSERT INTO pr_many SELECT g % 40 + 1, g FROM generate_series(1, 400) g;
CALL learn('SELECT a FROM pr_many WHERE b <= 40'); SELECT * FROM seen;
-- A relation read twice in one execution.
CALL learn('SELECT count(*) FROM (SELECT id FROM pr WHERE v = 3 UNION ALL SELECT id FROM pr WHERE v = 4) u'); SELECT * FROM seen;

-- Parallel workers: their rows are counted, once.
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
EXPLAIN (COSTS off) SELECT count(*) FROM pr WHERE v = 3;
CALL learn('SELECT count(*) FROM pr WHERE v = 3'); SELECT * FROM seen;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather; RESET parallel_leader_participation;

-- A table that is gone: the name it had.
CREATE TABLE pr_gone (x int); INSERT INTO pr_gone SELECT generate_series(1, 10);
CALL learn('SELECT x FROM pr_gone WHERE x > 5');
DROP TABLE pr_gone;
SELECT relation, relation_name, columns, rows_in, rows_out FROM assist.predicates WHERE relation_name LIKE '%pr_gone';

-- Nothing is sampled where that is not wanted, after the first executions.
SET assist.sample_rate = 0;
CALL learn('SELECT id FROM pr WHERE k = 3 AND v = 3 AND flag');
SELECT sampled_calls <= 3 AS few FROM assist.statements WHERE query LIKE 'SELECT id FROM pr WHERE k = $1%';

DROP VIEW seen;
DROP PROCEDURE learn, repeated;
DROP FUNCTION pr_first;
DROP TABLE pr, pr_other, pr_part, pr_many;
DROP EXTENSION pg_assist;
