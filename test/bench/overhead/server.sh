# server.sh: private servers for the measurements; sourced. Sets bindir, work; removes all at exit.
# Invariant: nothing outside of $work is written, no TCP port is opened.
set -euo pipefail
export LC_ALL=C.UTF-8

fail() { echo "${0##*/}: $*" >&2; exit 2; }

here=$(dirname "$(readlink -f "$0")")
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../../tools/common.sh"   # bindir, as_server, scratch_dir
libdir=$("$pg_config" --pkglibdir)
work=$(scratch_dir overhead)
cd "$work"

finish() {
  local pid
  for pid in "$work"/*/postmaster.pid; do
    [ -e "$pid" ] || continue
    thaw "$(basename "$(dirname "$pid")")"
    as_server "$bindir/pg_ctl" stop -D "$(dirname "$pid")" -m immediate -w >"$work/log" 2>&1 || true
  done
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

new_cluster() {  # new_cluster NAME
  as_server "$bindir/initdb" -D "$work/$1" -A trust -U postgres -E UTF8 --locale=C.UTF-8 \
    --no-sync >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "initdb failed"; }
  printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$work/$1'" \
    "max_connections = 100" "logging_collector = off" "autovacuum = off" |
    as_server tee -a "$work/$1/postgresql.conf" >"$work/log"
}
start() {  # start NAME [setting=value ...]
  local name=$1 options='' s; shift
  for s in "$@"; do options+=" -c $s"; done
  as_server "$bindir/pg_ctl" start -D "$work/$name" -w -s -l "$work/$name/log" -o "$options" \
    || { tail "$work/$name/log" >&2; fail "server $name does not start"; }
}
stop() { as_server "$bindir/pg_ctl" stop -D "$work/$1" -m fast -w -s; }
sql() {  # sql NAME [psql options]
  local name=$1; shift
  as_server "$bindir/psql" -X -q -h "$work/$name" -U postgres -d postgres -v ON_ERROR_STOP=1 "$@"
}
processes() { local p; p=$(head -1 "$work/$1/postmaster.pid") || return 0; echo "$p"; cat "/proc/$p/task/$p/children"; }
# A frozen server takes no processor time from the one that is measured, nor does its own
# background work escape: it is paid for when the server runs.
freeze() { processes "$1" | xargs -r kill -STOP 2>/dev/null || true; }
thaw() { processes "$1" | xargs -r kill -CONT 2>/dev/null || true; }
