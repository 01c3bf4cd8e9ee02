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

# A browser needs libraries that a server has not got: they come with it, and are found there.
browser() {
    test ! -x .tools/bin/chromium || return 0
    for name in chromium chromium-browser chromium-headless-shell google-chrome \
        google-chrome-stable; do
        if found=$(command -v "$name"); then
            ln -sf "$found" .tools/bin/chromium
            return
        fi
    done
    browser=chromium-headless-shell
    have_apt && unpack_whole "$browser" || return
    folders=$(cd ".tools/deb/$browser" && find usr/lib lib -name '*.so*' -exec dirname {} + 2>/dev/null |
        sort -u | sed 's,^,$root/,' | paste -s -d :)
    # Found from where it lies, so that a checkout can be moved.
    cat >.tools/bin/chromium.new <<EOF
#!/bin/sh
root=\$(dirname "\$(readlink -f "\$0")")/../deb/$browser
export LD_LIBRARY_PATH="$folders"
exec "\$root/usr/lib/chromium/$browser" "\$@"
EOF
    chmod +x .tools/bin/chromium.new
    mv .tools/bin/chromium.new .tools/bin/chromium
}

browser || echo "Going on without chromium: no apt to get it, and not on PATH." >&2
