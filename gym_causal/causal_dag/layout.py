"""Where to draw the variables and edges of a graph: causes left of effects, few crossings, no edge through a variable.

The layered drawing of Sugiyama, Tagawa and Toda (1981): layers by longest path, a waypoint in every layer that an edge skips, and
sweeps that move everything towards its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

_SWEEPS = 8
_MIN_LAYERS = 3  # where variables without any edge find room


@dataclass(frozen=True)
class Layout:
    """A drawing in the unit square."""

    positions: np.ndarray  # (N, 2) float; nan for variables that were left out
    routes: dict[tuple[int, int], np.ndarray]  # (cause, effect) -> (K, 2) float, from the cause over waypoints to the effect
    num_layers: int
    widest: int  # variables and waypoints in the fullest layer


def layered_layout(weights: np.ndarray, included: np.ndarray) -> Layout:
    """A drawing of a graph; the same graph gives the same drawing, whatever its weights' sizes.

    Args:
        weights: (N, N); [i, j] direct effect of i on j, 0 = no edge. Acyclic.
        included: (N,) bool; the variables to draw, with the edges between them.
    """
    weights = np.where(included[:, None] & included, weights, 0)
    edges = [(int(cause), int(effect)) for cause, effect in np.argwhere(weights)]
    layer = _layers(len(weights), edges)
    linked = (weights != 0).any(axis=0) | (weights != 0).any(axis=1)
    num_layers = max(_MIN_LAYERS, int(layer[linked].max(initial=0)) + 1) if (included & ~linked).any() else int(layer.max()) + 1
    order: list[list[int]] = [[] for _ in range(num_layers)]
    for variable in np.nonzero(included & linked)[0]:
        order[layer[variable]].append(int(variable))
    # Waypoints get the numbers from N on, so that they are ordered like variables.
    paths, count = {}, len(weights)
    for cause, effect in edges:
        skipped = range(layer[cause] + 1, layer[effect])
        waypoints = list(range(count, count + len(skipped)))
        count += len(skipped)
        for where, waypoint in zip(skipped, waypoints, strict=True):
            order[where].append(waypoint)
        paths[cause, effect] = [cause, *waypoints, effect]
    for variable in np.nonzero(included & ~linked)[0]:  # where there is most room
        min(reversed(order), key=len).append(int(variable))
    links = np.array([link for path in paths.values() for link in pairwise(path)], int).reshape(-1, 2)
    height = _heights(order, links, count)
    x = np.full(count, np.nan)
    for k, members in enumerate(order):
        x[members] = (k + 0.5) / len(order)
    points = np.stack([x, height], axis=1)
    routes = {edge: points[path] for edge, path in paths.items()}
    return Layout(points[: len(weights)], routes, len(order), max(map(len, order)))


def _layers(num_variables: int, edges: list[tuple[int, int]]) -> np.ndarray:
    """(N,) int; right of all causes, and those without causes as near to their effects as can be."""
    layer = np.zeros(num_variables, int)
    for _ in range(num_variables):
        for cause, effect in edges:
            layer[effect] = max(layer[effect], layer[cause] + 1)
    effects = {effect for _, effect in edges}
    nearest = {cause: min(layer[effect] for other, effect in edges if other == cause) for cause, _ in edges}
    for cause in nearest.keys() - effects:
        layer[cause] = nearest[cause] - 1
    return layer


def _heights(order: list[list[int]], links: np.ndarray, count: int) -> np.ndarray:
    """(count,) float in [0, 1]; heights from the ordering with the fewest crossings that the sweeps come by."""
    height = np.zeros(count)
    best, fewest = height, np.inf
    gap = 1 / max(map(len, order))
    neighbours: list[list[int]] = [[] for _ in range(count)]
    for left, right in links.tolist():
        neighbours[left].append(right)
        neighbours[right].append(left)
    for sweep in range(2 * _SWEEPS + 1):
        for members in order[:: -1 if sweep % 2 else 1]:
            if sweep:
                members.sort(key=lambda k: np.mean(height[neighbours[k]]) if neighbours[k] else height[k])
            # Centred, one gap apart.
            height[members] = 0.5 + gap * (np.arange(len(members)) - (len(members) - 1) / 2)
        crossings = _crossings(order, links, height)
        if crossings < fewest:
            best, fewest = height.copy(), crossings
    return best


def _crossings(order: list[list[int]], links: np.ndarray, height: np.ndarray) -> int:
    """How many pairs of links between neighbouring layers cross."""
    layer = np.empty(len(height), int)
    for k, members in enumerate(order):
        layer[members] = k
    crossings = 0
    for k in range(len(order) - 1):
        left, right = height[links[layer[links[:, 0]] == k]].T  # (links of this layer,)
        crossings += int(((left[:, None] - left) * (right[:, None] - right) < 0).sum()) // 2
    return crossings
