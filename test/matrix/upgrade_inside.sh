#!/bin/bash
# upgrade_inside.sh: called by upgrade.sh inside the new release, the old one being at /other.
set -euo pipefail
old=$(ls -d /other/usr/lib/postgresql/*/bin | tail -n 1)
new=$(pg_config --bindir)
work=/tmp/upgrade
mkdir -p $work/lib
chown -R postgres $work
fail() { echo "FAIL $*"; exit 1; }

# Libraries that only the old release has.
for _ in 1 2 3 4; do
  LD_LIBRARY_PATH=$work/lib ldd "$old"/{postgres,initdb,pg_ctl,psql} 2>/dev/null | sed -n 's/^\t\(.*\) => not found/\1/p' | sort -u |
    while read -r name; do cp "/other/usr/lib/x86_64-linux-gnu/$name" $work/lib/; done
done
as() { runuser -u postgres -- env LD_LIBRARY_PATH=$work/lib HOME=$work "$@"; }
conf() {
  printf '%s\n' "shared_preload_libraries = 'pg_assist'" "unix_socket_directories = '$work'" "listen_addresses = ''" \
    "assist.interval = 0" "assist.sample_rate = 1" | as tee -a "$work/$1/postgresql.conf" >$work/log
}
sql() { as "$new/psql" -X -q -At -v ON_ERROR_STOP=1 -h $work -d "$1" -f -; }
kept() {
  echo "SELECT rule, enabled, settings FROM assist.rule_setting ORDER BY 1;
        SELECT id, rule, object, title, status FROM assist.all_recommendations ORDER BY 1;
        SELECT id, role, action, object, outcome FROM assist.history ORDER BY 1;
        SELECT query, start, until, calls, rows FROM assist.statement_history WHERE query LIKE '% FROM t %' ORDER BY 1, 2;
        SELECT at, kind, title FROM assist.markers ORDER BY 1, 2, 3" | sql shop
}
cd $work
echo "   $("$old/postgres" --version 2>/dev/null || as "$old/postgres" --version)"
echo "   $("$new/postgres" --version)"
as "$old/initdb" -D $work/old -A trust -E UTF8 --locale=C >$work/log
as "$new/initdb" -D $work/new -A trust -E UTF8 --locale=C $("$new/initdb" --help | grep -q no-data-checksums && echo --no-data-checksums) >$work/log
conf old
conf new
as "$old/pg_ctl" start -w -s -D $work/old -l $work/old.log || { cat $work/old.log; fail "the old server does not start"; }
echo 'CREATE DATABASE shop' | sql postgres
sql shop <<'Q' >$work/log
CREATE EXTENSION pg_assist;
CREATE TABLE t (a int, b text, c int);
INSERT INTO t SELECT g, repeat('x', 100), g FROM generate_series(1, 50000) g;
CREATE INDEX t_a ON t (a); CREATE INDEX t_a2 ON t (a);
ANALYZE t;
SELECT assist.set_rule('missing_index', settings => '{"min_saving": 0, "min_share": 0, "min_executions": 1}');
SELECT assist.set_rule('unused_index', enabled => false);
SELECT b FROM t WHERE c = 1; SELECT b FROM t WHERE c = 2; SELECT b FROM t WHERE c = 3;
SELECT assist.refresh();
SELECT assist.mark('release 1');
SELECT assist.refresh();
SELECT assist.dismiss((SELECT id FROM assist.recommendations WHERE rule = 'duplicate_index'), 'kept on purpose');
Q
before=$(kept)
[[ $before == *dismissed* && $before == *missing_index* && $before == *"SELECT b FROM t"* && $before == *"release 1"* ]] || fail "nothing to keep: $before"
as "$old/pg_ctl" stop -w -s -m fast -D $work/old
as "$new/pg_upgrade" -b "$old" -B "$new" -d $work/old -D $work/new -s $work >$work/upgrade.log 2>&1 ||
  { tail -n 20 $work/upgrade.log; cat $work/new/pg_upgrade_output.d/*/log/*.log 2>/dev/null | tail -n 20; fail "pg_upgrade"; }
as "$new/pg_ctl" start -w -s -D $work/new -l $work/new.log || { cat $work/new.log; fail "the new server does not start"; }
[ "$(kept)" = "$before" ] || { diff <(echo "$before") <(kept); fail "not everything was kept"; }
echo "   kept: $(echo "$before" | wc -l) rows of rules, recommendations and history"
after=$(sql shop <<'Q'
\o /dev/null
ANALYZE;
SELECT b FROM t WHERE c = 1; SELECT b FROM t WHERE c = 2; SELECT b FROM t WHERE c = 3;
SELECT assist.refresh();
SET client_min_messages = warning;
ALTER EXTENSION pg_assist UPDATE;
\o
SELECT status FROM assist.all_recommendations WHERE rule = 'duplicate_index';
SELECT calls FROM assist.statements WHERE query = 'SELECT b FROM t WHERE c = $1';
SELECT count(*) FROM assist.recommendations WHERE rule = 'missing_index';
Q
)
[ "$after" = $'dismissed\n3\n1' ] || fail "after the upgrade: $after"
! grep -E 'PANIC|was terminated by signal' $work/old.log $work/new.log || fail "a crash"
as "$new/pg_ctl" stop -w -s -m fast -D $work/new
echo "ok   analysis and counting go on"
