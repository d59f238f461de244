#!/bin/bash
# asserts.sh [sql] [isolation] [tap]: our tests on a server with assertions, built from Debian's source package.
# Called by `make test-asserts`.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
mkdir -p "${BUILD_DIR:-build}"
cassert=$(bash tools/server_from_source.sh)
export PG_CONFIG=$cassert/bin/pg_config
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
echo "== build for $("$cassert/bin/postgres" --version) with assertions"
bash tools/build_copy.sh "$copy" "${BUILD_DIR:-build}/build.log"
bash test/run.sh ${*:-sql isolation tap}
