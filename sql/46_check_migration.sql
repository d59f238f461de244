-- Checking migrations.

CREATE FUNCTION assist.check_migration(sql pg_catalog.text,
  OUT statement pg_catalog.int4, OUT hazard pg_catalog.text, OUT severity pg_catalog.text,
  OUT lock_level pg_catalog.text, OUT object pg_catalog.text, OUT explanation pg_catalog.text,
  OUT safe_alternative pg_catalog.text, OUT line pg_catalog.int4, OUT "position" pg_catalog.int4,
  OUT blocks pg_catalog.text, OUT estimated_rows pg_catalog.int8, OUT estimated_duration pg_catalog."interval")
RETURNS SETOF pg_catalog.record LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_check_migration';
COMMENT ON FUNCTION assist.check_migration(pg_catalog.text) IS
'The hazards of running a migration script on this database as it is now; no row means none. Runs nothing. statement = number in the script, from 1; hazard = name of its page in docs/hazards; severity info to critical; lock_level and what it blocks (nothing, writes, reads and writes); explanation with size, calls and who holds a conflicting lock now; safe_alternative = SQL to run instead, NULL where there is none; line and position (characters of the script, from 1) of the statement; estimated_rows read or changed and estimated_duration of the lock or of the change, NULL where not known.';

REVOKE ALL ON FUNCTION assist.check_migration(pg_catalog.text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist.check_migration(pg_catalog.text) TO pg_read_all_stats;
