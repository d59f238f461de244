-- assist.errors: what failed, under its statement and SQLSTATE, whatever is logged and whoever catches it.
CREATE EXTENSION pg_assist;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE TABLE er (a int PRIMARY KEY, b text, c int CHECK (c < 100));
INSERT INTO er SELECT g, 'row ' || g, g FROM generate_series(1, 50) g;
CREATE TABLE er_child (a int REFERENCES er, b date);
CREATE ROLE er_user;

-- Errors by statement; the statement's own count must say the same.
CREATE VIEW seen AS
  SELECT s.toplevel AS top, e.sqlstate, e.errors, s.calls, s.errors AS of_statement, s.query
    FROM assist.statements s LEFT JOIN assist.errors e USING (userid, dbid, queryid, toplevel)
   WHERE (s.errors > 0 OR e.errors > 0) AND s.query NOT LIKE '%assist.%'
   ORDER BY s.query COLLATE "C", s.toplevel DESC, e.sqlstate;
SELECT FROM assist.reset();

-- In the executor; some calls succeed.
SELECT 10 / (a - 7) AS q FROM er WHERE a = 8;
SELECT 10 / (a - 7) AS q FROM er WHERE a = 7;
SELECT 10 / (a - 6) AS q FROM er WHERE a = 6;
SELECT b::int FROM er WHERE a = 1;
-- In the planner, which folds constants.
SELECT 1 / 0;
SELECT a FROM er WHERE a = 'no number'::text::int;
-- When the executor starts: the right is missing.
SET ROLE er_user;
SELECT count(*) FROM er;
INSERT INTO er VALUES (1);
RESET ROLE;
-- Constraints.
INSERT INTO er VALUES (1, 'secret1', 1);
INSERT INTO er VALUES (1001, 'secret2', 5123);
INSERT INTO er VALUES (NULL, 'secret2');
INSERT INTO er_child VALUES (999);
INSERT INTO er_child VALUES (20);
DELETE FROM er WHERE a = 20;
UPDATE er SET a = 2000 WHERE a = 20;
INSERT INTO er_child VALUES (2, 'secret3');
-- In a utility statement.
CREATE TABLE er (x int);
DROP TABLE er_nothing;
ALTER TABLE er ADD CONSTRAINT positive CHECK (a > 25);
COPY er FROM '/nonexistent/secret4';
SET work_mem = 'secret5';
VACUUM er_nothing;
DO $$ BEGIN RAISE EXCEPTION 'secret6' USING ERRCODE = 'ZX001'; END $$;
-- Time.
SET statement_timeout = 200;
SELECT pg_sleep(10), 'timeout';
SET statement_timeout = 0;
SELECT * FROM seen;

-- Never executed, so not counted: what is no statement of this database.
SELECT FROM assist.reset();
SELEC 1;
SELECT nothing FROM er;
SELECT * FROM er_nothing;
BEGIN;
SELECT 1 / 0;
SELECT 'ignored in an aborted transaction' FROM er;
COMMIT;
SELECT * FROM seen;

-- Caught in PL/pgSQL, with nothing logged.
SELECT FROM assist.reset();
SET log_min_messages = panic;
SET log_min_error_statement = panic;
CREATE FUNCTION er_catch(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE caught text := '';
BEGIN
  FOR i IN 1 .. n LOOP
    BEGIN
      PERFORM 1 / (er.a - er.a) FROM er WHERE er.a = i;
    EXCEPTION WHEN division_by_zero THEN caught := caught || 'd';
    END;
    BEGIN
      INSERT INTO er VALUES (1);
    EXCEPTION WHEN unique_violation THEN caught := caught || 'u';
    END;
  END LOOP;
  RETURN caught;
END $$;
SELECT er_catch(3);
SELECT * FROM seen;
-- The statement around succeeded, once; and what follows the block is counted as before.
SELECT query, calls, errors FROM assist.statements WHERE query LIKE 'SELECT er_catch%';

-- Not caught: every level failed, each by the same SQLSTATE.
SELECT FROM assist.reset();
CREATE FUNCTION er_inner(n int) RETURNS int LANGUAGE plpgsql AS $$ DECLARE r int; BEGIN SELECT 1 / (a - n) INTO r FROM er WHERE a = n; RETURN r; END $$;
CREATE FUNCTION er_outer(n int) RETURNS int LANGUAGE plpgsql AS $$ DECLARE r int; BEGIN SELECT er_inner(n) INTO r FROM er WHERE a = 2; RETURN r; END $$;
SELECT er_outer(5) FROM er WHERE a = 1;
SELECT * FROM seen;
-- And the depth is right again: the next one is a top-level statement.
SELECT a FROM er WHERE a = 5;
SELECT toplevel AS top, calls FROM assist.statements WHERE query LIKE 'SELECT a FROM er WHERE%';
-- A catch between two levels: the inner ones failed, the outer one not. (PL/pgSQL runs an expression as a
-- statement after it failed once in a transaction.)
SELECT FROM assist.reset();
DISCARD PLANS;
CREATE FUNCTION er_middle(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN er_outer(n); EXCEPTION WHEN OTHERS THEN RETURN -1; END $$;
SELECT er_middle(5) FROM er WHERE a <= 2;
SELECT * FROM seen;
SELECT query, calls, rows, errors FROM assist.statements WHERE query LIKE 'SELECT er_middle%';

-- In a trigger, in a constraint at COMMIT, in a function at the top of a utility statement.
SELECT FROM assist.reset();
CREATE FUNCTION er_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 / (a - a) FROM er WHERE a = 1; RETURN NEW; END $$;
CREATE TRIGGER refuse AFTER UPDATE ON er_child FOR EACH ROW EXECUTE FUNCTION er_refuse();
UPDATE er_child SET a = 21;
UPDATE er_child SET b = '2001-01-01';
CREATE TABLE er_deferred (a int REFERENCES er DEFERRABLE INITIALLY DEFERRED);
BEGIN;
INSERT INTO er_deferred VALUES (7777);
-- At the end of the transaction no statement runs.
COMMIT;
DISCARD PLANS;
DO $$ BEGIN PERFORM er_outer(5); END $$;
SELECT * FROM seen;

-- Cursors: an error in a FETCH is the FETCH's and the query's; a cursor that was left open by an abort did not fail.
SELECT FROM assist.reset();
BEGIN;
DECLARE bad CURSOR FOR SELECT 1 / (a - 3) FROM er ORDER BY a;
FETCH 2 FROM bad;
FETCH 5 FROM bad;
ROLLBACK;
BEGIN;
DECLARE good CURSOR FOR SELECT a + 0 FROM er ORDER BY a;
FETCH 2 FROM good;
SELECT 2 / (a - a) FROM er;
ROLLBACK;
SELECT * FROM seen;
SELECT toplevel AS top, calls, errors, rows FROM assist.statements WHERE query LIKE 'DECLARE good%' ORDER BY 1;

-- Savepoints: what was rolled back was executed.
SELECT FROM assist.reset();
BEGIN;
SAVEPOINT s;
UPDATE er SET b = 'x' WHERE a = 1;
SELECT 3 / (a - a) FROM er;
ROLLBACK TO s;
UPDATE er SET b = 'y' WHERE a = 2;
COMMIT;
SELECT * FROM seen;
SELECT query, calls, errors FROM assist.statements WHERE query LIKE 'UPDATE er%';

-- Prepared statements, EXPLAIN ANALYZE.
SELECT FROM assist.reset();
PREPARE p(int) AS SELECT 4 / (a - $1) FROM er WHERE a = 4;
EXECUTE p(3);
EXECUTE p(4);
DEALLOCATE p;
EXPLAIN (ANALYZE, COSTS off) SELECT 5 / (a - a) FROM er;
SELECT * FROM seen;

-- A notice or a warning is no error, nor is its code taken for the next one's.
SELECT FROM assist.reset();
DO $$ BEGIN RAISE WARNING 'careful' USING ERRCODE = '01234'; PERFORM 1 FROM er; END $$;
SELECT count(*) AS errors FROM seen;
-- After an error that was caught, one that the application raises without a statement is the DO's own.
DO $$ BEGIN
  BEGIN PERFORM 6 / (a - a) FROM er; EXCEPTION WHEN OTHERS THEN NULL; END;
  RAISE EXCEPTION 'mine' USING ERRCODE = 'ZX002';
END $$;
SELECT * FROM seen;

-- The message: its format, without values, when the server logs it.
RESET log_min_messages;
SELECT FROM assist.reset();
INSERT INTO er VALUES (1, 'secret1');
SELECT b::int FROM er WHERE a = 3;
SELECT 'secret7'::int FROM er;
SELECT a FROM er WHERE b = ANY ('{secret8');
SELECT sqlstate, errors, last_message, last_seen > now() - interval '1 minute' AS just_now FROM assist.errors ORDER BY sqlstate COLLATE "C", last_message COLLATE "C";
SELECT count(*) AS leaks FROM assist.errors WHERE last_message ~ 'secret|row 3';

-- Users are told apart.
SELECT FROM assist.reset();
GRANT SELECT ON er TO er_user;
SELECT 7 / (a - a) FROM er;
SET ROLE er_user;
SELECT 7 / (a - a) FROM er;
SELECT 7 / (a - a) FROM er;
RESET ROLE;
SELECT userid = 'er_user'::regrole AS as_er_user, sqlstate, errors FROM assist.errors ORDER BY 1;

DROP VIEW seen;
DROP FUNCTION er_catch, er_inner, er_outer, er_middle;
DROP TABLE er_child, er_deferred, er CASCADE;
DROP FUNCTION er_refuse;
DROP ROLE er_user;
DROP EXTENSION pg_assist;
