-- The index advisor: from observed statements to proposals the planner uses; whose rights planning has.
CREATE EXTENSION pg_assist;
CREATE SCHEMA mart;
SET search_path = mart, public;
SET timezone = 'UTC';

CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int NOT NULL, status text, ordered timestamptz, total numeric);
INSERT INTO orders
  SELECT i, 1 + i * 7919 % 20000, CASE WHEN i * 31 % 997 < 20 THEN 'open' ELSE 'done' END,
         timestamptz '2024-01-01' + i * interval '1 minute', i % 1000
    FROM generate_series(1, 100000) i;
CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL, country text);
INSERT INTO customers SELECT i, 'User' || i || '@example.com', 'c' || i % 5 FROM generate_series(1, 30000) i;
CREATE TABLE events (at date NOT NULL, kind int, payload text) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
INSERT INTO events SELECT date '2024-01-01' + i % 60, i % 5000, repeat('x', 50) FROM generate_series(1, 60000) i;
CREATE FUNCTION tail(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN right($1, 16); END';
CREATE TABLE colours (id int, name text);
INSERT INTO colours SELECT i, 'colour ' || i FROM generate_series(1, 100) i;
CREATE TABLE served (id int PRIMARY KEY, a int, b int);
INSERT INTO served SELECT i, i % 100, i FROM generate_series(1, 30000) i;
CREATE INDEX served_b_a ON served (b, a);
VACUUM (ANALYZE) orders, customers, events, colours, served;

SELECT assist.reset();
SELECT count(*) FROM assist.set_rule('missing_index', settings => '{"min_saving": 0, "min_share": 0}');
CREATE VIEW advice AS
  SELECT object, sql, array_length(queryids, 1) AS statements, status FROM assist.all_recommendations
   WHERE rule = 'missing_index' AND object LIKE 'mart.%' ORDER BY sql;

-- The workload.
\set ECHO none
\o /dev/null
SELECT format('SELECT * FROM orders WHERE customer_id = %s', i) FROM generate_series(1, 60) i \gexec
SELECT format('SELECT * FROM orders WHERE customer_id = %s ORDER BY ordered DESC LIMIT 3', i) FROM generate_series(1, 60) i \gexec
SELECT format('UPDATE orders SET total = total + 1 WHERE customer_id = %s AND status = %L', i, 'open') FROM generate_series(1, 20) i \gexec
-- One day of seventy: only the constants say that an index pays.
SELECT format('SELECT count(*) FROM orders WHERE ordered > timestamptz %L', timestamptz '2024-03-09' + i * interval '1 minute') FROM generate_series(1, 60) i \gexec
SELECT format('SELECT * FROM customers WHERE lower(email) = %L', 'user' || i || '@example.com') FROM generate_series(1, 60) i \gexec
SELECT format('SELECT * FROM customers WHERE tail(email) = %L', i || '@example.com') FROM generate_series(10000, 10030) i \gexec
SELECT format('SELECT count(*) FROM events WHERE kind = %s', i) FROM generate_series(1, 60) i \gexec
-- Nothing to gain: a small table, a key, an index that is there, a filter that keeps most rows.
SELECT format('SELECT * FROM colours WHERE id = %s', i) FROM generate_series(1, 60) i \gexec
SELECT format('SELECT * FROM orders WHERE id = %s', i) FROM generate_series(1, 60) i \gexec
SELECT format('SELECT * FROM served WHERE a = 5 AND b = %s', i) FROM generate_series(1, 60) i \gexec
SELECT format('SELECT count(total) FROM orders WHERE status <> %L', 'x' || i) FROM generate_series(1, 20) i \gexec
-- From a procedure and a prepared statement.
DO $$ DECLARE n int; BEGIN FOR i IN 1..60 LOOP SELECT count(*) INTO n FROM mart.customers WHERE email = 'User' || i || '@example.com'; END LOOP; END $$;
PREPARE by_country(text) AS SELECT count(*) FROM customers WHERE country = $1;
EXECUTE by_country('none');
\o
\set ECHO all
SELECT assist.refresh() > 0 AS found;
SELECT object, sql, statements FROM advice;

-- Each of them, built, is used by the statements it was proposed for, and then no longer proposed.
SELECT regexp_replace(sql, ' CONCURRENTLY', '') FROM advice \gexec
\o /dev/null
CREATE FUNCTION index_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan jsonb; BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
  RETURN (SELECT string_agg(DISTINCT name #>> '{}', ' ') FROM jsonb_path_query(plan, 'strict $.**."Index Name"') name);
END $$;
\o
SELECT index_of(query) AS index, query FROM (VALUES
  ('SELECT * FROM orders WHERE customer_id = 7'), ('SELECT * FROM orders WHERE customer_id = 7 ORDER BY ordered DESC LIMIT 3'),
  ('UPDATE orders SET total = total + 1 WHERE customer_id = 7 AND status = ''open'''),
  ('SELECT count(*) FROM orders WHERE ordered > timestamptz ''2024-03-09'''),
  ('SELECT * FROM customers WHERE lower(email) = ''user7@example.com'''),
  ('SELECT * FROM customers WHERE tail(email) = ''7777@example.com'''),
  ('SELECT count(*) FROM events WHERE kind = 7'), ('SELECT count(*) FROM customers WHERE email = ''User7@example.com''')) AS q (query);
SELECT assist.refresh() >= 0 AS done;
SELECT sql, status FROM advice WHERE status <> 'obsolete';

-- Without the constants a bound that selects as much as was measured stands in for them.
CREATE TABLE readings (id int PRIMARY KEY, sensor int, taken timestamptz);
INSERT INTO readings SELECT i, i % 100, timestamptz '2024-01-01' + i * 7919 % 60000 * interval '1 minute' FROM generate_series(1, 60000) i;
VACUUM (ANALYZE) readings;
SELECT assist.reset();
SET assist.keep_constants = off;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(id) FROM readings WHERE taken > %L', timestamptz '2024-02-11' + i * interval '1 minute') FROM generate_series(1, 30) i \gexec
SELECT format('SELECT count(id) FROM readings WHERE sensor < %s', 80 + i) FROM generate_series(1, 19) i \gexec
\o
\set ECHO all
RESET assist.keep_constants;
SELECT assist.refresh() >= 0 AS done;
SELECT sql FROM advice WHERE object = 'mart.readings';

-- Whose rights planning has. The witness is a sequence: calling it survives the rollback.
CREATE SEQUENCE witness;
CREATE ROLE advisor_mallory;
CREATE SCHEMA den AUTHORIZATION advisor_mallory;
CREATE FUNCTION seen() RETURNS bool LANGUAGE sql AS 'SELECT is_called FROM mart.witness';
GRANT USAGE ON SCHEMA mart TO advisor_mallory;
SET ROLE advisor_mallory;
CREATE FUNCTION den.constant(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION den.same(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 = $2; END';
CREATE OPERATOR den.=== (FUNCTION = den.same, LEFTARG = int, RIGHTARG = int, RESTRICT = eqsel);
CREATE FUNCTION den.positive(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 > 0; END';
CREATE DOMAIN den.number AS int CHECK (den.positive(VALUE));
RESET ROLE;
CREATE FUNCTION honest(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION inlined(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT den.constant($1) + 0';
CREATE TABLE parcels (id int PRIMARY KEY, box int, shelf int);
INSERT INTO parcels SELECT i, i % 9000, i % 7000 FROM generate_series(1, 60000) i;
VACUUM (ANALYZE) parcels;
SELECT assist.reset();
\set ECHO none
\o /dev/null
SELECT format('SELECT * FROM parcels WHERE box = den.constant(%s)', i) FROM generate_series(1, 30) i \gexec
SELECT format('SELECT * FROM parcels WHERE box OPERATOR(den.===) %s', i) FROM generate_series(1, 30) i \gexec
SELECT format('SELECT * FROM parcels WHERE box = %s::den.number', i) FROM generate_series(1, 30) i \gexec
SELECT format('SELECT * FROM parcels WHERE box = inlined(%s)', i) FROM generate_series(1, 30) i \gexec
\o
\set ECHO all
-- Harmless so far; now they tell when they run as somebody who may use the witness.
SET ROLE advisor_mallory;
CREATE FUNCTION den.tell() RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN PERFORM nextval('mart.witness'); EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
CREATE OR REPLACE FUNCTION den.constant(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM den.tell(); RETURN $1; END';
CREATE OR REPLACE FUNCTION den.same(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM den.tell(); RETURN $1 = $2; END';
CREATE OR REPLACE FUNCTION den.positive(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM den.tell(); RETURN $1 > 0; END';
SELECT den.constant(1), den.same(1, 1), den.positive(1);
RESET ROLE;
SELECT seen();
SELECT assist.refresh() >= 0 AS done;
SELECT seen();
-- Only the last but one was planned: a domain is not checked by planning.
SELECT a.sql, s.query FROM assist.recommendations() a, unnest(a.queryids) q, assist.statements s
 WHERE a.object = 'mart.parcels' AND s.queryid = q;
-- A function of somebody who has these rights does not stand in the way.
\set ECHO none
\o /dev/null
SELECT format('SELECT * FROM parcels WHERE shelf = honest(%s)', i) FROM generate_series(1, 30) i \gexec
\o
\set ECHO all
SELECT assist.refresh() > 0 AS found;
SELECT seen();
SELECT sql FROM advice WHERE object = 'mart.parcels';

-- The trap works: a superuser who calls the function falls into it.
SELECT den.constant(1), seen();

-- A role that may not read the table any more, and one that is gone: left out, without an error.
CREATE ROLE advisor_reader;
GRANT USAGE ON SCHEMA mart TO advisor_reader;
GRANT SELECT ON parcels TO advisor_reader;
DELETE FROM parcels WHERE id < 0;
SELECT assist.reset();
SET ROLE advisor_reader;
\set ECHO none
\o /dev/null
SELECT format('SELECT * FROM parcels WHERE box = %s', i) FROM generate_series(1, 60) i \gexec
\o
\set ECHO all
RESET ROLE;
REVOKE SELECT ON parcels FROM advisor_reader;
SELECT assist.refresh() >= 0 AS done;
SELECT count(*) FROM advice WHERE object = 'mart.parcels' AND status = 'open';
GRANT SELECT ON parcels TO advisor_reader;
SELECT assist.refresh() >= 0 AS done;
SELECT sql FROM advice WHERE object = 'mart.parcels' AND status = 'open';
DROP OWNED BY advisor_reader;
DROP ROLE advisor_reader;
SELECT assist.refresh() >= 0 AS done;
SELECT count(*) FROM advice WHERE object = 'mart.parcels' AND status = 'open';

-- A foreign key without an index: found by what its checks take.
CREATE TABLE senders (id int PRIMARY KEY);
CREATE TABLE letters (id int PRIMARY KEY, sender int NOT NULL CONSTRAINT letters_sender REFERENCES senders, note text);
INSERT INTO senders SELECT i FROM generate_series(1, 20100) i;
INSERT INTO letters SELECT i, i % 20000 + 1, repeat('x', 40) FROM generate_series(1, 60000) i;
VACUUM ANALYZE senders, letters;
SELECT assist.reset();
\set ECHO none
\o /dev/null
SELECT format('DELETE FROM senders WHERE id = %s', i) FROM generate_series(20001, 20060) i \gexec
\o
\set ECHO all
SELECT assist.refresh() >= 0 AS done;
SELECT sql, substring(rationale FROM 'It is the index of.*') AS why FROM assist.recommendations WHERE object = 'mart.letters' AND rule = 'missing_index';
-- It is used, and nothing more is said.
CREATE INDEX letters_by ON letters (sender);
SELECT assist.reset();
\set ECHO none
\o /dev/null
SELECT format('DELETE FROM senders WHERE id = %s', i) FROM generate_series(20061, 20100) i \gexec
\o
\set ECHO all
SELECT constraint_checks FROM assist.index_use WHERE index = 'letters_by'::regclass;
SELECT assist.refresh() >= 0 AS done;
SELECT count(*) FROM assist.recommendations WHERE object = 'mart.letters';

RESET search_path;
RESET timezone;
SET client_min_messages = warning;
DROP SCHEMA mart, den CASCADE;
DROP ROLE advisor_mallory;
DROP EXTENSION pg_assist;
