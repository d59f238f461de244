#!/bin/bash
# run.sh: four weeks of a shop in two minutes, and what assist.regressions says of what happened in them. A private server
# in a scratch directory, gone at the end; its clock is put ahead after each minute of load. Called by `make demo-time`.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/../../test/bench/overhead/server.sh"
say() { printf '\n== %s\n' "$*"; }
demo() { sql demo -d shop "$@"; }

say "a private server, whose clock can be put ahead"
cc -O1 -shared -fPIC -o "$work/interpose.so" "$here/../../test/faults/interpose.c" -ldl
perl -e 'print pack("q q a4080", 0, 0, "")' >"$work/clock"
chmod a+rwx "$work" "$work/interpose.so" "$work/clock"
seconds_ahead=0
ahead() { seconds_ahead=$((seconds_ahead + $1)); perl -e 'open my $f, "+<", $ARGV[0]; print $f pack("q", $ARGV[1])' "$work/clock" "$seconds_ahead"; }
new_cluster demo
export LD_PRELOAD=$work/interpose.so ASSIST_INTERPOSE=$work/clock
start demo shared_preload_libraries=pg_assist assist.interval=0 fsync=off shared_buffers=256MB max_parallel_workers_per_gather=0
unset LD_PRELOAD
sql demo -c 'create database shop'
demo -o /dev/null <"$here/schema.sql"
demo -c 'create extension pg_assist' -c 'select assist.record_history()' -o /dev/null
minutes() { # minutes N: so many of load, each recorded when it is over
  local i
  for ((i = 0; i < $1; i++)); do
    demo -o /dev/null <"$here/minute.sql"
    ahead 60
    demo -o /dev/null -c 'set assist.track = none' -c 'select assist.record_history()'
  done
}

say "an ordinary quarter of an hour"
minutes 15
demo -c "select calls, mean_exec_time, p95_exec_time, left(query, 70) as query from assist.statement_totals() where query like '% from %' limit 4"

say "four weeks before it, imported: the report by region takes twice as long since yesterday"
demo -At -c "
  select assist.import_history(string_agg(format(E'mean_exec_time,%s,%s,%s\nshare,%1\$s,%2\$s,0.3', s.queryid, t,
      s.mean_exec_time * exp(0.4 * sin(extract(epoch from t) / 86400 * 2 * pi()) + 0.05 * sin(extract(epoch from t) / 3600 * 12.9898))
      / case when t > now() - interval '26 hours' then 1 else 2 end), E'\n')) || ' values'
  from assist.statements s, generate_series(date_trunc('hour', now()) - interval '28 days', now() - interval '1 hour', '1 hour') t
  where s.query like 'select c.region%'"
demo -c "delete from assist.regression_judged" -c "select assist.record_history()" -o /dev/null

say "an ANALYZE with a wrong belief breaks a plan"
demo -c "alter table events alter column session set (n_distinct = 1)" -c "analyze events"
minutes 7
say "a setting is changed: enable_nestloop = off"
demo -c "alter system set enable_nestloop = off" -c "select pg_reload_conf()" -o /dev/null
sleep 0.5
minutes 13
say "release 4.2 drops an index"
demo -c "select assist.mark('release 4.2')" -o /dev/null
demo -c "drop index orders_customer_idx"
minutes 7

say "what happened: select at, kind, title from assist.markers"
demo -c "select to_char(at, 'HH24:MI') as at, kind, title from assist.markers where kind <> 'ddl' or title !~ '^(CREATE|VACUUM)' order by markers.at"
say "and what it did: select ... from assist.regressions"
demo -c "select to_char(onset, 'Dy HH24:MI') as onset, detector, before_ms, after_ms, ratio, impact_pct, cause, left(query, 44) as query
  from assist.regressions order by regressions.onset" \
  -c "select cause, evidence, sql from assist.regressions order by onset" \
  -c "select left(query, 30) as query, n as rank, c ->> 'cause' as cause, c ->> 'score' as score, left(c ->> 'evidence', 90) as evidence
  from assist.regressions, jsonb_array_elements(causes) with ordinality j (c, n) order by onset, n"

named=$(demo -At -c "select string_agg(cause, ' ' order by onset) from assist.regressions where detector = 'event'")
if [ "$named" != "plan_changed setting_changed index_dropped" ]; then
  echo "not each cause was named first: $named" >&2
  exit 1
fi
