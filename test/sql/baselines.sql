-- What is normal at this hour, and whether that is known yet.
CREATE EXTENSION pg_assist;
SET timezone = 'UTC';
SELECT FROM assist.reset();
CREATE TABLE ba (a int PRIMARY KEY);
CREATE TABLE "Ba Quiet" (a int);
INSERT INTO ba SELECT g FROM generate_series(1, 50000) g;
SELECT pg_stat_force_next_flush();
SELECT assist.record_history();
SELECT count(*) AS counted FROM ba;
UPDATE ba SET a = a + 100000 WHERE a <= 30000;
SELECT pg_stat_force_next_flush();
SELECT assist.record_history();
SELECT state, weeks, normal_now, normal_low, normal_high FROM assist.baselines WHERE metric = 'calls' AND object IS NULL;
-- What was recorded in one interval is what each hour of four and a half weeks had, ten times of it in those of this name; that
-- of now would be more than normal.
CREATE TABLE one AS SELECT DISTINCT ON (kind) * FROM assist.history_block WHERE kind IN (1, 3, 5) ORDER BY kind, start DESC;
DELETE FROM assist.history_block WHERE kind IN (1, 3, 5);
CREATE FUNCTION load(t timestamptz) RETURNS int LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN t = date_trunc('hour', now()) THEN 20 WHEN extract(hour FROM t) = extract(hour FROM now()) THEN 10 ELSE 1 END $$;
CREATE PROCEDURE hours(since interval) LANGUAGE sql AS $$
  INSERT INTO assist.history_block
  SELECT 8 + floor(extract(epoch FROM t - '2000-01-01 00:00+00') / 1728000)::int % 4, kind, t, t + interval '1 hour', 3600, rows,
         assist._history_merge(array_fill(data, ARRAY[load(t)]))
  FROM one, generate_series(date_trunc('hour', now()) - since, now(), '1 hour') t $$;
CALL hours('32 days');
CREATE VIEW normal AS
  SELECT metric, CASE WHEN object = queryid::text THEN query ELSE object END AS object, state,
         round(normal_now / CASE metric WHEN 'calls' THEN calls WHEN 'writes' THEN 30000 WHEN 'connections' THEN 1 WHEN 'mean_exec_time' THEN normal_now WHEN 'reads' THEN normal_now END) AS normal,
         round(current / normal_now) AS current, normal_low <= normal_now AND normal_now <= normal_high AS within, hour = date_trunc('hour', now()) AS now, weeks
  FROM assist.baselines b, LATERAL (SELECT coalesce((SELECT sum(r.counts[CASE WHEN b.object IS NULL THEN 3 ELSE 1 END]) FROM one, assist._history_rows(one.data) r
    WHERE kind = CASE WHEN b.object IS NULL THEN 5 ELSE 1 END AND (b.object IS NULL OR r.key = (SELECT id FROM assist.history_statement s WHERE s.queryid = b.queryid))), 0) AS calls) c;
SELECT * FROM normal WHERE object IS NULL AND metric <> 'total_exec_time' ORDER BY metric;
SELECT * FROM normal WHERE metric IN ('reads', 'writes') ORDER BY metric;
SELECT * FROM normal WHERE object LIKE 'UPDATE ba %' ORDER BY metric;
SELECT userid::regrole = current_user::regrole AS mine, toplevel, object = queryid::text AS by_id FROM assist.baselines WHERE query LIKE 'UPDATE ba %' AND metric = 'calls';
-- In Nepal an hour begins at another moment; it is as normal there.
SET timezone = 'Asia/Kathmandu';
SELECT state, extract(minute FROM hour AT TIME ZONE 'UTC') AS minute FROM assist.baselines WHERE metric = 'calls' AND object IS NULL;
-- Of any metric, of any statement, table or index, as the view has it of those that are watched.
SELECT metric, (SELECT (o.hour, o.normal_now, o.normal_low, o.normal_high, o.state) FROM assist.baseline(b.metric, b.object) o) IS NOT DISTINCT FROM (b.hour, b.normal_now, b.normal_low, b.normal_high, b.state) AS same
  FROM assist.baselines b WHERE metric IN ('calls', 'writes') AND (object IS NULL OR query LIKE 'UPDATE ba %' OR object = 'public.ba') ORDER BY object NULLS FIRST;
SELECT count(*) FROM assist.baseline('n_tup_upd', 'ba');
SELECT count(*) FROM assist.baseline(NULL);
SELECT FROM assist.baseline('calls', '1');
SELECT FROM assist.baseline('nonsense');
SELECT FROM assist.baseline('seq_scan', 'no_such_table');
SET timezone = 'UTC';
-- Fifteen days: the day is known (or on a weekend perhaps not), the week is not. Two: nothing is.
DELETE FROM assist.history_block WHERE kind IN (1, 3, 5);
CALL hours('15 days');
SELECT state IN ('hour of day', 'learning') AS state, weeks FROM assist.baselines WHERE metric = 'calls' AND object IS NULL;
DELETE FROM assist.history_block WHERE kind IN (1, 3, 5);
CALL hours('2 days');
SELECT state, weeks, normal_now, normal_low, current > 0 AS current FROM assist.baselines WHERE metric = 'calls' AND object IS NULL;
DROP VIEW normal;
DROP PROCEDURE hours;
DROP FUNCTION load;
DROP TABLE ba, "Ba Quiet", one;
DROP EXTENSION pg_assist;
