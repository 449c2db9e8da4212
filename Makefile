# TOM Bridge. Needs Python 3.11 to 3.13 and make, and nothing else; `make help` says what there is.

VENV := .venv
TOOLKIT_2 := .venv-toolkit-2
TOOLKIT_30 := .venv-toolkit-3.0
HOP := .venv-hop
KAFKA := .cache/kafka
BIN := $(VENV)/bin
WORKERS ?= 5
SEED ?= 1000000
HISTORIES ?= 10000
PROCESSES ?=
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-input

# The first of these that is 3.11 to 3.13 and can make environments; `make PYTHON=/usr/bin/python3.12 test` names another.
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python)
define FIND_PYTHON
found=; for candidate in $(CANDIDATES); do \
  if $$candidate -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
    >/dev/null 2>&1; then found=$$candidate; break; fi; done; \
if [ -z "$$found" ]; then \
  echo "Python 3.11, 3.12 or 3.13 with its venv module is needed (TOM Toolkit stops at 3.13); tried: $(CANDIDATES)." >&2; \
  echo "Install one (Debian, Ubuntu: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12" >&2; \
  exit 1; fi
endef

.PHONY: help test lint format simulate demo bench bench-scale install kafka clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

test: lint $(VENV)/.stamp-dev $(TOOLKIT_2)/.stamp $(TOOLKIT_30)/.stamp $(HOP)/.stamp kafka ## Lint, type-check and test; PYTEST="-k name" chooses
	PYTHONHASHSEED=0 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(PYTEST)

lint: $(VENV)/.stamp-dev ## ruff, mypy --strict and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.stamp-dev ## Let ruff format and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

simulate: $(VENV)/.stamp-dev ## Play simulated histories on all cores; HISTORIES=, SEED= the first, PROCESSES=
	@cd tests && PYTHONHASHSEED=0 ../$(BIN)/python -m simulation --seed $(SEED) --histories $(HISTORIES) \
	  $(if $(PROCESSES),--processes $(PROCESSES))

demo: $(VENV)/.stamp-demo ## Three real TOMs share with each other; KEEP=1 leaves them up
	@$(BIN)/python -m demo $(if $(filter-out 0,$(KEEP)),--keep)

bench: $(VENV)/.stamp-dev $(HOP)/.stamp kafka ## Measure beside peers and limits, into benchmarks/RESULTS.md; QUICK=1, LINES="reading rest"
	@$(BIN)/python -W ignore -m benchmarks $(LINES) $(if $(filter-out 0,$(QUICK)),--quick) $(if $(LINES),,--write benchmarks/RESULTS.md)

bench-scale: $(VENV)/.stamp-dev $(HOP)/.stamp kafka ## The same with a million of everything, into benchmarks/RESULTS-scale.md
	@$(BIN)/python -W ignore -m benchmarks $(LINES) --scale $(if $(LINES),,--write benchmarks/RESULTS-scale.md)

install: $(VENV)/.stamp-dev $(TOOLKIT_2)/.stamp $(TOOLKIT_30)/.stamp $(HOP)/.stamp kafka ## Make the environments, run nothing

clean: ## Remove environments, caches and what the demo left
	rm -rf $(VENV) $(TOOLKIT_2) $(TOOLKIT_30) $(HOP) .cache build dist demo/work .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache *.egg-info

$(VENV)/.stamp-python:
	@$(FIND_PYTHON); echo "Making $(VENV) with $$found ($$($$found -V))"; $$found -m venv --clear $(VENV)
	@touch $@

$(VENV)/.stamp-demo: $(VENV)/.stamp-python pyproject.toml constraints.txt
	@echo "Installing TOM Bridge, TOM Toolkit 3.1 and a web server into $(VENV)"
	@$(BIN)/python $(PIP_INSTALL) -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.stamp-dev: $(VENV)/.stamp-demo
	@echo "Installing the tools for tests into $(VENV)"
	@$(BIN)/python $(PIP_INSTALL) -c constraints.txt -e '.[demo,dev]'
	@touch $@

$(TOOLKIT_2)/.stamp: constraints-toolkit-2.txt
	@$(FIND_PYTHON); echo "Installing TOM Toolkit 2.32 into $(TOOLKIT_2)"; $$found -m venv --clear $(TOOLKIT_2)
	@$(TOOLKIT_2)/bin/python $(PIP_INSTALL) -c constraints-toolkit-2.txt tomtoolkit gunicorn
	@touch $@

$(TOOLKIT_30)/.stamp: constraints-toolkit-3.0.txt
	@$(FIND_PYTHON); echo "Installing TOM Toolkit 3.0 into $(TOOLKIT_30)"; $$found -m venv --clear $(TOOLKIT_30)
	@$(TOOLKIT_30)/bin/python $(PIP_INSTALL) -c constraints-toolkit-3.0.txt tomtoolkit gunicorn
	@touch $@

$(HOP)/.stamp: constraints-hop.txt
	@$(FIND_PYTHON); echo "Installing hop-client into $(HOP)"; $$found -m venv --clear $(HOP)
	@$(HOP)/bin/python $(PIP_INSTALL) -c constraints-hop.txt hop-client six tom_alertstreams
	@touch $@

ifeq ($(shell command -v mvn),)
kafka:
	@echo "No Maven here: tests on Apache Kafka are skipped unless BRIDGE_TEST_KAFKA=host:port names a broker."
else
kafka: $(KAFKA)/.stamp
endif

$(KAFKA)/.stamp: tests/parts/kafka-pom.xml
	@echo "Fetching Apache Kafka into $(KAFKA)"
	@mvn --batch-mode --quiet -Dstyle.color=never --file tests/parts/kafka-pom.xml dependency:copy-dependencies \
	  -DincludeScope=runtime -DoutputDirectory=$(abspath $(KAFKA))/libs
	@touch $@
