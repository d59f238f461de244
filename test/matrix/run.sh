#!/bin/bash
# run.sh [bookworm] [trixie] [forky]: `make test` of the last commit on Debian 12 (PostgreSQL 15), 13 (17) and the
# next release (18), each a bare system by debootstrap in .servers, with git and make and nothing else to begin
# with. TARGETS="test test-core" chooses what is made. Needs root; the first run takes some minutes more a release
# for packages. Called by `make test-matrix`; closes with a table and the line `N passed, N failed`.
#
# ASSIST_SERVERS names another directory than .servers, MATRIX_MIRROR another mirror than deb.debian.org.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
top=$PWD
releases=${*:-bookworm trixie forky}
targets=${TARGETS:-test}
mirror=${MATRIX_MIRROR:-http://deb.debian.org/debian}
results=${BUILD_DIR:-build}/matrix
mkdir -p "$results" "${ASSIST_SERVERS:-.servers}"
results=$(readlink -f "$results")
servers=$(readlink -f "${ASSIST_SERVERS:-.servers}")
started=$SECONDS
failed=0
passed=0
rm -f "$results/table.new"
[ "$(id -u)" = 0 ] || { echo "debootstrap and chroot need root" >&2; exit 1; }

# inside RELEASE COMMAND: a shell command in the release, with /proc, /dev and a network, all gone at its end.
inside() {
  root=$servers/$1 command=$2 top=$top unshare --mount --pid --fork --kill-child bash -c '
    mount --make-rprivate / && mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
    mount -t tmpfs tmpfs "$root/tmp" && chmod 1777 "$root/tmp" &&
    mkdir -p "$root/src" && mount --bind "$top" "$root/src" && mount -o remount,bind,ro "$root/src" &&
    cp /etc/resolv.conf "$root/etc/resolv.conf" &&
    exec chroot "$root" env -i HOME=/root ASSIST_SERVERS=/srv/servers LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      DEBIAN_FRONTEND=noninteractive bash -c "$command"'
}

for release in $releases; do
  printf '\n== %s (%d s)\n' "$release" $((SECONDS - started))
  if [ ! -e "$servers/$release/.bootstrapped" ]; then
    rm -rf "${servers:?}/$release"
    echo "   debootstrap"
    script=/usr/share/debootstrap/scripts/$release # all of Debian's are the same: one for a release yet unknown
    [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
    debootstrap --variant=minbase --include=git,make,ca-certificates "$release" "$servers/$release" "$mirror" "$script" \
      >"$results/$release.debootstrap" 2>&1 ||
      { tail -n 5 "$results/$release.debootstrap"; failed=$((failed + 1)); continue; }
    # A mirror may lag behind: a release before its time is signed for a week only.
    echo 'Acquire::Check-Valid-Until "false";' >"$servers/$release/etc/apt/apt.conf.d/90mirror"
    touch "$servers/$release/.bootstrapped"
  fi
  # A clone of its own; what was built for the same commit before is kept.
  inside "$release" 'git config --global --replace-all safe.directory "*" && cd /root &&
    if [ -d pg_assist ]; then cd pg_assist && git fetch -q /src HEAD && git checkout -q -f FETCH_HEAD;
    else git clone -q /src pg_assist; fi' || { failed=$((failed + 1)); continue; }
  for target in $targets; do
    log=$results/$release.$target.log
    echo "   make $target: $log"
    inside "$release" "cd /root/pg_assist && make $target" >"$log" 2>&1
    status=$?
    version=$(inside "$release" 'pg_config --version' 2>/dev/null | sed 's/ (.*//')
    summary=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
    printf '%-10s %-18s %-10s %s\n' "$release" "${version:-?}" "$target" "${summary:-ended with status $status}" |
      tee -a "$results/table.new"
    [ "$status" = 0 ] || grep -E '^not ok|\.\.\. FAILED|FAIL |error:' "$log" | head -n 20
    if [ "$status" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
done
printf '\n== done (%d s)\n' $((SECONDS - started))
[ ! -e "$results/table.new" ] || { mv "$results/table.new" "$results/table"; cat "$results/table"; }
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
