#!/bin/sh
# Makes .venv with a pip in it; a .venv that works is left alone.
set -eu
cd "$(dirname "$0")/.."
. .ci/apt.sh

python=${PYTHON:-python3}
recent='import sys; sys.exit(sys.version_info < (3, 11))'

fail() {
    echo "$*" >&2
    exit 1
}

"$python" -c "$recent" 2>/dev/null ||
    fail "Python 3.11 or later is needed; $python is not: install it, or name it with make PYTHON=..."

if .venv/bin/python -c "$recent" 2>/dev/null &&
    .venv/bin/python -m pip --version >/dev/null 2>&1; then
    exit 0
fi

if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv --clear .venv
    exit 0
fi

no_pip="$python has no ensurepip: install python3-venv (Debian, Ubuntu) or a Python that has it"
have_apt || fail "$no_pip."
unpack python3-pip-whl || fail "$no_pip; fetching Debian's python3-pip-whl instead failed."
"$python" -m venv --clear --without-pip .venv
set -- .tools/deb/python3-pip-whl/usr/share/python-wheels/pip-*.whl
PYTHONPATH=$1 .venv/bin/python -m pip -q --disable-pip-version-check install --no-index "$1"
