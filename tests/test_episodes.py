"""Recorded episodes: what was played, in order, through a file and back."""

import json

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal import rollouts
from gym_causal.core.streams import SeedDomain
from gym_causal.episodes import Episodes


@pytest.fixture(scope="module")
def episodes() -> Episodes:
    return gym_causal.collect("expert", "CausalDAG-v0", num_episodes=50, seed=2)


def test_an_episode_is_what_a_single_env_plays(episodes):
    """Re-played action by action in a single env that is put into the same domain."""
    env = gym.make("CausalDAG-v0").unwrapped
    env.reset(seed=0)
    env.task.seed(2, SeedDomain.COLLECTION)
    env._episode = 0
    for episode in episodes[:3]:
        observation, info = env.reset()
        for step in range(7):
            check_state(episode, step, observation, info)
            observation, reward, _, _, info = env.step(episode.actions[step])
            assert reward == episode.rewards[step]
        check_state(episode, 7, observation, info)


def check_state(episode, step, observation, info):
    assert all(np.array_equal(episode.observations[key][step], observation[key]) for key in observation)
    said = {key: value for key, value in info["explanation"].items() if key != "text"}
    assert episode.explanations.keys() == said.keys()
    assert all(np.array_equal(episode.explanations[key][step], said[key]) for key in said)


def test_arrays_stack_when_lengths_agree(episodes):
    assert len(episodes) == 50 and (episodes.lengths == 7).all() and not episodes.truncated.any()
    assert episodes.stacked(episodes.actions).shape == (50, 7)
    outcomes = episodes.stacked(episodes.observations["last_outcome"])
    assert outcomes.shape == (50, 8, 5) and np.shares_memory(outcomes, episodes.observations["last_outcome"])
    assert np.allclose(episodes.returns, episodes.stacked(episodes.rewards).sum(axis=1))
    with pytest.raises(ValueError, match="an entry for every step or state, got 3"):
        episodes.stacked(np.zeros(3))


def test_the_order_of_episodes_does_not_depend_on_the_batch(monkeypatch, episodes):
    monkeypatch.setattr(rollouts, "MAX_BATCH", 7)
    same_arrays(gym_causal.collect("expert", "CausalDAG-v0", num_episodes=50, seed=2), episodes)


def same_arrays(a: Episodes, b: Episodes) -> None:
    for name in ("actions", "rewards", "lengths", "truncated"):
        assert np.array_equal(getattr(a, name), getattr(b, name))
        assert getattr(a, name).dtype == getattr(b, name).dtype
    for kind in ("observations", "explanations"):
        mine, other = getattr(a, kind), getattr(b, kind)
        assert mine.keys() == other.keys() and all(np.array_equal(mine[key], other[key]) for key in mine)
        assert all(mine[key].dtype == other[key].dtype for key in mine)


def test_a_file_keeps_everything(tmp_path, episodes):
    path = tmp_path / "expert.npz"
    episodes.save(path)
    episodes.save(path)  # an older file is replaced
    again = Episodes.load(path)
    same_arrays(again, episodes)
    assert again.metadata == episodes.metadata == json.loads(json.dumps(episodes.metadata))
    assert again.metadata["env_kwargs"] == {"split": "train"} and again.metadata["policy"] == "expert"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_half_written_is_left(tmp_path, episodes, monkeypatch):
    path = tmp_path / "expert.npz"
    path.write_bytes(b"precious")

    def out_of_space(*args, **kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez_compressed", out_of_space)
    with pytest.raises(OSError, match="no space"):
        episodes.save(path)
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == b"precious"


def test_foreign_and_damaged_files_are_refused(tmp_path, episodes):
    path = tmp_path / "expert.npz"
    episodes.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    for make in (
        lambda: None,
        lambda: path.write_bytes(whole[:1000] + b"\0" * 50 + whole[1050:]),
        lambda: path.write_bytes(b"not an archive"),
        lambda: np.savez(path, metadata=np.array("{}")),
        lambda: np.savez(path, weights=np.zeros(3)),
        lambda: np.savez(path, metadata=np.array([{"a": object()}], object)),  # a pickle, which must never be loaded
    ):
        make()
        with pytest.raises(ValueError, match="is not a readable file of episodes"):
            Episodes.load(path)
    with pytest.raises(FileNotFoundError):
        Episodes.load(tmp_path / "nothing.npz")


def test_ragged_episodes():
    lengths = np.array([2, 1, 3])
    ragged = Episodes({"state": np.arange(9)}, {}, np.arange(6), np.arange(6.0), lengths, np.zeros(3, bool))
    assert [episode.actions.tolist() for episode in ragged] == [[0, 1], [2], [3, 4, 5]]
    assert [episode.observations["state"].tolist() for episode in ragged] == [[0, 1, 2], [3, 4], [5, 6, 7, 8]]
    assert ragged[[2, 0]].actions.tolist() == [3, 4, 5, 0, 1] and ragged[np.array([False, True, False])].lengths.tolist() == [1]
    assert ragged.returns.tolist() == [1, 2, 12]
    slices = list(ragged.slices())
    assert [ragged.actions[steps].tolist() for steps, _ in slices] == [[0, 1], [2], [3, 4, 5]]
    assert [ragged.observations["state"][states].tolist() for _, states in slices] == [[0, 1, 2], [3, 4], [5, 6, 7, 8]]
    with pytest.raises(ValueError, match="differ in length"):
        ragged.stacked(ragged.actions)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="actions must have 3 entries for these lengths, got 2"):
        Episodes({}, {}, np.zeros(2), np.zeros(3), np.array([3]), np.zeros(1, bool))
    with pytest.raises(ValueError, match="lengths must be at least 1, got 0"):
        Episodes({}, {}, np.zeros(2), np.zeros(2), np.array([2, 0]), np.zeros(2, bool))
    with pytest.raises(ValueError, match=r"observations\['x'\] must have 4 entries, one a state, got 3"):
        Episodes({"x": np.zeros(3)}, {}, np.zeros(3), np.zeros(3), np.array([3]), np.zeros(1, bool))


def test_explanations_are_left_out_when_there_are_none():
    assert gym_causal.collect("random", "CausalDAG-v0", num_episodes=3, explain="none").explanations == {}


@pytest.mark.parametrize(
    ("arguments", "message"), [({"num_episodes": 0}, "num_episodes"), ({"seed": -1}, "seed"), ({"split": "x"}, "split")]
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        gym_causal.collect("expert", "CausalDAG-v0", **arguments)
