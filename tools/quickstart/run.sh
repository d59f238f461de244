#!/bin/bash
# run.sh [start|stop]: a private throw-away server with a demo shop, and what pg_assist finds in it.
#
# Everything is in .quickstart of the checkout: data, socket, log; when the server's user cannot get
# there (a checkout below /root), .quickstart is a link to a directory that it can. No TCP port is
# opened. A second start begins anew. DEMO_SECONDS is how long the workload runs.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
root=$(cd "$here/../.." && pwd)
. "$root/tools/common.sh"
link=$root/.quickstart
seconds=${DEMO_SECONDS:-40}
started=$SECONDS
cd /   # the server's user may not be able to stand in the checkout

say() { printf '\n== %s\n' "$*"; }
step() { printf '   %-70s' "$1"; step_started=$(date +%s%N); }
done_in() { awk -v a="$step_started" -v b="$(date +%s%N)" 'BEGIN { printf "%6.1f s\n", (b - a) / 1e9 }'; }
fail() { printf '\nquickstart: %s\n' "$*" >&2; exit 1; }

remove() {  # stops and removes a former demo, if it is one
  local dir
  dir=$(readlink -f "$link") || return 0
  if [ -e "$dir/data/postmaster.pid" ]; then
    as_server "$bindir/pg_ctl" stop -D "$dir/data" -m immediate -w -s || true
  fi
  if [ -e "$dir/.pg_assist_demo" ]; then rm -rf "$dir"; elif [ -d "$dir" ]; then
    fail "$dir is not a demo of pg_assist: please remove it yourself"
  fi
  rm -rf "$link"
}

make_directory() {  # sets dir
  dir=$link
  local why=''
  if [ "${#link}" -gt 80 ]; then
    why="its path is too long for a socket"
  elif ! as_server test -x "$root"; then
    why="user $server_user cannot get there"
  elif ! mkdir "$link" 2>/dev/null; then
    fail "cannot create $link"
  fi
  if [ -n "$why" ]; then
    dir=$(scratch_dir pg_assist-quickstart)
    ln -s "$dir" "$link"
    echo "   .quickstart is a link to $dir, for $why"
  fi
  touch "$dir/.pg_assist_demo"
  [ "$(id -u)" != 0 ] || chown -R "$server_user" "$dir"
  chmod 700 "$dir"   # local connections need no password: nobody else may make one
}

sql() { as_server "$bindir/psql" -X -q -v ON_ERROR_STOP=1 -h "$dir" -p 5432 -U postgres -d "${db:-shop}" "$@"; }
load() { sql "$@" >>"$dir/load.log" 2>&1 || { tail "$dir/load.log" >&2; fail "loading failed"; }; }
bench() {  # bench NAME options: pgbench in the background
  local name=$1; shift
  as_server "$bindir/pgbench" -h "$dir" -p 5432 -n -T "$seconds" "$@" shop \
    >"$dir/workload.$name.log" 2>&1 || { tail -n 5 "$dir/workload.$name.log" >&2; fail "workload $name failed"; }
}

trap 'jobs -p | xargs -r kill 2>/dev/null || true' EXIT

case ${1:-start} in
  stop) remove; echo "the demo server is stopped and removed"; exit 0 ;;
  start) ;;
  *) echo "usage: run.sh [start|stop]" >&2; exit 2 ;;
esac

say "a private server in .quickstart"
remove
make_directory
step "initdb and start, with shared_preload_libraries = 'pg_assist'"
as_server "$bindir/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 --no-sync \
  >"$dir/initdb.log" 2>&1 || { tail "$dir/initdb.log" >&2; fail "initdb failed"; }
as_server tee -a "$dir/data/postgresql.conf" >/dev/null <<CONF
shared_preload_libraries = 'pg_assist'
listen_addresses = ''
unix_socket_directories = '$dir'
port = 5432
max_connections = 20
CONF
as_server "$bindir/pg_ctl" start -D "$dir/data" -l "$dir/server.log" -w -s ||
  { tail "$dir/server.log" >&2; fail "the server does not start"; }
db=postgres sql -c 'create database shop'
sql -c 'create extension pg_assist'
done_in

say "a shop: 2 million rows"
step "customers, products, orders and their lines, events, carts"
# The scripts come by standard input: the server's user need not be able to read the checkout.
load <"$here/schema.sql"
load <"$here/load_orders.sql" & orders=$!
load <"$here/load_catalogue.sql"
wait $orders
load <"$here/finish_load.sql"
done_in

say "$seconds seconds of visitors, purchases and reports"
# What the loading did is of no interest. The first analysis notes which indexes there are, and when.
sql -o /dev/null -c 'select assist.reset()' -c 'select assist.refresh()'
as_server mkdir "$dir/workload"
for f in "$here"/workload/*.sql; do as_server tee "$dir/workload/${f##*/}" <"$f" >/dev/null; done
searches=()
for word in oak stee li 'classic r' 'compact w' no solar 'travel te' urb 'vintage c'; do
  name=$dir/workload/search_${#searches[@]}.sql
  sed "s/@prefix@/$word/" "$here/workload/search.sql" | as_server tee "$name" >/dev/null
  searches+=(-f "$name@1")
done
step "pages of the shop (3 clients), reports (1 client)"
w=$dir/workload
bench pages -U shop -c 2 -j 1 -M prepared -f "$w/order_page.sql@45" -f "$w/product_page.sql@35" \
  -f "$w/customer_page.sql@10" -f "$w/checkout.sql@10" & pages=$!
bench forms -U shop -c 1 -M simple -f "$w/login.sql@10" "${searches[@]}" & forms=$!
bench reports -U reports -c 1 -M simple -f "$w/reports.sql" & reports=$!
wait $pages; wait $forms; wait $reports
done_in
awk '/number of transactions actually/ { n += $NF } END { printf "   %d transactions\n", n }' "$dir"/workload.*.log

say "what pg_assist saw"
sql <"$here/report.sql"

say "what it recommends"
echo "   The demo is small and a minute old: rules that wait for a month, or for 100 MB, wait no longer."
while read -r rule settings; do
  call="select assist.set_rule('$rule', settings => '$settings')"
  echo "     $call;"
  sql -o /dev/null -c "$call" </dev/null
done <<'RULES'
unused_index {"min_age": 0.0003}
redundant_index {"min_age": 0.0003}
table_bloat {"min_bytes": 10000000}
RULES
step "select assist.refresh();"
sql -o /dev/null -c 'select assist.refresh()'
done_in
echo
sql <"$here/recommendations.sql"

best=$(sql -At -c "select id from assist.recommendations where rule = 'missing_index' limit 1")
[ -n "$best" ] || fail "no missing index was recommended; the log is $dir/server.log"
say "the migration of number $best: select assist.migration_script($best)"
sql -At -c "select assist.migration_script($best)" | tee "$dir/migration.sql"

# A statement of the shop that reads the table in question.
case $(sql -At -c "select object from assist.recommendations where id = $best") in
  *orders*) slow="SELECT id, ordered_at, total FROM orders
WHERE customer_id = 77777 AND status = 'shipped' ORDER BY ordered_at DESC LIMIT 20" ;;
  *customers*) slow="SELECT id, full_name FROM customers
WHERE lower(email) = 'customer77777@example.com'" ;;
  *) slow="SELECT id, name, price FROM products
WHERE lower(name) LIKE 'classic r%' ORDER BY popularity DESC LIMIT 20" ;;
esac
explain() { sql -At -c "$slow" -o /dev/null -c '\o' -c "explain (analyze, costs off, timing off) $slow" | sed 's/^/   /'; }
say "before and after, for one statement"
echo "$slow;" | sed 's/^/   /'
printf '\n   before\n\n'
explain
printf '\n'
step "psql -f migration.sql"
sql <"$dir/migration.sql" >"$dir/migration.log" 2>&1 || { cat "$dir/migration.log" >&2; fail "the migration failed"; }
done_in
printf '\n   after\n\n'
explain
sql -o /dev/null -c "select assist.mark_implemented($best)"

# Without visitors every index would be unused half a minute from now.
sql -o /dev/null -c 'alter system set assist.interval = 0' -c 'select pg_reload_conf()'

say "the demo is yours ($((SECONDS - started)) s)"
cat <<TEXT
   look around       psql -h $dir -p 5432 -U postgres shop
                       select * from assist.recommendations \\gx
                       select assist.migration_script(3) \\g (format=unaligned tuples_only=on)
                       select * from assist.status;
   The visitors are gone, so the analyst is switched off: assist.interval = 0.
   again, afresh     make quickstart
   stop and remove   make quickstart-stop
TEXT
