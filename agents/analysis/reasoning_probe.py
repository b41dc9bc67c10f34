"""What an agent's hidden states hold of the expert's reasoning in the intervention task, whether or not it was trained to predict it.

Linear probes (multinomial logistic regression) read two things from the hidden states of a step: which attribute must be the rewarded one,
and the value of the object that is odd in it. The step is the first of a trial at which the expert has seen all objects; nothing has been
transformed or touched yet in this trial. If the attribute can be read in the test trial and the value cannot, the agent knows what was
rewarded but has not found the object.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from agents.data.collate import collate
from agents.data.demonstrations import collect
from agents.policies.sequence_policy import SequencePolicy
from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import Observations
from gym_causal.episodes import Episodes
from gym_causal.odd_one_out.features import ATTRIBUTES, NUM_VISIBLE
from gym_causal.odd_one_out.reasoning import Belief, Intention
from gym_causal.odd_one_out.variants import OddOneOutInterventionTask
from gym_causal.registry import make_task

_ROWS = 256  # episodes at a time


def can_probe_reasoning(env_id: str, **env_kwargs: Any) -> bool:
    """Whether an env has the reasoning that is probed."""
    return isinstance(make_task(env_id, 1, **env_kwargs), OddOneOutInterventionTask)


def probe_reasoning(
    policy: SequencePolicy, env_id: str, *, split: str, num_episodes: int = 4_000, seed: int = 0, **env_kwargs: Any
) -> dict[str, tuple[float, int]]:
    """Accuracy of linear probes in episodes of the expert, on the half of the episodes that they were not fitted on.

    Args:
        policy: of the agent.
        env_id: of the intervention task.
        split: of the env.
        num_episodes: from the seed domain of probes.
        seed: of the episodes.
        env_kwargs: further arguments of the env.

    Returns:
        "decoded_attribute": the rewarded attribute in the test trial; "decoded_attribute_experiment": in the last experiment, where it is
        known by then; "decoded_target": the value of the target in the test trial, with a probe for each rewarded attribute. Each with
        the number of episodes that it was measured on.
    """
    arguments = {**env_kwargs, "split": split, "explain": "reasoning", "expert_sight": "view"}
    episodes = collect("expert", env_id, num_episodes, seed, arguments, domain=SeedDomain.PROBE)
    task = make_task(env_id, 1, **arguments)
    assert isinstance(task, OddOneOutInterventionTask)
    hidden_states = _hidden_states(policy, episodes, task)
    last = task.config.trials - 1
    test, experiment = (_first_steps(episodes, trial) for trial in (last, last - 1))
    results = {"decoded_attribute": _accuracy(*_attribute(episodes, hidden_states, test))}
    if last > 1:
        results["decoded_attribute_experiment"] = _accuracy(*_attribute(episodes, hidden_states, experiment))
    results["decoded_target"] = _target_accuracy(episodes, hidden_states, test)
    return results


def _hidden_states(policy: SequencePolicy, episodes: Episodes, task: OddOneOutInterventionTask) -> np.ndarray:
    """(S, W); of every step of all episodes, one after the other."""
    policy.eval()
    found = []
    for first in range(0, len(episodes), _ROWS):
        rows = np.arange(first, min(first + _ROWS, len(episodes)))
        observed: Observations = collate(episodes, rows, task)["obs"]
        observations = {key: torch.as_tensor(value, device=policy.device) for key, value in observed.items()}
        with torch.no_grad():
            states = policy.network.explanation_features(policy.network.encode(observations)).cpu().numpy()
        found += [states[row, :length] for row, length in enumerate(episodes.lengths[rows])]
    return np.concatenate(found)


def _first_steps(episodes: Episodes, trial: int) -> tuple[np.ndarray, np.ndarray]:
    """(n,) episodes and (n,) steps: the first step of a trial at which the expert knows all objects and nothing was transformed."""
    step = np.arange(len(episodes.actions))
    episode = np.repeat(np.arange(len(episodes)), episodes.lengths)
    state = step + episode
    intention = episodes.explanations["intention"][state]
    suits = (episodes.observations["trial"][state] == trial) & (intention >= 0) & (intention != Intention.LOOK_AROUND)
    found, first = np.unique(episode[suits], return_index=True)
    return found, step[suits][first]


def _attribute(
    episodes: Episodes, hidden_states: np.ndarray, at: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hidden states (n, W), the attribute that must be the rewarded one (n,), and the episodes (n,): where the expert is sure of it."""
    episode, step = at
    beliefs = np.stack([episodes.explanations[f"belief_{name}"][step + episode] for name in ATTRIBUTES[:NUM_VISIBLE]], axis=1)
    sure = (beliefs == Belief.MUST_BE).any(axis=1)
    return hidden_states[step[sure]], beliefs[sure].argmax(axis=1), episode[sure]


def _target_accuracy(episodes: Episodes, hidden_states: np.ndarray, at: tuple[np.ndarray, np.ndarray]) -> tuple[float, int]:
    """Accuracy of the probes of the target's value, one for each attribute, over all attributes."""
    episode, step = at
    attribute, value = (episodes.explanations[key][step + episode] for key in ("target_attribute", "target_value"))
    correct, total = 0.0, 0
    for which in range(NUM_VISIBLE):
        mine = attribute == which
        accuracy, count = _accuracy(hidden_states[step[mine]], value[mine], episode[mine])
        correct, total = correct + accuracy * count, total + count
    return correct / total, total


def _accuracy(features: np.ndarray, labels: np.ndarray, episode: np.ndarray) -> tuple[float, int]:
    """Share of correct predictions in odd episodes of a probe that was fitted in even ones, and their number."""
    fitted = episode % 2 == 0
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features[fitted], labels[fitted])
    return float(model.score(features[~fitted], labels[~fitted])), int((~fitted).sum())
