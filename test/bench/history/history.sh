#!/bin/bash
# history.sh [INTERVALS]: what recorded history takes: 5,000 statements, of which 500 run in each interval of a minute
# (300 always the same ones, the others drawn). The server's clock is put ahead after each, so that hours pass in minutes and
# periods are added up as they would be. Prints the bytes a day before and after that, and the time and memory of a recording.
# The bars: 60 MB, 15 MB, 2 s, 64 MB. Default: 180 intervals, five minutes. Called by `make bench-history`.
intervals=${1:-180}
. "$(dirname "$(readlink -f "$0")")/../overhead/server.sh"
cc -O1 -shared -fPIC -o "$work/interpose.so" "$here/../../faults/interpose.c" -ldl
perl -e 'print pack("q q a4080", 0, 0, "")' >"$work/clock"
chmod a+rwx "$work" "$work/interpose.so" "$work/clock"
ahead() { perl -e 'open my $f, "+<", $ARGV[0]; print $f pack("q", $ARGV[1])' "$work/clock" "$1"; } # ahead SECONDS
new_cluster history
export LD_PRELOAD=$work/interpose.so ASSIST_INTERPOSE=$work/clock
start history shared_preload_libraries=pg_assist assist.interval=0 fsync=off shared_buffers=256MB assist.sample_rate=0
unset LD_PRELOAD
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
record >"$work/log"
sql history -c 'truncate assist.history_block'
echo "== $intervals intervals of 500 statements"
RANDOM=1
for ((n = 0; n < intervals; n++)); do
  for ((k = 0; k < 500; k++)); do
    i=$((k < 300 ? k * 16 % 5000 : (RANDOM * 32768 + RANDOM) % 5000))
    for ((r = k < 50 ? 8 : 1; r > 0; r--)); do statement $i $((RANDOM % 1000)); done
  done | sql history -o /dev/null
  ahead $((60 * (n + 1)))
  record >>"$work/times"
done
missed=0
awk '{ if ($1 > most) most = $1; sum += $1; if ($2 > memory) memory = $2 }
  END { printf "a recording: %.0f ms on average, %.0f at most; its process %.0f MB besides shared memory (bars: 2000 ms, 64 MB)\n", sum / NR, most, memory / 1024
        exit most > 2000 || memory > 65536 }' "$work/times" || missed=1
sql history -c "
  with tiers as (
    select ring / 4 as tier, case kind when 1 then 'statements' when 2 then 'plans' when 3 then 'tables' when 4 then 'indexes' else 'database' end as kind,
           case ring / 4 when 0 then interval '1 min' when 1 then '5 min' when 2 then '1 h' else '1 day' end as period,
           count(*) as blocks, avg(pg_column_size(b.*)) as bytes, avg(rows) as objects
    from assist.history_block b group by 1, 2, 3)
  select tier, period, kind, blocks, round(objects) as objects, round(bytes) as bytes_a_block,
         round(bytes * extract(epoch from interval '1 day') / extract(epoch from period) / 1e6, 2) as mb_a_day
  from tiers order by 1, 3" \
  -c "create temp view day as
  with disk as ( -- a partition with what is kept out of line
    select ring / 4 as tier, sum(pg_total_relation_size(format('assist.history_block_%s', ring)::regclass)) / 1e6 as mb
    from (select distinct ring from assist.history_block) r group by 1),
  a_day as (select tier, mb * case tier when 0 then 1440.0 / $intervals when 1 then 288.0 / ceil($intervals / 5.0) else 24.0 / ceil($intervals / 60.0) end as mb from disk)
  select sum(mb) filter (where tier = 0) as minutes, sum(mb) filter (where tier > 0) as coarser from a_day" \
  -c "select round(minutes, 1) || ' MB' as a_day_of_minutes_on_disk, '60 MB' as bar,
         round(coarser, 1) || ' MB' as a_day_of_coarser_periods, '15 MB' as bar_of_those from day" \
  -c "select 1 / (minutes <= 60 and coarser <= 15)::int as bars_are_met from day" \
  -c "select d.name as dictionary, d.rows, pg_size_pretty(pg_total_relation_size(format('assist.%I', d.name)::regclass)) as size
  from (select 'history_statement' as name, count(*) as rows from assist.history_statement
        union all select 'history_plan', count(*) from assist.history_plan
        union all select 'history_relation', count(*) from assist.history_relation) d order by 1" || missed=1
[ $missed = 0 ] || { echo "a bar is missed" >&2; exit 1; }
