#!/bin/bash
# run.sh [SERIES]: how often detectors of changed levels cry wolf and how soon they find what is there, side by side, on
# synthetic series: against the season of weeks (evaluate.cpp), at once behind events (events.cpp), and of the load of a
# database as a whole (alerts.cpp). Three minutes. Called by `make bench-regression`.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../../.."
build=${BUILD_DIR:-build}/regression
mkdir -p "$build"
compile() { g++ -std=c++20 -O2 -Wall -Wextra -Werror -Iinclude -Isrc "test/bench/regression/$1.cpp" "${@:2}" -o "$build/$1"; }
compile evaluate src/core/series/*.cpp
compile events src/core/regress/step.cpp
compile alerts src/core/alert/*.cpp src/core/forecast/*.cpp src/core/series/*.cpp
echo "== against the season"
"$build/evaluate" "$@"
printf '\n== at once, behind an event\n'
"$build/events" "$@"
printf '\n== the load of a database\n'
"$build/alerts"
