-- assist.waits and assist.activity_history: shapes, keys, rights, settings. How exact they are: test/t/050_waits.pl.
CREATE EXTENSION pg_assist;
CREATE ROLE wa_plain;
CREATE ROLE wa_granted;
CREATE ROLE wa_stats IN ROLE pg_read_all_stats;
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'assist.waits'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'assist.activity_history'::regclass AND attnum > 0 ORDER BY attnum;

SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'assist.lock_tree'::regclass AND attnum > 0 ORDER BY attnum;
SELECT count(*) FROM assist.lock_tree;

SELECT FROM assist.reset();
SELECT pg_sleep(1.5), 'waits';
-- A whole key, so that it joins; one row per key and event.
SELECT s.query, w.toplevel, w.wait_event_type, w.wait_event, w.samples BETWEEN 10 AND 45 AS samples, w.wait_time BETWEEN 1000 AND 2000 AS wait_time
  FROM assist.waits w JOIN assist.statements s USING (userid, dbid, queryid, toplevel) WHERE wait_event = 'PgSleep';
SELECT count(*) > 0 AS some, count(*) = count(DISTINCT (userid, dbid, queryid, toplevel, wait_event_type, wait_event)) AS one_each FROM assist.waits;
SELECT DISTINCT pid = pg_backend_pid() AS own, leader_pid, s.query, h.toplevel, h.top_queryid = h.queryid AS sent, application_name = current_setting('application_name') AS application,
       state, wait_event_type, wait_event, blocked_by, sampled_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS at
  FROM assist.activity_history h JOIN assist.statements s USING (userid, dbid, queryid, toplevel) WHERE wait_event = 'PgSleep';
SELECT state, detail LIKE '% of 4000 entries; every 50 ms,%' AS detail, memory_used BETWEEN 1 AND memory_limit AS used, memory_limit < 600000 AS bounded, evictions, last_run IS NOT NULL AS ran
  FROM assist.status WHERE component = 'waits';

-- Nothing without a grant; one's own with one.
SET ROLE wa_plain;
SELECT count(*) FROM assist.waits;
RESET ROLE;
GRANT USAGE ON SCHEMA assist TO wa_plain, wa_granted;
SET ROLE wa_plain;
SELECT count(*) FROM assist.waits;
SELECT count(*) FROM assist.activity_history;
SELECT count(*) FROM assist._waits();
SELECT count(*) FROM assist._activity_history();
SELECT count(*) FROM assist.lock_tree;
SELECT count(*) FROM assist._lock_tree();
RESET ROLE;
GRANT SELECT ON assist.waits, assist.activity_history TO wa_granted;
GRANT EXECUTE ON FUNCTION assist._waits(), assist._activity_history() TO wa_granted;
SET ROLE wa_granted;
SELECT count(*) FROM assist.waits WHERE wait_event = 'PgSleep';
SELECT count(*) FROM assist.activity_history WHERE wait_event = 'PgSleep';
-- The statement is that of the role that runs it, whoever logged in.
SELECT pg_sleep(1.2), 'own';
SELECT DISTINCT userid::regrole, wait_event FROM assist.waits WHERE wait_event = 'PgSleep';
SELECT DISTINCT userid::regrole, wait_event FROM assist.activity_history WHERE wait_event = 'PgSleep';
SET ROLE wa_stats;
SELECT count(DISTINCT userid) FROM assist.waits WHERE wait_event = 'PgSleep';
RESET ROLE;

-- Reset of one user's.
SELECT FROM assist.reset('wa_granted'::regrole);
SELECT userid::regrole = current_user::regrole AS own FROM assist.waits WHERE wait_event = 'PgSleep';
SELECT FROM assist.reset();
SELECT count(*) FROM assist.waits WHERE wait_event = 'PgSleep';
SELECT count(*) FROM assist.activity_history WHERE wait_event = 'PgSleep';

DROP EXTENSION pg_assist;
DROP ROLE wa_plain, wa_granted, wa_stats;
