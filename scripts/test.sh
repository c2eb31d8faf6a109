#!/usr/bin/env bash
# All checks and tests with this machine's Orthanc ("host"), then the end-to-end tests again with each other
# generation that is named:  scripts/test.sh host trixie sid
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# End-to-end tests mostly wait: one more at a time than there are cores. Those of one file share a server; which files
# come first, tests/conftest.py says.
parallel=(--numprocesses $(($(nproc) + 1)) --dist loadfile --no-loadscope-reorder)

# Building a root file system mostly waits, too: it goes on beside the checks.
building=()
stop_building() {
    for one in "${building[@]}"; do kill -- "-$one" 2>/dev/null || true; done
}
trap stop_building EXIT
for generation in "$@"; do
    [ "$generation" != host ] || continue
    setsid scripts/rootfs.sh "$generation" "build/roots/$generation" &
    building+=($!)
done

if [ "$1" = host ]; then
    scripts/check.sh
    if [ -f viewer/package.json ]; then
        npm --prefix viewer run --silent check
        npm --prefix viewer test --silent
    fi
fi
for one in "${building[@]}"; do wait "$one"; done
building=()

for generation in "$@"; do
    if [ "$generation" = host ]; then
        .venv/bin/pytest "${parallel[@]}"
    else
        echo "End-to-end tests with Debian $generation's Orthanc:"
        ORTHANC_ROOT=$PWD/build/roots/$generation .venv/bin/pytest "${parallel[@]}" tests/e2e
    fi
done
