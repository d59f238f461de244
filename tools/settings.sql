-- settings.sql: the table of docs/settings.md.
select '| setting | default | may be | takes effect | |' union all select '|---|---|---|---|---|';
select '| `' || name || '` | '
       || case when current_setting(name) = '' then '' else '`' || current_setting(name) || '`' end || ' | '
       || case vartype
            when 'enum' then (select string_agg('`' || v || '`', ', ') from unnest(enumvals) v)
            when 'bool' then '`on`, `off`'
            when 'string' then 'text'
            else min_val || ' to ' || max_val || coalesce(' ' || unit, '') end || ' | '
       || case context when 'postmaster' then 'server start' when 'sighup' then 'reload'
            when 'superuser' then 'at once, superuser' when 'user' then 'at once' else context end || ' | '
       || replace(short_desc || coalesce(' ' || extra_desc, ''), '|', '\|') || ' |'
from pg_settings where name like 'assist.%' order by name;
