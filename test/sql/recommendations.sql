-- What an analysis finds on a small database, and the review of it.
CREATE EXTENSION pg_assist;
CREATE VIEW found AS
  SELECT id, rule, object, sql, status FROM assist.all_recommendations ORDER BY rule, object;

-- The review starts from the defaults; what follows is about indexes and space only.
CREATE TABLE orders (id int PRIMARY KEY, customer int, note text);
INSERT INTO orders SELECT g, g % 100, repeat('x', 100) FROM generate_series(1, 20000) g;
VACUUM ANALYZE orders;
SELECT assist.refresh('{index,maintenance}');

-- Duplicates: the constraint's index stays, of two plain ones one goes; order, predicate, INCLUDE make others.
CREATE INDEX orders_customer ON orders (customer);
CREATE INDEX orders_customer_again ON orders (customer);
CREATE INDEX orders_id ON orders (id);
CREATE INDEX orders_customer_desc ON orders (customer DESC);
CREATE INDEX orders_customer_part ON orders (customer) WHERE id > 5;
CREATE INDEX orders_customer_incl ON orders (customer) INCLUDE (note);
-- Invalid: what a failed CREATE INDEX CONCURRENTLY leaves behind.
CREATE UNIQUE INDEX CONCURRENTLY orders_note ON orders (note);
SELECT assist.refresh('{index}');
SELECT * FROM found;
SELECT category, severity, title, confidence BETWEEN 0 AND 1 AS confident, storage_delta_bytes < 0 AS frees,
       rationale <> '' AS has_rationale, risk <> '' AS has_risk, jsonb_typeof(evidence), created_at <= updated_at
  FROM assist.recommendations ORDER BY rule, object;

-- Another category leaves them alone; the id is kept, and nothing is written when nothing changed.
SELECT assist.refresh('{configuration}') >= 3 AS ok;
SELECT xmin AS before FROM assist.recommendation WHERE object = 'public.orders_id' \gset
SELECT assist.refresh('{index}');
SELECT xmin::text = :'before' AS untouched FROM assist.recommendation WHERE object = 'public.orders_id';
SELECT * FROM found;

-- The review. Each returns the row.
SELECT id AS invalid FROM found WHERE rule = 'invalid_index' \gset
SELECT id AS twin FROM found WHERE object = 'public.orders_customer_again' \gset
SELECT id AS twin_id FROM found WHERE object = 'public.orders_id' \gset
SELECT status FROM assist.approve(:twin);
SELECT status FROM assist.approve(:twin);
\echo :SQLSTATE
SELECT status, status_reason FROM assist.dismiss(:twin_id, 'needed for a report');
SELECT status, postponed_until > now() AS later FROM assist.postpone(:invalid, now() + interval '1 hour');
SELECT status FROM assist.postpone(:invalid, 'infinity');
\echo :SQLSTATE
SELECT status FROM assist.postpone(:invalid, now());
\echo :SQLSTATE
SELECT assist.refresh('{index}');
SELECT rule, object, status FROM found;
SELECT object FROM assist.recommendations(status => 'postponed');
SELECT object FROM assist.recommendations('index', 'dismissed', 'low');
SELECT count(*) FROM assist.recommendations('table', NULL);
-- Its time has come.
UPDATE assist.recommendation SET postponed_until = now() - interval '1 second' WHERE id = :invalid;
SELECT assist.refresh('{index}');
SELECT status, status_reason, postponed_until FROM assist.all_recommendations WHERE id = :invalid;

-- Cause gone: obsolete; back: open again under its id. Dismissed stays dismissed.
DROP INDEX orders_note, orders_customer_again, orders_id;
SELECT assist.refresh('{index}');
SELECT id, status, status_reason FROM assist.all_recommendations ORDER BY id;
SELECT status FROM assist.reopen(:twin);
\echo :SQLSTATE
CREATE INDEX orders_id ON orders (id);
CREATE INDEX orders_customer_again ON orders (customer);
SELECT assist.refresh('{index}');
SELECT id, status FROM assist.all_recommendations ORDER BY id;
SELECT status FROM assist.reopen(:twin_id);

-- Done by hand: it stays implemented when the cause is gone, and opens when it comes back.
DROP INDEX orders_id;
SELECT status FROM assist.mark_implemented(:twin_id);
SELECT assist.refresh('{index}');
SELECT status FROM assist.all_recommendations WHERE id = :twin_id;
CREATE INDEX orders_id ON orders (id);
SELECT assist.refresh('{index}');
SELECT status FROM assist.all_recommendations WHERE id = :twin_id;

-- A rule that is off takes its recommendations back.
SELECT enabled FROM assist.set_rule('duplicate_index', false);
SELECT assist.refresh('{index}');
SELECT id, status, status_reason FROM assist.all_recommendations WHERE rule = 'duplicate_index' ORDER BY id;
SELECT enabled FROM assist.set_rule('duplicate_index', true);

-- Refused arguments.
SELECT assist.approve(0);
\echo :SQLSTATE
SELECT assist.dismiss(NULL);
\echo :SQLSTATE
SELECT * FROM assist.recommendations('indexes');
\echo :SQLSTATE
SELECT * FROM assist.recommendations(status => 'new');
\echo :SQLSTATE
SELECT * FROM assist.recommendations(min_severity => 'urgent');
\echo :SQLSTATE
SELECT assist.refresh('{index,oops}');
\echo :SQLSTATE
SELECT assist.refresh('{NULL}');
\echo :SQLSTATE
BEGIN READ ONLY;
SELECT assist.refresh();
ROLLBACK;
BEGIN READ ONLY;
SELECT assist.approve(1);
ROLLBACK;
-- What is written goes with the transaction.
BEGIN;
SELECT status FROM assist.dismiss(:twin_id);
ROLLBACK;
SELECT status, (SELECT count(*) FROM assist.history WHERE action = 'dismiss') AS dismissals
  FROM assist.all_recommendations WHERE id = :twin_id;

-- Every action, by whom.
SELECT role = current_user AS by_me, action, outcome, detail IS NOT NULL AS has_detail, object
  FROM assist.history ORDER BY id;

DROP VIEW found;
DROP TABLE orders;
DROP EXTENSION pg_assist;
