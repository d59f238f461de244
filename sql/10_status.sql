-- The state of the extension itself.

CREATE FUNCTION assist._status(
  OUT component text, OUT state text, OUT detail text, OUT memory_used bigint, OUT memory_limit bigint,
  OUT evictions bigint, OUT lost_calls bigint, OUT last_run timestamp with time zone, OUT last_error text)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_status';
COMMENT ON FUNCTION assist._status() IS 'internal: rows of assist.status';

CREATE VIEW assist.status AS SELECT * FROM assist._status();
COMMENT ON VIEW assist.status IS
  'one row per part of pg_assist: state, memory in bytes, what was evicted or lost, last run and error';
COMMENT ON COLUMN assist.status.lost_calls IS
  'executions not in assist.statements: of evicted statements, or not recorded because nothing was free';

REVOKE ALL ON FUNCTION assist._status() FROM PUBLIC;
GRANT USAGE ON SCHEMA assist TO pg_read_all_stats;
GRANT EXECUTE ON FUNCTION assist._status() TO pg_read_all_stats;
GRANT SELECT ON assist.status TO pg_read_all_stats;
