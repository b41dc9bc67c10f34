"""How an agent's preference for setting i changes with the evidence that goal g rose when i was set, for every pair (i, g).

An agent that applies one rule to all pairs reacts equally to all of them, also to the pair whose causal link was held out of its
training. An agent that has memorised each pair does not react to that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from agents.data.collate import collate
from agents.data.demonstrations import collect
from agents.policies.sequence_policy import SequencePolicy
from gym_causal.causal_dag.actions import encode_actions, legal_actions
from gym_causal.causal_dag.task import CausalDAGTask
from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import Observations
from gym_causal.evaluation import Estimate, resample_counts
from gym_causal.registry import make_task

DELTAS = (0.0, 2.5, 5.0, 7.5, 10.0)
_ROWS = 512  # at a time; more do not fit a processor's cache, and take longer


@dataclass(frozen=True)
class Probe:
    """The result of :func:`probe`."""

    names: list[str]  # (N,) of the variables
    deltas: np.ndarray  # (D,) what was added to the goal's outcome
    response: np.ndarray  # (N, N, D) [cause, goal]; mean preference over episodes, in logits (NaN: cause is goal)
    slopes: np.ndarray  # (N, N) [cause, goal]; least-squares slope of the response, per unit of delta
    held_out: tuple[int, int]  # (cause, goal); the pair whose link was held out of training
    held_out_ratio: Estimate  # its slope / the mean slope of all other pairs, with a bootstrap 95% interval over episodes
    episodes: int
    seed: int  # of the episodes

    def rows(self) -> list[dict[str, Any]]:
        """One tidy row for each pair and delta."""
        return [
            {
                "cause": self.names[cause],
                "goal": self.names[goal],
                "held_out": (cause, goal) == self.held_out,
                "delta": float(delta),
                "response": float(self.response[cause, goal, k]),
                "slope": float(self.slopes[cause, goal]),
            }
            for cause, goal in np.argwhere(~np.eye(len(self.names), dtype=bool)).tolist()
            for k, delta in enumerate(self.deltas)
        ]


def probe(
    policy: SequencePolicy,
    env_id: str,
    *,
    num_episodes: int = 200,
    seed: int = 0,
    deltas: Sequence[float] = DELTAS,
    **env_kwargs: Any,
) -> Probe:
    """Measure how an agent's preferences change with counterfactual evidence.

    In recorded episodes of the expert (split ``train``), the goal of the first exploitation trial is changed to g, and ``delta`` is added
    to the outcome of g in the trial that set i to its positive value. Everything else stays the same. The *preference* for i is the logit
    of setting i to its positive value minus the mean logit of all other legal actions.

    Args:
        policy: of the agent.
        env_id: a causal DAG environment.
        num_episodes: >= 1, from a seed domain of their own: no agent was trained or evaluated on them. Each gives evidence on all pairs
            of relevant variables.
        seed: of the episodes and the bootstrap.
        deltas: at least two different numbers.
        env_kwargs: arguments of the env, as the agent was trained with.

    Raises:
        ValueError: an env without exploration, or that is no causal DAG; too few deltas.
    """
    offsets = np.asarray(deltas, np.float32)
    if len(np.unique(offsets)) < 2:
        raise ValueError(f"deltas must be at least two different numbers, got {tuple(deltas)}")
    if not can_probe(env_id, **env_kwargs):
        raise ValueError(f"env_id must be that of a causal DAG environment with exploration trials, got {env_id!r} with {env_kwargs}")
    arguments = {**env_kwargs, "split": "train", "exploration_sign": "positive", "expert_exploration": "systematic"}
    task = make_task(env_id, 1, **arguments)
    assert isinstance(task, CausalDAGTask)
    config = task.config
    episodes = collect("expert", env_id, num_episodes, seed, arguments, domain=SeedDomain.PROBE)
    trials = config.exploration_trials + 1  # up to the first exploitation trial
    observations = {key: value[:, :trials] for key, value in collate(episodes, np.arange(num_episodes), task)["obs"].items()}

    num_variables = config.num_variables
    was_set = observations["last_intervention"] > 0  # (E, T, N)
    relevant = observations["cue"][:, 0] > 0 if "cue" in observations else np.ones(was_set[:, 0].shape, bool)
    evidence = was_set.max(axis=1)[:, :, None] & relevant[:, None, :] & ~np.eye(num_variables, dtype=bool)
    episode, cause, goal = np.nonzero(evidence)  # (C,) each
    preferences = np.full((*evidence.shape, len(offsets)), np.nan)  # (E, N, N, D)
    preferences[episode, cause, goal] = np.concatenate(
        [
            _preferences(policy, observations, episode[cases], cause[cases], goal[cases], was_set.argmax(axis=1), offsets)
            for cases in np.array_split(np.arange(len(episode)), -(-len(episode) * len(offsets) // _ROWS))
        ]
    )
    centred = offsets - offsets.mean()
    slopes = preferences @ (centred / (centred**2).sum())  # (E, N, N)
    held_out = config.link.cause, config.link.effect
    ratio = _held_out_ratio(slopes, held_out, np.random.default_rng(seed))
    mean, mean_slopes = _mean_over_episodes(preferences), _mean_over_episodes(slopes)
    return Probe(config.names, offsets, mean, mean_slopes, held_out, ratio, num_episodes, seed)


def can_probe(env_id: str, **env_kwargs: Any) -> bool:
    """Whether an env has evidence to react to: a causal DAG with exploration trials."""
    task = make_task(env_id, 1, **env_kwargs)
    return isinstance(task, CausalDAGTask) and task.config.exploration_trials > 0


def _preferences(
    policy: SequencePolicy,
    observations: Observations,
    episode: np.ndarray,
    cause: np.ndarray,
    goal: np.ndarray,
    trial_of: np.ndarray,
    deltas: np.ndarray,
) -> np.ndarray:
    """(C, D) preferences in C cases.

    Args:
        policy: see :func:`probe`.
        observations: (E, T, ...) each.
        episode: (C,) int.
        cause: (C,) int.
        goal: (C,) int.
        trial_of: (E, N) int; the trial that set each variable to its positive value.
        deltas: (D,) float.
    """
    num_cases, num_variables = len(episode), trial_of.shape[1]
    changed = {key: value[np.repeat(episode, len(deltas))] for key, value in observations.items()}  # (C * D, T, ...)
    cause, goal, trial = (np.repeat(x, len(deltas)) for x in (cause, goal, trial_of[episode, cause]))
    rows = np.arange(len(cause))
    changed["goal"][:, -1] = goal
    changed["last_outcome"][rows, trial, goal] += np.tile(deltas, num_cases)
    policy.eval()
    with torch.no_grad():
        tensors = {key: torch.as_tensor(value, device=policy.device) for key, value in changed.items()}
        logits = policy.network(tensors)[:, -1].double().cpu().numpy()  # (C * D, 2N)
    action = encode_actions(cause, np.ones(len(cause), bool), num_variables)
    others = legal_actions(goal, num_variables)
    others[rows, action] = False
    preference = logits[rows, action] - np.where(others, logits, 0).sum(axis=1) / others.sum(axis=1)
    return preference.reshape(num_cases, len(deltas))


def _mean_over_episodes(values: np.ndarray) -> np.ndarray:
    """(E, ...) -> (...) mean over episodes without NaNs; NaN where all are."""
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=0) / (~np.isnan(values)).sum(axis=0)


def _held_out_ratio(slopes: np.ndarray, held_out: tuple[int, int], rng: np.random.Generator) -> Estimate:
    """The held-out pair's mean slope / the mean of all other pairs' mean slopes, for slopes (E, N, N)."""
    num_episodes = len(slopes)
    is_held_out = np.zeros(slopes.shape[1:], bool)
    is_held_out[held_out] = True
    trained = ~is_held_out & ~np.isnan(slopes).all(axis=0)
    known, present = np.nan_to_num(slopes).reshape(num_episodes, -1), ~np.isnan(slopes).reshape(num_episodes, -1)

    def ratios(counts: np.ndarray) -> np.ndarray:
        """(R,) ratios of R resamples, in which each episode occurs ``counts`` (R, E) times."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (counts @ known) / (counts @ present)  # (R, N * N)
            return means[:, is_held_out.ravel()][:, 0] / np.nanmean(means[:, trained.ravel()], axis=1)

    low, high = np.quantile(ratios(np.stack(list(resample_counts(num_episodes, rng)))), (0.025, 0.975))
    return Estimate(float(ratios(np.ones((1, num_episodes)))[0]), float(low), float(high))
