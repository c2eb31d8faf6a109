#!/usr/bin/env bash
# Sets up what is missing, then runs Orthanc with the plugin until Ctrl-C or SIGTERM.
set -euo pipefail

http=${ORTHANC_HTTP_PORT:-8042}
dicom=${ORTHANC_DICOM_PORT:-4242}
gateway=${GATEWAY_PORT:-8043}
data=$(realpath -m -- "${ORTHANC_VIDEO_DATA:-"$(dirname "${BASH_SOURCE[0]}")/../data"}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh

free() { # free PORT VARIABLE EXAMPLE WHAT
    case $1 in
    '' | *[!0-9]* | ??????* | 0*)
        echo "$2=$1 is no port number: name a free one, as in: make run $2=$3." >&2
        exit 1
        ;;
    esac
    if [ "$1" -gt 65535 ]; then
        echo "$2=$1 is no port number: the highest is 65535." >&2
        exit 1
    fi
    if ! .venv/bin/python - "$1" <<'PYTHON'; then
import socket, sys
with socket.socket() as one:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind(("", int(sys.argv[1])))
    except (OSError, OverflowError, ValueError):
        sys.exit(1)
PYTHON
        local hint=
        if systemctl is-active --quiet orthanc 2>/dev/null; then
            hint=" Debian's own Orthanc runs as a service here: systemctl stop orthanc ends it."
        fi
        echo "Port $1, wanted for $4, is taken: name a free one, as in: make run $2=$3.$hint" >&2
        exit 1
    fi
}
free "$http" ORTHANC_HTTP_PORT 18042 "Orthanc's HTTP server"
free "$dicom" ORTHANC_DICOM_PORT 14242 "Orthanc's DICOM server"
free "$gateway" GATEWAY_PORT 18043 "the video gateway"

if [ "$http" = "$gateway" ] || [ "$http" = "$dicom" ] || [ "$dicom" = "$gateway" ]; then
    echo "ORTHANC_HTTP_PORT, ORTHANC_DICOM_PORT and GATEWAY_PORT must be three different ports." >&2
    exit 1
fi

mkdir -p "$data/orthanc"
# Held by Orthanc as well, as long as it lives.
exec 9>"$data/lock"
if ! flock -n 9; then
    echo "The data in $data are in use by another run: name another folder, as in: make run ORTHANC_VIDEO_DATA=other." >&2
    exit 1
fi
export ORTHANC_VIDEO_DATA=$data
viewers="  Viewer             http://localhost:$gateway/"
if [ -n "${OHIF:-}" ]; then
    export ORTHANC_VIDEO_OHIF=$PWD/build/ohif
    viewers+=$'\n'"  OHIF               http://localhost:$gateway/ohif/"
fi

stopping=
stop() {
    stopping=yes
    kill -TERM "$orthanc" 2>/dev/null || true
}
# Even when this script is killed outright, Orthanc ends.
setpriv --pdeathsig TERM Orthanc orthanc.json &
orthanc=$!
trap stop INT TERM HUP

answers() { .venv/bin/python -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$1" 2>/dev/null; }

announced=
for _ in $(seq 150); do
    [ -z "$stopping" ] && kill -0 "$orthanc" 2>/dev/null || break
    if answers "http://127.0.0.1:$http/system" && answers "http://127.0.0.1:$gateway/health"; then
        cat <<TEXT

orthanc-video runs. Drop videos on either page; Ctrl-C ends it.
  Orthanc Explorer   http://localhost:$http/app/explorer.html#upload
$viewers
  API documentation  http://localhost:$gateway/docs
  Data               $data

TEXT
        announced=yes
        break
    fi
    sleep 0.2
done
if [ -z "$announced$stopping" ] && kill -0 "$orthanc" 2>/dev/null; then
    echo "Orthanc runs, but not all of it answers; the lines above say why." >&2
fi

# A trapped signal interrupts `wait`: wait again until Orthanc has really ended, and end as it did.
while kill -0 "$orthanc" 2>/dev/null; do wait "$orthanc" || true; done
wait "$orthanc" || exit $?
