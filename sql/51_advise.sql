-- The index advisor.

CREATE FUNCTION assist.advise_indexes(budget_bytes pg_catalog.int8 DEFAULT NULL, queries pg_catalog.text[] DEFAULT NULL)
RETURNS TABLE (rank pg_catalog.int4, create_index pg_catalog.text, size_bytes pg_catalog.int8,
               cost_before pg_catalog.float8, cost_after pg_catalog.float8, queryids pg_catalog.int8[],
               saved_ms_per_day pg_catalog.float8, write_ms_per_day pg_catalog.float8, confidence pg_catalog.float8,
               makes_redundant pg_catalog.text[], statements pg_catalog.jsonb)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_advise_indexes';

COMMENT ON FUNCTION assist.advise_indexes(pg_catalog.int8, pg_catalog.text[]) IS
'The indexes that would serve the observed statements of this database best, chosen as one set; with budget_bytes, of those that fit into it. With queries, for those statements, each counted once and planned with the caller''s rights, instead. One row per index, what pays most first (with a budget: most for its size): create_index runs as printed; size_bytes is predicted; cost_before and cost_after are of all statements in planner units, weighted by calls a day, with the indexes of the rows above in place, without and with this one; queryids of the statements it helps; saved_ms_per_day of their time, by their own observed speed, and write_ms_per_day that keeping it costs (NULL with queries); confidence 0 to 1 by how much was observed; makes_redundant are existing indexes that it does the work of; statements says for each helped one queryid, calls_per_day, mean_ms, cost_before, cost_after and saved_ms_per_day. Changes nothing.';

REVOKE ALL ON FUNCTION assist.advise_indexes(pg_catalog.int8, pg_catalog.text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist.advise_indexes(pg_catalog.int8, pg_catalog.text[]) TO pg_read_all_stats;

CREATE FUNCTION assist._advise_indexes(budget_bytes pg_catalog.int8, queries pg_catalog.text[], index_bytes pg_catalog.regprocedure)
RETURNS TABLE (rank pg_catalog.int4, create_index pg_catalog.text, size_bytes pg_catalog.int8,
               cost_before pg_catalog.float8, cost_after pg_catalog.float8, queryids pg_catalog.int8[],
               saved_ms_per_day pg_catalog.float8, write_ms_per_day pg_catalog.float8, confidence pg_catalog.float8,
               makes_redundant pg_catalog.text[], statements pg_catalog.jsonb)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_advise_indexes';
REVOKE ALL ON FUNCTION assist._advise_indexes(pg_catalog.int8, pg_catalog.text[], pg_catalog.regprocedure) FROM PUBLIC;
COMMENT ON FUNCTION assist._advise_indexes(pg_catalog.int8, pg_catalog.text[], pg_catalog.regprocedure) IS 'internal: assist.advise_indexes() with the sizes that a function index_bytes(create_index text) returns bigint gives, to compare with tools that take others';
