#!/bin/sh
# Makes the virtual environment from the hash-locked file: make-venv.sh PYTHON DIR
set -eu
python=$1 venv=$2
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "medtrust needs Python 3.11 or newer; '$python' is older. Next step: make PYTHON=python3.11 setup" >&2
    exit 1
}
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
        # Debian splits ensurepip off into python3-venv.
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
            echo "installing Debian's python3-venv ..."
            apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
            "$python" -m venv "$venv"
        else
            echo "python3 has no venv module. Next step: sudo apt-get install python3-venv" >&2
            exit 1
        fi
    fi
fi
echo "installing the locked packages into $venv (about a minute the first time) ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
