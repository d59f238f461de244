# Every rule file is registered and documented. (Its parameters and tests: test/unit/registry_test.cpp.)
for file in src/core/rules/*.cpp; do
  [ -e "$file" ] || continue
  id=$(sed -nE 's/^[[:space:]]*\.id = "([a-z0-9_]+)".*/\1/p' "$file")
  [ -n "$id" ] || continue # no rule: registry, support
  name=$(basename "$file" .cpp)
  [ "$id" = "$name" ] || echo "$file: a file is called as its rule: $id.cpp"
  constant=k$(sed -E 's/(^|_)([a-z0-9])/\U\2/g' <<<"$id")
  grep -q "&rules::$constant," src/core/rules/registry.cpp || echo "$file: add &rules::$constant to registry.cpp"
  [ -s "docs/rules/$id.md" ] || echo "$file: write docs/rules/$id.md"
  [ -s "test/unit/${id}_test.cpp" ] || echo "$file: write test/unit/${id}_test.cpp, with a case in which it is silent"
done
for page in docs/rules/*.md; do
  [ -e "$page" ] || continue
  name=$(basename "$page" .md)
  [ "$name" = README ] || [ -e "src/core/rules/$name.cpp" ] || echo "$page: there is no rule of that name"
done
exit 0
