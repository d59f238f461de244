-- Migrations: the safe steps of a recommendation and the way back.

CREATE FUNCTION assist.generate_migration(recommendation_id pg_catalog.int8,
  OUT step pg_catalog.int4, OUT direction pg_catalog.text, OUT sql pg_catalog.text,
  OUT transactional pg_catalog.bool, OUT lock_level pg_catalog.text, OUT blocks pg_catalog.text,
  OUT estimated_rows pg_catalog.int8, OUT estimated_duration pg_catalog."interval",
  OUT destructive pg_catalog.bool, OUT note pg_catalog.text, OUT verify pg_catalog.text)
RETURNS SETOF pg_catalog.record LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_generate_migration';
COMMENT ON FUNCTION assist.generate_migration(pg_catalog.int8) IS
'The numbered steps of a recommendation, up and then down: statement, whether it may run in a transaction, lock taken, what that blocks (nothing, writes, reads and writes), rows and duration estimated, whether it loses what the down steps cannot rebuild, and a query that shows it worked. Runs nothing.';

CREATE FUNCTION assist.generate_migration(recommendation_ids pg_catalog.int8[],
  OUT step pg_catalog.int4, OUT direction pg_catalog.text, OUT sql pg_catalog.text,
  OUT transactional pg_catalog.bool, OUT lock_level pg_catalog.text, OUT blocks pg_catalog.text,
  OUT estimated_rows pg_catalog.int8, OUT estimated_duration pg_catalog."interval",
  OUT destructive pg_catalog.bool, OUT note pg_catalog.text, OUT verify pg_catalog.text)
RETURNS SETOF pg_catalog.record LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_generate_migrations';
COMMENT ON FUNCTION assist.generate_migration(pg_catalog.int8[]) IS
'One migration of several recommendations: up steps in the given order, down steps in the opposite one.';

CREATE FUNCTION assist.migration_script(recommendation_id pg_catalog.int8)
RETURNS pg_catalog.text LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_migration_script';
COMMENT ON FUNCTION assist.migration_script(pg_catalog.int8) IS
'The migration of a recommendation as one commented psql script: up part, and the down part commented out.';

REVOKE ALL ON FUNCTION assist.generate_migration(pg_catalog.int8),
  assist.generate_migration(pg_catalog.int8[]), assist.migration_script(pg_catalog.int8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist.generate_migration(pg_catalog.int8),
  assist.generate_migration(pg_catalog.int8[]), assist.migration_script(pg_catalog.int8)
  TO pg_read_all_stats;
