#!/bin/bash
# upgrade.sh [OLD NEW]...: pg_upgrade from the PostgreSQL of one Debian release to that of another (bookworm to trixie
# and to forky by default), with pg_assist preloaded and in a database of both: the rules, recommendations and history
# of before are there, and the next analysis goes on with them. The new release runs the old server's own binaries
# with those libraries of the old release that it lacks. Needs what run.sh made of both. Called by `make test-upgrade`.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/release.sh"
failed=0
passed=0
[ $# -gt 0 ] || set -- bookworm trixie bookworm forky
while [ $# -gt 1 ]; do
  echo "== pg_upgrade from $1 to $2"
  if OTHER=$1 inside "$2" 'bash /src/test/matrix/upgrade_inside.sh'; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  shift 2
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
