-- What became of recommended indexes that somebody built.
CREATE EXTENSION pg_assist;
ALTER SYSTEM SET assist.history_tiers = '1min:60d, 1h:90d, 1d:3y';
SELECT pg_reload_conf();
SELECT pg_sleep(0.3);
SHOW assist.history_tiers;
CREATE TABLE vf (id int PRIMARY KEY, customer int NOT NULL, note text NOT NULL);
CREATE TABLE vg (id int PRIMARY KEY, customer int NOT NULL, note text NOT NULL);
INSERT INTO vf SELECT g, g % 10000, repeat('x', 100) FROM generate_series(1, 30000) g;
INSERT INTO vg SELECT g, g, repeat('x', 100) FROM generate_series(1, 8000) g;
ANALYZE vf, vg;
SELECT count(*) FROM (SELECT assist.set_rule('missing_index', settings => '{"min_saving": 0, "min_share": 0, "min_executions": 1}')) s;
SELECT count(*) FROM (SELECT assist.set_rule('ineffective_index', settings => '{"min_size": 0}')) s;
-- Asked last, of the rows that the other conditions leave: the second takes as long as it sleeps, with an index as without one.
CREATE FUNCTION slow(id int) RETURNS bool LANGUAGE plpgsql COST 1000 AS $$ BEGIN PERFORM pg_sleep(0.04); RETURN true; END $$;
CREATE TABLE calls AS
  SELECT n, format('SELECT note FROM vf WHERE customer = %s', n) AS f,
         format('SELECT note FROM vg WHERE customer = %s AND slow(id)', n) AS g
  FROM generate_series(1, 50) n;
-- Ten calls in each of five intervals.
CREATE PROCEDURE intervals(which text) LANGUAGE plpgsql AS $$
DECLARE one record;
BEGIN
  FOR i IN 0 .. 4 LOOP
    FOR one IN SELECT f, g FROM calls WHERE n BETWEEN 10 * i + 1 AND 10 * i + 10 LOOP
      IF which ~ 'f' THEN EXECUTE one.f; END IF;
      IF which ~ 'g' THEN EXECUTE one.g; END IF;
    END LOOP;
    PERFORM assist.record_history();
    COMMIT;
  END LOOP;
END $$;
-- The indexes were built so much earlier, and what came before them as well.
CREATE PROCEDURE earlier(by interval) LANGUAGE sql AS $$
  UPDATE assist.history_block SET start = start - by, until = until - by WHERE start < (SELECT min(built_at) FROM assist.verification);
  UPDATE assist.recommendation SET created_at = created_at - by;
  UPDATE assist.event SET at = at - by WHERE command = 'CREATE INDEX';
  UPDATE assist.verification SET built_at = built_at - by, measured_at = NULL;
$$;
SELECT assist.record_history();
CALL intervals('fg');
SELECT assist.refresh(ARRAY['index']) >= 2 AS found;
SELECT title, status FROM assist.all_recommendations WHERE rule = 'missing_index' AND object IN ('public.vf', 'public.vg') ORDER BY 1;
SELECT count(*) FROM assist.verifications;

-- One that serves it and more, under another name, by hand; and one that will not make its statement faster.
CREATE INDEX by_hand ON vf (customer, id);
CREATE INDEX CONCURRENTLY as_said ON vg (customer);
SELECT assist.refresh(ARRAY['index']) >= 0 AS refreshed;
SELECT title, status, status_reason FROM assist.all_recommendations WHERE rule = 'missing_index' AND object IN ('public.vf', 'public.vg') ORDER BY 1;
SELECT title, status, index_name, verdict, predicted_ms_per_day > 0 AS predicted, saved_ms_per_day, statements, measured FROM assist.verifications ORDER BY 1;
SELECT action, object, outcome, detail FROM assist.history WHERE action = 'build' ORDER BY 2;

-- Too early to say, but for the calls.
CALL intervals('fg');
SELECT assist.refresh(ARRAY['index']) >= 0 AS refreshed;
SELECT index_name, verdict, measured, saved_ms_per_day IS NOT NULL AS told FROM assist.verifications ORDER BY 1;
-- Half an hour later the one that helps is verified.
CALL earlier('35 min');
SELECT assist.refresh(ARRAY['index']) >= 0 AS refreshed;
SELECT title, status, regexp_replace(status_reason, '-?[0-9.]+ (us|ms|s|min|h)', 'T', 'g') AS reason FROM assist.all_recommendations WHERE rule = 'missing_index' AND object IN ('public.vf', 'public.vg') ORDER BY 1;
SELECT index_name, verdict, saved_ms_per_day BETWEEN saved_low AND saved_high AS within, saved_low > 0 AS surely, measured, slower, settled_at FROM assist.verifications ORDER BY 1;
SELECT v.index_name, before_ms > after_ms * 2 AS faster, ratio BETWEEN ratio_low AND ratio_high AS within, calls_per_day > 0 AS called, s.query
  FROM assist.verified_statements m JOIN assist.verifications v USING (recommendation_id)
  JOIN (SELECT DISTINCT queryid, query FROM assist.statements) s USING (queryid) WHERE v.index_name = 'public.by_hand';
-- A day later, that the other does not: it is offered to be dropped.
CALL earlier('24 hours');
SELECT assist.refresh(ARRAY['index']) >= 0 AS refreshed;
SELECT index_name, verdict, saved_high < predicted_ms_per_day / 2 AS surely_less FROM assist.verifications ORDER BY 1;
SELECT status, regexp_replace(status_reason, '-?[0-9.]+ (us|ms|s|min|h)', 'T', 'g') AS reason FROM assist.all_recommendations WHERE rule = 'missing_index' AND object = 'public.vg';
SELECT object, status, regexp_replace(title, '[0-9.]+ kB', 'N kB') AS title, sql FROM assist.recommendations WHERE rule = 'ineffective_index';
-- Under another name it is taken for another index, which nobody judges.
ALTER INDEX as_said RENAME TO another;
SELECT assist.refresh(ARRAY['index']) >= 0 AS refreshed;
SELECT status FROM assist.all_recommendations WHERE rule = 'ineffective_index';
ALTER INDEX another RENAME TO as_said;
SELECT assist.refresh(ARRAY['index']) >= 0 AS refreshed;
SELECT status FROM assist.all_recommendations WHERE rule = 'ineffective_index';
-- Done: it is not recommended once more, and its drop is no longer to be done.
DROP INDEX as_said;
CALL intervals('g');
SELECT assist.refresh(ARRAY['index']) >= 0 AS refreshed;
SELECT status FROM assist.all_recommendations WHERE rule = 'missing_index' AND object = 'public.vg';
SELECT status FROM assist.all_recommendations WHERE rule = 'ineffective_index';
-- The other is recommended again when it is dropped, and verified anew when it is back.
DROP INDEX by_hand;
CALL intervals('f');
SELECT assist.refresh(ARRAY['index']) >= 0 AS refreshed;
SELECT status, status_reason FROM assist.all_recommendations WHERE rule = 'missing_index' AND object = 'public.vf';
CREATE INDEX back_again ON vf (customer);
SELECT assist.refresh(ARRAY['index']) >= 0 AS refreshed;
SELECT status, status_reason FROM assist.all_recommendations WHERE rule = 'missing_index' AND object = 'public.vf';
SELECT index_name, verdict, measured FROM assist.verifications WHERE index_name LIKE '%back%';
-- Who may not see the table sees nothing of it; who owns it does not see the rest.
CREATE ROLE verifier;
GRANT USAGE ON SCHEMA assist TO verifier;
GRANT SELECT ON assist.verifications, assist.verified_statements TO verifier;
SET ROLE verifier;
SELECT count(*) FROM assist.verifications;
SELECT count(*) FROM assist.verified_statements;
SELECT count(*) FROM assist.verification;
RESET ROLE;
ALTER TABLE vf OWNER TO verifier;
SET ROLE verifier;
SELECT count(DISTINCT recommendation_id) AS own FROM assist.verifications;
RESET ROLE;
-- After a week nothing more is measured.
UPDATE assist.verification SET built_at = built_at - interval '8 days', measured_at = NULL WHERE index_name LIKE '%back%';
SELECT assist.refresh(ARRAY['index']) >= 0 AS refreshed;
SELECT verdict, settled_at IS NOT NULL AS settled FROM assist.verifications WHERE index_name LIKE '%back%';
DROP TABLE vf, vg, calls;
DROP PROCEDURE intervals, earlier;
DROP FUNCTION slow;
DROP OWNED BY verifier;
DROP ROLE verifier;
SELECT count(*) FROM (SELECT assist.set_rule('missing_index'), assist.set_rule('ineffective_index')) s;
ALTER SYSTEM RESET assist.history_tiers;
SELECT pg_reload_conf();
DROP EXTENSION pg_assist;
