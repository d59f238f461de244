#!/bin/bash
# run.sh [TEST...]: the SQL tests (those named, or all that do without much data and without looking at times) and slow.sql on a
# server under valgrind's memcheck: the assertion-enabled build, whose memory contexts tell valgrind what is allocated. Every report of an invalid access, of a decision by
# uninitialised memory, or of a wrong free fails, whoever made it. Tests run one after the other, fifty times slower
# than without. Called by `make test-valgrind`; closes with the line `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. test/cassert.sh
begin_suite valgrind
rm -f "$results"/*.valgrind

new_data <test/postgresql.conf || exit 1
as_server mkdir "$scratch/vg"
as_server valgrind --quiet --trace-children=yes --track-origins=yes --read-var-info=no --error-markers=BEGIN,END \
  --num-callers=20 --suppressions="$cassert/source/src/tools/valgrind.supp" --suppressions=test/valgrind/ours.supp \
  --log-file="$scratch/vg/%p.valgrind" "$bindir/postgres" -D "$scratch/data" >"$results/server.log" 2>&1 &
for _ in $(seq 120); do
  as_server "$bindir/psql" -X -h "$scratch" -U postgres -Atc 'SELECT 1' >"$results/psql.log" 2>&1 && break
  sleep 1
done
echo "== SQL tests under valgrind"
tests=${*:-$(basename -s .sql -a test/sql/*.sql | grep -vxE 'index_advisor|what_if|space|alerts|history|regressions|samples|waits')}
cp -r expected "$scratch/tree/test/" && chown -R "$server_user" "$scratch/tree" 2>/dev/null
(cd "$scratch/tree/test" && as_server "$(dirname "$("$PG_CONFIG" --pgxs)")/../../src/test/regress/pg_regress" --bindir="$bindir" \
  --host="$scratch" --user=postgres --dbname=contrib_regression --no-locale $tests) 2>&1 | tee "$results/out"
cp "$scratch/tree/test/regression.diffs" "$results/" 2>/dev/null
echo "== what looks at times"
as_server "$bindir/psql" -X -h "$scratch" -U postgres -d contrib_regression -f - <test/valgrind/slow.sql >"$results/slow.out" 2>&1
if grep -q '^DROP TABLE' "$results/slow.out" && ! grep -E 'ERROR|server closed' "$results/slow.out"; then
  echo "ok slow"
else
  echo "not ok slow"
fi | tee -a "$results/out"
as_server "$bindir/pg_ctl" stop -D "$scratch/data" -m fast -w -s -t 120
cp "$scratch"/vg/*.valgrind "$results/" 2>/dev/null
ls "$results"/*.valgrind >"$results/processes" || { echo "FAIL nothing ran under valgrind"; exit 1; }
reports=$(grep -l BEGIN "$results"/*.valgrind 2>/dev/null | wc -l)
passed=$(grep -cE '^ok |\.\.\. ok ' "$results/out")
failed=$(($(grep -cE '^not ok|\.\.\. FAILED' "$results/out") + reports))
[ "$reports" = 0 ] || { echo "FAIL valgrind reports:"; grep -h -A 14 BEGIN "$results"/*.valgrind | head -n 80; }
crashed=$(grep -cE 'was terminated by signal|TRAP:' "$results/server.log")
echo "$passed passed, $((failed + crashed)) failed"
[ $((failed + crashed)) = 0 ] && [ "$passed" -gt 0 ]
