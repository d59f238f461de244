-- Events: what is recorded of DDL, settings, maintenance and marks, and who sees it.
CREATE EXTENSION pg_assist;
CREATE SCHEMA ev;
CREATE ROLE regress_ev_owner;
CREATE ROLE regress_ev_stats IN ROLE pg_read_all_stats;
GRANT USAGE, CREATE ON SCHEMA ev TO regress_ev_owner;
-- What is not yet in the table comes with the next analysis; its own position is then past all this.
SELECT assist.refresh() >= 0 AS ok;
CREATE TEMP TABLE seen (id bigint);
CREATE FUNCTION pg_temp.seen() RETURNS void LANGUAGE sql AS $$ DELETE FROM seen; INSERT INTO seen SELECT coalesce(max(id), 0) FROM assist.event $$;
CREATE VIEW pg_temp.fresh AS SELECT kind, command, object, relation_name, detail, events FROM assist.event WHERE id > (SELECT id FROM seen) AND kind <> 'reload' ORDER BY id;
SELECT pg_temp.seen();

-- Tables and what belongs to them, with the names that the server gave.
SET search_path = ev;
CREATE TABLE t (id serial PRIMARY KEY, a int REFERENCES t, b text UNIQUE, c int);
CREATE TABLE "T x" (id int GENERATED ALWAYS AS IDENTITY, "c""d" text);
CREATE TABLE IF NOT EXISTS t (id int);
CREATE INDEX ON t (a);
CREATE INDEX t_b_2 ON ev.t (b);
CREATE INDEX IF NOT EXISTS t_b_2 ON ev.t (b);
CREATE INDEX CONCURRENTLY ON t (a, b);
CREATE VIEW v AS SELECT id FROM t;
CREATE MATERIALIZED VIEW m AS SELECT id FROM t;
CREATE TABLE c AS SELECT 1 AS one;
SELECT 1 AS one INTO d;
CREATE SEQUENCE s;
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE e AS ENUM ('a');
CREATE TYPE y AS (a int);
CREATE DOMAIN dom AS int;
CREATE STATISTICS st ON a, b FROM t;
CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER trg BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tr();
CREATE POLICY pol ON t USING (true);
ALTER TABLE t ADD COLUMN n int, DROP COLUMN c, SET (fillfactor = 90);
ALTER TABLE t ALTER COLUMN n TYPE bigint;
ALTER TABLE t RENAME n TO o;
ALTER TABLE c RENAME TO c2;
ALTER INDEX t_a_idx RENAME TO t_a;
ALTER FUNCTION f(int) RENAME TO g;
ALTER VIEW v SET SCHEMA public;
ALTER TABLE d OWNER TO regress_ev_owner;
TRUNCATE t, c2;
REFRESH MATERIALIZED VIEW m;
ANALYZE t;
ANALYZE;
VACUUM (FULL) c2;
VACUUM (ANALYZE) t, c2;
REINDEX INDEX t_a;
REINDEX TABLE CONCURRENTLY t;
CLUSTER t USING t_pkey;
COMMENT ON TABLE t IS 'not an event';
GRANT SELECT ON t TO regress_ev_owner;
DROP INDEX CONCURRENTLY t_a;
DROP TRIGGER trg ON t;
DROP POLICY pol ON t;
DROP TABLE IF EXISTS nothing, c2, d;
DROP FUNCTION g(int);
DROP VIEW public.v;
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT command, object, relation_name, detail, events FROM fresh WHERE kind = 'ddl';
SELECT kind, object, detail FROM fresh WHERE kind IN ('vacuum', 'analyze') AND object ~ '^ev\.' ORDER BY 1, 2, 3;
SELECT count(*) FROM assist.event WHERE kind = 'ddl' AND (role <> current_user OR session_role <> session_user OR queryid IS NULL);

-- Parts of a command are not counted for themselves.
SELECT pg_temp.seen();
CREATE SCHEMA ev2 CREATE TABLE inner_table (id serial) CREATE INDEX inner_index ON inner_table (id);
CREATE TABLE p (a int) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE INDEX ON p (a);
ALTER TABLE p ADD PRIMARY KEY (a);
DROP SCHEMA ev2 CASCADE;
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT command, object, relation_name, detail FROM fresh;

-- Objects that have no one name.
SELECT pg_temp.seen();
CREATE DOMAIN dom2 AS int CONSTRAINT positive CHECK (VALUE > 0);
ALTER DOMAIN dom2 RENAME CONSTRAINT positive TO plus;
CREATE FUNCTION cast_f(dom2) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE CAST (y AS e) WITH INOUT;
DROP CAST (y AS e);
DROP CAST IF EXISTS (text AS text);
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
ALTER OPERATOR === (int, int) OWNER TO CURRENT_USER;
DROP OPERATOR === (int, int);
CREATE OPERATOR FAMILY fam USING btree;
DROP OPERATOR FAMILY fam USING btree;
CREATE AGGREGATE agg (int) (SFUNC = int4pl, STYPE = int);
COMMENT ON AGGREGATE agg (int) IS 'x';
DROP AGGREGATE agg (int);
CREATE RULE r AS ON INSERT TO t DO NOTHING;
ALTER RULE r ON t RENAME TO r2;
DROP RULE r2 ON t;
DROP TRANSFORM IF EXISTS FOR int LANGUAGE plpgsql;
DROP FUNCTION cast_f;
DROP DOMAIN dom2;
CREATE TABLE nothing_at_all (); ALTER TABLE nothing_at_all OWNER TO CURRENT_USER; DROP TABLE nothing_at_all;
ALTER TABLE IF EXISTS nothing_at_all ADD a int;
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT command, object, relation_name, regexp_replace(detail, session_user, 'me') AS detail FROM fresh;

-- Temporary objects are nobody's business.
SELECT pg_temp.seen();
CREATE TEMP TABLE tt (a int);
CREATE TABLE pg_temp.tt2 (a int);
CREATE INDEX ON tt (a);
CREATE VIEW ttv AS SELECT * FROM tt;
CREATE TEMP SEQUENCE ts;
ALTER TABLE tt ADD COLUMN b int;
ANALYZE tt;
TRUNCATE tt;
SELECT 1 AS one INTO TEMP ti;
CREATE FUNCTION pg_temp.tf() RETURNS int LANGUAGE sql AS 'SELECT 1';
DROP TABLE tt CASCADE;
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT * FROM fresh;

-- What is rolled back did not happen; savepoints, functions and DO blocks likewise.
SELECT pg_temp.seen();
BEGIN;
CREATE TABLE gone (a int);
ROLLBACK;
BEGIN;
CREATE TABLE stays (a int);
SAVEPOINT one;
CREATE TABLE gone (a int);
SAVEPOINT two;
ALTER TABLE stays ADD COLUMN gone int;
RELEASE two;
ROLLBACK TO one;
CREATE INDEX stays_a ON stays (a);
SAVEPOINT three;
ALTER TABLE stays ADD COLUMN b int;
RELEASE three;
COMMIT;
DO $$
BEGIN
  CREATE TABLE by_do (a int);
  BEGIN
    CREATE TABLE by_do_gone (a int);
    RAISE 'no';
  EXCEPTION WHEN OTHERS THEN NULL;
  END;
  EXECUTE 'DROP TABLE by_do';
END $$;
CREATE PROCEDURE proc() LANGUAGE plpgsql AS $$
BEGIN
  CREATE TABLE before_commit (a int);
  COMMIT;
  CREATE TABLE rolled_back (a int);
  ROLLBACK;
  DROP TABLE before_commit;
END $$;
CALL proc();
CREATE TABLE gone (a nonsense);
INSERT INTO stays VALUES (0);
CREATE INDEX ON stays ((1 / a));
DELETE FROM stays;
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT command, object, detail FROM fresh;

-- More than are kept of one transaction are counted, without those of a savepoint that was rolled back.
SELECT pg_temp.seen();
BEGIN;
DO $$ BEGIN FOR i IN 1 .. 70 LOOP EXECUTE format('CREATE TABLE many_%s ()', i); END LOOP; END $$;
SAVEPOINT x;
DO $$ BEGIN FOR i IN 71 .. 90 LOOP EXECUTE format('CREATE TABLE many_%s ()', i); END LOOP; END $$;
ROLLBACK TO x;
SAVEPOINT y;
CREATE TABLE many_100 ();
RELEASE y;
COMMIT;
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT count(*), sum(events), max(events) FROM fresh;
SELECT title FROM assist.markers WHERE title LIKE 'and %';

-- CREATE INDEX CONCURRENTLY that fails leaves something behind; one that fails at once does not.
SELECT pg_temp.seen();
INSERT INTO stays VALUES (1), (1);
CREATE UNIQUE INDEX CONCURRENTLY broken ON stays (a);
CREATE UNIQUE INDEX CONCURRENTLY broken2 ON stays (nothing);
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT command, object, detail FROM fresh;
DROP INDEX broken;

-- Settings: name and moment of the command, old and new value by comparison.
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT pg_temp.seen();
ALTER ROLE regress_ev_owner SET work_mem = '5MB';
ALTER ROLE regress_ev_owner IN DATABASE contrib_regression SET work_mem = '6MB';
ALTER DATABASE contrib_regression SET random_page_cost = 1.5;
ALTER ROLE regress_ev_owner SET app.api_token = 'tok_1234567890';
SELECT assist.refresh('{schema}') >= 0 AS ok;
ALTER ROLE regress_ev_owner SET work_mem = '7MB';
ALTER DATABASE contrib_regression RESET random_page_cost;
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT command, object, detail FROM fresh WHERE kind = 'ddl';
SELECT name, scope, old_value, new_value, role_name = session_user AS who, source FROM assist.setting_history;
ALTER ROLE regress_ev_owner RESET ALL;
ALTER ROLE regress_ev_owner IN DATABASE contrib_regression RESET ALL;

-- What may hold a secret is not kept: roles, user mappings, servers, subscriptions.
CREATE ROLE regress_ev_secret PASSWORD 'hunter2secret';
ALTER ROLE regress_ev_secret PASSWORD 'hunter3secret';
CREATE FOREIGN DATA WRAPPER regress_ev_fdw;
CREATE SERVER regress_ev_server FOREIGN DATA WRAPPER regress_ev_fdw OPTIONS (password 'hunter4secret');
CREATE USER MAPPING FOR CURRENT_USER SERVER regress_ev_server OPTIONS (password 'hunter5secret');
ALTER USER MAPPING FOR CURRENT_USER SERVER regress_ev_server OPTIONS (SET password 'hunter6secret');
SET client_min_messages = error; -- what the server warns of differs between versions
CREATE SUBSCRIPTION regress_ev_sub CONNECTION 'password=hunter7secret' PUBLICATION p WITH (connect = false);
RESET client_min_messages;
ALTER SUBSCRIPTION regress_ev_sub SET (slot_name = NONE);
DROP SUBSCRIPTION regress_ev_sub;
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT command, object, detail FROM assist.event WHERE object ~ 'regress_ev_(sec|ser|sub|fdw)' ORDER BY id;
SELECT count(*) FROM assist.event e WHERE e::text ~ 'hunter|tok_';
SELECT count(*) FROM assist.setting_seen e WHERE e::text ~ 'hunter|tok_';
DROP FOREIGN DATA WRAPPER regress_ev_fdw CASCADE;
DROP ROLE regress_ev_secret;

-- A refresh that is rolled back takes nothing away.
SELECT pg_temp.seen();
CREATE TABLE afterwards (a int);
BEGIN;
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT command, object FROM fresh;
ROLLBACK;
SELECT command, object FROM fresh;
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT command, object FROM fresh;

-- Marks.
SELECT assist.mark('release 4.2') IS NOT NULL AS marked;
BEGIN;
SELECT assist.mark('not this one') IS NOT NULL AS marked;
ROLLBACK;
\set VERBOSITY sqlstate
SELECT assist.mark(NULL);
SELECT assist.mark('');
SELECT assist.mark(repeat('ö', 201));
\set VERBOSITY default
SELECT assist.mark(repeat('ö', 200)) IS NOT NULL AS marked;
SELECT assist.mark(repeat('ö', 201));
SELECT kind, left(title, 20) AS title, object, role = session_user AS mine, detail FROM assist.markers WHERE kind = 'mark';
BEGIN READ ONLY;
SELECT assist.mark('no');
ROLLBACK;
SET ROLE regress_ev_stats;
SELECT assist.mark('no');
RESET ROLE;
GRANT EXECUTE ON FUNCTION assist.mark(text) TO regress_ev_stats;
SET ROLE regress_ev_stats;
SELECT assist.mark('by a deployer') IS NOT NULL AS marked;
SELECT title, role FROM assist.markers WHERE kind = 'mark' AND title = 'by a deployer';
SELECT count(*) FROM assist.event;
INSERT INTO assist.event (kind, detail) VALUES ('mark', 'forged');
RESET ROLE;

-- Implemented recommendations are markers.
CREATE TABLE twice (a int);
CREATE INDEX twice_a ON twice (a);
CREATE INDEX twice_a_2 ON twice (a);
SELECT assist.refresh('{index}') >= 0 AS ok;
SELECT count(*) FROM assist.recommendations r, assist.mark_implemented(r.id) WHERE r.object = 'ev.twice_a_2';
SELECT kind, title, object, role = session_user AS mine FROM assist.markers WHERE kind = 'implemented';

-- An owner that was granted the views sees what concerns its relations.
GRANT USAGE ON SCHEMA assist TO regress_ev_owner;
GRANT SELECT ON assist.markers, assist.setting_history TO regress_ev_owner;
SET ROLE regress_ev_owner;
CREATE TABLE mine (a int);
CREATE INDEX ON mine (a);
RESET ROLE;
SELECT assist.refresh('{schema}') >= 0 AS ok;
SET ROLE regress_ev_owner;
SELECT kind, title, role, detail FROM assist.markers;
SELECT count(*) FROM assist.setting_history;
RESET ROLE;
-- A name that has gone to another relation shows nothing: the oid of a restored dump may be anybody's.
UPDATE assist.event SET relation = 'ev.mine'::regclass WHERE relation_name = 'ev.twice';
SET ROLE regress_ev_owner;
SELECT count(*) FROM assist.markers WHERE object ~ 'twice';
RESET ROLE;

-- What the tables hold is bounded: three years, and 20,000 of a kind.
INSERT INTO assist.event (kind, at) SELECT 'vacuum', now() FROM generate_series(1, 20500);
INSERT INTO assist.event (kind, at) SELECT 'analyze', now() - interval '4 years' FROM generate_series(1, 10);
CREATE TABLE one_more ();
SELECT assist.refresh('{schema}') >= 0 AS ok;
SELECT count(*) FROM assist.event WHERE kind = 'vacuum';
SELECT count(*) FROM assist.event WHERE at < now() - interval '3 years';

SET client_min_messages = warning;
RESET search_path;
DROP SCHEMA ev CASCADE;
DROP OWNED BY regress_ev_owner, regress_ev_stats;
DROP ROLE regress_ev_owner, regress_ev_stats;
DROP VIEW pg_temp.fresh;
DROP EXTENSION pg_assist;
