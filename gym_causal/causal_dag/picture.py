"""The picture of an episode: the graph with the last outcome, a table of all trials, and the explanation. Needs matplotlib.

Everything is drawn in pixels on one canvas of Matplotlib's own Agg renderer, so that neither the user's backend nor style matters.
Red stands for positive and blue for negative, of values and of weights.
"""

from __future__ import annotations

import textwrap
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle
from matplotlib.path import Path

from gym_causal.causal_dag.layout import layered_layout
from gym_causal.causal_dag.snapshot import EpisodeSnapshot, signed

_DPI = 100
_MANY = 12  # with more variables than this the picture is larger, and numbers give way to colours
_COLORS = matplotlib.colormaps["RdBu_r"]  # distinct in all common kinds of colour blindness
_FULL_COLOR = 10.0  # the value, and
_FULL_WIDTH = 2.0  # the weight, at which colour and width are at their fullest; larger ones only shift the scale
_INK, _GREY, _GOAL = "#222222", "#8a8a8a", "#007f5f"
_PALE = to_rgba("#ededed")
_MAX_TABLE_TRIALS = 40
_SMALLEST_NAMED = 7  # pixels; below this radius a name is not legible


@dataclass(frozen=True)
class Box:
    """A part of the canvas, in pixels; y grows upwards."""

    left: float
    bottom: float
    width: float
    height: float


def picture(snapshot: EpisodeSnapshot) -> np.ndarray:
    """(H, W, 3) uint8; its size depends on the number of variables alone."""
    width, height = (800, 480) if len(snapshot.names) <= _MANY else (1120, 672)  # multiples of 16, for video codecs
    with default_style():
        figure, axes = blank_canvas(width, height)
        axes.text(20, height - 28, snapshot.heading, size=13, weight="bold", color=_INK, va="center")
        trial = f"outcome of trial {snapshot.played}" if snapshot.played else "initial values of trial 1"
        axes.text(20, height - 50, f"shown: {trial}", size=9, color=_GREY, va="center")
        graph_width = 0.57 * width
        draw_graph(axes, snapshot, Box(10, 84, graph_width - 20, height - 148))
        draw_trials(axes, snapshot, Box(graph_width + 10, 84, width - graph_width - 24, height - 134))
        draw_explanation(axes, snapshot.explanation, Box(20, 6, width - 40, 60))
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def default_style() -> AbstractContextManager[None]:
    """A context in which Matplotlib's own defaults hold; the user's come back after it. (It leaves the backend alone.)"""
    return matplotlib.style.context("default")


def blank_canvas(width: int, height: int, dpi: int = _DPI) -> tuple[Figure, Axes]:
    """A figure of ``width`` x ``height`` units, pixels at the default ``dpi`` of 100, with axes that cover it."""
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=dpi, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(0, height))
    return figure, axes


# --- the graph -----------------------------------------------------------------------------------------------------------------


def draw_graph(axes: Axes, snapshot: EpisodeSnapshot, box: Box) -> np.ndarray:
    """The graph in layers, causes left of effects; variables coloured by the last outcome (before the first: by the initial values).

    The variable that was set has a thick ring, and its incoming edges, which the intervention cuts, are dotted. The goal has a green
    ring. Irrelevant variables stand in a row of their own, grey.

    Returns:
        (N, 2) float; where the variables are.
    """
    many = len(snapshot.names) > _MANY
    beside = np.nonzero(~snapshot.relevant)[0]
    beside_height = 0.24 * box.height if beside.size else 0.0
    layout = layered_layout(snapshot.weights, snapshot.relevant)
    radius = float(np.clip(min(0.3 * box.width / layout.num_layers, 0.36 * (box.height - beside_height) / layout.widest), 5, 26))
    margin = radius + 16  # room for the rings and the words at them
    origin = np.array([box.left + margin, box.bottom + beside_height + margin])
    size = np.array([box.width - 2 * margin, box.height - beside_height - 2 * margin])
    spread = np.array([layout.num_layers / max(layout.num_layers - 1, 1), layout.widest / max(layout.widest - 1, 1)])

    def place(points: np.ndarray) -> np.ndarray:  # the outermost layers touch the margin
        return origin + size * ((points - 0.5) * spread + 0.5)

    positions = place(layout.positions)
    positions[beside] = np.stack(
        [box.left + box.width * (np.arange(beside.size) + 1) / (beside.size + 1), np.full(beside.size, box.bottom + radius)], axis=1
    )
    last = snapshot.played - 1
    target = snapshot.do_target(last) if last >= 0 else -1
    taken = [*positions[snapshot.relevant]]  # where a weight would hide something
    for (cause, effect), route in layout.routes.items():
        ring = 8 if effect == snapshot.goal and snapshot.shows_goal else 5 if effect == target else 2
        curve = _clipped(_smooth(place(route)), radius + 1, radius + ring)
        weight = snapshot.weights[cause, effect]
        _draw_edge(axes, curve, weight, radius, is_cut=effect == target)
        if not many:
            _draw_weight(axes, curve, weight, taken)
    values = snapshot.outcomes[last] if last >= 0 else snapshot.initial_values[0]
    limit = _color_limit(snapshot)
    for variable, (name, value) in enumerate(zip(snapshot.names, values, strict=True)):
        x, y = positions[variable]
        relevant = bool(snapshot.relevant[variable])
        face = _shade(value, limit) if relevant else _PALE
        axes.add_patch(Circle((x, y), radius, facecolor=face, edgecolor=_INK if relevant else _GREY, linewidth=1, zorder=3))
        ink = _ink_on(face) if relevant else _GREY
        if radius >= _SMALLEST_NAMED:
            name_y, name_size = y + (0 if many else 0.3 * radius), min(0.5 * radius, 13.0)
            axes.text(x, name_y, name, size=name_size, weight="bold", color=ink, ha="center", va="center", zorder=4)
        if not many:
            axes.text(x, y - 0.4 * radius, signed(value, 1), size=0.36 * radius, color=ink, ha="center", va="center", zorder=4)
        if variable == target:
            axes.add_patch(Circle((x, y), radius + 2.5, fill=False, edgecolor=_INK, linewidth=3.5, zorder=3))
            _tag(axes, x, y + radius + 7, snapshot.intervention(last), _INK)
        if variable == snapshot.goal and snapshot.shows_goal:
            axes.add_patch(Circle((x, y), radius + 5, fill=False, edgecolor=_GOAL, linewidth=2.5, zorder=3))
            _tag(axes, x, y - radius - 8, "goal", _GOAL)
    if beside.size:
        axes.text(box.left + 10, box.bottom + 2 * radius + 10, "not in this episode's graph", size=8, color=_GREY, va="center")
    return positions


def _draw_edge(axes: Axes, curve: np.ndarray, weight: float, radius: float, *, is_cut: bool) -> None:
    strength = min(abs(weight) / _FULL_WIDTH, 1.0)
    axes.add_patch(
        FancyArrowPatch(
            path=Path(curve),
            arrowstyle="-|>",
            mutation_scale=max(7.0, 0.5 * radius),
            linewidth=0.8 if is_cut else 0.8 + 0.1 * radius * strength,
            linestyle=":" if is_cut else "-",
            color=_GREY if is_cut else _COLORS(0.5 + np.sign(weight) * (0.3 + 0.15 * strength)),
            zorder=1,
        )
    )


def _draw_weight(axes: Axes, curve: np.ndarray, weight: float, taken: list[np.ndarray]) -> None:
    """Write the weight on its edge, where it is farthest from what is there already."""
    candidates = curve[(np.array([0.46, 0.54, 0.4, 0.6, 0.33, 0.67, 0.26, 0.74]) * (len(curve) - 1)).round().astype(int)]
    distances = np.linalg.norm(candidates[:, None] - np.array(taken)[None], axis=2).min(axis=1)
    # The middle unless it is crowded.
    spot = candidates[0] if distances[0] > 28 else candidates[distances.argmax()]
    taken.append(spot)
    text = signed(weight, 1) if abs(weight) >= 0.05 else signed(weight, 2)
    axes.text(
        spot[0],
        spot[1],
        text,
        size=7.5,
        color=_INK,
        ha="center",
        va="center",
        zorder=2,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    )


def _tag(axes: Axes, x: float, y: float, text: str, color: str) -> None:
    box = {"facecolor": "white", "edgecolor": color, "linewidth": 0.8, "boxstyle": "round,pad=0.2"}
    axes.text(x, y, text, size=7.5, weight="bold", color=color, ha="center", va="center", zorder=5, bbox=box)


def _smooth(points: np.ndarray) -> np.ndarray:
    """(K, 2) waypoints as a (M, 2) Catmull-Rom curve through them."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, 40)[:, None]
    pieces = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        bend = 2 * before - 5 * start + 4 * end - after
        pieces.append(0.5 * (2 * start + (end - before) * t + bend * t**2 + (3 * start - before - 3 * end + after) * t**3))
    return np.concatenate(pieces)


def _clipped(curve: np.ndarray, start_gap: float, end_gap: float) -> np.ndarray:
    """The part of a curve that is outside the circles around its ends."""
    outside = (np.linalg.norm(curve - curve[0], axis=1) >= start_gap) & (np.linalg.norm(curve - curve[-1], axis=1) >= end_gap)
    return curve[outside] if outside.sum() >= 2 else curve[[0, -1]]


# --- the table of trials -------------------------------------------------------------------------------------------------------


def draw_trials(axes: Axes, snapshot: EpisodeSnapshot, box: Box) -> None:
    """A row of outcomes a trial, the variable that was set framed, and the rewards; below, the coming trial's initial values."""
    num_variables = len(snapshot.names)
    rows = min(snapshot.trials, _MAX_TABLE_TRIALS)
    first = min(max(snapshot.played + 1 - rows, 0), snapshot.trials - rows)
    numbers = num_variables <= _MANY
    label_width, reward_width = 26, 44
    cell = np.array([(box.width - label_width - reward_width) / num_variables, min((box.height - 52) / (rows + 1), 28)])
    size, limit = float(np.clip(0.26 * cell[0], 5, 8)), _color_limit(snapshot)
    left, top = box.left + label_width, box.bottom + box.height - 24

    def write(x: float, y: float, text: str, **style: Any) -> None:
        axes.text(x, y, text, **{"size": size, "color": _INK, "ha": "center", "va": "center", **style})

    def draw_row(bottom: float, values: np.ndarray | None, target: int) -> None:
        shades = [_PALE] * num_variables if values is None else [_shade(value, limit) for value in values]
        corners = left + cell[0] * np.arange(num_variables)
        unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * cell
        axes.add_collection(
            PolyCollection(
                unit + np.stack([corners, np.full(num_variables, bottom)], axis=1)[:, None],
                facecolors=shades,
                edgecolors="white",
                linewidths=1 if numbers else 0.3,
            )
        )
        if values is not None and numbers:
            for variable, value in enumerate(values):
                text = signed(value, 1 if abs(value) < 99.5 else 0).removeprefix("+")  # the colour shows the sign
                ink = _ink_on(shades[variable]) if snapshot.relevant[variable] else _GREY
                write(corners[variable] + cell[0] / 2, bottom + cell[1] / 2, text, color=ink)
        if target >= 0:
            frame = (corners[target], bottom)
            axes.add_patch(Rectangle(frame, *cell, fill=False, edgecolor=_INK, linewidth=2 if numbers else 1, zorder=3))

    write(left - 4, top + 26, "trial", size=8, color=_GREY, ha="right")
    write(left + cell[0] * num_variables / 2, top + 26, "outcome", size=8, color=_GREY)
    for variable, name in enumerate(snapshot.names):
        if numbers or variable % (1 + num_variables // 20) == 0:
            is_goal = variable == snapshot.goal and snapshot.shows_goal
            color = _GOAL if is_goal else _INK if snapshot.relevant[variable] else _GREY
            write(left + cell[0] * (variable + 0.5), top + 9, name, size=9 if numbers else 6, weight="bold", color=color)
    if snapshot.shows_goal:
        write(left + cell[0] * num_variables + reward_width / 2, top + 9, "reward", size=8, color=_GOAL, weight="bold")
    y = top
    for trial in range(first, first + rows):
        y -= cell[1]
        if trial == snapshot.exploration_trials and trial > first:
            y -= 4  # a gap between the phases
        played = trial < snapshot.played
        draw_row(y, snapshot.outcomes[trial] if played else None, snapshot.do_target(trial) if played else -1)
        if numbers or rows <= _MAX_TABLE_TRIALS // 2 or trial % 5 == 4:
            write(left - 6, y + cell[1] / 2, str(trial + 1), size=7, ha="right", color=_INK if played else _GREY)
        if played and trial >= snapshot.exploration_trials:
            reward = signed(snapshot.rewards[trial])
            write(left + cell[0] * num_variables + reward_width / 2, y + cell[1] / 2, reward, size=8, weight="bold", color=_GOAL)
    if not snapshot.is_over:
        y -= cell[1] + 24
        write(left + cell[0] * num_variables / 2, y + cell[1] + 8, f"initial values of trial {snapshot.played + 1}", size=8, color=_GREY)
        draw_row(y, snapshot.initial_values[-1], -1)


def draw_explanation(axes: Axes, text: str, box: Box, size: float = 10) -> None:
    """Words, wrapped to a box; what does not fit gives way to "[...]"."""
    characters = int(box.width / (0.8 * size))
    lines = textwrap.wrap(text, characters, max_lines=max(1, int(box.height / (2 * size))), placeholder=" [...]")
    axes.text(box.left, box.bottom + box.height, "\n".join(lines), size=size, color=_INK, va="top", linespacing=1.35)


# --- colours -------------------------------------------------------------------------------------------------------------------


def _color_limit(snapshot: EpisodeSnapshot) -> float:
    """The value of the fullest colour: the same all through an episode unless values are extreme."""
    return max(_FULL_COLOR, float(np.abs(snapshot.outcomes).max(initial=0)), float(np.abs(snapshot.initial_values).max(initial=0)))


def _shade(value: float, limit: float) -> tuple[float, float, float, float]:
    # Logarithmic away from 0, so that an effect of 0.5 is visible beside one of 10.
    return _COLORS(0.5 + 0.46 * float(np.arcsinh(value) / np.arcsinh(limit)))


def _ink_on(color: tuple[float, ...]) -> str:
    red, green, blue = color[:3]
    return _INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
