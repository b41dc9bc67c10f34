"""A run of a study: it trains one agent, then evaluates, explains and probes it, in a folder of its own. It can be resumed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import gym_causal
from agents.algorithms import behavioral_cloning, reinforcement_learning
from agents.algorithms.training_data import demonstrator
from agents.analysis.explanation_accuracy import explanation_accuracy
from agents.analysis.probe import can_probe, probe
from agents.analysis.reasoning_probe import can_probe_reasoning, probe_reasoning
from agents.config.agent import AgentConfig
from agents.data.csv_rows import read_rows, write_rows
from agents.policies.agent import Agent
from agents.policies.checkpoints import CONFIG, load_config, updates_made
from agents.sweeps.recipes import Recipe
from agents.sweeps.studies import study
from agents.sweeps.study import DEMONSTRATED, EXPERT_REWARD, FRACTION_OF_EXPERT, HELD_OUT_RATIO
from gym_causal.evaluation import EvaluationResult

RESULTS, PROBE = "results.csv", "probe.csv"
WATCHED = "watched"
"""Folder, in that of a run, of the agent whose weights it starts from."""
PROBED_EPISODES = 2_000
"""Half of them to fit linear probes, half to score them."""
EPISODES_SEED = 0
"""Of the episodes of final evaluations: every agent plays the same ones, and no training ever evaluates on them."""


@dataclass(frozen=True)
class Run:
    """A variation trained with one seed."""

    variation: str
    config: AgentConfig
    folder: Path
    splits: tuple[str, ...]  # of the final evaluation
    episodes: int  # of each split
    device: str = "cpu"  # torch's name of where it is trained
    watched: AgentConfig | None = None  # a training by behavioral cloning that it begins with

    def __str__(self) -> str:
        return f"{self.variation}, seed {self.config.seed}"

    def check(self) -> None:
        """Raise a ValueError if the folder holds an agent of another configuration, or damaged results."""
        if (self.folder / RESULTS).exists():
            self.results()
        if not (self.folder / CONFIG).exists():
            return
        found = dataclasses.replace(load_config(self.folder), initial_weights=None)  # known when the first training is over
        if differences := found.differences(self.config):
            raise ValueError(
                f"out: {str(self.folder)!r} holds an agent of another configuration ({', '.join(differences)}); choose another folder"
            )

    @property
    def finished(self) -> bool:
        """Whether its results are complete."""
        if not (self.folder / RESULTS).exists():
            return False
        rows = self.results()
        rewards = rows[rows["metric"] == "reward"]
        return set(rewards["split"]) == set(self.splits) and bool((rewards["episodes"] == self.episodes).all())

    @property
    def updates(self) -> int:
        """How many updates its last checkpoint has had; 0 without a readable checkpoint."""
        return updates_made(self.folder)

    def results(self) -> pd.DataFrame:
        """Tidy rows, those of ``gym_causal.evaluate`` and of the analyses, with ``seed_of_training``.

        Raises:
            FileNotFoundError: it is not finished.
            ValueError: the file is damaged.
        """
        columns = ("env_id", "split", "policy", "metric", "mean", "episodes", "seed_of_training")
        return read_rows(self.folder / RESULTS, "a file of results", columns, numbers=("mean", "episodes", "seed_of_training"))

    def execute(self) -> None:
        """Train, or resume training, then evaluate and analyse. ``results.csv`` is written last: with it, a run is finished."""
        agent = self._trained()
        rows = [row for split in self.splits for row in self._evaluate(agent, split)] + self._demonstrated() + self._probe(agent)
        rows += [row for split in self.splits for row in self._probe_reasoning(agent, split)]
        table = pd.DataFrame(rows).assign(policy=self.variation, seed_of_training=self.config.seed)
        write_rows(self.folder / RESULTS, table)

    def _trained(self) -> Agent:
        """The agent, after what is left of its training."""
        options: dict[str, Any] = {"resume": True, "splits": self.splits, "progress": False, "device": self.device}
        if self.config.ppo is None:
            return behavioral_cloning.train(self.config, self.folder, **options)
        if self.watched is None:
            return reinforcement_learning.train(self.config, self.folder, **options)
        behavioral_cloning.train(self.watched, self.folder / WATCHED, **options)
        return reinforcement_learning.train(self.config, self.folder, init=self.folder / WATCHED, **options)

    def _evaluate(self, agent: Agent, split: str) -> list[dict[str, Any]]:
        """Rows of the agent's metrics on a split, and of its explanation accuracy if it predicts explanations."""
        env_id, env_kwargs = self.config.env_id, self.config.env_kwargs
        result, expert = (self._play(policy, split, env_kwargs) for policy in (agent, "expert"))
        rows = _rows(result, expert)
        rows.append({**rows[0], "metric": EXPERT_REWARD, **dataclasses.asdict(expert.reward)})
        if agent.policy.explanation_head is not None:
            arguments = {**env_kwargs, **self.config.demonstration_kwargs}
            mode = self.config.training.explanations
            rows += explanation_accuracy(agent.policy, env_id, split=split, explanations=mode, **arguments).rows()
        return rows

    def _demonstrated(self) -> list[dict[str, Any]]:
        """Rows of the metrics of whoever demonstrates, where that is done: agents may surpass what they watch. No rows if nobody does."""
        if self.config.ppo is not None:
            return []
        arguments = {**self.config.env_kwargs, **self.config.demonstration_kwargs}
        split = arguments.pop("split", self.splits[0])
        result = self._play(demonstrator(self.config), split, arguments)
        rows = _rows(result, self._play("expert", split, self.config.env_kwargs))
        return [{**row, "metric": f"{DEMONSTRATED}{row['metric']}"} for row in rows]

    def _play(self, policy: Any, split: str, env_kwargs: dict[str, Any]) -> EvaluationResult:
        options: dict[str, Any] = {"split": split, "num_episodes": self.episodes, "seed": EPISODES_SEED}
        return gym_causal.evaluate(policy, self.config.env_id, **options, **env_kwargs)

    def _probe(self, agent: Agent) -> list[dict[str, Any]]:
        """The row of the held-out ratio, in envs where there is evidence to react to; also writes ``probe.csv``."""
        env_id, env_kwargs = self.config.env_id, self.config.env_kwargs
        if not can_probe(env_id, **env_kwargs):
            return []
        result = probe(agent.policy, env_id, **env_kwargs)
        write_rows(self.folder / PROBE, pd.DataFrame(result.rows()))
        row = {"env_id": env_id, "split": "train", "metric": HELD_OUT_RATIO, "episodes": result.episodes, "seed": result.seed}
        return [{**row, **dataclasses.asdict(result.held_out_ratio)}]

    def _probe_reasoning(self, agent: Agent, split: str) -> list[dict[str, Any]]:
        """Rows of what hidden states hold of the expert's reasoning, in the task that has a test trial after experiments."""
        env_id, env_kwargs = self.config.env_id, self.config.env_kwargs
        if not can_probe_reasoning(env_id, **env_kwargs):
            return []
        found = probe_reasoning(agent.policy, env_id, split=split, num_episodes=PROBED_EPISODES, seed=EPISODES_SEED, **env_kwargs)
        row = {"env_id": env_id, "split": split, "seed": EPISODES_SEED}
        return [{**row, "metric": metric, "mean": accuracy, "episodes": count} for metric, (accuracy, count) in found.items()]


def _rows(result: EvaluationResult, expert: EvaluationResult) -> list[dict[str, Any]]:
    """Tidy rows of a policy's metrics, and of its return as a fraction of the expert's."""
    rows = result.rows()
    fraction = {end: value / expert.reward.mean for end, value in dataclasses.asdict(result.reward).items()}
    return [*rows, {**rows[0], "metric": FRACTION_OF_EXPERT, **fraction}]


def runs_of(recipe: Recipe, device: str = "cpu") -> list[Run]:
    """The runs of a recipe, each in ``VARIATION/seed_SEED`` of the recipe's folder."""
    splits = study(recipe.study).splits
    return [
        Run(
            variation.name,
            config,
            recipe.folder / variation.name / f"seed_{config.seed}",
            splits,
            recipe.episodes,
            device,
            recipe.watched(variation, config.seed),
        )
        for variation, config in recipe.configs()
    ]
