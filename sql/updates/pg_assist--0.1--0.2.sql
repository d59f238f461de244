-- What changed in the SQL objects from 0.1 to 0.2; topics that are new as a whole are included from their pieces. Same
-- rules as for the install script: qualified names, no OR REPLACE of what somebody else may have made.

CREATE FUNCTION assist.mask_text(value pg_catalog.text) RETURNS pg_catalog.text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'assist_mask_text';
COMMENT ON FUNCTION assist.mask_text(pg_catalog.text) IS
'The text with [email], [card], [phone], [token] and [secret] for what is recognised as such by its form: a parameter''s value, a line of a log.';

CREATE FUNCTION assist.mask_query(query pg_catalog.text) RETURNS pg_catalog.text
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'assist_mask_query';
COMMENT ON FUNCTION assist.mask_query(pg_catalog.text) IS
'The statement with ? for every number and string, and masked as by assist.mask_text() in what remains, as comments. Reads strings as the session''s standard_conforming_strings says.';

CREATE FUNCTION assist._export_item(item pg_catalog.jsonb) RETURNS pg_catalog.jsonb
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'assist_export_item';
COMMENT ON FUNCTION assist._index_use() IS 'internal: rows of assist.index_use, of all databases, and the same of tables that are scanned sequentially';
COMMENT ON FUNCTION assist._export_item(pg_catalog.jsonb) IS 'internal: masks every string of it unless assist.mask_literals is off';

CREATE FUNCTION assist._export_parts(parts pg_catalog.text[]) RETURNS pg_catalog.text[]
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'assist_export_parts';
COMMENT ON FUNCTION assist._export_parts(pg_catalog.text[]) IS 'internal: checks the names of parts; all of them for NULL';

CREATE FUNCTION assist.export(parts pg_catalog.text[] DEFAULT NULL)
RETURNS TABLE (part pg_catalog.text, item pg_catalog.jsonb)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH wanted AS MATERIALIZED (SELECT assist._export_parts(export.parts) AS parts)
  SELECT e.part, assist._export_item(e.item)
  FROM wanted w, LATERAL (
    SELECT 'statements', to_jsonb(s) FROM assist.statements s WHERE 'statements' = ANY (w.parts)
    UNION ALL SELECT 'plans', to_jsonb(s) FROM assist.plans s WHERE 'plans' = ANY (w.parts)
    UNION ALL SELECT 'predicates', to_jsonb(s) FROM assist.predicates s WHERE 'predicates' = ANY (w.parts)
    UNION ALL SELECT 'samples', to_jsonb(s) FROM assist.samples s WHERE 'samples' = ANY (w.parts)
    UNION ALL SELECT 'errors', to_jsonb(s) FROM assist.errors s WHERE 'errors' = ANY (w.parts)
    UNION ALL SELECT 'index_use', to_jsonb(s) FROM assist.index_use s WHERE 'index_use' = ANY (w.parts)
    UNION ALL SELECT 'recommendations', to_jsonb(s) FROM assist.all_recommendations s WHERE 'recommendations' = ANY (w.parts)
    UNION ALL SELECT 'history', to_jsonb(s) FROM assist.history s WHERE 'history' = ANY (w.parts)
    UNION ALL SELECT 'rules', to_jsonb(s) FROM assist.rules s WHERE 'rules' = ANY (w.parts)
    UNION ALL SELECT 'status', to_jsonb(s) FROM assist.status s WHERE 'status' = ANY (w.parts)
  ) e (part, item)
$$;
COMMENT ON FUNCTION assist.export(pg_catalog.text[]) IS
'One row per row of the views, or of those that parts names (statements, plans, predicates, samples, errors, index_use, recommendations, history, rules, status), as JSON, to be given away: constants, personal data and secrets are masked unless assist.mask_literals is off.';

REVOKE ALL ON FUNCTION assist._export_item(pg_catalog.jsonb), assist._export_parts(pg_catalog.text[]),
  assist.export(pg_catalog.text[]), assist.mask_text(pg_catalog.text), assist.mask_query(pg_catalog.text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist._export_item(pg_catalog.jsonb), assist._export_parts(pg_catalog.text[]),
  assist.export(pg_catalog.text[]), assist.mask_text(pg_catalog.text), assist.mask_query(pg_catalog.text) TO pg_read_all_stats;

COMMENT ON COLUMN assist.samples.parameters IS
  'values of $1 ... as SQL text, masked as assist.mask_literals says; NULL unless assist.sample_parameters is on';

ALTER TABLE assist.rule_setting ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.rule_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.recommendation ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.action_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.object_seen ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.server_counter ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.bloat_measure ENABLE ROW LEVEL SECURITY;

-- include: 46_check_migration.sql
-- include: 51_advise.sql
-- include: 52_index_usage.sql
-- include: 70_history.sql
-- include: 71_waits.sql
-- include: 72_events.sql
-- include: 73_forecast.sql
-- include: 74_regressions.sql
-- include: 75_alerts.sql
-- include: 76_health.sql
-- include: 77_verification.sql
-- include: 78_progress.sql
