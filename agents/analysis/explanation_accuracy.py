"""How well an agent predicts explanations in episodes that it watches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from imitation.util.util import safe_to_tensor

from agents.data.demonstrations import IGNORE_INDEX, collect, iterate_batches
from agents.policies.sb3 import TransformerPolicy
from gym_causal.evaluation import EvaluationResult, bootstrap
from gym_causal.odd_one_out.explanations import FIRST_VALUE, NUM_TOKENS, STATEMENT, Statement
from gym_causal.odd_one_out.features import ATTRIBUTES

SEED = 2**34
"""Of the watched episodes; larger than those of demonstrations, so that they are none which an agent was trained on."""
_BATCH = 128
_NEXT_TO = 1 + Statement.NEXT_TO  # its token


def explanation_accuracy(
    policy: TransformerPolicy, env_id: str, *, split: str, explanations: str, num_episodes: int = 500, seed: int = SEED, **env_kwargs: Any
) -> EvaluationResult:
    """Let an agent watch the expert and say what there is to say.

    It says the likeliest token in each place, given those that it chose before (:meth:`agents.networks.explanation_head.ExplanationHead.say`).

    Args:
        policy: of an agent that predicts explanations.
        env_id: where.
        split: of the env.
        explanations: which ones there are.
        num_episodes: >= 1.
        seed: of the episodes and the bootstrap.
        env_kwargs: further arguments of the env.

    Returns:
        ``explained_properties`` and ``explained_touches``: the share of explanations next to an object and after a touch of which every
        token is right; ``explained_color``, ``explained_texture``, ...: the share of those that name an attribute's value which name it
        right; ``explained_statement``: of all states, those about which the right statement is made, or none where there is none.

    Raises:
        ValueError: the agent predicts no explanations.
    """
    if policy.explainer is None:
        raise ValueError("policy must be that of an agent that predicts explanations, got one without")
    episodes = collect("expert", env_id, num_episodes, seed, {**env_kwargs, "split": split, "explain": explanations})
    policy.set_training_mode(False)
    said, true, episode = [], [], []
    for number, batch in enumerate(iterate_batches(episodes, _BATCH)):
        tokens = batch["acts"][..., 1:]  # (B, T, L)
        there = tokens[..., 0] != IGNORE_INDEX
        with torch.no_grad():
            observations = {key: safe_to_tensor(value, device=policy.device) for key, value in batch["obs"].unwrap().items()}
            hidden_states = policy.network.encode(observations)[torch.as_tensor(there, device=policy.device)]
            said.append(policy.explainer.say(hidden_states).cpu().numpy())
        true.append(tokens[there])
        episode.append(number * _BATCH + np.nonzero(there)[0])
    totals = _totals(np.concatenate(said), np.concatenate(true), np.concatenate(episode), num_episodes)
    return EvaluationResult(env_id, split, "agent", num_episodes, seed, bootstrap(totals, np.random.default_rng(seed)))


def _totals(said: np.ndarray, true: np.ndarray, episode: np.ndarray, num_episodes: int) -> dict[str, np.ndarray]:
    """metric -> (2, E) right ones and all, of tokens (n, L) in states of (n,) episodes."""
    right, statement = said == true, true[:, STATEMENT]
    whole = right.all(axis=1)
    cases = {
        "explained_statement": (right[:, STATEMENT], np.ones(len(true), bool)),
        "explained_properties": (whole, statement == _NEXT_TO),
        "explained_touches": (whole, (statement > 0) & (statement != _NEXT_TO)),
    }
    for place in range(FIRST_VALUE, NUM_TOKENS):
        cases[f"explained_{ATTRIBUTES[place - FIRST_VALUE]}"] = (right[:, place], true[:, place] > 0)
    return {
        metric: np.stack([np.bincount(episode, weights=values, minlength=num_episodes) for values in (is_right & asked, asked)])
        for metric, (is_right, asked) in cases.items()
        if asked.any()
    }
