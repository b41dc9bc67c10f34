"""In how many steps of the expert its reasoning of the step before is still true: ``python docs/count_lasting_reasoning.py``.

An explanation that is shown one step late says what was true then. Prints the share of steps, in OddOneOutIntervention-v0, in which all
statements of a kind are those of the step before in the same episode.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tyro

import gym_causal
from gym_causal.odd_one_out.features import ATTRIBUTES

ENV_ID = "OddOneOutIntervention-v0"
FIELDS = {
    "belief": tuple(f"belief_{attribute}" for attribute in ATTRIBUTES),
    "intention": ("intention", "intended_attribute", "reason"),
}


@dataclass(frozen=True)
class Args:
    """Count in how many steps of the expert its reasoning of the step before is still true."""

    episodes: int = 300
    """Of the split "train", played at once."""
    seed: int = 0
    """Of the episodes."""


def lasting(episodes: int, seed: int = 0) -> dict[str, float]:
    """Kind of statement -> the share of steps after the first of an episode in which it is that of the step before."""
    venv = gym_causal.make_vec(ENV_ID, num_envs=episodes, explain="reasoning", observation="symbolic", expert_sight="review")
    _, infos = venv.reset(seed=seed)
    said, playing = _statements(infos), np.ones(episodes, bool)
    same, steps = dict.fromkeys(FIELDS, 0), 0
    while playing.any():
        _, _, terminated, truncated, infos = venv.step(venv.expert_actions())
        playing &= ~(terminated | truncated)
        before, said = said, _statements(infos)
        steps += playing.sum()
        for kind in FIELDS:
            same[kind] += (said[kind] == before[kind]).all(axis=0)[playing].sum()
    return {kind: float(count / steps) for kind, count in same.items()}


def _statements(infos: dict[str, object]) -> dict[str, np.ndarray]:
    """Kind of statement -> (fields, episodes) int."""
    return {kind: np.stack([infos["explanation"][name] for name in names]) for kind, names in FIELDS.items()}


def main(args: Args) -> None:
    """Run the command."""
    for kind, share in lasting(args.episodes, args.seed).items():
        print(f"{kind}: {share:.2f}")


if __name__ == "__main__":
    main(tyro.cli(Args))
