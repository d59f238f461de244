-- What samples, history, alerts, regressions and waits do, once: their SQL tests wait for the clock or look at times, which mean nothing here.
-- What it prints is looked at by nobody.
CREATE EXTENSION IF NOT EXISTS pg_assist;
CREATE TABLE slow (id int PRIMARY KEY, customer int, note text);
INSERT INTO slow SELECT g, g % 50, repeat('x', 40) FROM generate_series(1, 2000) g;
CREATE INDEX slow_customer ON slow (customer);
VACUUM ANALYZE slow;
CREATE VIEW work AS SELECT format(t, i) FROM generate_series(1, 35) i, (VALUES ('SELECT note FROM slow WHERE id = %s'),
  ('SELECT count(note) FROM slow WHERE customer = %s'), ('UPDATE slow SET note = note WHERE id = %s')) v (t);
CREATE PROCEDURE judge() LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. 35 LOOP
    BEGIN PERFORM 1 / (id - id) FROM slow WHERE id = i; EXCEPTION WHEN division_by_zero THEN NULL; END;
  END LOOP;
  SET assist.track = none;
  PERFORM pg_sleep(0.2), pg_stat_force_next_flush();
  COMMIT;
  UPDATE assist.alert_judged SET at = '-infinity';
  DELETE FROM assist.regression_judged;
  UPDATE assist.capacity_judged SET hour = '-infinity', day = '-infinity';
  PERFORM assist.record_history();
  SET assist.track = 'all';
END $$;
SET assist.track_utility = off;
SET assist.sample_rate = 1;
SET assist.sample_parameters = on;
TABLE work \gexec
CALL judge();
SELECT assist.set_threshold('single_row_time', '', 0.00001, 0.00002), assist.set_threshold('list_time', '', 0.00001), assist.set_core_table('slow', true);
SELECT assist.set_threshold('connections', '', 0.5, 1), assist.set_threshold('writes', 'slow', 1);
TABLE work \gexec
CALL judge();
-- Five weeks of a statement that takes twice as long since yesterday, and of the database.
SELECT assist.import_history(string_agg(format(E'mean_exec_time,%1$s,%2$s,%3$s\nshare,%1$s,%2$s,0.2\ncalls,,%2$s,%4$s\ndisk_free_bytes,,%2$s,%5$s', s.queryid, t,
    10 * exp(0.3 * sin(extract(epoch FROM t) / 86400 * 2 * pi())) * CASE WHEN t > now() - interval '30 hours' THEN 2 ELSE 1 END,
    1000 + 500 * sin(extract(epoch FROM t) / 86400 * 2 * pi()), 1e9 * extract(epoch FROM now() - t) / 86400 + 1e9), E'\n'))
  FROM (SELECT queryid FROM assist.statement_history WHERE query LIKE '%count(note) FROM slow%' LIMIT 1) s,
       generate_series(date_trunc('hour', now()) - interval '34 days', now() - interval '2 hours', '1 hour') t;
DROP INDEX slow_customer;
SELECT assist.mark('release 1');
TABLE work \gexec
CALL judge();
-- Hours later: what was recorded is added up.
UPDATE assist.history_block SET start = start - interval '2 hours', until = until - interval '2 hours';
TABLE work \gexec
CALL judge();
SELECT count(*), sum(calls) FROM assist.statement_totals();
SELECT id, status, metric, title, evidence FROM assist.alerts;
SELECT detector, cause, causes, sql FROM assist.regressions;
SELECT assist.acknowledge(id, 'seen'), assist.mute(id, now() + interval '1 hour') FROM assist.alerts WHERE status = 'open';
SELECT * FROM assist.forecast('calls');
SELECT * FROM assist.forecast_quality('calls');
SELECT * FROM assist.best_windows();
SELECT count(*) FROM assist.statement_totals();
SELECT count(*) FROM assist.compare_periods(tstzrange(now() - interval '10 minutes', now() - interval '5 minutes'), tstzrange(now() - interval '5 minutes', NULL));
SELECT assist.health_text();
SELECT format('SELECT count(*), sum(length(v::text)) FROM assist.%I v', relname)
  FROM pg_class WHERE relnamespace = 'assist'::regnamespace AND relkind = 'v' \gexec
SELECT assist.forget(now());
DROP VIEW work;
DROP PROCEDURE judge;
DROP TABLE slow;
