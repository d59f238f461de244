#!/bin/bash
# cost.sh: what one what-if call costs beside planning the statement plainly, in microseconds.
#
# A private server with the extension. Each line is the least of five rounds of N calls inside one
# session: `EXPLAIN` through PL/pgSQL (parse, plan, print), assist.what_if without and with 1, 5 and 20
# hypothetical indexes (parse, plan twice, print twice, size the indexes, subtransaction), and the same for
# 32 statements in one call, per statement.
#
# usage: cost.sh [N]        N calls a round (default 200). PG_CONFIG selects the PostgreSQL installation.
calls=${1:-200}
. "$(dirname "$(readlink -f "$0")")/../overhead/server.sh"

new_cluster whatif
start whatif shared_preload_libraries=pg_assist jit=off max_parallel_workers_per_gather=0
sql whatif -v calls="$calls" <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION pg_assist;
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, status text, ordered timestamptz, total numeric, note text);
INSERT INTO orders SELECT i, i * 7919 % 20000, 's' || i % 5, now() - i * interval '1 min', i % 1000, 'n' || i
  FROM generate_series(1, 200000) i;
CREATE TABLE customers (id int PRIMARY KEY, email text, country text);
INSERT INTO customers SELECT i, 'u' || i || '@x.org', 'c' || i % 20 FROM generate_series(1, 20000) i;
VACUUM ANALYZE;

CREATE FUNCTION least_us(rounds int, calls int, statement text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE started timestamptz; least float8;
BEGIN
  FOR round IN 1..rounds LOOP
    started := clock_timestamp();
    FOR i IN 1..calls LOOP EXECUTE statement; END LOOP;
    least := least(least, extract(epoch FROM clock_timestamp() - started) * 1e6 / calls);
  END LOOP;
  RETURN round(least::numeric, 0);
END $$;

CREATE TABLE indexes AS
  SELECT format('CREATE INDEX ON orders (%s)', string_agg(c, ', ' ORDER BY o)) AS text, row_number() OVER () AS n
    FROM (SELECT k, c, random() o FROM generate_series(1, 20) k,
                 LATERAL (SELECT c FROM unnest(ARRAY['customer_id', 'status', 'ordered', 'total', 'note']) c
                           ORDER BY md5(c || k) LIMIT 1 + k % 3) x) y GROUP BY k;
CREATE TABLE queries (name text, text text);
INSERT INTO queries VALUES
  ('primary key', 'SELECT * FROM orders WHERE id = 7'),
  ('equality', 'SELECT * FROM orders WHERE customer_id = 7'),
  ('order and limit', 'SELECT * FROM orders WHERE customer_id = 7 ORDER BY ordered DESC LIMIT 3'),
  ('join', 'SELECT c.email, sum(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.country = ''c3'' AND o.ordered > now() - interval ''1 day'' GROUP BY 1'),
  ('join of four', 'SELECT count(*) FROM orders a JOIN orders b ON b.customer_id = a.customer_id JOIN customers c ON c.id = a.customer_id JOIN customers d ON d.email = c.email WHERE a.status = ''s1'' AND b.total > 990');

\pset format aligned
\pset border 0
SELECT name AS "microseconds a call",
       least_us(5, :calls, 'EXPLAIN ' || text) AS "explain",
       least_us(5, :calls, format('SELECT count(*) FROM assist.what_if(ARRAY[%L])', text)) AS "what_if",
       least_us(5, :calls, format('SELECT count(*) FROM assist.what_if(ARRAY[%L], %L)', text, (SELECT array_agg(i.text) FROM indexes i WHERE n <= 1))) AS "1 index",
       least_us(5, :calls, format('SELECT count(*) FROM assist.what_if(ARRAY[%L], %L)', text, (SELECT array_agg(i.text) FROM indexes i WHERE n <= 5))) AS "5 indexes",
       least_us(5, :calls, format('SELECT count(*) FROM assist.what_if(ARRAY[%L], %L)', text, (SELECT array_agg(i.text) FROM indexes i WHERE n <= 20))) AS "20 indexes",
       round(least_us(5, greatest(:calls / 32, 3), format('SELECT count(*) FROM assist.what_if(array_fill(%L::text, ARRAY[32]), %L)', text, (SELECT array_agg(i.text) FROM indexes i WHERE n <= 5))) / 32) AS "5 indexes, of 32"
  FROM queries;
SQL
