-- What-if planning.

CREATE FUNCTION assist.what_if(queries pg_catalog.text[], create_indexes pg_catalog.text[] DEFAULT '{}',
                               drop_indexes pg_catalog.regclass[] DEFAULT '{}')
RETURNS TABLE (query pg_catalog.text, cost_before pg_catalog.float8, cost_after pg_catalog.float8,
               plan_before pg_catalog.jsonb, plan_after pg_catalog.jsonb, used pg_catalog.text[])
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_what_if';

COMMENT ON FUNCTION assist.what_if(pg_catalog.text[], pg_catalog.text[], pg_catalog.regclass[]) IS
'Plans each statement as it is and with create_indexes (CREATE INDEX statements) in place and drop_indexes out of sight; executes and changes nothing. One row per statement, in order: cost_before and cost_after in planner units (total), plan_before and plan_after as EXPLAIN (FORMAT JSON) shows them, used = names of the indexes of create_indexes that plan_after scans. Parameters ($1) are planned as in a generic plan. Needs the rights that running the statements needs, and SELECT on the indexed tables.';

REVOKE ALL ON FUNCTION assist.what_if(pg_catalog.text[], pg_catalog.text[], pg_catalog.regclass[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist.what_if(pg_catalog.text[], pg_catalog.text[], pg_catalog.regclass[]) TO pg_read_all_stats;

CREATE FUNCTION assist._index_size(create_index pg_catalog.text) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_index_size';
REVOKE ALL ON FUNCTION assist._index_size(pg_catalog.text) FROM PUBLIC;
COMMENT ON FUNCTION assist._index_size(pg_catalog.text) IS 'Bytes that the index of a CREATE INDEX statement would have, from statistics; of a partitioned table''s, the sum over its partitions.';
