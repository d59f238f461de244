#!/bin/sh
# localize.sh OUT OBJECT...: links the objects with libpg_query.a into one object of which only the symbols
# of pgq_exports.txt are global. 218 names of libpg_query are the server's too (palloc, errstart ...):
# linked plainly, ours or the server's calls would bind to the wrong one.
set -eu
out=$1
shift
exports=$(dirname "$0")/pgq_exports.txt
archive=$(${CC:-cc} -print-file-name=libpg_query.a)
if [ ! -f "$archive" ]; then
  echo "libpg_query.a not found: install libpg-query-dev ('make deps')" >&2
  exit 1
fi
trap 'rm -f "$out.tmp"' EXIT
# muldefs: the stack check of pgq_stack.o comes before the library's stub and replaces it.
${LD:-ld} -r -z muldefs -o "$out.tmp" "$@" "$archive"
objcopy --keep-global-symbols="$exports" "$out.tmp" "$out"
