-- Unused and redundant indexes, bloat by estimate and by measurement, and memory that sorts lack.
CREATE EXTENSION pg_assist;
SELECT assist.reset();
CREATE VIEW found AS
  SELECT rule, object, sql, round((evidence ->> 'reclaimable_fraction')::numeric, 1) AS reclaimable,
         evidence -> 'measured' AS measured
    FROM assist.recommendations ORDER BY rule, object;
SELECT count(*) AS tuned FROM (VALUES
  ('unused_index', '{"min_age": 0, "min_size": 0, "min_table_scans": 0}'::jsonb),
  ('redundant_index', '{"min_age": 0}'),
  ('table_bloat', '{"min_bytes": 0}'), ('index_bloat', '{"min_bytes": 0}'),
  ('work_mem', '{"min_spills_per_hour": 0}')) v(rule, settings), assist.set_rule(v.rule, settings => v.settings);

-- An index that no statement scans, one that is a prefix of another, and those that must be left alone.
CREATE TABLE visit (id int PRIMARY KEY, shop int, at date, code text UNIQUE, note text);
INSERT INTO visit SELECT g, g % 50, date '2024-01-01' + g % 300, 'c' || g, 'n' || g FROM generate_series(1, 30000) g;
CREATE INDEX visit_shop ON visit (shop);
CREATE INDEX visit_shop_at ON visit (shop, at);
CREATE INDEX visit_at ON visit (at);
VACUUM ANALYZE visit;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(note) > 0 AS scanned FROM visit WHERE shop = 7;
SELECT count(note) > 0 AS scanned FROM visit WHERE shop = 7 AND at < '2024-02-01';
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT assist.refresh('{index}') > 0 AS found;
SELECT rule, object, sql FROM found;
-- Scanned: not unused any more.
SET enable_seqscan = off;
SELECT count(note) > 0 AS scanned FROM visit WHERE at = '2024-02-01';
RESET enable_seqscan;
SELECT assist.refresh('{index}') >= 0 AS ok;
SELECT rule, object FROM found;
SELECT object, status FROM assist.all_recommendations WHERE rule = 'unused_index' ORDER BY object;

-- Bloat: estimated from the layout, and measured where pgstattuple is installed.
CREATE TABLE shrunk (id int PRIMARY KEY, note text);
INSERT INTO shrunk SELECT g, repeat('x', 100) FROM generate_series(1, 120000) g;
DELETE FROM shrunk WHERE id % 4 > 0;
CREATE TABLE fresh (id int PRIMARY KEY, note text) WITH (fillfactor = 60);
INSERT INTO fresh SELECT g, repeat('x', 100) FROM generate_series(1, 60000) g;
-- The counters first: on 15 those that come after VACUUM bring its dead rows back.
SELECT pg_stat_force_next_flush();
VACUUM ANALYZE shrunk;
VACUUM ANALYZE fresh;
SELECT assist.refresh('{maintenance}') > 0 AS found;
SELECT * FROM found WHERE rule LIKE '%bloat';
CREATE SCHEMA elsewhere;
CREATE EXTENSION pgstattuple SCHEMA elsewhere;
SELECT assist.refresh('{maintenance}') > 0 AS found;
SELECT * FROM found WHERE rule LIKE '%bloat';
SELECT count(*) AS measured FROM assist.bloat_measure;
-- A measurement is not repeated while the relation is much as it was ...
SELECT max(measured_at) AS before FROM assist.bloat_measure \gset
SELECT assist.refresh('{maintenance}') > 0 AS found;
SELECT max(measured_at) = :'before' AS kept FROM assist.bloat_measure;
-- ... and what was rewritten is not reported any more.
VACUUM (FULL, ANALYZE) shrunk;
SELECT assist.refresh('{maintenance}') >= 0 AS ok;
SELECT object, status, status_reason FROM assist.all_recommendations WHERE rule LIKE '%bloat' ORDER BY object;

-- A sort that goes to disk is judged; what is proposed depends on the machine.
SET assist.sample_rate = 1;
SET work_mem = '64kB';
SELECT count(*) FROM (SELECT note FROM fresh ORDER BY note, id OFFSET 0) s;
SELECT count(*) FROM (SELECT note FROM fresh ORDER BY note, id OFFSET 0) s;
RESET work_mem;
SELECT assist.refresh('{configuration}') >= 0 AS ok;
SELECT state FROM assist.rules WHERE rule = 'work_mem';
SELECT count(*) > 0 AS spilled, bool_and(needed_bytes > 65536) AS needs FROM assist._spills();

DROP VIEW found;
DROP TABLE visit, shrunk, fresh;
DROP EXTENSION pgstattuple;
DROP SCHEMA elsewhere;
DROP EXTENSION pg_assist;
