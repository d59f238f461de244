#!/bin/bash
# pgbench.sh: throughput of `pgbench -S` with an extension over the throughput without it.
#
# Three servers on copies of one data directory: base (compute_query_id = off), pg_stat_statements
# and pg_assist. One pair is a short run on base and on another, one right after the other in
# changing order, so that what else happens on the machine meets both. Printed is the median of
# the pairs' ratios with its 95 % interval (bootstrap); 1.000 means no cost.
usage() {
  cat <<'TEXT'
usage: pgbench.sh [--pairs N] [--seconds S] [--clients "1 2 8"] [--modes "simple prepared"]
                  [--only "pg_stat_statements pg_assist"] [--scale N] [--set name=value]

Defaults: 30 pairs of runs of 3 seconds, which take about 30 minutes; --pairs 10 --seconds 1
takes 4. PG_CONFIG selects the PostgreSQL installation (default: pg_config in the path).
TEXT
}
pairs=30 seconds=3 clients="1 2 8" modes="simple prepared" only="pg_stat_statements pg_assist" scale=5
extra=()
while [ $# -gt 0 ]; do
  case $1 in
    --pairs) pairs=${2:?}; shift ;;
    --seconds) seconds=${2:?}; shift ;;
    --clients) clients=${2:?}; shift ;;
    --modes) modes=${2:?}; shift ;;
    --only) only=${2:?}; shift ;;
    --scale) scale=${2:?}; shift ;;
    --set) extra+=("${2:?}"); shift ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
. "$(dirname "$(readlink -f "$0")")/server.sh"

servers=(base)
for s in $only; do
  if [ -e "$libdir/$s.so" ]; then servers+=("$s"); else echo "skipped: $s is not installed in $libdir" >&2; fi
done

"$bindir/postgres" --version
echo "pgbench -S: throughput over that of a server without extensions (compute_query_id = off)"
echo "$pairs pairs of runs of $seconds s, $(nproc) processors, scale $scale"
new_cluster base
start base
as_server "$bindir/pgbench" -h "$work/base" -U postgres -i -q -s "$scale" postgres >"$work/log" 2>&1 ||
  { cat "$work/log" >&2; fail "pgbench -i failed"; }
sql base -c 'vacuum (freeze, analyze)' -c checkpoint
stop base
for s in "${servers[@]:1}"; do
  as_server cp -a "$work/base" "$work/$s"
  as_server sed -i "s|$work/base|$work/$s|" "$work/$s/postgresql.conf"
done
for s in "${servers[@]}"; do
  case $s in
    base) start base compute_query_id=off ;;
    pg_assist)
      start $s compute_query_id=on shared_preload_libraries=pg_assist "${extra[@]}"
      sql $s -c 'create extension pg_assist' ;;
    *) start "$s" compute_query_id=on shared_preload_libraries="$s"
       sql "$s" -c "create extension $s" ;;
  esac
  sql "$s" -c "select count(*) from pgbench_accounts" -o /dev/null
  freeze "$s"
done

run() {  # run SERVER MODE CLIENTS: transactions per second
  local jobs=$(( $3 < $(nproc) ? $3 : $(nproc) )) tps
  thaw "$1"
  tps=$(as_server "$bindir/pgbench" -h "$work/$1" -U postgres -n -S -T "$seconds" -M "$2" -c "$3" -j "$jobs" \
    postgres 2>"$work/log" | sed -n 's/^tps = \([0-9.]*\).*/\1/p')
  freeze "$1"
  [ -n "$tps" ] || { cat "$work/log" >&2; fail "pgbench failed on $1"; }
  echo "$tps"
}
summary() {  # lines "a b" on standard input: median of b / a with its 95 % interval
  perl -e '
    sub median { my @s = sort { $a <=> $b } @_; my $n = @s;
                 $n % 2 ? $s[$n / 2] : ($s[$n / 2 - 1] + $s[$n / 2]) / 2 }
    my @r = map { my ($a, $b) = split; $b / $a } <STDIN>;
    srand 1;
    my @m = sort { $a <=> $b } map { median(map { $r[rand @r] } @r) } 1 .. 5000;
    printf "%.3f  (%.3f .. %.3f)", median(@r), $m[125], $m[4874]'
}

printf '\n%-9s %7s %12s' mode clients "base, tps"
for s in "${servers[@]:1}"; do printf '  %-24s' "$s"; done
[ ${#servers[@]} -lt 3 ] || printf '  %-24s' "pg_assist / the former"
echo
for mode in $modes; do
  for c in $clients; do
    for s in "${servers[@]}"; do run "$s" "$mode" "$c" >/dev/null; : >"$work/tps.$s"; done   # warm-up
    for ((i = 0; i < pairs; i++)); do
      order=("${servers[@]}")
      [ $((i % 2)) = 0 ] || order=($(printf '%s\n' "${servers[@]}" | tac))
      for s in "${order[@]}"; do run "$s" "$mode" "$c" >>"$work/tps.$s"; done
    done
    base=$(sort -n "$work/tps.base" | awk '{ v[NR] = $1 } END { printf "%.0f", v[int((NR + 1) / 2)] }')
    printf '%-9s %7s %12s' "$mode" "$c" "$base"
    for s in "${servers[@]:1}"; do
      printf '  %-24s' "$(paste -d' ' "$work/tps.base" "$work/tps.$s" | summary)"
    done
    [ ${#servers[@]} -lt 3 ] ||
      printf '  %-24s' "$(paste -d' ' "$work/tps.${servers[1]}" "$work/tps.${servers[2]}" | summary)"
    echo
  done
done
