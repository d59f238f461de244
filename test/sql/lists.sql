-- Lists of constants: from version 18 on a list of any length is one constant of the statement, before every length
-- is a statement of its own. Either way the constants of an execution are known by the number in the text.
CREATE EXTENSION pg_assist;
CREATE TABLE li (a int, b text, n numeric);
INSERT INTO li SELECT g, 'b' || g, g FROM generate_series(1, 100) g;
SET assist.sample_rate = 1;
SET assist.sample_parameters = on;
CREATE VIEW seen AS
  SELECT s.query, s.calls, x.parameters FROM assist.statements s LEFT JOIN assist.samples x USING (userid, dbid, queryid, toplevel)
   WHERE s.query LIKE '%FROM li%' AND s.query NOT LIKE '%assist.%' ORDER BY s.query COLLATE "C", s.queryid, x.captured_at;
SELECT FROM assist.reset();
SELECT count(*) FROM li WHERE n = 1 AND a IN (5123460, 5123461, 5123462) AND b <> 'secret1';
SELECT count(*) FROM li WHERE n = 2 AND a IN (-5, 7) AND b <> 'secret2';
SELECT count(*) FROM li WHERE n = 3 AND a IN (4, 5, 6, 7, 8, 9, 10) AND b <> 'secret3';
SELECT count(*) FROM li WHERE a = ANY (ARRAY[1, 2, 3]);
SELECT query, sum(DISTINCT calls) AS calls, array_agg(parameters::text ORDER BY parameters::text COLLATE "C") FROM seen GROUP BY query ORDER BY query COLLATE "C";
-- Two lists: what comes before them is known, what comes after is not, as nobody knows which one grew.
SELECT FROM assist.reset();
SELECT count(*) FROM li WHERE n = 4 AND a IN (1, 2) AND b IN ('x', 'y') AND b <> 'end';
SELECT count(*) FROM li WHERE n = 5 AND a IN (1, 2, 3) AND b IN ('x', 'y') AND b <> 'end';
SELECT query, sum(DISTINCT calls) AS calls, array_agg(parameters::text ORDER BY parameters::text COLLATE "C") FROM seen GROUP BY query ORDER BY query COLLATE "C";
-- Parameters in lists.
SELECT FROM assist.reset();
PREPARE li_p(int, int) AS SELECT count(*) FROM li WHERE a IN ($1, $2, 3) AND n = 7;
EXECUTE li_p(1, 2);
EXECUTE li_p(3, 4);
PREPARE li_q(text, int) AS SELECT count(*) FROM li WHERE b = $1 AND a IN (1, 2, 3) AND n = 8 OR a IN ($2, 4) OR n = 9;
EXECUTE li_q('x', 2);
DEALLOCATE ALL;
SELECT query, sum(DISTINCT calls) AS calls, array_agg(parameters::text ORDER BY parameters::text COLLATE "C") FROM seen GROUP BY query ORDER BY query COLLATE "C";
SELECT count(*) AS leaks FROM assist.statements WHERE query ~ 'secret|51234';
DROP VIEW seen;
DROP TABLE li;
DROP EXTENSION pg_assist;
