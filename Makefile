# Sets itself up: `make` trains an agent and compares it with the expert and the baselines on every split, `make test` runs the tests.

PYTHON ?= python3
VENV ?= .venv
# The torch to install, where a target needs one. On Linux the unqualified wheel brings gigabytes of CUDA libraries with it.
TORCH ?= torch==2.13.0
IMITATION ?= imitation==1.0.1
# Most processes here are many and small: threads inside NumPy and torch only get in each other's way.
export OMP_NUM_THREADS ?= 1

BIN := $(VENV)/bin
# Without byte-compiling everything that is never imported, installing takes a third of the time.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-compile

.PHONY: train compare ablate test slow lint format types docs benchmark clean

# Training has the machine to itself: torch takes all cores. (An empty OMP_NUM_THREADS would be answered with a warning.)
train: $(VENV)/agents.stamp
	env -u OMP_NUM_THREADS $(BIN)/python -m agents.train --env CausalDAG-v0 --preset quick --resume --out results/agent

compare: $(VENV)/baselines.stamp
	$(BIN)/python -m baselines.compare --env CausalDAG-v0 --out results/compare

# What docs/results.md reports; hours on two cores. Killed and called again, it goes on.
ablate: $(VENV)/agents.stamp
	$(BIN)/python -m agents.ablate --study architectures --preset full --seeds 4 --episodes 20000 --out results/full \
		--variations variable
	$(BIN)/python -m agents.ablate --study architectures --preset full --seeds 1 --episodes 20000 --out results/full \
		--variations equivariant
	$(BIN)/python -m agents.ablate --study architectures --preset quick --seeds 1 --out results/controls \
		--variations unrestricted random_exploration no_exploration embedded embedded_one_head
	$(BIN)/python -m agents.ablate --study trial --batches 1500 --seeds 3 --out results/trial \
		--variations trial trial_linear one_head names linear_one_head names_one_head
	$(BIN)/python -m agents.ablate --study architectures --env CausalDAGCued-v0 --batches 2000 --seeds 1 --out results/cued \
		--variations variable
	$(BIN)/python -m agents.ablate --study confounded --seeds 3 --out results/confounded --variations none shape color shape_shuffled
	$(BIN)/python -m agents.ablate --study confounded --seeds 1 --out results/confounded_texture --variations texture
	$(BIN)/python -m agents.ablate --study confounded --batches 600 --seeds 1 --out results/parts \
		--variations shape_properties shape_reward
	$(BIN)/python -m agents.ablate --study feature_set --seeds 3 --out results/feature_set --variations none full

test: $(VENV)/tests.stamp $(VENV)/agents.stamp $(VENV)/minari.stamp
	$(BIN)/python -m pytest --numprocesses auto

slow: $(VENV)/tests.stamp $(VENV)/agents.stamp
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/tests.stamp
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

format: $(VENV)/tests.stamp
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

types: $(VENV)/tests.stamp $(VENV)/agents.stamp
	$(BIN)/python -m mypy

docs: $(VENV)/docs.stamp
	$(BIN)/python -m sphinx -W --keep-going --quiet -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

benchmark: $(VENV)/benchmark.stamp $(VENV)/agents.stamp
	$(BIN)/python -m benchmarks.throughput --out results/benchmark
	$(BIN)/python -m benchmarks.training --out results/benchmark/training.json
	$(BIN)/python -m benchmarks.training --env OddOneOutConfounded-v0 --explanations full --episodes 1000 \
		--out results/benchmark/room_training.json

clean:
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
