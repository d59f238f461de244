-- What-if planning: predicted against real plans, costs and sizes; what is refused; rights.
CREATE EXTENSION pg_assist;
CREATE SCHEMA shop;
SET search_path = shop, public;
SET timezone = 'UTC';

CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL, country text, created date, note text);
INSERT INTO customers
  SELECT i, 'Customer.' || i || '@example.com', (ARRAY['de','fr','it','es','pl'])[1 + i % 5],
         date '2020-01-01' + i % 1500, repeat('x', i % 60)
    FROM generate_series(1, 20000) i;
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int NOT NULL, status text NOT NULL,
                     ordered timestamptz NOT NULL, total numeric(12,2), coupon text);
INSERT INTO orders
  SELECT i, 1 + (i::bigint * 7919) % 20000, CASE WHEN i * 31 % 997 < 20 THEN 'open' ELSE 'done' END,
         timestamptz '2024-01-01 00:00+00' + i * interval '1 minute', (i * 37 % 100000) / 100.0,
         CASE WHEN i % 10 = 0 THEN 'C' || i % 300 END
    FROM generate_series(1, 100000) i;
CREATE TABLE events (id bigint, at timestamptz NOT NULL, kind int, customer_id int) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
-- Another column order than the parent's.
CREATE TABLE events_3 (customer_id int, gone int, kind int, at timestamptz NOT NULL, id bigint);
ALTER TABLE events_3 DROP COLUMN gone;
ALTER TABLE events ATTACH PARTITION events_3 FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
INSERT INTO events
  SELECT i, timestamptz '2024-01-01 00:00+00' + i % 90 * interval '1 day', i / 90 % 200, 1 + i % 20000
    FROM generate_series(1, 60000) i;
VACUUM (ANALYZE) customers, orders, events;

-- The plan as EXPLAIN draws it, node types and what they read.
CREATE FUNCTION sketch(plan jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', plan->>'Node Type', plan->>'Index Name',
                   (SELECT '(' || string_agg(sketch(p), ', ') || ')' FROM jsonb_array_elements(plan->'Plans') p))
$$;

-- One query, one index: what is predicted, what is true once it is built.
CREATE FUNCTION prove(label text, index text, query text) RETURNS TABLE
  (query_of text, used text[], same_plan bool, cost_within_5_percent bool, size_within_15_percent bool)
LANGUAGE plpgsql AS $$
DECLARE
  predicted record; bytes int8; real_plan json; real_cost float8; real_bytes int8; built regclass;
BEGIN
  SELECT * INTO predicted FROM assist.what_if(ARRAY[query], ARRAY[index]);
  bytes := assist._index_size(index);
  EXECUTE index;
  EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO real_plan;
  real_cost := (real_plan->0->'Plan'->>'Total Cost')::float8;
  SELECT i.indexrelid INTO built FROM pg_index i ORDER BY i.indexrelid DESC LIMIT 1;
  built := coalesce(pg_partition_root(built), built);
  SELECT greatest(sum(pg_relation_size(t.relid)), pg_relation_size(built)) INTO real_bytes
    FROM pg_partition_tree(built) t;
  query_of := label;
  used := predicted.used;
  same_plan := regexp_replace(sketch(predicted.plan_after->0->'Plan'), ' \w+_idx\d*', ' idx', 'g')
             = regexp_replace(sketch(real_plan::jsonb->0->'Plan'), ' \w+_idx\d*', ' idx', 'g');
  cost_within_5_percent := abs(predicted.cost_after / real_cost - 1) <= 0.05;
  size_within_15_percent := abs(bytes / real_bytes::float8 - 1) <= 0.15;
  IF NOT cost_within_5_percent THEN
    RAISE NOTICE '% predicted %, real %', label, predicted.cost_after, real_cost;
  END IF;
  IF NOT size_within_15_percent THEN
    RAISE NOTICE '% predicted % bytes, real %', label, bytes, real_bytes;
  END IF;
  EXECUTE format('DROP INDEX %s', built);
  RETURN NEXT;
END $$;

SELECT p.* FROM (VALUES
  ('equality', 'CREATE INDEX ON orders (customer_id)', 'SELECT * FROM orders WHERE customer_id = 42'),
  ('equality and order', 'CREATE INDEX ON orders (customer_id, ordered DESC)',
   'SELECT * FROM orders WHERE customer_id = 42 ORDER BY ordered DESC LIMIT 3'),
  ('order alone', 'CREATE INDEX ON orders (ordered DESC NULLS LAST)',
   'SELECT * FROM orders ORDER BY ordered DESC NULLS LAST LIMIT 20'),
  ('range', 'CREATE INDEX ON orders (ordered)',
   $q$SELECT sum(total) FROM orders WHERE ordered > timestamptz '2024-03-01 00:00+00'$q$),
  ('between', 'CREATE INDEX ON orders (total)',
   'SELECT * FROM orders WHERE total BETWEEN 10.5 AND 10.9'),
  ('two columns', 'CREATE INDEX ON orders (status, ordered)',
   $q$SELECT * FROM orders WHERE status = 'open' AND ordered > timestamptz '2024-03-05 00:00+00'$q$),
  ('expression', 'CREATE INDEX ON customers (lower(email))',
   $q$SELECT * FROM customers WHERE lower(email) = 'customer.7@example.com'$q$),
  ('partial', $q$CREATE INDEX ON orders (ordered) WHERE status = 'open'$q$,
   $q$SELECT * FROM orders WHERE status = 'open' ORDER BY ordered LIMIT 10$q$),
  ('partial, few', $q$CREATE INDEX ON orders (coupon) WHERE coupon IS NOT NULL$q$,
   $q$SELECT * FROM orders WHERE coupon = 'C30'$q$),
  ('index only', 'CREATE INDEX ON orders (customer_id) INCLUDE (total)',
   'SELECT sum(total) FROM orders WHERE customer_id BETWEEN 10 AND 30'),
  ('prefix', 'CREATE INDEX ON customers (email text_pattern_ops)',
   $q$SELECT * FROM customers WHERE email LIKE 'Customer.77%'$q$),
  ('array', 'CREATE INDEX ON orders (customer_id)',
   'SELECT * FROM orders WHERE customer_id IN (1, 2, 3, 4, 5)'),
  ('null', 'CREATE INDEX ON orders (coupon)', 'SELECT count(*) FROM orders WHERE coupon IS NULL'),
  ('join', 'CREATE INDEX ON orders (customer_id)',
   $q$SELECT c.email, o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id < 20$q$),
  ('semijoin', 'CREATE INDEX ON orders (customer_id, status)',
   $q$SELECT count(*) FROM customers c WHERE c.country = 'de' AND EXISTS
      (SELECT FROM orders o WHERE o.customer_id = c.id AND o.status = 'open')$q$),
  ('group', 'CREATE INDEX ON orders (customer_id)',
   'SELECT customer_id, count(*) FROM orders GROUP BY customer_id ORDER BY customer_id LIMIT 5'),
  ('minimum', 'CREATE INDEX ON orders (total)', 'SELECT max(total) FROM orders'),
  ('unique', 'CREATE UNIQUE INDEX ON customers (email)',
   $q$SELECT * FROM customers WHERE email = 'Customer.7@example.com'$q$),
  ('low cardinality', 'CREATE INDEX ON customers (country)',
   $q$SELECT count(*) FROM customers WHERE country = 'de'$q$),
  ('fillfactor', 'CREATE INDEX ON customers (created, id) WITH (fillfactor = 50)',
   $q$SELECT * FROM customers WHERE created = date '2021-01-01'$q$),
  ('update', 'CREATE INDEX ON orders (customer_id)',
   'UPDATE orders SET total = total + 1 WHERE customer_id = 42'),
  ('delete', 'CREATE INDEX ON orders (total)', 'DELETE FROM orders WHERE total < 20'),
  ('partitioned', 'CREATE INDEX ON events (customer_id)', 'SELECT * FROM events WHERE customer_id = 42'),
  ('one partition', 'CREATE INDEX ON events (kind, at)',
   $q$SELECT * FROM events WHERE kind = 4 AND at >= timestamptz '2024-03-10 00:00+00' ORDER BY at$q$),
  ('hash', 'CREATE INDEX ON orders USING hash (coupon)', $q$SELECT * FROM orders WHERE coupon = 'C30'$q$),
  ('hash, different values', 'CREATE INDEX ON customers USING hash (email)',
   $q$SELECT * FROM customers WHERE email = 'Customer.7@example.com'$q$),
  ('brin', 'CREATE INDEX ON orders USING brin (ordered)',
   $q$SELECT sum(total) FROM orders WHERE ordered < timestamptz '2024-01-03 00:00+00'$q$),
  ('partition asked directly', 'CREATE INDEX ON events (customer_id)',
   'SELECT * FROM events_3 WHERE customer_id = 42')
) AS t (label, index, query), prove(t.label, t.index, t.query) p;

-- A parameter without a value is planned as in a generic plan, also where partitions would be pruned.
SELECT query, cost_after < cost_before AS cheaper, sketch(plan_after->0->'Plan'), used
  FROM assist.what_if(ARRAY['SELECT * FROM orders WHERE customer_id = $1',
                            'SELECT * FROM events WHERE at = $1 AND kind = $2',
                            'SELECT $1 + 1'],
                      ARRAY['CREATE INDEX by_customer ON orders (customer_id)',
                            'CREATE INDEX CONCURRENTLY by_kind ON events_1 (kind)',
                            'CREATE INDEX IF NOT EXISTS unused ON customers (note)']);

-- Names: given, chosen, and chosen again.
SELECT used FROM assist.what_if(ARRAY['SELECT * FROM orders WHERE customer_id = 4',
                                      'SELECT * FROM orders WHERE total = 4'],
                                ARRAY['CREATE INDEX "By Customer" ON shop.orders (customer_id)',
                                      'CREATE INDEX ON orders (total)', 'CREATE INDEX ON orders (total)']);

-- Hidden indexes.
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX events_customer ON events (customer_id);
SELECT query, cost_after > cost_before AS dearer, sketch(plan_before->0->'Plan') AS before,
       sketch(plan_after->0->'Plan') AS after, used
  FROM assist.what_if(ARRAY['SELECT * FROM orders WHERE customer_id = 42',
                            'SELECT * FROM orders WHERE id = 42',
                            'SELECT * FROM events WHERE customer_id = 42'],
                      '{}', ARRAY['orders_customer', 'orders_pkey', 'events_customer']::regclass[]);
-- One instead of another.
SELECT sketch(plan_after->0->'Plan') AS after, used
  FROM assist.what_if(ARRAY['SELECT total FROM orders WHERE customer_id = 42'],
                      ARRAY['CREATE INDEX covering ON orders (customer_id) INCLUDE (total)'], ARRAY['orders_customer']::regclass[]);
DROP INDEX orders_customer, events_customer;

-- Nothing stays: no index, no lock, no hidden index, and a statement that is run sees none of it.
SELECT count(*) AS indexes FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
 WHERE c.relnamespace = 'shop'::regnamespace;
BEGIN;
SELECT count(*) FROM assist.what_if(ARRAY['UPDATE orders SET total = 0 WHERE customer_id = 1'],
                                    ARRAY['CREATE INDEX ON orders (customer_id)']);
SELECT count(*) AS locks FROM pg_locks
 WHERE pid = pg_backend_pid() AND relation IN ('orders'::regclass, 'customers'::regclass);
SELECT count(*) FROM orders WHERE customer_id = 1;
COMMIT;

-- A function that planning folds, and that itself plans and runs a statement, sees no hypothetical index
-- and keeps no plan over one.
CREATE FUNCTION orders_of(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN RETURN (SELECT count(*) FROM shop.orders WHERE customer_id = $1); END $$;
SELECT used, sketch(plan_after->0->'Plan') FROM assist.what_if(
  ARRAY['SELECT * FROM orders WHERE customer_id = orders_of(42)'], ARRAY['CREATE INDEX ON orders (customer_id)']);
SELECT orders_of(42), orders_of(43);

-- Refused, with a position where there is one.
\set SHOW_CONTEXT never
CREATE FUNCTION refused(queries text[], create_indexes text[] DEFAULT '{}', drop_indexes regclass[] DEFAULT '{}')
RETURNS TABLE (state text, message text, hint bool) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM * FROM assist.what_if(queries, create_indexes, drop_indexes);
EXCEPTION WHEN OTHERS THEN
  DECLARE text_of_hint text;
  BEGIN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, text_of_hint = PG_EXCEPTION_HINT;
    hint := text_of_hint <> '';
    RETURN NEXT;
  END;
END $$;
SELECT r.* FROM (VALUES
  ('VACUUM orders'), ('EXPLAIN SELECT 1'), ('CREATE TABLE x AS SELECT 1'), ('SELECT 1 INTO x'), (''),
  ('SELECT 1; SELECT 2'), ('DECLARE c CURSOR FOR SELECT 1'), ('SELECT * FROM nowhere'), ('SELECT nothing FROM orders'),
  ('SELEC 1'), ('SELECT $1'), (NULL), ('SELECT count(*) FROM orders WHERE total = ''x''')) AS t (query), refused(ARRAY[query]) r;
SELECT r.* FROM (VALUES
  ('CREATE TABLE x (a int)'), ('CREATE INDEX ON nowhere (a)'), ('CREATE INDEX ON orders (nothing)'),
  ('CREATE INDEX ON orders (lower(nothing))'), ('CREATE INDEX ON orders USING nomethod (id)'),
  ('CREATE INDEX ON orders ((now()))'), ('CREATE INDEX ON orders (id) WHERE ordered > now()'),
  ('CREATE INDEX ON orders (id) WITH (nooption = 1)'), ('CREATE INDEX ON orders (id) WITH (fillfactor = 5)'),
  ('CREATE INDEX ON orders (id) INCLUDE (lower(coupon))'), ('CREATE INDEX ON orders (xmin)'),
  ('CREATE INDEX ON orders USING gin (string_to_array(coupon, '','')) '), ('CREATE INDEX ON orders USING brin (ordered) WITH (pages_per_range = 4)'),
  ('CREATE INDEX ON orders (id COLLATE "C")'), ('CREATE INDEX ON orders'), (''), (NULL)) AS t (index),
  refused('{}', ARRAY[index]) r;
SELECT r.* FROM refused('{}', '{}', ARRAY['orders']::regclass[]) r;
SELECT r.* FROM refused(NULL) r;
SELECT r.* FROM refused('{}', ARRAY['CREATE INDEX a ON orders (id)', 'CREATE INDEX a ON orders (total)']) r;
SELECT * FROM assist.what_if('{}');
-- The position is one in the statement, not in the calling one.
SELECT * FROM assist.what_if(ARRAY['SELECT total FROM orders WHERE totall = 1']);
SELECT * FROM assist.what_if(ARRAY['SELECT 1'], ARRAY['CREATE INDEX ON orders (total desc,)']);

-- Rights: the caller's own, column by column, with row security.
CREATE ROLE whatif_reader;
GRANT USAGE ON SCHEMA assist, shop TO whatif_reader;
GRANT EXECUTE ON FUNCTION assist.what_if(text[], text[], regclass[]) TO whatif_reader;
GRANT EXECUTE ON FUNCTION refused(text[], text[], regclass[]) TO whatif_reader;
GRANT SELECT (id, total) ON orders TO whatif_reader;
GRANT SELECT ON customers TO whatif_reader;
CREATE VIEW order_totals AS SELECT customer_id, total FROM orders;
GRANT SELECT ON order_totals TO whatif_reader;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY german ON customers USING (country = 'de');
SET ROLE whatif_reader;
SELECT r.* FROM (VALUES
  ('SELECT total FROM orders WHERE id = 1'), ('SELECT status FROM orders'), ('UPDATE orders SET total = 0'),
  ('SELECT * FROM order_totals WHERE customer_id = 1'), ('SELECT * FROM events'),
  ('WITH e AS (SELECT * FROM events) SELECT 1'), ('SELECT (SELECT count(*) FROM events)')) AS t (query),
  LATERAL (SELECT query, coalesce((SELECT state || ' ' || message FROM shop.refused(ARRAY[query])), 'planned') AS outcome) r;
SELECT r.* FROM refused('{}', ARRAY['CREATE INDEX ON orders (status)']) r;
SELECT r.* FROM refused('{}', ARRAY['CREATE INDEX ON events (kind)']) r;
SELECT r.* FROM refused('{}', '{}', ARRAY['shop.orders_pkey']::regclass[]) r;
SELECT plan_after->0->'Plan'->>'Filter' AS filter, used
  FROM assist.what_if(ARRAY['SELECT * FROM customers WHERE email = ''a'''], ARRAY['CREATE INDEX ON customers (country)']);
SELECT plan_after->0->'Plan'->>'Index Cond' AS condition, plan_after->0->'Plan'->>'Filter' AS filter, used
  FROM assist.what_if(ARRAY['SELECT id FROM customers WHERE email = ''a'''], ARRAY['CREATE INDEX i ON customers (email)']);
SELECT r.* FROM refused('{}', ARRAY['CREATE INDEX ON customers (id) WHERE email LIKE ''%7%''']) r;
RESET ROLE;
SET ROLE pg_read_all_stats;
SELECT cost_after FROM assist.what_if(ARRAY['SELECT 1']);
RESET ROLE;
-- Without a grant: nothing.
REVOKE EXECUTE ON FUNCTION assist.what_if(text[], text[], regclass[]) FROM whatif_reader;
SET ROLE whatif_reader;
SELECT * FROM assist.what_if(ARRAY['SELECT 1']);
RESET ROLE;

-- What planning runs is in a restricted operation and undone.
CREATE FUNCTION sneak(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN EXECUTE 'SET ROLE whatif_reader'; RETURN 1; END $$;
SELECT r.* FROM refused(ARRAY['SELECT * FROM orders WHERE id = sneak(1)']) r;
CREATE FUNCTION leave(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN PERFORM set_config('search_path', 'nowhere', false); RETURN 1; END $$;
SELECT cost_after IS NOT NULL AS planned FROM assist.what_if(ARRAY['SELECT * FROM orders WHERE id = leave(1)']);
SELECT current_setting('search_path'), current_user = session_user AS same_user;

RESET search_path;
RESET timezone;
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
REVOKE USAGE ON SCHEMA assist FROM whatif_reader;
DROP ROLE whatif_reader;
DROP EXTENSION pg_assist;
