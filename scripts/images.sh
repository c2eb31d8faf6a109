#!/usr/bin/env bash
# Builds the images of docker/ where there is no Docker engine: by buildah, as root, on a base made by debootstrap.
#     scripts/images.sh            into build/images; what has not changed is not built again
# Prints nothing but what goes wrong; the whole output is in build/images/*.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$PWD/build/images
base=debian:trixie-slim

if [ "$(id -u)" -ne 0 ]; then
    echo "Building images without a Docker engine needs root (debootstrap and chroot): run this as root." >&2
    exit 1
fi
mkdir -p "$folder"

store() { # store COMMAND...: buildah with a storage of its own
    buildah --root "$folder/storage" --runroot "$folder/run" "$@"
}

logged() { # logged NAME COMMAND...: its output is shown when it fails
    local log=$folder/$1.log
    shift
    "$@" >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        echo "Failed: $*; the whole output is in $log." >&2
        exit 1
    }
}

# Stands in for the registry's image of this name, which is made of the same packages.
make_base() {
    local container
    root=$(mktemp -d /var/tmp/orthanc-video-base.XXXXXX) # debootstrap cannot work below a path with a space
    trap 'rm -rf --one-file-system "$root"' EXIT
    debootstrap --variant=minbase trixie "$root"
    chroot "$root" apt-get clean
    rm -rf "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*
    container=$(store from scratch)
    store add --quiet "$container" "$root" /
    store config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --cmd bash "$container"
    store commit --quiet "$container" "$base"
    store rm "$container"
}
store inspect --type image "$base" >/dev/null 2>&1 || logged base make_base

# pip and npm inside reach their indexes as they do outside: with this machine's certificates, for the build alone.
trust=()
authorities=/etc/ssl/certs/ca-certificates.crt
if [ -f "$authorities" ]; then
    printf '[global]\ncert = /run/authorities.crt\n' >"$folder/pip.conf"
    echo 'cafile=/run/authorities.crt' >"$folder/npmrc"
    trust=(--volume "$authorities:/run/authorities.crt:ro" --volume "$folder/pip.conf:/etc/pip.conf:ro"
        --volume "$folder/npmrc:/etc/npmrc:ro")
fi
arguments=(--build-arg OHIF=1) # which the image of Orthanc passes over
for image in orthanc gateway; do
    logged "$image" store build --isolation chroot --network host --pull-never --layers --format docker "${trust[@]}" "${arguments[@]}" \
        --file "docker/$image/Dockerfile" --tag "orthanc-video-$image" .
done
