# docs/reference and the table of docs/settings.md are what the installed extension says of itself.
if ! output=$(bash tools/reference.sh --check 2>&1); then
  echo "$output" | head -n 20
  echo "run tools/reference.sh after make install, and commit what it writes"
fi
exit 0
