# Files stay readable: 800 lines at most (400 is the aim), lines without trailing blanks or tabs in C++.
git ls-files -co --exclude-standard 2>/dev/null | grep -vE '^(expected/|test/isolation/expected/|LICENSE)' |
  while read -r file; do
    [ -f "$file" ] || continue
    case $file in *.cpp | *.hpp | *.h | *.c | *.sql | *.sh | *.pl | *.pm | *.mk | *.md) ;; *) continue ;; esac
    lines=$(wc -l <"$file")
    [ "$lines" -le 800 ] || echo "$file has $lines lines: split it (800 at most, 400 is the aim)"
    case $file in
      *.cpp | *.hpp | *.h | *.c)
        grep -nE '[[:space:]]+$' "$file" | head -n 3 | sed "s|^|$file: trailing blanks: |"
        grep -nP '\t' "$file" | head -n 3 | sed "s|^|$file: tabs (make format): |"
        ;;
      *.sh) bash -n "$file" 2>&1 ;;
    esac
  done
exit 0
