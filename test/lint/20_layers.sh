# Who may include whom. core: std, Boost and itself; sqlparse: std and itself; pg: core and sqlparse too;
# capture, worker and api: pg and core, never each other (they meet in shared memory and tables).

# includes DIR: "file:header" of each include of the C and C++ files below.
includes() {
  grep -rHoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+' --include='*.[ch]' --include='*.cpp' \
    --include='*.hpp' "$@" 2>/dev/null | sed -E 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]/:/'
}

# Names with a slash are in a folder; the standard library's have neither slash nor dot.
std='[a-z_0-9]+'
libc='(assert|ctype|errno|float|inttypes|limits|locale|math|signal|stdarg|stdbool|stddef|stdint|stdio|stdlib|string|time|wchar|fcntl|unistd|sys/[a-z]+)\.h'

includes include src/core | grep -vE ":($std|boost/.*|assist/.*|core/.*)$" |
  sed 's/$/   <- core knows std, Boost and assist\/, nothing of a server/'
includes src/sqlparse | grep -vE ":($std|$libc|sqlparse/.*|pgq_shim\.h)$" |
  grep -vxF 'src/sqlparse/pgq_shim.c:pg_query.h' |
  sed 's/$/   <- sqlparse knows std and itself; pg_query.h is for pgq_shim.c alone/'
includes src/pg | grep -E ':(capture|worker|api)/' | sed 's/$/   <- pg is below capture, worker and api/'
for room in capture worker api; do
  others=$(echo 'capture|worker|api' | sed -E "s/\|?$room//; s/^\|//")
  includes src/$room | grep -E ":($others)/" | sed "s/\$/   <- $room, $others do not include each other/"
done

# One way into the server's headers, one place for its versions.
includes src include | grep -E ':(postgres|c|postgres_ext)\.h$' | grep -vxF 'src/pg/server.hpp:postgres.h' |
  sed 's/$/   <- include "pg\/server.hpp" instead/'
grep -rn 'PG_VERSION_NUM' src include sql test/unit 2>/dev/null | grep -v '^Binary' | grep -vE '\.[od]:' |
  grep -vE '^src/(pg/compat\.h|sqlparse/pgq_shim\.c):' |
  sed 's/$/   <- only src\/pg\/compat.h names versions: put a shim there/'
exit 0
