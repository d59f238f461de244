-- Indexes of many kinds: what is predicted, what HypoPG says, and what they are when they are built.
CREATE TABLE bench.skewed AS SELECT i AS id, (random() ^ 4 * 10000)::int AS skewed, i % 3 AS few, CASE WHEN i % 10 = 0 THEN i END AS sparse,
    'User' || i || '@Example.com' AS email, md5(i::text) || md5((i + 1)::text) AS wide, jsonb_build_object('brand', 'b' || i % 200, 'size', i % 7, 'tags', jsonb_build_array('t' || i % 40, 't' || i % 60)) AS doc,
    ARRAY['k' || i % 500, 'k' || i % 31] AS words, to_tsvector('simple', 'word' || i % 2000 || ' term' || i % 300 || ' common ' || md5((i % 5000)::text)) AS search,
    timestamptz '2024-01-01' + i * interval '10 seconds' AS made, int4range(i, i + 10) AS span, point(i % 1000, i % 777) AS place
  FROM generate_series(1, 400000) i;
VACUUM ANALYZE bench.skewed;
CREATE TABLE bench.size (n serial, index text, method text, predicted bigint, hypopg bigint, built bigint);
INSERT INTO bench.size (index) VALUES
  ('lineitem (l_orderkey)'), ('lineitem (l_partkey)'), ('lineitem (l_shipdate)'), ('lineitem (l_suppkey, l_partkey)'), ('lineitem (l_returnflag)'),
  ('lineitem (l_shipdate) INCLUDE (l_quantity, l_extendedprice, l_discount)'), ('orders (o_custkey)'), ('orders (o_orderdate)'), ('orders (o_clerk)'),
  ('orders (o_orderpriority)'), ('orders (o_totalprice)'), ('orders (o_custkey, o_orderdate)'), ('partsupp (ps_suppkey)'), ('partsupp (ps_partkey, ps_suppkey)'),
  ('part (p_type)'), ('part (p_brand, p_container)'), ('customer (c_phone)'), ('customer (c_name)'), ('customer (c_acctbal)'), ('customer (substr(c_phone, 1, 2))'),
  ('bench.skewed (skewed)'), ('bench.skewed (few)'), ('bench.skewed (sparse)'), ('bench.skewed (few, skewed)'), ('bench.skewed (email)'), ('bench.skewed (lower(email))'),
  ('bench.skewed (wide)'), ('bench.skewed ((doc ->> ''brand''))'), ('bench.skewed (date_trunc(''day'', made AT TIME ZONE ''UTC''))'), ('bench.skewed (made) WHERE few = 1'),
  ('bench.skewed (sparse) WHERE sparse IS NOT NULL'), ('bench.skewed (skewed) WHERE skewed > 5000'), ('bench.skewed (id) WITH (fillfactor = 70)'),
  ('bench.skewed USING hash (wide)'), ('bench.skewed USING brin (made)'), ('lineitem USING brin (l_shipdate)'),
  ('bench.skewed USING gin (doc)'), ('bench.skewed USING gin (doc jsonb_path_ops)'), ('bench.skewed USING gin (words)'), ('bench.skewed USING gin (search)'),
  ('bench.skewed USING gist (span)'), ('bench.skewed USING gist (place)');
DO $$
DECLARE one record; made oid; definition text;
BEGIN
  FOR one IN SELECT * FROM bench.size ORDER BY n LOOP
    definition := 'CREATE INDEX bench_size ON ' || one.index;
    UPDATE bench.size SET predicted = assist._index_size(definition), hypopg = bench.hypopg_bytes(definition),
      method = coalesce(substring(one.index FROM 'USING (\w+)'), 'btree') WHERE n = one.n;
    EXECUTE definition;
    SELECT oid INTO made FROM pg_class WHERE relname = 'bench_size';
    UPDATE bench.size SET built = pg_relation_size(made) WHERE n = one.n;
    EXECUTE format('DROP INDEX %s', made::regclass);
  END LOOP;
END $$;
