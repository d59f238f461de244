-- What comes: forecasts of recorded and imported metrics, quiet hours, and when there are none.
CREATE EXTENSION pg_assist;
SET timezone = 'UTC';
SELECT FROM assist.reset();
CREATE TABLE fo (a int PRIMARY KEY);
CREATE TABLE "Fo Quiet" (a int);
INSERT INTO fo SELECT g FROM generate_series(1, 1000) g;
INSERT INTO "Fo Quiet" VALUES (1);
SELECT pg_stat_force_next_flush();
SELECT assist.record_history();

-- Nothing yet: no rows, and why.
SELECT * FROM assist.forecast('calls');
SELECT method, hours_held_back, reason LIKE 'the history is too short: %' AS reason FROM assist.forecast_quality('calls');
SELECT * FROM assist.best_windows();

-- What comes to be recorded in one interval is what each hour of eight weeks had, more of it from 8 to 18 on working days;
-- those of one night were not recorded.
SELECT count(*) AS calls FROM fo;
UPDATE fo SET a = a + 10000 WHERE a <= 500;
SELECT pg_stat_force_next_flush();
SELECT assist.record_history();
CREATE TABLE one AS SELECT DISTINCT ON (kind) * FROM assist.history_block WHERE kind IN (1, 3, 4, 5) ORDER BY kind, start DESC;
CREATE FUNCTION load(t timestamptz) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN extract(isodow FROM t AT TIME ZONE 'UTC') < 6 AND extract(hour FROM t AT TIME ZONE 'UTC') BETWEEN 8 AND 17 THEN 5 ELSE 1 END $$;
-- Hours are in the ring of the third tier, whose partitions have 20 days.
INSERT INTO assist.history_block
  SELECT 8 + floor(extract(epoch FROM t - '2000-01-01 00:00+00') / 1728000)::int % 4, kind, t, t + interval '1 hour', 3600, rows,
         assist._history_merge(array_fill(data, ARRAY[load(t)]))
  FROM one, generate_series(date_trunc('hour', now()) - interval '56 days', now() - interval '2 hours', '1 hour') t
  WHERE t NOT BETWEEN date_trunc('day', now()) - interval '10 days' AND date_trunc('day', now()) - interval '10 days' + interval '5 hours';
SELECT count(DISTINCT observed) AS hours FROM assist.database_history WHERE observed = 3600;
-- What a working hour has of it, and what others have, comes again.
CREATE FUNCTION expect(m text, o text, h interval DEFAULT '7 days') RETURNS TABLE (load int, hours bigint, expected float8, within bool, method text) LANGUAGE sql AS $$
  SELECT load(at), count(*), round(avg(expected) / min(min(expected)) OVER ()), bool_and(low95 <= low80 AND low80 <= expected AND expected <= high80 AND high80 <= high95), method
  FROM assist.forecast(m, o, h) GROUP BY load(at), method ORDER BY 1 $$;
SELECT load, hours, expected, within, method FROM expect('calls', NULL);
SELECT load, expected, within FROM expect('total_exec_time', NULL);
SELECT min(at) = date_trunc('hour', now()) AS from_now, count(*) FROM assist.forecast('calls', horizon => '90 minutes');
SELECT method, error_ratio < 0.01 AS error, coverage80, hours_measured BETWEEN 1330 AND 1344 AS measured, hours_held_back > 300 AS held_back, reason
  FROM assist.forecast_quality('calls');
-- A level stays: that of a table to which nothing happened, too.
SELECT count(DISTINCT expected) AS levels, min(expected) = pg_relation_size('fo') AS size FROM assist.forecast('size_bytes', 'fo', '1 day');
SELECT load, expected FROM expect('n_tup_upd', 'public.fo');
SELECT load, expected FROM expect('writes', 'fo');
SELECT load, expected FROM expect('executor_scans', 'fo_pkey');
SELECT queryid AS counted FROM assist.statement_history WHERE query = 'SELECT count(*) AS calls FROM fo' LIMIT 1 \gset
SELECT load, expected FROM expect('calls', :'counted');
SELECT count(DISTINCT round(expected::numeric, 6)) AS means FROM assist.forecast('mean_exec_time', :'counted', '3 hours');
-- The clock of the caller: at the same moments the same, whatever they are called there.
SET timezone = 'Asia/Kathmandu';
SELECT hours > 0 AS some, expected FROM expect('calls', NULL);
SET timezone = 'America/New_York';
SELECT count(*) AS hours, count(DISTINCT at) AS moments FROM assist.forecast('calls', horizon => '10 days');
SET timezone = 'UTC';

-- Quiet hours: nights and weekends, never working hours.
SELECT count(*) AS windows, bool_and(day IN ('Saturday', 'Sunday') OR start NOT BETWEEN '06:30' AND '17:30') AS quiet,
       bool_and(round(share_of_peak::numeric, 2) = 0.20 AND spread = 0 AND until - start IN ('2 hours', '-22 hours')) AS far_below,
       bool_and(total_exec_time > 0 AND wal_bytes > 0 AND times_seen BETWEEN 7 AND 8 AND times_quiet = times_seen) AS known
  FROM assist.best_windows('2 hours', 10);
SELECT count(*) FROM assist.best_windows('90 minutes', 168);

-- Imported: of hours that were not recorded, and of what is not recorded at all. A trend, and a season.
SELECT assist.import_history(string_agg(format('%s,%s,%s,%s', m, o, t, v), E'\n')) FROM (
  SELECT 'queue_length' AS m, 'mail' AS o, t, 100 + 40 * sin(extract(epoch FROM t) / 86400 * 2 * pi()) + 0.01 * extract(epoch FROM t - now()) / 3600 AS v
  FROM generate_series(date_trunc('hour', now()) - interval '40 days', now(), '1 hour') t
  UNION ALL
  SELECT 'random_walk', '', t, sum(hashint4(row_number) / 2147483648.0) OVER (ORDER BY t)
  FROM (SELECT t, row_number() OVER (ORDER BY t)::int FROM generate_series(date_trunc('hour', now()) - interval '40 days', now(), '1 hour') t) t
  UNION ALL
  SELECT 'negative', 'x', t, -5 - load(t)
  FROM generate_series(date_trunc('hour', now()) - interval '40 days', now(), '1 hour') t) i;
SELECT bool_and(abs(expected - (100 + 40 * sin(extract(epoch FROM at) / 86400 * 2 * pi()))) < 8) AS near, count(*) FROM assist.forecast('queue_length', 'mail');
SELECT min(expected) < -9 AND max(expected) < -5 AS below_zero FROM assist.forecast('negative', 'x');
SELECT method, error_ratio > 0.9 AS error, reason LIKE 'no method was better than the last value%' AS reason FROM assist.forecast_quality('random_walk');
SELECT count(*) FROM assist.forecast('queue_length', 'mail', '40 days');

-- Bad input.
\set VERBOSITY sqlstate
SELECT * FROM assist.forecast('cals');
SELECT * FROM assist.forecast('n_tup_ins');
SELECT * FROM assist.forecast('n_tup_ins', 'nothing');
SELECT * FROM assist.forecast('calls', horizon => '-1 hour');
\set VERBOSITY default
SELECT * FROM assist.forecast('cals');
SELECT * FROM assist.forecast('n_tup_ins');
SELECT * FROM assist.forecast('mean_exec_time');
SELECT * FROM assist.forecast('n_tup_ins', 'nothing');
SELECT * FROM assist.forecast('n_tup_ins', 'no name');
SELECT * FROM assist.forecast('n_tup_ins', 'a.b.c.d');
SELECT * FROM assist.forecast('n_tup_ins', '');
SELECT * FROM assist.forecast('n_tup_ins', 'fo_pkey');
SELECT * FROM assist.forecast('mean_exec_time', '1');
SELECT * FROM assist.forecast('mean_exec_time', 'fo');
SELECT * FROM assist.forecast('xid_age', 'fo');
SELECT * FROM assist.forecast('queue_length', 'post');
SELECT * FROM assist.forecast('queue_length');
SELECT * FROM assist.forecast('calls', horizon => '0');
SELECT * FROM assist.forecast('calls', horizon => '84 days');
SELECT * FROM assist.best_windows('0');
SELECT * FROM assist.best_windows('25 hours');
SELECT * FROM assist.best_windows(count => 0);
SELECT * FROM assist.forecast(NULL), assist.best_windows(NULL);
-- A name with a blank, quoted; one that search_path finds.
SELECT reason FROM assist.forecast_quality('size_bytes', '"Fo Quiet"', '1 day');
DROP FUNCTION expect, load;
DROP TABLE fo, "Fo Quiet", one;
DROP EXTENSION pg_assist;
