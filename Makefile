# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.stamp-$(shell cat requirements.lock pyproject.toml | cksum | tr -d ' ')

.PHONY: help setup demo test lint bench generated debian lock clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(STAMP)  ## only the environment (.venv), from the hash-locked file

$(STAMP): requirements.lock pyproject.toml
	@deploy/make-venv.sh $(PYTHON) $(VENV)
	@rm -f $(VENV)/.stamp-* && touch $@

demo: setup  ## the main job on embedded defaults: label -> certificate -> trust -> revocation; leaves demo-out/
	@$(BIN)/medtrust demo --out demo-out

debian:  ## what the tests need from Debian (mosquitto, postgresql, gnutls-bin ...), where root and apt are there
	@deploy/debian-test-tools.sh

test: setup debian  ## the whole suite
	@$(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

lint: setup  ## ruff, mypy strict, import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: setup  ## measure; BENCH=name for one
	@$(BIN)/python -m bench $(BENCH)

generated: setup  ## write again what is generated and diffed: CLI help, lifecycle diagrams, schemas
	@$(BIN)/python -m docs.generate

lock:  ## resolve the ranges of pyproject.toml again (needs uv)
	@uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --universal \
	  --python-version 3.11 --no-header --upgrade -o requirements.lock

clean:  ## remove the environment and what runs left behind
	@rm -rf $(VENV) demo-out dist build .mypy_cache .ruff_cache .hypothesis
