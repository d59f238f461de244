#!/bin/bash
# planner.sh: what a what-if call inside the server costs beside the planner itself, in instructions.
#
# A single-user server under callgrind advises indexes for two workloads (statements of an application, joins of eleven
# tables); counted is what PlanStatement() takes in all, of that what the server's planner takes, and of that what our hooks in
# it take: injecting the hypothetical indexes, looking at join orders again, reading candidates. Looking at fewer join orders
# makes the planner itself cheaper; to plan with more indexes makes it dearer: neither is counted as ours.
#
# usage: planner.sh         PG_CONFIG selects the PostgreSQL installation. The bar is 20 %.
. "$(dirname "$(readlink -f "$0")")/../overhead/server.sh"
type callgrind_annotate >/dev/null 2>&1 || fail "callgrind is missing (make deps-bench)"

new_cluster whatif
start whatif shared_preload_libraries=pg_assist
sql whatif <<'SQL'
CREATE EXTENSION pg_assist;
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, status text, ordered timestamptz, total numeric, note text);
INSERT INTO orders SELECT i, i * 7919 % 20000, 's' || i % 5, now() - i * interval '1 min', i % 1000, 'n' || i
  FROM generate_series(1, 200000) i;
CREATE TABLE customers (id int PRIMARY KEY, email text, country text);
INSERT INTO customers SELECT i, 'u' || i || '@x.org', 'c' || i % 20 FROM generate_series(1, 20000) i;
SELECT format('CREATE TABLE j%s AS SELECT g AS id, g %% 1000 AS a, g %% 700 AS b, g %% 300 AS c FROM generate_series(1, 20000) g', n)
  FROM generate_series(1, 11) n \gexec
VACUUM ANALYZE;
SQL
stop whatif

application=$(for k in 1 2 3 4 5; do cat <<SQL
SELECT * FROM orders WHERE customer_id = $k
SELECT * FROM orders WHERE customer_id = $k ORDER BY ordered DESC LIMIT 10
SELECT status, count(*) FROM orders WHERE ordered > now() - interval '$k days' GROUP BY status
SELECT o.total, c.email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.country = 'c$k' AND o.total > 900
UPDATE orders SET status = 'sent' WHERE note = 'n$k'
SQL
done)
joins=$(for k in 1 2 3; do
  printf 'SELECT count(*) FROM j1'
  for n in 2 3 4 5 6 7 8 9 10 11; do printf ' JOIN j%d ON j%d.a = j%d.b' "$n" "$n" $((n - 1)); done
  printf ' WHERE j1.c = %d\n' "$k"
done)

printf '%-14s %10s %16s %16s %8s\n' '' statements 'the planner' 'ours' 'ours'
missed=0
for workload in application joins; do
  queries=$(sed "s/'/''/g; s/.*/'&'/" <<<"${!workload}" | paste -sd,)
  echo "SELECT count(*) FROM assist.advise_indexes(queries => ARRAY[$queries])" |
    as_server env PGOPTIONS= valgrind --tool=callgrind --toggle-collect="assist::pg::PlanStatement*" --callgrind-out-file="$work/callgrind.out" \
      "$bindir/postgres" --single -D "$work/whatif" -c shared_preload_libraries=pg_assist -c jit=off postgres >"$work/log" 2>&1 ||
    { tail "$work/log" >&2; fail "the single-user server failed"; }
  plans=$(grep -c . <<<"${!workload}")
  callgrind_annotate --inclusive=yes --threshold=100 "$work/callgrind.out" >"$work/costs" 2>>"$work/log"
  inclusive() {  # inclusive NAME: instructions of a function with what it calls
    awk -v name="$1" 'match($0, /^ *[0-9,]+/) && index($0, name) { n = substr($0, RSTART, RLENGTH); gsub(/[ ,]/, "", n); if (n + 0 > most) most = n + 0 }
                      END { printf "%d\n", most }' "$work/costs"
  }
  all=$(inclusive 'assist::pg::PlanStatement(')
  planner=$(inclusive ':standard_planner ')
  [ "$all" -gt 0 ] && [ "$planner" -gt 0 ] || fail "callgrind names no function: is the library stripped?"
  hooks=$(($(inclusive '::relation_info_hook(') + $(inclusive '::rel_pathlist_hook(') + $(inclusive '::search_hook(') - $(inclusive ':standard_join_search ')))
  server=$((planner - hooks)) ours=$((all - planner + hooks))
  printf '%-14s %10s %16s %16s %6s.%s %%\n' "$workload" "$plans" "$server" "$ours" $((100 * ours / server)) $((1000 * ours / server % 10))
  [ $((100 * ours)) -le $((20 * server)) ] || { echo "MISSED: more than 20 %"; missed=1; }
done
exit $missed
