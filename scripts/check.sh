#!/usr/bin/env bash
# What is checked without running anything: format, lint, types.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=.venv/bin

"$bin/ruff" format --check --quiet
"$bin/ruff" check --quiet
"$bin/mypy" --no-error-summary plugin tests benchmarks scripts/conformance.py scripts/compatibility.py
