-- report.sql: what was observed, and what is recommended; fits a terminal of 100 columns.
\pset footer off
\pset null ''
\pset title 'Statements that took most of the time (assist.statements)'
select lpad(to_char(100 * s.total_exec_time / sum(s.total_exec_time) over (), 'FM990.0'), 6) as "% time",
       s.calls, round(s.mean_exec_time::numeric, 2) as "mean ms", round(s.p95_exec_time::numeric, 2) as "p95 ms",
       left(regexp_replace(s.query, '\s+', ' ', 'g'), 58) as statement
from assist.statements s join pg_database d on d.oid = s.dbid
where s.toplevel and d.datname = current_database()
order by s.total_exec_time desc
limit 8;

\pset title 'Plans that were furthest from the planner''s estimate (assist.plans)'
select round(p.rows_misestimate::numeric) || ' x' as "off by",
       case p.misestimate_direction when 'under' then 'too few' else 'too many' end as expected,
       p.calls, left(regexp_replace(s.query, '\s+', ' ', 'g'), 68) as statement
from assist.plans p
join assist.statements s using (userid, dbid, queryid, toplevel)
join pg_database d on d.oid = p.dbid
where p.rows_misestimate >= 10 and d.datname = current_database() and s.query ilike 'select%'
order by p.rows_misestimate desc
limit 3;
