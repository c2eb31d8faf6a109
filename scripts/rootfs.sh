#!/usr/bin/env bash
# Builds a root file system of another Debian release with its Orthanc, so that the end-to-end tests meet
# another generation of Orthanc on the same machine:  scripts/rootfs.sh SUITE DIRECTORY
# It is built elsewhere and moved when complete; a finished one is kept until the lock file changes.
set -euo pipefail

suite=$1
root=$2
cd "$(dirname "${BASH_SOURCE[0]}")/.."
packages=orthanc,orthanc-python,orthanc-dicomweb,python3-venv,ffmpeg,fonts-dejavu-core,ca-certificates
wanted=$(printf '%s %s\n' "$suite" "$packages" | cat - requirements.lock scripts/rootfs.sh | sha256sum | cut -d' ' -f1)

if [ "$(cat "$root/.orthanc-video" 2>/dev/null || true)" = "$wanted" ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Building Debian $suite's root file system in $root needs root (debootstrap and chroot): run this as root." >&2
    exit 1
fi
if ! unshare --mount --propagation private true 2>/dev/null; then
    echo "This machine lets nobody make a mount namespace, so Debian $suite cannot be built or run beside it." >&2
    exit 1
fi

mkdir -p "$(dirname "$root")"
# debootstrap cannot work below a path with a space, which the repository's may have.
building=$(mktemp -d "/var/tmp/orthanc-video-$suite.XXXXXX")
trap 'rm -rf --one-file-system "$building"' EXIT
chmod 755 "$building"
echo "Building Debian $suite with its Orthanc in $root; this takes a few minutes."
if ! debootstrap --variant=minbase --include="$packages" "$suite" "$building" >"$root.log" 2>&1; then
    tail -n 20 "$root.log" >&2
    echo "debootstrap of Debian $suite failed; the whole log is in $root.log." >&2
    exit 1
fi

# pip inside must reach the package index as pip outside does: with the same names, certificates and settings.
# They are bound over the root's own for this one command, in a mount namespace that ends with it.
# shellcheck disable=SC2016 # expanded by the inner shell
if ! unshare --mount --propagation private bash -euc '
    root=$1
    bind() { # bind HOST-PATH: shows it inside the root under the same name
        [ -e "$1" ] || return 0
        if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$root$(dirname "$1")"; touch "$root$1"; fi
        mount --bind "$1" "$root$1"
    }
    cp requirements.lock "$root/tmp/requirements.lock"
    mount --bind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
    for path in /etc/resolv.conf /etc/hosts /etc/ssl/certs /etc/pip.conf "$HOME/.config/pip"; do bind "$path"; done
    chroot "$root" /usr/bin/python3 -m venv /opt/orthanc-video-venv
    chroot "$root" /opt/orthanc-video-venv/bin/pip install --no-input --no-cache-dir \
        --disable-pip-version-check --root-user-action=ignore --require-hashes -r /tmp/requirements.lock
    rm "$root/tmp/requirements.lock"
' rootfs "$building" >>"$root.log" 2>&1; then
    tail -n 20 "$root.log" >&2
    echo "The Python environment in Debian $suite could not be made; the whole log is in $root.log." >&2
    exit 1
fi

chroot "$building" apt-get clean
echo "$wanted" >"$building/.orthanc-video"
# Beside its place first: the move may be a copy, and a copy may break off.
rm -rf --one-file-system "$root" "$root.building"
mv "$building" "$root.building"
mv "$root.building" "$root"
