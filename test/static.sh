#!/bin/bash
# static.sh: clang-tidy on the pure core, cppcheck on all sources; both must be silent. Called by `make test-static`.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
passed=0
failed=0
check() { # check NAME COMMAND...: nothing on its output
  local name=$1 output
  shift
  output=$("$@" 2>&1 | grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter')
  if [ -z "$output" ]; then
    echo "ok   $name"
    passed=$((passed + 1))
  else
    printf '%s\nFAIL %s\n' "$output" "$name"
    failed=$((failed + 1))
  fi
}
mapfile -t core < <(git ls-files 'src/core/*.cpp')
check clang-tidy clang-tidy --quiet "${core[@]}" -- -std=c++20 -Iinclude -Isrc
check cppcheck cppcheck --quiet --std=c++20 --language=c++ --enable=warning,performance,portability \
  --suppress=missingInclude --suppress=missingIncludeSystem -Iinclude -Isrc src
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
