-- Verification: whether what was recommended and is there now does what was predicted.
--
-- The tables are written by the library only. The views show a role what assist.all_recommendations shows it.

CREATE TABLE assist.verification (
  recommendation_id pg_catalog.int8 PRIMARY KEY,
  index_name pg_catalog.text NOT NULL,
  index_oid pg_catalog.oid NOT NULL,
  built_at pg_catalog.timestamptz NOT NULL,
  verdict pg_catalog.text NOT NULL DEFAULT 'measuring' CHECK (verdict OPERATOR(pg_catalog.=) ANY (ARRAY[
    'measuring', 'helped', 'did not help', 'unclear']::pg_catalog.text[])),
  predicted_ms_per_day pg_catalog.float8 NOT NULL,
  saved_ms_per_day pg_catalog.float8,
  saved_low pg_catalog.float8,
  saved_high pg_catalog.float8,
  statements pg_catalog.int4 NOT NULL,
  measured pg_catalog.int4 NOT NULL DEFAULT 0,
  slower pg_catalog.int4 NOT NULL DEFAULT 0,
  measured_at pg_catalog.timestamptz,
  settled_at pg_catalog.timestamptz
);
COMMENT ON TABLE assist.verification IS 'what became of recommended indexes that were built; read assist.verifications';
ALTER TABLE assist.verification ENABLE ROW LEVEL SECURITY;

CREATE TABLE assist.verified_statement (
  recommendation_id pg_catalog.int8 NOT NULL,
  statement pg_catalog.int4 NOT NULL,
  before_ms pg_catalog.float8,
  after_ms pg_catalog.float8,
  ratio pg_catalog.float8,
  ratio_low pg_catalog.float8,
  ratio_high pg_catalog.float8,
  calls_per_day pg_catalog.float8 NOT NULL,
  saved_ms_per_day pg_catalog.float8,
  PRIMARY KEY (recommendation_id, statement)
);
COMMENT ON TABLE assist.verified_statement IS
  'the statements that an index was to help, before and after; statement = id in assist.history_statement; read assist.verified_statements';
ALTER TABLE assist.verified_statement ENABLE ROW LEVEL SECURITY;

CREATE VIEW assist.verifications WITH (security_barrier) AS
  SELECT v.recommendation_id, r.title, r.status, v.index_name, v.built_at, v.verdict, v.predicted_ms_per_day,
         v.saved_ms_per_day, v.saved_low, v.saved_high, v.statements, v.measured, v.slower, v.measured_at, v.settled_at
  FROM assist.verification v
       JOIN assist.all_recommendations r ON r.id OPERATOR(pg_catalog.=) v.recommendation_id
  ORDER BY v.built_at DESC, v.recommendation_id;
COMMENT ON VIEW assist.verifications IS
  'one row per recommended index that somebody built: what its statements saved since, measured; of the relations one owns, or all for pg_read_all_stats';
COMMENT ON COLUMN assist.verifications.index_name IS 'the index that serves what was recommended, whatever it is called';
COMMENT ON COLUMN assist.verifications.built_at IS 'commit of the CREATE INDEX; where that was not seen, when it was first found';
COMMENT ON COLUMN assist.verifications.verdict IS
  'measuring; helped (surely, by a tenth of the statements'' time or more); did not help (less, and surely less than half of what was predicted); unclear (after a week)';
COMMENT ON COLUMN assist.verifications.predicted_ms_per_day IS 'ms of statement time saved a day, as it was recommended';
COMMENT ON COLUMN assist.verifications.saved_ms_per_day IS 'ms a day, measured: time per call before minus after, at the calls since';
COMMENT ON COLUMN assist.verifications.saved_low IS 'lower end of its 95 % interval';
COMMENT ON COLUMN assist.verifications.saved_high IS 'upper end of its 95 % interval';
COMMENT ON COLUMN assist.verifications.statements IS 'statements that were to be helped';
COMMENT ON COLUMN assist.verifications.measured IS 'of these, with at least 30 calls in three recorded intervals before and after';
COMMENT ON COLUMN assist.verifications.slower IS 'of these, surely slower by a tenth or more';
COMMENT ON COLUMN assist.verifications.settled_at IS 'when the week was over; not measured again';

CREATE VIEW assist.verified_statements WITH (security_barrier) AS
  SELECT m.recommendation_id, s.queryid, s.role_name, m.before_ms, m.after_ms, m.ratio, m.ratio_low, m.ratio_high,
         m.calls_per_day, m.saved_ms_per_day
  FROM assist.verified_statement m
       JOIN assist.history_statement s ON s.id OPERATOR(pg_catalog.=) m.statement
       JOIN assist.all_recommendations r ON r.id OPERATOR(pg_catalog.=) m.recommendation_id
  ORDER BY m.recommendation_id, m.saved_ms_per_day DESC NULLS LAST, s.queryid;
COMMENT ON VIEW assist.verified_statements IS
  'one row per statement that a built index was to help: ms a call before and after (ratio = after / before, with its 95 % interval; NULL = too few calls yet), calls and ms saved a day';

GRANT SELECT ON assist.verifications, assist.verified_statements TO pg_read_all_stats;
SELECT pg_catalog.pg_extension_config_dump('assist.verification', '');
SELECT pg_catalog.pg_extension_config_dump('assist.verified_statement', '');
