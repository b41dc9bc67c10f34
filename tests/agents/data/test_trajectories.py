"""Episodes as imitation's trajectories, and back."""

import dataclasses

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.registry import registered_ids
from tests.agents.data.hand_made import check_same, ragged_episodes

pytest.importorskip("imitation")

import torch
from imitation.algorithms import bc
from imitation.data import rollout
from imitation.data.types import DictObs, Trajectory, TrajectoryWithRew
from stable_baselines3.common.policies import MultiInputActorCriticPolicy

from agents.data.trajectories import from_trajectories, to_trajectories


@pytest.mark.parametrize("explain", ["all", "none"])
@pytest.mark.parametrize("env_id", registered_ids())
def test_nothing_is_lost(env_id, explain):
    episodes = gym_causal.collect("random", env_id, num_episodes=4, seed=1, explain=explain)
    trajectories = to_trajectories(episodes)
    assert len(trajectories) == 4 and bool(episodes.explanations) == (explain == "all")
    check_same(from_trajectories(trajectories, episodes.metadata), episodes)


def test_where_everything_is():
    first, second, third = to_trajectories(ragged_episodes())
    assert third.obs.get("count").tolist() == [5, 6, 7, 8] and third.obs.get("view").tolist()[0] == [5, -5]
    assert first.acts.tolist() == [0, 1] and third.acts.tolist() == [0, 1, 2] and third.rews.tolist() == [1.5, 2, 2.5]
    assert (first.terminal, second.terminal, third.terminal) == (True, False, True)
    assert [info["explanation"]["kind"].item() for info in third.infos] == ["s6", "s7", "s8"]
    assert third.infos[0]["reset_info"]["explanation"]["kind"] == "s5"
    assert third.infos[2]["explanation"]["tokens"].tolist() == [8, 8, 8, 8]
    assert not any("reset_info" in info for info in third.infos[1:])


def test_nothing_is_copied():
    episodes = ragged_episodes()
    trajectory = to_trajectories(episodes)[0]
    assert np.shares_memory(trajectory.obs.get("view"), episodes.observations["view"])
    assert np.shares_memory(trajectory.infos[0]["explanation"]["tokens"], episodes.explanations["tokens"])


def test_trajectories_can_be_chosen_and_mixed():
    episodes = ragged_episodes()
    trajectories = to_trajectories(episodes)
    check_same(from_trajectories([trajectories[2], trajectories[0]], episodes.metadata), episodes[[2, 0]])


def test_words_keep_their_dtype():
    """Also when only short ones are left."""
    episodes = ragged_episodes()[:1]
    assert from_trajectories(to_trajectories(episodes)).explanations["kind"].dtype == np.dtype("<U8")


def test_no_episodes_are_no_trajectories():
    assert to_trajectories(ragged_episodes()[:0]) == []
    with pytest.raises(ValueError, match="trajectories must not be empty"):
        from_trajectories([])


def test_imitation_flattens_them():
    transitions = rollout.flatten_trajectories_with_rew(to_trajectories(ragged_episodes()))
    assert transitions.obs.get("count").tolist() == [0, 1, 3, 5, 6, 7]
    assert transitions.next_obs.get("count").tolist() == [1, 2, 4, 6, 7, 8]
    assert transitions.dones.tolist() == [False, True, False, False, False, True]  # a time limit is no end
    assert transitions.rews.tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert [info["explanation"]["kind"].item() for info in transitions.infos] == ["s1", "s2", "s4", "s6", "s7", "s8"]


# Both are imitation's own, of what it passes to itself.
@pytest.mark.filterwarnings("ignore:trying to unwrap object of type", "ignore:Converting a tensor with requires_grad")
def test_behavioral_cloning_learns_from_them():
    episodes = gym_causal.collect("expert", "CausalDAG-v0", num_episodes=32, seed=0)
    trajectories = to_trajectories(episodes)
    assert rollout.rollout_stats(trajectories)["return_mean"] == pytest.approx(episodes.returns.mean())
    env = gym.make("CausalDAG-v0")
    torch.manual_seed(0)
    policy = MultiInputActorCriticPolicy(env.observation_space, env.action_space, lambda _: 3e-3)
    trainer = bc.BC(
        observation_space=env.observation_space,
        action_space=env.action_space,
        policy=policy,
        demonstrations=trajectories,
        rng=np.random.default_rng(0),
        device="cpu",
    )
    before = log_likelihood(policy, trajectories)
    trainer.train(n_epochs=10, progress_bar=False)
    assert log_likelihood(policy, trajectories) > before + 0.3


def log_likelihood(policy, trajectories):
    transitions = rollout.flatten_trajectories(trajectories)
    observations, _ = policy.obs_to_tensor(transitions.obs.unwrap())
    return policy.get_distribution(observations).log_prob(policy.action_net.weight.new_tensor(transitions.acts)).mean().item()


def without(trajectory: TrajectoryWithRew, name: str) -> TrajectoryWithRew:
    """The same, without an entry of its first info."""
    infos = trajectory.infos.copy()
    infos[0] = {key: value for key, value in infos[0].items() if key != name}
    return dataclasses.replace(trajectory, infos=infos)


def test_what_is_no_episode_is_refused():
    first, second, third = to_trajectories(ragged_episodes())
    with pytest.raises(ValueError, match="got 2 for the 3 states of number 0"):
        from_trajectories([without(first, "reset_info")])
    with pytest.raises(ValueError, match="got 3 for the 4 states of number 1"):
        from_trajectories([first, without(third, "explanation")])
    with pytest.raises(ValueError, match="got 0 for the 2 states of number 1"):
        from_trajectories([first, dataclasses.replace(second, infos=None)])
    with pytest.raises(ValueError, match="got 2 for the 2 states of number 1"):
        from_trajectories([dataclasses.replace(first, infos=None), second])
    second.infos[0]["explanation"]["more"] = np.zeros(())
    with pytest.raises(ValueError, match="the same facts in every explanation"):
        from_trajectories([first, second])
    with pytest.raises(TypeError, match="got Trajectory at 1"):
        from_trajectories([first, Trajectory(third.obs, third.acts, None, True)])
    with pytest.raises(ValueError, match=r"the same observations, got \['count', 'view'\] at 0 and \['observation'\] at 1"):
        from_trajectories([first, dataclasses.replace(third, obs=third.obs.get("view"))])


def test_trajectories_from_elsewhere_are_welcome():
    elsewhere = TrajectoryWithRew(DictObs({"view": np.arange(3)}), np.array([1, 0]), np.array([{"lives": 3}] * 2), True, np.ones(2))
    episodes = from_trajectories([elsewhere])
    assert episodes.explanations == {} and episodes.metadata == {} and episodes.lengths.tolist() == [2]
    flat = dataclasses.replace(elsewhere, obs=np.arange(6.0).reshape(3, 2))
    assert from_trajectories([flat, flat]).observations["observation"].shape == (6, 2)
