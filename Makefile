# Postern. `make run` starts the whole product on this machine, `make test` proves it, `make check` reads the code.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
ARGS ?=

.PHONY: help run test test-peers check bench demo model clean

help:  ## Show what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml deploy/setup
	@PYTHON=$(PYTHON) VENV=$(VENV) deploy/setup environment
	@touch $@

run: $(READY)  ## Install what is missing, then run everything in the foreground (ARGS="--config FILE --data DIR")
	@deploy/setup components || true
	@exec $(BIN)/postern run $(ARGS)

test: $(READY)  ## Run all tests with the real components, in two lanes, but for those with other mail servers
	@deploy/setup test-components || true
	@$(BIN)/python -m tests.lanes -m "not peers" $(ARGS)

test-peers: $(READY)  ## Run the tests with Postfix, Exim, OpenSMTPD, Haraka, opendkim and Mail::DKIM
	@deploy/setup peers || true
	@$(BIN)/python -m pytest -m peers $(ARGS)

check: $(READY)  ## Format, lint, types, floors, house rules
	$(BIN)/ruff format --check gateway tests
	$(BIN)/ruff check gateway tests
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q tests/house

bench: $(READY)  ## Measure: prints figures, asserts nothing
	@for each in custody smtp_layer idle relay auth anatomy classifier anatomists whole_gateway; do echo "== $$each"; $(BIN)/python -m tests.bench.$$each || exit 1; done

demo: $(READY)  ## Play the sample messages through a running gateway and show where each went and why
	@$(BIN)/postern demo $(ARGS)

model: $(READY)  ## Train the classifier again: make model ARGS="--corpus DIR"
	@$(BIN)/postern model train $(ARGS)

clean:  ## Remove the environment and caches; the data folder stays
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis
