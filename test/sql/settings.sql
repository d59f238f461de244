-- Every setting: its default, when it may change, what it refuses.
CREATE EXTENSION pg_assist;
SELECT name, boot_val, unit, context, vartype, min_val, max_val, enumvals
  FROM pg_settings WHERE name LIKE 'assist.%' ORDER BY name COLLATE "C";
-- Each is described.
SELECT name FROM pg_settings WHERE name LIKE 'assist.%' AND short_desc = '';

-- At once by a superuser; the unit is understood.
SET assist.track = 'top';
SET assist.track = none;
SHOW assist.track;
RESET assist.track;
SHOW assist.track;
SET assist.sample_rate = 0;
SET assist.sample_rate = 1;
SET assist.max_text_length = '1kB';
SHOW assist.max_text_length;
RESET assist.sample_rate;
RESET assist.max_text_length;

-- What is no value of a setting.
SET assist.track = 'some';
SET assist.track = on;
SET assist.track_utility = 'maybe';
SET assist.track_planning = 2;
SET assist.keep_constants = '';
SET assist.sample_rate = 1.01;
SET assist.sample_rate = -0.1;
SET assist.sample_rate = 'NaN';
SET assist.max_text_length = 255;
SET assist.max_text_length = '2MB';
SHOW assist.track;
SHOW assist.sample_rate;

-- At reload, or at server start.
SET assist.wait_interval = '100ms';
SET assist.databases = 'postgres';
SET assist.interval = 0;
SET assist.max_overhead = 5;
SET assist.save = off;
SET assist.max_statements = 1000;
SET assist.max_plans_per_statement = 5;
SET assist.text_memory = '8MB';
SET assist.max_workers = 2;

-- The file of the server is not filled with what it would not start with.
ALTER SYSTEM SET assist.wait_interval = '9ms';
ALTER SYSTEM SET assist.wait_interval = '1001ms';
ALTER SYSTEM SET assist.interval = -1;
ALTER SYSTEM SET assist.interval = '2d';
ALTER SYSTEM SET assist.databases = 'a b';
ALTER SYSTEM SET assist.databases = '"open';
ALTER SYSTEM SET assist.max_overhead = 101;
ALTER SYSTEM SET assist.max_statements = 99;
ALTER SYSTEM SET assist.max_plans_per_statement = 0;
ALTER SYSTEM SET assist.max_plans_per_statement = 101;
ALTER SYSTEM SET assist.text_memory = '512kB';
ALTER SYSTEM SET assist.max_workers = 17;

-- A reload brings the new value.
ALTER SYSTEM SET assist.wait_interval = '100ms';
ALTER SYSTEM SET assist.databases = 'postgres, "With Space"';
SELECT pg_reload_conf();
CREATE FUNCTION settled(setting text, wanted text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. 300 LOOP
    EXIT WHEN current_setting(setting) = wanted;
    PERFORM pg_sleep(0.02);
  END LOOP;
  RETURN current_setting(setting);
END $$;
\c
SELECT settled('assist.wait_interval', '100ms'), settled('assist.databases', 'postgres, "With Space"');
ALTER SYSTEM RESET assist.wait_interval;
ALTER SYSTEM RESET assist.databases;
SELECT pg_reload_conf();
\c
SELECT settled('assist.wait_interval', '50ms'), settled('assist.databases', '*');
DROP FUNCTION settled;

-- No other name under assist.
SET assist.no_such_setting = 1;
SET "assist.track " = 'all';
SELECT set_config('assist.another', 'x', false);
SHOW assist.another;
CREATE ROLE settings_user LOGIN;
ALTER ROLE settings_user SET assist.no_such_setting = 1;

-- A plain role changes nothing: what is observed of it is not its own choice.
SET ROLE settings_user;
SET assist.track = 'none';
SET assist.sample_parameters = on;
SELECT set_config('assist.sample_rate', '1', true);
SHOW assist.track;
RESET ROLE;
-- A superuser does it for it, and then its work is not seen.
CREATE TABLE settings_t (a int);
GRANT SELECT ON settings_t TO settings_user;
SELECT current_user AS superuser \gset
\c - settings_user
SELECT a FROM settings_t WHERE a = 5;
\c - :superuser
ALTER ROLE settings_user SET assist.track = 'none';
\c - settings_user
SELECT a FROM settings_t WHERE a = 5 AND a > 4;
\c - :superuser
SELECT query, calls FROM assist.statements WHERE query LIKE 'SELECT a FROM settings_t%';

DROP TABLE settings_t;
DROP ROLE settings_user;
DROP EXTENSION pg_assist;
