#!/bin/bash
# run.sh [PART...]: what pg_assist costs, beside pg_stat_statements and pg_qualstats. Called by `make bench`
# (BENCH="PART ..."). Parts, all of them without arguments:
#
#   instructions  machine instructions added to a statement
#   memory        shared memory
#   select        throughput and p99 latency of reading by key, simple and prepared
#   load          the same of read-write, TPC-C-like, TPC-H-like and a churn of 50,000 distinct statements
#   waits         processor time of sampling waits with 500 sessions
#   background    processor time and memory of the collector, the launcher and the analyst
#   analysis      one analysis of 10,000 tables with 50,000 indexes and 5,000 statements
#
# QUICK=1: 5 pairs of runs of a second with fewer clients and a smaller database, to see that all works. Options of
# the scripts: see there; each can be run alone.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
all=(instructions memory select load background waits analysis)
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=("${all[@]}")

workloads=(readwrite tpcc tpch churn)
short=() few=() less=() only=() tables=10000 background=(--seconds 60) waits=(--seconds 30)
if [ "${QUICK:-}" = 1 ]; then
  only=(--only pg_stat_statements --only pg_assist)
  short=(--pairs 5 --seconds 1) few=(--clients "1 8") less=(--clients 8) tables=1000 background=(--seconds 10) waits=(--seconds 10)
fi
options() {  # options WORKLOAD: fills `set`
  set=("${short[@]}")
  case $1 in
    select) set+=("${few[@]}") ;;
    tpch) ;;
    *) set+=("${less[@]}") ;;
  esac
  set+=(--workload "$1")
}
minutes() {  # minutes PART: about how long it takes
  local w set total=0
  case $1 in
    instructions) [ "${QUICK:-}" = 1 ] && echo 4 || echo 7 ;;
    memory) echo 0 ;;
    select) options select; "$here/overhead/pgbench.sh" "${set[@]}" --minutes ;;
    load) for w in "${workloads[@]}"; do options "$w"; total=$((total + $("$here/overhead/pgbench.sh" "${set[@]}" --minutes))); done
      echo $total ;;
    background) [ "${QUICK:-}" = 1 ] && echo 1 || echo 4 ;;
    waits) [ "${QUICK:-}" = 1 ] && echo 2 || echo 4 ;;
    analysis) [ "${QUICK:-}" = 1 ] && echo 1 || echo 6 ;;
    *) echo "run.sh: unknown part $1 (${all[*]})" >&2; exit 2 ;;
  esac
}

total=0
for part in "${parts[@]}"; do
  n=$(minutes "$part")
  total=$((total + n))
done
echo "== ${parts[*]}: about $total minutes"
for part in "${parts[@]}"; do
  echo
  case $part in
    instructions)
      echo "== instructions per statement (about $(minutes "$part") minutes)"
      "$here/overhead/instructions.sh" "${only[@]}" ;;
    memory)
      echo "== shared memory"
      "$here/overhead/memory.sh" ;;
    select)
      echo "== reading by key (about $(minutes "$part") minutes)"
      options select
      "$here/overhead/pgbench.sh" "${set[@]}" ;;
    load)
      echo "== under load (about $(minutes "$part") minutes)"
      for w in "${workloads[@]}"; do
        echo
        options "$w"
        "$here/overhead/pgbench.sh" "${set[@]}"
      done ;;
    background)
      echo "== background processes (about $(minutes "$part") minutes)"
      "$here/overhead/background.sh" "${background[@]}" ;;
    waits)
      echo "== sampling waits (about $(minutes "$part") minutes)"
      "$here/overhead/waits.sh" "${waits[@]}" ;;
    analysis)
      echo "== an analysis of a large database (about $(minutes "$part") minutes)"
      "$here/scale/analysis.sh" "$tables" ;;
  esac
done
