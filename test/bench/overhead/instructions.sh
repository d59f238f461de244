#!/bin/bash
# instructions.sh: how many machine instructions a configuration adds to one statement.
#
# A single-user server runs the same statement 100 and 600 times under cachegrind; the difference of
# both runs, divided by 500, is the cost of one execution without start and stop of the server. The
# result hardly depends on the load of the machine. Counted are user-space instructions: no system
# calls, no cache misses, no waiting for locks (pgbench.sh measures those).
#
# select1, pk, execute: reading. insert, update: writing, each run in tables made anew. churn: a text that was never
# seen, while the store is full, so that another one has to go: 5,000 are recorded before and saved at shutdown, and
# every run begins with that file.

usage() {
  cat <<'TEXT'
usage: instructions.sh [--only CONFIGURATION] [--statement STATEMENT] [--profile] [--check]
                       [--bar N] [--set 'name=value']

  --only C       measure configuration C alone (beside queryid, its reference); may be repeated
                 base, queryid, pg_stat_statements, pg_qualstats, pg_qualstats_all, pg_assist
  --statement S  measure statement S alone (select1, pk, execute, insert, update, churn); may be repeated
  --profile      list the functions that the configuration adds instructions to (callgrind);
                 without --only and --statement: pg_assist and pk
  --check        exit with status 1 when pg_assist is above the bar
  --bar N        instructions that pg_assist may add to a statement that reads (default 600); the bar of
                 the others is what pg_stat_statements adds
  --set N=V      server setting for pg_assist's runs, e.g. assist.sample_rate=0; may be repeated

PG_CONFIG selects the PostgreSQL installation (default: pg_config in the path).
TEXT
}

all_configurations=(base queryid pg_stat_statements pg_qualstats pg_qualstats_all pg_assist)
all_statements=(select1 pk execute insert update churn)
few=100 many=600 full=5000
only=() statements=() extra=() profile=no check=no bar=600
while [ $# -gt 0 ]; do
  case $1 in
    --only) only+=("${2:?}"); shift ;;
    --statement) statements+=("${2:?}"); shift ;;
    --profile) profile=yes ;;
    --check) check=yes ;;
    --bar) bar=${2:?}; shift ;;
    --set) extra+=(-c "${2:?}"); shift ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
. "$(dirname "$(readlink -f "$0")")/server.sh"
one_of() { local x=$1; shift; local y; for y in "$@"; do [ "$x" = "$y" ] && return 0; done; return 1; }
for c in "${only[@]}"; do one_of "$c" "${all_configurations[@]}" || fail "unknown configuration $c"; done
for s in "${statements[@]}"; do one_of "$s" "${all_statements[@]}" || fail "unknown statement $s"; done
command -v valgrind >/dev/null || fail "valgrind is missing (apt-get install valgrind)"

data=$work/data

single() {  # single [settings...]: runs the lines of standard input, one statement each
  as_server "${tool[@]}" "$bindir/postgres" --single -D "$data" "$@" postgres \
    >"$work/out" 2>"$work/err" || { tail -5 "$work/err" >&2; fail "the server failed"; }
  if grep -E '(ERROR|FATAL|PANIC):' "$work/err" >&2; then fail "a statement failed"; fi
}

tool=()
new_cluster data
echo "fsync = off" | as_server tee -a "$data/postgresql.conf" >"$work/log"
columns=$(printf ', c%s int default 1' {0..15})
printf '%s\n' "create table t (id int primary key, v text)" \
  "insert into t select i, md5(i::text) from generate_series(1, 10000) i" \
  "create table h (a int, b int, v text)" "create table w (id int primary key, n int)" \
  "create table churn (id int primary key$columns)" "insert into churn select i from generate_series(1, 10000) i" \
  "vacuum (freeze, analyze) t" "vacuum (freeze, analyze) churn" | single

settings() {  # settings CONFIGURATION: fills the array `set`
  case $1 in
    base) set=(-c compute_query_id=off) ;;
    queryid) set=(-c compute_query_id=on) ;;
    pg_stat_statements) set=(-c compute_query_id=on -c shared_preload_libraries=pg_stat_statements) ;;
    pg_qualstats|pg_qualstats_all)
      set=(-c compute_query_id=on -c 'shared_preload_libraries=pg_stat_statements,pg_qualstats')
      [ "$1" = pg_qualstats ] || set+=(-c pg_qualstats.sample_rate=1) ;;
    pg_assist) set=(-c compute_query_id=on -c shared_preload_libraries=pg_assist "${extra[@]}") ;;
  esac
}
installed() {  # installed CONFIGURATION
  case $1 in
    pg_stat_statements|pg_assist) [ -e "$libdir/$1.so" ] ;;
    pg_qualstats*) [ -e "$libdir/pg_qualstats.so" ] && [ -e "$libdir/pg_stat_statements.so" ] ;;
  esac
}
# Statement N of the churn: no two have the same select list.
churn() { echo "SELECT c$(($1 % 16)), c$(($1 / 16 % 16)), c$(($1 / 256 % 16)), c$(($1 / 4096)) FROM churn WHERE id=42"; }
lines() {  # lines STATEMENT COUNT
  local text i
  case $1 in
    select1) text='SELECT 1' ;;
    pk) text='SELECT v FROM t WHERE id=42' ;;
    execute) text='EXECUTE p(42)'; echo 'PREPARE p(int) AS SELECT v FROM t WHERE id=$1' ;;
    insert) text="INSERT INTO h VALUES (42, 1, 'x')"; echo 'TRUNCATE h' ;;
    update)
      text='UPDATE w SET n=n+1 WHERE id=42'
      printf '%s\n' 'TRUNCATE w' 'INSERT INTO w SELECT i, 0 FROM generate_series(1, 1000) i' ;;
    churn) for ((i = 0; i < $2; i++)); do churn $((full + i)); done; return ;;
  esac
  for ((i = 0; i < $2; i++)); do echo "$text"; done
}
fill() {  # fill [settings...]: leaves the file of a full store in $work/full
  local i
  tool=(); for ((i = 0; i < full; i++)); do churn $i; done | single "$@"
  rm -rf "$work/full"; cp -a "$data/pg_stat" "$work/full"
}
prepare() {  # prepare STATEMENT [settings...]: before measuring runs
  local statement=$1; shift
  [ "$statement" != churn ] || fill "$@"
  tool=(); lines "$statement" 3 | single "$@"   # fills caches on disk that only a first start writes
}
measure() {  # measure STATEMENT COUNT [settings...]: one run under `tool`
  local statement=$1 n=$2; shift 2
  # But for the churn every run begins with nothing: then the first executions are measured in both runs, and none of those
  # that make up their difference.
  rm -rf "$data/pg_stat"
  if [ "$statement" = churn ]; then cp -a "$work/full" "$data/pg_stat"; else as_server mkdir "$data/pg_stat"; fi
  lines "$statement" "$n" | single "$@"
}
count() {  # count STATEMENT COUNT [settings...]: instructions of one whole server run
  local statement=$1 n=$2; shift 2
  tool=(env "PADDING=$padding" valgrind --tool=cachegrind --cache-sim=no "--cachegrind-out-file=$work/cachegrind.out")
  measure "$statement" "$n" "$@"
  sed -n 's/^summary: *//p' "$work/cachegrind.out"
}
cost() {  # cost CONFIGURATION STATEMENT: instructions of one execution
  local set; settings "$1"
  prepare "$2" "${set[@]}"
  # Where the stack and the heap begin decides which paths string functions take, by some 50 instructions:
  # the median over environments of several sizes.
  local a b n costs=() padding
  for n in 0 1000 2100 3300 4700; do
    padding=$(printf '%*s' $n '')
    a=$(count "$2" $few "${set[@]}"); b=$(count "$2" $many "${set[@]}")
    costs+=($(( (b - a) / (many - few) )))
  done
  [ -z "${VERBOSE:-}" ] || echo "$1 $2: ${costs[*]}" >&2
  # pg_assist measures 100 new plans a second in a session: of the statements of a real flood a few in a thousand, of
  # those under cachegrind many or none, as the second ends. The least is the one with the fewest.
  printf '%s\n' "${costs[@]}" | sort -n | sed -n "$([ "$2" = churn ] && echo 1 || echo 3)p"
}

# profile_of CONFIGURATION STATEMENT COUNT: lines "instructions <tab> function", own cost (self) and
# with callees (incl) marked in the first column
profile_of() {
  local set; settings "$1"
  tool=(valgrind --tool=callgrind "--callgrind-out-file=$work/callgrind.out")
  measure "$2" "$3" "${set[@]}"
  local kind
  for kind in self incl; do
    callgrind_annotate --threshold=100 --auto=no --inclusive=$([ $kind = incl ] && echo yes || echo no) \
      "$work/callgrind.out" 2>/dev/null |
      awk -v kind=$kind '
        /^ *[0-9,]+ \([ 0-9.]+%\) / && !/PROGRAM TOTALS/ {
          n = $1; gsub(",", "", n); sub(/^ *[0-9,]+ \([ 0-9.]+%\) +/, "")
          object = match($0, /\[[^]]*\]/) ? substr($0, RSTART + 1, RLENGTH - 2) : ""
          sub(/ *\[[^]]*\].*$/, ""); sub(/^[^:]*:/, ""); sub(/.*\//, "", object)
          # Inlined code comes without its object: a name alone tells a function, an address does not.
          print kind "\t" n "\t" $0 ($0 ~ /^0x/ ? " [" object "]" : "") }'
  done
}
print_profile() {  # print_profile CONFIGURATION STATEMENT
  local c=$1 s=$2 kind title
  for x in queryid "$c"; do
    local set; settings $x; prepare "$s" "${set[@]}"
    profile_of $x "$s" $few >"$work/$x.few"; profile_of $x "$s" $many >"$work/$x.many"
  done
  for kind in self incl; do
    title=$([ $kind = self ] && echo "own instructions" || echo "instructions with callees")
    printf '\n%s, %s: %s per statement\n%8s %8s %8s  %s\n' "$c" "$s" "$title" added queryid "with it" function
    awk -F'\t' -v kind=$kind -v runs=$((many - few)) '
      $1 != kind { next }
      { sign = FILENAME ~ /few$/ ? -1 : 1 }
      FILENAME ~ /queryid/ { before[$3] += sign * $2 / runs; name[$3]; next }
      { after[$3] += sign * $2 / runs; name[$3] }
      END {
        for (f in name) {
          d = after[f] - before[f]
          if (d >= 3 || d <= -3) printf "%8.0f %8.0f %8.0f  %.110s\n", d, before[f], after[f], f
        }
      }' "$work/queryid.few" "$work/queryid.many" "$work/$c.few" "$work/$c.many" |
      sort -rn >"$work/list"
    head -40 "$work/list"
    [ $kind = incl ] || awk '{ t += $1 } END { printf "%8.0f %27s all functions\n", t, "" }' "$work/list"
  done
}

if [ $profile = yes ]; then
  [ ${#only[@]} -gt 0 ] || only=(pg_assist)
  [ ${#statements[@]} -gt 0 ] || statements=(pk)
  for c in "${only[@]}"; do
    [ "$c" = base ] || [ "$c" = queryid ] || installed "$c" || fail "$c is not installed in $libdir"
    for s in "${statements[@]}"; do print_profile "$c" "$s"; done
  done
  exit 0
fi

[ ${#statements[@]} -gt 0 ] || statements=("${all_statements[@]}")
configurations=(queryid)
for c in "${all_configurations[@]}"; do
  [ "$c" = queryid ] && continue
  [ ${#only[@]} -eq 0 ] || one_of "$c" "${only[@]}" || continue
  if [ "$c" != base ] && ! installed "$c"; then
    [ ${#only[@]} -eq 0 ] || fail "$c is not installed in $libdir"
    echo "skipped: $c is not installed in $libdir" >&2
    continue
  fi
  configurations+=("$c")
done
declare -A label=(
  [base]='base: compute_query_id = off'
  [queryid]='compute_query_id = on, instructions in all'
  [pg_stat_statements]='pg_stat_statements'
  [pg_qualstats]='  and pg_qualstats (one in 100 sampled)'
  [pg_qualstats_all]='  and pg_qualstats (all sampled)'
  [pg_assist]='pg_assist')

"$bindir/postgres" --version
echo "Instructions per statement; below the first line, those added over compute_query_id = on."
echo
printf '%-44s' ''; printf '%10s' "${statements[@]}"; echo
declare -A reference added
for c in "${configurations[@]}"; do
  printf '%-44s' "${label[$c]}"
  for s in "${statements[@]}"; do
    n=$(cost "$c" "$s")
    if [ "$c" = queryid ]; then
      reference[$s]=$n
      printf '%10d' "$n"
    else
      added[$c.$s]=$((n - reference[$s]))
      printf '%+10d' "${added[$c.$s]}"
    fi
  done
  echo
done
# The throughput cannot be lower by more than this share, for the client and the kernel take their time besides.
for c in pg_stat_statements pg_assist; do
  one_of $c "${configurations[@]}" || continue
  printf '%-44s' "per cent of it: $c"
  for s in "${statements[@]}"; do
    printf '%10s' "$(awk -v a="${added[$c.$s]}" -v r="${reference[$s]}" 'BEGIN { printf "%.2f", 100 * a / r }')"
  done
  echo
done
if one_of pg_assist "${configurations[@]}"; then
  above=no
  printf '%-44s' 'bar for pg_assist'
  for s in "${statements[@]}"; do
    limit=$bar
    case $s in insert|update|churn) limit=${added[pg_stat_statements.$s]:-} ;; esac
    if [ -z "$limit" ]; then printf '%10s' '-'; continue; fi
    printf '%+10d' "$limit"
    [ "${added[pg_assist.$s]}" -le "$limit" ] || above=yes
  done
  echo
  if [ $above = yes ]; then
    echo "pg_assist is above the bar."
    [ $check = no ] || exit 1
  fi
fi
