"""Draw the figures of docs/results.md whose numbers are in docs/data.

    python docs/make_result_tables.py --results results       # takes over the numbers of new runs
    python docs/make_result_figures.py

They are docs/images/feature_set.png, and docs/images/imperfect_teachers_QUANTITY.png for each quantity of that study.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro
from matplotlib.figure import Figure

from agents.analysis.plots import final_rewards
from agents.sweeps.figures import quantity_figures
from agents.sweeps.studies import study
from agents.sweeps.tables import shown_bounds, summarize_seeds
from baselines.plots import PALETTE
from gym_causal.files import write_atomically

DOCS = Path(__file__).parent


@dataclass(frozen=True)
class Args:
    """Draw the figures of docs/results.md whose numbers are in docs/data."""

    out: Path = DOCS / "images"
    """Folder for the figures."""


def figures() -> dict[str, Figure]:
    """File name -> figure."""
    rooms, teachers = "feature_set", "imperfect_teachers"
    rows = {name: pd.read_csv(DOCS / "data" / f"{name}.csv") for name in (rooms, teachers)}
    summaries = {name: shown_bounds(summarize_seeds(results)) for name, results in rows.items()}
    drawn = {"feature_set.png": final_rewards(rows[rooms], summaries[rooms], PALETTE, study(rooms).metric)}
    for quantity, figure in quantity_figures(study(teachers), rows[teachers], summaries[teachers], PALETTE).items():
        drawn[f"imperfect_teachers_{quantity}.png"] = figure
    return drawn


def main(args: Args) -> None:
    """Run the command."""
    args.out.mkdir(parents=True, exist_ok=True)
    for name, figure in figures().items():
        write_atomically(args.out / name, figure.savefig)


if __name__ == "__main__":
    main(tyro.cli(Args))
