"""Episodes never change: digests of what every id, split and seed plays are those in ``tests/data/episode_digests.json``.

A change that alters an episode on purpose raises the version of its id; then, and only then, ``python -m tests.test_episode_digests``
writes the file anew.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gym_causal

FILE = Path(__file__).parent / "data" / "episode_digests.json"
NUM_ENVS, EPISODES_PER_ROW, SEEDS = 40, 5, (0, 1, 2)
HARD = {"generalization": "hard_dimension", "observation": "symbolic"}
CASES: list[tuple[str, dict[str, Any]]] = [
    *(
        (env_id, {"split": split})
        for env_id in ("CausalDAG-v0", "CausalDAGCued-v0")
        for split in ("train", "eval_target", "eval_path", "unrestricted")
    ),
    ("CausalDAG-v0", {"split": "train", "expert_exploration": "random", "exploration_sign": "random", "expert_temperature": 0.5}),
    ("OddOneOut-v0", {"split": "train"}),
    ("OddOneOutConfounded-v0", {"split": "train"}),
    ("OddOneOutConfounded-v0", {"split": "eval", "observation": "symbolic", "mistake_rate": 0.3, "rewarded_attribute": "random"}),
    ("OddOneOutIntervention-v0", {"split": "train", "observation": "symbolic"}),
    ("OddOneOutIntervention-v0", {"split": "eval", "observation": "symbolic", "expert_sight": "view", "explain": "outcome"}),
    ("OddOneOutIntervention-v0", {"split": "train", **HARD}),
    ("OddOneOutIntervention-v0", {"split": "eval", **HARD, "expert": "oracle"}),
    ("OddOneOutText-v0", {"split": "train", "explain": "all"}),
    ("OddOneOutText-v0", {"split": "train", "observation": "symbolic", "num_dimensions": 6, "num_objects": 4, "num_distractors": 2}),
    ("OddOneOutText-v0", {"split": "train", "rewarded_dimensions": ("color", "shape"), "num_experiments": 2}),
    ("CausalDAGText-v0", {"split": "train", "explain": "all"}),
    ("CausalDAGText-v0", {"split": "eval_target", "observation": "symbolic"}),
]


def name_of(env_id: str, kwargs: dict[str, Any], seed: int) -> str:
    return " ".join([env_id, *(f"{key}={value}" for key, value in kwargs.items()), f"seed={seed}"])


def digest(env_id: str, kwargs: dict[str, Any], seed: int) -> str:
    """Of the first five episodes of each of 40 rows, played by the expert or, in every other step, at random."""
    venv = gym_causal.make_vec(env_id, NUM_ENVS, expert_info=True, explanation_text=True, **kwargs)
    rng, ended, hashed = np.random.default_rng(seed), np.zeros(NUM_ENVS, int), hashlib.blake2b(digest_size=16)

    def add(value: Any) -> None:
        if isinstance(value, dict):
            for key in sorted(value):
                hashed.update(key.encode())
                add(value[key])
        elif value is not None:
            array = np.asarray(value)
            words = array.dtype.kind in "UO"
            content = "\n".join(map(str, array.ravel().tolist())).encode() if words else np.ascontiguousarray(array).tobytes()
            hashed.update(f"{array.dtype.kind}{array.shape}".encode() + content)

    observations, infos = venv.reset(seed=seed)
    add({"observations": observations, "infos": infos})
    while ended.min() < EPISODES_PER_ROW:
        masks = venv.action_masks()
        legal = np.where(masks, rng.random(masks.shape), -1.0).argmax(axis=1)
        expert = venv.expert_actions()
        add({"masks": masks, "expert": expert})
        observations, rewards, terminated, truncated, infos = venv.step(np.where(rng.random(NUM_ENVS) < 0.5, expert, legal))
        final = infos.pop("final_obs", None)
        infos = {key: value for key, value in infos.items() if not key.lstrip("_").startswith("final_obs")}
        add({"observations": observations, "rewards": rewards, "terminated": terminated, "truncated": truncated, "infos": infos})
        if final is not None:
            for row in np.flatnonzero(terminated | truncated).tolist():
                add(final[row])
        ended += terminated | truncated
    return hashed.hexdigest()


# One seed of each by default: the three of them take a minute.
@pytest.mark.parametrize("seed", [SEEDS[0], *(pytest.param(seed, marks=pytest.mark.slow) for seed in SEEDS[1:])])
@pytest.mark.parametrize(("env_id", "kwargs"), CASES, ids=[name_of(*case, 0).rsplit(" ", 1)[0].replace(" ", "-") for case in CASES])
def test_episodes_are_those_of_the_first_release(env_id, kwargs, seed):
    expected = json.loads(FILE.read_text("utf-8"))
    assert digest(env_id, kwargs, seed) == expected[name_of(env_id, kwargs, seed)]


if __name__ == "__main__":
    digests = {name_of(*case, seed): digest(*case, seed) for case in CASES for seed in SEEDS}
    FILE.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
