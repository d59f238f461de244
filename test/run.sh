#!/bin/bash
# run.sh [unit] [lint] [sql] [isolation] [tap]: runs these parts (all of them without arguments) against the
# installed extension, prints what it does and closes with the line `N passed, N failed`.
#
# Every server is started here, in a scratch directory under /tmp, on its own unix socket, as a user that
# is not root. ONLY=text runs the SQL, isolation and TAP tests whose name contains it.
set -u
cd "$(dirname "$0")/.."
build_dir=${BUILD_DIR:-build}
only=${ONLY:-}
tap_dir=${TAP_DIR:-t} # under test/
parts=${*:-unit lint sql isolation tap}
passed=0
failed=0
started=$SECONDS

say() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - started)); }

# count PART LOG STATUS: adds the ok and failed lines of a log; a part that died without a failing line
# counts as one failure.
count() {
  local ok bad
  ok=$(grep -cE '^ok [0-9]*|\.\.\. ok ' "$2")
  bad=$(grep -cE '^not ok|\.\.\. FAILED' "$2")
  if [ "$bad" = 0 ] && [ "$3" != 0 ]; then
    bad=1
    echo "$1: ended with status $3"
  fi
  passed=$((passed + ok))
  failed=$((failed + bad))
}

# names DIR SUFFIX: the tests of a directory, without the suffix, chosen by ONLY.
names() {
  local file name
  for file in "$1"/*"$2"; do
    name=$(basename "$file" "$2")
    [ -e "$file" ] && [[ $name == *"$only"* ]] && echo "$name"
  done
}

run_unit() {
  say "unit tests of the core, with AddressSanitizer and UndefinedBehaviorSanitizer"
  local dir=$build_dir/unit log=$build_dir/unit.log ok bad
  mkdir -p "$build_dir"
  if ! { cmake -S . -B "$dir" -DCMAKE_BUILD_TYPE=Debug -DASSIST_SANITIZE=ON >"$log" 2>&1 &&
    cmake --build "$dir" -j 2 >>"$log" 2>&1; }; then
    grep -E 'rror|FAILED' -A 5 "$log" | head -n 80
    echo "unit: does not build, see $log"
    failed=$((failed + 1))
    return
  fi
  timeout 600 "$dir/assist_unit" --gtest_brief=1 --gtest_color=no 2>&1 | tee "$log"
  local status=${PIPESTATUS[0]}
  ok=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
  bad=$(grep -cE '^\[  FAILED  \] [^ ]+\.[^ ]+' "$log")
  [ "$bad" = 0 ] && [ "$status" != 0 ] && bad=1 && echo "unit: ended with status $status"
  passed=$((passed + ${ok:-0}))
  failed=$((failed + bad))
}

run_lint() {
  say "checks of sources, symbols and the install script"
  bash test/lint/run.sh 2>&1 | tee "$build_dir/lint.log"
  count lint "$build_dir/lint.log" "${PIPESTATUS[0]}"
}

# Scratch directory with what the servers' user reads, made once.
prepare_scratch() {
  [ -n "${scratch:-}" ] && return
  # shellcheck source=tools/common.sh
  . tools/common.sh
  pgxs_dir=$(dirname "$("$pg_config" --pgxs)")/../..
  scratch=$(scratch_dir pgassist)
  trap clean_up EXIT
  cp -r test "$scratch/"
  cp -r expected "$scratch/test/"
  [ "$(id -u)" = 0 ] && chown -R "$server_user" "$scratch"
}

# Stops what a test that died left running: only servers whose data directory is in our scratch.
clean_up() {
  local file
  find "$scratch" -name postmaster.pid 2>/dev/null | while read -r file; do
    kill -QUIT "$(head -n 1 "$file")" 2>/dev/null
  done
  rm -rf "$scratch"
}

# regress PART PROGRAM DIR TESTS...: pg_regress or pg_isolation_regress with a server of its own.
regress() {
  local part=$1 program=$2 dir=$3 log=$build_dir/$1.log name
  shift 3
  if [ $# = 0 ]; then
    echo "no tests"
    return
  fi
  # Without expected output pg_regress would stop all; so the test fails and shows what it printed.
  for name in "$@"; do
    [ -e "$scratch/test/$dir/expected/$name.out" ] || as_server touch "$scratch/test/$dir/expected/$name.out"
  done
  # From inside its input directory: 15 and 16 differ in where they look for expected output otherwise.
  (cd "$scratch/test/$dir" && as_server timeout -k 10 600 "$pgxs_dir/src/test/$program" \
    --temp-instance="$scratch/$part" --temp-config="$scratch/test/postgresql.conf" \
    --no-locale --encoding=UTF8 --bindir="$bindir" --dbname=contrib_regression "$@") 2>&1 | tee "$log"
  local status=${PIPESTATUS[0]}
  if [ "$status" != 0 ]; then
    mkdir -p "$build_dir/$part"
    cp -r "$scratch/test/$dir/results" "$scratch/test/$dir/regression.diffs" \
      "$scratch/test/$dir/log" "$build_dir/$part/" 2>/dev/null
    head -n 300 "$build_dir/$part/regression.diffs" 2>/dev/null
    tail -n 20 "$build_dir/$part/log/postmaster.log" 2>/dev/null
    echo "$part: output and server log are in $build_dir/$part"
  fi
  count "$part" "$log" "$status"
}

run_sql() {
  prepare_scratch
  say "SQL tests: pg_regress with a server of its own"
  # shellcheck disable=SC2046
  regress sql regress/pg_regress . $(names test/sql .sql)
}

run_isolation() {
  prepare_scratch
  say "isolation tests: pg_isolation_regress with a server of its own"
  # shellcheck disable=SC2046
  regress isolation isolation/pg_isolation_regress isolation $(names test/isolation/specs .spec)
}

run_tap() {
  prepare_scratch
  say "TAP tests: servers that are restarted, killed, promoted"
  local log=$build_dir/tap.log files=() name
  for name in $(names "test/$tap_dir" .pl); do files+=("$tap_dir/$name.pl"); done
  if [ ${#files[@]} = 0 ]; then
    echo "no tests"
    return
  fi
  (cd "$scratch/test" && as_server env TESTDIR="$scratch/test" TESTLOGDIR="$scratch/test/tmp_check/log" \
    TESTDATADIR="$scratch/test/tmp_check" PG_TEST_TIMEOUT_DEFAULT=60 \
    PG_REGRESS="$pgxs_dir/src/test/regress/pg_regress" timeout -k 10 1200 \
    prove --verbose --comments --merge -I "$pgxs_dir/src/test/perl" -I perl "${files[@]}") 2>&1 | tee "$log"
  local status=${PIPESTATUS[0]}
  if [ "$status" != 0 ]; then
    mkdir -p "$build_dir/tap"
    cp -r "$scratch/test/tmp_check/log" "$build_dir/tap/" 2>/dev/null
    echo "tap: server logs are in $build_dir/tap/log"
  fi
  count tap "$log" "$status"
}

mkdir -p "$build_dir"
rm -rf "$build_dir"/{sql,isolation,tap} # what an earlier run left of its failures
for part in $parts; do
  case $part in
    unit | lint | sql | isolation | tap) "run_$part" ;;
    *)
      echo "run.sh: no part named $part" >&2
      exit 2
      ;;
  esac
done

say "done"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
