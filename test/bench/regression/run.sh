#!/bin/bash
# run.sh [SERIES]: how often detectors of changed levels cry wolf and how soon they find what is there, side by side, on
# synthetic series: see evaluate.cpp. A minute. Called by `make bench-regression`.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../../.."
build=${BUILD_DIR:-build}/regression
mkdir -p "$build"
g++ -std=c++20 -O2 -Wall -Wextra -Werror -Iinclude -Isrc test/bench/regression/evaluate.cpp src/core/series/*.cpp -o "$build/evaluate"
"$build/evaluate" "$@"
