# Sourced by suites that run on the server with assertions. begin_suite NAME builds the checkout for it in a scratch
# directory and gives results (kept), scratch (removed at exit, its server stopped), cassert (the server), PG_CONFIG,
# and what tools/common.sh gives; new_data makes a data directory in $scratch/data, with the settings on standard input.

begin_suite() {
  results=${BUILD_DIR:-build}/$1
  mkdir -p "$results"
  results=$(readlink -f "$results")
  cassert=$(bash tools/server_from_source.sh) || exit 1
  export PG_CONFIG=$cassert/bin/pg_config
  . tools/common.sh
  scratch=$(scratch_dir "pgassist-$1")
  trap end_suite EXIT
  echo "== build for $("$bindir/postgres" --version) with assertions"
  bash tools/build_copy.sh "$scratch/tree" "$results/build.log" || exit 1
  chown -R "$server_user" "$scratch" 2>/dev/null
}

end_suite() {
  if [ -e "$scratch/data/postmaster.pid" ]; then
    kill -QUIT "$(head -n 1 "$scratch/data/postmaster.pid")" && sleep 1
  fi
  rm -rf "$scratch"
}

new_data() {
  rm -rf "$scratch/data"
  as_server "$bindir/initdb" -D "$scratch/data" -A trust -U postgres -E UTF8 --no-locale --no-sync >"$results/initdb.log" 2>&1 || return
  { cat; echo "listen_addresses = ''"; echo "unix_socket_directories = '$scratch'"; } |
    as_server tee -a "$scratch/data/postgresql.conf" >"$results/conf"
}
