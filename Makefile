# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.stamp-$(shell cat requirements.lock pyproject.toml | cksum | tr -d ' ')
DEV    := $(VENV)/.stamp-dev-$(shell cat requirements-dev.lock pyproject.toml | cksum | tr -d ' ')

COMPILE = uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --universal \
	  --python-version 3.11 --no-header --upgrade

.PHONY: help setup develop demo test lint lint-certificates bench fuzz generated debian lock clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

setup: $(STAMP)  ## only the environment (.venv), from the hash-locked file

$(STAMP): requirements.lock pyproject.toml
	@deploy/make-venv.sh $(PYTHON) $(VENV)
	@rm -f $(VENV)/.stamp-* && touch $@

develop: $(DEV)  ## the environment with everything that tests, fuzzers and benches need

$(DEV): requirements-dev.lock $(STAMP)
	@echo "installing what tests need into $(VENV) (about a minute the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: setup  ## the main job on embedded defaults: label -> certificate -> trust -> revocation; leaves demo-out/
	@$(BIN)/medtrust demo --out demo-out

debian:  ## what the tests need from Debian (mosquitto, postgresql, gnutls-bin ...), where root and apt are there
	@deploy/debian-test-tools.sh

test: develop debian  ## the whole suite
	@$(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

lint: develop  ## ruff, mypy strict, import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

lint-certificates: develop  ## pkilint over every kind of certificate, list and response: the nightly job
	@$(BIN)/python -m pytest tests/unit/pki/test_pkilint.py tests/unit/pki/test_golden.py

bench: develop  ## measure; BENCH=name for one
	@$(BIN)/python -m bench $(BENCH)

fuzz: develop  ## hostile bytes against every parser, coverage guided; FUZZ=name for one, SECONDS=60 for each
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) $(FUZZ)

generated: develop  ## write again what is generated and diffed: CLI help, lifecycle diagrams, schemas
	@$(BIN)/python -m docs.generate

lock:  ## resolve the ranges of pyproject.toml again (needs uv)
	@$(COMPILE) --extra setup --extra hsm -o requirements.lock
	@$(COMPILE) --extra setup --extra hsm --extra dev --extra witness --extra fuzz --extra peers \
	  -c requirements.lock -o requirements-dev.lock

clean:  ## remove the environment and what runs left behind
	@rm -rf $(VENV) demo-out dist build .mypy_cache .ruff_cache .hypothesis
