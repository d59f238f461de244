#!/bin/bash
# waits.sh: processor time that sampling waits takes of the collector, with many sessions, some of them active.
#
# Sessions are idle but for some that run short transactions on a few rows, so that some of them wait for locks, at a
# given rate or as fast as they can. The collector's time is taken with assist.wait_interval at its default and at 0; the
# difference is what sampling takes. The bar is 1 % of one processor.
usage() {
  cat <<'TEXT'
usage: waits.sh [--seconds S] [--sessions N] [--active N] [--check] [--set name=value]

  --seconds S    length of each measurement (default 30)
  --sessions N   sessions in all (default 500)
  --active N     of them active (default 8)
  --check        exit with status 1 above the bar
  --set N=V      server setting; may be repeated

PG_CONFIG selects the PostgreSQL installation (default: pg_config in the path).
TEXT
}
seconds=30 sessions=500 active=8 check=no extra=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=${2:?}; shift ;;
    --sessions) sessions=${2:?}; shift ;;
    --active) active=${2:?}; shift ;;
    --check) check=yes ;;
    --set) extra+=("${2:?}"); shift ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
. "$(dirname "$(readlink -f "$0")")/server.sh"
[ -e "$libdir/pg_assist.so" ] || fail "pg_assist is not installed in $libdir"

new_cluster server
start server shared_preload_libraries=pg_assist fsync=off max_connections=$((sessions + 20)) assist.interval=0 "${extra[@]}"
sql server -c 'create extension pg_assist' -c 'create table t (id int primary key, n int)' \
  -c 'insert into t select i, 0 from generate_series(1, 1000) i' -c 'vacuum analyze t'
printf '%s\n' '\set id random(1, 4)' 'begin;' 'update t set n = n + 1 where id = :id;' 'select count(*) from t;' 'end;' >"$work/active"
# A session that has run one statement, and does nothing.
printf '%s\n' 'select 1;' "\\sleep $((seconds * 8 + 600)) s" >"$work/idle"
chmod a+r "$work/active" "$work/idle"
as_server "$bindir/pgbench" -h "$work/server" -U postgres -n -f "$work/idle" -c $((sessions - active)) -j 1 -t 1 postgres >"$work/idle.log" 2>&1 &
idle=$!
for _ in {1..100}; do
  connected=$(sql server -Atc "select count(*) from pg_stat_activity where backend_type = 'client backend'")
  [ "$connected" -lt $((sessions - active)) ] || break
  sleep 0.5
done
[ "$connected" -ge $((sessions - active)) ] || { cat "$work/idle.log" >&2; fail "only $connected sessions"; }

postmaster=$(head -1 "$work/server/postmaster.pid")
collector=
for p in $(cat "/proc/$postmaster/task/$postmaster/children"); do
  if tr '\0' ' ' <"/proc/$p/cmdline" | grep -q '^postgres: pg_assist collector'; then collector=$p; fi
done
[ -n "$collector" ] || fail "the collector does not run"
ticks=$(getconf CLK_TCK)
used() {  # nanoseconds on a processor
  if [ -r "/proc/$collector/schedstat" ]; then cut -d' ' -f1 "/proc/$collector/schedstat"
  else sed 's/.*) //' "/proc/$collector/stat" | awk -v t="$ticks" '{ printf "%.0f\n", ($12 + $13) * 1e9 / t }'; fi
}
measure() {  # measure LABEL INTERVAL [pgbench options]: per cent of one processor in `percent`
  local label=$1 interval=$2 before after load='' looks; shift 2
  sql server -c "alter system set assist.wait_interval = '$interval'" -c 'select pg_reload_conf()' -o /dev/null
  if [ $# -gt 0 ]; then
    as_server "$bindir/pgbench" -h "$work/server" -U postgres -n -f "$work/active" -c "$active" -j 2 -T $((seconds + 3)) "$@" \
      postgres >"$work/bench" 2>&1 &
    load=$!
  fi
  sleep 2
  before=$(used)
  sleep "$seconds"
  after=$(used)
  [ -z "$load" ] || wait $load || { cat "$work/bench" >&2; fail "pgbench failed"; }
  percent=$(awk -v d=$((after - before)) -v s="$seconds" 'BEGIN { printf "%.3f", d / 1e7 / s }')
  looks=$(sql server -Atc "select detail from assist.status where component = 'waits'")
  printf '%-26s %10s %10s %%   %s\n' "$label" "$interval" "$percent" "$looks"
}

"$bindir/postgres" --version
echo "$sessions sessions, $active of them active; processor time of the collector in per cent of one processor"
printf '\n%-26s %10s %12s   %s\n' load interval collector "assist.status"
above=no
for load in idle '500 transactions a second' 'as many as it can'; do
  case $load in idle) options=() ;; 500*) options=(-R 500) ;; *) options=(-M simple) ;; esac
  measure "$load" 0 "${options[@]}"
  off=$percent
  measure "$load" 50ms "${options[@]}"
  sampling=$(awk -v a="$percent" -v b="$off" 'BEGIN { printf "%.3f", a - b }')
  printf '%-26s %10s %10s %%\n' '' sampling "$sampling"
  if awk -v s="$sampling" 'BEGIN { exit !(s >= 1) }'; then above=yes; fi
done
kill $idle 2>/dev/null || true
echo
echo "profile: $(sql server -Atc "select string_agg(wait_event_type || ' ' || samples, ', ') from (select wait_event_type, sum(samples) as samples from assist.waits group by 1 order by 2 desc) s")"
if [ $above = yes ]; then
  echo "sampling is above the bar of 1 %."
  [ $check = no ] || exit 1
fi
