# The verbs of this project; CI uses the same ones. Needed: Python 3.11 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JAVASCRIPT := tests/clients/javascript
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test lint types arch policy pytest endurance servers bench bundle image tools clean

help: ## Show this list.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r verb words; \
		do printf '  make %-9s %s\n' "$$verb" "$$words"; done

demo: $(VENV)/.demo ## Start an S3 emulator and a gateway, and show real calls; ONCE=1 ends after them.
	$(BIN)/inventory-gateway demo $(if $(ONCE),--once)

test: tools lint types arch pytest servers ## Run everything that CI runs.

lint: $(VENV)/.test ## Check style and formatting.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test ## Check types.
	$(BIN)/mypy

arch: $(VENV)/.test ## Check that the imports respect the rings.
	$(BIN)/lint-imports

pytest: $(VENV)/.test tools ## Run the tests; core and pipeline from their own, every branch.
	$(BIN)/pytest -n auto tests/core tests/pipeline \
		--cov=gateway/core --cov=gateway/pipeline --cov-branch \
		--cov-report=term-missing:skip-covered --cov-fail-under=100
	$(BIN)/pytest -n auto --ignore=tests/core --ignore=tests/pipeline --ignore=tests/servers

policy: $(VENV)/.test tools ## Check the policies: opa fmt, check, test --coverage; both engines agree.
	$(BIN)/pytest tests/policies tests/contract/test_policy_engine.py

servers: $(VENV)/.servers tools ## Real clients on real S3 servers, directly and through the gateway.
	$(BIN)/pytest -n auto tests/servers

endurance: $(VENV)/.test ## Memory, leaving clients, faults, drain, all at full size: 200 MiB, 1,000.
	ENDURANCE=full $(BIN)/pytest tests/endurance

bench: $(VENV)/.bench ## Measure the gateway beside its peers; OPTIONS=--quick is a look, --help the rest.
	@$(BIN)/python scripts/tools.py --bench
	$(BIN)/python -m tests.benchmark $(OPTIONS)

bundle: $(VENV)/.demo tools ## Compile policies/ into the shipped bundle; write the rules' pages and schema.
	$(BIN)/python scripts/build_bundle.py
	$(BIN)/python scripts/build_rules.py

image: ## Build the container image, labelled with version and policy; OPTIONS go to docker build.
	docker build $$($(PYTHON) scripts/image.py) --tag s3-inventory-gateway $(OPTIONS) .

tools: | $(BIN)/python ## Install what the tests need beside Python packages; name what cannot be had.
	@$(BIN)/python scripts/tools.py

clean: ## Remove everything that these verbs have made.
	rm -rf $(VENV) .tools $(JAVASCRIPT)/node_modules build dist .coverage* .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find gateway scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment: made anew when pyproject.toml changes -----------------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: $(PYTHON) is $$($(PYTHON) --version 2>&1 || true); Python 3.11 or newer is needed." \
			"Name one that you have: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "installing the gateway into $(VENV) ..."
	@$(PIP) install --editable '.[demo]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo "installing the gateway and its tests' packages into $(VENV) ..."
	@$(PIP) install --editable '.[test]'
	@touch $(VENV)/.demo $@

$(VENV)/.bench: pyproject.toml | $(BIN)/python
	@echo "installing the gateway and its benchmark's packages into $(VENV) ..."
	@$(PIP) install --editable '.[bench]'
	@touch $(VENV)/.demo $(VENV)/.test $@

$(VENV)/.servers: $(VENV)/.test
	@echo "installing further S3 clients into $(VENV) ..."
	@$(PIP) install --editable '.[servers]'
	@touch $@
