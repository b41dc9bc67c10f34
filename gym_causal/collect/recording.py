"""One part of a collection: a policy plays some consecutive episodes of a seed, and they are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from gym_causal._version import __version__
from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import Infos, Observations
from gym_causal.episodes import Episodes, as_json, within
from gym_causal.policies import Policy, Predictor, bind, name_of
from gym_causal.registry import make_task
from gym_causal.rollouts import MAX_BATCH, EpisodeLog, play, seeded_task


@dataclass(frozen=True)
class Recorder:
    """Records a policy in parts of a seed's episodes. What a part holds does not depend on who records it, or when.

    Attributes:
        policy: as :func:`gym_causal.collect` takes it.
        env_id: where it plays.
        seed: >= 0, of the episodes and of the policy's random numbers.
        domain: of the episodes.
        env_kwargs: arguments of the env, the split among them.
    """

    policy: Policy | Predictor | str
    env_id: str
    seed: int
    domain: SeedDomain
    env_kwargs: dict[str, Any]

    def parts(self, num_episodes: int) -> list[range]:
        """Episodes 0 to n - 1 in ranges whose length is a function of the env and its arguments: 1,024, or what its task draws at once."""
        length = max(MAX_BATCH, make_task(self.env_id, 1, **self.env_kwargs).block_size)
        return [range(first, min(first + length, num_episodes)) for first in range(0, num_episodes, length)]

    def record(self, part: range) -> Episodes:
        """The episodes of a part, in order, with metadata on how they were made."""
        steps, states = EpisodeLog(), EpisodeLog()
        count, first = len(part), part.start
        with closing(seeded_task(self.env_id, count, self.seed, self.domain, **self.env_kwargs)) as task:
            lengths, truncated = np.zeros(count, int), np.zeros(count, bool)
            policy = bind(self.policy, task, self.seed, first)
            for step in play(policy, task, count, infos=True, first_episode=first):
                index = step.episodes - first
                steps.add(step.valid, index, {"actions": step.actions, "rewards": step.rewards})
                states.add(step.valid, index, _state(step.observations, step.infos))
                lengths[index[step.valid]] += 1
                ended = step.done & step.valid
                if ended.any():
                    states.add(ended, index, _state(task.observations(), task.infos(text=False)))
                    truncated[index[ended]] = step.truncated[ended]
        recorded, played = states.by_episode(), steps.by_episode()
        metadata = {
            "env_id": self.env_id,
            "env_kwargs": {key: as_json(value) for key, value in self.env_kwargs.items()},
            "policy": name_of(self.policy),
            "seed": int(self.seed),
            "explanation_version": task.explanations.version,
            "versions": {"gym_causal": __version__, "gymnasium": gym.__version__, "numpy": np.__version__},
        }
        observations, explanations = within("observations", recorded), within("explanations", recorded)
        return Episodes(observations, explanations, played["actions"], played["rewards"], lengths, truncated, metadata)


def joined(parts: Sequence[Episodes]) -> Episodes:
    """The episodes of consecutive parts, with the metadata that all of them have."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    observations, explanations = (
        {key: np.concatenate([getattr(part, kind)[key] for part in parts]) for key in getattr(first, kind)}
        for kind in ("observations", "explanations")
    )
    names = ("actions", "rewards", "lengths", "truncated")
    actions, rewards, lengths, truncated = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    return Episodes(observations, explanations, actions, rewards, lengths, truncated, first.metadata)


def _state(observations: Observations, infos: Infos) -> dict[str, np.ndarray]:
    """The arrays to record of a state. An explanation with no entry but its kind is not recorded: there are none."""
    explanation = infos.get("explanation", {})
    explanation = explanation if len(explanation) > 1 else {}
    return {
        # Texts as strings of a fixed length: objects would be pickled in files.
        **{f"observations/{key}": value.astype(str) if value.dtype == object else value for key, value in observations.items()},
        **{f"explanations/{key}": value for key, value in explanation.items()},
    }
