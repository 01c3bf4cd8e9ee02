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
    # Root fetches as root: the sandbox user may not write here, and apt would warn each time.
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
# ones are made, and kept for the next time. apt_fetch PACKAGES FOLDER, the first split at spaces.
apt_fetch() {
    # shellcheck disable=SC2086
    {
        (cd "$2" && apt_system download $1 2>/dev/null) && return
        (cd "$2" && apt_private download $1 2>/dev/null) && return
        apt_refresh && (cd "$2" && apt_private download $1)
    }
}

# unpack PACKAGE without its dependencies, which are expected to be installed.
unpack() {
    unpack_as "$1" "$1"
}

# unpack_whole PACKAGE with its dependencies that are not installed on this machine.
unpack_whole() {
    test ! -d ".tools/deb/$1" || return 0
    apt_setup
    needed=$(apt_needed apt_system "$1") || needed=$(apt_needed apt_private "$1") ||
        { apt_refresh && needed=$(apt_needed apt_private "$1"); } || return
    unpack_as "$1" "$needed"
}

# apt_needed HOW PACKAGE prints what installing it would install, in one line.
apt_needed() {
    planned=$("$1" -s install --no-install-recommends "$2" 2>/dev/null) &&
        printf '%s\n' "$planned" | sed -n 's/^Inst \([^ ]*\).*/\1/p' | tr '\n' ' '
}

# unpack_as NAME PACKAGES lays packages out in .tools/deb/NAME.
unpack_as() {
    test ! -d ".tools/deb/$1" || return 0
    apt_setup &&
        incoming=$(mktemp -d .tools/incoming.XXXXXX) || return
    # Moved into place when whole, so that an interrupted run leaves nothing that looks finished.
    if apt_fetch "$2" "$incoming" &&
        lay_out "$incoming" &&
        mv "$incoming/tree" ".tools/deb/$1"; then
        rm -rf "$incoming"
    else
        rm -rf "$incoming"
        return 1
    fi
}

lay_out() {
    for archive in "$1"/*.deb; do
        dpkg -x "$archive" "$1/tree" || return
    done
}
