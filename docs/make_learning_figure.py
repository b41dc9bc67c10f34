"""Draw the learning curves of passive and active learners: of the study passive_and_active, and of all tasks in one picture.

    python docs/make_learning_figure.py --results results       # after the studies of docs/results.md and docs/room_results.md

Reads ``learning_curves.csv`` in the folders of the studies that are there and puts the normalized rewards into
docs/data/active_learners/learning_curves.csv, where rows replace those of the same study, variation and seed. From that file it draws
reward as a fraction of the optimum against the number of episodes seen: docs/images/passive_and_active.png has a panel for each split
and a line for each of ``COMPARED``, docs/images/passive_and_active_tasks.png a panel for each task and split and the lines of ``LINES``.
Without ``--results`` the pictures are drawn from the file as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro
from matplotlib.figure import Figure

from agents.analysis.plots import against_episodes
from agents.data.csv_rows import write_rows
from agents.sweeps.tables import with_new_runs
from baselines.plots import PALETTE
from gym_causal.files import write_atomically

DOCS = Path(__file__).parent
DATA = DOCS / "data" / "active_learners" / "learning_curves.csv"
METRIC = "normalized_reward"
LINES = {
    "passive_and_active": {"bc": "watches", "ppo": "acts", "bc_then_ppo": "watches, then acts"},
    "passive_and_active_full": {},  # ten times as long: kept, not drawn
    "passive_and_active_cued": {"bc": "watches", "ppo": "acts", "bc_then_ppo": "watches, then acts"},
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
"""Folder of a study -> variation -> its line in the picture of all tasks."""
COMPARED = ("bc", "ppo", "bc_then_ppo", "bc_then_ppo_kl_1.0")
"""Variations of the study passive_and_active in the picture of that study."""


@dataclass(frozen=True)
class Args:
    """Draw the learning curves of passive and active learners: of one study, and of all tasks."""

    results: Path | None = None
    """Folder of the studies' folders, whose learning curves are put into the file first."""
    out: Path = DOCS / "images"
    """Folder for the pictures."""


def curves(results: Path) -> pd.DataFrame:
    """The rows of all variations of the studies, with the column ``study``.

    Raises:
        FileNotFoundError: there is no learning curve at all.
    """
    tables = []
    for study in LINES:
        if (path := results / study / "learning_curves.csv").exists():
            rows = pd.read_csv(path)
            tables.append(rows[rows["metric"] == METRIC].assign(study=study))
    if not tables:
        raise FileNotFoundError(f"results must hold the folder of one of {', '.join(LINES)} with learning_curves.csv, got {results}")
    return pd.concat(tables, ignore_index=True)


def labelled(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``LINES`` in their order, with the task in ``split`` and the line in ``policy``."""
    rows = rows[[policy in LINES[study] for study, policy in zip(rows["study"], rows["policy"], strict=True)]]
    ordered = rows.iloc[rows["study"].map([*LINES].index).argsort(kind="stable")]
    line = [LINES[study][variation] for study, variation in zip(ordered["study"], ordered["policy"], strict=True)]
    return ordered.assign(policy=line, split=ordered["env_id"].str.removesuffix("-v0") + ": " + ordered["split"])


def pictures(rows: pd.DataFrame) -> dict[str, Figure]:
    """File name -> picture."""
    of_study = rows[(rows["study"] == "passive_and_active") & rows["policy"].isin(COMPARED)]
    in_order = of_study.iloc[of_study["policy"].map(COMPARED.index).argsort(kind="stable")]
    drawn = {"passive_and_active.png": in_order, "passive_and_active_tasks.png": labelled(rows)}
    return {name: against_episodes(curves, PALETTE, METRIC) for name, curves in drawn.items() if len(curves)}


def main(args: Args) -> None:
    """Run the command."""
    if args.results is not None:
        rows = with_new_runs(DATA, curves(args.results), run=("study", "policy", "seed_of_training"))
        write_rows(DATA, rows)
    args.out.mkdir(parents=True, exist_ok=True)
    for name, figure in pictures(pd.read_csv(DATA)).items():
        write_atomically(args.out / name, figure.savefig)


if __name__ == "__main__":
    main(tyro.cli(Args))
