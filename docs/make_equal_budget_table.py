"""Passive and active learners after as many episodes, after as many updates of the weights, and after as much time.

    python docs/make_equal_budget_table.py --results results/passive_and_active      # after that study

A budget is the smaller of what the two agents used in all: one of them has ended, the other one is at its last evaluation within it.
(Its learning rate is still high then, so a training that was planned for that budget could do better.) Prints a table of means over
training seeds with their 95% interval, and writes the numbers of all agents to docs/data/active_learners/equal_budgets.csv. Seconds are
from the logs for TensorBoard, without those of evaluations; compare agents that were trained on the same machine under the same load.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.algorithms.learning_curve import HISTORY, read_history
from agents.config import AgentConfig
from agents.policies.checkpoints import load_config
from agents.sweeps.study import Column
from agents.sweeps.tables import markdown_table, summarize_seeds
from gym_causal.files import write_atomically

DATA = Path(__file__).parent / "data" / "active_learners" / "equal_budgets.csv"
LOGGED = "learning_rate"
"""Part of the name of a scalar that is logged while an agent learns."""
METRIC = "normalized_reward"
AGENTS = ("bc", "ppo")
"""Variations of the study."""
BUDGETS = {"episodes_seen": "episodes", "updates": "updates", "seconds": "seconds"}


@dataclass(frozen=True)
class Args:
    """Compare agents of the study passive_and_active after as many episodes, updates and seconds."""

    results: Path
    """Folder of the study."""
    out: Path = DATA
    """The CSV."""


def updates_per_batch(config: AgentConfig) -> int:
    """Steps of the optimiser in an update of behavioral cloning, or in an iteration of PPO."""
    if config.ppo is None:
        return 1
    return config.ppo.num_epochs * math.ceil(config.ppo.num_envs / config.training.batch_size)


def seconds_per_batch(folder: Path) -> float:
    """The median over what was logged, which leaves out the few steps that wait for an evaluation or a checkpoint."""
    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    (name,) = [tag for tag in events.Tags()["scalars"] if LOGGED in tag]
    logged = events.Scalars(name)
    times, steps = np.array([each.wall_time for each in logged]), np.array([each.step for each in logged])
    return float(np.median(np.diff(times) / np.diff(steps)))


def learning_curve(folder: Path) -> pd.DataFrame:
    """The learning curve of an agent, with what it had used at each evaluation: a column for each budget."""
    config, history = load_config(folder), read_history(folder / HISTORY)
    history = history[history["metric"] == METRIC]
    per_batch = {"episodes_seen": config.episodes_per_batch, "updates": updates_per_batch(config), "seconds": seconds_per_batch(folder)}
    return history.assign(**{name: history["batch"] * amount for name, amount in per_batch.items()})


def within(curves: dict[str, pd.DataFrame], budget: str) -> pd.DataFrame:
    """What two agents of one seed had learned within the smaller of what they used in all."""
    most = min(rows[budget].max() for rows in curves.values())
    tables = []
    for policy, rows in curves.items():
        used = rows[budget][rows[budget] <= most].max()
        tables.append(rows[rows[budget] == used].assign(policy=policy, budget=budget, used=used))
    return pd.concat(tables)


def equal_budgets(args: Args) -> pd.DataFrame:
    """The tidy rows of all seeds that both agents have.

    Raises:
        SystemExit: there is none.
    """
    seeds = sorted(set.intersection(*({path.parent.name for path in (args.results / name).glob(f"seed_*/{HISTORY}")} for name in AGENTS)))
    if not seeds:
        raise SystemExit(f"error: results must be the folder of a study with {' and '.join(AGENTS)}, got {args.results}")
    tables = []
    for seed in seeds:
        curves = {name: learning_curve(args.results / name / seed) for name in AGENTS}
        tables += [within(curves, budget).assign(seed_of_training=int(seed.removeprefix("seed_"))) for budget in BUDGETS]
    columns = ["budget", "policy", "used", "env_id", "split", "metric", "mean", "low", "high", "episodes", "seed_of_training"]
    return pd.concat(tables, ignore_index=True)[columns]


def markdown(table: pd.DataFrame) -> str:
    """A row for each agent and budget: means over seeds, with their 95% interval."""
    used = table.groupby(["policy", "budget"])["used"].transform("mean")
    names = [f"{row.policy}, {mean:,.0f} {BUDGETS[row.budget]}" for row, mean in zip(table.itertuples(), used, strict=True)]
    columns = [Column(title=split, metric=METRIC, split=split) for split in dict.fromkeys(table["split"])]
    return markdown_table(summarize_seeds(table.assign(policy=names)), columns)


def main(args: Args) -> None:
    """Run the command."""
    table = equal_budgets(args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(args.out, lambda path: table.to_csv(path, index=False))
    print(markdown(table))


if __name__ == "__main__":
    main(tyro.cli(Args))
