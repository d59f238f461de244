#!/bin/bash
# run.sh [SECONDS]: random queries by sqlsmith (default 600 s, half on each database) on the server's regression
# database and on the demo shop, on a server with assertions that preloads pg_assist with every kind of capture
# on; meanwhile the analyst visits every 5 seconds and every function and view of the extension is called on what
# was captured. No crash, no failed assertion, no internal error of ours. Called by `make test-sqlsmith`; closes
# with the line `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
seconds=${1:-600}
. test/cassert.sh
begin_suite sqlsmith
sql_patient() { as_server env PGOPTIONS='-c statement_timeout=0' "$bindir/psql" -X -q -h "$scratch" -U postgres "$@"; }
sql() { as_server "$bindir/psql" -X -q -h "$scratch" -U postgres "$@"; }

new_data <<'C' || exit 1
port = 5432
shared_preload_libraries = 'pg_assist'
fsync = off
max_connections = 40
max_worker_processes = 16
statement_timeout = 2s
log_min_messages = warning
assist.sample_rate = 1
assist.sample_parameters = on
assist.max_overhead = 100
assist.text_memory = '4MB'
assist.interval = 5
C
rm -f "$results"/advice.* "$results"/sqlsmith.* "$results"/shop.log   # of a run before: they are added to
as_server "$bindir/pg_ctl" start -w -s -D "$scratch/data" -l "$scratch/log" || exit 1
echo "== databases: the server's regression tests, the demo shop"
as_server env PGHOST="$scratch" PGUSER=postgres PGOPTIONS='-c statement_timeout=0' make -s -k -C "$cassert/source/src/test/regress" \
  installcheck-parallel >"$results/regress.out" 2>&1
sql -d postgres -c 'CREATE DATABASE shop'
for file in schema load_catalogue load_orders finish_load; do
  sql_patient -d shop <"tools/quickstart/$file.sql" >>"$results/shop.log" 2>&1
done
for db in regression shop; do sql_patient -d $db -c 'CREATE EXTENSION pg_assist'; done

# Everything a user can call, on what was captured; errors of SQL are fine, as long as they are clean ones.
cat >"$scratch/advice.sql" <<'S'
SET statement_timeout = '60s';
SELECT assist.refresh();
SELECT format('SELECT count(*), sum(length(v::text)) FROM assist.%I v', relname)
  FROM pg_class WHERE relnamespace = 'assist'::regnamespace AND relkind = 'v' \gexec
SELECT count(*) FROM assist.recommendations();
SELECT count(*), sum(length(statements::text)) FROM assist.advise_indexes();
SELECT count(m.*) FROM assist.all_recommendations r, assist.generate_migration(r.id) m WHERE r.sql IS NOT NULL;
SELECT sum(length(assist.migration_script(id))) FROM assist.all_recommendations WHERE sql IS NOT NULL;
SELECT count(*), sum(length(item::text)) FROM assist.export();
SELECT count(assist.mask_query(query)) FROM assist.statements;
SELECT count(*), sum(calls) FROM assist.statement_totals();
SELECT count(*) FROM assist.compare_periods(tstzrange(now() - interval '2 minutes', now() - interval '1 minute'), tstzrange(now() - interval '1 minute', NULL));
SELECT count(*) FROM assist.forecast('calls');
SELECT count(*) FROM assist.forecast_quality();
SELECT count(*) FROM assist.best_windows('1 hour');
SELECT count(*), max(assist.health_text()) FROM assist.health();
SELECT count(w.*) FROM (SELECT query FROM assist.statements WHERE command = 'SELECT' AND query NOT LIKE '%assist.%' ORDER BY random() LIMIT 1) s,
  assist.what_if(ARRAY[s.query]) w;
SELECT count(a.*) FROM (SELECT query FROM assist.statements WHERE command = 'SELECT' AND query NOT LIKE '%assist.%' ORDER BY random() LIMIT 1) s,
  assist.advise_indexes(1000000, ARRAY[s.query]) a;
S
end=$((SECONDS + seconds))
for db in regression shop; do
  (while [ $SECONDS -lt $end ]; do
    as_server sqlsmith --target="host=$scratch port=5432 dbname=$db user=postgres" --max-queries=5000 --seed=$RANDOM \
      >>"$results/sqlsmith.$db" 2>&1 &
    pid=$!
    while kill -0 $pid 2>/dev/null && [ $SECONDS -lt $end ]; do sleep 1; done
    pkill -P $pid sqlsmith 2>/dev/null
    kill $pid 2>/dev/null
  done) &
done
echo "== $seconds seconds of random queries"
rounds=0
while [ $SECONDS -lt $end ]; do
  for db in regression shop; do sql -d $db -v ON_ERROR_STOP=0 -f "$scratch/advice.sql" >>"$results/advice.$db" 2>&1; done
  rounds=$((rounds + 1))
  sleep 2
done
wait
sql_patient -d shop -Atc "SELECT count(*) || ' statements, ' || sum(calls) || ' executions, ' || sum(errors) || ' failures captured' FROM assist.statements"
as_server "$bindir/pg_ctl" stop -w -s -m fast -D "$scratch/data"
cp "$scratch/log" "$results/log"

failed=0
passed=0
check() { # check WHAT PATTERN FILE...: no line matches
  local what=$1 pattern=$2
  shift 2
  if grep -hE "$pattern" "$@" | sort | uniq -c | sort -rn | head -n 10 | grep .; then
    echo "FAIL $what"
    failed=$((failed + 1))
  else
    echo "ok   $what"
    passed=$((passed + 1))
  fi
}
check "no crash, no failed assertion" 'TRAP:|PANIC:|was terminated by signal' "$results/log"
check "no internal error of ours" 'XX000|unexpected C\+\+ exception|pg_assist (collector|launcher|analyst).*(ERROR|FATAL)' "$results"/advice.* "$results/log"
check "advice was given" '^psql: error|server closed the connection' "$results"/advice.*
[ "$rounds" -gt 0 ] || failed=$((failed + 1))
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
