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

# The other tests can run without these.
for name in victoria-metrics hey; do
    provide "$name" "$name" || echo "Going on without $name: no apt to get it, and not on PATH." >&2
done

# An old kustomize, which Debian's kubectl has, to build patches for it. Its name has the distribution,
# so that it does not hide a current kubectl.
test -x .tools/bin/kubectl-debian ||
    { have_apt && unpack kubernetes-client &&
        ln -sf ../deb/kubernetes-client/usr/bin/kubectl .tools/bin/kubectl-debian; } ||
    echo "Going on without Debian's kubectl: no apt to get it." >&2

# A bare machine has no fonts and no list of them, and a browser draws nothing without both.
fonts() {
    if test -e /etc/fonts/fonts.conf && find /usr/share/fonts -name '*.[ot]tf' 2>/dev/null | grep -q .; then
        return
    fi
    unpack fonts-dejavu-core || return
    cat >.tools/fonts.conf <<EOF
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir prefix="relative">deb/fonts-dejavu-core/usr/share/fonts</dir>
  <cachedir prefix="relative">fonts.cache</cachedir>
</fontconfig>
EOF
}

# The driver of the browser needs a library that not every machine has.
driver() {
    test ! -e .tools/lib/libatomic.so.1 || return 0
    find /lib /usr/lib /usr/lib64 -name 'libatomic.so.1' 2>/dev/null | grep -q . && return
    unpack libatomic1 || return
    mkdir -p .tools/lib
    (cd .tools/lib && find ../deb/libatomic1 -name 'libatomic.so.1*' -exec ln -sf {} . \;)
}

# A browser needs libraries that a server lacks. They are unpacked beside it.
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
    have_apt && unpack_whole "$browser" && fonts || return
    folders=$(cd ".tools/deb/$browser" && find usr/lib lib -name '*.so*' -exec dirname {} + 2>/dev/null |
        sort -u | sed 's,^,$root/,' | paste -s -d :)
    # Relative to the script, so that a checkout can be moved.
    cat >.tools/bin/chromium.new <<EOF
#!/bin/sh
root=\$(dirname "\$(readlink -f "\$0")")/../deb/$browser
export LD_LIBRARY_PATH="$folders"
fonts="\$root/../../fonts.conf"
test ! -e "\$fonts" || export FONTCONFIG_FILE="\$fonts"
exec "\$root/usr/lib/chromium/$browser" "\$@"
EOF
    chmod +x .tools/bin/chromium.new
    mv .tools/bin/chromium.new .tools/bin/chromium
}

browser && driver || echo "Going on without chromium: no apt to get it, and not on PATH." >&2
