#!/bin/bash
# full.sh [SUITE...]: every suite there is, each by its own make target; a new suite is listed here. Two run at a time: those
# of this machine one after the other, and beside them those in Debian releases of their own. There the release of this
# machine is built only, for test-upgrade: its tests run here. Prints a table at the end. Called by `make test-full`.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
here="test test-static test-asserts test-core test-faults test-valgrind test-fuzz test-sqlsmith"
apart="test-matrix test-upgrade"
wanted=" ${*:-$here $apart} "
logs=${BUILD_DIR:-build}/full
mkdir -p "$logs"
rm -f "$logs"/table.*
for suite in $wanted; do
  [[ " $here $apart " == *" $suite "* ]] || { echo "full.sh: no suite $suite ($here $apart)" >&2; exit 2; }
done

run() { # run LANE SUITE...: in their order; a line each into the lane's table, which is longer when one failed
  local lane=$1 suite started status summary
  shift
  for suite in "$@"; do
    [[ $wanted == *" $suite "* ]] || continue
    started=$SECONDS
    echo "== make $suite: $logs/$suite.log"
    # SUITES is this script's: test-core has others of that name.
    make --no-print-directory "$suite" SUITES= PG_CONFIG="${PG_CONFIG:-pg_config}" >"$logs/$suite.log" 2>&1
    status=$?
    summary=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/$suite.log" | tail -n 1)
    [ "$status" = 0 ] || summary="FAILED: ${summary:-ended with status $status}"
    printf '%-14s %5d s  %s\n' "$suite" $((SECONDS - started)) "${summary:-done}" | tee -a "$logs/table.$lane"
  done
}

BUILT_ONLY=$(. /etc/os-release && echo "${VERSION_CODENAME:-}") run 2 $apart &
run 1 $here
wait
printf '\n'
cat "$logs"/table.*
failed=$(cat "$logs"/table.* | grep -c FAILED)
echo "$failed suites failed ($((SECONDS / 60)) minutes)"
[ "$failed" = 0 ]
