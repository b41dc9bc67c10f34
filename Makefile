# Sets itself up: `make` trains an agent and compares it with the expert and the baselines on every split. `make help` lists all targets.

PYTHON ?= python3
VENV ?= .venv
# The torch to install, where a target needs one. On Linux the unqualified wheel brings gigabytes of CUDA libraries with it.
TORCH ?= torch==2.13.0
IMITATION ?= imitation==1.0.1
LM_EVAL ?= lm_eval==0.4.13
# Most processes here are many and small: threads inside NumPy and torch only get in each other's way.
export OMP_NUM_THREADS ?= 1
# Tests and commands start many processes, which all import torch: compiled once, that takes half the time.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
# Without byte-compiling everything that is never imported, installing takes a third of the time.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-compile

.PHONY: train compare ablate test slow lint format types docs benchmark reliability integrations clean help
.DEFAULT_GOAL := train

# Training has the machine to itself: torch takes all cores. (An empty OMP_NUM_THREADS would be answered with a warning.)
train: $(VENV)/agents.stamp  ## train an agent in minutes and compare it with the expert and the baselines; also plain `make`
	env -u OMP_NUM_THREADS $(BIN)/python -m agents.train --env CausalDAG-v0 --preset quick --resume --out results/agent

compare: $(VENV)/baselines.stamp  ## compare the expert and the baselines alone
	$(BIN)/python -m baselines.compare --env CausalDAG-v0 --out results/compare

ablate: $(VENV)/agents.stamp  ## train and evaluate every agent of docs/results.md: hours; called again, it resumes
	$(BIN)/python -m agents.ablate --published --out results

test: $(VENV)/tests.stamp $(VENV)/agents.stamp $(VENV)/language.stamp $(VENV)/minari.stamp $(VENV)/contrib.stamp  ## run the tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

slow: $(VENV)/tests.stamp $(VENV)/agents.stamp  ## run the tests that take minutes each (marked slow, left out of `make test`)
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/tests.stamp  ## check style and format
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

format: $(VENV)/tests.stamp  ## format the code
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

types: $(VENV)/tests.stamp $(VENV)/agents.stamp  ## check types
	$(BIN)/python -m mypy

docs: $(VENV)/docs.stamp  ## build the documentation
	$(BIN)/python -m sphinx -W --keep-going --quiet -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

benchmark: $(VENV)/benchmark.stamp $(VENV)/agents.stamp $(VENV)/language.stamp  ## measure speed
	$(BIN)/python -m benchmarks.throughput --out results/benchmark
	$(BIN)/python -m benchmarks.training --out results/benchmark/training.json
	$(BIN)/python -m benchmarks.training --env OddOneOutConfounded-v0 --explanations full --episodes 1000 \
		--out results/benchmark/room_training.json
	$(BIN)/python -m benchmarks.attention --out results/benchmark/attention.json
	$(BIN)/python -m benchmarks.language --out results/benchmark/language.json
	$(BIN)/python -m benchmarks.ppo --out results/benchmark/ppo.json

reliability: $(VENV)/tests.stamp $(VENV)/agents.stamp $(VENV)/language.stamp  ## measure what docs/reliability.md reports: an hour
	$(BIN)/python -m reliability.fuzz
	$(BIN)/python -m reliability.kills
	$(BIN)/python -m reliability.damage
	$(BIN)/python docs/make_reliability_tables.py

integrations: $(VENV)/baselines.stamp  ## run the scripts of docs/other_libraries.md, each in the environment of its library
	$(BIN)/python docs/make_integrations.py --torch "$(TORCH)"

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

clean:  ## remove the virtual environments and all results
	rm -rf $(VENV) .venv-* results docs/_build .*_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# One stamp for each extra of setup.cfg: installed once, and again when setup.cfg changes.
$(VENV)/%.stamp: setup.cfg pyproject.toml | $(BIN)/python
	$(INSTALL) --editable ".[$*]"
	@touch $@

# torch comes first, so that stable-baselines3 is content with the one chosen here. imitation pins an old gymnasium, yet runs beside the
# newest: hence no dependencies (all that are needed of them are in the extra).
$(VENV)/agents.stamp: setup.cfg pyproject.toml | $(BIN)/python
	$(INSTALL) "$(TORCH)"
	$(INSTALL) --editable ".[trainer]"
	$(INSTALL) --no-deps "$(IMITATION)"
	@touch $@

# After torch was chosen.
$(VENV)/contrib.stamp: $(VENV)/agents.stamp

# lm_eval without what its tasks and metrics need, half a gigabyte: language models use its model layer alone.
$(VENV)/language.stamp: $(VENV)/agents.stamp
	$(INSTALL) --editable ".[language-models]"
	$(INSTALL) --no-deps "$(LM_EVAL)"
	@touch $@
