-- assist.capacity: what can run out, how far it is used, and what helps.
CREATE EXTENSION pg_assist;
SET client_min_messages = warning;
SELECT resource, object, used >= 0 AS used, used <= "limit" AS within, unit, severity, sql FROM assist.capacity
 WHERE resource IN ('connections', 'replication_slots') OR resource IN ('xid', 'multixact') AND object = current_database()
 ORDER BY resource, object;
SELECT count(*) > 0 AS disks, bool_and(used > 0 AND used <= "limit") AS sane FROM assist.capacity WHERE resource = 'disk';

-- Sequences: by the last value in their direction, and by the type of the column that they feed.
CREATE SCHEMA "odd ""schema";
CREATE TABLE "odd ""schema"."T" ("Id" serial PRIMARY KEY, n int);
SELECT setval('"odd ""schema"."T_Id_seq"', 2000000000) > 0 AS set;
CREATE TABLE big_feeds_small (id int PRIMARY KEY, other smallint);
CREATE SEQUENCE big;
ALTER TABLE big_feeds_small ALTER id SET DEFAULT nextval('big'), ALTER other SET DEFAULT nextval('big');
SELECT setval('big', 20000) > 0 AS set;
CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
SELECT setval('ident_id_seq', 1700000000) > 0 AS set;
CREATE TABLE wide (id bigserial PRIMARY KEY);
SELECT setval('wide_id_seq', 2000000000) > 0 AS set;
CREATE SEQUENCE down INCREMENT -1 MINVALUE -1000 MAXVALUE -1;
SELECT setval('down', -900) < 0 AS set;
CREATE SEQUENCE round MAXVALUE 100 CYCLE;
SELECT setval('round', 100) > 0 AS set;
CREATE SEQUENCE capped MAXVALUE 100;
SELECT setval('capped', 100) > 0 AS set;
CREATE SEQUENCE fresh;
CREATE SEQUENCE below MINVALUE -1000 MAXVALUE -1 START -1000;
SELECT setval('below', -400) < 0 AS set;
CREATE SEQUENCE everything MINVALUE -9223372036854775808 MAXVALUE 9223372036854775807 START 0;
SELECT nextval('everything') = 0 AS set;
CREATE TEMP SEQUENCE mine MAXVALUE 10;
SELECT setval('mine', 9) > 0 AS set;
CREATE VIEW seqs AS SELECT object, used, "limit", used_pct, severity, note, sql FROM assist.capacity WHERE resource = 'sequence'
 AND object NOT LIKE 'assist.%';
SELECT object, used, "limit", used_pct, severity, note FROM seqs ORDER BY 1;
SELECT sql FROM seqs WHERE sql IS NOT NULL ORDER BY object;
-- What is proposed runs, and helps.
SELECT sql FROM seqs WHERE sql IS NOT NULL ORDER BY object \gexec
SELECT object, severity, sql FROM seqs WHERE severity <> 'info' ORDER BY 1;

-- Integer keys that no sequence feeds: the largest value that statistics know.
CREATE TABLE keyed (id int PRIMARY KEY);
INSERT INTO keyed SELECT g * 4000000 FROM generate_series(1, 500) g;
CREATE TABLE keyed_small ("the id" smallint PRIMARY KEY);
INSERT INTO keyed_small SELECT g FROM generate_series(-100, 100) g;
CREATE TABLE never_analyzed (id int PRIMARY KEY);
INSERT INTO never_analyzed VALUES (2147483647);
ANALYZE keyed, keyed_small;
SELECT object, used, "limit", used_pct, unit, severity, note LIKE 'estimated: the largest value that ANALYZE saw on 20%' AS dated, sql
  FROM assist.capacity WHERE resource = 'integer_key' ORDER BY object;

-- Partitions ahead.
CREATE FUNCTION pg_temp.range_table(name text, type text, step interval, first int, last int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE base timestamptz := CASE WHEN step >= '1 day' THEN date_trunc('day', now()) ELSE date_trunc('hour', now()) END;
BEGIN
  EXECUTE format('CREATE TABLE %I (at %s) PARTITION BY RANGE (at)', name, type);
  FOR i IN first .. last LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', name || i, name, base + step * i, base + step * (i + 1));
  END LOOP;
END $$;
SET datestyle = 'SQL, DMY';
SELECT FROM pg_temp.range_table('days_ahead', 'date', '1 day', -3, 20);
SELECT FROM pg_temp.range_table('days_now', 'timestamptz', '1 day', -3, 0);
SELECT FROM pg_temp.range_table('days_over', 'timestamp', '1 day', -5, -2);
SELECT FROM pg_temp.range_table('Days default', 'date', '1 day', -5, -2);
CREATE TABLE d_default PARTITION OF "Days default" DEFAULT;
SELECT FROM pg_temp.range_table('archive', 'date', '1 day', -90, -80);
SELECT FROM pg_temp.range_table('hours', 'timestamptz', '1 hour', -3, 6);
SELECT FROM pg_temp.range_table('endless', 'date', '1 day', -3, -2);
CREATE TABLE endless_max PARTITION OF endless FOR VALUES FROM ('2900-01-01') TO (MAXVALUE);
SELECT FROM pg_temp.range_table('infinite', 'date', '1 day', -3, -2);
CREATE TABLE infinite_max PARTITION OF infinite FOR VALUES FROM ('2900-01-01') TO ('infinity');
CREATE TABLE from_ever (at timestamp) PARTITION BY RANGE (at);
CREATE TABLE from_ever_1 PARTITION OF from_ever FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE by_number (n int) PARTITION BY RANGE (n);
CREATE TABLE by_number_1 PARTITION OF by_number FOR VALUES FROM (1) TO (10);
CREATE TABLE by_two (n int, at date) PARTITION BY RANGE (at, n);
CREATE TABLE by_expression (at timestamp) PARTITION BY RANGE ((at::date));
CREATE TABLE no_partition (at date) PARTITION BY RANGE (at);
CREATE TABLE old (at date) PARTITION BY RANGE (at);
CREATE TABLE old_1 PARTITION OF old FOR VALUES FROM ('0044-03-15 BC') TO ('0044-03-16 BC');
CREATE TABLE old_2 PARTITION OF old FOR VALUES FROM ('0044-03-16 BC') TO ('0044-03-16');
CREATE TABLE far_future (at date) PARTITION BY RANGE (at);
CREATE TABLE far_future_1 PARTITION OF far_future FOR VALUES FROM (MINVALUE) TO ('5874897-12-31');
CREATE TABLE far_past (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE far_past_1 PARTITION OF far_past FOR VALUES FROM ('-infinity') TO ('4713-01-01 BC');
CREATE TABLE wide_one (at timestamp) PARTITION BY RANGE (at);
CREATE TABLE wide_one_1 PARTITION OF wide_one FOR VALUES FROM ('0001-01-01') TO ('9999-12-31');
CREATE VIEW parts AS SELECT * FROM assist.capacity WHERE resource = 'partition_range';
SELECT object, unit, round(days_to_limit - extract(epoch FROM date_trunc('day', now()) - now()) / 86400) AS days, used_pct,
       -- The last quarter of the day is worse.
       CASE WHEN object = 'public.days_now' AND severity = 'critical' THEN 'high' ELSE severity END AS severity,
       regexp_replace(note, 'at .*?;', 'at ...;') AS note, sql IS NOT NULL AS has_sql
  FROM parts WHERE object NOT IN ('public.hours', 'public.old', 'public.from_ever', 'public.wide_one') ORDER BY object;
SELECT object, days_to_limit < -2500 AS old, severity, sql FROM parts
 WHERE object IN ('public.old', 'public.from_ever', 'public.wide_one', 'public.far_future', 'public.far_past') ORDER BY object;
SELECT severity, days_to_limit BETWEEN 0.2 AND 0.3 AS days FROM parts WHERE object = 'public.hours';
-- What is proposed runs, and suffices: shown without its dates.
SELECT regexp_replace(sql, '\d{8}|\d{4}-\d\d-\d\d', '...', 'g') AS sql FROM parts WHERE object = 'public."Days default"';
\o /dev/null
\set ECHO none
SELECT sql FROM parts WHERE sql IS NOT NULL \gexec
\set ECHO all
\o
SELECT object, round(days_to_limit - extract(epoch FROM date_trunc('day', now()) - now()) / 86400) AS days, severity FROM parts
 WHERE object IN ('public.days_now', 'public.days_over', 'public."Days default"') ORDER BY object;
RESET datestyle;
BEGIN;
CREATE TABLE months (at date) PARTITION BY RANGE (at);
CREATE TABLE months_1 PARTITION OF months FOR VALUES FROM ('2099-01-01') TO ('2099-02-01');
INSERT INTO months VALUES ('2099-01-15');
SELECT object, width FROM assist._capacity_partitions() WHERE object = 'public.months';
ROLLBACK;

-- Slots, and connection limits of databases and roles.
CREATE ROLE "Limited one" LOGIN CONNECTION LIMIT 7;
SELECT pg_create_physical_replication_slot('idle', true) IS NOT NULL AS created;
SELECT resource, object, used >= 0 AS used, "limit", unit, severity, note, sql FROM assist.capacity
 WHERE object IN ('idle', 'role "Limited one"') ORDER BY object;
SELECT pg_drop_replication_slot('idle');
DROP ROLE "Limited one";

-- A role sees what it owns; a member of pg_read_all_stats everything, without being able to read the tables.
CREATE ROLE capacity_owner;
CREATE ROLE capacity_other;
CREATE ROLE capacity_monitor IN ROLE pg_monitor;
GRANT USAGE ON SCHEMA assist TO capacity_owner, capacity_other;
GRANT SELECT ON assist.capacity, assist._integer_key TO capacity_owner, capacity_other;
GRANT EXECUTE ON FUNCTION assist._capacity_server(), assist._capacity_keys(), assist._capacity_partitions(),
  assist._sequence_last_value(oid), assist._disk_space(oid) TO capacity_owner, capacity_other;
ALTER SEQUENCE capped OWNER TO capacity_owner;
ALTER TABLE keyed OWNER TO capacity_owner;
ALTER TABLE days_now OWNER TO capacity_owner;
CREATE TEMP TABLE whole AS SELECT object FROM assist.capacity WHERE object NOT LIKE '%temp%';
GRANT SELECT ON whole TO capacity_monitor;
SET ROLE capacity_owner;
SELECT resource, object FROM assist.capacity;
SELECT assist._sequence_last_value('big'::regclass) AS big, assist._disk_space(0) AS disk;
SET ROLE capacity_other;
SELECT resource, object FROM assist.capacity;
SET ROLE capacity_monitor;
SELECT object FROM whole EXCEPT SELECT object FROM assist.capacity;
RESET ROLE;
SELECT assist._sequence_last_value(0) AS nothing, assist._sequence_last_value('keyed'::regclass) AS table, assist._disk_space(1) AS none;

-- Nobody's search_path is followed.
CREATE SCHEMA trap;
CREATE FUNCTION trap.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$SELECT 'trapped'$$;
CREATE FUNCTION trap.equal(numeric, integer) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped'; END$$;
CREATE OPERATOR trap.>= (FUNCTION = trap.equal, LEFTARG = numeric, RIGHTARG = integer);
SET search_path = trap, public, pg_catalog;
SELECT count(*) > 10 AS rows, bool_or(object = 'trapped') AS trapped FROM assist.capacity;
RESET search_path;
DROP SCHEMA trap, "odd ""schema" CASCADE;
DROP VIEW seqs, parts;
DROP TABLE big_feeds_small, ident, wide, keyed, keyed_small, never_analyzed, days_ahead, days_now, days_over, "Days default",
  archive, hours, endless, infinite, from_ever, by_number, by_two, by_expression, no_partition, old,
  far_future, far_past, wide_one;
DROP SEQUENCE big, down, round, capped, fresh, below, everything;
DROP EXTENSION pg_assist;
DROP TABLE whole;
DROP ROLE capacity_owner, capacity_other, capacity_monitor;
