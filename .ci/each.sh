#!/bin/sh
# each.sh PATTERN COMMAND...: COMMAND on every file that PATTERN names, up to the first failure.
set -eu
cd "$(dirname "$0")/.."

pattern=$1
shift
ran=no
for file in $pattern; do
    test -e "$file" || continue
    ran=yes
    echo "== $file"
    "$@" "$file"
done
test "$ran" = yes || echo "There is nothing to run yet ($pattern)."
