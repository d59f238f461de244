-- Alerts: targets and what misses them, what is none, how an incident goes.
CREATE EXTENSION pg_assist;
SET max_parallel_workers_per_gather = 0;
SELECT metric, scope, warning, critical, unit, direction, scope_of, state FROM assist.thresholds;
CREATE TABLE al (id int PRIMARY KEY, customer int, note text);
INSERT INTO al SELECT g, g % 1000, repeat('x', 40) FROM generate_series(1, 20000) g;
SELECT pg_stat_force_next_flush();
VACUUM ANALYZE al;
SELECT FROM assist.reset();
-- What came up to now is in an interval of its own; what ran is judged every five minutes: as if these had passed.
CREATE PROCEDURE judge() LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_stat_force_next_flush();
  COMMIT;
  UPDATE assist.alert_judged SET at = at - interval '5 minutes' WHERE pace = 'minutes';
  PERFORM assist.record_history();
END $$;
CREATE VIEW seen AS SELECT status, severity, source, metric, CASE WHEN metric ~ '_time|growth' THEN 'statement' ELSE object END AS object,
    threshold, unit, value > threshold AS above, since <= last_seen AS moments, times_opened AS times FROM assist.alerts WHERE metric <> 'disk' ORDER BY id;
-- 35 lookups, as many lists, fewer calls than count, and reports.
CREATE TABLE calls AS SELECT 0 AS n, '' AS sql WHERE false;
INSERT INTO calls SELECT g, format(s, g) FROM generate_series(1, 35) g, (VALUES ('SELECT note FROM al WHERE id = %s'),
    ('SELECT id, note FROM al WHERE id < 100 ORDER BY id OFFSET %s LIMIT 10'), ('SELECT count(*) AS report FROM al WHERE id < %s')) v (s);
INSERT INTO calls SELECT g, format('SELECT customer FROM al WHERE id = %s', g) FROM generate_series(1, 9) g;
SELECT metric, scope, warning, critical, changed_by IS NOT NULL AS changed FROM assist.set_threshold('single_row_time', '', 0.00001, 100000);
SELECT metric, warning, critical FROM assist.set_threshold('list_time', warning => 0.00001, critical => 0.00002);
CALL judge();
\set ECHO none
\o /dev/null
SELECT sql FROM calls ORDER BY n, sql \gexec
\o
\set ECHO all
CALL judge();
SELECT count(*) AS too_soon FROM seen;
SELECT metric, status, breaches, times_opened FROM assist.alert WHERE metric <> 'disk' ORDER BY 1;
-- Nothing ran since: nothing is judged twice.
CALL judge();
SELECT metric, status, breaches FROM assist.alert WHERE metric <> 'disk' ORDER BY 1;
\set ECHO none
\o /dev/null
SELECT sql FROM calls ORDER BY n, sql \gexec
CALL judge();
SELECT sql FROM calls ORDER BY n, sql \gexec
\o
\set ECHO all
CALL judge();
SELECT * FROM seen;
SELECT query, a.title ~ 'statement of one row takes .* ms .35 calls.' AS title, a.evidence ->> 'calls' AS calls, a.what_to_do ~ 'assist.plans' AS to_do
  FROM assist.alerts a JOIN assist.statements s USING (queryid, userid) WHERE metric = 'single_row_time';
SELECT metric, state FROM assist.thresholds WHERE metric ~ '_time';
-- Somebody takes care; nothing is told twice.
SELECT id AS single FROM assist.alerts WHERE metric = 'single_row_time' \gset
SELECT status, acknowledged_by = CURRENT_USER AS mine, comment FROM assist.acknowledge(:single, 'ticket 7');
SELECT status, muted_until > now() AS muted FROM assist.mute(:single, now() + interval '1 hour');
SELECT status, muted_until FROM assist.mute(:single, NULL);
-- Good three times, by a wide margin: over. Then it comes back within the day: the same incident, and it takes longer to be over.
SELECT warning, critical FROM assist.set_threshold('single_row_time', '', 100000, NULL);
\set ECHO none
\o /dev/null
SELECT sql FROM calls ORDER BY n, sql \gexec
CALL judge();
SELECT sql FROM calls ORDER BY n, sql \gexec
CALL judge();
\o
SELECT status FROM seen WHERE metric = 'single_row_time';
\o /dev/null
SELECT sql FROM calls ORDER BY n, sql \gexec
\o
\set ECHO all
CALL judge();
SELECT status, severity, threshold, resolved_at IS NOT NULL AS resolved FROM assist.alerts WHERE metric = 'single_row_time';
SELECT assist.acknowledge(:single);
SELECT warning, critical FROM assist.set_threshold('single_row_time', '', 0.00001, 0.00002);
\set ECHO none
\o /dev/null
SELECT sql FROM calls ORDER BY n, sql \gexec
CALL judge();
SELECT sql FROM calls ORDER BY n, sql \gexec
CALL judge();
SELECT sql FROM calls ORDER BY n, sql \gexec
\o
\set ECHO all
CALL judge();
SELECT status, severity, threshold, resolved_at, times_opened, acknowledged_by, id = :single AS same FROM assist.alerts WHERE metric = 'single_row_time';
-- Off, for one statement and for all: no alert at all.
SELECT queryid AS lookup FROM assist.alerts WHERE id = :single \gset
SELECT metric, warning, critical, state, scope = :'lookup' AS scope FROM assist.set_threshold('single_row_time', :'lookup');
CALL judge();
SELECT status FROM assist.alerts WHERE id = :single;
SELECT warning, scope FROM assist.reset_threshold('single_row_time', :'lookup');
SELECT warning, critical, changed_by FROM assist.reset_threshold('single_row_time');
SELECT warning, state FROM assist.set_threshold('list_time');
CALL judge();
SELECT status FROM assist.alerts WHERE metric = 'list_time';
-- One evaluation beyond is a spike: pending, and gone with the next.
SELECT warning FROM assist.set_threshold('list_time', warning => 0.00001);
DELETE FROM assist.alert;
\set ECHO none
\o /dev/null
SELECT sql FROM calls ORDER BY n, sql \gexec
\o
\set ECHO all
CALL judge();
SELECT metric, status FROM assist.alert WHERE metric <> 'disk';
SELECT warning FROM assist.set_threshold('list_time', warning => 10000);
\set ECHO none
\o /dev/null
SELECT sql FROM calls ORDER BY n, sql \gexec
\o
\set ECHO all
CALL judge();
SELECT metric, status FROM assist.alert WHERE metric <> 'disk';

-- Core tables: what was said, then what carries the traffic.
SELECT assist.set_core_table('al', true);
SELECT relation, reason FROM assist.core_tables;
SELECT assist.set_core_table('al', false);
SELECT count(*) AS core FROM assist.core_tables;
SELECT assist.set_core_table('al', NULL);
SELECT count(*) AS rows FROM assist.core_table;
UPDATE assist.history_block SET observed = 43200 WHERE kind = 3;
UPDATE assist.alert_judged SET at = at - interval '1 day' WHERE pace = 'tables';
CALL judge();
SELECT relation, reason, rows_per_day > 1000 AS traffic, share_pct FROM assist.core_tables;
-- It has no sequential scans as a rule; then a statement comes that reads it whole, every time.
UPDATE assist.core_table SET observed_days = 3, seq_scans_per_day = 0.3;
-- A dump and a new index read it whole, and are no statements that need an index.
COPY al TO '/dev/null';
CREATE INDEX al_dropped ON al (note);
DROP INDEX al_dropped;
SELECT pg_stat_force_next_flush();
CALL judge();
CALL judge();
SELECT count(*) AS none FROM assist.alerts WHERE metric = 'core_seq_scan';
\set ECHO none
\o /dev/null
SELECT format('SELECT count(*) AS hundred FROM al WHERE customer = %s', g) FROM generate_series(1, 120) g \gexec
SELECT pg_stat_force_next_flush();
CALL judge();
SELECT format('SELECT count(*) AS hundred FROM al WHERE customer = %s', g) FROM generate_series(1, 120) g \gexec
SELECT pg_stat_force_next_flush();
CALL judge();
SELECT format('SELECT count(*) AS hundred FROM al WHERE customer = %s', g) FROM generate_series(1, 120) g \gexec
\o
\set ECHO all
SELECT pg_stat_force_next_flush();
CALL judge();
SELECT * FROM seen;
SELECT metric, relation_name, evidence, title FROM assist.alerts WHERE metric = 'core_seq_scan';
-- What stops after some rows is no reason.
DELETE FROM assist.alert;
CALL judge();
SELECT metric, status FROM assist.alert WHERE metric <> 'disk' ORDER BY 1;
\set ECHO none
\o /dev/null
SELECT format('SELECT note FROM al OFFSET %s LIMIT 1', g) FROM generate_series(1, 120) g \gexec
\o
\set ECHO all
SELECT pg_stat_force_next_flush();
CALL judge();
SELECT metric, status, goods FROM assist.alert WHERE metric <> 'disk';
DELETE FROM assist.alert;

-- What others found: what runs out, twice in a row; regressions at once, one per incident.
CREATE SEQUENCE al_seq AS smallint START 32000;
SELECT nextval('al_seq') > 0 AS used;
CALL judge();
CALL judge();
SELECT status, severity, source, metric, object, value > 95 AS value, unit, sql, relation_name FROM assist.alerts WHERE metric = 'sequence';
ALTER SEQUENCE al_seq AS bigint MAXVALUE 9223372036854775807;
CALL judge();
CALL judge();
SELECT status, resolved_at IS NOT NULL AS resolved FROM assist.alerts WHERE metric = 'sequence';
INSERT INTO assist.regression (incident, statement, direction, severity, detector, onset, before_ms, after_ms, ratio, ratio_low, ratio_high, impact, calls_per_hour, causes)
SELECT (SELECT min(id) FROM assist.regression), h.id, 'slower', 'warning', 'event', now() - interval '2 hours', 1, 3, 3, 2, 4, 0.1 * n, 100,
   '[{"cause": "new plan", "evidence": "another plan", "mitigation": "create it again", "sql": "CREATE INDEX ON al (customer)"}]'
  FROM (SELECT s.id, row_number() OVER (ORDER BY s.query) AS n FROM assist.history_statement s WHERE s.query ~ '^SELECT (id, )?note FROM al WHERE') h;
UPDATE assist.regression SET incident = (SELECT min(id) FROM assist.regression);
CALL judge();
SELECT status, source, title, value, what_to_do, sql, evidence ->> 'after_ms' AS after_ms, jsonb_array_length(evidence -> 'regressions') AS n, now() - since > interval '1 hour' AS since
  FROM assist.alerts WHERE source = 'regression';
UPDATE assist.regression SET until = now();
CALL judge();
SELECT status FROM assist.alerts WHERE source = 'regression';
SELECT metric, status FROM seen WHERE status <> 'resolved';

\set ECHO none
\o /dev/null
SELECT format('SELECT count(*) AS steady FROM al, generate_series(1, 3) WHERE customer <> %s', g) FROM generate_series(1, 120) g \gexec
\o
\set ECHO all
CALL judge();
CREATE TABLE kept_blocks AS SELECT start, rows, data FROM assist.history_block WHERE kind = 1;
-- Growth of calls: learning, then against the same hours of the weeks before.
SELECT metric, state FROM assist.thresholds WHERE metric ~ 'growth';
INSERT INTO assist.history_block (ring, kind, start, until, observed, rows, data)
SELECT 12, 1, now() - interval '1 day' - w * interval '7 days', now() - interval '1 minute' - w * interval '7 days', 86000, b.rows,
       assist._history_merge(array_fill(b.data, ARRAY[CASE w WHEN 0 THEN 90 ELSE 50 END]))
  FROM generate_series(0, 2) w, (SELECT rows, data FROM assist.history_block WHERE kind = 1 
    ORDER BY (SELECT max(r.counts[5]) FROM assist._history_rows(data) r WHERE r.counts[1] = 120) DESC NULLS LAST LIMIT 1) b;
DELETE FROM assist.history_block WHERE kind = 1 AND ring < 12;
UPDATE assist.alert_judged SET at = at - interval '1 hour' WHERE pace = 'hour';
CALL judge();
UPDATE assist.alert_judged SET at = at - interval '1 hour' WHERE pace = 'hour';
CALL judge();
UPDATE assist.alert_judged SET at = at - interval '1 hour' WHERE pace = 'hour';
CALL judge();
SELECT DISTINCT status, severity, metric, threshold, round(value) AS value, title ~ '^80 % more calls' AS title FROM assist.alerts WHERE metric = 'call_growth';
SELECT metric, state FROM assist.thresholds WHERE metric = 'call_growth';

-- The unusual: another statement than on the fourteen days before at this hour; then one that never ran at this hour; a table
-- under it that was changed.
DELETE FROM assist.alert;
CREATE TABLE kept AS SELECT DISTINCT ON (n) n, rows, data FROM (
  SELECT CASE WHEN EXISTS (SELECT FROM assist._history_rows(b.data) r JOIN assist.history_statement s ON s.id = r.key WHERE s.query ~ 'AS hundred') THEN 'new'
              WHEN EXISTS (SELECT FROM assist._history_rows(b.data) r JOIN assist.history_statement s ON s.id = r.key WHERE s.query ~ 'AS steady') THEN 'old' END AS n, b.*
    FROM kept_blocks b) k WHERE n IS NOT NULL;
SELECT n FROM kept ORDER BY 1;
DELETE FROM assist.history_block WHERE kind = 1;
INSERT INTO assist.history_block (ring, kind, start, until, observed, rows, data)
SELECT 8, 1, now() - d * interval '1 day' - interval '58 minutes', now() - d * interval '1 day' - interval '1 minute', 3500, k.rows, assist._history_merge(array_fill(k.data, ARRAY[20]))
  FROM generate_series(1, 15) d, kept k WHERE n = 'old';
INSERT INTO assist.history_block (ring, kind, start, until, observed, rows, data)
SELECT 8, 1, now() - interval '58 minutes', now() - interval '1 minute', 3500, k.rows, assist._history_merge(array_fill(k.data, ARRAY[8000])) FROM kept k WHERE n = 'new';
ALTER TABLE al ADD COLUMN more int;
UPDATE assist.alert_judged SET at = at - interval '1 hour' WHERE pace = 'hour';
CALL judge();
UPDATE assist.alert_judged SET at = at - interval '1 hour' WHERE pace = 'hour';
CALL judge();
SELECT DISTINCT a.metric, a.source, a.status, regexp_replace(a.title, '[0-9]+', 'n') AS title, s.query FROM assist.alerts a LEFT JOIN assist.history_statement s USING (queryid, userid)
 WHERE source = 'anomaly' AND (a.metric IN ('new_statement', 'schema_change') OR s.query ~ 'AS steady') ORDER BY 1;
SELECT metric, state FROM assist.thresholds WHERE metric IN ('new_statement', 'vanished_statement', 'unusual_hours', 'schema_change', 'error_rate');
UPDATE assist.history_statement SET first_seen = now() - interval '20 days';
UPDATE assist.alert_judged SET at = at - interval '1 hour' WHERE pace = 'hour';
CALL judge();
UPDATE assist.alert_judged SET at = at - interval '1 hour' WHERE pace = 'hour';
CALL judge();
SELECT DISTINCT a.metric, a.status, s.query FROM assist.alerts a LEFT JOIN assist.history_statement s USING (queryid, userid) WHERE a.metric IN ('new_statement', 'unusual_hours') ORDER BY 1;
-- Errors: as many as these there never were.
INSERT INTO assist.history_block (ring, kind, start, until, observed, rows, data)
SELECT 8, 5, now() - d * interval '1 day' - interval '1 hour', now() - d * interval '1 day', 3600, b.rows, b.data
  FROM generate_series(1, 4) d, (SELECT rows, data FROM assist.history_block, assist._history_rows(data) r WHERE kind = 5 AND r.counts[5] = 0 ORDER BY start LIMIT 1) b;
DELETE FROM assist.history_block WHERE kind = 5 AND ring < 8;
CALL judge();
SELECT state FROM assist.thresholds WHERE metric = 'error_rate';
DO $$ BEGIN FOR i IN 1 .. 40 LOOP BEGIN PERFORM 1 / (id - id) FROM al WHERE id = i; EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$;
CALL judge();
DO $$ BEGIN FOR i IN 1 .. 40 LOOP BEGIN PERFORM 1 / (id - id) FROM al WHERE id = i; EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$;
CALL judge();
DO $$ BEGIN FOR i IN 1 .. 40 LOOP BEGIN PERFORM 1 / (id - id) FROM al WHERE id = i; EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$;
CALL judge();
SELECT status, severity, value > threshold AS above, title ~ '^[0-9.]+ % of the statements fail, [0-9.]+ times' AS title, (evidence ->> 'errors')::int AS errors FROM assist.alerts WHERE metric = 'error_rate';

-- Temporary files: more than a gigabyte an hour, where there were none.
SET work_mem = '64kB';
SELECT state FROM assist.thresholds WHERE metric = 'temp_usage';
CREATE PROCEDURE spill() LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count(*) FROM (SELECT g FROM generate_series(1, 300000) g ORDER BY hashint4(g)) s;
  PERFORM pg_stat_force_next_flush();
END $$;
CALL spill();
CALL judge();
CALL spill();
CALL judge();
SELECT count(*) AS not_yet FROM assist.alerts WHERE metric = 'temp_usage';
CALL spill();
CALL judge();
SELECT status, severity, title ~ '^[0-9]+ MB of temporary files an hour, [0-9.]+ times as much as usual$' AS title, (evidence ->> 'temp_bytes')::bigint > 1000000 AS bytes FROM assist.alerts WHERE metric = 'temp_usage';
RESET work_mem;
DROP PROCEDURE spill;

-- Health.
SELECT "check", status IN ('ok', 'warning', 'critical', 'unknown') AS status, value IS NOT NULL AS value, detail IS NOT NULL OR "check" IN ('collector', 'launcher') AS detail FROM assist.health();
SELECT status <> 'ok' AS told, value ~ '[12] warning' AS value FROM assist.health() WHERE "check" = 'alerts';
SELECT assist.health_text() ~ '^(OK|WARNING|CRITICAL|UNKNOWN) - [^|]+\|[^|]+$' AS one_line;

-- Bad input.
SELECT assist.set_threshold('no_such_metric', '', 1, 2);
SELECT assist.set_threshold(NULL);
SELECT assist.set_threshold('list_time', '', 2, 1);
SELECT assist.set_threshold('cache_hit_ratio', '', 95, 99);
SELECT assist.set_threshold('list_time', '', -1);
SELECT assist.set_threshold('list_time', '', 'Infinity');
SELECT assist.set_threshold('list_time', 'al', 1);
SELECT assist.set_threshold('index_usage', 'no such table', 1);
SELECT assist.set_threshold('index_usage', 'no_such_table', 1);
SELECT assist.set_threshold('cache_hit_ratio', 'al', 1);
SELECT assist.reset_threshold('no_such_metric');
SELECT scope FROM assist.set_threshold('index_usage', 'AL', 1);
SELECT assist.set_core_table('al_pkey', true);
SELECT assist.set_core_table(NULL, true);
SELECT assist.acknowledge(-1);
SELECT assist.acknowledge(NULL);
SELECT assist.mute(-1, 'tomorrow');
SELECT assist.mute(-1, 'yesterday');
BEGIN READ ONLY;
SELECT assist.set_threshold('list_time');
ROLLBACK;
DROP VIEW seen;
DROP PROCEDURE judge;
DROP TABLE al, calls, kept, kept_blocks;
DROP SEQUENCE al_seq;
DROP EXTENSION pg_assist;
