#!/bin/bash
# history.sh [INTERVALS]: what recorded history takes: 5,000 statements, of which 500 run in each interval of a minute
# (300 always the same ones, the others drawn). After each interval it is recorded, and all of it is made a minute
# older, so that hours pass in minutes and periods are added up as they would be. Prints the bytes a day before and
# after that, and the time and memory of a recording. The bars: 60 MB, 15 MB, 2 s, 64 MB. Default: 180 intervals.
intervals=${1:-180}
. "$(dirname "$(readlink -f "$0")")/../overhead/server.sh"
new_cluster history
start history shared_preload_libraries=pg_assist assist.interval=0 fsync=off shared_buffers=256MB assist.sample_rate=0
sql history -c 'create extension pg_assist'
for ((t = 0; t < 50; t++)); do
  echo "create table t$t (a int primary key, b int, c text); insert into t$t select g, g % 10, g from generate_series(1, 1000) g;"
done | sql history -o /dev/null
sql history -c analyze
# Statement I: told apart by the number of its terms, not by its constants.
statement() { echo "select count(*) from t$(($1 % 50)) where a = $2 and b + c::int ${terms[$1 / 50]} > 0;"; }
terms=('')
for ((i = 1; i < 100; i++)); do terms+=("${terms[i - 1]} + a"); done
echo "== 5,000 distinct statements"
for ((i = 0; i < 5000; i++)); do statement $i 1; done | sql history -o /dev/null
sql history -At -c "select count(*) || ' statements' from assist.statements where query like '% from t%'"
record() { # record: prints seconds and memory of the session that does it
  sql history -At -c "set assist.track = none" -c '\timing on' -c "select assist.record_history()" -c '\timing off' \
    -c "select substring(s from 'VmHWM:\s+(\d+)')::int - substring(s from 'RssShmem:\s+(\d+)')::int
          from pg_read_file('/proc/self/status', 0, 3000) s" | awk '/^Time/ { ms = $2 } /^[0-9]+$/ { kb = $1 } END { print ms, kb }'
}
# A minute passes. A partition holds a third of the time that its tier is kept.
older="update assist.history_block set start = start - interval '1 min', until = until - interval '1 min',
  ring = ring / 4 * 4 + floor((extract(epoch from start - '2000-01-01 00:00+00'::timestamptz) - 60)
    / (case ring / 4 when 0 then 7200 when 1 then 86400 when 2 then 1728000 else 31536000 end))::int % 4"
record >"$work/log"
sql history -c 'truncate assist.history_block'
echo "== $intervals intervals of 500 statements"
RANDOM=1
for ((n = 0; n < intervals; n++)); do
  for ((k = 0; k < 500; k++)); do
    i=$((k < 300 ? k * 16 % 5000 : (RANDOM * 32768 + RANDOM) % 5000))
    for ((r = k < 50 ? 8 : 1; r > 0; r--)); do statement $i $((RANDOM % 1000)); done
  done | sql history -o /dev/null
  record >>"$work/times"
  sql history -c "set assist.track = none" -c "$older"
done
awk '{ if ($1 > most) most = $1; sum += $1; if ($2 > memory) memory = $2 }
  END { printf "a recording: %.0f ms on average, %.0f at most; its process %.0f MB besides shared memory (bars: 2000 ms, 64 MB)\n", sum / NR, most, memory / 1024 }' "$work/times"
sql history -c "
  with tiers as (
    select ring / 4 as tier, case kind when 1 then 'statements' when 2 then 'plans' when 3 then 'tables' when 4 then 'indexes' else 'database' end as kind,
           case ring / 4 when 0 then interval '1 min' when 1 then '5 min' when 2 then '1 h' else '1 day' end as period,
           count(*) as blocks, avg(pg_column_size(b.*)) as bytes, avg(rows) as objects
    from assist.history_block b group by 1, 2, 3)
  select tier, period, kind, blocks, round(objects) as objects, round(bytes) as bytes_a_block,
         round(bytes * extract(epoch from interval '1 day') / extract(epoch from period) / 1e6, 2) as mb_a_day
  from tiers order by 1, 3" \
  -c "with a_day as (
    select ring / 4 as tier, kind, avg(pg_column_size(b.*)) * 86400 / (case ring / 4 when 0 then 60 when 1 then 300 when 2 then 3600 else 86400 end) / 1e6 as mb
    from assist.history_block b group by 1, 2)
  select round(sum(mb) filter (where tier = 0 or kind in (3, 4) and tier = 1), 1) || ' MB' as before_roll_up, '60 MB' as bar,
         round(sum(mb) filter (where tier > 0), 1) || ' MB' as after_roll_up, '15 MB' as bar_after
  from a_day" \
  -c "select c.relname as dictionary, c.reltuples::int as rows, pg_size_pretty(pg_total_relation_size(c.oid)) as size
  from pg_class c where c.relname in ('history_statement', 'history_plan', 'history_relation') order by 1"
