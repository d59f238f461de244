#!/bin/bash
# run.sh: installs the packages that `make deb` left in build/deb, runs debian/tests/installcheck against them, and
# purges them. As root in a system to throw away: what `make install` put there before is removed. Called by
# `make test-deb`; closes with the line `N passed, N failed`.
set -u
cd "$(dirname "$0")/../.." || exit
deb=$(readlink -f "${BUILD_DIR:-build}/deb")
log=$deb/test.log
passed=0
failed=0
[ "$(id -u)" = 0 ] || { echo "packages are installed by root" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive

check() { # check NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    echo "ok - $name"
  else
    failed=$((failed + 1))
    echo "not ok - $name"
    tail -n 30 "$log" | sed 's/^/#   /'
  fi
}
files() { find /usr/lib/postgresql /usr/share/postgresql -name '*pg_assist*'; }
all_owned() { [ -n "$(files)" ] && files | xargs dpkg -S; }
none_left() { [ -z "$(files)" ]; }
unchanged() { dpkg -V "${names[@]}" && all_owned; }
installcheck() { # counts each test of it
  (cd "$deb/pg_assist" && debian/tests/installcheck) >"$deb/installcheck.log" 2>&1
  local status=$? ok bad
  grep -E '^(not )?ok [0-9]|^test .*\.\.\.' "$deb/installcheck.log"
  ok=$(grep -cE '^ok [0-9]|\.\.\. ok ' "$deb/installcheck.log")
  bad=$(grep -cE '^not ok|\.\.\. FAILED' "$deb/installcheck.log")
  [ "$status" = 0 ] || [ "$bad" != 0 ] || bad=1
  passed=$((passed + ok))
  failed=$((failed + bad))
  [ "$bad" = 0 ] || echo "installcheck: ended with status $status, see $deb/installcheck.log"
}

mapfile -t packages < <(find "$deb" -maxdepth 1 -name '*.deb' ! -name '*-dbgsym_*')
[ ${#packages[@]} != 0 ] || { echo "no packages in $deb: make deb" >&2; exit 1; }
names=()
for package in "${packages[@]}"; do names+=("$(dpkg-deb -f "$package" Package)"); done
dpkg -s "${names[@]}" >/dev/null 2>&1 || files | xargs rm -f

if command -v lintian >/dev/null; then
  # The maintainer is nobody's address until there is a place to publish.
  check lintian lintian --fail-on error --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog "${packages[@]}"
fi
check "install ${names[*]}" apt-get install -y --no-install-recommends "${packages[@]}"
check "every installed file is a package's" all_owned
installcheck
check "the tests left the installed files as they were" unchanged
check purge apt-get purge -y "${names[@]}"
check "nothing is left" none_left
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
