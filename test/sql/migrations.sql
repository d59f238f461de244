-- Migrations of recommendations: the steps, the way back, the script, and who may see them.
CREATE EXTENSION pg_assist;
CREATE TABLE shop (id int PRIMARY KEY, customer int, lower_name text);
INSERT INTO shop SELECT g, g % 100, 'n' || g FROM generate_series(1, 20000) g;
CREATE INDEX shop_customer ON shop (customer);
CREATE INDEX "shop Customer 2" ON shop (customer);
CREATE INDEX shop_expr ON shop ((customer % 7));
CREATE INDEX shop_expr_2 ON shop ((customer % 7));
ALTER INDEX shop_expr_2 ALTER COLUMN 1 SET STATISTICS 500;
COMMENT ON INDEX shop_expr_2 IS 'it''s mine';
CREATE UNIQUE INDEX CONCURRENTLY shop_broken ON shop (customer);
VACUUM ANALYZE shop;
SELECT assist.refresh('{index}');
SELECT id, rule, object FROM assist.recommendations ORDER BY object;
SELECT id AS twin FROM assist.recommendations WHERE object LIKE '%Customer%' \gset
SELECT id AS expr FROM assist.recommendations WHERE object = 'public.shop_expr_2' \gset
SELECT id AS broken FROM assist.recommendations WHERE object = 'public.shop_broken' \gset

SELECT step, direction, sql, transactional, lock_level, blocks, destructive FROM assist.generate_migration(:twin);
SELECT step, direction, sql, estimated_rows > 0 AS has_rows, estimated_duration > interval '0' AS has_duration
  FROM assist.generate_migration(:expr);
SELECT step, direction, sql, transactional, blocks FROM assist.generate_migration(:broken);
-- Several in one: up in the order given, down in the opposite one; twice the same is once.
SELECT step, direction, sql FROM assist.generate_migration(ARRAY[:broken, :twin, :expr, :twin]);
SELECT count(*) FROM assist.generate_migration('{}'::bigint[]);

-- The way up and down restores the definition exactly.
SELECT pg_get_indexdef('shop_expr_2'::regclass) AS definition \gset
SELECT sql AS up FROM assist.generate_migration(:expr) WHERE direction = 'up' \gset
:up;
SELECT to_regclass('shop_expr_2') IS NULL AS dropped;
-- Still known after it was dropped.
SELECT sql FROM assist.generate_migration(:expr) WHERE direction = 'down' ORDER BY step LIMIT 1 \gset down_
:down_sql;
SELECT pg_get_indexdef('shop_expr_2'::regclass) = :'definition' AS same;
SELECT assist.migration_script(:broken);

-- Settings: the previous value at its scope is the way back. A stand-in for what the rules find.
INSERT INTO assist.recommendation (fingerprint, category, rule, severity, object, title, rationale,
    benefit_ms_per_day, storage_delta_bytes, confidence, risk, action_kind, action_scope, action_parameter,
    action_value, action_role)
  SELECT 'test:' || s || p, 'configuration', 'work_mem', 'low', p, 't', 'r', 0, 0, 1, '',
         'set parameter', s, p, v, r
    FROM (VALUES ('system', 'max_wal_size', '4GB', NULL), ('system', 'shared_buffers', '1GB', NULL),
                 ('database', 'work_mem', '64MB', NULL), ('role', 'work_mem', '64MB', 'regress assist "app"'),
                 ('role in database', 'work_mem', '64MB', 'regress assist "app"')) f(s, p, v, r);
CREATE ROLE "regress assist ""app""";
ALTER ROLE "regress assist ""app""" SET work_mem = '5MB';
ALTER DATABASE contrib_regression SET work_mem = '6MB';
SELECT r.action_scope, m.step, m.direction, m.sql, m.transactional
  FROM assist.recommendation r, assist.generate_migration(r.id) m
 WHERE r.rule = 'work_mem' ORDER BY r.id, m.direction DESC, m.step;
ALTER DATABASE contrib_regression RESET work_mem;
DROP ROLE "regress assist ""app""";

-- A partitioned table: one partition after the other.
CREATE TABLE part (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE part_2023 PARTITION OF part FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE part_2024 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO assist.recommendation (fingerprint, category, rule, severity, object, title, rationale,
    benefit_ms_per_day, storage_delta_bytes, confidence, risk, action_kind, action_scope, action_relation,
    action_object, action_statement)
  VALUES ('test:part', 'index', 'missing_index', 'low', 'public.part', 'Create an index', 'r', 1, 0, 1, '',
          'create index', 'system', 'part'::regclass, 'public.part_id_idx',
          'CREATE INDEX CONCURRENTLY part_id_idx ON public.part USING btree (id)')
  RETURNING id AS part \gset
SELECT step, direction, sql, transactional, blocks FROM assist.generate_migration(:part);

-- Unknown ids, nulls in the list.
SELECT * FROM assist.generate_migration(0);
\echo :SQLSTATE
SELECT * FROM assist.generate_migration(ARRAY[:twin, 0]);
\echo :SQLSTATE
SELECT * FROM assist.generate_migration(ARRAY[NULL]::bigint[]);
\echo :SQLSTATE
SELECT assist.migration_script(-1);
\echo :SQLSTATE
DROP TABLE shop, part;
DROP EXTENSION pg_assist;
