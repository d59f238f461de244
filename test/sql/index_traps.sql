-- Cases that look like unused, duplicate, redundant or invalid indexes and are none, and their true
-- neighbours. Windows and sizes are lowered so that only the rules' judgement is left to keep silent.
CREATE EXTENSION pg_assist;
SELECT rule FROM assist.set_rule('unused_index', settings => '{"min_age": 0, "min_size": 0, "min_table_scans": 0}');
SELECT rule FROM assist.set_rule('redundant_index', settings => '{"min_age": 0}');
SELECT rule FROM assist.set_rule('invalid_index', settings => '{"partitioned_min_age": 0}');
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

-- Constraints, uniqueness, replica identity, CLUSTER order.
CREATE TABLE guarantee (id int PRIMARY KEY, a int UNIQUE, b int NOT NULL, c int, d int4range, e int);
CREATE UNIQUE INDEX guarantee_replica ON guarantee (b);
ALTER TABLE guarantee REPLICA IDENTITY USING INDEX guarantee_replica;
CREATE UNIQUE INDEX guarantee_unique ON guarantee (c);
CREATE INDEX guarantee_cluster ON guarantee (e);
CLUSTER guarantee USING guarantee_cluster;
ALTER TABLE guarantee ADD EXCLUDE USING gist (d WITH &&);
ALTER TABLE guarantee ADD CONSTRAINT guarantee_c_later UNIQUE (c) DEFERRABLE;

-- A foreign key bound to one of two unique indexes, and the referencing side's index in another order.
CREATE TABLE target (x int, y int, UNIQUE (x, y));
CREATE TABLE referencing (id int PRIMARY KEY, x int, y int, z int, FOREIGN KEY (x, y) REFERENCES target (x, y));
CREATE INDEX referencing_support ON referencing (y, x, z);

-- Not duplicates: operator class, collation, order, nulls, predicate, method, INCLUDE, expression.
CREATE TABLE alike (id int PRIMARY KEY, t text, n int, m int);
CREATE INDEX alike_t ON alike (t);
CREATE INDEX alike_t_pattern ON alike (t text_pattern_ops);
CREATE INDEX alike_t_collate ON alike (t COLLATE "C");
CREATE INDEX alike_t_nocase ON alike (t COLLATE nocase);
CREATE INDEX alike_t_desc ON alike (t DESC);
CREATE INDEX alike_t_nulls ON alike (t NULLS FIRST);
CREATE INDEX alike_t_part ON alike (t) WHERE n > 0;
CREATE INDEX alike_t_part2 ON alike (t) WHERE n > 1;
CREATE INDEX alike_t_hash ON alike USING hash (t);
CREATE INDEX alike_t_include ON alike (t) INCLUDE (m);
CREATE INDEX alike_t_lower ON alike (lower(t));
CREATE INDEX alike_t_upper ON alike (upper(t));

-- Not prefixes: the narrower one guarantees, differs, or comes second.
CREATE TABLE prefix (id int PRIMARY KEY, a int, b int, t text);
CREATE UNIQUE INDEX prefix_a ON prefix (a);
CREATE INDEX prefix_a_b ON prefix (a, b);
CREATE INDEX prefix_b_desc ON prefix (b DESC);
CREATE INDEX prefix_b_a ON prefix (b, a);
CREATE INDEX prefix_t ON prefix (t text_pattern_ops);
CREATE INDEX prefix_t_a ON prefix (t, a);

-- True ones.
CREATE TABLE true_ones (id int PRIMARY KEY, a int, b int, c int, d int);
CREATE INDEX true_duplicate_1 ON true_ones (a);
CREATE INDEX true_duplicate_2 ON true_ones (a);
CREATE UNIQUE INDEX true_duplicate_of_key ON true_ones (id);
CREATE INDEX true_redundant ON true_ones (b);
CREATE INDEX true_wide ON true_ones (b, c);
CREATE INDEX true_unused ON true_ones (d);

-- Partitions are judged through the parent, which is used through one of them.
CREATE TABLE parted (id int, k int, v int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (5000);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (5000) TO (10000);
CREATE INDEX parted_k ON parted (k);
CREATE INDEX parted_incomplete ON ONLY parted (v);
CREATE INDEX parted_1_v ON parted_1 (v);

INSERT INTO guarantee SELECT g, g, g, g, int4range(g, g + 1), g FROM generate_series(1, 3000) g;
INSERT INTO target SELECT g, g FROM generate_series(1, 3000) g;
INSERT INTO referencing SELECT g, g, g, g FROM generate_series(1, 3000) g;
INSERT INTO alike SELECT g, 'text ' || g, g, g FROM generate_series(1, 3000) g;
INSERT INTO prefix SELECT g, g, g, 'text ' || g FROM generate_series(1, 3000) g;
INSERT INTO true_ones SELECT g, g, g, g, g FROM generate_series(1, 3000) g;
INSERT INTO parted SELECT g, g, g FROM generate_series(1, 9999) g;
VACUUM ANALYZE;

-- Use by statements. The planner's look at the end of an index and foreign keys' checks are another matter.
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) FROM alike WHERE t = 'text 7';
SELECT count(*) FROM alike WHERE t LIKE 'text 77%';
SELECT count(*) FROM alike WHERE t < 'text 2' COLLATE "C";
SELECT count(*) FROM alike WHERE t = 'TEXT 9' COLLATE nocase;
SELECT count(*) FROM (SELECT t FROM alike ORDER BY t DESC NULLS LAST LIMIT 2) s;
SELECT count(*) FROM prefix WHERE a = 7 AND b = 7;
SELECT count(*) FROM prefix WHERE b = 7 AND a > 1;
SELECT count(*) FROM (SELECT b FROM prefix ORDER BY b DESC LIMIT 2) s;
SELECT count(*) FROM prefix WHERE t LIKE 'text 77%';
SELECT count(*) FROM prefix WHERE t = 'text 9' AND a = 9;
SELECT count(*) FROM true_ones WHERE a = 7;
SELECT count(*) FROM true_ones WHERE b = 7 AND c = 7;
SELECT count(*) FROM parted WHERE k = 7 AND id = 7;

SELECT assist.refresh('{index}') > 0 AS found;
-- Duplicates and prefixes: only the true ones.
SELECT rule, object FROM assist.recommendations WHERE rule IN ('duplicate_index', 'redundant_index') ORDER BY 1, 2;
-- Unused ones: none that guarantees, supports a foreign key or belongs to a partitioned index.
SELECT object FROM assist.recommendations WHERE rule = 'unused_index'
   AND (object ~ 'guarantee|target|referencing|parted|_pkey' OR object ~ 'prefix_a$');
SELECT object FROM assist.recommendations WHERE rule = 'unused_index' AND object ~ 'true' ORDER BY 1;
-- Never both of a pair: what is kept in favour of a dropped one is not itself to be dropped.
SELECT a.object FROM assist.recommendations a, assist.recommendations b
 WHERE a.rule = 'unused_index' AND a.object IN (b.evidence ->> 'duplicate_of', b.evidence ->> 'covered_by');
-- The incomplete index of the partitioned table takes what fits and builds the rest.
SELECT rule, object, title FROM assist.recommendations WHERE rule = 'invalid_index';
SELECT m.sql FROM assist.recommendations r, assist.generate_migration(r.id) m WHERE r.rule = 'invalid_index' ORDER BY m.step;
DROP TABLE guarantee, referencing, target, alike, prefix, true_ones, parted;
DROP COLLATION nocase;
DROP EXTENSION pg_assist;
