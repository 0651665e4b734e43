# Two commands: `make run` starts the sandbox, `make test` proves the code. Everything else is for maintainers.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= 2
export PYTHONPATH := $(CURDIR)
export PYTHONUNBUFFERED := 1

.PHONY: help run test lint types layers unit prove browser peers faults image bench lock clean
.DEFAULT_GOAL := help

help:
	@echo "make run      the sandbox: server, worker, demo services (Ctrl-C ends all; ARGS='--reset' clears)"
	@echo "make test     ruff, mypy, import-linter, pytest on SQLite (about eight minutes on two cores)"
	@echo "make prove    takes each guard away once and expects a red test"
	@echo "make browser  the pages in Chromium, with axe (needs chromium)"
	@echo "make peers    foreign clients over TLS (needs apache2, libapache2-mod-auth-openidc, nginx-light, chromium)"
	@echo "make faults   kills, full disks and lost databases (needs root, PostgreSQL's programs, faketime)"
	@echo "make image    builds the Dockerfile and runs it (needs root, buildah, podman, runc, mmdebstrap)"
	@echo "make bench    requests a second beside a peer (needs wrk)"
	@echo "make lock     new hashed locks from pyproject.toml"

run: $(VENV)/.ok
	@exec $(BIN)/python -m idp.cli demo $(ARGS)

test: lint types layers unit

lint: $(VENV)/.ok
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ok
	$(BIN)/mypy

layers: $(VENV)/.ok
	$(BIN)/lint-imports

unit: $(VENV)/.ok
	$(BIN)/pytest -q -n $(JOBS) $(if $(MARKS),-m "$(MARKS)")

prove: $(VENV)/.ok
	$(BIN)/python -m tests.prove

browser: $(VENV)/.peers
	$(BIN)/pytest -q -m browser

peers: $(VENV)/.peers
	$(BIN)/pytest -q -m peer tests/peers

faults: $(VENV)/.ok
	$(BIN)/pytest -q -m fault tests/faults

image: $(VENV)/.ok
	$(BIN)/pytest -q -m image tests/image

bench: $(VENV)/.peers
	$(BIN)/python -m tests.bench $(ARGS)

lock: $(VENV)/.ok
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --group dev --group peers -c requirements-dev.txt pyproject.toml -o requirements-peers.txt

clean:
	rm -rf $(VENV) node_modules dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The environment: checked step by step, so that whatever is missing is said in one sentence.
$(VENV)/.ok: requirements-dev.txt
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Python 3.11 or newer is needed, and '$(PYTHON)' was not found: try make PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, and this is $$($(PYTHON) -V): try make PYTHON=/path/to/python3.11." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: on Debian and Ubuntu, apt-get install python3-venv." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "The environment in $(VENV) could not be made: is the disk full or the folder read-only?" >&2; exit 1; }
	@echo "Installing the locked packages into $(VENV) (once, about a minute) ..."
	@$(BIN)/python -m pip --disable-pip-version-check --no-input install -q --retries 1 --timeout 15 --require-hashes --only-binary :all: -r requirements-dev.txt >$(VENV)/install.log 2>&1 || { \
	  if grep -q 'DO NOT MATCH THE HASHES' $(VENV)/install.log; then echo "A package is not the one that was locked, so nothing was trusted; see $(VENV)/install.log." >&2; \
	  else echo "The packages could not be fetched: is there a network and a package index? Details are in $(VENV)/install.log." >&2; fi; exit 1; }
	@touch $@

# Clients that nobody here wrote. Those in JavaScript run on the Node that the lock names, whatever the machine has.
$(VENV)/.peers: $(VENV)/.ok requirements-peers.txt package.json package-lock.json
	@$(BIN)/python -m pip --disable-pip-version-check --no-input install -q --require-hashes --only-binary :all: -r requirements-peers.txt
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --silent --no-audit --no-fund
	@touch $@
