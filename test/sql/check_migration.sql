-- assist.check_migration: what a script would do to this database.
CREATE EXTENSION pg_assist;
SET client_min_messages = warning;
CREATE SCHEMA shop;
SET search_path = shop, public;
CREATE TABLE customers (id bigint PRIMARY KEY, email text, note text, CONSTRAINT noted CHECK (note IS NOT NULL AND note <> ''));
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint CONSTRAINT orders_customer REFERENCES customers, status text,
  amount numeric(10,2), code varchar(10), made timestamp, n int);
CREATE TABLE empty (id bigint PRIMARY KEY, a int);
CREATE TABLE parted (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE parted_old PARTITION OF parted FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
CREATE TABLE parted_new (id bigint, at date);
INSERT INTO customers SELECT g, 'm' || g, 'x' FROM generate_series(1, 1000) g;
INSERT INTO orders SELECT g, g % 1000 + 1, 'new', 1, 'c', now(), g FROM generate_series(1, 20000) g;
INSERT INTO parted SELECT g, '2025-05-05' FROM generate_series(1, 100) g;
INSERT INTO parted VALUES (1, '2030-01-01');
INSERT INTO parted_new SELECT g, '2026-05-05' FROM generate_series(1, 100) g;
CREATE INDEX orders_status ON orders (status);
CREATE INDEX orders_dead ON orders (n);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_dead'::regclass;
CREATE VIEW open_orders AS SELECT id, status FROM orders;
CREATE MATERIALIZED VIEW totals AS SELECT status, count(*) FROM orders GROUP BY status;
CREATE TYPE mood AS ENUM ('good');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN plain AS int;
CREATE TABLE uses_plain (v plain);
INSERT INTO uses_plain VALUES (1);
CREATE FUNCTION stable_number() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION moving_number() RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN RAISE 'this was run'; END$$;
ANALYZE;

CREATE FUNCTION hazards(sql text) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT statement || ' ' || hazard || ' ' || severity || coalesce(' ' || lock_level, '') || coalesce(' ' || object, '')
  FROM assist.check_migration(sql) WHERE hazard <> 'missing_lock_timeout'
$$;

-- Columns: what rewrites by the rules of the server.
SELECT hazards('ALTER TABLE orders ADD COLUMN a int DEFAULT moving_number()');
SELECT hazards('ALTER TABLE orders ADD COLUMN a int DEFAULT stable_number(), ADD b timestamptz NOT NULL DEFAULT now(), ADD c uuid');
SELECT hazards('ALTER TABLE orders ADD COLUMN a int NOT NULL');
SELECT hazards('ALTER TABLE orders ADD COLUMN a bigserial');
SELECT hazards('ALTER TABLE orders ADD COLUMN a int GENERATED ALWAYS AS IDENTITY');
SELECT hazards('ALTER TABLE orders ADD COLUMN a int GENERATED ALWAYS AS (n + 1) STORED');
SELECT hazards('ALTER TABLE orders ADD COLUMN a positive, ADD COLUMN b plain');
SELECT hazards('ALTER TABLE orders ALTER code TYPE varchar(20)');
SELECT hazards('ALTER TABLE orders ALTER code TYPE text, ALTER amount TYPE numeric(14,2)');
SELECT hazards('ALTER TABLE orders ALTER code TYPE varchar(5), ALTER amount TYPE numeric(14,1), ALTER n TYPE bigint');
SELECT hazards('ALTER TABLE orders ALTER status TYPE varchar(40)');
SET TimeZone = 'UTC';
SELECT hazards('ALTER TABLE orders ALTER made TYPE timestamptz');
SET TimeZone = 'Europe/Berlin';
SELECT hazards('ALTER TABLE orders ALTER made TYPE timestamptz');
RESET TimeZone;
SELECT hazards('ALTER TABLE customers ALTER note SET NOT NULL');
SELECT hazards('ALTER TABLE customers ALTER email SET NOT NULL');
SELECT hazards('ALTER TABLE orders DROP COLUMN status; ALTER TABLE orders DROP COLUMN code');

-- Constraints and indexes.
SELECT hazards('ALTER TABLE orders ADD CHECK (n > 0)');
SELECT hazards('ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT VALID; ALTER TABLE orders VALIDATE CONSTRAINT c');
SELECT hazards('BEGIN; ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT VALID; ALTER TABLE orders VALIDATE CONSTRAINT c; COMMIT');
SELECT hazards('ALTER TABLE orders ADD FOREIGN KEY (n) REFERENCES customers');
SELECT hazards('ALTER TABLE orders ADD UNIQUE (n)');
SELECT hazards('ALTER TABLE parted_new ADD PRIMARY KEY (id)');
SELECT hazards('ALTER TABLE orders ADD EXCLUDE USING btree (n WITH =)');
SELECT hazards('ALTER TABLE orders DROP CONSTRAINT orders_customer');
SELECT hazards('ALTER DOMAIN plain ADD CHECK (VALUE > 0); ALTER DOMAIN positive ADD CHECK (VALUE > 1)');
SELECT hazards('CREATE INDEX ON orders (code); CREATE INDEX CONCURRENTLY ON orders (code, n)');
SELECT hazards('CREATE INDEX CONCURRENTLY again ON orders (status)');
SELECT hazards('CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_dead ON orders (n)');
SELECT hazards('CREATE INDEX CONCURRENTLY ON parted (id)');
SELECT hazards('DROP INDEX orders_status; DROP INDEX orders_pkey; DROP INDEX IF EXISTS nothing');
SELECT hazards('REINDEX TABLE orders; REINDEX TABLE CONCURRENTLY orders; REINDEX INDEX orders_status');
SELECT hazards('REFRESH MATERIALIZED VIEW totals');

-- Tables.
SELECT hazards('DROP TABLE customers; DROP TABLE empty; DROP TABLE IF EXISTS nothing');
SELECT hazards('DROP TABLE customers, orders CASCADE');
SELECT hazards('DROP VIEW open_orders; DROP TABLE orders');
SELECT hazards('DROP SCHEMA shop CASCADE; DROP DATABASE other');
SELECT hazards('TRUNCATE orders; TRUNCATE customers; TRUNCATE customers CASCADE; TRUNCATE empty');
SELECT hazards('UPDATE orders SET n = 1; DELETE FROM orders; UPDATE orders SET n = 1 WHERE id = 7; UPDATE orders SET n = 2 WHERE true');
SELECT hazards('VACUUM FULL orders; CLUSTER orders USING orders_pkey; VACUUM orders; ALTER TABLE orders SET UNLOGGED; ALTER TABLE orders SET LOGGED');
SELECT hazards('ALTER TABLE orders RENAME TO purchases; ALTER TABLE purchases RENAME status TO state; ALTER TABLE customers SET SCHEMA public; ALTER SCHEMA shop RENAME TO store');
SELECT hazards('BEGIN; ALTER TABLE customers RENAME TO people; CREATE VIEW customers AS SELECT * FROM people; COMMIT');
SELECT hazards('ALTER TABLE parted DETACH PARTITION parted_old');
SELECT hazards($$ALTER TABLE parted ATTACH PARTITION parted_new FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')$$);
SELECT hazards($$CREATE TABLE parted_next PARTITION OF parted FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')$$);
SELECT hazards('ALTER TABLE orders DISABLE TRIGGER ALL; LOCK TABLE orders; LOCK TABLE orders IN ROW SHARE MODE');

-- Transactions, timeouts, enums, psql.
SELECT hazards('BEGIN; CREATE INDEX CONCURRENTLY ON orders (code); VACUUM; COMMIT');
SELECT hazards('BEGIN; BEGIN; SELECT 1');
SELECT hazards($$BEGIN; ALTER TYPE mood ADD VALUE 'bad'; INSERT INTO customers VALUES (0, 'bad', 'x'); COMMIT; SELECT 'bad'$$);
SELECT statement, hazard, line, position FROM assist.check_migration(E'-- \u00e4\nSELECT 1;\n\n  ALTER TABLE orders ADD a int;\nALTER TABLE orders ADD b int');
SELECT * FROM assist.check_migration('SET lock_timeout = ''1s''; ALTER TABLE orders ADD a int; RESET lock_timeout; SELECT 1');
SELECT hazard FROM assist.check_migration('BEGIN; SET LOCAL lock_timeout = 500; ALTER TABLE orders ADD a int; COMMIT; ALTER TABLE orders ADD b int');
SELECT hazards(E'\\set ON_ERROR_STOP on\n\\i more.sql\nCOPY orders FROM stdin;\n1\tDROP TABLE orders;\n\\.\nTRUNCATE orders \\g\n');
SELECT hazards('SET search_path = public; CREATE INDEX ON orders (code); SET search_path = shop; CREATE INDEX ON orders (code)');
SELECT hazards('DO $$BEGIN EXECUTE ''DROP TABLE orders''; END$$; DO $$BEGIN PERFORM 1; END$$');

-- What the script makes is no hazard, nor is what does not exist.
SELECT hazards('CREATE TABLE t (id bigint PRIMARY KEY, v int); CREATE INDEX t_v ON t (v); ALTER TABLE t ALTER v SET NOT NULL; DROP INDEX t_v; UPDATE t SET v = 1; DROP TABLE t; ALTER TABLE nothing ADD UNIQUE (a)');
SELECT hazards('ALTER TABLE empty ADD UNIQUE (a); CREATE INDEX ON empty (a); ALTER TABLE empty ALTER a TYPE bigint, ALTER a SET NOT NULL');
SELECT hazards('CREATE TABLE t (id serial PRIMARY KEY, o bigint REFERENCES orders)');

-- Planning an UPDATE for its rows runs no function of the script, however harmless it says it is.
CREATE FUNCTION pretends(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE 'this was run'; END$$;
CREATE FUNCTION tells(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE WARNING 'this was run'; RETURN true; END$$;
CREATE TABLE wide AS SELECT g AS id, repeat('x', 60) AS pad FROM generate_series(1, 150000) g;
ANALYZE wide;
SELECT hazard, estimated_rows > 100000 AS many FROM assist.check_migration('SET lock_timeout = 1; UPDATE wide SET id = 1 WHERE id > 1000');
SELECT hazard, estimated_rows > 100000 AS many FROM assist.check_migration('SET lock_timeout = 1; UPDATE wide SET id = 1 WHERE tells(1); DELETE FROM wide WHERE id > 1000 AND pretends(2)');
DROP TABLE wide;

-- Errors: SQLSTATE, place, and nothing else.
SELECT * FROM assist.check_migration(E'SELECT 1;\n\nALTER TABEL x');
\echo :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE
SELECT * FROM assist.check_migration(E'SELECT 1;\nUPDATE t SET a = :value');
SELECT * FROM assist.check_migration('SELECT ''open');
SELECT count(*) FROM assist.check_migration('SELECT ' || repeat('(', 60000) || '1' || repeat(')', 60000));
SELECT count(*) FROM assist.check_migration(repeat('x', 17000000));
SELECT count(*) FROM assist.check_migration('');
SELECT count(*) FROM assist.check_migration(repeat('SELECT 1;', 2000));

DROP INDEX orders_dead;
-- Safe forms: each is clean by the same check, and runs as printed.
CREATE TABLE safe AS
  SELECT row_number() OVER () AS n, hazard, object, safe_alternative AS sql FROM unnest(ARRAY[
    'CREATE INDEX orders_code ON orders (code)', 'DROP INDEX orders_status', 'ALTER TABLE orders ADD a uuid NOT NULL DEFAULT gen_random_uuid()',
    'ALTER TABLE orders ADD b serial', 'ALTER TABLE orders ADD CHECK (n > 0)', 'ALTER TABLE orders ADD CONSTRAINT "Odd Name" CHECK (n > 0), ADD FOREIGN KEY (n) REFERENCES customers',
    'ALTER TABLE orders ADD UNIQUE (id, n)', 'ALTER TABLE parted_new ADD PRIMARY KEY (id)', 'ALTER TABLE orders ALTER status SET NOT NULL',
    'ALTER TABLE orders ALTER n TYPE bigint', 'REINDEX TABLE orders', 'UPDATE orders SET code = ''d''', 'VACUUM FULL orders',
    'ALTER DOMAIN plain ADD CHECK (VALUE > 0)', 'ALTER TABLE orders ADD c int NOT NULL', 'ALTER TABLE customers RENAME TO people',
    'ALTER TABLE orders DROP CONSTRAINT orders_customer', 'ALTER TABLE orders ALTER code TYPE varchar(5)']) s (sql), assist.check_migration(s.sql)
  WHERE safe_alternative IS NOT NULL AND hazard <> 'fk_without_index';
SELECT hazard, object, (SELECT string_agg(c.hazard, ', ') FROM assist.check_migration(s.sql) c) AS still FROM safe s ORDER BY n;
DELETE FROM safe WHERE hazard = 'add_fk_validates';  -- values of n are not all in customers
\t on
\pset format unaligned
SELECT sql FROM safe ORDER BY n \g results/check_migration.safe
\t off
\pset format aligned
\set ECHO errors
\o /dev/null
\i results/check_migration.safe
\o
\set ECHO all
SELECT count(*) FILTER (WHERE a IS NULL) AS a, count(*) FILTER (WHERE b IS NULL) AS b, count(*) FILTER (WHERE n_new IS DISTINCT FROM n) AS n,
  count(*) FILTER (WHERE code <> 'd') AS code FROM orders;
SELECT conname, convalidated FROM pg_constraint WHERE conrelid IN ('orders'::regclass, 'parted_new'::regclass) ORDER BY 1;
RESET lock_timeout;
DROP SCHEMA shop CASCADE;
DROP EXTENSION pg_assist;
