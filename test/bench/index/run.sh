#!/bin/bash
# run.sh [PART...]: how good the index advisor's choices are and what they take, against its bars. Called by
# `make bench-index` (BENCH="PART ..."). Parts, all of them without arguments:
#
#   tpch   19 queries on TPC-H-shaped data at scale 1 without any index: the relative cost at budgets of 100 to 1000 MB
#          (of 10^6 bytes, sizes by HypoPG) beside the best of lists that published algorithms and long searches chose
#          (tpch/reference.tsv), all scored on the same data by HypoPG; and what true sizes reach within the same budgets
#   joins  100 statements that join 5 to 12 tables
#   oltp   500 statements over 200 tables
#   saas   the 48 statements of an application, ten of them writes (saas/statements.sql): the advice for them as observed, within the space of
#          a hand-made list (saas/expert.sql), both built and timed
#   whatif what planning with hypothetical indexes costs beside the planner itself, in instructions (../whatif/planner.sh)
#   sizes  predicted sizes over those of indexes that are built, beside HypoPG's
#
# Ends with an error when a bar is missed. Needs the hypopg extension for tpch and sizes.
# usage: run.sh [PART...]          SCALE=0.1 makes tpch and sizes smaller (then no bar but that of time holds)
parts=${*:-tpch sizes joins oltp whatif saas}
scale=${SCALE:-1}
. "$(dirname "$(readlink -f "$0")")/../overhead/server.sh"
missed=0

new_cluster index
printf '%s\n' "shared_buffers = 2GB" "work_mem = 64MB" "maintenance_work_mem = 1GB" "effective_cache_size = 6GB" "max_wal_size = 8GB" \
  "checkpoint_timeout = 30min" "wal_level = minimal" "max_wal_senders = 0" "fsync = off" "max_parallel_workers_per_gather = 0" "jit = off" |
  as_server tee -a "$work/index/postgresql.conf" >"$work/log"
start index shared_preload_libraries=pg_assist
run() { sql index -d "$db" -At -F ' | ' "$@"; }
database() { db=$1; sql index -c "CREATE DATABASE $db"; run -c 'CREATE EXTENSION pg_assist' -f "$here/score.sql"; }
bar() {  # bar WHAT VALUE LIMIT: the value may be the limit
  if awk -v v="$2" -v l="$3" 'BEGIN { exit !(v <= l) }'; then echo "$1: $2 (bar $3) met"; else echo "$1: $2 (bar $3) MISSED"; missed=1; fi
}
cpu() { sed -n 's/.*plans; \([0-9]*\) ms of processor time to read the statements, \([0-9]*\) ms to choose.*/\1 \2/p' "$work/notice"; }

tpch_data() {
  [ -z "${tpch_there:-}" ] || { db=tpch; return 0; }
  tpch_there=yes
  database tpch
  run -c 'CREATE EXTENSION hypopg'
  run -v sf="$scale" -f "$here/tpch/schema.sql" >"$work/log"
  for file in "$here"/tpch/queries/*.sql; do
    run -v name="$(basename "$file" .sql)" -v text="$(cat "$file")" <<<"INSERT INTO bench.query VALUES (:'name', :'text')"
  done
}

tpch() {
  tpch_data
  run <<<"CREATE TABLE bench.reference (megabytes int, algorithm text, indexes text); \\copy bench.reference from '$here/tpch/reference.tsv'"
  echo "relative cost of 19 queries (1 = without indexes), sizes by HypoPG; CPU ms to choose; in brackets what true sizes reach"
  for megabytes in 100 200 300 500 1000; do
    best=$(run -c "SELECT round(min(s.cost / n.cost)::numeric, 4), (array_agg(algorithm ORDER BY s.cost))[1] FROM bench.score('{}') n,
      bench.reference r, bench.score(string_to_array(r.indexes, '; ')) s WHERE r.megabytes = $megabytes AND s.bytes <= $megabytes * 1.002e6")
    run -c "CREATE TABLE bench.ours_$megabytes AS SELECT create_index FROM assist._advise_indexes(${megabytes}000000, bench.queries(), 'bench.hypopg_bytes(text)')" 2>"$work/notice"
    read -r _ choose <<<"$(cpu)"
    ours=$(run -c "SELECT round((s.cost / n.cost)::numeric, 4), s.bytes / 1000000 FROM bench.score('{}') n,
      bench.score((SELECT array_agg(create_index) FROM bench.ours_$megabytes)) s")
    true=$(run -c "SELECT round((min(cost_after) / max(cost_before))::numeric, 4), sum(size_bytes) / 1000000 FROM assist.advise_indexes(${megabytes}000000, bench.queries())" 2>"$work/notice.true")
    printf '%5d MB  best reference %s (%s)  pg_assist %s (%s MB, %s ms)  [%s at %.0f MB]\n' "$megabytes" "${best% | *}" "${best#* | }" \
      "${ours% | *}" "${ours#* | }" "$choose" "${true% | *}" "${true#* | }"
    grep -o 'within [0-9.]* % of the best choice among [0-9]* candidates' "$work/notice.true" | sed 's/^/          true sizes: /'
    [ "$scale" != 1 ] || bar "          cost at $megabytes MB" "${ours% | *}" "$(awk -v b="${best% | *}" 'BEGIN { print b + 0.002 }')"
    bar "          CPU ms to choose" "$choose" 300
  done
}

timed() {  # timed WHAT LIMIT_MS
  run -c "CREATE TABLE bench.advised AS SELECT * FROM assist.advise_indexes(NULL, bench.queries())" 2>"$work/notice"
  sed -n 's/.*NOTICE: *//p' "$work/notice"
  sed -n 's/^DETAIL: */  /p' "$work/notice"
  read -r analyse choose <<<"$(cpu)"
  bar "$1, CPU ms" $((analyse + choose)) "$2"
}
joins() { database joins; run -f "$here/joins.sql"; timed "100 statements of 5 to 12 joins" 10000; }
oltp() { database oltp; run -f "$here/oltp.sql"; timed "500 statements over 200 tables" 5000; }

# The second of two rounds counts, the first fills caches. Space is what the indexes took when they were built.
saas_round() {  # saas_round LIST: weighted ms, MB of the indexes, indexes that nothing used
  db=saas_$1
  built="FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace AND c.relname ~ '_idx'"
  run -c "SELECT round(coalesce(sum(pg_relation_size(indexrelid)), 0) / 1e6) $built" >"$work/space"
  run -c "VACUUM (ANALYZE)" -c "CALL bench.round(0)" -c "CALL bench.round(100)" >"$work/log"
  run -c "SELECT round(sum(ms)) FROM bench.took"
  cat "$work/space"
  run -c "SELECT count(*) $built AND NOT EXISTS (SELECT 1 FROM assist.index_use u WHERE u.index = i.indexrelid AND executor_scans + constraint_checks > 0)"
}
saas() {
  local list
  database saas_none
  run -f "$here/saas/schema.sql" -f "$here/saas/statements.sql" >"$work/log"
  for list in expert ours; do sql index -c "CREATE DATABASE saas_$list TEMPLATE saas_none"; done
  declare -A result
  result[none]=$(saas_round none)
  db=saas_expert
  run -f "$here/saas/expert.sql" >"$work/log"
  result[expert]=$(saas_round expert)
  # Less than the expert's: sizes are predicted, those of GIN to 30 %.
  budget=$(( $(sed -n 2p <<<"${result[expert]}") * 95 / 100 ))
  db=saas_none
  run -c "CREATE TABLE bench.advised AS SELECT * FROM assist.advise_indexes(${budget}000000)" 2>"$work/notice"
  run -c "SELECT regexp_replace(create_index, ' CONCURRENTLY', '') FROM bench.advised ORDER BY rank" >"$work/list"
  sed -n 's/.*NOTICE: *//p; s/^DETAIL: */  /p' "$work/notice"
  run -c "SELECT to_char(size_bytes / 1e6, '9990.0') || ' MB  ' || create_index FROM bench.advised ORDER BY rank" | sed 's/^/  /'
  db=saas_ours
  sed 's/$/;/' "$work/list" | run >"$work/log"
  [ -z "${DEBUG:-}" ] || run -c "SELECT pg_relation_size(indexrelid) / 1e6, indexrelid::regclass FROM pg_index WHERE indexrelid::regclass::text ~ '_idx' ORDER BY 1 DESC LIMIT 22"
  result[ours]=$(saas_round ours)
  for list in none expert ours; do
    { read -r ms; read -r megabytes; read -r unused; } <<<"${result[$list]}"
    printf '%-8s %8d ms a round, %4d MB, %d unused\n' $list "$ms" "$megabytes" "$unused"
  done
  { read -r expert; read -r space; } <<<"${result[expert]}"
  { read -r ms; read -r megabytes; read -r unused; } <<<"${result[ours]}"
  bar "time over the expert's" "$(awk -v a="$ms" -v b="$expert" 'BEGIN { printf "%.2f", a / b }')" 1.3
  bar "space over the expert's" "$(awk -v a="$megabytes" -v b="$space" 'BEGIN { printf "%.2f", a / b }')" 1
  bar "unused indexes" "$unused" 0
  # Where the time goes, by statement.
  for list in expert ours; do db=saas_$list; run -c "COPY (SELECT n, ms FROM bench.took ORDER BY n) TO STDOUT" >"$work/took.$list"; done
  join -t "$(printf '\t')" <(sort "$work/took.expert") <(sort "$work/took.ours") | sort -t "$(printf '\t')" -k3 -gr | head -8 |
    while IFS=$(printf '\t') read -r n a b; do db=saas_none; printf '  %8.1f ms (expert %8.1f)  %s\n' "$b" "$a" "$(run -c "SELECT left(text, 110) FROM bench.work WHERE n = $n")"; done
}

sizes() {
  tpch_data
  run -f "$here/sizes.sql" >"$work/log"
  echo "size of an index that was built: MB; predicted over built; HypoPG over built"
  run -c "SELECT to_char(built / 1e6, '99990.0'), to_char(predicted / built::float8, '990.99'), coalesce(to_char(hypopg / built::float8, '990.99'), '      -'), index FROM bench.size ORDER BY n"
  bar "b-trees off by more than 15 %" "$(run -c "SELECT count(*) FROM bench.size WHERE method = 'btree' AND abs(predicted / built::float8 - 1) > 0.15")" 0
  bar "others off by more than 30 %" "$(run -c "SELECT count(*) FROM bench.size WHERE method <> 'btree' AND abs(predicted / built::float8 - 1) > 0.30")" 0
}

whatif() { bash "$here/../whatif/planner.sh" || missed=1; }

"$bindir/postgres" --version
for part in $parts; do
  printf '\n== %s\n' "$part"
  case $part in
    tpch | joins | oltp | sizes | whatif | saas) $part ;;
    *) fail "unknown part $part" ;;
  esac
done
exit $missed
