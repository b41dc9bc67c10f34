"""Episodes as a Minari dataset, and back."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

import gym_causal
from gym_causal.registry import registered_ids
from tests.agents.data.hand_made import check_same, ragged_episodes

pytest.importorskip("minari")
pytest.importorskip("h5py")

import minari
from minari.data_collector import EpisodeBuffer

from agents.data.demonstrations import check_learnable
from agents.data.minari import from_minari, to_minari
from agents.data.recorded import load_recorded
from gym_causal.registry import make_task

ABOUT = {"author": "somebody", "author_email": "somebody@example.org", "code_permalink": "https://example.org", "description": "Tests."}

# Minari recommends what an env that is not registered cannot have.
pytestmark = pytest.mark.filterwarnings("ignore:`eval_env` is set to None", "ignore:env_spec is None")


@pytest.fixture(autouse=True)
def datasets(tmp_path, monkeypatch):
    """Where Minari keeps its datasets."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    return tmp_path


class Counter(gym.Env):
    """The env of the episodes made by hand. It is never played, and not registered."""

    observation_space = spaces.Dict({"view": spaces.Box(-9, 9, (2,)), "count": spaces.Discrete(9)})
    action_space = spaces.Discrete(3)


@pytest.fixture
def ragged(datasets):
    return to_minari(ragged_episodes(), "by/hand-v0", Counter(), **ABOUT)


@pytest.mark.parametrize("explain", ["all", "none"])
@pytest.mark.parametrize("env_id", registered_ids())
def test_nothing_is_lost(env_id, explain):
    episodes = gym_causal.collect("random", env_id, num_episodes=3, seed=1, explain=explain)
    to_minari(episodes, f"causal/{env_id}", **ABOUT)
    dataset = minari.load_dataset(f"causal/{env_id}")
    check_same(from_minari(dataset), episodes)
    env = dataset.recover_environment()
    assert env.spec.id == env_id and env.spec.kwargs == {"split": "train", "explain": explain}
    assert env.observation_space == dataset.observation_space
    observation, _ = env.reset(seed=0)
    recorded = dataset[0].observations
    if isinstance(observation, str):
        assert list(recorded) == next(iter(episodes)).observations["text"].tolist() and observation in env.observation_space
    else:
        assert {key: value[0].shape for key, value in recorded.items()} == {key: np.shape(value) for key, value in observation.items()}


def test_where_everything_is(ragged):
    assert (ragged.total_episodes, ragged.total_steps) == (3, 6)
    second, third = ragged[1], ragged[2]
    assert third.observations["count"].tolist() == [5, 6, 7, 8] and third.observations["view"].tolist()[0] == [5, -5]
    assert third.actions.tolist() == [0, 1, 2] and third.rewards.tolist() == [1.5, 2, 2.5]
    assert third.terminations.tolist() == [False, False, True] and third.truncations.tolist() == [False] * 3
    assert second.terminations.tolist() == [False] and second.truncations.tolist() == [True]
    assert third.infos["explanation"]["kind"].tolist() == [b"s5", b"s6", b"s7", b"s8"]
    assert third.infos["explanation"]["tokens"][0].tolist() == [5, 5, 5, 5]
    check_same(from_minari(ragged), ragged_episodes())


def test_what_it_is_about_is_kept(ragged):
    metadata = minari.load_dataset("by/hand-v0").storage.metadata
    assert metadata["author"] == {"somebody"} and metadata["author_email"] == {"somebody@example.org"}
    assert metadata["code_permalink"] == "https://example.org" and metadata["description"] == "Tests."
    assert metadata["algorithm_name"] == "somebody"
    assert metadata["gym_causal"]["metadata"] == {"policy": "somebody", "seed": 3}


def test_words_of_other_alphabets_are_kept():
    episodes = ragged_episodes()
    episodes.explanations["kind"][:2] = ["größer", "因果"]
    check_same(from_minari(to_minari(episodes, "by/hand-v0", Counter(), **ABOUT)), episodes)


def test_some_of_the_episodes(ragged):
    long = ragged.filter_episodes(lambda episode: len(episode) > 1)
    check_same(from_minari(long), ragged_episodes()[[0, 2]])
    one, two = minari.split_dataset(ragged, [1, 2], seed=0)
    check_same(from_minari(one), ragged_episodes()[one.episode_indices])
    check_same(from_minari(two), ragged_episodes()[two.episode_indices])
    with pytest.raises(ValueError, match="at least one episode, got 'by/hand-v0'"):
        from_minari(ragged.filter_episodes(lambda episode: False))


def test_an_argument_of_vector_envs_alone_does_not_matter():
    """Files of older versions may name it."""
    episodes = gym_causal.collect("expert", "CausalDAG-v0", num_episodes=2)
    episodes.metadata["env_kwargs"]["explanation_text"] = True
    dataset = to_minari(episodes, "causal/expert-v0", **ABOUT)
    check_same(from_minari(dataset), episodes)
    assert dataset.recover_environment().spec.kwargs == {"split": "train"}


def test_an_existing_dataset_is_not_touched(ragged):
    with pytest.raises(ValueError, match="dataset_id must be a new one, got 'by/hand-v0'"):
        to_minari(ragged_episodes()[:1], "by/hand-v0", Counter(), **ABOUT)
    check_same(from_minari(minari.load_dataset("by/hand-v0")), ragged_episodes())


@pytest.mark.parametrize("dataset_id", ["by/hand", "by hand-v0", ""])
def test_a_malformed_id_is_refused(datasets, dataset_id):
    with pytest.raises(ValueError, match="dataset_id must be of the form"):
        to_minari(ragged_episodes(), dataset_id, Counter(), **ABOUT)
    assert not list(datasets.iterdir())


def test_nothing_half_written_is_left(datasets, monkeypatch):
    def out_of_space(*args, **kwargs):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("h5py.Group.create_dataset", out_of_space)
        with pytest.raises(OSError, match="no space"):
            to_minari(ragged_episodes(), "by/hand-v0", Counter(), **ABOUT)
    assert minari.list_local_datasets() == {}
    check_same(from_minari(to_minari(ragged_episodes(), "by/hand-v0", Counter(), **ABOUT)), ragged_episodes())


def test_episodes_that_do_not_fit_are_refused(datasets):
    with pytest.raises(ValueError, match=r"env must be given .* got metadata with \['policy', 'seed'\]"):
        to_minari(ragged_episodes(), "by/hand-v0", **ABOUT)
    with pytest.raises(ValueError, match=r"env must have the observations \['count', 'view'\], got Dict"):
        to_minari(ragged_episodes(), "by/hand-v0", gym.make("CausalDAG-v0"), **ABOUT)
    with pytest.raises(ValueError, match="episodes must not be empty"):
        to_minari(ragged_episodes()[:0], "by/hand-v0", Counter(), **ABOUT)
    assert not list(datasets.iterdir())


def collected(env_id, policy, num_episodes, dataset_id, **spaces_of_dataset):
    """A dataset of somebody else's."""
    env, buffers = gym.make(env_id), []
    for episode in range(num_episodes):
        observation, _ = env.reset(seed=episode)
        states, steps = [observation], []
        while not steps or not any(steps[-1][2:]):
            action = policy(observation)
            observation, *step, _ = env.step(action)
            states.append(observation)
            steps.append((action, *step))
        actions, rewards, terminations, truncations = map(np.array, zip(*steps, strict=True))
        observations = {key: [state[key] for state in states] for key in states[0]} if isinstance(states[0], dict) else np.array(states)
        buffers.append(EpisodeBuffer(None, None, None, observations, actions, rewards, terminations, truncations, {}))
    return minari.create_dataset_from_buffers(dataset_id, buffers, env, algorithm_name="somebody", **ABOUT, **spaces_of_dataset)


def test_datasets_of_others():
    dataset = collected("CartPole-v1", lambda observation: int(observation[2] > 0), 3, "cartpole/angle-v0")
    episodes = load_recorded("cartpole/angle-v0")
    assert episodes.observations["observation"].shape == (dataset.total_steps + 3, 4) and episodes.explanations == {}
    assert (episodes.actions == (episodes.observations["observation"][_acting(episodes), 2] > 0)).all()
    assert episodes.metadata == {"env_id": "CartPole-v1"} and not episodes.truncated.any()
    assert episodes.returns.tolist() == episodes.lengths.tolist()
    check_learnable(episodes, "CartPole-v1", make_task("CartPole-v1"))


def _acting(episodes):
    """(S,) which states are those before each step."""
    return np.arange(len(episodes.actions)) + np.repeat(np.arange(len(episodes)), episodes.lengths)


def test_datasets_of_minigrid():
    """Its mission is text, which no network here reads."""
    pytest.importorskip("minigrid")
    env_id = "MiniGrid-Empty-5x5-v0"
    space = gym.make(env_id).observation_space
    space = spaces.Dict({**space.spaces, "mission": spaces.Text(100, charset="abcdefghijklmnopqrstuvwxyz ")})
    collected(env_id, lambda observation: 2, 1, "minigrid/forward-v0", observation_space=space)
    episodes = load_recorded("minigrid/forward-v0")
    assert set(episodes.observations) == {"image", "direction"} and (episodes.actions == 2).all()
    with pytest.warns(UserWarning, match="without 'mission'"):
        task = make_task(env_id)
    check_learnable(episodes, env_id, task)


def test_datasets_that_nothing_can_be_learned_from():
    with pytest.raises(ValueError, match="dataset must have at least one episode"):
        from_minari(minari.create_dataset_from_buffers("some/other-v0", [], Counter(), algorithm_name="none", **ABOUT))
    collected("Pendulum-v1", lambda observation: np.zeros(1, np.float32), 1, "pendulum/still-v0")
    with pytest.raises(ValueError, match="dataset must have discrete actions, got 'pendulum/still-v0'"):
        load_recorded("pendulum/still-v0")


def test_sources_that_there_are_not(tmp_path):
    with pytest.raises(FileNotFoundError, match="'no/such-v0' is neither a file, a folder nor a local Minari dataset"):
        load_recorded("no/such-v0")
    with pytest.raises(FileNotFoundError, match=r"nowhere.npz"):
        load_recorded("nowhere.npz")
    with pytest.raises(ValueError, match="is not a folder of imitation's trajectories"):
        load_recorded(str(tmp_path))
