-- reference.sql: one page of docs/reference. Lines of markdown in the order of the page; chapter is 1 for views,
-- 2 for functions, 3 for tables.
create function pg_temp.cell(t text) returns text language sql
  return replace(replace(coalesce(t, ''), '|', '\|'), E'\n', ' ');

-- What belongs to the extension, in schema assist and meant for users: names that begin with an
-- underscore are not.
create temp view member as
select d.classid, d.objid from pg_depend d join pg_extension e on e.oid = d.refobjid
where d.deptype = 'e' and d.refclassid = 'pg_extension'::regclass and e.extname = 'pg_assist';

create temp view relation as
select c.oid, c.relname, c.relkind, obj_description(c.oid, 'pg_class') as comment,
       has_table_privilege('pg_read_all_stats', c.oid, 'select') as for_stats
from member m join pg_class c on m.classid = 'pg_class'::regclass and c.oid = m.objid
where c.relnamespace = 'assist'::regnamespace and c.relkind in ('v', 'r', 'p', 'm') and c.relname !~ '^_'
  and not c.relispartition;

create temp view routine as
select p.oid, p.proname, pg_get_function_arguments(p.oid) as arguments,
       pg_get_function_result(p.oid) as result, p.prorettype, p.proallargtypes, p.proargmodes, p.proargnames,
       obj_description(p.oid, 'pg_proc') as comment,
       has_function_privilege('pg_read_all_stats', p.oid, 'execute') as for_stats
from member m join pg_proc p on m.classid = 'pg_proc'::regclass and p.oid = m.objid
where p.pronamespace = 'assist'::regnamespace and p.proname !~ '^_' and p.prokind in ('f', 'p')
  and p.prorettype <> 'trigger'::regtype;

-- Columns that mean the same wherever they stand; a comment on the column itself comes first.
create temp view glossary as
select * from (values
  ('userid', 'user who ran it; statement key'), ('dbid', 'database; statement key'),
  ('queryid', 'query id of the server; statement key'),
  ('toplevel', 'sent by a client, not run inside a function; statement key'),
  ('planid', 'fingerprint of the plan''s structure'), ('query', 'text, constants as $n'),
  ('command', 'SELECT, INSERT, ...'), ('relation_names', 'qualified names of the relations in its plans'),
  ('relation', 'in the current database only'), ('relation_name', 'qualified'),
  ('calls', 'executions'), ('plans', 'times planned'), ('plan_count', 'plans kept'),
  ('total_plan_time', 'ms'), ('total_exec_time', 'ms'), ('min_exec_time', 'ms'), ('max_exec_time', 'ms'),
  ('mean_exec_time', 'ms'), ('stddev_exec_time', 'ms'), ('p50_exec_time', 'ms; within 10 % of the exact quantile'),
  ('p95_exec_time', 'ms; within 10 % of the exact quantile'),
  ('p99_exec_time', 'ms; within 10 % of the exact quantile'), ('exec_time', 'ms'), ('jit_time', 'ms'),
  ('rows', 'rows returned or changed'), ('shared_blks_hit', 'blocks found in shared buffers'),
  ('shared_blks_read', 'blocks read from the system'), ('shared_blks_dirtied', 'blocks'),
  ('temp_blks_read', 'blocks of temporary files'), ('temp_blks_written', 'blocks of temporary files'),
  ('wal_bytes', 'bytes'), ('estimated_cost', 'planner units'), ('cost_before', 'planner units'),
  ('cost_after', 'planner units'), ('sampled_calls', 'executions measured with actual row counts'),
  ('selectivity', 'share of the rows that passed, measured'),
  ('estimated_selectivity', 'share of the rows that the planner expected'),
  ('rows_out', 'rows that passed per execution'), ('usage', 'filter, index, join, sort or group'),
  ('plan', 'shape of EXPLAIN (FORMAT JSON)'), ('sqlstate', 'five characters'),
  ('first_seen', ''), ('last_seen', ''), ('memory_used', 'bytes'), ('memory_limit', 'bytes'),
  ('benefit_ms_per_day', 'ms saved a day, predicted'), ('benefit_pct', 'per cent of the observed database time'),
  ('storage_delta_bytes', 'bytes; negative = freed'), ('confidence', '0 to 1'),
  ('object', 'qualified name, setting or query id'), ('severity', 'critical, high, medium, low, info'),
  ('category', 'index, table, query, configuration, maintenance, schema'),
  ('rule', 'see docs/rules'), ('sql', 'ready to run; NULL where there is none'),
  ('rationale', 'why'), ('risk', 'what could go wrong'), ('evidence', 'the numbers it rests on'),
  ('queryids', 'statements that gain'),
  ('status', 'open, approved, scheduled, running, implemented, verified, reverted, failed, dismissed, postponed, obsolete'),
  ('role', 'current role; NULL = the analysis'), ('session_role', 'role of the session'),
  ('direction', 'up or down'), ('transactional', 'may run inside a transaction block'),
  ('lock_level', 'strongest lock taken'), ('blocks', 'nothing, writes, or reads and writes'),
  ('destructive', 'loses what the down steps cannot rebuild'),
  ('used', 'names of the new indexes that the plan scans')) g(name, meaning);

create temp view section as
select 1 as chapter, relname::text as name, oid,
       case relkind when 'v' then 'view' else 'table' end || ' `assist.' || relname || '`' as title, comment, for_stats
from relation where relkind = 'v'
union all
select 2, proname, oid,
       '`assist.' || proname || '(' || coalesce((select string_agg(a, ', ' order by n) from
          unnest(string_to_array(arguments, ', ')) with ordinality as u(a, n) where a !~ '^OUT '), '') || ')`',
       comment, for_stats
from routine
union all
select 3, relname, oid, 'table `assist.' || relname || '`', comment, for_stats from relation where relkind <> 'v';

create temp view line as
select 0 as chapter, '' as name, 0::oid as id, 0 as part, n, line
from unnest(array['# Reference: ' || (array['views', 'functions', 'tables'])[:chapter], '',
  'Every object of schema `assist`, as the installed extension describes it. This page is written by',
  '`tools/reference.sh`. Times are milliseconds unless the name says otherwise, sizes are bytes. Where it',
  'says *monitoring*, a member of `pg_read_all_stats` (so of `pg_monitor`) may read the view or call the',
  'function; otherwise a grant is needed. [Views](views.md), [functions](functions.md), [tables](tables.md),',
  '[settings](../settings.md).']) with ordinality as u(line, n)
union all
select chapter, name, oid, 0, n, line
from section, unnest(array['', '## ' || title, '',
  coalesce(comment, '') || case when for_stats then ' *(monitoring)*' else '' end]) with ordinality as u(line, n)
union all
select chapter, name, oid, 1, n, line
from section, unnest(array['', '| column | type | |', '|---|---|---|']) with ordinality as u(line, n)
where oid in (select oid from relation)
   or oid in (select oid from routine where proargmodes && '{t,o}')
union all
select s.chapter, s.name, s.oid, 2, a.attnum,
       '| `' || a.attname || '` | ' || format_type(a.atttypid, a.atttypmod) || ' | '
       || pg_temp.cell(coalesce(col_description(a.attrelid, a.attnum), g.meaning)) || ' |'
from section s join pg_attribute a on a.attrelid = s.oid and a.attnum > 0 and not a.attisdropped
left join glossary g on g.name = a.attname
where s.chapter <> 2
union all
select 2, r.proname, r.oid, 2, u.n::int, '| `' || u.argname || '` | ' || format_type(u.type, null) || ' | '
       || pg_temp.cell(g.meaning) || ' |'
from routine r cross join unnest(r.proargnames, r.proallargtypes, r.proargmodes) with ordinality as u(argname, type, mode, n)
left join glossary g on g.name = u.argname
where u.mode in ('t', 'o')
union all
select 2, r.proname, r.oid, 3, n, line
from routine r, unnest(array['', 'Returns ' || r.result || '.']) with ordinality as u(line, n)
where not coalesce(r.proargmodes && '{t,o}', false);

select line from line where chapter in (0, :chapter) order by chapter, name, id, part, n;
