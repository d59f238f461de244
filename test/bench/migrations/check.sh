#!/bin/bash
# check.sh [STATEMENTS]: how long assist.check_migration takes for a script of so many statements (default 1000) on a
# hundred tables with rows, in a private server; prints the times of five calls and the number of hazards.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/common.sh
. "$here/../../../tools/common.sh"
count=${1:-1000}
dir=$(scratch_dir benchcheck)
cd "$dir"
finish() {
  as_server "$bindir/pg_ctl" stop -D "$dir/data" -m immediate -s 2>/dev/null || true
  rm -rf "$dir"
}
trap finish EXIT
as_server "$bindir/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1
as_server "$bindir/pg_ctl" start -D "$dir/data" -w -s -l "$dir/data/log" \
  -o "-c listen_addresses='' -c unix_socket_directories=$dir -c shared_preload_libraries=pg_assist -c assist.interval=0"
as_server "$bindir/psql" -X -q -A -t -v ON_ERROR_STOP=1 -v count="$count" -h "$dir" -U postgres -d postgres <<'END'
SET client_min_messages = warning;
CREATE EXTENSION pg_assist;
SELECT format('CREATE TABLE t%s (id bigint PRIMARY KEY, a int, b varchar(10), CHECK (a > 0))', g) FROM generate_series(1, 100) g \gexec
SELECT format('INSERT INTO t%s SELECT g, g, g FROM generate_series(1, 100) g', g) FROM generate_series(1, 100) g \gexec
ANALYZE;
SELECT string_agg(CASE g % 5 WHEN 0 THEN format('ALTER TABLE t%s ADD c%s uuid DEFAULT gen_random_uuid();', g % 100 + 1, g)
  WHEN 1 THEN format('ALTER TABLE t%s ALTER a TYPE bigint;', g % 100 + 1) WHEN 2 THEN format('CREATE INDEX i%s ON t%s (a, b);', g, g % 100 + 1)
  WHEN 3 THEN format('UPDATE t%s SET a = 1 WHERE id = 7;', g % 100 + 1) ELSE format('ALTER TABLE t%s ADD CONSTRAINT k%s CHECK (a > 1);', g % 100 + 1, g) END,
  E'\n') AS script FROM generate_series(1, :count) g \gset
\echo :count statements
\timing on
SELECT count(*) AS hazards FROM assist.check_migration(:'script');
SELECT count(*) FROM assist.check_migration(:'script');
SELECT count(*) FROM assist.check_migration(:'script');
SELECT count(*) FROM assist.check_migration(:'script');
SELECT count(*) FROM assist.check_migration(:'script');
END
