#!/bin/sh
# deps.sh PG_CONFIG SET...: installs the Debian packages that are missing. Sets: build test core fuzz sqlsmith matrix deb bench lint.
# Does nothing, and needs no right and no network, when all are there.
set -eu

pg_config=$1
shift

if ! command -v apt-get >/dev/null; then
  echo "deps: no apt-get here; install the packages named in tools/deps.sh by hand" >&2
  exit 0
fi

# The server's major version: that of PG_CONFIG, or the one this Debian ships.
major=$("$pg_config" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p') || true
pgxs=$("$pg_config" --pgxs 2>/dev/null) || true
if [ -z "$major" ]; then
  case $(. /etc/os-release && echo "${VERSION_ID:-}") in
    12*) major=15 ;;
    13*) major=17 ;;
    *) major=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p') ;;
  esac
fi

wanted=
for set in "$@"; do
  case $set in
    build)
      wanted="$wanted gcc g++ make binutils libc6-dev libboost-dev libpg-query-dev"
      # Another PostgreSQL than Debian's brings its own server and headers.
      case $pgxs in
        /usr/lib/postgresql/*) wanted="$wanted postgresql-$major postgresql-server-dev-$major" ;;
        *) [ -f "$pgxs" ] || wanted="$wanted postgresql-$major postgresql-server-dev-$major" ;;
      esac ;;
    test) wanted="$wanted cmake libgtest-dev libipc-run-perl perl postgresql-$major-cron util-linux" ;;
    bench) wanted="$wanted valgrind postgresql-$major-pg-qualstats postgresql-$major-hypopg" ;;
    core) wanted="$wanted git dpkg-dev debian-archive-keyring bison flex perl libperl-dev zlib1g-dev libicu-dev pkg-config libipc-run-perl xz-utils bzip2 valgrind util-linux" ;;
    fuzz) wanted="$wanted clang libclang-rt-dev" ;;
    sqlsmith) wanted="$wanted sqlsmith procps" ;;
    matrix) wanted="$wanted git debootstrap util-linux" ;;
    deb) wanted="$wanted git build-essential debhelper libboost-dev libpg-query-dev postgresql-server-dev-all" ;;
    lint) wanted="$wanted git clang-format clang-tidy cppcheck" ;;
    *) echo "deps: unknown set $set" >&2; exit 2 ;;
  esac
done

missing=
for package in $wanted; do
  case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
    ?i*) ;;
    *) missing="$missing $package" ;;
  esac
done
if [ -z "$missing" ]; then
  echo "== packages for $*: all there"
  exit 0
fi

as_root=
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "deps: these packages are missing and this user cannot install them:$missing" >&2
    echo "deps: run as root:  apt-get install$missing" >&2
    exit 1
  fi
  as_root="sudo"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
  if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "deps: apt-get $* failed" >&2
    exit 1
  fi
}
echo "== packages to install:$missing"
run update
# shellcheck disable=SC2086
run install -y --no-install-recommends $missing
echo "== packages installed"
