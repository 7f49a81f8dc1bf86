# make demo            the main job, shown call by call against the embedded dev realm
# make test            the suite, with branch coverage; needs no Keycloak and no network
# make test-keycloak   the suite against a real Keycloak; needs Java 17, unless KEYCLOAK_URL names a running server
# make test-browser    examples/fastapi_login in a headless Chromium; needs Chromium, and port 8000 free
# make lint            ruff (rules and format), mypy --strict
# make bench           what checking a token costs, beside every other library that installs (tests/benchmarks/results.md)
#
# PYTHON=python3.12 make ... chooses the interpreter (3.11 or later). Everything is installed into .venv.

PYTHON ?= python3
VENV ?= .venv
BENCH_VENV ?= .venv-bench
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Layers 0 to 3 are the core, of which every branch is tested; these are what is beside it.
BESIDE_THE_CORE := resource_protector/settings.py,resource_protector/protector.py,resource_protector/shadow/*,resource_protector/keycloak/*,resource_protector/admin/*,resource_protector/client/*,resource_protector/fastapi/*,resource_protector/explain/*,resource_protector/flask/*,resource_protector/dev/*,resource_protector/pytest_plugin.py,resource_protector/cli/*,resource_protector/__main__.py

.PHONY: demo test test-keycloak test-browser lint format bench venv clean

demo: $(VENV)/.installed
	@$(BIN)/resource-protector demo

test: $(VENV)/.installed-dev
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage report
	$(BIN)/coverage report --omit='$(BESIDE_THE_CORE)' --fail-under=100

test-keycloak: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/keycloak $(ARGS)

test-browser: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/browser $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench: $(BENCH_VENV)/.installed
	$(BENCH_VENV)/bin/python -m tests.benchmarks $(ARGS)

# The libraries measured beside this one want versions of their own.
$(BENCH_VENV)/.installed: pyproject.toml
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BENCH_VENV)/bin/python -m pip install --quiet --editable . --group bench
	@touch $@

venv: $(VENV)/.installed-dev

clean:
	rm -rf $(VENV) $(BENCH_VENV) build dist .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is missing or older than 3.11: say which to use, as in 'make PYTHON=python3.12 $(MAKECMDGOALS)'" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make virtual environments: on Debian or Ubuntu, 'apt-get install python3-venv'" >&2; exit 1; }

# What a user gets. Kept apart from the tools below, so that the demo need not wait for those.
$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV) ..."
	@$(PIP) install --quiet --editable .
	@touch $@

# pip learned --group in 25.1; the one that comes with Python 3.11 is older.
$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "Installing the package and its development tools into $(VENV) ..."
	@$(PIP) install --quiet --upgrade 'pip>=25.1'
	@$(PIP) install --quiet --editable . --group dev
	@touch $(VENV)/.installed $@
