-- What is given away, and what parameters show: constants, personal data and secrets are masked.
CREATE EXTENSION pg_assist;
SHOW assist.mask_literals;

SELECT assist.mask_text(t) FROM unnest(ARRAY[
  'mail to alice@example.com or +49 171 2345678', $$'4111 1111 1111 1111'::text$$,
  'postgres://app:hunter2@db/shop', '{"password": "x", "rows": 12}', 'at 2024-01-15 10:20:30 rows 4111111111111112']) t;
SELECT assist.mask_query($$SELECT 'it''s', -4.5e3, "a'b" FROM t /* user alice@example.com, 12 */ WHERE a = $1 AND b = $x$ y $x$ -- tel +491712345678$$);
SELECT assist.mask_text(NULL) IS NULL AS null, assist.mask_text('') = '' AS empty, assist.mask_query('''never closed') AS open;
SELECT length(assist.mask_text(repeat('a@b.example ', 100000))) AS long;

SET assist.sample_rate = 1;
SET assist.sample_parameters = on;
CREATE TABLE ex (id int, email text, card text, note text);
INSERT INTO ex SELECT g, 'u' || g || '@example.com', '4111111111111111', 'plain' FROM generate_series(1, 100) g;
ANALYZE ex;
SELECT FROM assist.reset();
SELECT id FROM ex /* asked by bob@example.com */ WHERE email = 'u7@example.com' AND card = '4111111111111111' AND note = 'plain' AND id < 100;
CREATE VIEW shown AS SELECT x.parameters FROM assist.samples x JOIN assist.statements s USING (userid, dbid, queryid, toplevel) WHERE s.query LIKE 'SELECT id FROM ex%';
-- By default only what is recognised.
SELECT * FROM shown;
SET assist.mask_literals = on;
SELECT * FROM shown;
SET assist.mask_literals = off;
SELECT * FROM shown;
RESET assist.mask_literals;

-- In an export all of them; never the other way around.
CREATE VIEW exported AS SELECT part, item FROM assist.export() WHERE part NOT IN ('rules', 'status', 'history');
SELECT item->>'query' AS query FROM exported WHERE part = 'statements' AND item->>'query' LIKE 'SELECT id FROM ex %';
SELECT queryid FROM assist.statements WHERE query LIKE 'SELECT id FROM ex %' \gset
SELECT item->'parameters' AS parameters FROM exported WHERE part = 'samples' AND (item->>'queryid')::bigint = :queryid;
SELECT count(*) FILTER (WHERE item::text ~ '@example|4111111|hunter2') AS leaks, count(*) > 5 AS some FROM exported;
SET assist.mask_literals = on;
SELECT count(*) FILTER (WHERE item::text ~ '@example|4111111|''plain') AS leaks FROM exported;
SET assist.mask_literals = off;
SELECT item->'parameters' AS parameters FROM exported WHERE part = 'samples' AND (item->>'queryid')::bigint = :queryid;
RESET assist.mask_literals;
-- A part is what its view shows, and parts can be chosen.
SELECT part, count(*) > 0 AS some FROM assist.export() GROUP BY part ORDER BY part COLLATE "C";
SELECT part, jsonb_object_keys(item) AS key FROM assist.export('{errors}') EXCEPT SELECT 'errors', attname FROM pg_attribute WHERE attrelid = 'assist.errors'::regclass;
SELECT DISTINCT part FROM assist.export('{plans, status}') ORDER BY part;
SELECT count(*) FROM assist.export('{}');
SELECT s.calls = (e.item->>'calls')::bigint AS same FROM assist.statements s JOIN assist.export('{statements}') e
    ON (e.item->>'queryid')::bigint = s.queryid AND (e.item->>'toplevel')::bool = s.toplevel WHERE s.query LIKE 'SELECT id FROM ex %';
SELECT FROM assist.export('{statements,passwords}');
\set VERBOSITY sqlstate
SELECT FROM assist.export(ARRAY[NULL]);
\set VERBOSITY default

-- Who may. Only a superuser turns masking off.
CREATE ROLE assist_nobody;
CREATE ROLE assist_monitor IN ROLE pg_read_all_stats;
SET ROLE assist_nobody;
SELECT FROM assist.export();
RESET ROLE;
SET ROLE assist_monitor;
SELECT count(*) > 0 AS some FROM assist.export('{statements}');
SET assist.mask_literals = off;
RESET ROLE;

DROP VIEW shown, exported;
DROP TABLE ex;
DROP EXTENSION pg_assist;
DROP ROLE assist_nobody, assist_monitor;
