#!/bin/bash
# run.sh [TARGET...]: libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer on every parser, FUZZ_SECONDS
# (default 60) each, from the seeds in corpus/. A finding is kept in build/fuzz. Called by `make test-fuzz`;
# closes with the line `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
build=${BUILD_DIR:-build}/fuzz
mkdir -p "$build"
flags=(-std=c++20 -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -Iinclude -Isrc)
passed=0
failed=0

compile() { # compile TARGET SOURCE... [-- FLAG...]
  local target=$1 source object objects=()
  shift
  for source in "$@"; do
    case $source in
      *.o) objects+=("$source") ;;
      *)
        object=$build/$target.${source//\//_}.o
        # shellcheck disable=SC2086
        clang++ "${flags[@]}" ${extra:-} -c "$source" -o "$object" || return
        objects+=("$object")
        ;;
    esac
  done
  clang++ -fsanitize=fuzzer,address,undefined "${objects[@]}" -o "$build/$target"
}

build_target() {
  case $1 in
    index_statement) extra='' compile "$1" test/fuzz/index_statement.cpp src/core/migrate/index_statement.cpp src/core/text/text.cpp ;;
    sqlparse)
      CC=clang make -s src/sqlparse/pgq.o PG_CONFIG="${PG_CONFIG:-pg_config}" &&
        extra='' compile "$1" test/fuzz/sqlparse.cpp src/sqlparse/*.cpp src/sqlparse/pgq.o ;;
    script) extra='' compile "$1" test/fuzz/script.cpp src/sqlparse/script.cpp src/sqlparse/tokens.cpp ;;
    mask) extra="-isystem $("${PG_CONFIG:-pg_config}" --includedir-server) -Wno-register" compile "$1" test/fuzz/mask.cpp src/pg/mask.cpp ;;
    sensitive) extra='' compile "$1" test/fuzz/sensitive.cpp src/core/text/sensitive.cpp ;;
    csv) extra='' compile "$1" test/fuzz/csv.cpp ;;
    history) extra='' compile "$1" test/fuzz/history.cpp src/core/history/block.cpp src/core/history/columns.cpp ;;
    tiers) extra='' compile "$1" test/fuzz/tiers.cpp src/core/history/tiers.cpp src/core/text/text.cpp ;;
    *) echo "no fuzz target $1"; return 2 ;;
  esac
}

for target in ${*:-index_statement sqlparse script mask sensitive history csv tiers}; do
  echo "== $target"
  if ! build_target "$target"; then failed=$((failed + 1)); continue; fi
  mkdir -p "$build/$target.corpus"
  if "$build/$target" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=20 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
    -artifact_prefix="$build/$target." -dict=test/fuzz/sql.dict "$build/$target.corpus" "test/fuzz/corpus/$target" \
    >"$build/$target.log" 2>&1; then
    sed -n 's/^stat::number_of_executed_units: */ok   executions: /p' "$build/$target.log"
    passed=$((passed + 1))
  else
    tail -n 30 "$build/$target.log"
    echo "FAIL $target: the input is in $build"
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
