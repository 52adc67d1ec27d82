# Rafter's two commands are `make up` and `make test`; `make help` lists the rest.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP_LINKS := $(if $(PIP_FIND_LINKS),--find-links $(PIP_FIND_LINKS))
MANAGE := $(BIN)/python manage.py
export VAR_DIR ?= $(CURDIR)/var
export PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help up serve demo-big test lint format types messages bench check-deploy clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv/ready $(VAR_DIR)/rafter.env ## set up everything, make the demonstration, start the site
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) collectstatic --noinput --verbosity 0
	@$(MANAGE) demo --once
	@exec $(MANAGE) serve

serve: .venv/ready $(VAR_DIR)/rafter.env ## start the site without making a demonstration
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) collectstatic --noinput --verbosity 0
	@exec $(MANAGE) serve

demo-big: .venv/ready $(VAR_DIR)/rafter.env ## the line at the paper's full size (minutes; 29,672 faces)
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) demo --name "Paper size" --images 29672 --fresh 0 --people 315 --votes 40 --no-training

test: .venv/ready-dev ## all tests, on SQLite, and on PostgreSQL and Redis where they are found
	@sh tests/run.sh

lint: .venv/ready-dev ## formatter, linter and types, as CI runs them
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy reliability training

format: .venv/ready-dev ## let the formatter and the linter mend what they can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

messages: .venv/ready-dev ## bring the translations up to date and compile them
	$(BIN)/python -m frontend.messages

bench: .venv/ready-dev ## list the benchmarks; each prints ratios in one run
	@grep -H -m1 '^"""' benchmarks/*.py | sed 's/:"""/\n    /'

check-deploy: .venv/ready-dev ## compose file and Dockerfile against their schemas
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml deploy/gpu.yml
	$(BIN)/hadolint Dockerfile

clean: ## remove the environment; data in var/ stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Rafter needs Python 3.11 or newer")'
	@echo "Making the environment in .venv …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet uv==0.13.9

.venv/ready: requirements.txt | .venv/bin/uv
	@echo "Installing what Rafter needs (about a minute) …"
	@$(BIN)/uv pip install --compile-bytecode --python $(BIN)/python $(PIP_LINKS) -r requirements.txt
	@touch $@

.venv/ready-dev: requirements.txt requirements-dev.txt | .venv/bin/uv
	@echo "Installing what Rafter and its tests need …"
	@$(BIN)/uv pip install --compile-bytecode --python $(BIN)/python $(PIP_LINKS) -r requirements-dev.txt
	@touch $@ .venv/ready

$(VAR_DIR)/rafter.env: | .venv/bin/uv
	@mkdir -p $(VAR_DIR) && umask 077 && \
	$(BIN)/python -c 'import secrets; print("SECRET_KEY=" + secrets.token_urlsafe(50))' > $@
