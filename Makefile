# Winnow's commands. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Two for each core: for half of their time tests wait for servers, browsers and disks.
TEST_PROCESSES ?= $(shell $(PYTHON) -c 'import os; print(min(8, 2 * (os.cpu_count() or 1)))')

.DEFAULT_GOAL := help
.PHONY: help setup run test coverage lint audit format migrate check-demo bench screenshots clean

help: ## list these commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP) ## install everything into .venv and compile the leak search

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Winnow needs Python 3.11 or newer; set PYTHON=python3.12, say." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/winnow compile-kernels
	touch $(STAMP)

run: $(STAMP) ## start Winnow with the demo project (SQLite, worker included)
	@exec $(BIN)/winnow serve --demo

test: $(STAMP) lint ## lint, types, import rules and all tests
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal --durations=10
	@if command -v node >/dev/null; then node --test tests/js/; else echo "tests/js skipped: there is no node"; fi

coverage: $(STAMP) ## all tests once more, slower, with the lines that none of them reaches
	$(BIN)/python -m coverage erase
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal --cov --cov-report=term:skip-covered

lint: $(STAMP) ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: ## what is known to be wrong with the packages in constraints.txt
	@$(PYTHON) .ci/audit.py

format: $(STAMP) ## let ruff put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migrate: $(STAMP) ## bring the database to its newest migration
	$(BIN)/winnow migrate

check-demo: $(STAMP) ## run the whole path on the demo and compare with what was planted
	$(BIN)/winnow demo --check

bench: $(STAMP) ## measure review speed with 2,000 and 200,000 flags
	$(BIN)/winnow bench review

screenshots: $(STAMP) ## make the README's pictures anew from the demo project
	$(BIN)/python docs/make_screenshots.py
	$(BIN)/python docs/make_report_pictures.py

clean: ## remove the environment and caches, keep data/
	rm -rf $(VENV) .venv-audit .mypy_cache .ruff_cache .pytest_cache .coverage .import_linter_cache *.egg-info
