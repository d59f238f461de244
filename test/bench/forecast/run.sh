#!/bin/bash
# run.sh [SERIES]: how well forecasts hold on what comes after them, methods side by side, on synthetic series: see
# evaluate.cpp. A minute. Called by `make bench-forecast`.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../../.."
build=${BUILD_DIR:-build}/forecast
mkdir -p "$build"
g++ -std=c++20 -O2 -Wall -Wextra -Werror -Iinclude -Isrc -Itest/bench/forecast test/bench/forecast/evaluate.cpp src/core/forecast/*.cpp -o "$build/evaluate"
"$build/evaluate" "$@"
