#!/bin/bash
# background.sh: processor time and memory of pg_assist's background processes.
#
# The store is filled with 5,000 distinct statements; then 500 of them run in turn from 8 clients: none, at a given
# rate, and as fast as the machine can. Printed is the processor time of the collector, of the launcher and of the
# analysts that came and went (one visit a minute), in milliseconds per second, beside that of the whole server.
# A large database for the analyst: ../scale/analysis.sh.
usage() {
  cat <<'TEXT'
usage: background.sh [--seconds S] [--rate TPS] [--set name=value]

  --seconds S   length of each measurement (default 60: each has one visit of the analyst)
  --rate TPS    statements per second of the moderate load (default 1000)
  --set N=V     server setting, e.g. assist.interval=0; may be repeated

PG_CONFIG selects the PostgreSQL installation (default: pg_config in the path).
TEXT
}
seconds=60 rate=1000 extra=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=${2:?}; shift ;;
    --rate) rate=${2:?}; shift ;;
    --set) extra+=("${2:?}"); shift ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
. "$(dirname "$(readlink -f "$0")")/server.sh"
[ -e "$libdir/pg_assist.so" ] || fail "pg_assist is not installed in $libdir"
churn=$(readlink -f "$here/../load/churn")
statements=5000 active=500

new_cluster server
start server shared_preload_libraries=pg_assist fsync=off "${extra[@]}"
sql server -o /dev/null -c 'create extension pg_assist'
sql server -o /dev/null <"$churn/schema.sql"
sql server -c 'vacuum (freeze, analyze) churn' -c 'select assist.reset()' -o /dev/null
cp "$churn/churn@1.sql" "$work/churn"
chmod a+r "$work/churn"

bench() {  # bench STATEMENTS CLIENTS [pgbench options]
  local n=$1 clients=$2; shift 2
  as_server "$bindir/pgbench" -h "$work/server" -U postgres -n -f "$work/churn" -D "statements=$n" -c "$clients" \
    -j "$(nproc)" "$@" postgres 2>"$work/log" || { cat "$work/log" >&2; fail "pgbench failed"; }
}
postmaster=$(head -1 "$work/server/postmaster.pid")
ticks=$(getconf CLK_TCK)
pid_of() {  # pid_of TITLE: of the server's process whose title begins so
  local p
  for p in $(cat "/proc/$postmaster/task/$postmaster/children"); do
    if tr '\0' ' ' 2>/dev/null <"/proc/$p/cmdline" | grep -q "^postgres: $1"; then echo "$p"; return; fi
  done
}
# Nanoseconds on a processor: exactly, where the kernel says so, or in its ticks.
used() {
  if [ -r "/proc/$1/schedstat" ]; then cut -d' ' -f1 "/proc/$1/schedstat"
  else sed 's/.*) //' "/proc/$1/stat" | awk -v t="$ticks" '{ printf "%.0f\n", ($12 + $13) * 1e9 / t }'; fi
}
# Of children that have ended: while the clients stay connected these are analysts.
used_by_ended() { sed 's/.*) //' "/proc/$postmaster/stat" | awk -v t="$ticks" '{ printf "%.0f\n", ($14 + $15) * 1e9 / t }'; }
reading() {  # collector, launcher, ended analysts, all processes of the server
  local ended all p
  ended=$(used_by_ended)
  all=$(for p in $(processes server); do used "$p" 2>/dev/null || true; done | awk -v e="$ended" '{ t += $1 } END { printf "%.0f", t + e }')
  echo "$(used "$(pid_of 'pg_assist collector')") $(used "$(pid_of 'pg_assist launcher')") $ended $all"
}
measure() {  # measure LABEL [pgbench options]: without options no load
  local label=$1 before after tps=0; shift
  if [ $# -gt 0 ]; then
    bench $active 8 -T $((seconds + 4)) "$@" >"$work/bench" &
    local running=$!
    sleep 2
  fi
  before=$(reading)
  sleep "$seconds"
  after=$(reading)
  if [ $# -gt 0 ]; then
    wait $running
    tps=$(sed -n 's/^tps = \([0-9]*\).*/\1/p' "$work/bench")
  fi
  echo "$before $after" | awk -v label="$label" -v tps="$tps" -v s="$seconds" '{
    for (i = 1; i <= 4; ++i) d[i] = ($(i + 4) - $i) / 1e6 / s
    printf "%-26s %12d %10.2f %10.2f %10.2f %12.1f %13s\n", label, tps, d[1], d[2], d[3], d[4],
      (tps > 0 ? sprintf("%.2f %%", 100 * (d[1] + d[2] + d[3]) / d[4]) : "-") }'
}

"$bindir/postgres" --version
bench $statements 1 -t $((statements * 12)) >"$work/bench"
sleep 2   # until the collector has been there
echo "$(sql server -Atc 'select count(*) from assist.statements') distinct statements recorded, of them $active in use; milliseconds of processor time per second"
printf '\n%-26s %12s %10s %10s %10s %12s %13s\n' load statements/s collector launcher analysts 'the server' 'share of it'
measure idle
measure "$rate statements a second" -R "$rate"
measure "as many as it can" -M simple
echo
for p in collector launcher; do
  awk -v p=$p '/^RssAnon/ { a = $2 } /^RssShmem/ { s = $2 }
    END { printf "%s: %.1f MB of its own memory, beside what it touched of the shared memory (%.1f MB)\n", p, a / 1024, s / 1024 }' \
    "/proc/$(pid_of "pg_assist $p")/status"
done
