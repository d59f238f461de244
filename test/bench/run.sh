#!/bin/bash
# run.sh: what pg_assist costs, beside pg_stat_statements and pg_qualstats. Called by `make bench`.
# Instructions (a minute), memory, then throughput. QUICK=1 takes 10 pairs of runs of one second
# (5 minutes) instead of 30 of three (30 minutes); options are handed on to pgbench.sh.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")/overhead
quick=()
if [ "${QUICK:-}" = 1 ]; then quick=(--pairs 10 --seconds 1); fi

echo "== instructions per statement (about a minute)"
"$here/instructions.sh"
echo
echo "== shared memory"
"$here/memory.sh"
echo "== throughput (about $([ "${QUICK:-}" = 1 ] && echo 5 || echo 35) minutes)"
"$here/pgbench.sh" "${quick[@]}" "$@"
