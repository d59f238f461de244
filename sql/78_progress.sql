-- Progress of what takes long, in the style of the server's pg_stat_progress_ views.

CREATE FUNCTION assist._progress(
  OUT pid pg_catalog.int4, OUT datid pg_catalog.oid, OUT command pg_catalog.text, OUT phase pg_catalog.text,
  OUT statements_total pg_catalog.int8, OUT statements_done pg_catalog.int8, OUT candidates pg_catalog.int8,
  OUT plans pg_catalog.int8)
RETURNS SETOF record LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'assist_progress';
COMMENT ON FUNCTION assist._progress() IS 'internal: rows of assist.progress';

CREATE VIEW assist.progress AS
  SELECT p.pid, p.datid, d.datname, p.command, p.phase, p.statements_total, p.statements_done, p.candidates, p.plans
  FROM assist._progress() p
       LEFT JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) p.datid;
COMMENT ON VIEW assist.progress IS
  'one row per run of assist.advise_indexes() or an analysis (assist.refresh(), the analyst) that goes on now: what it is at. As in the server''s pg_stat_progress_ views, what others run is NULL for who may not see statistics';
COMMENT ON COLUMN assist.progress.command IS 'advise_indexes, analysis';
COMMENT ON COLUMN assist.progress.phase IS
  'recording history, reading catalogs, reading statements, choosing indexes, planning with the chosen indexes, verifying built indexes, measuring bloat, judging rules, storing recommendations';
COMMENT ON COLUMN assist.progress.statements_total IS 'statements that this phase goes through; 0 = it goes through none';
COMMENT ON COLUMN assist.progress.statements_done IS 'of these';
COMMENT ON COLUMN assist.progress.candidates IS 'indexes that could serve, found so far';
COMMENT ON COLUMN assist.progress.plans IS 'plans made so far';
REVOKE ALL ON FUNCTION assist._progress() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist._progress() TO pg_read_all_stats;
GRANT SELECT ON assist.progress TO pg_read_all_stats;
