"""Figures of several panels with one legend."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_COLUMNS = 4  # of panels, at most
_LABELS = 6  # in a row of the legend, at most


def make_panels(titles: Sequence[str], *, share_x: bool = True, panel_width: float = 3.0) -> tuple[Figure, list[Axes]]:
    """A figure with a grid of panels, one for each title, filled row by row."""
    columns = min(len(titles), _COLUMNS)
    rows = math.ceil(len(titles) / columns)
    figure = Figure(figsize=(1.4 + panel_width * columns, 0.8 + 2.6 * rows), layout="constrained", dpi=150)
    grid = figure.subplots(rows, columns, sharex=share_x, sharey=share_x, squeeze=False).ravel()
    for axes, title in zip(grid, titles, strict=False):
        axes.set_title(title.replace("_", " "), fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[len(titles) :]:
        axes.remove()
    for axes in grid[max(0, len(titles) - columns) : len(titles)]:
        axes.tick_params(labelbottom=True)  # the lowest panel of its column, even where the grid's last row is not full
    return figure, list(grid[: len(titles)])


def label_axes(figure: Figure, panels: Sequence[Axes], x: str, y: str) -> None:
    """Label the axes of a single panel, or of the figure if it has several."""
    if len(panels) == 1:
        panels[0].set_xlabel(x)
        panels[0].set_ylabel(y)
    else:
        figure.supxlabel(x, fontsize=10)
        figure.supylabel(y, fontsize=10)


def add_legend(figure: Figure, axes: Axes) -> None:
    """Put one legend above all panels, with the labels of one of them."""
    labels = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))  # each label once
    figure.legend(labels.values(), labels.keys(), frameon=False, ncols=min(len(labels), _LABELS), loc="outside upper center")
