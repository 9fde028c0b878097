# What one does with a clone. Everything runs inside $(VENV), which `setup` makes from pyproject.toml and constraints.txt.

PYTHON ?= python3
VENV ?= .venv
ARCHIVE ?= archives/lidc
KNEES ?= archives/knee
WORKERS ?= 2
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
CHECKED = src tests tools $(wildcard benchmarks)
# One thread a process: the work is spread over processes, and results must not depend on the number of threads.
ONE_THREAD = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast check docs study-nodule study-knee study-worlds bench clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

setup: $(STAMP) ## Make the virtual environment (once; again when pyproject.toml or constraints.txt changes)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one with PYTHON=..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## Run the nodule study on the bundled sample, end with a report (about 10 minutes on 2 cores; QUICK=1: see the way only)
	$(BIN)/semeia demo $(if $(QUICK),--quick)

test: $(STAMP) ## Run the tests
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --durations 25

test-fast: $(STAMP) ## Run the tests but those marked slow
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m 'not slow'

check: $(STAMP) ## Lint, formatting, types, spelling
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/codespell $(CHECKED) docs README.md CHANGELOG.md Makefile pyproject.toml

docs: $(STAMP) ## Build the documentation as a site in site/ (python -m http.server -d site)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python tools/site.py

study-nodule: $(STAMP) ## Run the full nodule study on ARCHIVE (first made from $SEMEIA_DATA/lidc if it is not there)
	@test -e "$(ARCHIVE)/archive.json" || test -d "$(SEMEIA_DATA)/lidc" || { \
	  echo "$(ARCHIVE) is not an archive. Give one with ARCHIVE=..., or set SEMEIA_DATA to the folder that holds lidc/." >&2; exit 2; }
	@test -e "$(ARCHIVE)/archive.json" || $(BIN)/semeia ingest nodules "$(SEMEIA_DATA)/lidc" --into "$(ARCHIVE)"
	$(BIN)/semeia study nodule --archive "$(ARCHIVE)"

study-knee: $(STAMP) ## Run the reduced knee study on KNEES (made from $SEMEIA_DATA/knee if it is not there; 2 to 3 hours, resumable)
	@test -e "$(KNEES)/archive.json" || test -d "$(SEMEIA_DATA)/knee" || { \
	  echo "$(KNEES) is not an archive. Give one with KNEES=..., or set SEMEIA_DATA to the folder that holds knee/." >&2; exit 2; }
	@test -e "$(KNEES)/archive.json" || $(BIN)/semeia ingest knees "$(SEMEIA_DATA)/knee" --into "$(KNEES)"
	$(BIN)/semeia study knee --archive "$(KNEES)"

study-worlds: $(STAMP) ## Run the study of made-up worlds in runs/worlds (resumable)
	$(BIN)/semeia study worlds --workers $(WORKERS)

bench: $(STAMP) ## Run every benchmark at quick sizes, write docs/performance.md (FULL=1: at the sizes of the claims; hours)
	$(BIN)/python tools/bench.py $(if $(FULL),--full)

clean: ## Remove the virtual environment and the caches (runs and archives stay)
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
