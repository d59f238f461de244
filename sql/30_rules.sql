-- Rules: what the library looks for, switched and tuned by assist.set_rule().

CREATE TABLE assist.rule_setting (
  rule pg_catalog.text PRIMARY KEY,
  enabled pg_catalog.bool,
  settings pg_catalog.jsonb NOT NULL DEFAULT '{}',
  changed_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  changed_by pg_catalog.text NOT NULL
);
COMMENT ON TABLE assist.rule_setting IS
  'what assist.set_rule() changed: one row per rule that differs from its defaults';
COMMENT ON COLUMN assist.rule_setting.enabled IS 'NULL = default: on';
COMMENT ON COLUMN assist.rule_setting.settings IS 'parameter to number, in the parameter''s unit';

CREATE TABLE assist.rule_state (
  rule pg_catalog.text PRIMARY KEY,
  state pg_catalog.text NOT NULL,
  evaluated_at pg_catalog.timestamptz NOT NULL,
  findings pg_catalog.int4 NOT NULL
);
COMMENT ON TABLE assist.rule_state IS 'what the last analysis did with each rule';

CREATE FUNCTION assist._rules(
  OUT rule pg_catalog.text, OUT category pg_catalog.text, OUT severity pg_catalog.text,
  OUT title pg_catalog.text, OUT source pg_catalog.text, OUT defaults pg_catalog.jsonb,
  OUT parameters pg_catalog.jsonb)
RETURNS SETOF pg_catalog.record LANGUAGE C STRICT STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'assist_rules';
COMMENT ON FUNCTION assist._rules() IS 'internal: the rules of the library';

CREATE VIEW assist.rules AS
  SELECT r.rule, r.category, r.severity, r.title,
         COALESCE(s.enabled, true) AS enabled,
         r.defaults OPERATOR(pg_catalog.||) COALESCE(s.settings, '{}') AS settings,
         r.parameters, r.source,
         CASE WHEN NOT COALESCE(s.enabled, true) THEN 'off'
              ELSE COALESCE(t.state, 'not evaluated yet') END AS state,
         t.evaluated_at, s.changed_at, s.changed_by
  FROM assist._rules() r
       LEFT JOIN assist.rule_setting s ON s.rule OPERATOR(pg_catalog.=) r.rule
       LEFT JOIN assist.rule_state t ON t.rule OPERATOR(pg_catalog.=) r.rule
  ORDER BY r.category, r.rule;
COMMENT ON VIEW assist.rules IS
  'one row per rule: what it looks for, whether it is on, its parameters and what the last analysis did with it';
COMMENT ON COLUMN assist.rules.severity IS 'the usual one; a recommendation''s may differ';
COMMENT ON COLUMN assist.rules.settings IS 'parameter to number in force, in the parameter''s unit';
COMMENT ON COLUMN assist.rules.parameters IS
  'array of name, unit, default, min, max, meaning; change them with assist.set_rule()';
COMMENT ON COLUMN assist.rules.source IS 'where thresholds and formulas come from';
COMMENT ON COLUMN assist.rules.state IS
  'evaluated, off, or why the last analysis skipped the rule or stayed silent';

CREATE FUNCTION assist.set_rule(rule pg_catalog.text, enabled pg_catalog.bool DEFAULT NULL,
                                settings pg_catalog.jsonb DEFAULT NULL)
RETURNS assist.rules LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'assist_set_rule';
COMMENT ON FUNCTION assist.set_rule(pg_catalog.text, pg_catalog.bool, pg_catalog.jsonb) IS
'Switches a rule on or off and sets its parameters: {"min_age": 7} in the units of assist.rules, null = back to the default; NULL arguments and parameters not named stay as they are. Returns the rule. The next analysis goes by it.';

ALTER TABLE assist.rule_setting ENABLE ROW LEVEL SECURITY;
ALTER TABLE assist.rule_state ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON FUNCTION assist._rules(),
  assist.set_rule(pg_catalog.text, pg_catalog.bool, pg_catalog.jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist._rules() TO pg_read_all_stats;
GRANT SELECT ON assist.rules TO pg_read_all_stats;
SELECT pg_catalog.pg_extension_config_dump('assist.rule_setting', '');
