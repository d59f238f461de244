-- Regressions: what became slower or faster, since when, and why; and what is none.
CREATE EXTENSION pg_assist;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TABLE ro (id int PRIMARY KEY, customer int, note text);
INSERT INTO ro SELECT g, g % 5000, repeat('x', 40) FROM generate_series(1, 100000) g;
CREATE INDEX ro_customer ON ro (customer);
SELECT pg_stat_force_next_flush();
VACUUM ANALYZE ro;
CREATE TABLE rs (id int PRIMARY KEY, b int);
INSERT INTO rs SELECT g, g FROM generate_series(1, 20000) g;
SELECT pg_stat_force_next_flush();
VACUUM ANALYZE rs;
SELECT FROM assist.reset();
SELECT assist.record_history();
-- So many calls of each statement between two recordings, so many times: as the analyst sees them, only sooner.
CREATE PROCEDURE minutes(n int, calls int) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. n LOOP
    FOR k IN 1 .. calls LOOP
      PERFORM count(note) FROM ro WHERE customer = k;
      PERFORM count(*) FROM rs WHERE b < k;
    END LOOP;
    COMMIT;
    PERFORM assist.record_history();
    COMMIT;
  END LOOP;
END $$;
CREATE VIEW seen AS SELECT direction, status, severity, cause, sql, ratio > ratio_low AND ratio < ratio_high AS within,
       onset <= found_at AND impact_pct <> 0 AS told, query FROM assist.regressions
  WHERE query LIKE 'SELECT count(note) FROM ro%' ORDER BY id; -- what else a busy machine slows down is none of its business
CALL minutes(4, 50);
SELECT * FROM seen;
-- A mark alone, or an index that nothing used, slows nothing down.
SELECT assist.mark('release 1') IS NOT NULL AS marked;
CREATE INDEX ro_note ON ro (note);
DROP INDEX ro_note;
CALL minutes(4, 50);
SELECT * FROM seen;
-- The index that the plan used is gone.
DROP INDEX ro_customer;
CALL minutes(9, 10);
-- A moment for the analyst, who sees a new plan to the second.
SELECT pg_sleep(1.1);
CALL minutes(8, 10);
SELECT * FROM seen;
SELECT causes #>> '{1,cause}' AS second, causes #>> '{1,evidence}' AS evidence FROM assist.regressions WHERE query LIKE 'SELECT count(note) FROM ro%';
-- What it recommends brings it back.
SELECT sql FROM seen WHERE status = 'open' \gexec
CALL minutes(4, 50);
SELECT direction, status, cause FROM seen ORDER BY direction;
-- It is back at the plan that it had before: that is another plan, too.
SELECT p.plan::text ~ 'Index Scan' AS index, b.plan::text ~ 'Seq Scan' AS before FROM assist.history_statement s JOIN assist.history_plan p ON p.id = s.main_plan JOIN assist.history_plan b ON b.id = s.plan_before
 WHERE s.query LIKE 'SELECT count(note) FROM ro%';
-- Imported series.
SELECT assist.import_history($$metric,object,time,value
disk,/data,2026-01-01 00:00+00,1.5
disk,/data,2026-01-01 00:00+00,2.5
disk,"/data, old",2026-01-01 01:00+00,3
$$);
SELECT metric, object, value FROM assist.history_imported ORDER BY 2;
SELECT assist.import_history('a,b');
SELECT assist.import_history(E'a,b,2026-01-01,1\na,"b');
SELECT assist.import_history('a,b,yesterdayish,1');
SELECT assist.import_history('a,b,2026-01-01,much');
SELECT assist.import_history('');
SELECT count(*) FROM assist.history_imported;
BEGIN READ ONLY;
SELECT assist.import_history('');
ROLLBACK;
-- Five weeks by the hour, with a day's and a week's season and noise; since yesterday twice as long. Another statement has the
-- season alone, and a spike.
SELECT queryid AS steady FROM assist.statements WHERE query = 'SELECT count(*) FROM rs WHERE b < k' \gset
SELECT queryid AS doubled FROM assist.statements WHERE query = 'SELECT count(note) FROM ro WHERE customer = k' \gset
SELECT assist.import_history(string_agg(format(E'%s,%s,%s,%s\nshare,%2$s,%3$s,0.2', 'mean_exec_time', q, t,
    10 * exp(0.3 * sin(extract(epoch FROM t) / 86400 * 2 * pi()) + 0.1 * sin(extract(epoch FROM t) / 604800 * 2 * pi())
             + 0.05 * sin(extract(epoch FROM t) / 3600 * 12.9898 + q % 7))
    * CASE WHEN q = :doubled AND t > now() - interval '30 hours' THEN 2 WHEN q = :steady AND t BETWEEN now() - interval '20 hours' AND now() - interval '18 hours' THEN 5 ELSE 1 END), E'\n'))
  FROM (VALUES (:steady), (:doubled)) s (q), generate_series(date_trunc('hour', now()) - interval '34 days', now() - interval '2 hours', '1 hour') t;
DELETE FROM assist.regression_judged;
SELECT assist.record_history();
SELECT direction, severity, status, ratio BETWEEN 1.8 AND 2.2 AS ratio, ratio_low < 2 AND ratio_high > 2 AS within,
       now() - onset BETWEEN interval '28 hours' AND interval '32 hours' AS onset, query
  FROM assist.regressions WHERE detector = 'season';
-- Once an hour.
DELETE FROM assist.regression WHERE detector = 'season';
SELECT assist.record_history();
SELECT count(*) FROM assist.regressions WHERE detector = 'season';
-- A level that goes on to another one within a day: a row for each, however often it is judged.
SELECT assist.import_history(string_agg(format(E'%s,%s,%s,%s\nshare,%2$s,%3$s,0.2', 'mean_exec_time', :steady, t,
    10 * exp(0.3 * sin(extract(epoch FROM t) / 86400 * 2 * pi()) + 0.1 * sin(extract(epoch FROM t) / 604800 * 2 * pi()) + 0.05 * sin(extract(epoch FROM t) / 3600 * 12.9898))
    * CASE WHEN t > now() - interval '22 hours' THEN 6 WHEN t > now() - interval '42 hours' THEN 2 ELSE 1 END), E'\n'))
  FROM generate_series(date_trunc('hour', now()) - interval '50 hours', now() - interval '2 hours', '1 hour') t;
DELETE FROM assist.regression_judged;
SELECT assist.record_history();
DELETE FROM assist.regression_judged;
SELECT assist.record_history();
DELETE FROM assist.regression_judged;
SELECT assist.record_history();
SELECT round(ratio) AS ratio, status, CASE WHEN now() - onset > interval '32 hours' THEN 'first' ELSE 'then' END AS level FROM assist.regressions WHERE detector = 'season' AND queryid = :steady ORDER BY onset;
DROP VIEW seen;
DROP PROCEDURE minutes;
DROP TABLE ro, rs;
DROP EXTENSION pg_assist;
