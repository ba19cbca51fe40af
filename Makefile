# make quickstart   install into .venv, then run configs/quick.yaml (about 9 minutes on 2 cores)
# make test         install into .venv, then the fast test suite
# make docs         the documentation as a site, its notebooks run
# make test-cluster  start a SLURM of one node (as root; installs slurm-wlm and munge) and run a benchmark on it
# make check        lint, types and the fast test suite, as CI does
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: docs quickstart test test-slow test-cluster check lint calibrate install install-dev clean

quickstart: $(VENV)/.installed
	$(BIN)/physrep bench configs/quick.yaml --out runs/quick

test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m slow

test-cluster: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 PHYSREP_TEST_CLUSTER=1 $(BIN)/python -m pytest -m slow tests/cluster

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/pyright

check: lint test

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing physrep into $(VENV) (about a minute)"
	$(PIP) -e .
	@touch $@

# the-well pins old versions of what it needs; it is a test oracle only, so it is installed beside, never by users.
$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing test tools into $(VENV)"
	$(PIP) -e ".[dev]"
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	@echo "installing mkdocs into $(VENV)"
	$(PIP) -e ".[docs]"
	@touch $@

clean:
	rm -rf runs .pytest_cache .ruff_cache
