"""Weights & Biases: what is logged, that a resumed training goes on with its run, and what happens without it. A fake stands in for it."""

import dataclasses
import sys

import pytest

pytest.importorskip("imitation")
pytest.importorskip("stable_baselines3")

from agents.algorithms import behavioral_cloning, reinforcement_learning
from agents.algorithms.learning_curve import WANDB_ID
from gym_causal.extras import ExtraNotInstalled
from tests.agents.small import CONFIG, PPO_CONFIG

CASES = {
    "bc": (behavioral_cloning.train, dataclasses.replace(CONFIG, training=dataclasses.replace(CONFIG.training, num_batches=4))),
    "ppo": (reinforcement_learning.train, PPO_CONFIG),
}


class Wandb:
    """Records runs as ``wandb.init`` begins them."""

    def __init__(self):
        self.runs = []

    def init(self, **options):
        self.runs.append(Run(options, id=options["id"] or f"run{len(self.runs)}"))
        return self.runs[-1]


class Run:
    def __init__(self, options, id):
        self.options, self.id, self.logged, self.finished = options, id, [], False

    def log(self, values, step):
        assert not self.finished
        self.logged.append((step, values))

    def finish(self):
        self.finished = True


@pytest.fixture
def wandb(monkeypatch):
    fake = Wandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    return fake


@pytest.mark.parametrize("case", CASES)
def test_numbers_are_logged_and_a_resumed_training_goes_on_with_its_run(case, wandb, tmp_path, monkeypatch):
    train, config = CASES[case]

    class Killed(Exception):
        pass

    def kill(run, values, step):
        if step >= 3:
            raise Killed
        run.logged.append((step, values))

    with monkeypatch.context() as patch:
        patch.setattr(Run, "log", kill)
        with pytest.raises(Killed):
            train(config, tmp_path, splits=("train",), progress=False, track="wandb")
    train(config, tmp_path, splits=("train",), progress=False, track="wandb", resume=True)
    first, second = wandb.runs
    assert (first.options["id"], second.options["id"]) == (None, first.id) and (tmp_path / WANDB_ID).read_text() == f"{first.id}\n"
    assert second.options["resume"] == "allow" and second.options["config"]["env_id"] == "CausalDAG-v0"
    assert "mode" not in second.options  # WANDB_MODE decides
    assert second.finished
    steps = [step for step, _ in second.logged]
    assert steps == sorted(steps) and steps[-1] == 4
    names = {name for _, values in first.logged + second.logged for name in values}
    assert "normalized_reward/train" in names and any(name.startswith(("bc/", "train/")) for name in names)
    assert (tmp_path / "tensorboard").is_dir()


@pytest.mark.parametrize("case", CASES)
def test_without_it_nothing_is_written(case, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    train, config = CASES[case]
    with pytest.raises(ExtraNotInstalled, match=r'--track wandb needs the extra "wandb": pip install -e "\.\[wandb\]"'):
        train(config, tmp_path / "agent", track="wandb")
    with pytest.raises(ValueError, match="track must be one of tensorboard, wandb, got 'paper'"):
        train(config, tmp_path / "agent", track="paper")
    assert not (tmp_path / "agent").exists()
