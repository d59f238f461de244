-- pg_assist: schema and helper roles. Pieces sql/NN_topic.sql are joined in order.
\echo Use "CREATE EXTENSION pg_assist" to load this file. \quit

COMMENT ON SCHEMA assist IS 'pg_assist: what the server observed, what it recommends, and the migrations that follow';
