-- assist.plans: when two executions share a plan, how far off the planner was, what the plan shows.
CREATE EXTENSION pg_assist;
SET assist.sample_rate = 1;
CREATE TABLE pl (id int PRIMARY KEY, a int, b int, c text);
INSERT INTO pl SELECT g, g % 100, g % 100, 'text ' || g FROM generate_series(1, 10000) g;
CREATE INDEX pl_a ON pl (a);
CREATE TABLE pl_other (id int PRIMARY KEY, pl_id int);
INSERT INTO pl_other SELECT g, g FROM generate_series(1, 1000) g;
VACUUM ANALYZE pl, pl_other;
CREATE FUNCTION sketch(plan jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', plan->>'Node Type', plan->>'Relation Name', plan->>'Index Name',
                   (SELECT '(' || string_agg(sketch(p), ', ') || ')' FROM jsonb_array_elements(plan->'Plans') p))
$$;
CREATE VIEW seen AS
  SELECT s.query, s.plan_count, p.calls, sketch(CASE jsonb_typeof(p.plan) WHEN 'array' THEN p.plan->0 ELSE p.plan END -> 'Plan') AS plan,
         p.estimated_cost > 0 AS cost, p.misestimate_direction AS wrong, round(p.rows_misestimate::numeric, 1) AS by
    FROM assist.plans p JOIN assist.statements s USING (userid, dbid, queryid, toplevel)
   WHERE s.query NOT LIKE '%assist.%' AND s.relation_names::text ~ 'pl' ORDER BY s.query COLLATE "C", p.calls, p.planid;

-- One plan over executions, constants and sessions.
SELECT FROM assist.reset();
SELECT c FROM pl WHERE id = 5;
SELECT c FROM pl WHERE id = 6;
\c
SET assist.sample_rate = 1;
SELECT c FROM pl WHERE id = 7;
SELECT * FROM seen;
SELECT count(DISTINCT planid) FROM assist.plans p JOIN assist.statements s USING (userid, dbid, queryid, toplevel) WHERE query LIKE 'SELECT c FROM pl WHERE id%';

-- Another plan of the same statement for every way to do it.
SELECT FROM assist.reset();
SELECT count(*) FROM pl p JOIN pl_other o ON o.pl_id = p.id WHERE p.a = 5;
SET enable_hashjoin = off;
SELECT count(*) FROM pl p JOIN pl_other o ON o.pl_id = p.id WHERE p.a = 6;
SET enable_mergejoin = off;
SELECT count(*) FROM pl p JOIN pl_other o ON o.pl_id = p.id WHERE p.a = 7;
RESET enable_mergejoin;
SET enable_nestloop = off;
SELECT count(*) FROM pl p JOIN pl_other o ON o.pl_id = p.id WHERE p.a = 8;
SET enable_bitmapscan = off;
SELECT count(*) FROM pl p JOIN pl_other o ON o.pl_id = p.id WHERE p.a = 9;
SET enable_indexscan = off; SET enable_indexonlyscan = off;
SELECT count(*) FROM pl p JOIN pl_other o ON o.pl_id = p.id WHERE p.a = 9;
SELECT count(*) FROM pl p JOIN pl_other o ON o.pl_id = p.id WHERE p.a = 10;
RESET ALL;
SET assist.sample_rate = 1;
SELECT count(*) = max(plan_count) AND count(*) = count(DISTINCT plan) AND count(*) >= 4 AS each_its_own, sum(calls) FROM seen WHERE query LIKE 'SELECT count(*) FROM pl p JOIN%';
-- The same nodes on another index: another plan.
CREATE TABLE pl_two (x int, y int);
INSERT INTO pl_two SELECT g, g FROM generate_series(1, 1000) g;
CREATE INDEX pl_two_1 ON pl_two (x);
ANALYZE pl_two;
SELECT FROM assist.reset();
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT y FROM pl_two WHERE x = 5;
CREATE INDEX pl_two_2 ON pl_two (x, y);
DROP INDEX pl_two_1;
SET enable_indexonlyscan = off;
SELECT y FROM pl_two WHERE x = 5;
RESET enable_seqscan; RESET enable_bitmapscan; RESET enable_indexonlyscan;
SELECT plan_count, calls, plan FROM seen WHERE query LIKE 'SELECT y FROM pl_two%' ORDER BY plan;

-- Partitions: as many as pruning leaves, one plan.
CREATE TABLE pl_part (a int, b int) PARTITION BY RANGE (a);
DO $$ BEGIN
  FOR g IN 0 .. 9 LOOP EXECUTE format('CREATE TABLE pl_part_%s PARTITION OF pl_part FOR VALUES FROM (%s) TO (%s)', g, g * 10, g * 10 + 10); END LOOP;
END $$;
INSERT INTO pl_part SELECT g % 100, g FROM generate_series(1, 1000) g;
CREATE INDEX ON pl_part (b);
ANALYZE pl_part;
SELECT FROM assist.reset();
SELECT b FROM pl_part WHERE a < 95 AND b = 5;
SELECT b FROM pl_part WHERE a < 25 AND b = 5;
SELECT b FROM pl_part WHERE a < 5 AND b = 5;
SELECT query, plan_count FROM assist.statements WHERE query LIKE 'SELECT b FROM pl_part%';
SELECT relation_names FROM assist.statements WHERE query LIKE 'SELECT b FROM pl_part%';
-- Run-time pruning, too.
SET plan_cache_mode = force_generic_plan;
PREPARE pruned(int) AS SELECT b FROM pl_part WHERE a = $1;
EXECUTE pruned(5);
EXECUTE pruned(95);
RESET plan_cache_mode;
SELECT plan_count, calls FROM assist.statements WHERE query LIKE '%AS SELECT b FROM pl_part WHERE a = $1';
DEALLOCATE pruned;

-- Misestimates: columns that go together are estimated too low; apart, too high.
SELECT FROM assist.reset();
SELECT count(*) FROM pl WHERE a = 7 AND b = 7;
SELECT query, wrong, by FROM seen WHERE query LIKE 'SELECT count(*) FROM pl WHERE a = $1 AND b = $2';
SELECT FROM assist.reset();
SELECT count(*) FROM pl WHERE a < 50 AND b >= 50;
SELECT query, wrong, by >= 1000 AS far FROM seen WHERE query LIKE 'SELECT count(*) FROM pl WHERE a < $1 AND b >= $2';
-- A good estimate is not far off.
SELECT FROM assist.reset();
SELECT count(*) FROM pl WHERE a = 7;
SELECT by < 2 AS near FROM seen WHERE query LIKE 'SELECT count(*) FROM pl WHERE a = $1';
-- Loops: rows of all of them against the estimate of one are no misestimate.
SELECT FROM assist.reset();
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off;
SELECT count(*) FROM pl_other o JOIN pl p ON p.id = o.pl_id;
SELECT plan, by < 2 AS near FROM seen WHERE query LIKE 'SELECT count(*) FROM pl_other%';
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_memoize;
-- Stopped by LIMIT, EXISTS or a cursor: not judged.
SELECT FROM assist.reset();
SELECT id FROM pl WHERE c LIKE 'text%' LIMIT 1;
SELECT id FROM pl_other WHERE EXISTS (SELECT FROM pl WHERE c LIKE 'text%') LIMIT 1;
SELECT query, coalesce(by, 1) < 2 AS near FROM seen;
-- Parallel workers: rows of each against the estimate for each.
SELECT FROM assist.reset();
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
SELECT count(*) FROM pl WHERE b < 50;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;
SELECT plan, by < 2 AS near FROM seen WHERE query LIKE 'SELECT count(*) FROM pl WHERE b%';

-- The plan is EXPLAIN's, without literals.
SELECT FROM assist.reset();
SELECT c, 'secret1' FROM pl WHERE a = 5123401 AND c IN ('secret2', 'secret3') AND c LIKE 'secret4%' AND id > 5123402 + a
 ORDER BY c || 'secret5' LIMIT 5123403;
SELECT id FROM (VALUES (5123404, 'secret6')) v (id, t) WHERE t <> 'secret7';
SELECT count(*) FROM generate_series(5123405, 5123406) g WHERE g::text = 'secret8';
UPDATE pl SET c = 'secret9' WHERE id = 5123407;
INSERT INTO pl VALUES (5123408, 1, 1, 'secret10') ON CONFLICT (id) DO UPDATE SET c = 'secret11' WHERE pl.c = 'secret12';
SELECT id FROM pl WHERE c = CASE WHEN a = 5123409 THEN 'secret13' ELSE E'secret\x3134' END;
SELECT count(*) > 5 AS some, count(*) FILTER (WHERE plan::text ~ 'secret|51234') AS leaks FROM assist.plans;
SELECT jsonb_pretty(CASE jsonb_typeof(plan) WHEN 'array' THEN plan->0 ELSE plan END #- '{Plan,Plans}') ~ '"Node Type": "(Limit|Sort|Gather)' AS shape
  FROM assist.plans p JOIN assist.statements s USING (userid, dbid, queryid, toplevel) WHERE query LIKE 'SELECT c, %';
SELECT bool_and(plan IS NOT NULL) AS all_have_plans, bool_and(mean_exec_time > 0 AND p95_exec_time >= 0 AND first_seen <= last_seen) AS times FROM assist.plans;

-- Ten plans of a statement are kept; no execution is forgotten.
CREATE TABLE pl_plans (a int, b int);
INSERT INTO pl_plans SELECT g, g FROM generate_series(1, 100) g;
SELECT FROM assist.reset();
CREATE PROCEDURE many_plans() LANGUAGE plpgsql AS $$
BEGIN
  -- An index of another name is another plan.
  FOR i IN 1 .. 14 LOOP
    EXECUTE format('CREATE INDEX pl_shape_%s ON pl_plans (a)', i);
    EXECUTE 'SELECT b FROM pl_plans WHERE a = 5';
    EXECUTE 'SELECT b FROM pl_plans WHERE a = 5';
    EXECUTE format('DROP INDEX pl_shape_%s', i);
  END LOOP;
END $$;
SET enable_seqscan = off; SET enable_bitmapscan = off;
CALL many_plans();
RESET enable_seqscan; RESET enable_bitmapscan;
-- What is still in this session's slot comes to the store by the collector.
SELECT pg_sleep(1.5);
SELECT calls, plan_count <= 10 AS ten FROM assist.statements WHERE query LIKE 'SELECT b FROM pl_plans%';
SELECT count(*) <= 10 AS ten, sum(p.calls) <= 28 AS no_more_calls FROM assist.plans p JOIN assist.statements s USING (userid, dbid, queryid, toplevel) WHERE query LIKE 'SELECT b FROM pl_plans%';

DROP VIEW seen;
DROP FUNCTION sketch;
DROP PROCEDURE many_plans;
DROP TABLE pl, pl_other, pl_two, pl_part, pl_plans;
DROP EXTENSION pg_assist;
