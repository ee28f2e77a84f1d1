# Everything a person or CI types. Needs Python 3.11 or newer and make; root is never needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/.core-installed
DEV := $(VENV)/.dev-installed
ENGINES := .venv-engines
# The test files that skip something where torch and its company are not installed.
WITH_TORCH = $$(grep -rlE --include='test_*.py' 'importorskip\("(torch|tensorboardX)|needs torch' tests)
SOURCES := app filters flows mercap prompts storage tasks benchmarks examples integrations tests

.PHONY: help demo test slow engines smoke check resolve format clean

help:
	@echo "make demo    annotate the example clips and look at the captions"
	@echo "make smoke   the whole DAG on a tiny clip set, with a JSON ledger, in under a minute"
	@echo "make test    the default test suite"
	@echo "make slow    the tests that take minutes"
	@echo "make engines the tests that run torch: real engines on tiny models, the AffectGPT model; in an environment of their own (2 GB)"
	@echo "make check   format, lint, types and the import contracts"
	@echo "make resolve whether the environment of each role (core, train, diarize, vllm, engines) can be resolved"
	@echo "make format  rewrite the sources as 'make check' wants them"
	@echo "make clean   remove the environment and the demo's store"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mercap needs Python 3.11 or newer; say which: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(CORE): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(DEV): $(CORE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(CORE)
	@$(BIN)/python -m examples.demo

smoke: $(CORE)
	@$(BIN)/python -m examples.smoke

test: $(DEV)
	$(BIN)/python -m pytest

# What the default suite leaves out because it takes minutes; what runs torch, in the environment of the engines.
slow: $(DEV) $(ENGINES)/.installed
	$(BIN)/python -m pytest -m slow
	$(ENGINES)/bin/python -m pytest -m slow $(WITH_TORCH)

# Real engines on tiny models that the tests build. An environment of its own, so that the core is tested without torch.
$(ENGINES)/.installed: pyproject.toml constraints.txt constraints-engines.txt
	$(PYTHON) -m venv $(ENGINES)
	$(ENGINES)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -c constraints-engines.txt \
	  -e '.[dev,engines]'
	@touch $@

engines: $(ENGINES)/.installed
	$(ENGINES)/bin/python -m pytest -m engine
	$(ENGINES)/bin/python -m pytest $(WITH_TORCH)

check: $(DEV)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check --quiet $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

# Each role's environment must resolve; nothing of it is downloaded. `vllm` gets an older Prefect than the rest.
resolve: $(DEV)
	$(BIN)/uv pip compile --quiet --python-version 3.11 pyproject.toml --output-file /dev/null
	for extra in train diarize vllm engines; do \
	  $(BIN)/uv pip compile --quiet --python-version 3.11 pyproject.toml --extra $$extra --output-file /dev/null || exit 1; \
	done

format: $(DEV)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

clean:
	rm -rf $(VENV) $(ENGINES) demo.store .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
