#!/bin/bash
# Runs every check of this directory. A check is a script NN_name.sh that prints what is wrong and how to
# mend it, one line each, and nothing when all is well.
set -u
cd "$(dirname "$0")/../.."
number=0
bad=0
for check in test/lint/[0-9]*.sh; do
  number=$((number + 1))
  name=$(basename "$check" .sh)
  if output=$(bash "$check" 2>&1) && [ -z "$output" ]; then
    echo "ok $number - ${name#*_}"
  else
    bad=$((bad + 1))
    echo "not ok $number - ${name#*_}"
    sed 's/^/#   /' <<<"$output"
  fi
done
[ "$bad" = 0 ]
