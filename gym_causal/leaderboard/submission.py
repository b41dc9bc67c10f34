"""Making a submission: a method's runs in the protocol's episodes, as a JSON document."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from gym_causal._version import __version__
from gym_causal.evaluation import Estimate, EvaluationResult
from gym_causal.leaderboard import protocol
from gym_causal.leaderboard.form import head_problems
from gym_causal.leaderboard.playing import play_split, reference_results
from gym_causal.policies import uses_action_masks
from gym_causal.registry import task_spec

_STUDENT_T = {2: 12.7062047, 3: 4.3026527, 4: 3.1824463, 5: 2.7764451}
"""Number of training seeds -> the 97.5% quantile of Student's t with one degree of freedom less."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """What a submission says about a method, beside its numbers.

    Attributes:
        method: its name, one line of at most 100 characters.
        track: "passive", "active" or "untrained" (:data:`gym_causal.leaderboard.protocol.TRACKS`).
        env_id: of the protocol.
        command: that makes or trains it, one line of at most 1,000 characters.
        observation: in rooms, what it observes: "pixels" or "symbolic"; None: the env's default.
        training_episodes: that one training saw, each counted once; 0 for an untrained method.
        explanations: the mode of explanations that it learned from; "none": it saw none.
    """

    method: str
    track: str
    env_id: str
    command: str
    observation: str | None = None
    training_episodes: int = 0
    explanations: str = "none"


def env_kwargs(observation: str | None) -> dict[str, str]:
    """The arguments of the env that a submission may choose."""
    return {} if observation is None else {"observation": observation}


def make_submission(
    method: Method, policies: Mapping[int | None, Any], on_progress: Callable[[str], object] = lambda line: None
) -> dict[str, Any]:
    """Play every run of a method on every split.

    Args:
        method: what is said about it.
        policies: training seed -> policy, as for :func:`gym_causal.evaluate`; of an untrained method the seed is None.
        on_progress: told what is played next.

    Returns:
        The document, for a JSON file.

    Raises:
        ValueError: something that the form does not accept; nothing is played then.
    """
    head: dict[str, Any] = {
        "format": protocol.FORMAT,
        **asdict(method),
        "action_masks": any(map(uses_action_masks, policies.values())),
        "versions": {"python": platform.python_version(), "gym_causal": __version__, "gymnasium": gym.__version__, "numpy": np.__version__},
        "episodes": protocol.NUM_EPISODES,
        "seed": protocol.EPISODES_SEED,
    }
    if problems := head_problems(head, list(policies)):
        raise ValueError(problems[0])
    splits, metrics = task_spec(method.env_id).splits, protocol.metrics(method.env_id)
    references: dict[str, dict[str, str]] = {}
    for split in splits:
        on_progress(f"reference policies on {split}")
        references[split] = {name: digest for name, (_, digest) in reference_results(method.env_id, split).items()}
    runs = []
    for number, (seed, policy) in enumerate(policies.items(), 1):
        played = {}
        for split in splits:
            on_progress(f"run {number} of {len(policies)} on {split}")
            result, digest = play_split(policy, method.env_id, split, **env_kwargs(method.observation))
            played[split] = {"digest": digest, "metrics": estimates(result, metrics)}
        runs.append({"training_seed": seed, "splits": played})
    return {**head, "references": references, "runs": runs, "summary": summarize(runs)}


def estimates(result: EvaluationResult, metrics: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Metric -> mean and 95% interval over episodes, None where nothing was measured."""
    unknown = Estimate(math.nan, math.nan, math.nan)  # some splits have fewer metrics
    values = {metric: asdict(result.metrics.get(metric, unknown)) for metric in metrics}
    return {metric: {end: None if math.isnan(x) else x for end, x in value.items()} for metric, value in values.items()}


def summarize(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Split -> metric -> the mean over runs with its 95% interval by Student's t.

    With a single run there is no interval over training seeds. A metric that some run does not have is None.
    """
    return {
        split: {metric: _over_runs([run["splits"][split]["metrics"][metric]["mean"] for run in runs]) for metric in played["metrics"]}
        for split, played in runs[0]["splits"].items()
    }


def _over_runs(means: Sequence[float | None]) -> dict[str, float | None]:
    if any(mean is None for mean in means):
        return {"mean": None, "low": None, "high": None}
    values = np.array(means, float)
    mean = float(values.mean())
    if len(values) == 1:
        return {"mean": mean, "low": None, "high": None}
    half = _STUDENT_T[len(values)] * float(values.std(ddof=1)) / math.sqrt(len(values))
    return {"mean": mean, "low": mean - half, "high": mean + half}
