# The only interface: people and CI call the same targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
ARGS ?=
KIND ?= kills
N ?=
# of tests: each brings a broker and a database server of its own
WORKERS ?= 2
BUS ?= both
READY := .venv/.ready
# set by .ci/run: what must not be skipped (kafka,postgres,compose,promtool)
export WIREWATCH_REQUIRE ?=
# where it is set, every process that we start would compile every module again, for seconds
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup check test demo run up down compose-test bench faults docs lock clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with wirewatch in it (the other targets call it)

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Wirewatch needs Python 3.11 or newer: set PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || { echo "making .venv with $(PYTHON)"; $(PYTHON) -m venv .venv; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	@echo "installing locked dependencies"; $(BIN)/uv sync --locked --quiet --python $(BIN)/python
	@touch $@

check: setup ## Lint, types, import rules, generated files up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m services.generate --check

test: setup ## Run every test that this machine can run
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile $(ARGS)

demo: setup ## Play the demo story (ARGS=--once: no terminal, exit 0 when all arrived)
	@$(BIN)/wirewatch demo $(ARGS)

run: setup ## The pipeline on the real sources, data kept in ./data
	@$(BIN)/wirewatch standalone

up: ## Everything in containers: Kafka, PostgreSQL, services, Prometheus, Grafana
	@sh deploy/secrets.sh
	docker compose up --build --detach --wait

down: ## Stop the containers, keep the data
	docker compose down

compose-test: setup ## Start docker-compose.yml unmodified and send one article through it
	$(BIN)/python -m pytest tests/e2e/test_compose.py -m compose $(ARGS)

BENCH ?=
bench: setup ## Run benchmarks (BENCH=bus, …; default: all; ARGS=--write-docs, ARGS=--strict)
	$(BIN)/python -m tests.bench $(BENCH) $(ARGS)

faults: setup ## Kill things at random (KIND=kills N=200 BUS=both) or poison pages (KIND=documents N=100000)
	$(BIN)/python -m tests.faults $(KIND) $(if $(N),--count $(N)) --bus $(BUS)

docs: setup ## Generate docs/events, docs/metrics.md and docs/settings.md
	$(BIN)/python -m services.generate

lock: setup ## Resolve the dependencies again
	$(BIN)/uv lock

clean: ## Remove what was built (not ./data)
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
