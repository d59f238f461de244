-- What the parts share: the statements, and what a list of indexes would be worth by HypoPG.
CREATE SCHEMA bench;
CREATE TABLE bench.query (name text PRIMARY KEY, text text NOT NULL);
CREATE FUNCTION bench.queries() RETURNS text[] LANGUAGE sql AS 'SELECT array_agg(text ORDER BY name) FROM bench.query';
CREATE FUNCTION bench.hypopg_bytes(create_index text) RETURNS bigint LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE made oid; bytes bigint;
BEGIN
  SELECT indexrelid INTO made FROM hypopg_create_index(create_index);
  bytes := hypopg_relation_size(made);
  PERFORM hypopg_drop_index(made);
  RETURN bytes;
EXCEPTION WHEN OTHERS THEN RETURN NULL;  -- HypoPG cannot represent it
END $$;
CREATE FUNCTION bench.score(indexes text[], OUT cost float8, OUT bytes bigint) LANGUAGE plpgsql AS $$
DECLARE one text; plan json;
BEGIN
  PERFORM hypopg_reset();
  cost := 0;
  bytes := 0;
  FOREACH one IN ARRAY indexes LOOP
    bytes := bytes + hypopg_relation_size(indexrelid) FROM hypopg_create_index(replace(one, ' CONCURRENTLY', ''));
  END LOOP;
  FOR one IN SELECT text FROM bench.query LOOP
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || one INTO plan;
    cost := cost + (plan -> 0 -> 'Plan' ->> 'Total Cost')::float8;
  END LOOP;
  PERFORM hypopg_reset();
END $$;
