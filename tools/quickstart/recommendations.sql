-- recommendations.sql: the open recommendations, in 100 columns.
\pset footer off
\pset null ''
\pset title 'Recommendations (assist.recommendations)'
select r.id, r.severity,
       case when r.benefit_ms_per_day > 0 then to_char(r.benefit_ms_per_day / 1000, 'FM999,999,990') || ' s' end
         as "saves/day",
       case when r.benefit_pct >= 0.5 then to_char(r.benefit_pct, 'FM990') || ' %' end as time,
       case when abs(r.storage_delta_bytes) >= 8192 then
         case when r.storage_delta_bytes > 0 then '+' else '' end || pg_size_pretty(r.storage_delta_bytes) end as disk,
       case when length(t.title) > 51 then left(t.title, 49) || ' …' else t.title end as title
from assist.recommendations r, lateral (select replace(r.title, 'public.', '') as title) t;
