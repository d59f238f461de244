#!/bin/bash
# full.sh [SUITE...]: every suite there is, one after the other, each by its own make target; a new suite is listed
# here. Prints a table at the end. Called by `make test-full`; takes about two and a half hours on two processors, half of it for
# the matrix.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
suites=${*:-test test-static test-asserts test-core test-faults test-valgrind test-fuzz test-sqlsmith test-matrix test-upgrade}
logs=${BUILD_DIR:-build}/full
mkdir -p "$logs"
failed=0
table=
for suite in $suites; do
  started=$SECONDS
  echo "== make $suite: $logs/$suite.log"
  # SUITES is this script's: test-core has others of that name.
  make --no-print-directory "$suite" SUITES= PG_CONFIG="${PG_CONFIG:-pg_config}" >"$logs/$suite.log" 2>&1
  status=$?
  summary=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$logs/$suite.log" | tail -n 1)
  line=$(printf '%-14s %5d s  %s' "$suite" $((SECONDS - started)) "${summary:-ended with status $status}")
  echo "   $line"
  table+="$line"$'\n'
  [ "$status" = 0 ] || failed=$((failed + 1))
done
printf '\n%s' "$table"
echo "$failed suites failed"
[ "$failed" = 0 ]
