# The commands of a person; what they do is in scripts/.
.PHONY: run test test-matrix test-images check lock dist bench clean

run:
	@exec scripts/run.sh

test:
	@scripts/setup.sh test
	@scripts/test.sh host trixie

test-matrix:
	@scripts/setup.sh test
	@scripts/test.sh host trixie sid

test-images:
	@scripts/setup.sh test
	.venv/bin/pytest tests/containers -m images

check:
	@scripts/setup.sh test
	@scripts/check.sh

lock:
	@scripts/setup.sh test
	@scripts/lock.sh

dist:
	@scripts/dist.sh

bench:
	@scripts/setup.sh test
	.venv/bin/python -m benchmarks

clean:
	rm -rf .venv build viewer/dist viewer/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
