"""How often an agent predicts the explanations of the expert's episodes correctly."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from agents.data.collate import IGNORE_INDEX, iterate_batches
from agents.data.demonstrations import collect
from agents.policies.sequence_policy import SequencePolicy
from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import BatchedTask
from gym_causal.evaluation import EvaluationResult, bootstrap
from gym_causal.registry import make_task

_BATCH_SIZE = 128


def explanation_accuracy(
    policy: SequencePolicy, env_id: str, *, split: str, explanations: str, num_episodes: int = 500, seed: int = 0, **env_kwargs: Any
) -> EvaluationResult:
    """Compare the explanations that an agent predicts in episodes of the expert with the true ones.

    Tokens are decoded greedily (:meth:`agents.networks.explanation_head.ExplanationHead.decode_greedy`).

    Args:
        policy: of an agent that predicts explanations.
        env_id: a registered id.
        split: of the env.
        explanations: which ones, a mode of the env's argument ``explain``.
        num_episodes: >= 1, from a seed domain of their own: no agent was trained or evaluated on them.
        seed: of the episodes and the bootstrap.
        env_kwargs: further arguments of the env.

    Returns:
        ``explained_whole``: of the steps with an explanation, the share with every token correct; ``explained_tokens``: of all tokens
        of these explanations, the share that is correct, padding left out; and ``explained_NAME`` for each group of the task
        (:meth:`gym_causal.core.task.BatchedTask.explanation_groups`), the share of its steps with all of its tokens correct. A group
        without steps is left out.

    Raises:
        ValueError: the agent predicts no explanations.
    """
    head = policy.explanation_head
    if head is None:
        raise ValueError("policy must be that of an agent that predicts explanations, got one without")
    arguments = {**env_kwargs, "split": split, "explain": explanations}
    task = make_task(env_id, 1, **arguments)
    episodes = collect("expert", env_id, num_episodes, seed, arguments, domain=SeedDomain.EXPLANATION_ACCURACY)
    policy.eval()
    predicted, true, episode = [], [], []
    for number, batch in enumerate(iterate_batches(episodes, _BATCH_SIZE, task)):
        tokens = batch["acts"][..., 1:]  # (B, T, L)
        mask = tokens[..., 0] != IGNORE_INDEX
        with torch.no_grad():
            observations = {key: torch.as_tensor(value, device=policy.device) for key, value in batch["obs"].items()}
            features = policy.network.explanation_features(policy.network.encode(observations))
            predicted.append(head.decode_greedy(features[torch.as_tensor(mask, device=policy.device)]).cpu().numpy())
        true.append(tokens[mask])
        episode.append(number * _BATCH_SIZE + np.nonzero(mask)[0])
    scores = token_scores(task, np.concatenate(predicted), np.concatenate(true))
    totals = {
        f"explained_{name}": np.stack([np.bincount(np.concatenate(episode), weights=x, minlength=num_episodes) for x in score])
        for name, score in scores.items()
        if score[1].any()
    }
    return EvaluationResult(env_id, split, "agent", num_episodes, seed, bootstrap(totals, np.random.default_rng(seed)))


def token_scores(task: BatchedTask, predicted: np.ndarray, true: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Correct predictions and their number for each step.

    Args:
        task: whose explanations they are.
        predicted: (n, L) int tokens.
        true: (n, L) int tokens.

    Returns:
        name -> (numerator, denominator), (n,) each: of "whole", "tokens" and each group of the task.
    """
    correct = predicted == true
    is_explained, is_token = true.any(axis=1), true > 0
    scores = {
        "whole": (is_explained & correct.all(axis=1), is_explained),
        "tokens": ((correct & is_token).sum(axis=1), is_token.sum(axis=1)),
    }
    for name, (mask, columns) in task.explanation_groups(true).items():
        scores[name] = mask & correct[:, columns].all(axis=1), mask
    return scores
