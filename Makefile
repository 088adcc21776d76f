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

# The oldest versions that pyproject.toml promises, and the newest that there are.
FLOOR := .venv-floor
FLOOR_PYTHON ?=
FLOOR_TESTS ?= $(VERSION_TESTS)
NEWEST := .venv-newest
NEWEST_PYTHON ?=
NEWEST_TESTS ?= $(VERSION_TESTS)
VERSION_TESTS := tests/unit tests/golden tests/deploy tests/events \
  tests/differential/test_shapes.py tests/differential/test_tasks.py

# Metaflow runs for nobody without a name, and not for root: containers have only that.
ifeq ($(filter-out root,$(USER)),)
export USER := developer
endif

# Tests and benchmarks start hundreds of interpreters: without byte code each compiles Dagster anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

# A comma would end an argument of call.
COMMA := ,

# install VENV,PYTHON,PACKAGES: make a virtual environment, or use the one that is there.
define install
if command -v uv > /dev/null; then \
  uv venv --quiet --allow-existing --python "$(2)" $(1); \
  uv pip install --quiet --python $(1)/bin/python $(3); \
else \
  "$(2)" -m venv $(1); \
  $(1)/bin/python -m pip install --quiet --disable-pip-version-check $(3); \
fi
endef

# The stamp is newer than what it depends on, so a second call does nothing.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "Python 3.10 or newer is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(call install,$(VENV),$(PYTHON),-e '.[dev$(COMMA)docs]')
	@touch $@

# What only the slow tests need.
$(ENGINES): $(STAMP)
	@$(call install,$(VENV),$(PYTHON),-e '.[dev$(COMMA)engines]')
	@touch $@

.PHONY: install
install: $(STAMP) ## Make .venv with this package and the tools for development

# Metaflow and Dagster as they will be released next, from their repositories.
DAGSTER_GIT := git+https://github.com/dagster-io/dagster.git\#subdirectory=python_modules
UNRELEASED_metaflow := git+https://github.com/Netflix/metaflow.git
UNRELEASED_dagster := $(addprefix $(DAGSTER_GIT)/,libraries/dagster-shared dagster-pipes dagster dagster-graphql dagster-webserver)
NEIGHBOURS ?= metaflow dagster

.PHONY: install-unreleased
install-unreleased: $(STAMP) ## Put unreleased NEIGHBOURS (metaflow dagster) into .venv
	$(call install,$(VENV),$(PYTHON),$(foreach name,$(NEIGHBOURS),$(UNRELEASED_$(name))))

.PHONY: dist
dist: $(STAMP) ## Build the wheel and the sdist, in ./dist
	rm -rf dist
	$(BIN)/python -m build --no-isolation

.PHONY: demo
demo: $(STAMP) ## Compile a flow and run it in Dagster, in ./demo
	@$(BIN)/python scripts/demo.py

.PHONY: docs
docs: $(STAMP) ## Build the site of the documentation, in ./site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs --quiet build --strict

.PHONY: test
test: $(STAMP) ## Run the tests, without the slow ones
	$(BIN)/python -m pytest -n 2 -m "not slow" $(TESTS)

.PHONY: golden
golden: $(STAMP) ## Write the expected generated files anew; read the difference
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/golden -k generated_source
	git diff --stat -- tests/golden

.PHONY: test-all
test-all: $(ENGINES) ## Run all tests, for hours; needs redis-server and PostgreSQL on this machine
	$(BIN)/python -m pytest -n 2 --random-flows 3000 $(TESTS)
	for engine in cold plain in_process multiprocess moved thin; do \
	  $(BIN)/python -m pytest -n 2 --engine $$engine tests/differential; \
	done

.PHONY: test-cluster
test-cluster: $(ENGINES) ## Run pods and Batch jobs on stand-ins for Kubernetes and AWS; Linux only
	$(BIN)/python -m pytest -n 2 tests/cluster

.PHONY: test-cluster-shapes
test-cluster-shapes: $(ENGINES) ## Run every shape of graph with each task, and with each op, in a pod of the stand-in, for hours
	$(BIN)/python -m pytest -n 2 tests/cluster/test_shapes.py tests/cluster/test_step_shapes.py --all-shapes

.PHONY: chaos
chaos: $(ENGINES) ## Lose workers, broker, database and S3 under 100 runs; needs redis-server and PostgreSQL
	$(BIN)/python -m pytest -s tests/engines/test_chaos.py --chaos-runs 50

$(FLOOR)/.installed: pyproject.toml tests/floor.txt
	@rm -rf $(FLOOR)
	@python="$(FLOOR_PYTHON)"; python="$${python:-$$(scripts/find-python 3.10)}"; \
	$(call install,$(FLOOR),$$python,-e '.[dev]' -c tests/floor.txt)
	@touch $@

.PHONY: test-browser
test-browser: $(STAMP) ## Look at Dagster's UI with a real browser; needs chromium on this machine
	$(BIN)/python -m pytest tests/browser

.PHONY: screenshots
screenshots: $(STAMP) ## Take the pictures of the docs anew; needs chromium on this machine
	@mkdir -p docs/images
	$(BIN)/python -m pytest tests/browser --screenshots docs/images

.PHONY: test-floor
test-floor: $(FLOOR)/.installed ## Run the tests on Python 3.10 and the oldest versions (tests/floor.txt)
	$(FLOOR)/bin/python -m pytest -n 2 -m "not slow" $(FLOOR_TESTS)

# Looks for new releases each time.
.PHONY: test-newest
test-newest: ## Run the tests on the newest Python and the newest releases
	@python="$(NEWEST_PYTHON)"; python="$${python:-$$(scripts/find-python 3.14 3.13 3.12 3.11)}"; \
	export PIP_UPGRADE_STRATEGY=eager; \
	$(call install,$(NEWEST),$$python,-e '.[dev]' --upgrade)
	$(NEWEST)/bin/python -m pytest -n 2 -m "not slow" $(NEWEST_TESTS)

.PHONY: bench
bench: $(STAMP) ## Measure what a task costs beside a native run
	@$(BIN)/python -m bench

.PHONY: bench-all
bench-all: $(ENGINES) ## Measure also long runs, several at once, PostgreSQL, resumes, many files; an hour
	@$(BIN)/python -m bench --all

.PHONY: lint
lint: $(STAMP) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python scripts/strict_types.py

.PHONY: format
format: $(STAMP) ## Put sources into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: clean
clean: ## Remove .venv and everything that was generated
	rm -rf $(VENV) $(FLOOR) $(NEWEST) demo bench-results build dist site .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
