# `make help` lists the targets.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

# Where it is set, each Airflow process takes seconds longer to import.
unexport PYTHONDONTWRITEBYTECODE

# The interpreter that the environment is made of; `make install PYTHON=/path/to/python3.12` takes another.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/dev.txt
STAMP := $(VENV)/.installed
# Airflow finds every provider that is installed, so what is beside the project has environments of its own: what it is
# measured against, and an Airflow with Celery.
BESIDE := .tools/bench
BESIDE_LOCK := requirements/bench.txt
BESIDE_STAMP := $(BESIDE)/.installed
CLUSTER_VENV := .tools/cluster
CLUSTER_LOCK := requirements/cluster.txt
CLUSTER_STAMP := $(CLUSTER_VENV)/.installed
# Each Airflow that the wheel is tried in, in an environment of its own: the lowest, one between, the highest.
VERSIONS := 3.1.8 3.2.2 3.3.2
MATRIX := .tools/matrix

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

.PHONY: install
install: $(STAMP) ## build .venv from the lock, with the project and all its extras

# $(call environment,FOLDER,LOCK,PROJECT): PROJECT is how pip is given the project, or nothing. The stamp comes last, and
# what was interrupted is begun anew: pip may take a package that is half there for whole.
define environment
	@rm -f $@
	@scripts/make-venv "$(1)" "$(PYTHON)"
	@touch $(1)/.unfinished
	$(1)/bin/python -m pip install --require-hashes --no-deps -r $(2)
	$(if $(3),$(1)/bin/python -m pip install --no-build-isolation --no-deps $(3))
	@rm $(1)/.unfinished
	@touch $@
endef

$(STAMP): $(LOCK) pyproject.toml scripts/make-venv
	$(call environment,$(VENV),$(LOCK),-e .)

$(BESIDE_STAMP): $(BESIDE_LOCK) pyproject.toml scripts/make-venv
	$(call environment,$(BESIDE),$(BESIDE_LOCK),-e .)

$(CLUSTER_STAMP): $(CLUSTER_LOCK) pyproject.toml scripts/make-venv
	$(call environment,$(CLUSTER_VENV),$(CLUSTER_LOCK),-e .)

# Without the project: the tests install its wheel.
$(MATRIX)/%/.installed: requirements/matrix-%.txt scripts/make-venv
	$(call environment,$(MATRIX)/$*,requirements/matrix-$*.txt)

.PHONY: lint
lint: $(STAMP) ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(STAMP) ## ruff: format, and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: docs
docs: $(STAMP) ## build the documentation, warnings are errors
	$(BIN)/sphinx-build -W --keep-going -n -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# An Airflow waits most of its time, so the tests that share one, and those that each start their own, run beside the
# others. Those wait for processes and disks, so there are more of them at once than cores.
SHARE_AN_AIRFLOW := tests/airflow
START_AN_AIRFLOW := tests/browser tests/demo

.PHONY: test
test: lint docs ## every check: lint, docs and all tests
	@scripts/side-by-side \
	  "$(BIN)/python -m pytest $(START_AN_AIRFLOW)" \
	  "$(BIN)/python -m pytest $(SHARE_AN_AIRFLOW)" \
	  "$(BIN)/python -m pytest -n 3 --dist loadfile tests $(patsubst %,--ignore=%,$(SHARE_AN_AIRFLOW) $(START_AN_AIRFLOW))"

# `make bench sends` is `make bench NAME=sends`: what follows is a name then, and no target.
ifeq (bench,$(firstword $(MAKECMDGOALS)))
  NAME ?= $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
  $(eval $(filter-out bench,$(MAKECMDGOALS)):;@:)
endif

# Which benchmarks run Airflow from $(BESIDE); without a NAME it is all of them.
RUN_BESIDE := mounted latency

.PHONY: bench
bench: $(STAMP) $(if $(filter $(RUN_BESIDE),$(or $(NAME),$(RUN_BESIDE))),$(BESIDE_STAMP)) ## measure what things cost; with NAME=sends that alone
	$(BIN)/python -m benchmarks $(NAME)

# Sizes: `make soak SOAK="--kills 40 --callbacks 20000"`; `python -m scripts.soak --help` has them all.
.PHONY: soak
soak: $(STAMP) ## kill senders, receivers and databases for half an hour, and count what is left
	$(BIN)/python -m scripts.soak $(SOAK)

# Sizes: `make cluster-test CLUSTER="--sends 10"`; `python -m scripts.cluster --help` has them all.
.PHONY: cluster-test
cluster-test: $(STAMP) $(CLUSTER_STAMP) ## run a cluster here (needs redis-server and nginx), kill one of each, and compare
	$(BIN)/python -m scripts.cluster $(CLUSTER)

# One of them: `make test-matrix VERSIONS=3.1.8`. With another Python beside: `make test-matrix VERSIONS=3.3.2
# PYTHON=python3.12 MATRIX=.tools/matrix-3.12`.
.PHONY: test-matrix
test-matrix: $(STAMP) $(VERSIONS:%=$(MATRIX)/%/.installed) ## try the wheel in the lowest Airflow, the highest and one between
	NINEBITS_MATRIX="$(VERSIONS)" NINEBITS_MATRIX_ENVIRONMENTS="$(MATRIX)" $(BIN)/python -m pytest tests/matrix

.PHONY: demo
demo: $(STAMP) ## ring (simulated) phones from a real Airflow, and watch
	$(BIN)/python scripts/demo.py

.PHONY: screenshot
screenshot: $(STAMP) ## take the pictures of the README and the docs again
	$(BIN)/python scripts/screenshot.py

# No service is asked: ADVISORIES is a checkout of https://github.com/pypa/advisory-database
.PHONY: audit
audit: $(STAMP) ## known advisories about what the lock pins; needs ADVISORIES=folder
	$(BIN)/python scripts/audit.py "$(ADVISORIES)"

# $(call compiled,NAME,OPTIONS): requirements/NAME.txt of requirements/NAME.in
compiled = .tools/uv/bin/uv pip compile pyproject.toml requirements/$(1).in --extra postgres --extra otel --quiet $(2) \
  --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-annotate --output-file requirements/$(1).txt

# uv resolves for all platforms and writes the hashes; nothing else uses it, so it has an environment of its own.
.PHONY: lock
lock: ## pin the newest versions again: requirements/*.txt
	@scripts/make-venv .tools/uv "$(PYTHON)"
	.tools/uv/bin/python -m pip install --quiet uv
	$(call compiled,dev,--upgrade)
	$(call compiled,bench,--upgrade --constraint $(LOCK))
	$(call compiled,cluster,--upgrade --constraint $(LOCK))
	$(call compiled,matrix-3.1.8,--upgrade)
	$(call compiled,matrix-3.2.2,--upgrade)
	$(call compiled,matrix-3.3.2,--upgrade --constraint $(LOCK))

.PHONY: clean
clean: ## take away what the targets made, .venv included
	rm -rf $(VENV) .tools .demo build dist docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis \
	  .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
