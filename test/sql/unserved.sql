-- Comparisons that no index can serve as things are, and those that look like them.
CREATE EXTENSION pg_assist;
CREATE SCHEMA lib;
SET search_path = lib, public;
CREATE TABLE book (id int PRIMARY KEY, title text NOT NULL, code varchar(40) NOT NULL, tags text[] NOT NULL, numbers int[]);
INSERT INTO book SELECT i, md5(i::text) || ' ' || md5((i * 3)::text), md5((i * 7)::text), ARRAY['t' || i % 3000, 't' || i % 777], ARRAY[i % 5000]
  FROM generate_series(1, 30000) i;
CREATE INDEX book_tags_idx ON book USING gin (tags);
VACUUM (ANALYZE) book;
SELECT count(*) FROM (SELECT assist.set_rule(r, settings => '{"min_time": 0, "min_share": 0}')
  FROM unnest(ARRAY['any_array_ignores_gin', 'ilike_no_index', 'leading_wildcard_like', 'unanchored_regex']) r) s;
SELECT assist.reset();
SET assist.sample_rate = 1;
\set ECHO none
\o /dev/null
SELECT format('SELECT id FROM book WHERE title LIKE %L', '%' || substr(md5(i::text), 1, 9) || '%') FROM generate_series(1, 10) i \gexec
SELECT format('SELECT id FROM book WHERE code ILIKE %L', substr(md5(i::text), 1, 9) || '%') FROM generate_series(1, 10) i \gexec
SELECT format('SELECT id FROM book WHERE lower(title) ~ %L', substr(md5(i::text), 1, 9) || ' ') FROM generate_series(1, 10) i \gexec
SELECT format('SELECT id FROM book WHERE %L = ANY (tags)', 't' || i) FROM generate_series(1, 10) i \gexec
SELECT format('SELECT title FROM book WHERE %s = ANY (numbers)', i) FROM generate_series(1, 10) i \gexec
-- None: a fixed beginning, less than three letters, a filter that keeps most, few rows behind an index, an array of values.
SELECT format('SELECT title FROM book WHERE code LIKE %L', substr(md5(i::text), 1, 9) || '%') FROM generate_series(1, 10) i \gexec
SELECT format('SELECT count(*) FROM book WHERE code LIKE %L', '%' || substr(md5(i::text), 1, 2) || '%') FROM generate_series(1, 10) i \gexec
SELECT format('SELECT count(*), max(id) FROM book WHERE title NOT ILIKE %L', '%' || substr(md5(i::text), 1, 9) || '%') FROM generate_series(1, 10) i \gexec
SELECT format('SELECT title, code FROM book WHERE id = %s AND title LIKE %L', i, '%' || substr(md5(i::text), 1, 9) || '%') FROM generate_series(1, 10) i \gexec
SELECT format('SELECT title, id FROM book WHERE id = ANY (ARRAY[%s, 3, 4])', i) FROM generate_series(1, 10) i \gexec
\o
\set ECHO all
SELECT assist.refresh() > 0 AS found;
SELECT rule, category, title, sql, array_length(queryids, 1) AS statements FROM assist.recommendations()
  WHERE rule IN ('any_array_ignores_gin', 'ilike_no_index', 'leading_wildcard_like', 'unanchored_regex') ORDER BY rule, title;
SELECT regexp_replace(rationale, '[0-9.,]+ (us|ms|s|min|h) a day, [0-9.]+ %', 'T a day, S %') AS rationale, risk FROM assist.recommendations()
  WHERE rule = 'any_array_ignores_gin' AND title LIKE '%tags%';
SET client_min_messages = error;
-- Once the operator class is there, an index is recommended as any other.
CREATE EXTENSION pg_trgm SCHEMA public;
SELECT assist.refresh() >= 0 AS refreshed;
SELECT rule, object, status FROM assist.all_recommendations WHERE rule IN ('ilike_no_index', 'leading_wildcard_like', 'unanchored_regex') ORDER BY 1;
DROP SCHEMA lib CASCADE;
DROP EXTENSION pg_trgm;
DROP EXTENSION pg_assist;
