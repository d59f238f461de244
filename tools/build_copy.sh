#!/bin/bash
# build_copy.sh DIR LOG: copies the checkout (tracked and new files) to DIR, builds it there for the PostgreSQL of
# PG_CONFIG and installs it: the checkout's own objects, built for another server, stay as they are.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
to=$1 log=$2
mkdir -p "$to"
git ls-files -z -c -o --exclude-standard | xargs -0 cp --parents -t "$to"
make -s -C "$to" -j"$(nproc)" all install PG_CONFIG="$PG_CONFIG" WERROR=1 FAULTS="${FAULTS:-}" >"$log" 2>&1 ||
  { grep -E 'error|warning' "$log" | head -n 20; echo "does not build, see $log"; exit 1; }
