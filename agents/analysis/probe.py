"""How strongly an agent reacts to evidence: what "goal g rose when i was set" does to its wish to set i, for every pair (i, g).

An agent with one rule reacts to all pairs alike, also to the one whose causal link was held out of its training; an agent that has
learned a look-up for each pair does not know what to make of that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import gym_causal
from agents.data.demonstrations import collect
from agents.policies.sb3 import TransformerPolicy
from gym_causal.causal_dag.config import CausalDAGConfig
from gym_causal.core.task import Observations
from gym_causal.evaluation import NUM_RESAMPLES, Estimate

DELTAS = (0.0, 2.5, 5.0, 7.5, 10.0)
SEED = 2**33
"""Of the probed episodes; larger than those of demonstrations, so that they are none which an agent was trained on."""
_ROWS = 512  # at a time; more do not fit a processor's cache, and take longer


@dataclass(frozen=True)
class Probe:
    """What :func:`probe` found."""

    names: list[str]  # (N,) of the variables
    deltas: np.ndarray  # (D,) by how much the goal's outcome was raised
    response: np.ndarray  # (N, N, D) [cause, goal]; mean over episodes of the cause's preference (NaN: cause is goal)
    slopes: np.ndarray  # (N, N) [cause, goal]; least squares of the response, per unit of delta
    held_out: tuple[int, int]  # (cause, goal); the pair whose link was held out of training
    held_out_ratio: Estimate  # its slope over the mean slope of all other pairs, with a bootstrap 95% interval over episodes
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
    policy: TransformerPolicy,
    env_id: str,
    *,
    num_episodes: int = 200,
    seed: int = SEED,
    deltas: Sequence[float] = DELTAS,
    **env_kwargs: Any,
) -> Probe:
    """Give an agent counterfactual evidence, and see how its preferences change.

    In recorded episodes of the expert (split ``train``), the goal named in the first exploitation trial becomes g, and ``delta`` is added
    to what g was seen to be after i had been set to its positive value. All else stays as it was. The *preference* for i is the logit of
    setting i to its positive value minus the mean logit of all other legal actions.

    Args:
        policy: of the agent.
        env_id: a causal DAG environment.
        num_episodes: >= 1; each is evidence on all pairs (of relevant variables).
        seed: of the episodes and the bootstrap.
        deltas: at least two different numbers.
        env_kwargs: arguments of the env, as the agent was trained with.

    Raises:
        ValueError: an env without exploration, or that is no causal DAG; too few deltas.
    """
    offsets = np.asarray(deltas, np.float32)
    if len(np.unique(offsets)) < 2:
        raise ValueError(f"deltas must be at least two different numbers, got {tuple(deltas)}")
    arguments = {**env_kwargs, "split": "train", "exploration_sign": "positive", "expert_exploration": "systematic"}
    config = with_experiments(env_id, **env_kwargs)
    if config is None:
        raise ValueError(f"env_id must be that of a causal DAG environment with exploration trials, got {env_id!r} with {env_kwargs}")
    episodes = collect("expert", env_id, num_episodes, seed, arguments)
    trials = config.exploration_trials + 1  # up to the first that has a goal
    observations = {key: episodes.stacked(value)[:, :trials] for key, value in episodes.observations.items()}

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


def with_experiments(env_id: str, **env_kwargs: Any) -> CausalDAGConfig | None:
    """The configuration of an env if there is evidence to react to: a causal DAG with exploration trials."""
    config = getattr(gym_causal.make_vec(env_id, 1, **env_kwargs).task, "config", None)
    return config if isinstance(config, CausalDAGConfig) and config.exploration_trials else None


def _preferences(
    policy: TransformerPolicy,
    observations: Observations,
    episode: np.ndarray,
    cause: np.ndarray,
    goal: np.ndarray,
    seen_in: np.ndarray,
    deltas: np.ndarray,
) -> np.ndarray:
    """(C, D) for C cases, each an episode, a cause and a goal; ``seen_in`` is the trial that shows what a cause did, (E, N)."""
    num_cases, num_variables = len(episode), seen_in.shape[1]
    changed = {key: value[np.repeat(episode, len(deltas))] for key, value in observations.items()}  # (C * D, T, ...)
    cause, goal, trial = (np.repeat(x, len(deltas)) for x in (cause, goal, seen_in[episode, cause]))
    rows = np.arange(len(cause))
    changed["goal"][:, -1] = goal
    changed["last_outcome"][rows, trial, goal] += np.tile(deltas, num_cases)
    policy.set_training_mode(False)
    with torch.no_grad():
        tensors = {key: torch.as_tensor(value, device=policy.device) for key, value in changed.items()}
        # Differences of log-probabilities are differences of logits.
        logits = policy.log_probabilities(tensors)[:, -1].double().cpu().numpy()  # (C * D, 2N)
    others = np.tile(np.arange(num_variables), 2) != goal[:, None]
    others[rows, cause] = False
    preference = logits[rows, cause] - np.where(others, logits, 0).sum(axis=1) / others.sum(axis=1)
    return preference.reshape(num_cases, len(deltas))


def _mean_over_episodes(values: np.ndarray) -> np.ndarray:
    """(E, ...) -> (...); the mean of those that are there, NaN if none is."""
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=0) / (~np.isnan(values)).sum(axis=0)


def _held_out_ratio(slopes: np.ndarray, held_out: tuple[int, int], rng: np.random.Generator) -> Estimate:
    """The held-out pair's mean slope over the mean of all other pairs' mean slopes, of (E, N, N)."""
    num_episodes = len(slopes)
    is_held_out = np.zeros(slopes.shape[1:], bool)
    is_held_out[held_out] = True
    trained = ~is_held_out & ~np.isnan(slopes).all(axis=0)
    known, present = np.nan_to_num(slopes).reshape(num_episodes, -1), ~np.isnan(slopes).reshape(num_episodes, -1)

    def ratios(counts: np.ndarray) -> np.ndarray:
        """(R,) of R resamples, in which each episode occurs ``counts`` (R, E) times."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (counts @ known) / (counts @ present)  # (R, N * N)
            return means[:, is_held_out.ravel()][:, 0] / np.nanmean(means[:, trained.ravel()], axis=1)

    resampled = ratios(rng.multinomial(num_episodes, np.full(num_episodes, 1 / num_episodes), NUM_RESAMPLES))
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Estimate(float(ratios(np.ones((1, num_episodes)))[0]), float(low), float(high))
