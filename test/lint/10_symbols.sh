# What the server sees of the library, and that libpg_query's namesakes of server functions stay apart.
so=pg_assist.so
[ -f $so ] || { echo "$so is not built: run make"; exit 1; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

nm -D --defined-only $so | awk '{print $3}' | sort >"$dir/exported"
sed -n 's/^pg_finfo_//p' "$dir/exported" | sort >"$dir/functions"

# Nothing but the module's entry points, SQL functions and the mains of background workers.
grep -vxE 'Pg_magic_func|_PG_init|pg_finfo_.*|assist_[a-z_]*_main' "$dir/exported" | comm -23 - "$dir/functions" |
  sed 's/^/exported, but neither a SQL function nor a worker main (make it static or hidden): /'

# The install script and the library name the same C functions.
cat sql/*.sql | tr '\n' ' ' | grep -oE "MODULE_PATHNAME' *, *'[A-Za-z0-9_]+'" | sed -E "s/.*'([A-Za-z0-9_]+)'$/\1/" |
  sort -u >"$dir/declared"
comm -13 "$dir/functions" "$dir/declared" | sed 's/^/declared in sql\/ but not in the library: /'
comm -23 "$dir/functions" "$dir/declared" | sed 's/^/in the library but declared nowhere in sql\/: /'

# pgq.o shows its own four functions and takes nothing from the server: 218 names are in both.
pgq=src/sqlparse/pgq.o
nm -g --defined-only $pgq | awk '{print $3}' | sort | diff - <(sort src/sqlparse/pgq_exports.txt) >/dev/null ||
  echo "$pgq shows other symbols than src/sqlparse/pgq_exports.txt (see localize.sh)"
postgres=$("${PG_CONFIG:-pg_config}" --bindir)/postgres
nm -u $pgq | awk '{print $2}' | sort >"$dir/wanted"
nm -D --defined-only "$postgres" | awk '{print $3}' | sort | comm -12 "$dir/wanted" - |
  sed "s/^/$(basename $pgq) would call the server's /"
exit 0
