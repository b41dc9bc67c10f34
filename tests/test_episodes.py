"""Recorded episodes: what was played, in order, through a file and back."""

import json
from pathlib import Path

import numpy as np
import pytest

import gym_causal
from gym_causal import rollouts
from gym_causal.core.streams import SeedDomain
from gym_causal.episodes import Episodes
from tests.conftest import row, same


@pytest.fixture(scope="module")
def episodes() -> Episodes:
    return gym_causal.collect("expert", "CausalDAG-v0", num_episodes=50, seed=2)


def test_an_episode_is_what_a_task_of_one_row_plays(episodes):
    """Re-played action by action in the same domain."""
    task = gym_causal.make_task("CausalDAG-v0")
    task.seed(2, SeedDomain.COLLECTION)
    for index, episode in enumerate(episodes[:3]):
        task.begin(np.array([0]), np.array([index]))
        for step in range(7):
            check_state(episode, step, task)
            assert task.step(episode.actions[step : step + 1])[0] == episode.rewards[step]
        check_state(episode, 7, task)


def check_state(episode, step, task):
    observations, explanation = task.observations(), task.infos(text=False)["explanation"]
    assert same(row(episode.observations, step), row(observations, 0))
    assert same(row(episode.explanations, step), row(explanation, 0))


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


def test_the_version_of_the_explanations_is_recorded(episodes):
    assert (
        episodes.metadata["explanation_version"]
        == gym_causal.make_task("CausalDAG-v0").explanations.version
        == episodes.explanation_version
    )


def test_a_file_of_the_first_release_still_loads(episodes):
    """Written by version 0.1.0, whose metadata have no version of the explanations."""
    old = Episodes.load(Path(__file__).parent / "data" / "episodes_of_the_first_release.npz")
    new = episodes[:3]
    assert (
        same(old.observations, new.observations) and np.array_equal(old.actions, new.actions) and np.array_equal(old.rewards, new.rewards)
    )
    assert old.explanations.keys() == new.explanations.keys() and same(old.explanations["tokens"], new.explanations["tokens"])
    assert "explanation_version" not in old.metadata and old.explanation_version == 1


def test_the_words_of_vector_envs_may_be_asked_for_and_are_not_recorded(episodes):
    same_arrays(gym_causal.collect("expert", "CausalDAG-v0", num_episodes=50, seed=2, explanation_text=True), episodes)


def test_arguments_are_recorded_as_json():
    episodes = gym_causal.collect("random", "CausalDAG-v0", num_episodes=2, min_effect=np.float64(0.5), num_variables=np.int64(4))
    assert json.loads(json.dumps(episodes.metadata["env_kwargs"])) == {"split": "train", "min_effect": 0.5, "num_variables": 4}


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
