#!/bin/bash
# server_from_source.sh: builds the PostgreSQL of PG_CONFIG's major version from Debian's source package, with
# assertions and valgrind's client requests, together with its test suites, into .servers/postgresql-MAJOR-cassert.
# Prints where; does nothing when it is there. ASSIST_SERVERS names another directory than .servers.
# Takes about 6 minutes on two processors and 1.5 GB; needs the packages of `deps.sh ... core`.
#
# Result: DIR/bin/pg_config (installed, with contrib) and DIR/source (built tree, for its test suites).
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/common.sh"

major=$("$pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
servers=${ASSIST_SERVERS:-$here/../.servers}
mkdir -p "$servers"
servers=$(readlink -f "$servers")
# Debian's makefiles install into the system's own directories unless the path says postgres.
to=$servers/postgresql-$major-cassert
as_server test -r "$servers" -a -x "$servers" ||
  { echo "$server_user cannot read $servers: set ASSIST_SERVERS to a directory that it can" >&2; exit 1; }
if [ -x "$to/bin/pg_config" ] && [ -e "$to/done" ]; then
  echo "$to"
  exit 0
fi

log=$to.log
: >"$log"
work=$(mktemp -d "$servers/tmp.XXXXXX")
trap 'rm -rf "$work"' EXIT
run() { # run WHAT COMMAND...: quietly; shows the log's end when it fails
  echo "   $1" >&2
  shift
  "$@" >>"$log" 2>&1 || { tail -n 30 "$log" >&2; echo "failed: $* (all of it: $log)" >&2; exit 1; }
}

# The source packages of the configured repositories, in lists of our own: the system's stay as they are.
mkdir -p "$work/lists/partial"
apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u |
  sed 's/^deb-src /deb-src [signed-by=\/usr\/share\/keyrings\/debian-archive-keyring.gpg] /' >"$work/sources.list"
apt_options=(-o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o Dir::State::Lists="$work/lists" -o APT::Sandbox::User=root)
echo "== PostgreSQL $major with assertions, from Debian's source package" >&2
run "package lists" apt-get "${apt_options[@]}" update
versions=$(apt-cache "${apt_options[@]}" showsrc "postgresql-$major" | sed -n 's/^Version: //p' | sort -Vru)
fetched=
for version in $versions; do # the newest one is not always there
  if (cd "$work" && apt-get "${apt_options[@]}" source --download-only "postgresql-$major=$version") >>"$log" 2>&1; then
    fetched=$version
    break
  fi
done
[ -n "$fetched" ] || { tail -n 5 "$log" >&2; echo "no source package of postgresql-$major could be fetched" >&2; exit 1; }

rm -rf "$to"
mkdir -p "$to"
run "unpack $fetched" dpkg-source --no-check -x "$work"/*.dsc "$to/source"
cd "$to/source"
run "configure" ./configure --prefix="$to" --enable-cassert --enable-debug --enable-tap-tests \
  --with-icu --without-readline --with-zlib CFLAGS='-O1 -g -fno-omit-frame-pointer -DUSE_VALGRIND' \
  $([ "$major" -lt 17 ] || echo --enable-injection-points)
run "look where it goes" make -s -C src/port pg_config_paths.h
if grep -E '^#define (PGBINDIR|PGSHAREDIR|LIBDIR|PKGLIBDIR|INCLUDEDIRSERVER) ' src/port/pg_config_paths.h | grep -vF "\"$to/" >&2; then
  echo "it would be installed outside of $to" >&2
  exit 1
fi
run "build" make -s -j"$(nproc)" world-bin
run "build its test modules" make -s -j"$(nproc)" -C src/test all
run "install" make -s install-world-bin
# The suites write beside their sources.
[ "$(id -u)" != 0 ] || chown -R "$server_user" "$to/source"
touch "$to/done"
echo "$to"
