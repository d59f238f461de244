-- Events: what happened on this server and in this database, for later: what changed before it became slow?
--
-- The tables are written by the library only, by fixed statements under their owner's rights. Others read the views,
-- which show a role what concerns the relations it owns, and members of pg_read_all_stats all.

CREATE TABLE assist.event (
  id pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  kind pg_catalog.text NOT NULL CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY[
    'ddl', 'setting', 'restart', 'promotion', 'reload', 'mark', 'vacuum', 'analyze', 'lost']::pg_catalog.text[])),
  command pg_catalog.text,
  object pg_catalog.text,
  relation pg_catalog.oid,
  -- For rights: oid and name must agree, as oids change by dump and restore.
  relation_name pg_catalog.text,
  role pg_catalog.text,
  session_role pg_catalog.text,
  scope pg_catalog.text,
  old_value pg_catalog.text,
  new_value pg_catalog.text,
  detail pg_catalog.text,
  events pg_catalog.int8 NOT NULL DEFAULT 1,
  queryid pg_catalog.int8
);
CREATE INDEX ON assist.event (kind, id);
CREATE INDEX ON assist.event (at);
COMMENT ON TABLE assist.event IS
  'what happened: DDL, changes of settings, restarts, VACUUM and ANALYZE, marks; read assist.markers and assist.setting_history';
COMMENT ON COLUMN assist.event.at IS 'moment of the commit, of the reload or start by which a setting changed, or of the end of a VACUUM or ANALYZE';
COMMENT ON COLUMN assist.event.kind IS 'ddl, setting, restart, promotion, reload, mark, vacuum, analyze, lost';
COMMENT ON COLUMN assist.event.command IS 'command tag of DDL';
COMMENT ON COLUMN assist.event.object IS 'qualified name, or the setting';
COMMENT ON COLUMN assist.event.role IS 'whose rights it was done with; NULL = not known';
COMMENT ON COLUMN assist.event.session_role IS 'who had logged in';
COMMENT ON COLUMN assist.event.scope IS 'of a setting: system, database, role, database+role';
COMMENT ON COLUMN assist.event.events IS 'events that the row stands for';
COMMENT ON COLUMN assist.event.queryid IS 'query id of the statement, where the server computed one';

CREATE TABLE assist.event_position (
  one pg_catalog.bool PRIMARY KEY DEFAULT true CHECK (one),
  epoch pg_catalog.timestamptz,
  sequence pg_catalog.int8 NOT NULL DEFAULT 0,
  unpublished pg_catalog.int8 NOT NULL DEFAULT 0,
  timeline pg_catalog.int4,
  server_version pg_catalog.text,
  reload_at pg_catalog.timestamptz,
  settings_at pg_catalog.timestamptz,
  maintenance_at pg_catalog.timestamptz
);
COMMENT ON TABLE assist.event_position IS 'how far this database has taken the events of the server';

CREATE TABLE assist.setting_seen (
  scope pg_catalog.text NOT NULL,
  roleid pg_catalog.oid NOT NULL,
  name pg_catalog.text NOT NULL,
  value pg_catalog.text,
  source pg_catalog.text,
  PRIMARY KEY (scope, roleid, name)
);
COMMENT ON TABLE assist.setting_seen IS
  'each setting as it was last seen, to tell a change; of those that may hold secrets a checksum';

CREATE VIEW assist.markers WITH (security_barrier) AS
  SELECT m.at, m.kind, m.title, m.object, m.role, m.detail
  FROM (
    SELECT e.at, e.kind,
           CASE e.kind
             WHEN 'ddl' THEN CASE WHEN e.command IS NULL THEN pg_catalog.format('and %s more', e.events)
                                  ELSE pg_catalog.concat_ws(' ', e.command, e.object, e.detail) END
             WHEN 'setting' THEN pg_catalog.format('%s: %s to %s', e.object, COALESCE(e.old_value, 'not set'),
                                                   COALESCE(e.new_value, 'not set'))
             WHEN 'lost' THEN pg_catalog.format('%s events of the server were lost', e.events)
             WHEN 'mark' THEN e.detail
             ELSE pg_catalog.concat_ws(' ', CASE e.kind WHEN 'restart' THEN 'server started' ELSE 'server promoted' END,
                                       e.command)
           END AS title,
           e.object, e.role,
           CASE e.kind WHEN 'ddl' THEN CASE WHEN e.session_role OPERATOR(pg_catalog.<>) e.role
                                            THEN pg_catalog.format('session of %s', e.session_role) END
                       WHEN 'setting' THEN pg_catalog.concat_ws(', ', e.scope, e.detail)
                       WHEN 'mark' THEN NULL
                       ELSE e.detail END AS detail,
           e.relation, e.relation_name, e.id
    FROM assist.event e
    WHERE e.kind OPERATOR(pg_catalog.=) ANY (ARRAY['ddl', 'setting', 'restart', 'promotion', 'mark', 'lost'])
    UNION ALL
    SELECT l.at, 'implemented', COALESCE(r.title, pg_catalog.concat_ws(' ', l.action, l.object)), l.object, l.role,
           COALESCE(l.sql, l.detail), r.relation, r.relation_name, l.id
    FROM assist.action_log l
         LEFT JOIN assist.recommendation r ON r.id OPERATOR(pg_catalog.=) l.recommendation_id
    WHERE l.outcome OPERATOR(pg_catalog.=) ANY (ARRAY['implemented', 'reverted'])
  ) m
  WHERE pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
     OR EXISTS (SELECT 1 FROM pg_catalog.pg_class c
                  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                WHERE c.oid OPERATOR(pg_catalog.=) m.relation
                  AND pg_catalog.format('%I.%I', n.nspname, c.relname) OPERATOR(pg_catalog.=) m.relation_name
                  AND pg_catalog.pg_has_role(c.relowner, 'USAGE'))
  ORDER BY m.at, m.id;
COMMENT ON VIEW assist.markers IS
  'one row per moment at which something changed: DDL, settings, restarts, implemented recommendations, deploys by assist.mark(); of the relations one owns, or all for pg_read_all_stats';
COMMENT ON COLUMN assist.markers.at IS 'when it took effect';
COMMENT ON COLUMN assist.markers.kind IS 'ddl, setting, restart, promotion, mark, implemented, lost';
COMMENT ON COLUMN assist.markers.title IS 'what happened, in a line';
COMMENT ON COLUMN assist.markers.role IS 'who did it; NULL = not known, as with a change in a configuration file';
COMMENT ON COLUMN assist.markers.detail IS 'what else is known: the session''s role, scope and source of a setting, SQL of a recommendation';

CREATE VIEW assist.setting_history WITH (security_barrier) AS
  SELECT e.at, e.object AS name, e.scope, e.old_value, e.new_value, e.role AS role_name, e.detail AS source
  FROM assist.event e
  WHERE e.kind OPERATOR(pg_catalog.=) 'setting' AND pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
  ORDER BY e.at, e.id;
COMMENT ON VIEW assist.setting_history IS
  'one row per change of a setting, of the server, this database or a role; for members of pg_read_all_stats';
COMMENT ON COLUMN assist.setting_history.at IS 'the reload or start by which it took effect, or when it was seen';
COMMENT ON COLUMN assist.setting_history.scope IS 'system, database, role, or database+role';
COMMENT ON COLUMN assist.setting_history.old_value IS 'with its unit; NULL = not set there; (masked) where it may be a secret';
COMMENT ON COLUMN assist.setting_history.new_value IS 'with its unit; NULL = not set there; (masked) where it may be a secret';
COMMENT ON COLUMN assist.setting_history.role_name IS 'who gave the command; NULL = it was changed in a file, or is not known';
COMMENT ON COLUMN assist.setting_history.source IS 'file, command line, or the role that it is set for';

CREATE FUNCTION assist.mark(title pg_catalog.text)
RETURNS pg_catalog.timestamptz LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_mark';
COMMENT ON FUNCTION assist.mark(pg_catalog.text) IS
'Records a moment, as a deployment, in assist.markers under the caller''s name, and returns it. At most 200 characters; goes with the caller''s transaction. Needs a grant.';

-- Whoever is granted SELECT on all tables of the schema reads the views, which show what is theirs, and nothing past them.
ALTER TABLE assist.event ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.event_position ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.setting_seen ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON FUNCTION assist.mark(pg_catalog.text) FROM PUBLIC;
GRANT SELECT ON assist.markers, assist.setting_history TO pg_read_all_stats;

SELECT pg_catalog.pg_extension_config_dump('assist.event', '');
SELECT pg_catalog.pg_extension_config_dump('assist.event_id_seq', '');
