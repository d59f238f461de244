-- assist.advise_indexes: one set for given or observed statements.
SET client_min_messages = warning;
CREATE EXTENSION pg_assist;
CREATE SCHEMA shelf;
SET search_path = shelf, public;
CREATE TABLE buyers (id int PRIMARY KEY, email text, country text, joined date);
INSERT INTO buyers SELECT i, 'user' || i || '@example.com', 'c' || i % 20, date '2020-01-01' + i % 1000 FROM generate_series(1, 5000) i;
CREATE TABLE sales (id int PRIMARY KEY, buyer_id int, status text, sold timestamptz, total numeric(10, 2), note text, gone timestamptz);
INSERT INTO sales SELECT i, i * 7919 % 5000 + 1, CASE WHEN i % 50 = 0 THEN 'open' ELSE 'done' END,
    timestamptz '2024-01-01' + i * 7919 % 60000 * interval '1 minute', i % 1000, 'note ' || md5(i::text), CASE WHEN i % 100 > 0 THEN now() END
  FROM generate_series(1, 60000) i;
VACUUM (ANALYZE) buyers, sales;
CREATE FUNCTION definition(create_index text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT regexp_replace(create_index, '^.* ON ', '') $$;

-- One for two statements, and each order, range, expression and pattern its own.
SELECT rank, definition(create_index), cardinality(queryids) AS helps, cost_after < cost_before AS cheaper FROM assist.advise_indexes(NULL, ARRAY[
  'SELECT * FROM sales WHERE buyer_id = 7', 'UPDATE sales SET total = 0 WHERE buyer_id = 9',
  'SELECT * FROM sales WHERE status = ''open'' ORDER BY sold DESC LIMIT 10',
  'SELECT * FROM buyers WHERE lower(email) = ''user7@example.com''',
  'SELECT count(*) FROM sales WHERE note LIKE ''note abc%''',
  'SELECT sum(total) FROM sales WHERE sold BETWEEN ''2024-02-01'' AND ''2024-02-02''',
  'SELECT id FROM sales WHERE gone IS NULL',
  'SELECT s.* FROM buyers b JOIN sales s ON s.buyer_id = b.id WHERE b.country = ''c3'' AND b.joined = ''2020-02-02'''
]) ORDER BY rank;

-- Each is used by the statements it was advised for once it is built, and none is advised again; sizes are as predicted.
CREATE TABLE given (query text);
INSERT INTO given VALUES ('SELECT * FROM sales WHERE buyer_id = 7'), ('SELECT * FROM sales WHERE status = ''open'' ORDER BY sold DESC LIMIT 10'),
  ('SELECT id FROM sales WHERE gone IS NULL'), ('SELECT count(*) FROM sales WHERE note LIKE ''note abc%''');
CREATE TABLE advised AS SELECT create_index, size_bytes FROM assist.advise_indexes(NULL, (SELECT array_agg(query) FROM given));
SELECT regexp_replace(create_index, ' CONCURRENTLY', '') FROM advised ORDER BY 1 \gexec
VACUUM (ANALYZE) sales;
SELECT definition(i.indexdef), pg_relation_size(format('%I.%I', i.schemaname, i.indexname)::regclass) / a.size_bytes::float8 BETWEEN 0.85 AND 1.15 AS size_fits
  FROM advised a JOIN pg_indexes i ON a.create_index LIKE '% ' || i.indexname || ' ON %' WHERE i.schemaname = 'shelf' ORDER BY 1;
CREATE FUNCTION index_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan jsonb; BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
  RETURN (SELECT string_agg(DISTINCT name #>> '{}', ' ') FROM jsonb_path_query(plan, 'strict $.**."Index Name"') name);
END $$;
SELECT query, index_of(query) AS index FROM given ORDER BY query;
SELECT definition(create_index) FROM assist.advise_indexes(NULL, (SELECT array_agg(query) FROM given));

-- Two statements that read different columns through the same key share one that carries both.
SELECT definition(create_index), cardinality(queryids) AS helps FROM assist.advise_indexes(NULL, ARRAY[
  'SELECT sum(total) FROM sales WHERE sold BETWEEN ''2024-01-10'' AND ''2024-01-30''',
  'SELECT count(DISTINCT status) FROM sales WHERE sold BETWEEN ''2024-01-02'' AND ''2024-01-20''']);

-- A budget: what fits into it, and less of it helps less.
DROP INDEX sales_buyer_id_idx;
SELECT b.budget, coalesce(sum(size_bytes), 0) <= b.budget AS fits, count(a.rank) AS indexes
  FROM (VALUES (0::bigint), (20000), (1000000), (100000000)) b (budget)
  LEFT JOIN LATERAL assist.advise_indexes(b.budget, ARRAY['SELECT * FROM sales WHERE buyer_id = 7', 'SELECT * FROM sales WHERE buyer_id = 8 AND total > 990']) a ON true
 GROUP BY b.budget ORDER BY b.budget;

-- What the new one does the work of.
CREATE INDEX sales_sold ON sales (sold);
CREATE INDEX sales_total ON sales (total);
CREATE UNIQUE INDEX sales_sold_id ON sales (sold, id);
SELECT definition(create_index), makes_redundant FROM assist.advise_indexes(NULL, ARRAY[
  'SELECT * FROM sales WHERE total = 7 AND sold > ''2024-02-10''', 'SELECT * FROM sales WHERE total = 8 AND sold < ''2024-01-02''']);

-- Where a naive tool would misfire: an index that is there, a tiny table, most of the rows, a statement without a condition.
CREATE TABLE tiny AS SELECT i AS id, i % 3 AS kind FROM generate_series(1, 20) i;
ANALYZE tiny;
SELECT * FROM assist.advise_indexes(NULL, ARRAY['SELECT * FROM sales WHERE id = 7', 'SELECT * FROM tiny WHERE kind = 1', 'SELECT * FROM sales WHERE total >= 10',
  'SELECT count(*) FROM sales', 'SELECT * FROM sales WHERE status <> ''done''', 'SELECT 1', 'INSERT INTO tiny VALUES (1, 1)', 'SELECT * FROM sales WHERE now() > sold + random() * interval ''1 day''']);

-- LIKE takes the pattern class of its type, unless the collation compares bytes; not with a wildcard first.
CREATE TABLE words AS SELECT i AS id, md5(i::text) COLLATE "und-x-icu" AS t, md5(i::text)::varchar(40) COLLATE "und-x-icu" AS v,
    md5(i::text)::char(40) COLLATE "und-x-icu" AS b, md5(i::text) COLLATE "C" AS c FROM generate_series(1, 20000) i;
ANALYZE words;
SELECT definition(create_index) FROM assist.advise_indexes(NULL, ARRAY['SELECT * FROM words WHERE t LIKE ''abcd%''', 'SELECT * FROM words WHERE v LIKE ''abcd%''',
  'SELECT * FROM words WHERE b LIKE ''abcd%''', 'SELECT * FROM words WHERE c LIKE ''abcd%''', 'SELECT * FROM words WHERE t LIKE ''%abcd''']) ORDER BY 1;
-- No index serves these; an order ends at a key that no column gives.
SELECT definition(create_index) FROM assist.advise_indexes(NULL, ARRAY['SELECT * FROM words WHERE t ILIKE ''ab%''', 'SELECT * FROM words WHERE t <> ''a''',
  'SELECT * FROM words WHERE t || v = ''$1''  || random()', 'SELECT count(*) FROM tiny a JOIN words b ON a.id <> b.id', 'SELECT * FROM words WHERE (SELECT 1) = 2']);
SELECT definition(create_index) FROM assist.advise_indexes(NULL, ARRAY['SELECT * FROM words ORDER BY id, (SELECT max(id) FROM tiny) + random(), v LIMIT 3']);

-- Other methods, where an operator asks for them: built, they are used, and of the size that was predicted.
CREATE EXTENSION pg_trgm SCHEMA public;
CREATE TABLE things AS SELECT i AS id, jsonb_build_object('brand', 'b' || i % 300, 'size', i % 9) AS doc, ARRAY['t' || i % 400, 'u' || i % 37] AS tags,
    'thing ' || md5(i::text) AS title, point(i % 1000, i % 777) AS place, int4range(i, i + 9) AS span, repeat(md5(i::text), 3) AS wide, i AS made
  FROM generate_series(1, 30000) i;
VACUUM (ANALYZE) things;
TRUNCATE given, advised;
INSERT INTO given VALUES ('SELECT id FROM things WHERE doc @> ''{"brand": "b7"}'''), ('SELECT id FROM things WHERE tags && ARRAY[''t7'']'),
  ('SELECT id FROM things WHERE to_tsvector(''simple'', title) @@ to_tsquery(''simple'', ''abc'')'), ('SELECT id FROM things WHERE title ILIKE ''%abcde%'''),
  ('SELECT * FROM things ORDER BY place <-> point(3, 3) LIMIT 2'), ('SELECT * FROM things WHERE span @> 77'), ('SELECT * FROM things WHERE wide = ''x''');
INSERT INTO advised SELECT create_index, size_bytes FROM assist.advise_indexes(NULL, (SELECT array_agg(query) FROM given));
SELECT regexp_replace(create_index, ' CONCURRENTLY', '') FROM advised ORDER BY 1 \gexec
SELECT definition(i.indexdef), pg_relation_size(format('%I.%I', i.schemaname, i.indexname)::regclass) / a.size_bytes::float8 BETWEEN 0.7 AND 1.3 AS size_fits
  FROM advised a JOIN pg_indexes i ON a.create_index LIKE '% ' || i.indexname || ' ON %' WHERE i.schemaname = 'shelf' ORDER BY 1;
ANALYZE things;
SELECT query, index_of(query) AS index FROM given ORDER BY query;
SELECT definition(create_index) FROM assist.advise_indexes(NULL, (SELECT array_agg(query) FROM given));
DROP EXTENSION pg_trgm CASCADE;

-- What hides rows, or would run a function of somebody on them: no sample is taken.
CREATE ROLE advise_guest;
CREATE TABLE veiled AS SELECT i AS id, ARRAY['t' || i % 40] AS tags, 1 AS divisor FROM generate_series(1, 5000) i;
INSERT INTO veiled VALUES (0, '{secret}', 0);
ANALYZE veiled;
CREATE FUNCTION shelf.spy(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE WARNING ''called''; RETURN $1; END';
GRANT USAGE ON SCHEMA shelf, assist TO advise_guest;
GRANT SELECT ON veiled TO advise_guest;
GRANT EXECUTE ON FUNCTION assist.what_if(text[], text[], regclass[]) TO advise_guest;
ALTER TABLE veiled ENABLE ROW LEVEL SECURITY;
CREATE POLICY not_all ON veiled USING (divisor > 0);
SELECT used FROM assist.what_if(ARRAY['SELECT id FROM shelf.veiled WHERE shelf.spy(id) = 7'], ARRAY['CREATE INDEX spied ON shelf.veiled (shelf.spy(id))']);
SELECT cost_after > 0 AS planned FROM assist.what_if(ARRAY['SELECT 1'], ARRAY['CREATE INDEX ON shelf.veiled USING gin (tags)']);
SET ROLE advise_guest;
SELECT cost_after > 0 AS planned FROM assist.what_if(ARRAY['SELECT 1'], ARRAY['CREATE INDEX ON shelf.veiled ((100 / divisor), id)']);
SELECT cost_after > 0 AS planned FROM assist.what_if(ARRAY['SELECT 1'], ARRAY['CREATE INDEX ON shelf.veiled USING gin (tags)']);
RESET ROLE;
DROP OWNED BY advise_guest;
DROP ROLE advise_guest;

-- Observed statements.
SELECT assist.reset();
\set ECHO none
\o /dev/null
SELECT format('SELECT * FROM sales WHERE buyer_id = %s', i) FROM generate_series(1, 40) i \gexec
\o
\set ECHO all
SELECT rank, definition(create_index), cardinality(queryids) AS helps, saved_ms_per_day > 0 AS saves, write_ms_per_day, confidence BETWEEN 0.3 AND 1 AS sure,
       jsonb_array_length(statements) AS statements, statements -> 0 ->> 'calls_per_day' AS calls_per_day
  FROM assist.advise_indexes() ORDER BY rank;

-- Bad input.
SELECT * FROM assist.advise_indexes(-1);
SELECT * FROM assist.advise_indexes(NULL, ARRAY['SELECT 1', NULL]);
SELECT * FROM assist.advise_indexes(NULL, ARRAY['SELECT * FROM nowhere']);
SELECT * FROM assist.advise_indexes(NULL, ARRAY['SELECT * FROM sales WHERE']);
SELECT * FROM assist.advise_indexes(NULL, ARRAY['VACUUM sales']);
SELECT * FROM assist.advise_indexes(NULL, ARRAY[]::text[]);

-- Who may ask: given statements need the caller's own rights.
CREATE ROLE advise_nobody;
CREATE ROLE advise_reader;
GRANT pg_read_all_stats TO advise_reader;
GRANT USAGE ON SCHEMA shelf TO advise_nobody, advise_reader;
SET ROLE advise_nobody;
SELECT * FROM assist.advise_indexes();
RESET ROLE;
SET ROLE advise_reader;
SELECT * FROM assist.advise_indexes(NULL, ARRAY['SELECT * FROM shelf.sales WHERE buyer_id = 7']);
SELECT count(*) FROM assist.advise_indexes();
RESET ROLE;
DROP OWNED BY advise_nobody, advise_reader;
DROP ROLE advise_nobody, advise_reader;
DROP SCHEMA shelf CASCADE;
DROP EXTENSION pg_assist;
