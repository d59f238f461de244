-- Shared memory that pg_assist holds, by part. Run it in a database that has the extension.
\pset footer off
select name as "shared memory", pg_size_pretty(allocated_size) as size
from pg_shmem_allocations
where name ilike '%assist%'
order by allocated_size desc;

select component, pg_size_pretty(memory_used) as used, pg_size_pretty(memory_limit) as "limit",
       evictions, lost_calls as lost
from assist.status
where memory_limit is not null and component <> 'shared memory'
order by memory_limit desc;

-- All of it is in the main shared memory of the server, which never grows.
select pg_size_pretty(memory_limit) as "shared memory",
       case when memory_limit < 32 * 1024 * 1024 then 'below' else 'above' end || ' 32 MB' as bar,
       current_setting('max_connections') as connections
from assist.status
where component = 'shared memory';
