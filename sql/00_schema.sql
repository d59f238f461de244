-- pg_assist: schema and helper roles. Pieces sql/NN_topic.sql are joined in order.
\echo Use "CREATE EXTENSION pg_assist" to load this file. \quit

-- Made here, not by the control file: so it is a member, goes with DROP EXTENSION, and a schema that somebody
-- else made before is refused instead of trusted.
CREATE SCHEMA assist;
COMMENT ON SCHEMA assist IS 'pg_assist: what the server observed, what it recommends, and the migrations that follow';
