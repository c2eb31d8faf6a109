#!/usr/bin/env bash
# Resolves pyproject.toml anew into the lock files, hashes included; they name no package index.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lock() { # lock GROUP FILE
    .venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet \
        pyproject.toml --group "$1" -o "$2"
}
lock build requirements.lock
lock dev requirements-dev.lock
