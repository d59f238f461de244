-- What CREATE EXTENSION brings: where it lives, that everything is commented, that it goes without a trace.
-- A test file creates the extension and drops it at its end: all share one database.
CREATE EXTENSION pg_assist;
SELECT extname, extrelocatable FROM pg_extension WHERE extname = 'pg_assist';

-- Every member outside the schema: none but the schema itself.
SELECT pg_describe_object(classid, objid, objsubid)
  FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
   AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_assist')
   AND (pg_identify_object(classid, objid, objsubid)).schema IS DISTINCT FROM 'assist'
   AND pg_describe_object(classid, objid, objsubid) NOT LIKE 'schema %';

-- Functions, views, tables and types without a comment: none. Names with an underscore in front are internal.
SELECT p.oid::regprocedure AS no_comment
  FROM pg_proc p WHERE p.pronamespace = 'assist'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
   AND p.proname NOT LIKE '\_%' ORDER BY 1::text;
SELECT c.oid::regclass AS no_comment
  FROM pg_class c WHERE c.relnamespace = 'assist'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'f') AND NOT c.relispartition
   AND obj_description(c.oid, 'pg_class') IS NULL AND c.relname NOT LIKE '\_%' ORDER BY 1::text;

-- What PUBLIC may do here: nothing.
SELECT 'function ' || p.oid::regprocedure AS open_to_public
  FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
 WHERE p.pronamespace = 'assist'::regnamespace AND a.grantee = 0
UNION ALL
SELECT 'relation ' || c.oid::regclass
  FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'assist'::regnamespace AND a.grantee = 0
UNION ALL
SELECT 'schema assist'
  FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'assist' AND a.grantee = 0
ORDER BY 1;

-- Tables that GRANT ... ON ALL TABLES would open past the views: none.
SELECT c.oid::regclass AS no_row_security
  FROM pg_class c WHERE c.relnamespace = 'assist'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity ORDER BY 1::text;

-- SECURITY DEFINER functions pin their search_path.
SELECT p.oid::regprocedure AS loose_search_path
  FROM pg_proc p WHERE p.pronamespace = 'assist'::regnamespace AND p.prosecdef
   AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false) ORDER BY 1::text;

DROP EXTENSION pg_assist;
SELECT count(*) AS schemas_left FROM pg_namespace WHERE nspname = 'assist';

-- A schema of that name that somebody else made is refused, not trusted.
\set SHOW_CONTEXT never
CREATE SCHEMA assist;
CREATE EXTENSION pg_assist;
DROP SCHEMA assist;
