# The commands of the README. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help up down purge preview refresh destroy status doctor test soak unit lint record lock bench clean

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m
READY := $(VENV)/ready
ARGS ?=
DOCTOR := eval "$$($(RUN) local env)" && $(RUN) doctor --stack dev
SEED := $(or $(SEED),$(shell date +%s))

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Hashed locks only; the index and the certificates are those that pip is configured with on this machine. Compiled
# once here: every run of Pulumi starts three Pythons, and one that may write no bytecode would compile it each time.
$(READY): requirements/dev.txt requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $$($(PYTHON) --version) is too old: Python 3.11 or newer is needed; name it with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -m venv --help >/dev/null 2>&1 || \
	  { echo "make: $(PYTHON) has no venv module: install your distribution's python3-venv" >&2; exit 1; }
	@echo "Installing the locked Python packages into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@. tools/uv-env.sh && $(VENV)/bin/uv pip sync --quiet --compile-bytecode --python $(VENV)/bin/python \
	  --require-hashes requirements/bootstrap.txt requirements/dev.txt
	@touch $@

up: $(READY) ## Start the local platform, deploy the gateway on it, prove its keys
	@$(RUN) local up
	@$(RUN) local pulumi up --yes --skip-preview $(ARGS)
	@$(RUN) local prove
	@$(DOCTOR) --brief

down: $(READY) ## Stop the local platform; its data stay
	@$(RUN) local down $(ARGS)

purge: $(READY) ## Stop the local platform and delete its data
	@$(RUN) local down --purge $(ARGS)

preview: $(READY) ## Show what `make up` would change
	@$(RUN) local pulumi preview --diff $(ARGS)

refresh: $(READY) ## Read what is really there into the stack's state
	@$(RUN) local pulumi refresh --yes $(ARGS)

destroy: $(READY) ## Revoke the keys, prove them dead, remove the gateway
	@$(RUN) local destroy $(ARGS)

status: $(READY) ## Show the parts of the local platform
	@$(RUN) local status $(ARGS)

doctor: $(READY) ## Walk the chain from Vault to the keys, and name the broken link
	@$(DOCTOR) $(ARGS)

test: lint ## Run every test against real servers (starts a platform of its own)
	@$(RUN) pytest $(ARGS)

soak: $(READY) ## Run over a thousand faults, drawn from a seed (SEED=N repeats them)
	@echo "seed $(SEED)"
	@LLM_GATEWAY_SOAK=$(SEED) $(RUN) pytest tests/faults --hypothesis-seed=$(SEED) $(ARGS)

unit: $(READY) ## Run the tests that need no server
	@$(RUN) pytest tests/unit $(ARGS)

lint: $(READY) ## Check style, types and the direction of imports
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --quiet --check .
	@$(VENV)/bin/mypy --no-error-summary .
	@$(VENV)/bin/mypy --no-error-summary examples/consumer/__main__.py
	@$(VENV)/bin/mypy --no-error-summary examples/clusters/__main__.py
	@$(VENV)/bin/mypy --no-error-summary examples/apps/__main__.py
	@$(VENV)/bin/mypy --no-error-summary examples/databases/__main__.py
	@$(VENV)/bin/mypy --no-error-summary foundation/__main__.py
	@$(VENV)/bin/lint-imports --no-logo

record: $(READY) ## Record what the real gateway answers, for the unit tests
	@LLM_GATEWAY_RECORD=1 $(RUN) pytest tests/contract/test_recordings.py $(ARGS)

lock: $(READY) ## Resolve the requirements anew
	@. tools/uv-env.sh && for name in bootstrap runtime dev; do \
	  $(VENV)/bin/uv pip compile --quiet --universal --upgrade --python-version 3.11 --generate-hashes --no-header \
	    -o requirements/$$name.txt requirements/$$name.in || exit 1; done

bench: $(READY) ## Measure what the README claims
	@$(RUN) bench $(ARGS)

clean: ## Remove what make made in this folder
	rm -rf $(VENV) .pulumi-home .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
