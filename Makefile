# Everything runs in .venv, which is made on first use. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ENGINES := $(VENV)/.engines
TESTS ?= tests

# Metaflow runs for nobody without a name, and not for root: containers have only that.
ifeq ($(filter-out root,$(USER)),)
export USER := developer
endif

# Tests and benchmarks start hundreds of interpreters: without byte code each compiles Dagster anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# The stamp is newer than what it depends on, so a second call does nothing.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "Python 3.10 or newer is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	@if command -v uv > /dev/null; then \
	  uv venv --quiet --allow-existing --python "$(PYTHON)" $(VENV); \
	  uv pip install --quiet --python $(BIN)/python -e '.[dev]'; \
	else \
	  $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'; \
	fi
	@touch $@

# What only the slow tests need.
$(ENGINES): $(STAMP)
	@if command -v uv > /dev/null; then \
	  uv pip install --quiet --python $(BIN)/python -e '.[dev,engines]'; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,engines]'; \
	fi
	@touch $@

.PHONY: install
install: $(STAMP) ## Make .venv with this package and the tools for development

.PHONY: demo
demo: $(STAMP) ## Compile a flow and run it in Dagster, in ./demo
	@$(BIN)/python scripts/demo.py

.PHONY: test
test: $(STAMP) ## Run the tests, without the slow ones
	$(BIN)/python -m pytest -n 2 -m "not slow" $(TESTS)

.PHONY: test-all
test-all: $(ENGINES) ## Run all tests, for hours; needs redis-server and PostgreSQL on this machine
	$(BIN)/python -m pytest -n 2 --random-flows 3000 $(TESTS)
	for engine in cold plain in_process multiprocess moved; do \
	  $(BIN)/python -m pytest -n 2 --engine $$engine tests/differential; \
	done

.PHONY: bench
bench: $(STAMP) ## Measure what a task costs beside a native run
	@$(BIN)/python -m bench

.PHONY: lint
lint: $(STAMP) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

.PHONY: format
format: $(STAMP) ## Put sources into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: clean
clean: ## Remove .venv and everything that was generated
	rm -rf $(VENV) demo bench-results build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
