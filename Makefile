# Sets itself up: `make` compares the expert and the baselines on every split, `make test` runs the tests.

PYTHON ?= python3
VENV ?= .venv
# The torch to install, where a target needs one. On Linux the unqualified wheel brings gigabytes of CUDA libraries with it.
TORCH ?= torch==2.13.0
# Most processes here are many and small: threads inside NumPy and torch only get in each other's way.
export OMP_NUM_THREADS ?= 1

BIN := $(VENV)/bin
# Without byte-compiling everything that is never imported, installing takes a third of the time.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-compile

.PHONY: compare test slow sb3 lint format types docs benchmark clean

compare: $(VENV)/baselines.stamp
	$(BIN)/python -m baselines.compare --env CausalDAG-v0 --out results/compare

test: $(VENV)/tests.stamp
	$(BIN)/python -m pytest --numprocesses auto

# Also the tests that train: they need stable-baselines3.
slow: $(VENV)/tests.stamp $(VENV)/sb3.stamp
	$(BIN)/python -m pytest -m slow

sb3: $(VENV)/sb3.stamp

lint: $(VENV)/tests.stamp
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

format: $(VENV)/tests.stamp
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

types: $(VENV)/tests.stamp
	$(BIN)/python -m mypy

docs: $(VENV)/docs.stamp
	$(BIN)/python -m sphinx -W --keep-going --quiet -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

benchmark: $(VENV)/benchmark.stamp
	$(BIN)/python -m benchmarks.throughput --out results/benchmark

clean:
	rm -rf $(VENV) .venv-* results docs/_build .*_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# One stamp for each extra of setup.cfg: installed once, and again when setup.cfg changes.
$(VENV)/%.stamp: setup.cfg pyproject.toml | $(BIN)/python
	$(INSTALL) --editable ".[$*]"
	@touch $@

# torch comes first, so that stable-baselines3 is content with the one chosen here.
$(VENV)/sb3.stamp: setup.cfg pyproject.toml | $(BIN)/python
	$(INSTALL) "$(TORCH)"
	$(INSTALL) --editable . stable-baselines3 tqdm rich
	@touch $@
