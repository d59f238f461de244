-- Statements that are no hazard on this database, each where a check without its catalogs may well speak: none may be reported.
CREATE EXTENSION pg_assist;
CREATE SCHEMA shop;
SET search_path = shop, public;
SET lock_timeout = '2s';
SET TimeZone = 'UTC';
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, note text CONSTRAINT noted CHECK (note IS NOT NULL), maybe text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers, status text, amount numeric(10,2), code varchar(10), made timestamp, old_flag boolean);
CREATE TABLE empty (id bigint PRIMARY KEY, a int, b text);
CREATE INDEX orders_customer ON orders (customer_id, status);
CREATE UNIQUE INDEX orders_code_id ON orders (code, id);
INSERT INTO customers SELECT g, 'm', 'n' FROM generate_series(1, 100) g;
INSERT INTO orders SELECT g, 1, 's', 1, 'c', now() FROM generate_series(1, 5000) g;
ALTER TABLE orders ADD CONSTRAINT later CHECK (amount >= 0) NOT VALID;
CREATE MATERIALIZED VIEW totals AS SELECT status, count(*) FROM orders GROUP BY 1;
CREATE UNIQUE INDEX ON totals (status);
CREATE TYPE mood AS ENUM ('good');
CREATE DOMAIN plain AS int;
ANALYZE;
CREATE TABLE harmless (sql text);
INSERT INTO harmless VALUES
('ALTER TABLE orders ADD COLUMN a int'), ('ALTER TABLE orders ADD COLUMN a int DEFAULT 7'), ('ALTER TABLE orders ADD COLUMN a int NOT NULL DEFAULT 7'),
('ALTER TABLE orders ADD COLUMN a timestamptz NOT NULL DEFAULT now()'), ('ALTER TABLE orders ADD COLUMN a timestamptz DEFAULT CURRENT_TIMESTAMP'),
('ALTER TABLE orders ADD COLUMN a text DEFAULT lower(''X'')'), ('ALTER TABLE orders ADD COLUMN a plain'), ('ALTER TABLE orders ADD COLUMN a jsonb DEFAULT ''{}''::jsonb'),
('ALTER TABLE orders ADD COLUMN a int[] DEFAULT ARRAY[1, 2]'), ('ALTER TABLE orders ADD COLUMN a int DEFAULT NULL'), ('alter table orders add column if not exists status text not null default random()::text'),
('ALTER TABLE orders ADD COLUMN a bigint REFERENCES customers; CREATE INDEX CONCURRENTLY ON orders (a)'),
('ALTER TABLE orders ALTER COLUMN code TYPE varchar(20)'), ('ALTER TABLE orders ALTER COLUMN code TYPE text'), ('ALTER TABLE orders ALTER COLUMN code TYPE varchar'),
('ALTER TABLE orders ALTER COLUMN amount TYPE numeric(12,2)'), ('ALTER TABLE orders ALTER COLUMN made TYPE timestamptz'),
('ALTER TABLE customers ALTER COLUMN note SET NOT NULL'), ('ALTER TABLE customers ALTER COLUMN email SET NOT NULL'), ('ALTER TABLE orders ALTER COLUMN id SET NOT NULL'),
('ALTER TABLE orders ALTER COLUMN status SET DEFAULT ''new'''), ('ALTER TABLE orders ALTER COLUMN status DROP DEFAULT'), ('ALTER TABLE orders ALTER COLUMN status SET STATISTICS 500'),
('ALTER TABLE orders SET (fillfactor = 90)'), ('ALTER TABLE orders ALTER COLUMN status SET STORAGE EXTERNAL'), ('ALTER TABLE orders SET LOGGED'),
('ALTER TABLE orders ADD CONSTRAINT c CHECK (amount > 0) NOT VALID'), ('ALTER TABLE orders VALIDATE CONSTRAINT later'),
('ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (customer_id) REFERENCES customers NOT VALID'), ('ALTER TABLE orders ADD CONSTRAINT u UNIQUE USING INDEX orders_code_id'),
('BEGIN; ALTER TABLE orders ADD CONSTRAINT c CHECK (amount > 0) NOT VALID; COMMIT; ALTER TABLE orders VALIDATE CONSTRAINT c'),
('ALTER TABLE orders ADD CONSTRAINT c CHECK (amount > 0) NOT VALID; ALTER TABLE orders DROP CONSTRAINT c'),
('ALTER TABLE orders DROP COLUMN IF EXISTS nothing'), ('ALTER TABLE orders OWNER TO CURRENT_USER'), ('ALTER TABLE orders ENABLE TRIGGER ALL'),
('ALTER TABLE empty ADD UNIQUE (a)'), ('ALTER TABLE empty ALTER a TYPE bigint'), ('ALTER TABLE empty ALTER b SET NOT NULL'), ('ALTER TABLE empty ADD c int NOT NULL'),
('ALTER TABLE empty ADD d uuid DEFAULT gen_random_uuid()'), ('CREATE INDEX ON empty (a)'), ('UPDATE empty SET a = 1'), ('DELETE FROM empty'), ('VACUUM FULL empty'), ('TRUNCATE empty'),
('CREATE INDEX CONCURRENTLY ON orders (made)'), ('CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_customer ON orders (customer_id)'), ('CREATE INDEX CONCURRENTLY ON orders (lower(code))'),
('CREATE INDEX CONCURRENTLY ON orders (customer_id) WHERE status = ''new'''), ('DROP INDEX CONCURRENTLY orders_customer'), ('DROP INDEX IF EXISTS nothing'), ('REINDEX INDEX CONCURRENTLY orders_customer'),
('REFRESH MATERIALIZED VIEW CONCURRENTLY totals'), ('VACUUM (ANALYZE) orders'), ('ANALYZE orders'), ('DROP TABLE IF EXISTS nothing'),
('CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int); CREATE INDEX ON t (v); ALTER TABLE t ADD UNIQUE (v); ALTER TABLE t ALTER v SET NOT NULL; UPDATE t SET v = 1; DROP TABLE t'),
('CREATE TABLE t (id bigint PRIMARY KEY, o bigint REFERENCES orders); CREATE INDEX ON t (o)'), ('CREATE TABLE t (LIKE orders INCLUDING ALL)'), ('CREATE TABLE t AS SELECT * FROM orders'),
('CREATE TEMP TABLE t (id serial PRIMARY KEY)'), ('CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY)'), ('CREATE OR REPLACE VIEW v AS SELECT id FROM orders'),
('UPDATE orders SET status = ''x'' WHERE id = 7'), ('DELETE FROM orders WHERE id BETWEEN 1 AND 100'), ('INSERT INTO orders (id) VALUES (0)'), ('SELECT * FROM orders FOR UPDATE'),
('ALTER TYPE mood ADD VALUE ''bad''; INSERT INTO customers VALUES (0, ''bad'', ''bad'')'), ('BEGIN; CREATE TYPE state AS ENUM (''a''); ALTER TYPE state ADD VALUE ''b''; SELECT ''b''; COMMIT'),
('BEGIN; SET LOCAL lock_timeout = ''1s''; ALTER TABLE orders ADD a int; COMMIT'), ('LOCK TABLE orders IN ROW EXCLUSIVE MODE'), ('ALTER DOMAIN plain ADD CHECK (VALUE > 0)'),
('COMMENT ON TABLE orders IS ''DROP TABLE orders'''), ('GRANT SELECT ON orders TO PUBLIC'), ('CREATE FUNCTION f() RETURNS void LANGUAGE sql AS ''TRUNCATE shop.orders'''),
('SAVEPOINT s'), ('-- DROP TABLE orders'), ('/* TRUNCATE orders; */ SELECT 1'), (E'\\echo DROP TABLE orders;'), ('DO $$BEGIN PERFORM 1; END$$'), ('SET search_path = public; DROP TABLE nothing, none'),
('ALTER TABLE nothing ADD UNIQUE (a), ALTER b TYPE text, DROP COLUMN c'), ('CREATE INDEX ON nothing (a)'), ('EXPLAIN ANALYZE SELECT 1'), ('CREATE STATISTICS s ON status, code FROM orders');
SELECT count(*) >= 60 AS enough FROM harmless;
SELECT h.sql, c.hazard, c.explanation FROM harmless h, assist.check_migration(h.sql) c;
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DROP EXTENSION pg_assist;
