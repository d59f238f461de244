#!/bin/bash
# memory.sh: shared memory of pg_assist at 100 connections and default settings. The bar is 32 MB.
# PG_CONFIG selects the PostgreSQL installation (default: pg_config in the path).
. "$(dirname "$(readlink -f "$0")")/server.sh"
[ -e "$libdir/pg_assist.so" ] || fail "pg_assist is not installed in $libdir"
new_cluster server
echo "shared_memory_size of the server, at 100 connections and defaults (MB):"
for preload in '' pg_assist; do
  printf '  %-22s%5s\n' "${preload:-without pg_assist}" \
    "$(as_server "$bindir/postgres" -D "$work/server" -C shared_memory_size \
       -c shared_preload_libraries="$preload")"
done
echo
start server shared_preload_libraries=pg_assist
sql server -c 'create extension pg_assist'
sql server <"$here/memory.sql"
