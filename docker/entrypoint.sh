#!/bin/sh
# Puts each secret into the environment under its file's name, where the configuration reads it (`${NAME}`), and becomes
# the command. The secrets stay out of compose.yaml, of images, and of what `docker inspect` shows.
set -eu
umask 077
for file in /run/secrets/orthanc-video/*; do
    [ -r "$file" ] || continue
    case $(basename "$file") in
    ORTHANC_*) export "$(basename "$file")=$(cat "$file")" ;;
    esac
done
exec "$@"
