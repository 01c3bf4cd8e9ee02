# shellcheck shell=sh
# Sourced, from the project's root. unpack PACKAGE lays a Debian package out in .tools/deb/PACKAGE
# without installing it: no root, nothing enabled, nothing outside .tools changed.

apt_root=$PWD/.tools/apt
apt_refreshed=no

have_apt() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null
}

apt_setup() {
    mkdir -p "$apt_root/lists/partial" "$apt_root/cache/archives/partial" .tools/deb
    # A file and not -o options: only a file can clear hooks, and an image's hooks expect root.
    # Root fetches as root because the sandbox user may not write here, and apt says so each time.
    cat >"$apt_root/apt.conf" <<EOF
Dir::Cache "$apt_root/cache";
Acquire::Languages "none";
APT::Sandbox::User "root";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
EOF
}

apt_system() {
    apt-get -qq -c "$apt_root/apt.conf" "$@"
}

apt_private() {
    apt_system -o "Dir::State::Lists=$apt_root/lists" "$@"
}

apt_refresh() {
    test "$apt_refreshed" = no || return 0
    apt_refreshed=yes
    apt_private update
}

# The machine's own package lists may be absent, unreadable or too old to fetch from; then private
# ones are made, and kept for the next time.
apt_fetch() {
    (cd "$2" && apt_system download "$1" 2>/dev/null) && return
    (cd "$2" && apt_private download "$1" 2>/dev/null) && return
    apt_refresh && (cd "$2" && apt_private download "$1")
}

unpack() {
    test ! -d ".tools/deb/$1" || return 0
    apt_setup &&
        incoming=$(mktemp -d .tools/incoming.XXXXXX) || return
    # Moved into place when whole, so that an interrupted run leaves nothing that looks finished.
    if apt_fetch "$1" "$incoming" &&
        dpkg -x "$incoming/$1"_*.deb "$incoming/tree" &&
        mv "$incoming/tree" ".tools/deb/$1"; then
        rm -rf "$incoming"
    else
        rm -rf "$incoming"
        return 1
    fi
}
