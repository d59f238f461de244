-- Capacity: how much of everything that can run out is used. Each function gives the rows of some resources; the view
-- judges them. A role without pg_read_all_stats sees what concerns the relations and databases it owns.

CREATE FUNCTION assist._sequence_last_value(sequence pg_catalog.oid) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'assist_sequence_last_value';
COMMENT ON FUNCTION assist._sequence_last_value(pg_catalog.oid) IS
'internal: the value a sequence gave last; NULL if none, or if it is locked or somebody else''s';

CREATE FUNCTION assist._disk_space(
  tablespace pg_catalog.oid, OUT used pg_catalog.int8, OUT total pg_catalog.int8, OUT file_system pg_catalog.int8)
LANGUAGE C VOLATILE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'assist_disk_space';
COMMENT ON FUNCTION assist._disk_space(pg_catalog.oid) IS
'internal: bytes used, and used or free, in the file system of a tablespace (0 = WAL); NULL where that cannot be asked';

CREATE FUNCTION assist._capacity_server()
RETURNS TABLE (resource pg_catalog.text, object pg_catalog.text, used pg_catalog.numeric, "limit" pg_catalog.numeric,
  unit pg_catalog.text, severity pg_catalog.text, note pg_catalog.text, sql pg_catalog.text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH may AS MATERIALIZED (SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS see_all),
  -- The server stops giving out ids so many before it would be too late.
  ages AS (
    SELECT d.datname, d.datname = current_database() AS here, a.*
    FROM pg_database d CROSS JOIN may, LATERAL (VALUES
      ('xid', age(d.datfrozenxid)::numeric, current_setting('autovacuum_freeze_max_age')::numeric, 'transactions',
       current_setting('vacuum_failsafe_age')::numeric),
      ('multixact', mxid_age(d.datminmxid)::numeric, current_setting('autovacuum_multixact_freeze_max_age')::numeric,
       'multixacts', current_setting('vacuum_multixact_failsafe_age')::numeric)
    ) a (resource, age, forced, unit, failsafe)
    -- Ids beyond are those of an invalid database.
    WHERE (may.see_all OR pg_has_role(d.datdba, 'USAGE')) AND a.age < 2147483647),
  -- What holds the age of this database: looked for only where it matters.
  oldest AS MATERIALIZED (
    SELECT 'xid' AS resource, (
      SELECT format('VACUUM (FREEZE) %I.%I', n.nspname, c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
      WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
      ORDER BY greatest(age(c.relfrozenxid), age(t.relfrozenxid)) DESC, c.oid LIMIT 1) AS sql
    WHERE EXISTS (SELECT FROM ages a WHERE a.here AND a.resource = 'xid' AND a.age > a.forced)
    UNION ALL SELECT 'multixact', (
      SELECT format('VACUUM (FREEZE) %I.%I', n.nspname, c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
      WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
      ORDER BY greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)) DESC, c.oid LIMIT 1)
    WHERE EXISTS (SELECT FROM ages a WHERE a.here AND a.resource = 'multixact' AND a.age > a.forced)),
  backends AS MATERIALIZED (
    SELECT a.datid, a.usesysid, count(*)::numeric AS used FROM pg_stat_activity a, may
    WHERE may.see_all AND a.backend_type = 'client backend' GROUP BY 1, 2),
  reserved AS (
    SELECT current_setting('superuser_reserved_connections')::numeric
           + coalesce(current_setting('reserved_connections', true), '0')::numeric AS slots),
  slot AS (
    SELECT s.*, greatest(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                                              ELSE pg_current_wal_lsn() END, s.restart_lsn), 0) AS held,
           nullif((SELECT setting::numeric FROM pg_settings WHERE name = 'max_slot_wal_keep_size'), -1) * 1048576 AS most
    FROM pg_replication_slots s, may WHERE may.see_all),
  disk AS (  -- one row per file system
    SELECT string_agg(p.name, ', ' ORDER BY p.n, p.name) AS name, max(d.used) AS used, max(d.total) AS total
    FROM may, LATERAL (
      SELECT 1, 0::oid, 'WAL' UNION ALL SELECT 2, oid, 'tablespace ' || quote_ident(spcname) FROM pg_tablespace
      WHERE spcname <> 'pg_global') p (n, oid, name), LATERAL assist._disk_space(p.oid) d
    WHERE may.see_all AND d.total > 0 GROUP BY d.file_system)
  SELECT a.resource, a.datname::text, a.age, 2144483647, a.unit,
         CASE WHEN a.age >= 2000000000 THEN 'critical' WHEN a.age >= a.failsafe OR a.age >= 1200000000 THEN 'high'
              WHEN a.age > a.forced * 1.2 THEN 'medium' WHEN a.age > a.forced * 1.05 THEN 'low' ELSE 'info' END,
         format('%s %% of the %s at which autovacuum freezes whatever happens', round(100 * a.age / a.forced), a.forced)
         || CASE WHEN a.age <= a.forced * 1.05 THEN '' ELSE '; it does not keep up, or an open or prepared '
              'transaction or a replication slot holds the oldest' || CASE WHEN a.here THEN '' ELSE '; vacuum in that database' END END,
         CASE WHEN a.here THEN o.sql END
  FROM ages a LEFT JOIN oldest o USING (resource)
  UNION ALL
  SELECT 'connections', 'server', coalesce((SELECT sum(b.used) FROM backends b), 0),
         current_setting('max_connections')::numeric - r.slots, 'connections', NULL,
         format('max_connections less %s reserved; a pooler takes more clients with fewer connections', r.slots), NULL
  FROM reserved r, may WHERE may.see_all
  UNION ALL
  SELECT 'connections', 'database ' || quote_ident(d.datname),
         coalesce((SELECT sum(b.used) FROM backends b WHERE b.datid = d.oid), 0), d.datconnlimit, 'connections', NULL,
         'limit of the database', format('ALTER DATABASE %I CONNECTION LIMIT %s', d.datname, d.datconnlimit * 2)
  FROM pg_database d, may WHERE may.see_all AND d.datconnlimit > 0
  UNION ALL
  SELECT 'connections', 'role ' || quote_ident(r.rolname),
         coalesce((SELECT sum(b.used) FROM backends b WHERE b.usesysid = r.oid), 0), r.rolconnlimit, 'connections', NULL,
         'limit of the role', format('ALTER ROLE %I CONNECTION LIMIT %s', r.rolname, r.rolconnlimit * 2)
  FROM pg_roles r, may WHERE may.see_all AND r.rolconnlimit > 0 AND r.rolcanlogin AND NOT r.rolsuper
  UNION ALL
  SELECT 'replication_slots', 'server', (SELECT count(*) FROM slot), nullif(current_setting('max_replication_slots')::numeric, 0),
         'slots', CASE WHEN current_setting('max_replication_slots') = '0' THEN 'info' END, 'max_replication_slots', NULL
  FROM may WHERE may.see_all
  UNION ALL
  SELECT 'replication_slot_wal', s.slot_name::text, s.held, s.most, 'bytes',
         CASE WHEN s.wal_status = 'lost' THEN 'high' WHEN s.wal_status = 'unreserved' THEN 'critical'
              WHEN s.most IS NOT NULL THEN NULL
              WHEN s.active OR s.held < 1073741824 THEN 'info' ELSE 'medium' END,
         CASE WHEN s.wal_status = 'lost' THEN 'its WAL is gone: whoever read it must begin anew'
              WHEN s.most IS NULL THEN 'holds WAL without limit, as max_slot_wal_keep_size is not set'
              ELSE 'of max_slot_wal_keep_size' END
         || CASE WHEN s.active THEN '' ELSE '; nobody reads it: drop it if nobody will' END,
         CASE WHEN NOT s.active THEN format('SELECT pg_catalog.pg_drop_replication_slot(%L)', s.slot_name) END
  FROM slot s
  UNION ALL
  SELECT 'disk', d.name, d.used, d.total, 'bytes', NULL, 'of the file system, by whatever is in it', NULL
  FROM disk d
$$;
COMMENT ON FUNCTION assist._capacity_server() IS 'internal: rows of assist.capacity for ids, connections, slots and disks';

-- The largest value of integer keys, as statistics have it. Reads pg_statistic with its owner's rights, and shows one
-- number to whom the view shows the table.
CREATE VIEW assist._integer_key WITH (security_barrier) AS
  SELECT k.relid, k.attnum, k.atttypid, v.largest
  FROM (SELECT c.oid AS relid, a.attnum, a.atttypid
        FROM pg_catalog.pg_index i
             JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indrelid
             JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
                  AND a.attnum OPERATOR(pg_catalog.=) i.indkey[0]
        WHERE i.indisprimary AND i.indnkeyatts OPERATOR(pg_catalog.=) 1
          AND a.atttypid OPERATOR(pg_catalog.=) ANY (ARRAY[21, 23]::pg_catalog.oid[])
          AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
          AND (pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') OR pg_catalog.pg_has_role(c.relowner, 'USAGE'))) k
       JOIN pg_catalog.pg_statistic s ON s.starelid OPERATOR(pg_catalog.=) k.relid
            AND s.staattnum OPERATOR(pg_catalog.=) k.attnum
       CROSS JOIN LATERAL (
         SELECT pg_catalog.max(e.value) AS largest
         FROM (VALUES (s.stakind1, s.stavalues1::pg_catalog.text), (s.stakind2, s.stavalues2::pg_catalog.text),
                      (s.stakind3, s.stavalues3::pg_catalog.text), (s.stakind4, s.stavalues4::pg_catalog.text),
                      (s.stakind5, s.stavalues5::pg_catalog.text)) f (kind, list)
              -- Most common values and histogram; names the column's type, so that nothing else is ever read as integers.
              CROSS JOIN LATERAL pg_catalog.unnest(
                CASE WHEN k.atttypid OPERATOR(pg_catalog.=) ANY (ARRAY[21, 23]::pg_catalog.oid[])
                          AND f.kind OPERATOR(pg_catalog.=) ANY (ARRAY[1, 2]::pg_catalog.int2[])
                     THEN f.list::pg_catalog.int8[] END) e (value)) v
  WHERE v.largest IS NOT NULL;
COMMENT ON VIEW assist._integer_key IS 'internal: largest known value of smallint and integer primary keys of one column';

CREATE FUNCTION assist._capacity_keys()
RETURNS TABLE (resource pg_catalog.text, object pg_catalog.text, used pg_catalog.numeric, "limit" pg_catalog.numeric,
  used_pct pg_catalog.numeric, note pg_catalog.text, sql pg_catalog.text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH seq AS MATERIALIZED (
    SELECT s.*, c.relname, n.nspname, assist._sequence_last_value(s.seqrelid) AS last
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT s.seqcycle AND c.relpersistence <> 't'
      AND (pg_has_role('pg_read_all_stats', 'USAGE') OR pg_has_role(c.relowner, 'USAGE'))),
  -- Columns that a sequence is owned by, or that have it in their default.
  fed AS MATERIALIZED (
    SELECT d.objid AS seqrelid, d.refobjid AS relid, d.refobjsubid::int2 AS attnum, d.deptype = 'i' AS identity
    FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
      AND d.refobjsubid > 0
    UNION
    SELECT d.refobjid, a.adrelid, a.adnum, false
    FROM pg_depend d JOIN pg_class c ON c.oid = d.refobjid AND c.relkind = 'S'
         JOIN pg_attrdef a ON a.oid = d.objid
    WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass),
  -- Of several the one that runs out first: with the smallest type.
  narrowest AS MATERIALIZED (
    SELECT DISTINCT ON (f.seqrelid) f.seqrelid, f.relid, f.identity, a.attname, a.atttypid, t.most,
           r.relname, n.nspname, count(*) OVER (PARTITION BY f.seqrelid) AS columns
    FROM fed f JOIN pg_attribute a ON a.attrelid = f.relid AND a.attnum = f.attnum AND NOT a.attisdropped
         JOIN pg_class r ON r.oid = f.relid JOIN pg_namespace n ON n.oid = r.relnamespace
         LEFT JOIN (VALUES (21::oid, 32767::numeric), (23, 2147483647), (20, 9223372036854775807)) t (oid, most)
           ON t.oid = a.atttypid
    ORDER BY f.seqrelid, t.most NULLS LAST, f.identity DESC, f.relid),
  bounds AS (
    SELECT s.*, c.nspname AS table_schema, c.relname AS table_name, c.attname, c.atttypid, c.identity, c.columns,
           -- A type has one more below 0 than above.
           CASE WHEN s.seqincrement > 0 THEN least(s.seqmax, c.most) ELSE greatest(s.seqmin, - c.most - 1) END AS last_one,
           CASE WHEN s.seqincrement > 0 THEN coalesce(c.most < s.seqmax, false)
                ELSE coalesce(- c.most - 1 > s.seqmin, false) END AS column_is_narrower
    FROM seq s LEFT JOIN narrowest c USING (seqrelid)),
  -- The way begins at 0, if that is on it: what was left out below is no way that was gone.
  way AS (
    SELECT b.*, CASE WHEN b.seqincrement > 0 THEN CASE WHEN b.last_one > 0 THEN greatest(b.seqmin, 0) ELSE b.seqmin END
                     ELSE CASE WHEN b.last_one < 0 THEN least(b.seqmax, 0) ELSE b.seqmax END END::numeric AS first_one
    FROM bounds b)
  SELECT 'sequence', format('%I.%I', b.nspname, b.relname), b.last::numeric, b.last_one,
         CASE WHEN b.last_one = b.first_one THEN 100
              ELSE greatest(0, 100 * (b.last - b.first_one) / (b.last_one - b.first_one)) END,
         CASE WHEN b.attname IS NULL THEN 'no column has it as its default'
              ELSE format('feeds %I.%I.%I of type %s', b.table_schema, b.table_name, b.attname, format_type(b.atttypid, NULL))
                   || CASE WHEN b.columns > 1 THEN format(' and %s more', b.columns - 1) ELSE '' END END
         || CASE WHEN b.column_is_narrower THEN ', which ends before the sequence does' ELSE '' END
         || CASE WHEN b.seqincrement < 0 THEN '; counts down' ELSE '' END,
         nullif(concat_ws('; ',
           CASE WHEN b.seqtypid <> 20 OR NOT b.column_is_narrower
                     AND b.last_one <> CASE WHEN b.seqincrement > 0 THEN 9223372036854775807 ELSE -9223372036854775808 END
                THEN format('ALTER SEQUENCE %I.%I AS bigint %s', b.nspname, b.relname,
                            CASE WHEN b.seqincrement > 0 THEN 'NO MAXVALUE' ELSE 'NO MINVALUE' END) END,
           CASE WHEN b.atttypid IN (21, 23)
                THEN format('ALTER TABLE %I.%I ALTER COLUMN %I TYPE bigint', b.table_schema, b.table_name, b.attname) END), '')
  FROM way b WHERE b.last IS NOT NULL
  UNION ALL
  SELECT 'integer_key', format('%I.%I.%I', n.nspname, c.relname, a.attname), k.largest, t.most,
         greatest(0, 100 * k.largest / t.most),
         'estimated: the largest value that ANALYZE saw' || coalesce(to_char(
           greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)), ' on YYYY-MM-DD'), ''),
         format('ALTER TABLE %I.%I ALTER COLUMN %I TYPE bigint', n.nspname, c.relname, a.attname)
  FROM assist._integer_key k JOIN pg_class c ON c.oid = k.relid JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = k.relid AND a.attnum = k.attnum
       JOIN (VALUES (21::oid, 32767::numeric), (23, 2147483647)) t (oid, most) ON t.oid = k.atttypid
  WHERE NOT c.relispartition AND NOT EXISTS (SELECT FROM fed f WHERE f.relid = k.relid AND f.attnum = k.attnum)
$$;
COMMENT ON FUNCTION assist._capacity_keys() IS 'internal: rows of assist.capacity for sequences and integer keys';

CREATE FUNCTION assist._capacity_partitions()
RETURNS TABLE (object pg_catalog.text, now pg_catalog.timestamptz, until pg_catalog.timestamptz, width pg_catalog.float8,
  severity pg_catalog.text, note pg_catalog.text, sql pg_catalog.text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
-- So that what bounds are printed as is read as the same.
SET datestyle = 'ISO, YMD'
AS $$
  WITH parent AS MATERIALIZED (
    SELECT c.oid, c.relname, n.nspname, p.partdefid <> 0 AS has_default, a.atttypid, c.relnamespace
    FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
    -- date, timestamp, timestamptz
    WHERE p.partstrat = 'r' AND p.partnatts = 1 AND a.atttypid IN (1082, 1114, 1184) AND c.relpersistence <> 't'
      AND (pg_has_role('pg_read_all_stats', 'USAGE') OR pg_has_role(c.relowner, 'USAGE'))),
  bound AS MATERIALIZED (
    SELECT i.inhparent, c.oid, c.relkind, pg_get_expr(c.relpartbound, c.oid) AS expression
    FROM parent p JOIN pg_inherits i ON i.inhparent = p.oid JOIN pg_class c ON c.oid = i.inhrelid
    WHERE c.relispartition AND NOT i.inhdetachpending),
  part AS MATERIALIZED (
    SELECT b.inhparent, b.relkind, b.expression LIKE '%TO (MAXVALUE)' OR t.upper = 'infinity' AS is_last, t.lower, t.upper
    FROM bound b, LATERAL (
      SELECT substring(b.expression FROM $re$FROM \('([^']+)'\)$re$), substring(b.expression FROM $re$TO \('([^']+)'\)$re$)
    ) e (lower, upper), LATERAL (
      -- A date reaches farther than a moment.
      SELECT CASE WHEN e.lower ~ '^\d{4}-.*(?<!BC)$' THEN e.lower::timestamptz ELSE '-infinity' END AS lower,
             CASE WHEN e.upper ~ '^\d{4}-.*(?<!BC)$' THEN e.upper::timestamptz
                  WHEN e.upper ~ 'BC$|^-' THEN '-infinity' WHEN e.upper IS NOT NULL THEN 'infinity' END AS upper) t),
  last AS (
    SELECT DISTINCT ON (p.inhparent) p.inhparent, p.relkind, p.lower, p.upper
    FROM part p
    WHERE p.upper IS NOT NULL AND isfinite(p.upper)
      AND NOT EXISTS (SELECT FROM part o WHERE o.inhparent = p.inhparent AND o.is_last)
    ORDER BY p.inhparent, p.upper DESC),
  far AS (
    SELECT p.*, l.relkind, l.lower, l.upper, clock_timestamp() AS now,
           extract(epoch FROM l.upper - clock_timestamp())::float8 / 86400 AS days,
           extract(epoch FROM l.upper - CASE WHEN isfinite(l.lower) THEN l.lower END)::float8 / 86400 AS width
    FROM last l JOIN parent p ON p.oid = l.inhparent),
  ahead AS MATERIALIZED (
    SELECT f.*, w.long_ago,
           CASE WHEN f.days < w.long_ago THEN 'info'  -- an archive
                WHEN f.days < 0 THEN CASE WHEN f.has_default THEN 'high' ELSE 'critical' END
                WHEN f.days < least(1, w.width / 4) THEN CASE WHEN f.has_default THEN 'medium' ELSE 'critical' END
                WHEN f.days < least(3, w.width) THEN CASE WHEN f.has_default THEN 'low' ELSE 'high' END
                WHEN f.days < least(7, 2 * w.width) THEN 'low' ELSE 'info' END AS severity
    FROM far f, LATERAL (SELECT coalesce(f.width, 4) AS width, - 3 * coalesce(f.width, 0) - 7 AS long_ago) w),
  short AS MATERIALIZED (
    SELECT a.*, age(a.upper, a.lower) AS step FROM ahead a WHERE a.severity <> 'info' AND a.relkind = 'r' AND a.width > 0),
  -- More of the same width, until there are enough; what is over already may have rows in a default partition.
  more AS (
    SELECT a.oid, string_agg(format('CREATE TABLE %I.%I PARTITION OF %I.%I FOR VALUES FROM (%L) TO (%L)', a.nspname, m.name,
             a.nspname, a.relname,
             CASE a.atttypid WHEN 1082 THEN m.lower::date::text WHEN 1114 THEN m.lower::timestamp::text ELSE m.lower::text END,
             CASE a.atttypid WHEN 1082 THEN m.upper::date::text WHEN 1114 THEN m.upper::timestamp::text ELSE m.upper::text END),
             '; ' ORDER BY m.lower) AS sql
    FROM short a, generate_series(0, 99) k, LATERAL (
      SELECT b.lower, b.upper, left(a.relname, 40) || to_char(b.lower, CASE WHEN a.width < 0.9 THEN '"_p"YYYYMMDD"_"HH24MI' ELSE '"_p"YYYYMMDD' END) AS name
      FROM (SELECT a.upper + a.step * k AS lower, a.upper + a.step * (k + 1) AS upper) b) m
    WHERE m.lower < a.now + least(7, 2 * a.width) * interval '1 day'
      AND NOT (a.has_default AND m.lower < a.now)
      AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relname = m.name AND c.relnamespace = a.relnamespace)
    GROUP BY a.oid)
  SELECT format('%I.%I', a.nspname, a.relname), a.now, a.upper, a.width, a.severity,
         format('the last partition ends at %s', a.upper)
         || CASE WHEN a.days < a.long_ago THEN '; long ago: is it still written to?'
                 WHEN a.has_default THEN '; then rows go to the default partition, and their own cannot be made while they are there'
                 ELSE '; then inserts fail' END,
         m.sql
  FROM ahead a LEFT JOIN more m USING (oid)
$$;
COMMENT ON FUNCTION assist._capacity_partitions() IS 'internal: how far ahead there are partitions; width in days';

CREATE TABLE assist.capacity_level (
  resource pg_catalog.text NOT NULL,
  object pg_catalog.text NOT NULL,
  first_day pg_catalog.date NOT NULL,
  levels pg_catalog.float8[] NOT NULL,
  PRIMARY KEY (resource, object)
);
ALTER TABLE assist.capacity_level ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE assist.capacity_level IS
  'what history does not record: how much was used of each thing at the first visit of each day (UTC) from first_day on, NaN = not seen, and the most of each day of the connections of roles and databases; of 10,000 sequences and keys, over 16 weeks';

CREATE TABLE assist.capacity_forecast (
  resource pg_catalog.text NOT NULL,
  object pg_catalog.text NOT NULL,
  at pg_catalog.timestamptz NOT NULL,
  days pg_catalog.float8,
  low pg_catalog.float8,
  high pg_catalog.float8,
  per_day pg_catalog.float8,
  reason pg_catalog.text,
  PRIMARY KEY (resource, object)
);
ALTER TABLE assist.capacity_forecast ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE assist.capacity_forecast IS 'days to the limits of assist.capacity, by the analysis once an hour; read that';

CREATE TABLE assist.capacity_judged (
  one pg_catalog.bool PRIMARY KEY DEFAULT true CHECK (one),
  hour pg_catalog.timestamptz NOT NULL,
  day pg_catalog.date NOT NULL
);
ALTER TABLE assist.capacity_judged ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE assist.capacity_judged IS 'when assist.capacity_forecast and assist.capacity_level were written last';

CREATE VIEW assist.capacity AS
  SELECT r.resource, r.object, r.used, r."limit", pg_catalog.round(p.used_pct, 2) AS used_pct, r.unit,
         d.days AS days_to_limit, d.low AS days_low, d.high AS days_high, f.per_day AS growth_per_day,
         s.severity, r.note, CASE WHEN s.severity OPERATOR(pg_catalog.<>) 'info' THEN r.sql END AS sql,
         CASE WHEN d.days IS NOT NULL OR r."limit" IS NULL THEN NULL
              WHEN f.reason IS NOT NULL THEN f.reason
              ELSE 'not judged in the last day: the analysis does it once an hour' END AS no_forecast
  FROM (SELECT resource, object, used, "limit", NULL::pg_catalog.numeric AS used_pct, unit,
               NULL::pg_catalog.float8 AS days_to_limit, severity, note, sql
        FROM assist._capacity_server()
        UNION ALL
        SELECT resource, object, used, "limit", used_pct, 'values', NULL, NULL, note, sql
        FROM assist._capacity_keys()
        UNION ALL
        SELECT 'partition_range', object, pg_catalog.round(EXTRACT(epoch FROM now)), pg_catalog.round(EXTRACT(epoch FROM until)),
               NULL, 'seconds since 1970',
               (EXTRACT(epoch FROM until) OPERATOR(pg_catalog.-) EXTRACT(epoch FROM now))::pg_catalog.float8
                 OPERATOR(pg_catalog./) 86400, severity, note, sql
        FROM assist._capacity_partitions()) r
       LEFT JOIN assist.capacity_forecast f
         ON f.resource OPERATOR(pg_catalog.=) r.resource AND f.object OPERATOR(pg_catalog.=) r.object
            AND f.at OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.-) '26 hours'::pg_catalog.interval)
       -- Days have gone since they were counted.
       CROSS JOIN LATERAL (
         SELECT (EXTRACT(epoch FROM pg_catalog.now() OPERATOR(pg_catalog.-) f.at))::pg_catalog.float8
                  OPERATOR(pg_catalog./) 86400 AS days) gone
       CROSS JOIN LATERAL (
         SELECT CASE WHEN f.days IS NULL THEN r.days_to_limit ELSE GREATEST(f.days OPERATOR(pg_catalog.-) gone.days, 0) END AS days,
                CASE WHEN f.low IS NOT NULL THEN GREATEST(f.low OPERATOR(pg_catalog.-) gone.days, 0) END AS low,
                CASE WHEN f.high IS NOT NULL THEN GREATEST(f.high OPERATOR(pg_catalog.-) gone.days, 0) END AS high) d
       CROSS JOIN LATERAL (
         SELECT CASE WHEN r.resource OPERATOR(pg_catalog.=) 'partition_range' THEN NULL
                     ELSE COALESCE(r.used_pct, 100 OPERATOR(pg_catalog.*) r.used OPERATOR(pg_catalog./) r."limit") END AS used_pct) p
       CROSS JOIN LATERAL (
         SELECT (ARRAY['critical', 'high', 'medium', 'low', 'info'])[LEAST(
           pg_catalog.array_position(ARRAY['critical', 'high', 'medium', 'low', 'info'], COALESCE(r.severity,
             CASE WHEN p.used_pct OPERATOR(pg_catalog.>=) 95 THEN 'critical' WHEN p.used_pct OPERATOR(pg_catalog.>=) 85 THEN 'high'
                  WHEN p.used_pct OPERATOR(pg_catalog.>=) 70 THEN 'medium' WHEN p.used_pct OPERATOR(pg_catalog.>=) 50 THEN 'low'
                  ELSE 'info' END)),
           -- However much is left, when it will not last.
           CASE WHEN f.days IS NULL THEN 5 WHEN d.days OPERATOR(pg_catalog.<) 1 THEN 1 WHEN d.days OPERATOR(pg_catalog.<) 7 THEN 2
                WHEN d.days OPERATOR(pg_catalog.<) 30 THEN 3 WHEN d.days OPERATOR(pg_catalog.<) 90 THEN 4 ELSE 5 END)] AS severity) s
  ORDER BY pg_catalog.array_position(ARRAY['critical', 'high', 'medium', 'low', 'info'], s.severity), p.used_pct DESC NULLS LAST,
           r.resource, r.object;
COMMENT ON VIEW assist.capacity IS
  'one row per thing that can run out: how much of it is used now, and when it will be used up, the most urgent first; of the relations and databases one owns, or all for pg_read_all_stats';
COMMENT ON COLUMN assist.capacity.resource IS
  'xid, multixact (of each database), sequence, integer_key (without a sequence), connections, replication_slots, replication_slot_wal, disk, partition_range';
COMMENT ON COLUMN assist.capacity.object IS 'database, qualified relation or column, slot, file systems by what is in them, or server';
COMMENT ON COLUMN assist.capacity.used IS 'in unit: age, value, count, bytes, or the present moment for partition_range';
COMMENT ON COLUMN assist.capacity."limit" IS 'in unit; of a sequence the last value that it and the column it feeds can hold, of partition_range the end of the last partition; NULL = none';
COMMENT ON COLUMN assist.capacity.used_pct IS 'per cent of the way to the limit; NULL where there is no limit, and for partition_range';
COMMENT ON COLUMN assist.capacity.unit IS 'transactions, multixacts, values, connections, slots, bytes, seconds since 1970';
COMMENT ON COLUMN assist.capacity.days_to_limit IS 'days; negative = since so many; NULL where no_forecast says why';
COMMENT ON COLUMN assist.capacity.days_low IS 'with a probability of 80 % it is between days_low and days_high, which may be Infinity: perhaps never. NULL for partition_range, which is exact';
COMMENT ON COLUMN assist.capacity.days_high IS 'see days_low';
COMMENT ON COLUMN assist.capacity.growth_per_day IS 'in unit and the direction of the limit; NULL where it cannot be told';
COMMENT ON COLUMN assist.capacity.no_forecast IS 'why days_to_limit is NULL';
COMMENT ON COLUMN assist.capacity.severity IS 'critical, high, medium, low; info = nothing to do';
COMMENT ON COLUMN assist.capacity.note IS 'what the limit is, and what happens at it';
COMMENT ON COLUMN assist.capacity.sql IS 'what helps, ready to run; NULL where nothing is needed or no statement helps. Changing a column''s type rewrites its table under lock';

REVOKE ALL ON FUNCTION assist._sequence_last_value(pg_catalog.oid), assist._disk_space(pg_catalog.oid),
  assist._capacity_server(), assist._capacity_keys(), assist._capacity_partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist._sequence_last_value(pg_catalog.oid), assist._disk_space(pg_catalog.oid),
  assist._capacity_server(), assist._capacity_keys(), assist._capacity_partitions() TO pg_read_all_stats;
GRANT SELECT ON assist._integer_key, assist.capacity TO pg_read_all_stats;
SELECT pg_catalog.pg_extension_config_dump('assist.capacity_level', '');

-- Forecasts of recorded metrics, and quiet hours.

CREATE FUNCTION assist.forecast(
  metric pg_catalog.text, object pg_catalog.text DEFAULT NULL, horizon pg_catalog.interval DEFAULT '7 days',
  OUT at pg_catalog.timestamptz, OUT expected pg_catalog.float8, OUT low80 pg_catalog.float8, OUT high80 pg_catalog.float8,
  OUT low95 pg_catalog.float8, OUT high95 pg_catalog.float8, OUT method pg_catalog.text)
RETURNS SETOF record LANGUAGE C STABLE ROWS 168
AS 'MODULE_PATHNAME', 'assist_forecast';
COMMENT ON FUNCTION assist.forecast(pg_catalog.text, pg_catalog.text, pg_catalog.interval) IS
'what a recorded or imported metric will be in each hour from the present one on: per hour for what is counted, with bands that hold it with a probability of 80 and 95 %. metric is a column of assist.database_history (no object), assist.table_history, assist.index_history (object: its name) or assist.statement_history (object: query id), table metrics reads (rows by sequential scans and indexes) and writes (rows inserted, updated and deleted) included. No rows, and a notice why, where a forecast would be no better than the last value';

CREATE FUNCTION assist.forecast_quality(
  metric pg_catalog.text, object pg_catalog.text DEFAULT NULL, horizon pg_catalog.interval DEFAULT '7 days',
  OUT method pg_catalog.text, OUT error_ratio pg_catalog.float8, OUT coverage80 pg_catalog.float8, OUT coverage95 pg_catalog.float8,
  OUT hours_measured pg_catalog.int4, OUT hours_held_back pg_catalog.int4, OUT reason pg_catalog.text)
RETURNS SETOF record LANGUAGE C STABLE ROWS 1
AS 'MODULE_PATHNAME', 'assist_forecast_quality';
COMMENT ON FUNCTION assist.forecast_quality(pg_catalog.text, pg_catalog.text, pg_catalog.interval) IS
'how good assist.forecast() of the same arguments is: one row. error_ratio is the mean absolute error on the hours held back over that of the last value carried forward, coverage80 and coverage95 the shares of these hours that were inside the bands; reason is why there is no forecast, NULL where there is one';

CREATE FUNCTION assist.best_windows(
  duration pg_catalog.interval DEFAULT '1 hour', count pg_catalog.int4 DEFAULT 5,
  OUT day pg_catalog.text, OUT start pg_catalog.time, OUT until pg_catalog.time, OUT total_exec_time pg_catalog.float8,
  OUT wal_bytes pg_catalog.float8, OUT share_of_peak pg_catalog.float8, OUT spread pg_catalog.float8, OUT times_seen pg_catalog.int4,
  OUT times_quiet pg_catalog.int4)
RETURNS SETOF record LANGUAGE C STABLE ROWS 5
AS 'MODULE_PATHNAME', 'assist_best_windows';
COMMENT ON FUNCTION assist.best_windows(pg_catalog.interval, pg_catalog.int4) IS
'the quietest hours for maintenance, the quietest first: day of the week (or every day, with less than two weeks of history), start and end on the clock of TimeZone; total_exec_time (ms) and wal_bytes are what an hour of it usually has. share_of_peak is its load, of statements and of WAL alike, over that of the busiest window, spread by how much of that it is more in one of ten weeks, times_quiet in how many of times_seen weeks (days) it was below half of the busiest. No rows, and a notice why, where none is known';

REVOKE ALL ON FUNCTION assist.forecast(pg_catalog.text, pg_catalog.text, pg_catalog.interval),
  assist.forecast_quality(pg_catalog.text, pg_catalog.text, pg_catalog.interval),
  assist.best_windows(pg_catalog.interval, pg_catalog.int4) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist.forecast(pg_catalog.text, pg_catalog.text, pg_catalog.interval),
  assist.forecast_quality(pg_catalog.text, pg_catalog.text, pg_catalog.interval),
  assist.best_windows(pg_catalog.interval, pg_catalog.int4) TO pg_read_all_stats;

-- What is normal, and since when that is known.

CREATE FUNCTION assist._baselines(
  OUT metric pg_catalog.text, OUT object pg_catalog.text, OUT query pg_catalog.text, OUT userid pg_catalog.oid,
  OUT queryid pg_catalog.int8, OUT toplevel pg_catalog.bool, OUT hour pg_catalog.timestamptz, OUT normal_now pg_catalog.float8,
  OUT normal_low pg_catalog.float8, OUT normal_high pg_catalog.float8, OUT current pg_catalog.float8, OUT state pg_catalog.text,
  OUT weeks pg_catalog.float8)
RETURNS SETOF record LANGUAGE C STABLE ROWS 50
AS 'MODULE_PATHNAME', 'assist_baselines';
COMMENT ON FUNCTION assist._baselines() IS 'internal: rows of assist.baselines';

CREATE VIEW assist.baselines AS
  SELECT metric, object, query, userid, queryid, toplevel, hour, normal_now, normal_low, normal_high, current, state,
         weeks::pg_catalog.numeric AS weeks
  FROM assist._baselines();
COMMENT ON VIEW assist.baselines IS
'what is normal at this hour of what is watched: calls, time, connections, active sessions, WAL, temporary files and errors of the database, mean time and calls of the (60 at most) statements with a hundredth of the last week''s time, rows read from and written to the twenty largest tables, each unless it never happens; from five weeks of history, hours on the clock of TimeZone';
COMMENT ON COLUMN assist.baselines.metric IS 'as assist.forecast() takes it: per hour what is counted, mean_exec_time and total_exec_time in ms, wal_bytes and temp_bytes in bytes, reads and writes in rows';
COMMENT ON COLUMN assist.baselines.object IS 'query id or qualified name; NULL = the database';
COMMENT ON COLUMN assist.baselines.hour IS 'begin of the hour that the other columns are of: the present one when ten minutes of it were recorded, else the last one';
COMMENT ON COLUMN assist.baselines.normal_now IS 'the median of this hour of the week in the four weeks before, or of this hour of working days or weekends; NULL while learning';
COMMENT ON COLUMN assist.baselines.normal_low IS '19 of 20 hours of the last two weeks were as far from their normal as normal_low and normal_high are from this';
COMMENT ON COLUMN assist.baselines.normal_high IS 'see normal_low';
COMMENT ON COLUMN assist.baselines.current IS 'of the hour so far, as if it were over; NULL where it was not recorded, or did not run';
COMMENT ON COLUMN assist.baselines.state IS 'hour of week (three weeks of it are known), hour of day (a week of days of its kind is known), learning';
COMMENT ON COLUMN assist.baselines.weeks IS 'measured, five at most';
CREATE FUNCTION assist.baseline(
  metric pg_catalog.text, object pg_catalog.text DEFAULT NULL,
  OUT hour pg_catalog.timestamptz, OUT normal_now pg_catalog.float8, OUT normal_low pg_catalog.float8,
  OUT normal_high pg_catalog.float8, OUT current pg_catalog.float8, OUT state pg_catalog.text, OUT weeks pg_catalog.float8)
RETURNS SETOF record LANGUAGE C STABLE ROWS 1
AS 'MODULE_PATHNAME', 'assist_baseline';
COMMENT ON FUNCTION assist.baseline(pg_catalog.text, pg_catalog.text) IS
'what is normal at this hour of any metric that assist.forecast() takes, of any statement (object: query id), table or index (its name), or of the database (no object): the columns of assist.baselines. No row where it never happens';

REVOKE ALL ON FUNCTION assist._baselines(), assist.baseline(pg_catalog.text, pg_catalog.text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assist._baselines(), assist.baseline(pg_catalog.text, pg_catalog.text) TO pg_read_all_stats;
GRANT SELECT ON assist.baselines TO pg_read_all_stats;
