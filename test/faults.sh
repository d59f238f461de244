#!/bin/bash
# faults.sh: the tests of test/faults on a build with fault points, on a server with assertions. Called by
# `make test-faults`; ONLY=text selects. Closes with the line `N passed, N failed`.
#
# FAULT_SECONDS: how long everything is cancelled (60 unless set); FAULT_RESTARTS: how many restarts (100).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
export BUILD_DIR=${BUILD_DIR:-build}/faults
mkdir -p "$BUILD_DIR"
cassert=$(bash tools/server_from_source.sh)
export PG_CONFIG=$cassert/bin/pg_config
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
echo "== build with fault points for $("$cassert/bin/postgres" --version) with assertions"
FAULTS=1 bash tools/build_copy.sh "$copy" "$BUILD_DIR/build.log"
TAP_DIR=faults bash test/run.sh tap
