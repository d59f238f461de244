#!/bin/bash
# pgbench.sh: throughput and tail latency under load, with an extension over without it.
#
# Three servers on copies of one data directory: base (compute_query_id = off), pg_stat_statements
# and pg_assist. One round is a short run on each, one right after the other in changing order and with
# the same random numbers, so that what else happens on the machine meets all; servers that do not run are
# stopped. Each round gives one pair for each comparison. Two servers that are configured alike differ by some per cent
# for as long as they run, by where their memory and files happen to lie: after every few rounds all begin anew, on fresh
# copies. Printed is the median of the pairs' ratios with its 95 % interval (ratios.pl); 1.000 means no cost, less means
# slower, for the latency too.
usage() {
  cat <<'TEXT'
usage: pgbench.sh [--workload W] [--clients "1 8 64"] [--modes "simple prepared"] [--pairs N] [--seconds S]
                  [--rounds N] [--only "pg_stat_statements pg_assist"] [--scale N] [--statements N] [--set name=value]
                  [--minutes]

  --workload W    select     pgbench -S (default)         simple and prepared, 1 2 8 64 clients, scale 5
                  readwrite  pgbench's TPC-B-like         simple, 1 8 64 clients, scale 20
                  tpcc       test/bench/load/tpcc         prepared, 1 8 64 clients, scale 8 (small warehouses)
                  tpch       test/bench/load/tpch         simple, 1 2 clients
                  churn      test/bench/load/churn        simple (always), 1 8 64 clients, 50,000 distinct statements
  --clients, --modes, --scale   other than those; --statements: of churn, 65,536 at most
  --pairs N       rounds (default 30)
  --rounds N      between two fresh starts (default 3)
  --seconds S     length of a run (default 2)
  --only          extensions to compare with the server without; "compute_query_id" is a server without, but for
                  that setting, which both need
  --set N=V       server setting for pg_assist's server, e.g. assist.sample_rate=0; may be repeated
  --minutes       print how long it will take, and stop

PG_CONFIG selects the PostgreSQL installation (default: pg_config in the path).
TEXT
}
workload=select pairs=30 rounds=3 seconds=2 only="pg_stat_statements pg_assist" statements=50000
clients='' modes='' scale='' minutes=no extra=()
while [ $# -gt 0 ]; do
  case $1 in
    --workload) workload=${2:?}; shift ;;
    --pairs) pairs=${2:?}; shift ;;
    --rounds) rounds=${2:?}; shift ;;
    --seconds) seconds=${2:?}; shift ;;
    --clients) clients=${2:?}; shift ;;
    --modes) modes=${2:?}; shift ;;
    --only) only=${2:?}; shift ;;
    --scale) scale=${2:?}; shift ;;
    --statements) statements=${2:?}; shift ;;
    --set) extra+=("${2:?}"); shift ;;
    --minutes) minutes=yes ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
case $workload in
  select) defaults=("1 2 8 64" "simple prepared" 5) ;;
  readwrite) defaults=("1 8 64" simple 20) ;;
  tpcc) defaults=("1 8 64" prepared 8) ;;
  tpch) defaults=("1 2" simple 1) ;;
  churn) defaults=("1 8 64" simple 1); modes=simple ;;
  *) usage >&2; exit 2 ;;
esac
clients=${clients:-${defaults[0]}} modes=${modes:-${defaults[1]}} scale=${scale:-${defaults[2]}}

# A run costs about a third of a second besides: processes, connections, the log.
lines=$(( $(wc -w <<<"$clients") * $(wc -w <<<"$modes") ))
expected=$(awk -v n=$lines -v p="$pairs" -v s="$seconds" -v f=$(( (pairs + rounds - 1) / rounds )) -v k=$(( $(wc -w <<<"$only") + 1 )) \
  'BEGIN { printf "%.0f", 0.5 + n * k * ((p + 1) * (s + 0.3) + f * 3) / 60 + 0.5 }')
if [ $minutes = yes ]; then echo "$expected"; exit 0; fi

. "$(dirname "$(readlink -f "$0")")/server.sh"
load=$(readlink -f "$here/../load")
servers=(base)
for s in $only; do
  if [ "$s" = compute_query_id ] || [ -e "$libdir/$s.so" ]; then servers+=("$s"); else echo "skipped: $s is not installed in $libdir" >&2; fi
done

# --- data and servers -------------------------------------------------------------------------------

# pgbench has no loops: what is between "-- repeat N" and "-- end" is written out N times.
unroll() {
  awk '/^-- repeat / { times = $3; body = ""; next }
       /^-- end/     { for (; times > 0; --times) printf "%s", body; times = 0; next }
       times > 0     { body = body $0 "\n"; next }
                     { print }' "$1"
}
scripts() {  # copies the scripts of the workload to where the server's user can read them; fills `transactions`
  local file name
  mkdir "$work/scripts"
  for file in "$load/$workload"/*@*.sql; do
    name=$(basename "$file" .sql)
    unroll "$file" >"$work/scripts/${name%@*}"
    transactions+=(-f "$work/scripts/${name}")
  done
  chmod -R a+rX "$work/scripts"
}
transactions=()
case $workload in
  select) transactions=(-n -S) ;;
  readwrite) transactions=(-b tpcb-like) ;;   # without -n it empties pgbench_history before each run
  *) transactions=(-n -D "warehouses=$scale" -D "statements=$statements"); scripts ;;
esac
create() {
  case $workload in
    select|readwrite)
      # Rows are updated in their page as long as it has room.
      as_server "$bindir/pgbench" -h "$work/base" -U postgres -i -q -s "$scale" -F 90 postgres >"$work/log" 2>&1 ||
        { cat "$work/log" >&2; fail "pgbench -i failed"; } ;;
    *) sql base -o /dev/null -v warehouses="$scale" <"$load/$workload/schema.sql" || fail "no data for $workload" ;;
  esac
}

"$bindir/postgres" --version
echo "$workload: speed compared with a server without extensions (compute_query_id = off); less than 1 is slower"
echo "$pairs pairs of runs of $seconds s, $(nproc) processors, scale $scale; about $expected minutes"
new_cluster base
# The disk is not what is measured: nothing is synchronised, and no checkpoint begins by itself (a server that was
# stopped for a while would start one). The data fits into shared_buffers. Plans are made by the same means in all
# runs: no parallel workers, no JIT, whose compiling would hide everything else.
printf '%s\n' "fsync = off" "synchronous_commit = off" "full_page_writes = off" "checkpoint_timeout = 1d" \
  "max_wal_size = 16GB" "shared_buffers = 512MB" "jit = off" "max_parallel_workers_per_gather = 0" |
  as_server tee -a "$work/base/postgresql.conf" >"$work/log"
start base
create
sql base -c 'vacuum (freeze, analyze)' -c checkpoint
stop base
as_server mv "$work/base" "$work/template"

begin_anew() {  # begin_anew SERVER: a fresh copy of the data, a new server
  if [ -e "$work/$1/postmaster.pid" ]; then
    thaw "$1"
    as_server "$bindir/pg_ctl" stop -D "$work/$1" -m immediate -w -s
  fi
  rm -rf "${work:?}/$1"
  as_server cp -a "$work/template" "$work/$1"
  as_server sed -i "s|$work/base|$work/$1|" "$work/$1/postgresql.conf"
  case $1 in
    base) start base compute_query_id=off ;;
    compute_query_id) start "$1" compute_query_id=on ;;
    pg_assist)
      start "$1" compute_query_id=on shared_preload_libraries=pg_assist "${extra[@]}"
      sql "$1" -c 'create extension pg_assist' ;;
    *) start "$1" compute_query_id=on shared_preload_libraries="$1"
       sql "$1" -c "create extension $1" ;;
  esac
  freeze "$1"
}

# --- runs -------------------------------------------------------------------------------------------

# run SERVER MODE CLIENTS ROUND: appends to tps.SERVER and p99.SERVER. Latencies are logged of some 10,000 transactions,
# drawn at random, so that the log costs the client little; the first five of each connection are left out: there
# the server fills its caches.
run() {
  local jobs=$(( $3 < $(nproc) ? $3 : $(nproc) )) length=(-T "$seconds") tps skip=5
  if [ $workload = tpch ]; then
    # Of few long queries the same ones are run everywhere, not as many as fit into the time.
    length=(-t "$per_client") skip=0
  fi
  thaw "$1"
  tps=$(as_server "$bindir/pgbench" -h "$work/$1" -U postgres "${transactions[@]}" "${length[@]}" -M "$2" -c "$3" -j "$jobs" \
    --random-seed="$((1000 + $4))" -l --log-prefix="$work/$1/latency" --sampling-rate="$sampling" postgres 2>"$work/log" |
    sed -n 's/^tps = \([0-9.]*\).*/\1/p') || tps=''
  freeze "$1"
  [ -n "$tps" ] || { cat "$work/log" >&2; fail "pgbench failed on $1"; }
  echo "$tps" >>"$work/tps.$1"
  cat "$work/$1"/latency.* | awk -v skip=$skip '$2 > skip { print $3 / 1000 }' | sort -n |
    awk '{ v[NR] = $1 } END { i = int(0.99 * NR); print v[i < NR * 0.99 ? i + 1 : i] }' >>"$work/p99.$1"
  rm -f "$work/$1"/latency.*
}
# A fresh start and runs that do not count: they fill caches, and the first of all tells how many transactions a run has.
warm_up() {  # warm_up MODE CLIENTS ROUND
  local s tps
  if [ "$3" = 0 ]; then sampling=1 per_client=12; fi
  for s in $(order_of $(($3 / rounds))); do begin_anew "$s"; done
  for s in $(order_of $(($3 / rounds))); do
    mv "$work/tps.$s" "$work/tps.kept"; mv "$work/p99.$s" "$work/p99.kept"
    seconds=1 run "$s" "$1" "$2" 0
    if [ "$3" = 0 ] && [ "$s" = base ]; then
      tps=$(cat "$work/tps.base")
      sampling=$(awk -v n="$tps" -v s="$seconds" 'BEGIN { r = 10000 / (n * s); printf "%.4f", (r > 1 ? 1 : r) }')
      per_client=$(awk -v n="$tps" -v s="$seconds" -v c="$2" 'BEGIN { t = int(n * s / c); print (t < 12 ? 12 : t) }')
    fi
    mv "$work/tps.kept" "$work/tps.$s"; mv "$work/p99.kept" "$work/p99.$s"
  done
}
# The order of round I: all sequences of three servers in turn.
order_of() {
  local n=${#servers[@]} k sequence=()
  for ((k = 0; k < n; k++)); do sequence+=("${servers[(k + $1 / 2) % n]}"); done
  if [ $(($1 % 2)) = 0 ]; then printf '%s\n' "${sequence[@]}"; else printf '%s\n' "${sequence[@]}" | tac; fi
}

printf '\n%-9s %-9s %7s %-6s %10s' workload mode clients '' base
for s in "${servers[@]:1}"; do printf '  %-23s' "$s"; done
[[ " ${servers[*]} " != *" pg_stat_statements "*" pg_assist "* ]] || printf '  %-23s' "pg_assist / pgss"
echo '  verdict'
for mode in $modes; do
  for c in $clients; do
    for s in "${servers[@]}"; do : >"$work/tps.$s"; : >"$work/p99.$s"; done
    for ((i = 0; i < pairs; i++)); do
      [ $((i % rounds)) != 0 ] || warm_up "$mode" "$c" $i
      for s in $(order_of $i); do run "$s" "$mode" "$c" $i; done
    done
    perl "$here/ratios.pl" "$work" $rounds "$(printf '%-9s %-9s %7s' "$workload" "$mode" "$c")" "${servers[@]}"
  done
done
