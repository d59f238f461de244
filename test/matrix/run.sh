#!/bin/bash
# run.sh [bookworm] [trixie] [forky]: `make test` and `make test-core` of the last commit on Debian 12 (PostgreSQL 15),
# 13 (17) and the next release (18), each a bare system by debootstrap in .servers, with git and make and nothing
# else to begin with. TARGETS="test test-asserts" chooses what is made; of the release BUILT_ONLY nothing but the
# extension. Needs root; the first run takes some minutes more a release for packages. Called by `make test-matrix`;
# closes with a table and the line `N passed, N failed`, with `, N skipped` where Debian's mirror lacks the source package
# that the server with assertions is built from.
#
# ASSIST_SERVERS names another directory than .servers, MATRIX_MIRROR another mirror than deb.debian.org.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/release.sh"
cd "$top"
releases=${*:-bookworm trixie forky}
targets=${TARGETS:-test test-core}
results=${BUILD_DIR:-build}/matrix
mkdir -p "$results"
results=$(readlink -f "$results")
rm -f "$results/table"
started=$SECONDS
failed=0
passed=0
skipped=0

for release in $releases; do
  printf '\n== %s (%d s)\n' "$release" $((SECONDS - started))
  if ! bootstrap "$release" "$results/$release.debootstrap" || ! clone "$release"; then
    failed=$((failed + 1))
    continue
  fi
  of_release=$targets
  [ "$release" != "${BUILT_ONLY:-}" ] || of_release="deps-test build-for-tests"
  for target in $of_release; do
    log=$results/$release.$target.log
    echo "   make $target: $log"
    inside "$release" "cd /root/pg_assist && make $target" >"$log" 2>&1
    status=$?
    version=$(inside "$release" 'pg_config --version' 2>/dev/null | sed 's/ (.*//')
    summary=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
    if [ "$status" = 0 ]; then
      passed=$((passed + 1))
      summary=${summary:-done}
    elif grep -q '^no source package of .* could be fetched$' "$log"; then
      # A mirror gets the sources of a new version some time after its packages.
      skipped=$((skipped + 1))
      summary="skipped: $(grep '^no source package of' "$log")"
    else
      failed=$((failed + 1))
      grep -E '^not ok|\.\.\. FAILED|FAIL |error:' "$log" | head -n 20
      summary=${summary:-ended with status $status}
    fi
    printf '%-10s %-18s %-14s %s\n' "$release" "${version:-?}" "$target" "$summary" | tee -a "$results/table"
  done
done
printf '\n== done (%d s)\n' $((SECONDS - started))
[ ! -e "$results/table" ] || cat "$results/table"
echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
[ "$failed" = 0 ]
