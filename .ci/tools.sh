#!/bin/sh
# Puts the engines that the tests start into .tools/bin: those already on PATH, or else Debian's.
set -eu
cd "$(dirname "$0")/.."
. .ci/apt.sh

mkdir -p .tools/bin

# provide NAME PACKAGE
provide() {
    test ! -x ".tools/bin/$1" || return 0
    if found=$(command -v "$1"); then
        ln -sf "$found" ".tools/bin/$1"
    else
        have_apt && unpack "$2" && ln -sf "../deb/$2/usr/bin/$1" ".tools/bin/$1"
    fi
}

missing=
for name in prometheus promtool; do
    provide "$name" prometheus || missing="$missing $name"
done
if test -n "$missing"; then
    echo "The tests need Prometheus and could not get it through apt. Put on PATH:$missing." >&2
    exit 1
fi

# Without these the rest can still be tested.
for name in victoria-metrics hey; do
    provide "$name" "$name" || echo "Going on without $name: no apt to get it, and not on PATH." >&2
done
