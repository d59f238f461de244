# What pg_assist.so shows to the server is what exports.map names, and nothing of libpg_query binds to the
# server's namesakes or the other way round.
so=pg_assist.so
[ -f $so ] || { echo "$so: not built"; exit 1; }

nm -D --defined-only $so | awk '{print $3}' |
  grep -vE '^(Pg_magic_func|_PG_init|pg_finfo_[a-z0-9_]+|assist_[a-z0-9_]+)$' |
  sed 's/^/exported symbol not on the list (exports.map, test\/lint\/10_symbols.sh): /'

# Every V1 function has its info function and the other way round.
nm -D --defined-only $so | awk '{print $3}' | sed -n 's/^pg_finfo_//p' | sort >/tmp/finfo.$$
nm -D --defined-only $so | awk '{print $3}' | sort | comm -23 /tmp/finfo.$$ - |
  sed 's/^/pg_finfo_ without its function: /'
rm -f /tmp/finfo.$$
exit 0
