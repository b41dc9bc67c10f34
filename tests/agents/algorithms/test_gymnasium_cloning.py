"""Cloning in envs that are not ours, from a policy of one's own or from recorded episodes."""

from dataclasses import replace

import gymnasium as gym
import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import agents
import gym_causal
from agents.algorithms.behavioral_cloning import train
from agents.algorithms.learning_curve import HISTORY
from agents.config import AgentConfig, ArchitectureConfig, TrainingConfig
from agents.data.recorded import load_recorded
from agents.policies.checkpoints import load_config
from tests.agents.algorithms.policies import Right, balance

EXPERT = "tests.agents.algorithms.policies:balance"
SHORT = {"max_episode_steps": 60}
"""Arguments of CartPole-v1: shorter episodes."""
CONFIG = AgentConfig(
    env_id="CartPole-v1",
    env_kwargs=SHORT,
    expert=EXPERT,
    architecture=ArchitectureConfig(kind="generic", width=32, num_layers=1, num_heads=2, context=8),
    training=TrainingConfig(
        num_batches=80,
        batch_size=8,
        learning_rate=1e-2,
        chunk_size=64,
        validation_episodes=8,
        evaluate_every=80,
        evaluation_episodes=16,
        checkpoint_every=80,
    ),
)


def test_a_policy_of_one_s_own_is_cloned(tmp_path):
    """The return of a random policy is 20, that of the expert 60."""
    agent = train(CONFIG, tmp_path, progress=False)
    found = gym_causal.evaluate(agent, "CartPole-v1", num_episodes=32, seed=0, **SHORT)
    assert found.reward.mean > 55
    again = gym_causal.evaluate(agents.load(tmp_path), "CartPole-v1", num_episodes=32, seed=0, **SHORT)
    assert again.reward == found.reward and load_config(tmp_path).expert == EXPERT
    rows = pd.read_csv(tmp_path / HISTORY).set_index("metric")["mean"]
    assert rows["validation_loss"] < 0.3 and rows["reward"] > 55


def test_an_object_with_predict_is_cloned(tmp_path):
    config = AgentConfig(
        env_id="CartPole-v1",
        expert="tests.agents.algorithms.policies:Right",
        architecture=CONFIG.architecture,
        training=replace(CONFIG.training, num_batches=20),
    )
    agent = train(config, tmp_path, progress=False)
    rewards = [gym_causal.evaluate(policy, "CartPole-v1", num_episodes=16, seed=0).reward for policy in (agent, Right())]
    assert rewards[0] == rewards[1]


def test_recorded_episodes_are_cloned(tmp_path):
    """A tenth of them is held out: there is no expert to play others."""
    gym_causal.collect(balance, "CartPole-v1", num_episodes=40, seed=0, **SHORT).save(tmp_path / "recorded.npz")
    config = AgentConfig(**{**vars(CONFIG), "expert": None})
    agent = train(config, tmp_path / "agent", demonstrations=load_recorded(str(tmp_path / "recorded.npz")), progress=False)
    assert gym_causal.evaluate(agent, "CartPole-v1", num_episodes=16, seed=0, **SHORT).reward.mean > 50
    rows = pd.read_csv(tmp_path / "agent" / HISTORY).set_index("metric")
    assert rows.loc["validation_loss", "episodes"] == 4


def test_without_an_expert_it_says_what_to_give(tmp_path):
    with pytest.raises(ValueError, match="expert must be given for CartPole-v1, which has none of its own: module:name of a policy"):
        train(AgentConfig(**{**vars(CONFIG), "expert": None}), tmp_path / "agent", progress=False)
    assert not (tmp_path / "agent").exists()


@pytest.mark.parametrize(
    ("env_id", "message"), [("Blackjack-v1", "the observation space must be"), ("Pendulum-v1", "the action space must be Discrete")]
)
def test_envs_that_cannot_be_learned_are_refused(env_id, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        train(AgentConfig(**{**vars(CONFIG), "env_id": env_id, "env_kwargs": {}}), tmp_path / "agent", progress=False)
    assert not (tmp_path / "agent").exists()


@pytest.mark.slow  # a bot is also cloned by examples/extend/clone_minigrid.py, for fewer updates
@pytest.mark.filterwarnings("ignore:.*without 'mission'")
def test_the_bot_of_minigrid_is_cloned(tmp_path, monkeypatch):
    """Its images are grids of symbols. Whoever acts at random earns 0.15, the bot 0.92."""
    pytest.importorskip("minigrid")
    monkeypatch.setitem(gym.registry, "Bot-v0", gym.envs.registration.EnvSpec("Bot-v0", "tests.agents.algorithms.policies:make_bot_env"))
    architecture = replace(CONFIG.architecture, width=64)
    training = replace(CONFIG.training, num_batches=100, learning_rate=3e-3, chunk_size=256)
    config = AgentConfig(env_id="Bot-v0", architecture=architecture, training=training)
    agent = train(config, tmp_path, progress=False)
    assert gym_causal.evaluate(agent, "Bot-v0", num_episodes=64, seed=0).reward.mean > 0.6
