"""Run the notebook and store what it shows: ``python docs/make_tour.py`` (needs the extras ``agents`` and ``tests``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "examples" / "tour.ipynb"


def executed(updates: int | None = None) -> Any:
    """The notebook with its outputs.

    Args:
        updates: of its training; None: as many as it says.

    Raises:
        CellExecutionError: a cell failed.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    if updates is not None:
        (cell,) = (cell for cell in notebook.cells if "UPDATES = 300" in cell.source)
        cell.source = cell.source.replace("UPDATES = 300", f"UPDATES = {updates}")
    # Without timing, and what a cell prints as one output however the kernel sends it: what is stored is the same whenever it is run.
    NotebookClient(notebook, timeout=600, kernel_name="python3", record_timing=False, coalesce_streams=True).execute()
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        # Warnings of other packages name the paths where these lie. An image comes as PNG and as JPEG.
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        for output in cell.outputs:
            output.get("data", {}).pop("image/jpeg", None)
    return notebook


if __name__ == "__main__":
    notebook = executed()
    notebook.metadata.language_info = {"name": "python"}  # without the version that ran it
    nbformat.write(notebook, NOTEBOOK)
