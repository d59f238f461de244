#!/bin/bash
# deb.sh: builds the Debian packages of the last commit in a fresh checkout, for each PostgreSQL that this Debian
# supports and debian/pgversions names, and leaves them in build/deb. Called by `make deb`.
set -euo pipefail
cd "$(dirname "$0")/.."
unset MAKELEVEL MAKEFLAGS MFLAGS
out=${BUILD_DIR:-build}/deb
rm -rf "$out"
mkdir -p "$out/pg_assist"
git archive HEAD | tar -x -C "$out/pg_assist"
echo "== build packages: $out/build.log"
# On another Debian than that of debian/control, it is made anew from debian/control.in.
(cd "$out/pg_assist" && PG_UPDATECONTROL=yes dpkg-buildpackage -us -uc -b) >"$out/build.log" 2>&1 ||
  { tail -n 30 "$out/build.log" >&2; exit 1; }
ls "$out"/*.deb
