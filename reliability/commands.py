"""The commands that are killed, each small enough to last seconds. The process that they are forked from imports this module."""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch

import gym_causal
from agents import ablate
from agents.algorithms import behavioral_cloning, reinforcement_learning
from agents.algorithms.learning_curve import HISTORY
from agents.language import __main__ as language
from agents.language import models, training  # noqa: F401 - what commands import late is imported by the first process
from agents.language.gpt import GPTConfig
from agents.language.train import Args as LanguageTrainingArgs
from agents.language.train import train as train_language_model
from agents.language.training_config import TrainingConfig
from agents.policies.checkpoints import CHECKPOINT, CONFIG
from agents.sweeps import processes
from agents.sweeps.runs import PROBE, RESULTS
from tests.agents.language.scripted import ScriptedModel, reads_explanations
from tests.agents.small import CONFIG as BC_CONFIG
from tests.agents.small import PPO_CONFIG

torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])  # the first optimizer imports half of torch
_AGENT = (CONFIG, CHECKPOINT, HISTORY)


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: as the page has it.
        run: it begins in a folder, or goes on with what is there.
        patterns: of the files that it promises to write, the same in every run.
    """

    name: str
    run: Callable[[Path], object]
    patterns: tuple[str, ...]

    def files(self, folder: Path) -> dict[str, Any]:
        """Their contents by name, in a form that ``==`` compares."""
        paths = [path for pattern in self.patterns for path in folder.glob(pattern)]
        return {str(path.relative_to(folder)): _content(path) for path in paths}


def _content(path: Path) -> Any:
    """The bytes of a file. Of safetensors those of each tensor: the library writes metadata in any order."""
    if path.suffix != ".safetensors":
        return path.read_bytes()
    with safetensors.safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        return file.metadata(), {name: (value.dtype, value.shape, value.numpy().tobytes()) for name, value in tensors.items()}


def bc(folder: Path) -> None:
    config = dataclasses.replace(BC_CONFIG, training=dataclasses.replace(BC_CONFIG.training, num_batches=60, checkpoint_every=2))
    behavioral_cloning.train(config, folder, resume=True, splits=("train",), progress=False)


def ppo(folder: Path) -> None:
    config = dataclasses.replace(PPO_CONFIG, training=dataclasses.replace(PPO_CONFIG.training, num_batches=12))
    reinforcement_learning.train(config, folder, resume=True, splits=("train",), progress=False)


def sweep(folder: Path) -> None:
    processes._context = lambda: multiprocessing.get_context("fork")  # everything is imported here already
    ablate.main(ablate.Args(seeds=1, batches=4, episodes=20, variations=("variable",), processes=1, out=folder))


def collect(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for seed in range(6):
        gym_causal.collect("expert", "CausalDAG-v0", num_episodes=1_500, seed=seed).save(folder / f"{seed}.npz")


def language_train(folder: Path) -> None:
    gpt = GPTConfig(width=16, num_layers=1, num_heads=2)
    config = TrainingConfig(gpt=gpt, num_updates=12, batch_size=4, evaluate_every=6, evaluation_games=4, checkpoint_every=2)
    names = {each.name for each in dataclasses.fields(TrainingConfig)} & {each.name for each in dataclasses.fields(LanguageTrainingArgs)}
    train_language_model(LanguageTrainingArgs(out=folder, resume=True, **{name: getattr(config, name) for name in names}))


def language_play(folder: Path) -> None:
    models.load_model = lambda name, arguments: ScriptedModel(reads_explanations)
    language.REFERENCE_GAMES = 20
    language.main(f"--out {folder} --games 30 --prompts 3 --selection-games 6 --shots 2 --conditions none both".split())


COMMANDS = {
    "bc": Command("training by behavioral cloning", bc, _AGENT),
    "ppo": Command("training by PPO", ppo, _AGENT),
    "ablate": Command("a study (`agents.ablate`)", sweep, (RESULTS, "summary.csv", *(f"*/*/{name}" for name in (*_AGENT, RESULTS, PROBE)))),
    "collect": Command("`collect` and `save`", collect, ("*.npz",)),
    "language_train": Command("training of a language model", language_train, ("*.json", "*.safetensors", HISTORY)),
    "language_play": Command("play of a language model", language_play, (RESULTS, "prompts.json", "requests.jsonl", "transcripts.html")),
}
