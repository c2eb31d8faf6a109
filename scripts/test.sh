#!/usr/bin/env bash
# All checks and tests with this machine's Orthanc ("host"), then the end-to-end tests again with each other
# generation that is named:  scripts/test.sh host trixie sid
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# End-to-end tests mostly wait: one more at a time than there are cores. Those of one file share a server.
parallel=(--numprocesses $(($(nproc) + 1)) --dist loadfile)

for generation in "$@"; do
    if [ "$generation" = host ]; then
        scripts/check.sh
        if [ -f viewer/package.json ]; then
            npm --prefix viewer run --silent check
            npm --prefix viewer test --silent
        fi
        .venv/bin/pytest "${parallel[@]}"
    else
        scripts/rootfs.sh "$generation" "build/roots/$generation"
        echo "End-to-end tests with Debian $generation's Orthanc:"
        ORTHANC_ROOT=$PWD/build/roots/$generation .venv/bin/pytest "${parallel[@]}" tests/e2e
    fi
done
