-- Indexes restricted by constants: only where nearly all executions of the statement have the constant.
CREATE EXTENSION pg_assist;
CREATE SCHEMA queue;
SET search_path = queue, public;
-- The same rows four times; of 60,000 two in a hundred are open, of 300 owners.
CREATE TABLE always (id int PRIMARY KEY, status text NOT NULL, owner int NOT NULL, note text);
INSERT INTO always SELECT i, CASE WHEN i * 31 % 997 < 20 THEN 'open' ELSE 'done' END, i * 7919 % 300, repeat('x', 80) FROM generate_series(1, 60000) i;
CREATE TABLE changing (LIKE always INCLUDING ALL);
CREATE TABLE seldom (LIKE always INCLUDING ALL);
CREATE TABLE bound (LIKE always INCLUDING ALL);
CREATE TABLE mostly (LIKE always INCLUDING ALL);
INSERT INTO changing TABLE always;
INSERT INTO seldom TABLE always;
INSERT INTO bound TABLE always;
INSERT INTO mostly TABLE always;
VACUUM (ANALYZE) always, changing, seldom, bound, mostly;
SELECT count(*) FROM (SELECT assist.set_rule('missing_index', settings => '{"min_saving": 0, "min_share": 0, "min_executions": 1}')) s;
SELECT assist.reset();
SET assist.sample_rate = 1;
\set ECHO none
\o /dev/null
SELECT format('SELECT note FROM always WHERE status = %L AND owner = %s', 'open', i) FROM generate_series(1, 40) i \gexec
SELECT format('SELECT note FROM changing WHERE status = %L AND owner = %s', CASE WHEN i % 4 = 0 THEN 'done' ELSE 'open' END, i) FROM generate_series(1, 40) i \gexec
SELECT format('SELECT note FROM seldom WHERE status = %L AND owner = %s', 'open', i) FROM generate_series(1, 12) i \gexec
SELECT format('SELECT note FROM mostly WHERE status = %L AND owner = %s', CASE WHEN i = 30 THEN 'done' ELSE 'open' END, i) FROM generate_series(1, 40) i \gexec
PREPARE bound AS SELECT note FROM bound WHERE status = $1 AND owner = $2;
SELECT format('EXECUTE bound(%L, %s)', 'open', i) FROM generate_series(1, 40) i \gexec
\o
\set ECHO all
SELECT assist.refresh() > 0 AS found;
SELECT object, sql, substring(rationale FROM 'Of the executions looked at.*') AS held FROM assist.recommendations() WHERE rule = 'missing_index' AND object LIKE 'queue.%' ORDER BY object;
-- What is proposed is used.
SELECT regexp_replace(sql, ' CONCURRENTLY', '') FROM assist.recommendations() WHERE rule = 'missing_index' AND object = 'queue.always' \gexec
EXPLAIN (COSTS OFF) SELECT note FROM always WHERE status = 'open' AND owner = 7;
SET client_min_messages = error;
DROP SCHEMA queue CASCADE;
DROP EXTENSION pg_assist;
