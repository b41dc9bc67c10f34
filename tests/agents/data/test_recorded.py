"""Recorded episodes from a folder of imitation's trajectories. (Files: test_commands; Minari: test_minari_datasets.)"""

import numpy as np
import pytest

pytest.importorskip("imitation")
pytest.importorskip("datasets")  # of HuggingFace, which imitation's own dependencies bring

from imitation.data import serialize

import gym_causal
from agents.data.recorded import load_recorded
from agents.data.trajectories import to_trajectories
from tests.agents.algorithms.policies import balance


def test_a_folder_of_trajectories(tmp_path):
    episodes = gym_causal.collect(balance, "CartPole-v1", num_episodes=3, seed=0, max_episode_steps=9)
    flat = [type(each)(each.obs.get("observation"), each.acts, each.infos, each.terminal, each.rews) for each in to_trajectories(episodes)]
    serialize.save(tmp_path / "flat", flat)
    loaded = load_recorded(str(tmp_path / "flat"))
    assert np.array_equal(loaded.observations["observation"], episodes.observations["observation"])
    assert np.array_equal(loaded.actions, episodes.actions) and loaded.returns.tolist() == episodes.returns.tolist()
