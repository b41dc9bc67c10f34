"""Draw the figures of docs/results.md and docs/room_results.md whose numbers are in docs/data.

    python docs/make_result_tables.py --results results       # takes over the numbers of new runs
    python docs/make_result_figures.py

They are docs/images/feature_set.png, docs/images/confounded_choices.png, and docs/images/STUDY_QUANTITY.png for each quantity in which
variations of a study differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro
from matplotlib.figure import Figure

from agents.analysis.plots import choices, final_rewards
from agents.sweeps.figures import quantity_figures
from agents.sweeps.studies import study
from agents.sweeps.tables import shown_bounds, summarize_seeds
from baselines.plots import PALETTE
from gym_causal.files import write_atomically

DOCS = Path(__file__).parent


@dataclass(frozen=True)
class Args:
    """Draw the figures of docs/results.md and docs/room_results.md whose numbers are in docs/data."""

    out: Path = DOCS / "images"
    """Folder for the figures."""


def figures() -> dict[str, Figure]:
    """File name -> figure."""
    rooms, confounded = _results("feature_set"), _results("confounded")
    drawn = {
        "feature_set.png": final_rewards(*rooms, PALETTE, study("feature_set").metric),
        "confounded_choices.png": choices(*confounded, PALETTE),
    }
    leveled = {
        "imperfect_teachers": _results("imperfect_teachers"),
        "confounded": _results("confounded", "confounded_controls"),
        "demonstrations": _results("demonstrations"),
    }
    for name, of_study in leveled.items():
        for quantity, figure in quantity_figures(study(name), *of_study, PALETTE).items():
            drawn[f"{name}_{quantity}.png"] = figure
    return drawn


def _results(*names: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of some of docs/data, and their summary over seeds."""
    rows = pd.concat([pd.read_csv(DOCS / "data" / f"{name}.csv") for name in names], ignore_index=True)
    return rows, shown_bounds(summarize_seeds(rows))


def main(args: Args) -> None:
    """Run the command."""
    args.out.mkdir(parents=True, exist_ok=True)
    for name, figure in figures().items():
        write_atomically(args.out / name, figure.savefig)


if __name__ == "__main__":
    main(tyro.cli(Args))
