-- What standbys use: imported, and what it says of unused indexes.
CREATE EXTENSION pg_assist;
CREATE SCHEMA yard;
CREATE TABLE yard."Trees" (id int PRIMARY KEY, kind int, height int);
INSERT INTO yard."Trees" SELECT i, i % 10, i FROM generate_series(1, 100000) i;
CREATE INDEX trees_kind ON yard."Trees" (kind);
CREATE INDEX "Trees height" ON yard."Trees" (height);
VACUUM (ANALYZE) yard."Trees";
SELECT count(*) > 0 AS scanned FROM generate_series(1, 200) i, LATERAL (SELECT * FROM yard."Trees" WHERE id = i) t;
-- As the server gives it; of these only indexes that are here count.
SELECT assist.import_index_usage('replica-1', (SELECT jsonb_agg(u) || '[{"schemaname": "gone", "indexrelname": "x", "idx_scan": 1}]'
  FROM (SELECT schemaname, indexrelname, 0 AS idx_scan FROM pg_stat_user_indexes WHERE schemaname = 'yard') u));
SELECT node, index_name, scans, last_use IS NOT NULL AS used FROM assist.imported_index_use ORDER BY 2;
-- It grew; the other was reset and is used since; what the node says itself counts.
SELECT assist.import_index_usage('replica-1', '[{"schemaname": "yard", "indexrelname": "trees_kind", "idx_scan": 5, "idx_tup_read": 7},
  {"schemaname": "yard", "indexrelname": "Trees height", "idx_scan": 2, "last_idx_scan": "2020-02-02 00:00+00"}]');
SELECT index_name, scans, last_use = now() AS now, last_use < now() - interval '1 year' AS long_ago FROM assist.imported_index_use ORDER BY 1;
SELECT assist.import_index_usage('replica-1', '[{"schemaname": "yard", "indexrelname": "trees_kind", "idx_scan": 5}]');
SELECT assist.import_index_usage('replica-2', '[{"schemaname": "yard", "indexrelname": "trees_kind", "idx_scan": 0}]');
-- The rule: without a window both indexes are unused here; the one that replica-1 uses is not called so.
SELECT rule FROM assist.set_rule('unused_index', settings => '{"min_age": 0, "min_size": 0, "min_table_scans": 0}');
SELECT assist.refresh(ARRAY['index']) >= 0 AS done;
SELECT object FROM assist.recommendations() WHERE rule = 'unused_index' ORDER BY 1;
-- Forgotten, it is unused again.
SELECT assist.import_index_usage('replica-1', NULL);
SELECT assist.refresh(ARRAY['index']) >= 0 AS done;
SELECT object FROM assist.recommendations() WHERE rule = 'unused_index' ORDER BY 1;
-- Bad input changes nothing.
SELECT assist.import_index_usage('', '[]');
SELECT assist.import_index_usage(NULL, '[]');
SELECT assist.import_index_usage('replica-2', '{}');
SELECT assist.import_index_usage('replica-2', '[{"schemaname": "yard"}]');
SELECT assist.import_index_usage('replica-2', '[{"schemaname": "yard", "indexrelname": "trees_kind", "idx_scan": -1}]');
SELECT assist.import_index_usage('replica-2', '[1]');
SELECT node, index_name, scans FROM assist.imported_index_use;
SELECT assist.reset();
DROP SCHEMA yard CASCADE;
DROP EXTENSION pg_assist;
