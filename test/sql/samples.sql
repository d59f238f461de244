-- assist.samples: sampled executions, their parameters only where that is wanted.
CREATE EXTENSION pg_assist;
SET assist.sample_rate = 1;
CREATE TABLE sa (id int PRIMARY KEY, t text, n numeric, d date, flag bool, j jsonb);
INSERT INTO sa SELECT g, 'text ' || g, g / 4.0, '2024-01-01'::date + g, g % 2 = 0, jsonb_build_object('k', g) FROM generate_series(1, 100) g;
ANALYZE sa;
SET application_name = 'samples test';
CREATE FUNCTION sketch(plan jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', plan->>'Node Type', plan->>'Relation Name', 'rows', trunc((plan->>'Actual Rows')::numeric), 'loops', plan->>'Actual Loops',
                   (SELECT '(' || string_agg(sketch(p), ', ') || ')' FROM jsonb_array_elements(plan->'Plans') p))
$$;
CREATE VIEW seen AS
  SELECT s.query, x.rows, x.parameters, x.application_name AS application, sketch(CASE jsonb_typeof(x.plan) WHEN 'array' THEN x.plan->0 ELSE x.plan END -> 'Plan') AS plan,
         x.exec_time > 0 AND x.exec_time < 60000 AS time, now() - x.captured_at < '1 minute' AS just_now,
         EXISTS (SELECT FROM assist.plans p WHERE (p.userid, p.dbid, p.queryid, p.toplevel, p.planid) = (x.userid, x.dbid, x.queryid, x.toplevel, x.planid)) AS of_a_plan
    FROM assist.samples x JOIN assist.statements s USING (userid, dbid, queryid, toplevel)
   WHERE s.query NOT LIKE '%assist.%' AND s.relation_names::text LIKE '%public.sa%' ORDER BY s.query COLLATE "C", x.captured_at, x.rows;

-- Parameters are not shown unless assist.sample_parameters.
SELECT FROM assist.reset();
SELECT t FROM sa WHERE id = 5123 AND t = 'secret1';
PREPARE p(int, text) AS SELECT t FROM sa WHERE id < $1 AND t <> $2;
EXECUTE p(4, 'secret2');
SELECT count(*), count(parameters) AS parameters FROM assist.samples;
SELECT * FROM seen;

-- With it: the values of $1, $2 ... as the text numbers them.
SELECT FROM assist.reset();
SET assist.sample_parameters = on;
DEALLOCATE p;
PREPARE p(int, text) AS SELECT t FROM sa WHERE id < $1 AND t <> $2;
SELECT t FROM sa WHERE id = 7 AND t = 'it''s';
EXECUTE p(4, 'it''s');
EXECUTE p(8, NULL);
SELECT t, -5 FROM sa WHERE n BETWEEN 1.5 AND 2.5 AND d > '2024-01-02' AND flag = true AND j @> '{"k": 7}' LIMIT 3;
SELECT query, rows, parameters FROM seen;
SELECT bool_and(application = 'samples test') AS application, bool_and(time) AS time, bool_and(just_now) AS just_now, bool_and(of_a_plan) AS of_a_plan FROM seen;
-- Generic plans have their parameters, too.
SET plan_cache_mode = force_generic_plan;
-- A date means the same to every session.
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
PREPARE g(int, date, numeric, bool, interval, float8) AS
  SELECT id FROM sa WHERE id <= $1 AND d > $2 AND n < $3 AND (flag OR $4) AND t LIKE 'text%' AND d > $2 + $5 AND n <> $6;
EXECUTE g(9, '03/01/2024', 100.25, false, '-1 days +02:03', 0.1);
RESET plan_cache_mode;
RESET datestyle;
RESET intervalstyle;
SELECT rows, parameters FROM seen WHERE query LIKE 'PREPARE g%';
-- Of functions, with their variables.
CREATE FUNCTION sa_f(a int, b text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE r bigint; BEGIN SELECT count(*) INTO r FROM sa WHERE id > a AND t <> b AND n > 3; RETURN r; END $$;
SELECT sa_f(50, 'x');
SELECT query, rows, parameters FROM seen WHERE query LIKE '%FROM sa WHERE id > a%';
-- Switched off again nothing is seen any more, of what was kept neither.
RESET assist.sample_parameters;
SELECT count(parameters) AS parameters FROM assist.samples;
-- What was not kept is not there to be shown later.
SELECT FROM assist.reset();
SET assist.keep_constants = off;
SELECT t FROM sa WHERE id = 11 AND t = 'not kept';
RESET assist.keep_constants;
SET assist.sample_parameters = on;
SELECT query, parameters FROM seen;
RESET assist.sample_parameters;

-- A few of each plan.
SELECT FROM assist.reset();
DO $$ BEGIN FOR i IN 1 .. 20 LOOP EXECUTE 'SELECT t FROM sa WHERE id <= ' || i; END LOOP; END $$;
SELECT count(*) BETWEEN 1 AND 5 AS few FROM seen WHERE query LIKE 'SELECT t FROM sa WHERE id <=%';

-- Actual rows of each node, over loops.
SELECT FROM assist.reset();
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off; SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_material = off;
SELECT count(*) FROM sa x JOIN sa y ON y.id = x.id + 1 WHERE x.id <= 10;
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_memoize; RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_material;
SELECT rows, plan FROM seen WHERE query LIKE 'SELECT count(*) FROM sa x%';
-- Plans of samples hold no literals.
SELECT FROM assist.reset();
SELECT t FROM sa WHERE t = 'secret3' AND id > 5123401;
SELECT count(*) FILTER (WHERE plan::text ~ 'secret|51234') AS leaks, count(*) > 0 AS some FROM assist.samples;

-- How much is sampled: the first executions of a plan, later as few as assist.sample_rate says.
SELECT FROM assist.reset();
SET assist.sample_rate = 0;
\c
SET assist.sample_rate = 0;
DO $$ DECLARE r text; BEGIN FOR i IN 1 .. 1000 LOOP SELECT t INTO r FROM sa WHERE id = i; END LOOP; END $$;
SELECT calls, sampled_calls FROM assist.statements WHERE query LIKE 'SELECT t%FROM sa WHERE id = i';
SELECT FROM assist.reset();
\c
SET assist.sample_rate = 0.1;
DO $$ DECLARE r text; BEGIN FOR i IN 1 .. 5000 LOOP SELECT n INTO r FROM sa WHERE id = i; END LOOP; END $$;
SELECT calls, sampled_calls BETWEEN 300 AND 800 AS a_tenth FROM assist.statements WHERE query LIKE 'SELECT n%FROM sa WHERE id = i';
-- The weights make up for what is not sampled.
SELECT abs(sum(executions) / 5000.0 - 1) < 0.2 AS all_of_them FROM assist.predicates p JOIN assist.statements s USING (userid, dbid, queryid, toplevel)
 WHERE query LIKE 'SELECT n%FROM sa WHERE id = i';

DROP VIEW seen;
DROP FUNCTION sketch, sa_f;
DROP TABLE sa;
DROP EXTENSION pg_assist;
