"""Training with PPO in a folder: what it leaves, what it starts from, and mistakes, which leave nothing."""

from dataclasses import replace

import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import numpy as np
import torch

import agents
import gym_causal
from agents.algorithms import behavioral_cloning
from agents.algorithms.learning_curve import HISTORY
from agents.algorithms.ppo import EpisodePPO
from agents.algorithms.reinforcement_learning import train
from agents.config import ArchitectureConfig, PPOConfig
from agents.policies.checkpoints import CHECKPOINT, CONFIG, load_checkpoint, load_config
from gym_causal.core.vector_env import TaskVectorEnv
from tests.agents.small import CONFIG as CLONING
from tests.agents.small import PPO_CONFIG, PPO_ROOM_CONFIG, ROOM_ARCHITECTURES, ROOM_KWARGS, TRAINING

ONE_ITERATION = replace(PPO_CONFIG, training=PPO_CONFIG.training.lasting(1))


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """The folder of an agent that learned by watching."""
    folder = tmp_path_factory.mktemp("watched")
    training = replace(TRAINING, num_batches=2, explanations="full")
    behavioral_cloning.train(replace(CLONING, training=training), folder, splits=(), progress=False)
    return folder


def test_what_a_training_leaves(tmp_path):
    agent = train(PPO_CONFIG, tmp_path, splits=("train", "eval_path"), progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {CONFIG, CHECKPOINT, HISTORY, "tensorboard"}
    assert load_config(tmp_path) == PPO_CONFIG
    curve = pd.read_csv(tmp_path / HISTORY)
    assert set(curve["batch"]) == {2, 4} and set(curve["split"]) == {"train", "eval_path"}
    loaded = agents.load(tmp_path)
    assert loaded.needs_action_masks
    one, other = (gym_causal.evaluate(each, "CausalDAG-v0", num_episodes=20, seed=1) for each in (agent, loaded))
    assert one.reward == other.reward and one.metrics["illegal_action_rate"].mean == 0
    observations = gym_causal.make_vec("CausalDAG-v0", 2).reset(seed=0)[0]
    with pytest.raises(ValueError, match="action_masks must be given"):
        loaded(observations, None, np.ones(2, bool))
    assert train(PPO_CONFIG, tmp_path, resume=True).policy is not agent.policy  # it is over: loaded again
    with pytest.raises(ValueError, match=r"\(ppo.gamma was 0.99 and is 0.5\)"):
        train(replace(PPO_CONFIG, ppo=replace(PPO_CONFIG.ppo, gamma=0.5)), tmp_path, resume=True)


def test_tensorboard_gets_what_stable_baselines_logs(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train(PPO_CONFIG, tmp_path, splits=("train",), progress=False)
    events = accumulators.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("rollout/ep_rew_mean")] == [0, 1, 2, 3]
    assert [event.step for event in events.Scalars("train/loss")] == [1, 2, 3, 4]
    assert len(events.Scalars("train/learning_rate")) == 4


def test_it_plays_blocks_of_episodes_that_nobody_evaluates_on(tmp_path, monkeypatch):
    begun, seeded = [], []
    begin, seed = TaskVectorEnv._begin_all, gym_causal.core.task.BatchedTask.seed
    monkeypatch.setattr(
        TaskVectorEnv, "_begin_all", lambda self, episodes, *more: begun.append(episodes[0]) or begin(self, episodes, *more)
    )
    monkeypatch.setattr(
        gym_causal.core.task.BatchedTask, "seed", lambda self, *arguments: seeded.append(arguments) or seed(self, *arguments)
    )
    train(PPO_CONFIG, tmp_path, splits=(), progress=False)
    assert begun == [0]  # later blocks begin where the ones before end
    domains = {arguments[1] for arguments in seeded if len(arguments) > 1}
    assert domains == {gym_causal.core.streams.SeedDomain.REINFORCEMENT}


@pytest.mark.parametrize("kind", ROOM_ARCHITECTURES)
def test_rooms_that_are_seen_as_pixels(kind, tmp_path):
    """Symbols are played, pixels are what the network reads and what the agent gets."""
    env_kwargs = {**ROOM_KWARGS, "observation": "pixels"}
    config = replace(PPO_ROOM_CONFIG, env_kwargs=env_kwargs, architecture=ROOM_ARCHITECTURES[kind])
    config = replace(config, training=config.training.lasting(1), ppo=PPOConfig(num_envs=8, num_epochs=1))
    agent = train(config, tmp_path, splits=(), progress=False)
    assert agent.policy.observation_space["view"].shape[-1] == 3
    assert gym_causal.evaluate(agent, config.env_id, num_episodes=2, **env_kwargs).episodes == 2


@pytest.mark.parametrize("explanations", ["none", "full"])
def test_it_starts_from_an_agent_that_watched(explanations, watched, tmp_path):
    """With a learning rate of about nothing its network is still that one; and it says what it started from."""
    config = replace(ONE_ITERATION, training=replace(ONE_ITERATION.training, explanations=explanations, learning_rate=1e-12))
    train(config, tmp_path, init=watched, splits=(), progress=False)
    before, after = load_checkpoint(watched).weights, load_checkpoint(tmp_path).weights
    heads = ("network.", "explanation_head.") if explanations == "full" else ("network.",)
    taken = [name for name in before if name.startswith(heads)]
    assert taken and all(torch.allclose(before[name], after[name], atol=1e-6) for name in taken)
    assert load_config(tmp_path).initial_weights is not None
    with pytest.raises(ValueError, match="initial_weights was"):
        train(config, tmp_path, resume=True, progress=False)


def test_after_a_kill_it_stays_near_the_agent_that_it_started_from(watched, tmp_path):
    """Not near the one of the checkpoint: resumed, it ends at the same weights."""
    training = replace(PPO_CONFIG.training, checkpoint_every=1)
    config = replace(PPO_CONFIG, training=training, ppo=replace(PPO_CONFIG.ppo, kl_coef=1.0))
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    train(config, whole, init=watched, splits=(), progress=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EpisodePPO, "train", _raise_after(EpisodePPO.train, 2))
        with pytest.raises(KeyboardInterrupt):
            train(config, resumed, init=watched, splits=(), progress=False)
    train(config, resumed, init=watched, resume=True, splits=(), progress=False)
    one, other = (load_checkpoint(folder).weights for folder in (whole, resumed))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def _raise_after(learn, count):
    """A method that can be called ``count`` times; the next call is interrupted."""
    calls = []

    def interrupted(self):
        calls.append(self)
        if len(calls) > count:
            raise KeyboardInterrupt
        learn(self)

    return interrupted


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": ArchitectureConfig(width=8, num_heads=2)}, r"init: .* of another architecture \(width is 16 there and 8 here"),
        ({"env_kwargs": {"num_variables": 4}}, "init: .* for other observations or actions: network.feature_mlp"),
    ],
)
def test_weights_of_another_network(changes, message, watched, tmp_path):
    with pytest.raises(ValueError, match=message):
        train(replace(ONE_ITERATION, **changes), tmp_path / "agent", init=watched, progress=False)
    assert not (tmp_path / "agent").exists()


def test_mistakes_leave_nothing(tmp_path):
    folder = tmp_path / "agent"
    with pytest.raises(ValueError, match="ppo must be a PPOConfig"):
        train(CLONING, folder)
    with pytest.raises(ValueError, match="ppo must be None for behavioral cloning"):
        behavioral_cloning.train(PPO_CONFIG, folder)
    with pytest.raises(ValueError, match="explanations must be one of"):
        train(replace(ONE_ITERATION, training=replace(ONE_ITERATION.training, explanations="spoken")), folder)
    with pytest.raises(FileNotFoundError, match="holds no agent"):
        train(ONE_ITERATION, folder, init=tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"ppo.kl_coef must be 0 without init, .* got 0.5"):
        train(replace(ONE_ITERATION, ppo=replace(ONE_ITERATION.ppo, kl_coef=0.5)), folder)
    with pytest.raises(ValueError, match="expert must be None"):
        replace(PPO_CONFIG, expert="somewhere:someone")
    with pytest.raises(ValueError, match=r"training.label_smoothing must be 0.0"):
        replace(PPO_CONFIG, training=replace(PPO_CONFIG.training, label_smoothing=0.1))
    with pytest.raises(ValueError, match="initial_weights must be None unless"):
        replace(CLONING, initial_weights="0")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_envs", 1),
        ("num_epochs", 0),
        ("gamma", 1.1),
        ("gae_lambda", -1),
        ("clip_range", 0),
        ("target_kl", 0),
        ("ent_coef", -1),
        ("kl_coef", -1),
    ],
)
def test_ppo_values_out_of_range(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        PPOConfig(**{name: value})
