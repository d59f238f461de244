-- Targets of one's own: thresholds of any metric of history, and of imported ones.
CREATE EXTENSION pg_assist;
CREATE TABLE tg (id int PRIMARY KEY, note text);
CREATE TABLE "Tg Quiet" (id int);
INSERT INTO tg SELECT g, repeat('x', 40) FROM generate_series(1, 20000) g;
INSERT INTO "Tg Quiet" SELECT generate_series(1, 5000);
SELECT FROM assist.reset();
-- What came up to now is in an interval of its own, judged every five minutes: as if these had passed.
CREATE PROCEDURE judge() LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_stat_force_next_flush();
  COMMIT;
  UPDATE assist.alert_judged SET at = at - interval '5 minutes' WHERE pace = 'minutes';
  PERFORM assist.record_history();
END $$;
CREATE PROCEDURE work() LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. 35 LOOP PERFORM note FROM tg WHERE id = i; END LOOP;
  UPDATE tg SET note = note WHERE id <= 100;
END $$;
CREATE VIEW seen AS SELECT metric, CASE WHEN metric = 'mean_exec_time' THEN 'statement' WHEN object = current_database() THEN 'database' ELSE object END AS object,
    status, severity, threshold, unit, times_opened AS times FROM assist.alerts WHERE metric NOT IN ('disk', 'cache_hit_ratio') ORDER BY 1, 2;
CALL work();
CALL judge();
-- Of the database; below where critical is less than warning. Of a table, an index, a statement, and of what is imported.
SELECT metric, scope, warning, critical, unit, direction, scope_of, state FROM assist.set_threshold('connections', '', 0.5, 1000);
SELECT metric, scope, warning, critical, unit, direction FROM assist.set_threshold('disk_free_bytes', '', 1e18, 5e17);
SELECT metric, scope, warning, critical, unit, direction FROM assist.set_threshold('writes', 'TG', 5);
SELECT metric, scope, unit FROM assist.set_threshold('size_bytes', 'tg_pkey', 1000, 1e12);
SELECT metric, scope, unit FROM assist.set_threshold('size_bytes', '"Tg Quiet"', 1000);
SELECT queryid AS lookup FROM assist.statement_history WHERE query LIKE '%note FROM tg WHERE id%' LIMIT 1 \gset
SELECT metric, scope = :'lookup' AS scope, unit FROM assist.set_threshold('mean_exec_time', :'lookup', 0.00001);
SELECT assist.import_history(E'metric,object,time,value\ncpu_load,host1,' || now() - interval '30 minutes' || ',95');
SELECT metric, scope, unit FROM assist.set_threshold('cpu_load', 'host1', 80, 99);
SELECT metric, state FROM assist.thresholds WHERE scope_of = 'history' ORDER BY metric, scope;
CALL work();
CALL judge();
CALL work();
CALL judge();
SELECT count(*) AS too_soon FROM seen;
CALL work();
CALL judge();
SELECT * FROM seen;
-- A value that was imported is judged once.
SELECT assist.import_history(E'metric,object,time,value\ncpu_load,host1,' || now() - interval '20 minutes' || E',96\ncpu_load,host1,' || now() - interval '10 minutes' || ',97');
CALL judge();
SELECT assist.import_history(E'metric,object,time,value\ncpu_load,host1,' || now() - interval '5 minutes' || ',98');
CALL judge();
SELECT title, value, status FROM assist.alerts WHERE metric = 'cpu_load';
SELECT title ~ '^writes of public.tg: [0-9.e+]+$' AS writes, evidence ? 'observed_s' AS evidence, relation_name FROM assist.alerts WHERE metric = 'writes';
SELECT metric, state FROM assist.thresholds WHERE scope_of = 'history' ORDER BY metric, scope;
-- Nothing was written for three looks, and few calls are no mean; sizes are as they were.
CALL judge();
CALL judge();
CALL judge();
SELECT metric, object, status FROM seen;
-- Taken back, also of what is gone; then it is over.
SELECT assist.reset_threshold('connections');
DROP TABLE "Tg Quiet";
SELECT assist.reset_threshold('size_bytes', 'public."Tg Quiet"');
CALL judge();
SELECT metric, object, status FROM seen WHERE metric IN ('connections', 'size_bytes');
SELECT metric, scope FROM assist.thresholds WHERE scope_of = 'history' AND metric IN ('connections', 'size_bytes');
-- Off without being taken back.
SELECT state FROM assist.set_threshold('writes', 'tg');
CALL judge();
SELECT status FROM seen WHERE metric = 'writes';
-- Bad input.
SELECT assist.set_threshold('writes', '', 1);
SELECT assist.set_threshold('writes', 'no_such_table', 1);
SELECT assist.set_threshold('connections', 'tg', 1);
SELECT assist.set_threshold('mean_exec_time', '42', 1);
SELECT assist.set_threshold('connections', '', -1);
SELECT assist.set_threshold('cpu_load', 'host2', 1);
SELECT assist.reset_threshold('connections');
SELECT assist.reset_threshold('nonsense');
-- A role that was granted the function sets what it may see.
CREATE ROLE tg_role;
GRANT USAGE ON SCHEMA assist TO tg_role;
GRANT EXECUTE ON FUNCTION assist.set_threshold(text, text, float8, float8) TO tg_role;
ALTER TABLE tg OWNER TO tg_role;
SET ROLE tg_role;
SELECT assist.set_threshold('connections', '', 1);
SELECT assist.set_threshold('cpu_load', 'host1', 1);
SELECT (assist.set_threshold('size_bytes', 'tg', 1)).scope;
RESET ROLE;
DROP OWNED BY tg_role;
DROP ROLE tg_role;
DROP VIEW seen;
DROP PROCEDURE judge, work;
DROP EXTENSION pg_assist;
