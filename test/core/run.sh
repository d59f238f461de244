#!/bin/bash
# run.sh [regress] [isolation] [contrib] [recovery]: the server's own test suites, with assertions on, in three ways:
#
#   without     no library: what fails here is not our doing
#   preloaded   pg_assist preloaded, everything sampled, almost no memory for statements and texts
#   visited     the same with the extension in template1 and in every test database, which the analyst visits
#               every second
#
# The tests that fail must be those that fail without it, but for the ones that differences.txt lists with the
# reason; the server's log must have no crash, no failed assertion and no error of ours. WAYS="preloaded"
# chooses. Called by `make test-core`; closes with the line `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
top=$PWD
suites=${*:-regress isolation contrib recovery}
ways=${WAYS:-without preloaded visited}
passed=0
failed=0
started=$SECONDS
say() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - started)); }
ok() { echo "ok   $*"; passed=$((passed + 1)); }
bad() { echo "FAIL $*"; failed=$((failed + 1)); }

. test/cassert.sh
begin_suite core

configuration() { # configuration WAY: on standard output
  cat <<'C'
compute_query_id = regress
fsync = off
max_connections = 40
log_line_prefix = '%m [%p] %b %q%a '
C
  [ "$1" = without ] && return
  cat <<'C'
shared_preload_libraries = 'pg_assist'
max_worker_processes = 16
assist.sample_rate = 1
assist.sample_parameters = on
assist.max_overhead = 100
assist.max_statements = 200
assist.text_memory = '1MB'
C
  if [ "$1" = visited ]; then echo "assist.interval = 1"; else echo "assist.interval = 0"; fi
}

# suite NAME: as the servers' user, against the running server. Options of pg_regress in $options.
suite() {
  case $1 in
    regress) in_source src/test/regress installcheck-parallel EXTRA_REGRESS_OPTS="$options" ;;
    isolation) in_source src/test/isolation installcheck EXTRA_REGRESS_OPTS="$options" ;;
    contrib) in_source contrib installcheck EXTRA_REGRESS_OPTS="$options" ;;
    recovery) in_source src/test/recovery installcheck PROVE_TESTS=t/027_stream_regress.pl ;;
  esac
}
in_source() { # in_source DIR TARGET...
  as_server env PGHOST="$scratch" PGPORT=65431 PGUSER=postgres TMPDIR="$scratch" TEMP_CONFIG="$scratch/way.conf" \
    PG_TEST_TIMEOUT_DEFAULT=600 timeout -k 10 3600 make -s -k -C "$cassert/source/$1" "${@:2}"
}

# Names of the failed tests in a suite's output; `suite does not run` when it came to none.
failures() {
  sed -nE 's/^(not ok +[0-9]+ +[-+] )([^ ]+) .*/\2/p; s/^(test|    ) *([^ ]+) +\.\.\. FAILED.*/\2/p; s/^not ok [0-9]+ - (.*)/\1/p' "$1" | sort -u
  grep -qE '^ok [0-9]|\.\.\. ok|^All tests successful' "$1" || echo "(suite does not run)"
}

# What a server's log must not have: crashes, and errors of our processes and functions.
log_problems() {
  grep -hE 'TRAP:|PANIC:|was terminated by signal|abort\(\)|(WARNING|ERROR|FATAL): .*(pg_assist|assist\.)| pg_assist (collector|launcher|analyst) (WARNING|ERROR|FATAL):' "$@" |
    grep -vE 'terminating (background worker|connection)' | sort -u
}

run_way() { # run_way WAY
  local way=$1 s log
  options=
  configuration "$way" | as_server tee "$scratch/way.conf" >"$results/$way.conf"
  { cat "$scratch/way.conf"; echo "port = 65431"; } | new_data || { bad "$way: initdb"; return; }
  # dblink and postgres_fdw connect back by the server's environment.
  as_server env PGHOST="$scratch" "$bindir/pg_ctl" start -w -s -D "$scratch/data" -l "$scratch/$way.log" || { bad "$way: server does not start"; return; }
  if [ "$way" = visited ]; then
    as_server "$bindir/psql" -X -q -h "$scratch" -p 65431 -U postgres -d template1 -c 'CREATE EXTENSION pg_assist'
    options=--load-extension=pg_assist
  fi
  for s in $suites; do
    say "$way: $s"
    log=$results/$way.$s
    suite "$s" >"$log.out" 2>&1
    failures "$log.out" >"$log.failed"
    find "$cassert/source" -name regression.diffs -newer "$results/$way.conf" -exec cat {} + >"$log.diffs" 2>/dev/null
    find "$cassert/source" -name regression.diffs -delete
    echo "$(grep -cE '^ok +[0-9]|\.\. +ok' "$log.out") tests ok, $(wc -l <"$log.failed") not"
    [ "$way" = without ] || compare "$way" "$s"
  done
  [ "$way" = without ] || was_observed "$way"
  as_server "$bindir/pg_ctl" stop -w -s -m fast -D "$scratch/data"
  cp "$scratch/$way.log" "$results/$way.log"
  log_problems "$results/$way.log" >"$results/$way.problems"
  if [ -s "$results/$way.problems" ]; then
    bad "$way: the server's log ($results/$way.log)"
    head -n 20 "$results/$way.problems"
  else
    ok "$way: the server's log"
  fi
}

# That the library was at work: a suite without it passes as well.
was_observed() { # was_observed WAY
  local seen
  seen=$(as_server "$bindir/psql" -X -q -At -F ' ' -h "$scratch" -p 65431 -U postgres -d postgres -c 'CREATE EXTENSION IF NOT EXISTS pg_assist' \
    -c "SELECT (SELECT count(*) FROM assist.statements), (SELECT count(*) FROM assist.plans WHERE sampled_calls > 0),
               (SELECT sum(evictions) FROM assist.status), (SELECT count(*) FROM assist.status WHERE component = 'analyst' AND last_run IS NOT NULL)" 2>&1)
  set -- "$1" $seen
  if [ "${2:-0}" -gt 50 ] && [ "${3:-0}" -gt 10 ] && [ "${4:-0}" -gt 1000 ] && { [ "$1" = preloaded ] || [ "${5:-0}" = 1 ]; }; then
    ok "$1: was observed: $2 statements kept, $3 plans with sampled executions, $4 evictions"
  else
    bad "$1: was not observed: $seen"
  fi
}

compare() { # compare WAY SUITE
  local test explained=0 unexplained=
  for test in $(comm -13 "$results/without.$2.failed" "$results/$1.$2.failed"); do
    if is_explained "$1" "$2" "$test"; then explained=$((explained + 1)); else unexplained+=" $test"; fi
  done
  if [ -z "$unexplained" ]; then
    ok "$1: $2 (differs as explained: $explained)"
  else
    bad "$1: $2:$unexplained, see $results/$1.$2.diffs"
  fi
}
# A line of differences.txt names this way, suite and test (* = any), and a line of the test's diff matches its pattern.
is_explained() { # is_explained WAY SUITE TEST
  local way suite test pattern reason
  while IFS='|' read -r way suite test pattern reason; do
    [[ $way == "$1" && $suite == "$2" && $3 == $test ]] || continue
    awk -v test="/$3.out" '/^diff / { mine = index($0, test " ") > 0 } mine' "$results/$1.$2.diffs" | grep -qE -- "$pattern" && return
  done < <(grep -v '^#' "$top/test/core/differences.txt")
  return 1
}

for way in $ways; do run_way "$way"; done
say "done; output is in $results"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
