# The commands of the project. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
COMPILE := pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --quiet
LOCK := $(COMPILE) pyproject.toml --all-extras --group dev
SPARK_LOCK := $(COMPILE) --group spark
SWIFT_LOCK := $(COMPILE) --group swift
DLT_LOCK := $(COMPILE) --group dlt
LINT_LOCK := $(COMPILE) --group lint --constraint requirements.lock
# What the image of deploy/ holds: the versions that are tested, without the tools.
DEPLOY_LOCK := $(COMPILE) pyproject.toml --extra slack --extra teams --extra otel --extra store --group deploy --constraint requirements.lock
# The one block of requirements.lock that names uv, with its hashes.
UV_PIN := awk '/^uv==/ {found = 1} found {print} found && !/\\$$/ {exit}' requirements.lock

# What a lock would be now, its versions as far as they still fit, against what it is.
check = cp $(1) .venv/$(1); $(BIN)/uv $(2) --output-file .venv/$(1) > /dev/null; \
	cmp $(1) .venv/$(1) || { echo "$(1) does not satisfy pyproject.toml: run make lock"; exit 1; }

# Schemas that come with check-jsonschema: nothing is fetched.
schema = $(BIN)/check-jsonschema --builtin-schema vendor.$(1)

# Where the machine has certificates of its own (behind a proxy that inspects TLS it must), uv trusts those.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),)
export UV_SYSTEM_CERTS ?= 1
export UV_NATIVE_TLS ?= 1
endif

.PHONY: help env demo dev test test-slow test-swift test-production helm matrix upgrade-sample fresh-machine reliability lint bench bench-dlt lock lock-check clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: .venv/.ready ## Create .venv with the exact versions of requirements.lock

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "genesys_dagster needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Creating .venv ($$($(PYTHON) --version)) with the packages of requirements.lock; the first time takes a minute ..."
	@if command -v uv > /dev/null; then \
		uv venv --quiet --allow-existing --python $(PYTHON) .venv; \
	else \
		$(PYTHON) -m venv .venv; \
		$(UV_PIN) > .venv/uv.lock.txt; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.lock.txt; \
	fi
	@uv=$$(command -v uv || echo $(BIN)/uv); export VIRTUAL_ENV=$(CURDIR)/.venv; \
	$$uv pip install --quiet --require-hashes -r requirements.lock; \
	$$uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.spark: requirements-spark.lock .venv/.ready
	@uv=$$(command -v uv || echo $(BIN)/uv); VIRTUAL_ENV=$(CURDIR)/.venv \
	$$uv pip install --quiet --require-hashes --no-build-isolation -r requirements-spark.lock
	@touch $@

.venv/.lint: requirements-lint.lock .venv/.ready
	@uv=$$(command -v uv || echo $(BIN)/uv); VIRTUAL_ENV=$(CURDIR)/.venv \
	$$uv pip install --quiet --require-hashes -r requirements-lint.lock
	@touch $@

demo: env ## Export a week of a made-up Genesys Cloud org to S3 on localhost and open the Dagster UI
	@exec $(BIN)/genesys-dagster demo $(ARGS)

dev: env ## The Dagster UI on your own .env
	@mkdir -p .dagster && cp dagster.yaml .dagster/
	@DAGSTER_HOME=$${DAGSTER_HOME:-$(CURDIR)/.dagster} PATH=$(CURDIR)/$(BIN):$$PATH exec $(BIN)/dg dev

# Three processes on two cores, since tests wait for servers and for each other; those that are through take over.
PYTEST := $(BIN)/python -m pytest -n 3 --dist
# Where this is set (in many images), each of the processes that tests start would compile Dagster and pytest's tests anew.
test test-slow test-swift: export PYTHONDONTWRITEBYTECODE :=

test: env ## Run the tests, but for what takes long
	@$(PYTEST) worksteal -m "not slow and not servers" $(ARGS)

test-slow: env .venv/.spark ## Run the rest: many days, faults by the hundred, kill -9, processes, the wheel, the SDK, Spark
	@$(PYTEST) loadgroup -m "slow and not servers" $(ARGS)

test-swift: env .venv/swift/.ready ## Run the lake's tests on a production S3 server (OpenStack Swift)
	@$(BIN)/python -m genesys_dagster_tests.swift .venv/swift/bin $(ARGS)

test-production: env .venv/production/.ready ## Run production (Postgres, Redis, Celery) and kill parts of it
	@$(BIN)/python -m genesys_dagster_tests.production .venv/production/bin $(ARGS)

helm: env .venv/production/.ready ## Render the Helm chart CHART="dagster/dagster --version ..." with deploy/helm-values.yaml
	@.venv/production/bin/python -m genesys_dagster_tests.deploy.chart $(CHART)

# What must not lie beside the project's own packages.
.venv/swift/.ready: requirements-swift.lock
.venv/production/.ready: requirements-deploy.lock
.venv/dlt/.ready: requirements-dlt.lock
.venv/swift/.ready .venv/production/.ready .venv/dlt/.ready: .venv/.ready
	@uv=$$(command -v uv || echo $(BIN)/uv); $$uv venv --quiet --allow-existing --python $(BIN)/python $(@D); \
	VIRTUAL_ENV=$(CURDIR)/$(@D) $$uv pip install --quiet --require-hashes -r $(filter %.lock,$^)
	@touch $@

matrix: env ## Run the core's tests against the wheel on Python 3.11 to 3.14, lowest and newest versions
	@$(BIN)/python -m genesys_dagster_tests.matrix $(ARGS)

upgrade-sample: env ## Store an instance and a lake as this version leaves them, for tests of later ones
	@$(BIN)/python -m genesys_dagster_tests.upgrade.store $(ARGS)

fresh-machine: ## Run the README's commands on a bare Debian (as root), or in an empty account
	@$(PYTHON) -m genesys_dagster_tests.fresh_machine $(ARGS)

lint: env .venv/.lint ## Format, lint, types, definitions, deployments, lock
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/dagster definitions validate
	$(BIN)/hadolint deploy/Dockerfile
	$(call schema,compose-spec) deploy/compose.yaml deploy/compose.celery.yaml
	$(call schema,github-workflows) .github/workflows/ci.yaml
	$(call schema,github-issue-forms) .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/idea.yml
	$(call schema,github-issue-config) .github/ISSUE_TEMPLATE/config.yml
	$(MAKE) --no-print-directory lock-check

reliability: env ## Inject every fault and write docs/reliability.md anew
	@$(BIN)/python -m genesys_dagster_tests.reliability $(ARGS)

bench: env ## Measure speed and memory, side by side with other approaches
	@$(BIN)/python -m benchmarks $(ARGS)

bench-dlt: .venv/dlt/.ready bench ## The same, with dlt beside them

lock: env ## Resolve the locks anew (all extras, Python 3.11 to 3.13)
	$(BIN)/uv $(LOCK) --upgrade --output-file requirements.lock
	$(BIN)/uv $(SPARK_LOCK) --upgrade --output-file requirements-spark.lock
	$(BIN)/uv $(SWIFT_LOCK) --upgrade --output-file requirements-swift.lock
	$(BIN)/uv $(DLT_LOCK) --upgrade --output-file requirements-dlt.lock
	$(BIN)/uv $(LINT_LOCK) --upgrade --output-file requirements-lint.lock
	$(BIN)/uv $(DEPLOY_LOCK) --upgrade --output-file requirements-deploy.lock

lock-check: env ## Check that the locks satisfy pyproject.toml
	@$(call check,requirements.lock,$(LOCK))
	@$(call check,requirements-spark.lock,$(SPARK_LOCK))
	@$(call check,requirements-swift.lock,$(SWIFT_LOCK))
	@$(call check,requirements-dlt.lock,$(DLT_LOCK))
	@$(call check,requirements-lint.lock,$(LINT_LOCK))
	@$(call check,requirements-deploy.lock,$(DEPLOY_LOCK))

clean: ## Remove what the commands above made
	rm -rf .venv .demo .dagster .benchmarks
