#!/usr/bin/env bash
# Installs what `make run` needs ("scripts/setup.sh"), and what the tests need on top ("scripts/setup.sh test").
# With OHIF=1 in the environment OHIF is fetched, too; the tests need it anyway.
# Only what is missing is installed; a run that finds all in place takes no time and asks no network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
purpose=${1:-run}

fail() {
    echo "$1" >&2
    exit 1
}

logged() { # logged FILE COMMAND...: its output is shown when it fails
    local log=$1
    shift
    "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; fail "Failed: $*; the whole output is in $log."; }
}

installed() { # installed PACKAGE
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

install_packages() { # install_packages PACKAGE...
    local missing=() package
    for package in "$@"; do installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    local as_root=(env)
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null && sudo -n true 2>/dev/null ||
            fail "Packages are missing. As root run: apt-get install --no-install-recommends ${missing[*]}"
        as_root=(sudo env)
    fi
    echo "Installing Debian packages: ${missing[*]}"
    # RUNLEVEL=1: Debian starts no service for it. Its own Orthanc would take the ports that ours wants.
    logged build/apt.log "${as_root[@]}" apt-get update
    logged build/apt.log "${as_root[@]}" DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y --no-install-recommends "${missing[@]}"
}

newer() { # newer PYTHON: whether it runs, is new enough and can make environments
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

debian_packages() {
    command -v dpkg-query >/dev/null || fail "This needs Debian 12 or 13: its packages of Orthanc are what is run."
    local packages=(orthanc orthanc-python orthanc-dicomweb ffmpeg fonts-dejavu-core libseccomp2)
    command -v node >/dev/null || packages+=(nodejs npm)
    newer python3 || packages+=(python3 python3-venv)
    if [ "$purpose" = test ]; then
        packages+=(chromium dcmtk dicom3tools libgdcm-tools debootstrap nginx-light)
        packages+=(postgresql prometheus buildah)
    fi
    install_packages "${packages[@]}"
}

python_environment() {
    local lock=requirements.lock python stamp
    [ "$purpose" = test ] && lock=requirements-dev.lock
    # An environment holds absolute paths: moved with the repository, it is made anew.
    stamp="$PWD $(cat "$lock" pyproject.toml | sha256sum)"
    grep -qxF -- "$stamp" .venv/stamps 2>/dev/null && return 0
    if ! grep -qF -- "$PWD " .venv/stamps 2>/dev/null; then
        python=python3
        newer "$python" || python=/usr/bin/python3
        newer "$python" || fail "Python 3.11 or newer with its module venv is needed; $python is not."
        rm -rf .venv
        "$python" -m venv .venv
        echo "Installing the Python environment from $lock"
    else
        echo "Bringing the Python environment up to $lock"
    fi
    logged build/pip.log .venv/bin/python -m pip install --no-input --disable-pip-version-check \
        --require-hashes -r "$lock"
    logged build/pip.log .venv/bin/python -m pip install --no-input --disable-pip-version-check \
        --no-deps --no-build-isolation -e .
    # The development lock holds all of the other one, so what satisfies it satisfies both.
    {
        echo "$stamp"
        [ "$purpose" = test ] && echo "$PWD $(cat requirements.lock pyproject.toml | sha256sum)"
    } >.venv/stamps.new
    mv .venv/stamps.new .venv/stamps
}

viewer() {
    [ -f viewer/package.json ] || return 0
    local stamp
    stamp=$(cd viewer && find . -type f -not -path './node_modules/*' -not -path './dist/*' -print0 | sort -z |
        xargs -0 sha256sum | sha256sum)
    [ -f viewer/dist/index.html ] && [ "$(cat build/viewer.stamp 2>/dev/null || true)" = "$stamp" ] &&
        { [ "$purpose" = run ] || [ -d viewer/node_modules ]; } && return 0
    node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' ||
        fail "The viewer needs Node 20.19 or newer to be built; this is $(node --version)."
    echo "Building the viewer"
    logged build/viewer.log npm --prefix viewer ci --no-audit --no-fund
    logged build/viewer.log npm --prefix viewer run build
    echo "$stamp" >build/viewer.stamp
}

ohif() {
    [ "$purpose" = test ] || [ -n "${OHIF:-}" ] || return 0
    scripts/ohif.sh build/ohif
}

mkdir -p build
debian_packages
python_environment
viewer
ohif
