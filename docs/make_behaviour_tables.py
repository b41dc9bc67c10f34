"""What agents that watch and agents that act do: do they find a held-out cause, and which strategies do they choose like?

    python docs/make_behaviour_tables.py --results results/passive_and_active      # after that study

For each agent, in CausalDAG-v0, where D is never an ancestor of E in training: in how many episodes it experiments on D, its reward as a
fraction of the optimum in those and in the others, and how often it then chooses D; and in which share of its choices each strategy would
have made the same one. Writes the numbers of all agents to experiments_on_d.csv and strategies.csv in docs/data/active_learners, and two
tables of means over training seeds, with the lowest and the highest seed, into docs/results.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tyro
from page_tables import Tables, markdown, write_tables
from tqdm import tqdm

import agents
import baselines
import gym_causal
from agents.data.csv_rows import write_rows
from gym_causal.rollouts import Step

ENV_ID, HELD_OUT_CAUSE, NUM_VARIABLES = "CausalDAG-v0", 3, 5
DOCS = Path(__file__).parent
DATA, PAGE = DOCS / "data" / "active_learners" / "experiments_on_d.csv", DOCS / "results.md"
STRATEGIES_DATA = DATA.with_name("strategies.csv")
EXPERIMENTS = {
    "tried": "episodes with an experiment on D",
    "reward_if_tried": "reward in those",
    "reward_if_not": "reward in the others",
    "chosen_if_tried": "chooses D in those",
}
STRATEGIES = {
    "match_optimum": "the optimum",
    "match_structure": "`structure`",
    "match_change": "`change`",
    "match_value": "`value`",
}


@dataclass(frozen=True)
class Args:
    """How agents of the study passive_and_active experiment on the held-out cause, and what they choose."""

    results: Path
    """Folder of the study."""
    variations: tuple[str, ...] = ("bc", "ppo", "bc_then_ppo", "bc_then_ppo_kl_1.0")
    """Of the study."""
    episodes: int = 2_000
    """Of each split."""


class Episodes:
    """What a policy does in the first episodes of seed 0: ``returns`` (n,), ``tried`` and ``chosen`` (n,) of the held-out cause."""

    def __init__(self, policy: Any, split: str, count: int) -> None:
        self.returns, self.tried, self.chosen = np.zeros(count), np.zeros(count, bool), np.zeros(count)
        gym_causal.evaluate(policy, ENV_ID, split=split, num_episodes=count, on_step=self._add)

    def _add(self, step: Step) -> None:
        rows = step.valid
        episodes, on_d = step.episodes[rows], step.actions[rows] % NUM_VARIABLES == HELD_OUT_CAUSE
        exploits = step.observations["phase"][rows] > 0
        self.returns[episodes] += step.rewards[rows]
        self.tried[episodes] |= on_d & ~exploits
        self.chosen[episodes] += on_d & exploits


def experiments(agent: Episodes, expert: Episodes) -> dict[str, float]:
    """The columns EXPERIMENTS of an agent; NaN where there is no such episode."""

    def fraction(rows: np.ndarray) -> float:
        return float(agent.returns[rows].sum() / expert.returns[rows].sum()) if rows.any() else np.nan

    tried = agent.tried
    chosen = float(agent.chosen[tried].mean() / 2) if tried.any() else np.nan
    return {"tried": tried.mean(), "reward_if_tried": fraction(tried), "reward_if_not": fraction(~tried), "chosen_if_tried": chosen}


def matches(policy: Any, split: str, count: int) -> dict[str, float]:
    """The columns STRATEGIES of an agent: in which share of its choices each would have made the same one."""
    references = {name: baselines.make(name, ENV_ID) for name in ("structure", "change", "value")}
    found = gym_causal.evaluate(policy, ENV_ID, split=split, num_episodes=count, references=references)
    return {metric: found.metrics[metric].mean for metric in STRATEGIES}


def table(rows: pd.DataFrame, columns: Mapping[str, str]) -> str:
    """Means over seeds, with the lowest and the highest seed."""
    lines = []
    for (split, variation), each in rows.groupby(["split", "variation"], sort=False):
        cells = (f"{each[c].mean():.2f} [{each[c].min():.2f}, {each[c].max():.2f}]" if each[c].notna().any() else "" for c in columns)
        lines.append([f"`{split}`", f"`{variation}`", *cells])
    return markdown(["Split", "Agent", *columns.values()], lines)


def tables(on_d: pd.DataFrame, choices: pd.DataFrame) -> Tables:
    """The tables of the page, from the rows of the two files."""
    return {"experiments_on_d": partial(table, on_d, EXPERIMENTS), "strategies": partial(table, choices, STRATEGIES)}


def main(args: Args) -> None:
    folders = [(name, folder) for name in args.variations for folder in sorted((args.results / name).glob("seed_*"))]
    if not folders:
        raise SystemExit(f"error: results must be the folder of a study with {', '.join(args.variations)}, got {args.results}")
    found: dict[Path, list[dict[str, Any]]] = {DATA: [], STRATEGIES_DATA: []}
    for split in ("train", "eval_target", "eval_path"):
        expert = Episodes("expert", split, args.episodes)
        for name, folder in tqdm(folders, desc=split):
            agent, run = agents.load(folder), {"variation": name, "seed_of_training": int(folder.name.removeprefix("seed_"))}
            if split != "train":
                found[DATA].append({"split": split, **run, **experiments(Episodes(agent, split, args.episodes), expert)})
            if split != "eval_target":
                found[STRATEGIES_DATA].append({"split": split, **run, **matches(agent, split, args.episodes)})
    rows = {path: pd.DataFrame(of_agents) for path, of_agents in found.items()}
    for path, each in rows.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_rows(path, each)
    write_tables(PAGE, tables(rows[DATA], rows[STRATEGIES_DATA]))


if __name__ == "__main__":
    main(tyro.cli(Args))
