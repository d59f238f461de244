-- assist.rules and assist.set_rule(): what is looked for, switched and tuned, and how bad input is refused.
CREATE EXTENSION pg_assist;

-- Every rule is on, says what it looks for and where its thresholds come from, and has documented parameters.
SELECT rule, category, enabled, state FROM assist.rules
 WHERE rule IN ('duplicate_index', 'invalid_index', 'missing_index', 'redundant_index', 'unused_index',
                'table_bloat', 'index_bloat', 'work_mem', 'max_wal_size') ORDER BY rule;
SELECT count(*) AS incomplete FROM assist.rules
 WHERE title = '' OR source = '' OR severity NOT IN ('info', 'low', 'medium', 'high', 'critical');
SELECT r.rule, p ->> 'name' AS parameter FROM assist.rules r, jsonb_array_elements(r.parameters) p
 WHERE p ->> 'meaning' = '' OR NOT p ?& ARRAY['name', 'unit', 'default', 'min', 'max', 'meaning']
    OR (p ->> 'default')::float8 NOT BETWEEN (p ->> 'min')::float8 AND (p ->> 'max')::float8
    OR (r.settings ->> (p ->> 'name'))::float8 IS DISTINCT FROM (p ->> 'default')::float8;

-- Off and on again; parameters one by one; null is back to the default.
SELECT rule, enabled, state FROM assist.set_rule('duplicate_index', false);
SELECT rule, enabled FROM assist.set_rule('duplicate_index', true);
SELECT settings -> 'min_age' AS min_age, settings -> 'min_size' AS min_size
  FROM assist.set_rule('unused_index', settings => '{"min_age": 0}');
SELECT settings -> 'min_age' AS min_age, settings -> 'min_size' AS min_size
  FROM assist.set_rule('unused_index', settings => '{"min_size": 4096.5}');
SELECT settings -> 'min_age' AS min_age, settings -> 'min_size' AS min_size
  FROM assist.set_rule('unused_index', settings => '{"min_age": null}');
-- Nothing given, nothing changed.
SELECT settings -> 'min_age' AS min_age, settings -> 'min_size' AS min_size FROM assist.set_rule('unused_index');
SELECT rule, enabled, settings, changed_by = current_user AS mine FROM assist.rule_setting ORDER BY rule;

-- Refused, and nothing changed.
SELECT rule FROM assist.set_rule('unused_index', false, '{"min_age": 3, "age": 3}');
\echo :SQLSTATE
SELECT rule FROM assist.set_rule('unused_index', false, '{"min_age": -1}');
\echo :SQLSTATE
SELECT rule FROM assist.set_rule('unused_index', settings => '{"min_age": 1e999}');
\echo :SQLSTATE
SELECT rule FROM assist.set_rule('unused_index', settings => '{"min_age": "7"}');
\echo :SQLSTATE
SELECT rule FROM assist.set_rule('unused_index', settings => '[7]');
\echo :SQLSTATE
SELECT rule FROM assist.set_rule(NULL, true);
\echo :SQLSTATE
\set VERBOSITY sqlstate
SELECT rule FROM assist.set_rule('no_such_rule', true);
BEGIN READ ONLY;
SELECT rule FROM assist.set_rule('unused_index', false);
ROLLBACK;
\set VERBOSITY default
SELECT rule, enabled, settings FROM assist.rule_setting ORDER BY rule;

-- A value that a later version refuses does not count.
UPDATE assist.rule_setting SET settings = '{"min_age": -5, "gone": 1}' WHERE rule = 'unused_index';
SELECT assist.refresh('{index}') >= 0 AS ok;

-- Names and operators that a user puts in the way are not seen.
CREATE SCHEMA trap;
CREATE FUNCTION trap.boom(jsonb, jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped'; END$$;
CREATE OPERATOR trap.|| (FUNCTION = trap.boom, LEFTARG = jsonb, RIGHTARG = jsonb);
CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped'; END$$;
CREATE FUNCTION trap.jsonb_typeof(jsonb) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped'; END$$;
SET search_path = trap, pg_catalog;
SET standard_conforming_strings = off;
SET TimeZone = 'Asia/Tokyo';
SET quote_all_identifiers = on;
SELECT rule, enabled FROM assist.set_rule('unused_index', false, '{"min_age": 5}');
SELECT assist.refresh('{index}') >= 0 AS ok;
SHOW search_path;
RESET standard_conforming_strings;
SHOW TimeZone;
RESET quote_all_identifiers;
RESET TimeZone;
RESET search_path;
DROP SCHEMA trap CASCADE;

-- By default nobody but a superuser sets rules; pg_read_all_stats reads them.
CREATE ROLE regress_assist_reader IN ROLE pg_read_all_stats;
SET ROLE regress_assist_reader;
SELECT count(*) > 8 AS reads FROM assist.rules;
SELECT rule FROM assist.set_rule('unused_index', true);
SELECT * FROM assist.rule_setting;
RESET ROLE;
-- Granted, it is enough: the table needs no grant.
GRANT EXECUTE ON FUNCTION assist.set_rule TO regress_assist_reader;
SET ROLE regress_assist_reader;
SELECT rule, enabled, changed_by FROM assist.set_rule('unused_index', true);
RESET ROLE;
REVOKE EXECUTE ON FUNCTION assist.set_rule FROM regress_assist_reader;
DROP ROLE regress_assist_reader;
DROP EXTENSION pg_assist;
