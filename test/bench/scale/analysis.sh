#!/bin/bash
# analysis.sh [TABLES]: one analysis of a large database: 10,000 tables (or TABLES) with five indexes each and 5,000
# distinct statements. Prints its time, the longest time that one of its snapshots was held, and the memory and the
# processor time of the process that did it. The bar: 10 s, 5 s, 256 MB. Takes some minutes, most of them for creating the tables.
tables=${1:-10000}
. "$(dirname "$(readlink -f "$0")")/../overhead/server.sh"
new_cluster big
start big shared_preload_libraries=pg_assist assist.interval=0 max_locks_per_transaction=512 fsync=off shared_buffers=256MB
sql big -c 'create extension pg_assist'
echo "== $tables tables, $((tables * 5)) indexes"
{
  echo 'set client_min_messages = warning;'
  for ((i = 0; i < tables; i++)); do
    echo "create table t$i (a int primary key, b int, c text, d timestamptz, e int);"
    echo "create index on t$i (b); create index on t$i (c); create index on t$i (d, e); create index on t$i (b, c);"
    [ $((i % 10)) != 0 ] || echo "insert into t$i select g, g % 100, g::text, now(), g from generate_series(1, 300) g;"
  done
} | sql big -o /dev/null || fail "cannot create them"
sql big -c 'analyze'
echo "== 5,000 distinct statements"
sql big -c "set assist.track = none" -c "select assist.reset()" -o /dev/null
for ((i = 0; i < 5000; i++)); do
  n=$((i * tables / 5000))
  echo "select count(*) from t$n where e = $i; select c from t$n where e < $i and b = 3;"
done | sql big -o /dev/null
sql big -c "select count(*) as statements, sum(calls) as calls from assist.statements"

sql big -c 'vacuum pg_class, pg_attribute, pg_index, pg_statistic, pg_constraint' -c checkpoint

echo "== one analysis, in a session of its own, as the analyst does it"
(sql big -At -c "set application_name = 'analysis'" -c '\timing on' -c 'select assist.refresh()' -c '\timing off' \
  -c "select format('process: at most %s MB, of it %s MB of the server''s shared memory', hwm / 1024, shared / 1024)
        from (select substring(s from 'VmHWM:\s+(\d+)')::int as hwm, substring(s from 'RssShmem:\s+(\d+)')::int as shared
                from pg_read_file('/proc/self/status', 0, 3000) s) m" \
  -c "select format('processor time of the session: %s s', round((split_part(s, ' ', 12)::numeric + split_part(s, ' ', 13)::numeric) / $(getconf CLK_TCK), 2))
        from substring(pg_read_file('/proc/self/stat', 0, 1000) from '\) (.*)') s") &
analysis=$!
longest=0
while kill -0 $analysis 2>/dev/null; do
  held=$(sql big -At -c "select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0) from pg_stat_activity
    where application_name = 'analysis' and backend_xmin is not null and state = 'active'")
  longest=$(awk -v a="$longest" -v b="$held" 'BEGIN { print (b > a) ? b : a }')
  sleep 0.2
done
echo "longest time that it held a snapshot: $longest s"
sql big -c "select rule, state from assist.rules order by 1" -c "select count(*) as findings from assist.recommendations"
