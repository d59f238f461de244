-- Who sees what: nothing without a grant, one's own with one, all with pg_read_all_stats.
CREATE EXTENSION pg_assist;
CREATE ROLE vi_plain LOGIN;
CREATE ROLE vi_granted LOGIN;
CREATE ROLE vi_stats LOGIN IN ROLE pg_read_all_stats;
CREATE ROLE vi_monitor LOGIN IN ROLE pg_monitor;
CREATE TABLE vi (a int PRIMARY KEY, b text, j jsonb);
INSERT INTO vi SELECT g, 'b' || g, '{"k": 1}' FROM generate_series(1, 100) g;
ANALYZE vi;
GRANT SELECT, UPDATE ON vi TO vi_plain, vi_granted;
GRANT USAGE ON SCHEMA assist TO vi_granted;
GRANT SELECT ON ALL TABLES IN SCHEMA assist TO vi_granted;
GRANT EXECUTE ON FUNCTION assist._statements(), assist._plans(), assist._errors(), assist._index_use(), assist._predicates(),
  assist._samples(), assist._status() TO vi_granted;
SELECT current_user AS superuser \gset
SET assist.sample_rate = 1;
SELECT FROM assist.reset();
ALTER ROLE vi_granted SET assist.sample_rate = 1;
SELECT b FROM vi WHERE a = 5 AND b = 'superuser secret';
SELECT 1 / (a - a) FROM vi;
\c - vi_plain
SELECT a FROM vi WHERE b = 'plain secret';
\c - vi_granted
SELECT b FROM vi WHERE a = 6 AND j ->> 'vi_key' = 'granted secret';
SELECT 2 / (a - a) FROM vi WHERE b <> 'granted secret';

-- A role that was granted the views: its own statements, in every view.
SELECT count(*) > 0 AS some, bool_and(userid::regrole::text = current_user) AS own FROM assist.statements;
SELECT count(*) > 0 AS some, bool_and(userid::regrole::text = current_user) AS own FROM assist.plans;
SELECT count(*) > 0 AS some, bool_and(userid::regrole::text = current_user) AS own FROM assist.predicates;
SELECT count(*) > 0 AS some, bool_and(userid::regrole::text = current_user) AS own FROM assist.samples;
SELECT count(*) > 0 AS some, bool_and(userid::regrole::text = current_user) AS own FROM assist.errors;
SELECT query, calls, errors FROM assist.statements WHERE query ~ 'FROM vi\M' ORDER BY 1;
-- Constants inside expressions are not for it.
SELECT expressions, operators FROM assist.predicates WHERE relation_name = 'public.vi' ORDER BY 1;
SELECT assist.reset();
-- What is left of the privileges of a superuser that became it: nothing.
\c - :superuser
SET ROLE vi_granted;
SELECT bool_and(userid::regrole::text = 'vi_granted') AS own FROM assist.statements;
RESET ROLE;
-- A function of a superuser's that is SECURITY DEFINER shows what its owner sees; a view does not.
CREATE FUNCTION vi_definer() RETURNS bool LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS
  $$ SELECT count(DISTINCT userid) > 1 FROM assist.statements $$;
CREATE VIEW vi_view AS SELECT count(DISTINCT userid) > 1 AS others FROM assist.statements;
GRANT SELECT ON vi_view TO vi_granted;
SET ROLE vi_granted;
SELECT vi_definer(), (SELECT others FROM vi_view);
RESET ROLE;

-- No grant: nothing.
\c - vi_plain
SELECT count(*) FROM assist.statements;
SELECT count(*) FROM assist.plans;
SELECT * FROM assist._statements();
SELECT * FROM assist.status;
\c - :superuser
-- The schema alone opens nothing.
GRANT USAGE ON SCHEMA assist TO vi_plain;
\c - vi_plain
SELECT count(*) FROM assist.statements;
SELECT count(*) FROM assist.plans;
SELECT count(*) FROM assist.predicates;
SELECT count(*) FROM assist.samples;
SELECT count(*) FROM assist.errors;
SELECT count(*) FROM assist.index_use;
SELECT count(*) FROM assist.status;
SELECT count(*) FROM assist._statements();
SELECT count(*) FROM assist._plans();
SELECT count(*) FROM assist._predicates();
SELECT count(*) FROM assist._samples();
SELECT count(*) FROM assist._errors();
SELECT count(*) FROM assist._index_use();
SELECT count(*) FROM assist._spills();
SELECT count(*) FROM assist._status();

-- pg_read_all_stats, and so pg_monitor: everything, of everyone.
\c - vi_stats
SELECT userid::regrole::text NOT IN ('vi_plain', 'vi_granted') AS others, query, calls, errors FROM assist.statements WHERE query ~ 'FROM vi\M' AND query !~ 'assist' ORDER BY query COLLATE "C";
SELECT count(DISTINCT userid) > 1 AS all_users FROM assist.plans;
SELECT count(DISTINCT userid) > 1 AS all_users FROM assist.predicates;
SELECT count(DISTINCT userid) > 1 AS all_users FROM assist.samples;
SELECT count(DISTINCT userid) > 1 AS all_users FROM assist.errors;
SELECT count(*) > 0 AS some FROM assist.index_use;
SELECT count(*) > 0 AS some FROM assist.status;
SELECT count(*) > 0 AS some FROM assist._spills() RIGHT JOIN (VALUES (1)) v ON true;
SELECT DISTINCT expressions FROM assist.predicates WHERE relation_name = 'public.vi' AND expressions::text LIKE '%->>%';
\c - vi_monitor
SELECT count(DISTINCT userid) > 1 AS all_users FROM assist.statements;
-- Every view of the schema can be read by it: a dashboard needs no more.
DO $$ DECLARE v record; BEGIN
  FOR v IN SELECT c.oid::regclass AS name FROM pg_class c WHERE relnamespace = 'assist'::regnamespace AND relkind = 'v' ORDER BY 1 LOOP
    BEGIN
      EXECUTE format('SELECT count(*) FROM %s', v.name);
    EXCEPTION WHEN OTHERS THEN RAISE WARNING '%: %', v.name, SQLERRM;
    END;
  END LOOP;
END $$;

-- The superuser sees the constants that belong to an index's expression.
\c - :superuser
SELECT DISTINCT expressions FROM assist.predicates WHERE relation_name = 'public.vi' AND expressions::text LIKE '%->>%';

DROP VIEW vi_view;
DROP FUNCTION vi_definer;
DROP TABLE vi;
DROP EXTENSION pg_assist;
DROP ROLE vi_plain, vi_granted, vi_stats, vi_monitor;
