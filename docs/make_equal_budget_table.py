"""Passive and active learners after as many episodes, after as many updates of the weights, and after as much time.

    python docs/make_equal_budget_table.py --results results/passive_and_active      # after that study

A budget is the smaller of what the two agents used in all: one of them has ended, the other one is at its last evaluation within it.
(Its learning rate is still high then, so a training that was planned for that budget could do better.) Writes the numbers to
docs/data/active_learners/equal_budgets.csv, and a table of means over training seeds with their 95% interval into docs/results.md. Seconds
are from the logs for TensorBoard, without those of evaluations; compare agents that were trained on the same machine under the same load.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from page_tables import Tables, markdown, with_interval, write_tables
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.algorithms.learning_curve import HISTORY, read_history
from agents.config import AgentConfig
from agents.data.csv_rows import write_rows
from agents.policies.checkpoints import load_config
from agents.sweeps.tables import shown_bounds, summarize_seeds

DOCS = Path(__file__).parent
DATA, PAGE = DOCS / "data" / "active_learners" / "equal_budgets.csv", DOCS / "results.md"
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
    found = []
    for policy, rows in curves.items():
        used = rows[budget][rows[budget] <= most].max()
        found.append(rows[rows[budget] == used].assign(policy=policy, budget=budget, used=used))
    return pd.concat(found)


def equal_budgets(results: Path) -> pd.DataFrame:
    """The tidy rows of all seeds that both agents have.

    Raises:
        SystemExit: there is none.
    """
    seeds = sorted(set.intersection(*({path.parent.name for path in (results / name).glob(f"seed_*/{HISTORY}")} for name in AGENTS)))
    if not seeds:
        raise SystemExit(f"error: results must be the folder of a study with {' and '.join(AGENTS)}, got {results}")
    found = []
    for seed in seeds:
        curves = {name: learning_curve(results / name / seed) for name in AGENTS}
        found += [within(curves, budget).assign(seed_of_training=int(seed.removeprefix("seed_"))) for budget in BUDGETS]
    columns = ["budget", "policy", "used", "env_id", "split", "metric", "mean", "low", "high", "episodes", "seed_of_training"]
    return pd.concat(found, ignore_index=True)[columns]


def table(rows: pd.DataFrame) -> str:
    """A row for each agent and budget: means over seeds, with their 95% interval."""
    used = rows.groupby(["policy", "budget"])["used"].transform("mean")
    summary = shown_bounds(summarize_seeds(rows.assign(policy=[*zip(rows["policy"], rows["budget"], used, strict=True)])))
    splits = list(dict.fromkeys(rows["split"]))
    lines = []
    for (agent, budget, mean), each in summary.groupby("policy", sort=False):
        numbers = each.set_index("split")
        cells = [with_interval(*numbers.loc[split, ["mean", "low", "high"]]) for split in splits]
        lines.append([f"`{agent}`, {mean:,.0f} {BUDGETS[budget]}", *cells])
    return markdown(["Agent", *splits], lines)


def tables(rows: pd.DataFrame) -> Tables:
    """The table of the page."""
    return {"equal_budgets": partial(table, rows)}


def main(args: Args) -> None:
    """Run the command."""
    rows = equal_budgets(args.results)
    DATA.parent.mkdir(parents=True, exist_ok=True)
    write_rows(DATA, rows)
    write_tables(PAGE, tables(rows))


if __name__ == "__main__":
    main(tyro.cli(Args))
