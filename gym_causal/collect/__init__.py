"""Record a policy: the function :func:`collect`, and the command ``python -m gym_causal.collect``.

The package has the name of its function. So ``gym_causal.collect`` is the function, and the modules beside it are imported as
``from gym_causal.collect.recording import ...``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from gym_causal.arguments import check_integer
from gym_causal.collect.recording import Recorder, joined
from gym_causal.collect.workers import MAX_WORKERS, record_in_parallel
from gym_causal.core.streams import SeedDomain
from gym_causal.episodes import Episodes
from gym_causal.policies import Policy, Predictor
from gym_causal.rollouts import check_episodes

__all__ = ["collect"]


def collect(
    policy: Policy | Predictor | str,
    env_id: str,
    *,
    split: str = "train",
    num_episodes: int = 1_000,
    seed: int = 0,
    domain: SeedDomain = SeedDomain.COLLECTION,
    workers: int = 1,
    progress: Callable[[int], object] | None = None,
    **env_kwargs: Any,
) -> Episodes:
    """Record a policy in exactly episodes 0..num_episodes - 1 of a seed.

    They are drawn from the collection domain: disjoint from what ``gym.make`` and :func:`gym_causal.evaluate` play under any seed.

    They are recorded in parts of 1,024 episodes or more, whatever ``workers``. So the result is the same, byte for byte, for every policy
    whose actions depend on nothing but what it is called with, and for "expert" and "random". A policy with a generator of its own draws
    other numbers with another number of workers.

    Args:
        policy: "expert", "random", a callable with the one policy signature, or an object with stable-baselines3's ``predict``
            (:func:`gym_causal.policies.bind`). With several workers it must be one that can be pickled.
        env_id: a registered id, or any other that Gymnasium knows. With several workers it must be registered where the main module is
            imported (not under ``if __name__ == "__main__"``), or be "module:Name-v0".
        split: a split of that env.
        num_episodes: >= 1.
        seed: >= 0, of the episodes and of "random".
        domain: which of the disjoint families of episodes.
        workers: processes that record parts at the same time, >= 1; with 1 there is none beside this one. Others import the main module,
            so a script must call this function under ``if __name__ == "__main__"``.
        progress: called with the number of episodes of every part that is recorded.
        env_kwargs: further arguments of the env; with ``explain="none"`` no explanations are recorded, which is faster and smaller.

    Returns:
        The episodes, in order, with metadata on how they were made.

    Raises:
        ValueError: an argument is out of range.
        RuntimeError: a worker died.
    """
    check_episodes(num_episodes, seed, domain)
    check_integer("workers", workers, 1, MAX_WORKERS)
    env_kwargs.pop("explanation_text", None)  # accepted since it is an argument of make_vec, but no words are recorded
    recorder = Recorder(policy, env_id, seed, domain, {"split": split, **env_kwargs})
    parts = recorder.parts(num_episodes)
    recorded: dict[int, Episodes] = {}
    with closing(record_in_parallel(recorder, parts, workers)) as results:
        for first, episodes in results:
            recorded[first] = episodes
            if progress is not None:
                progress(len(episodes))
    return joined([recorded[part.start] for part in parts])
