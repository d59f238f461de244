-- Use of indexes on other servers, which the rule unused_index cannot see from here.

CREATE TABLE assist.imported_index_use (
  node pg_catalog.text NOT NULL,
  index_name pg_catalog.text NOT NULL,
  scans pg_catalog.int8 NOT NULL,
  first_import pg_catalog.timestamptz NOT NULL,
  last_import pg_catalog.timestamptz NOT NULL,
  last_use pg_catalog.timestamptz,
  PRIMARY KEY (node, index_name)
);
COMMENT ON TABLE assist.imported_index_use IS
  'use of indexes on standbys, as assist.import_index_usage() was told: index_name qualified and quoted as needed; scans as the node counts them; last_use = when they were seen to have grown, or what the node says; NULL = not used since it was first imported';
ALTER TABLE assist.imported_index_use ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION assist.import_index_usage(node pg_catalog.text, usage pg_catalog.jsonb)
RETURNS pg_catalog.int4 LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_import_index_usage';
COMMENT ON FUNCTION assist.import_index_usage(pg_catalog.text, pg_catalog.jsonb) IS
'Tells what a standby uses, so that an index that only it needs is not called unused: usage is what SELECT jsonb_agg(u) FROM pg_stat_user_indexes u gives there, objects with schemaname, indexrelname, idx_scan and, since PostgreSQL 16, last_idx_scan. Import it regularly, daily for example: counts that grew since the last time are use. Returns how many of them are indexes of this database; NULL as usage forgets the node.';
REVOKE ALL ON FUNCTION assist.import_index_usage(pg_catalog.text, pg_catalog.jsonb) FROM PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('assist.imported_index_use', '');
