#!/bin/bash
# reference.sh [--check]: writes docs/reference, and the table in docs/settings.md, from what the
# installed extension says about itself (comments, columns, rights, settings), so that both stay true.
# --check writes nothing and exits with 1 when the files differ from that.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/common.sh"
docs=$(cd "$here/../docs" && pwd)
dir=$(scratch_dir reference)
cd "$dir"
finish() {
  as_server "$bindir/pg_ctl" stop -D "$dir/data" -m immediate -s 2>/dev/null || true
  rm -rf "$dir"
}
trap finish EXIT

as_server "$bindir/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1 ||
  { cat "$dir/log" >&2; exit 1; }
as_server "$bindir/pg_ctl" start -D "$dir/data" -w -s -l "$dir/data/log" \
  -o "-c listen_addresses='' -c unix_socket_directories=$dir -c shared_preload_libraries=pg_assist" ||
  { cat "$dir/data/log" >&2; exit 1; }
sql() { as_server "$bindir/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$dir" -U postgres -d postgres "$@"; }
sql -c 'create extension pg_assist cascade' 2>"$dir/log" || { cat "$dir/log" >&2; exit 1; }

mkdir "$dir/reference"
pages=(views functions tables)
for i in 0 1 2; do sql -v chapter=$((i + 1)) <"$here/reference.sql" >"$dir/reference/${pages[i]}.md"; done
{
  sed '/<!-- begin generated -->/q' "$docs/settings.md"
  sql <"$here/settings.sql"
  sed -n '/<!-- end generated -->/,$p' "$docs/settings.md"
} >"$dir/settings.md"
[ -s "$dir/reference/tables.md" ] || { echo "reference.sh: nothing came out" >&2; exit 1; }

status=0
for f in reference/{views,functions,tables}.md settings.md; do
  if [ "${1:-}" = --check ]; then
    diff -u "$docs/$f" "$dir/$f" || { echo "docs/$f is out of date: run tools/reference.sh" >&2; status=1; }
  else
    cat "$dir/$f" >"$docs/$f"
  fi
done
exit $status
