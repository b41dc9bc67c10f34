"""Batches of (model, goal, relevant variables) that a split admits, by rejection sampling."""

from __future__ import annotations

import numpy as np

from gym_causal.causal_dag.config import CausalDAGConfig
from gym_causal.scm import StructuralCausalModels

MAX_DRAWS_PER_EPISODE = 200_000
"""Rejection sampling gives up (ValueError) once it has drawn this many models for one that a split admits. Our choice."""

_MAX_BATCH = 16_384  # models drawn at once while rejecting; bounds memory


def draw_models(rng: np.random.Generator, count: int, config: CausalDAGConfig) -> tuple[StructuralCausalModels, np.ndarray, np.ndarray]:
    """Draw ``count`` models with goals that the config's split admits.

    Args:
        rng: source of all randomness.
        count: B, how many.
        config: the env's arguments: how a candidate is drawn, and which candidates are kept.

    Returns:
        Models, goals (B,) int and relevant variables (B, R) int. A goal is uniform over the relevant variables and drawn before
        any rejection, so that the rejection cannot favour any; where the split fixes it, it is the link's effect.

    Raises:
        ValueError: after ``MAX_DRAWS_PER_EPISODE`` candidates for one that is admitted.
    """
    split, link = config.conditions, config.link
    kept: list[tuple[StructuralCausalModels, np.ndarray, np.ndarray]] = []
    accepted, drawn = 0, 0
    while accepted < count:
        # Aim at what is missing, and a little above, at the acceptance rate so far.
        rate = (accepted + 1) / (drawn + 1) if drawn else split.acceptance
        missing = (count - accepted) / rate
        batch = int(np.clip(missing if rate == 1 else missing + 3 * missing**0.5, 64, _MAX_BATCH))
        models, goals, relevant = _draw_candidates(rng, batch, config)
        admitted = np.flatnonzero(split.admits(models, link))[: count - accepted]
        drawn += batch
        accepted += len(admitted)
        kept.append((models[admitted], goals[admitted], relevant[admitted]))
        if drawn > MAX_DRAWS_PER_EPISODE * (accepted + 1):
            advice = "Use other models" if config.models is not None else "Use fewer variables, a smaller min_effect"
            raise ValueError(
                f"split: only {accepted} of {drawn} models drawn with num_variables={config.num_variables} satisfy: {split.description}. "
                f"{advice}, or another split"
            )
    goals, relevant = (np.concatenate([part[i] for part in kept]) for i in (1, 2))
    return StructuralCausalModels.concatenate([part[0] for part in kept]), goals, relevant


def _draw_candidates(
    rng: np.random.Generator, count: int, config: CausalDAGConfig
) -> tuple[StructuralCausalModels, np.ndarray, np.ndarray]:
    """``count`` models, goals and relevant variables before any rejection."""
    num_variables, size = config.num_variables, config.size_of_graph
    split, link, cues = config.conditions, config.link, config.cues
    include = (link.cause, link.effect) if split.held_out else ()
    if cues is None or not split.restricts_cues:
        relevant = np.tile(np.arange(num_variables), (count, 1))
        if size < num_variables:
            relevant = rng.permuted(relevant, axis=1)[:, :size]
    else:
        relevant = cues.draw(rng, count, num_variables, size, held_out=split.held_out, include=include)
    if config.model_sampler is None:
        models = config.distribution.draw(rng, relevant, first=include or None)
    else:
        models = config.model_sampler(rng, count)
    goals = relevant[np.arange(count), rng.integers(size, size=count)]
    if split.held_out:
        goals = np.full(count, link.effect)
    return models, goals, relevant
