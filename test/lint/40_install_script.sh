# The install script runs as superuser in databases where others can create objects.

script=pg_assist--$(sed -n "s/^default_version = '\(.*\)'/\1/p" pg_assist.control).sql
[ -e "$script" ] || { echo "the install script is not built: run make"; exit 1; }
code=$(mktemp)
trap 'rm -f "$code"' EXIT
cat "$script" sql/updates/*.sql | sed -E 's/--.*$//' >"$code"

grep -nEi '\bOR[[:space:]]+REPLACE\b' "$code" | sed 's/$/   <- no OR REPLACE: it takes over what somebody else made/'
grep -nEi '\bCREATE\b.*\bIF[[:space:]]+NOT[[:space:]]+EXISTS\b' "$code" |
  sed 's/$/   <- no IF NOT EXISTS: it trusts what somebody else made/'
grep -nEi '^[[:space:]]*CREATE[[:space:]]+(UNLOGGED[[:space:]]+)?(FUNCTION|PROCEDURE|VIEW|MATERIALIZED VIEW|TABLE|TYPE|SEQUENCE|AGGREGATE)[[:space:]]+' "$code" |
  grep -vEi '(FUNCTION|PROCEDURE|VIEW|TABLE|TYPE|SEQUENCE|AGGREGATE)[[:space:]]+assist\.' |
  sed 's/$/   <- write the schema: assist.name/'

# A statement with SECURITY DEFINER has its search_path. Statements end with a semicolon at a line's end,
# bodies are between dollar quotes.
awk '
  { statement = statement "\n" $0; n = gsub(/\$[a-z_]*\$/, "&"); if (n % 2) quoted = !quoted }
  /;[ \t]*$/ && !quoted {
    if (toupper(statement) ~ /SECURITY[ \t\n]+DEFINER/ && statement !~ /SET[ \t\n]+search_path[ \t\n]*(=|TO)[ \t\n]*pg_catalog[ \t\n]*,[ \t\n]*pg_temp/) {
      match(statement, /assist\.[a-z0-9_]+/)
      print substr(statement, RSTART, RLENGTH) ": SECURITY DEFINER without SET search_path = pg_catalog, pg_temp"
    }
    statement = ""
  }' "$code"
exit 0
