-- 30 tables, each with references to three others, and 100 statements that join 5 to 12 of them along those.
SELECT setseed(0.25) \g /dev/null
CREATE TABLE edges AS SELECT i AS child, 'p' || k AS "column", (i * 7 + k * 11) % 30 AS parent FROM generate_series(0, 29) i, generate_series(1, 3) k
  WHERE (i * 7 + k * 11) % 30 <> i;
SELECT format('CREATE TABLE t%s AS SELECT j AS id, j %% 1000 AS p1, j * 7919 %% 997 AS p2, j * 31 %% 5000 AS p3, j %% 50 AS kind, j %% 7919 AS value, md5(j::text) AS note
  FROM generate_series(1, %s) j', i, (ARRAY[1000, 5000, 20000, 60000])[1 + i % 4]) FROM generate_series(0, 29) i \gexec
VACUUM ANALYZE;
-- A walk from table to table over references in either direction; the n-th table met is a<n>.
CREATE FUNCTION make_statement(joins int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE tables int[] := ARRAY[floor(random() * 30)::int]; text text; edge record; a int; b int;
BEGIN
  text := format('FROM t%s a1', tables[1]);
  WHILE cardinality(tables) < joins + 1 LOOP
    SELECT e.*, t.n, t.oid = e.child AS down INTO edge FROM edges e, unnest(tables) WITH ORDINALITY t (oid, n)
     WHERE t.oid IN (e.child, e.parent) ORDER BY random() LIMIT 1;
    tables := tables || CASE WHEN edge.down THEN edge.parent ELSE edge.child END;
    a := edge.n;
    b := cardinality(tables);
    text := text || format(' JOIN t%s a%s ON %s', tables[b], b,
      CASE WHEN edge.down THEN format('a%s.id = a%s.%I', b, a, edge."column") ELSE format('a%s.%I = a%s.id', b, edge."column", a) END);
  END LOOP;
  RETURN format('SELECT count(*), max(a%s.note) %s WHERE a1.kind = %s AND a%s.value < %s', 1 + floor(random() * joins)::int, text,
    floor(random() * 50)::int, b, 10 + floor(random() * 500)::int);
END $$;
INSERT INTO bench.query SELECT to_char(i, '000'), make_statement(5 + i % 8) FROM generate_series(1, 100) i;
