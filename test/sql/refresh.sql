-- assist.refresh(): whose rights it needs and uses, what it remembers, who sees what it found.
CREATE EXTENSION pg_assist;
CREATE ROLE regress_assist_monitor IN ROLE pg_read_all_stats;
CREATE ROLE regress_assist_owner;
CREATE ROLE regress_assist_other;
GRANT CREATE ON SCHEMA public TO regress_assist_owner, regress_assist_other;
SET ROLE regress_assist_owner;
CREATE TABLE mine (id int PRIMARY KEY, a int);
CREATE INDEX mine_a ON mine (a);
CREATE INDEX mine_a_2 ON mine (a);
SET ROLE regress_assist_other;
CREATE TABLE theirs (id int PRIMARY KEY, a int);
CREATE INDEX theirs_a ON theirs (a);
CREATE INDEX theirs_a_2 ON theirs (a);
-- Nothing without a grant.
SELECT assist.refresh();
RESET ROLE;

-- A monitoring role refreshes and reads; it has no right on the tables behind, and none to review.
SET ROLE regress_assist_monitor;
SELECT assist.refresh('{index}');
SELECT rule, object FROM assist.recommendations ORDER BY object;
SELECT state FROM assist.rules WHERE rule = 'duplicate_index';
SELECT count(*) FROM assist.recommendation;
DELETE FROM assist.rule_state;
SELECT id AS mine FROM assist.recommendations WHERE object = 'public.mine_a_2' \gset
SELECT id AS theirs FROM assist.recommendations WHERE object = 'public.theirs_a_2' \gset
SELECT count(*) > 0 AS migration FROM assist.generate_migration(:mine);
SELECT assist.approve(:mine);
RESET ROLE;
GRANT EXECUTE ON FUNCTION assist.approve(bigint), assist.dismiss(bigint, text) TO regress_assist_monitor, regress_assist_owner;
GRANT USAGE ON SCHEMA assist TO regress_assist_owner;
GRANT SELECT ON assist.recommendations, assist.all_recommendations, assist.history TO regress_assist_owner;
GRANT EXECUTE ON FUNCTION assist.recommendations, assist._check_filter, assist.generate_migration(bigint) TO regress_assist_owner;
SET ROLE regress_assist_monitor;
SELECT assist.approve(:mine);
\echo :SQLSTATE
RESET ROLE;

-- An owner sees and reviews what concerns its own tables; of others it does not even learn that they exist.
SET ROLE regress_assist_owner;
SELECT object FROM assist.recommendations;
SELECT object FROM assist.recommendations(status => NULL);
SELECT sql FROM assist.generate_migration(:mine) WHERE direction = 'up';
SELECT sql FROM assist.generate_migration(:theirs);
\echo :SQLSTATE
SELECT status FROM assist.approve(:mine);
SELECT assist.approve(:theirs);
\echo :SQLSTATE
-- A function in the WHERE clause is not shown the rows of others.
CREATE FUNCTION pg_temp.leak(text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS
  $$BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END$$;
SELECT count(*) FROM assist.all_recommendations WHERE pg_temp.leak(object);
SELECT role, session_role = session_user AS through, action, object FROM assist.history;
RESET ROLE;

-- A name that has gone to another relation shows nothing: the oid of a restored dump may be anybody's.
UPDATE assist.recommendation SET relation = 'mine'::regclass WHERE id = :theirs;
SET ROLE regress_assist_owner;
SELECT count(*) FROM assist.all_recommendations;
RESET ROLE;

-- Code of users is not run by an analysis: operators, casts, domains and functions of theirs around the
-- indexes and tables that are read.
SET ROLE regress_assist_other;
CREATE FUNCTION trap(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
  $$BEGIN IF current_setting('trap.armed', true) = 'yes' THEN RAISE 'trapped as %', current_user; END IF; RETURN $1; END$$;
CREATE DOMAIN trapped AS int CHECK (trap(VALUE) IS NOT NULL);
CREATE TABLE trapper (id trapped, a int DEFAULT trap(1));
INSERT INTO trapper SELECT g, g FROM generate_series(1, 100) g;
CREATE INDEX trapper_f ON trapper (trap(a)) WHERE trap(id) > 0;
CREATE INDEX trapper_f_2 ON trapper (trap(a)) WHERE trap(id) > 0;
ANALYZE trapper;
RESET ROLE;
SET trap.armed = 'yes';
SELECT assist.refresh('{index,maintenance}');
SELECT object FROM assist.recommendations WHERE object LIKE '%trapper%';
RESET trap.armed;

-- Who followed it by hand still finds it, though the index is gone.
DROP INDEX mine_a_2;
GRANT EXECUTE ON FUNCTION assist.mark_implemented TO regress_assist_owner;
SET ROLE regress_assist_owner;
SELECT status FROM assist.mark_implemented(:mine);
RESET ROLE;

-- First seen moments: of what is there, forgotten with it.
SELECT count(*) FROM assist.object_seen WHERE oid = 'mine_a'::regclass;
SELECT 'mine_a'::regclass::oid AS gone \gset
DROP TABLE mine, theirs, trapper;
SELECT assist.refresh('{index}');
SELECT count(*) FROM assist.object_seen WHERE oid = :gone;
SELECT object, status, status_reason FROM assist.all_recommendations ORDER BY object;

-- Server counters are kept every five minutes at most.
SELECT assist.refresh();
SELECT count(*) FROM assist.server_counter;

DROP DOMAIN trapped;
DROP FUNCTION trap(int);
DROP OWNED BY regress_assist_monitor, regress_assist_owner, regress_assist_other;
DROP ROLE regress_assist_monitor, regress_assist_owner, regress_assist_other;
DROP EXTENSION pg_assist;
