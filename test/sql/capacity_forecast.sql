-- Days to the limits of assist.capacity: from recorded levels, once an hour; why there are none.
CREATE EXTENSION pg_assist;
SET client_min_messages = warning;
CREATE SEQUENCE grows MAXVALUE 1000;
SELECT setval('grows', 700);
CREATE SEQUENCE falls INCREMENT -1 MINVALUE -1000 MAXVALUE -1;
SELECT setval('falls', -601);
CREATE SEQUENCE rests MAXVALUE 1000;
SELECT setval('rests', 500);
CREATE SEQUENCE young MAXVALUE 1000;
SELECT setval('young', 950);
CREATE SEQUENCE slow;
SELECT setval('slow', 100000);
CREATE SEQUENCE soon MAXVALUE 10000;
SELECT setval('soon', 4000);
CREATE SEQUENCE used_up MAXVALUE 1000;
SELECT setval('used_up', 1000);
SELECT assist.record_history();
CREATE VIEW days AS SELECT object, used, round(days_to_limit) AS days, days_low <= days_to_limit AS low, days_high >= days_to_limit AS high,
       round(growth_per_day) AS growth, severity, no_forecast FROM assist.capacity
 WHERE resource IN ('sequence', 'connections', 'replication_slots') AND object !~ '^assist|^(role|database) ' ORDER BY 1;
SELECT object, days, no_forecast FROM days;
-- Sixty days of them, one of which nobody saw.
CREATE FUNCTION seen(name text, per_day float8, now float8, days int DEFAULT 60) RETURNS void LANGUAGE sql AS $$
  DELETE FROM assist.capacity_level WHERE object = name;
  INSERT INTO assist.capacity_level
    SELECT 'sequence', name, (now() AT TIME ZONE 'UTC')::date - days,
           array_agg(CASE WHEN d = 20 THEN 'NaN' ELSE now - d * per_day + abs(per_day) * (d * 7 % 5) / 10 END ORDER BY d DESC)
    FROM generate_series(1, days) d $$;
SELECT seen('public.grows', 10, 700), seen('public.falls', -4, -601), seen('public.rests', 0, 500), seen('public.young', 10, 950, 10),
       seen('public.slow', 1000, 100000), seen('public.soon', 1000, 4000, 20), seen('public.used_up', 10, 1000);
-- Once an hour.
SELECT assist.record_history();
SELECT object, days FROM days WHERE days IS NOT NULL;
UPDATE assist.capacity_judged SET hour = '-infinity';
SELECT assist.record_history();
SELECT * FROM days;
-- What will not last is urgent, however much is left, and then there is what helps.
SELECT object, used_pct, severity, sql FROM assist.capacity WHERE object IN ('public.soon', 'public.grows') ORDER BY 1;
-- Once a day the level is kept, for sixteen weeks; what is not seen for a while is a gap.
UPDATE assist.capacity_judged SET hour = '-infinity', day = '-infinity';
SELECT assist.record_history();
SELECT cardinality(levels) AS days, levels[60:] AS last, (now() AT TIME ZONE 'UTC')::date - first_day AS since FROM assist.capacity_level WHERE object = 'public.grows';
UPDATE assist.capacity_level SET first_day = first_day - 3 WHERE object = 'public.grows';
UPDATE assist.capacity_level SET first_day = first_day - 100 WHERE object = 'public.falls';
UPDATE assist.capacity_level SET first_day = first_day - 1000 WHERE object = 'public.slow';
UPDATE assist.capacity_judged SET hour = '-infinity', day = '-infinity';
SELECT assist.record_history();
SELECT object, cardinality(levels) AS days, levels[greatest(cardinality(levels) - 4, 61):] AS last, (now() AT TIME ZONE 'UTC')::date - first_day AS since
  FROM assist.capacity_level WHERE object IN ('public.grows', 'public.falls', 'public.slow') ORDER BY 1;
SELECT object, days, high, no_forecast FROM days WHERE object IN ('public.grows', 'public.falls', 'public.slow');
-- What is gone is forgotten.
DROP SEQUENCE rests;
UPDATE assist.capacity_level SET first_day = first_day - 30 WHERE object = 'public.rests';
UPDATE assist.capacity_forecast SET at = at - interval '3 days' WHERE object = 'public.rests';
UPDATE assist.capacity_judged SET hour = '-infinity', day = '-infinity';
SELECT assist.record_history();
SELECT count(*) FROM assist.capacity_level WHERE object = 'public.rests';
SELECT count(*) FROM assist.capacity_forecast WHERE object = 'public.rests';
-- A forecast that nobody renews is none; one of hours ago is shorter by them.
UPDATE assist.capacity_forecast SET at = at - interval '12 hours', days = 10 WHERE object = 'public.grows';
SELECT round(days_to_limit::numeric, 1) AS days FROM assist.capacity WHERE object = 'public.grows';
UPDATE assist.capacity_forecast SET at = at - interval '15 hours' WHERE object = 'public.grows';
SELECT days_to_limit, days_high, no_forecast FROM assist.capacity WHERE object = 'public.grows';

-- From history: what is free on the disk, however large that is; the most connections of each day; the age of the database,
-- which is set back.
DELETE FROM assist.history_block;
SELECT assist.import_history(string_agg(format(E'disk_free_bytes,,%1$s,%2$s\nconnections,,%1$s,%3$s\nxid_age,,%1$s,%4$s', now() - d * interval '1 day',
         30e9 + d * 1e9 + (d * 7 % 5) * 1e8, 60 - d / 2 + d * 7 % 3, 1e6 + (120 - d) * 7 % 200 * 1e6), E'\n'))
  FROM generate_series(0, 60) d;
-- Without what was counted before, this interval has no row of the database.
TRUNCATE assist.history_base;
UPDATE assist.capacity_judged SET hour = '-infinity';
SELECT assist.record_history();
SELECT resource, days_to_limit BETWEEN 28 AND 32 AS days, days_high < 35 AS high, round(growth_per_day::numeric, -8) AS growth, severity <> 'info' AS urgent FROM assist.capacity
 WHERE resource = 'disk' AND object LIKE '%tablespace pg_default%';
SELECT resource, days_to_limit BETWEEN 60 AND 90 AS days FROM assist.capacity WHERE resource = 'connections' AND object = 'server';
SELECT resource, days_to_limit, no_forecast ~ '^(it fell back \d times|it has not grown|no growth|below)' AS told FROM assist.capacity WHERE resource = 'xid' AND object = current_database();

-- Of a role's connections it is the most of each day, and today is not over.
CREATE ROLE cf_limited LOGIN CONNECTION LIMIT 20;
INSERT INTO assist.capacity_level
  SELECT 'connections', 'role cf_limited', (now() AT TIME ZONE 'UTC')::date - 60, array_agg(16 - d / 6.0 + d * 7 % 3 / 10.0 ORDER BY d DESC)
  FROM generate_series(1, 60) d;
UPDATE assist.capacity_judged SET hour = '-infinity', day = '-infinity';
SELECT assist.record_history();
UPDATE assist.capacity_level SET levels[cardinality(levels)] = -1 WHERE object = 'role cf_limited';
UPDATE assist.capacity_judged SET hour = '-infinity';
SELECT assist.record_history();
SELECT levels[cardinality(levels)] AS today FROM assist.capacity_level WHERE object = 'role cf_limited';
SELECT used, days_to_limit BETWEEN 20 AND 30 AS days, round(growth_per_day::numeric, 1) AS growth, severity FROM assist.capacity WHERE object = 'role cf_limited';
SELECT count(*) AS kept FROM assist.capacity_level WHERE resource = 'replication_slots';

-- A role sees those of what it owns.
CREATE ROLE cf_owner;
GRANT USAGE ON SCHEMA assist TO cf_owner;
GRANT SELECT ON assist.capacity, assist._integer_key, assist.capacity_level, assist.capacity_forecast TO cf_owner;
GRANT EXECUTE ON FUNCTION assist._capacity_server(), assist._capacity_keys(), assist._capacity_partitions(),
  assist._sequence_last_value(oid), assist._disk_space(oid) TO cf_owner;
ALTER SEQUENCE soon OWNER TO cf_owner;
SET ROLE cf_owner;
SELECT object, round(days_to_limit) AS days FROM assist.capacity;
SELECT (SELECT count(*) FROM assist.capacity_level) AS levels, (SELECT count(*) FROM assist.capacity_forecast) AS forecasts;
RESET ROLE;
DROP VIEW days;
DROP FUNCTION seen;
DROP SEQUENCE grows, falls, young, slow, soon, used_up;
DROP EXTENSION pg_assist;
DROP ROLE cf_owner, cf_limited;
