"""Draw passive and active learners in all tasks in one figure, from the learning curves of the studies.

    python docs/make_learning_figure.py --results results       # after the studies of docs/results.md

Reads ``learning_curves.csv`` in the folders of the studies that are there, and writes docs/images/passive_and_active_tasks.png: reward as
a fraction of the optimum against the number of episodes seen, a panel for each task and split.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro

from agents.analysis.plots import against_episodes
from baselines.plots import PALETTE

PICTURE = Path(__file__).parent / "images" / "passive_and_active_tasks.png"
METRIC = "normalized_reward"
LINES = {
    "passive_and_active": {"bc": "watches", "ppo": "acts", "bc_then_ppo": "watches, then acts"},
    "active_odd_one_out": {
        "bc_none": "watches",
        "ppo_none": "acts",
        "bc_all": "watches, explained",
        "ppo_full": "acts, explained",
        "bc_then_ppo": "watches, then acts",
    },
    "active_confounded": {"bc_shape": "watches, explained", "ppo_none": "acts", "ppo_shape_weight_1": "acts, explained"},
    "active_intervention": {
        "bc_none": "watches",
        "ppo_none": "acts",
        "bc_all": "watches, explained",
        "ppo_all": "acts, explained",
        "bc_then_ppo": "watches, then acts",
    },
}
"""Folder of a study -> variation -> its line."""


@dataclass(frozen=True)
class Args:
    """Draw passive and active learners in all tasks in one figure."""

    results: Path
    """Folder of the studies' folders."""
    out: Path = PICTURE
    """The picture."""


def curves(results: Path) -> pd.DataFrame:
    """Tidy rows of all studies, with the task in ``split`` and the line in ``policy``.

    Raises:
        FileNotFoundError: there is no learning curve at all.
    """
    tables = []
    for study, lines in LINES.items():
        if (path := results / study / "learning_curves.csv").exists():
            rows = pd.read_csv(path)
            rows = rows[(rows["metric"] == METRIC) & rows["policy"].isin(lines)]
            task = rows["env_id"].str.removesuffix("-v0") + ": " + rows["split"]
            tables.append(rows.assign(policy=rows["policy"].map(lines), split=task))
    if not tables:
        raise FileNotFoundError(f"results must hold the folder of one of {', '.join(LINES)} with learning_curves.csv, got {results}")
    return pd.concat(tables, ignore_index=True)


def main(args: Args) -> None:
    args.out.parent.mkdir(parents=True, exist_ok=True)
    against_episodes(curves(args.results), PALETTE, METRIC).savefig(args.out)


if __name__ == "__main__":
    main(tyro.cli(Args))
