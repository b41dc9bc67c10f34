"""The native batch as stable-baselines3's VecEnv: the same episodes, and what its algorithms and imitation expect."""

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

from imitation.data import rollout
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecMonitor

import gym_causal
from agents.policies.agent import Agent
from agents.policies.sb3 import TransformerPolicy
from agents.vec_env import BatchedVecEnv
from gym_causal.scm import StructuralCausalModels
from tests.agents.small import make_policy
from tests.conftest import row, same


def make(env_id="CausalDAG-v0", num_envs=4, *, infos=False, **env_kwargs):
    return BatchedVecEnv(gym_causal.make_vec(env_id, num_envs, **env_kwargs), infos=infos)


@pytest.mark.parametrize(
    ("env_id", "env_kwargs"), [("CausalDAGCued-v0", {}), ("OddOneOut-v0", {"observation": "symbolic", "max_trial_steps": 10})]
)
def test_row_b_plays_episodes_b_and_b_plus_the_batch(env_id, env_kwargs):
    """The rooms' episodes end at different times, some cut short."""
    venv, one = make(env_id, 3, **env_kwargs), make(env_id, 1, **env_kwargs)
    venv.seed(5)
    one.seed(5)
    actions = np.random.default_rng(0).integers(venv.action_space.n, size=(60, 3))
    observations = venv.reset()
    played = [[(row(observations, b), None)] for b in range(3)]  # of each row: observation, transition to it
    for action in actions:
        observations, rewards, dones, infos = venv.step(action)
        for b in range(3):
            before = infos[b].pop("terminal_observation", None)
            assert (before is not None) == dones[b]
            played[b].append((row(observations, b), (action[b], rewards[b], dones[b], infos[b]["TimeLimit.truncated"], before)))
    begins = {b: [0, *(i for i, (_, led) in enumerate(played[b]) if led and led[2])] for b in range(3)}
    observation, cut = one.reset(), []
    for episode in range(6):  # it plays them one after the other
        begin, end = begins[episode % 3][episode // 3 :][:2]
        for before, (_, (action, reward, done, truncated, final)) in pairwise(played[episode % 3][begin : end + 1]):
            assert same(row(observation, 0), before[0])
            observation, rewards, dones, infos = one.step(np.array([action]))
            assert (rewards[0], dones[0], infos[0]["TimeLimit.truncated"]) == (reward, done, truncated)
            assert not done or same(infos[0]["terminal_observation"], final)
        cut.append(truncated)
    assert any(cut) == (env_id == "OddOneOut-v0")


def test_seeds():
    venv, again = make(num_envs=2), make(num_envs=2)
    assert venv.seed(3) == [3, 3] and again.seed(3) == [3, 3]
    first = venv.reset()
    assert same(first, again.reset())
    assert not same(venv.reset(), first)  # it goes on
    venv.seed(3)
    assert same(venv.reset(), first)
    venv.seed(None)
    assert not same(venv.reset(), first)


def test_options_serve_once():
    chain = StructuralCausalModels.from_weights([[0, 1.0, 0], [0, 0, 1.0], [0, 0, 0]], noise_scale=0.0)
    venv = make(num_envs=2, num_variables=3)
    venv.set_options({"model": chain, "goal": "C"})
    assert not venv.reset()["initial_values"].any()
    assert venv.step(np.array([1, 0]))[0]["last_outcome"].tolist() == [[0, 5, 5], [5, 5, 5]]
    assert venv.reset()["initial_values"].any()
    with pytest.raises(TypeError, match="options must be one dict for all rows"):
        venv.set_options([{}, {}])


def test_infos_are_cut_into_rows_on_request():
    plain, with_infos = make(num_envs=2), make(num_envs=2, infos=True)
    plain.seed(0)
    with_infos.seed(0)
    plain.reset()
    with_infos.reset()
    assert plain.reset_infos == [{}, {}] and with_infos.reset_infos[1]["explanation"]["kind"] == "none"
    kinds = []
    for action in range(7):
        assert plain.step(np.array([action] * 2))[3][0].keys() <= {"TimeLimit.truncated", "terminal_observation"}
        kinds.append(with_infos.step(np.array([action] * 2))[3][1])
    assert [info["explanation"]["kind"] for info in kinds] == ["properties"] * 5 + ["reward"] * 2
    assert with_infos.reset_infos[1]["explanation"]["kind"] == "none"
    assert kinds[-1].keys() == {"TimeLimit.truncated", "terminal_observation", "explanation"}


def test_masks_and_the_expert_by_row():
    venv = make(num_envs=3)
    venv.seed(0)
    venv.reset()
    for _ in range(5):
        venv.step(np.array(venv.env_method("expert_action")))
    masks = venv.env_method("action_masks")
    assert len(masks) == 3 and all(mask.sum() == 8 for mask in masks)  # the goal may not be set
    assert (np.stack(masks) == venv.venv.action_masks()).all()
    assert (venv.env_method("action_masks", indices=[2])[0] == masks[2]).all()
    # How sb3-contrib asks, before and after 2.3.
    assert (venv.get_attr("action_masks") and not hasattr(venv, "has_attr")) or venv.has_attr("action_masks")
    with pytest.raises(AttributeError):
        venv.get_attr("masks")
    with pytest.raises(AttributeError, match="method_name must be one of action_masks, expert_action, got 'masks'"):
        venv.env_method("masks")
    assert venv.env_is_wrapped(VecMonitor) == [False] * 3 and venv.get_attr("render_mode", 1) == [None]
    assert venv.get_images()[0].dtype == np.uint8


def test_evaluate_policy_finds_what_playing_finds():
    model = make_policy("variable", settled=True)
    venv = make(num_envs=4)
    venv.seed(6)
    rewards, lengths = evaluate_policy(TransformerPolicy(model), VecMonitor(venv), n_eval_episodes=12, return_episode_rewards=True)
    assert lengths == [7] * 12
    agent, batch = Agent(model), gym_causal.make_vec("CausalDAG-v0", 12)
    observations, _ = batch.reset(seed=6)
    state, returns = None, np.zeros(12)
    for step in range(7):
        actions, state = agent(observations, state, np.full(12, step == 0))
        observations, reward, *_ = batch.step(actions)
        returns += reward
    assert np.allclose(rewards, returns, atol=1e-4)  # VecMonitor rounds


@pytest.mark.parametrize("how", ["policy", "agent"])
def test_imitation_rolls_out(how):
    model = make_policy("variable", settled=True)
    policy = TransformerPolicy(model)
    venv = make(num_envs=4)
    venv.seed(6)
    acting = {"policy": policy, "deterministic_policy": True} if how == "policy" else {"policy": Agent(model)}
    trajectories = rollout.generate_trajectories(
        venv=venv, sample_until=rollout.make_min_episodes(10), rng=np.random.default_rng(0), **acting
    )
    assert len(trajectories) == 12 and all(len(trajectory) == 7 and trajectory.terminal for trajectory in trajectories)
    # The observations are those of the episodes themselves, the last one included.
    reference = gym_causal.make_vec("CausalDAG-v0", 12)
    first, _ = reference.reset(seed=6)
    for trajectory in trajectories:
        (episode,) = np.flatnonzero((first["initial_values"] == trajectory.obs.get("initial_values")[0]).all(axis=1))
        assert episode < 12
        assert trajectory.obs.get("trial").tolist() == list(range(8))
        assert not trajectory.obs.get("initial_values")[-1].any()
    assert np.mean([trajectory.rews.sum() for trajectory in trajectories]) == pytest.approx(
        evaluate_policy(policy, _seeded(6), n_eval_episodes=12, warn=False)[0]
    )


def _seeded(seed, **env_kwargs):
    venv = make(num_envs=4, **env_kwargs)
    venv.seed(seed)
    return venv


def test_rollouts_keep_explanations():
    venv = make(num_envs=2, infos=True)
    venv.seed(0)
    trajectories = rollout.rollout(
        lambda observations, state, starts: (np.array(venv.env_method("expert_action")), state),
        venv,
        rollout.make_min_episodes(2),
        rng=np.random.default_rng(0),
        unwrap=False,
        exclude_infos=False,
    )
    assert [info["explanation"]["kind"] for info in trajectories[0].infos] == ["properties"] * 5 + ["reward"] * 2


# A -> B with weight 1: setting A to +5 makes B 5, and nothing that may be set raises A.
CHAIN = StructuralCausalModels.from_weights([[0, 1.0], [0, 0]], noise_scale=0.0)
SMALL = {"num_variables": 2, "num_exploration_trials": 0, "num_exploitation_trials": 1, "models": CHAIN, "held_out_link": ("B", "A")}


@pytest.mark.parametrize(
    ("algorithm", "settings", "steps"),
    [
        (PPO, {"seed": 1, "n_steps": 16, "batch_size": 64, "learning_rate": 1e-2, "gamma": 0.0}, 2_048),
        (
            DQN,
            {"seed": 0, "learning_starts": 200, "train_freq": 2, "target_update_interval": 100, "learning_rate": 3e-3, "gamma": 0.0},
            4_000,
        ),
    ],
)
def test_stable_baselines3_learns_in_it(algorithm, settings, steps):
    """To set A to its positive value where B is the goal."""
    model = algorithm("MultiInputPolicy", VecMonitor(make(num_envs=16, **SMALL)), device="cpu", **settings)
    before = evaluate_policy(model, _seeded(6, **SMALL), n_eval_episodes=100, warn=False)[0]
    model.learn(steps)
    after = evaluate_policy(model, _seeded(6, **SMALL), n_eval_episodes=100, warn=False)[0]
    # The goal is B in about half of the episodes, and the best action then pays 5.
    assert before < 1.5 < 2.2 < after


def test_an_id_is_enough():
    venv, made = BatchedVecEnv("CausalDAGCued-v0", 3, split="eval_path", flatten=True), make("CausalDAGCued-v0", 3, split="eval_path")
    assert venv.num_envs == 3 and venv.venv.task.config == made.venv.task.config and len(venv.observation_space.shape) == 1
    assert BatchedVecEnv("CausalDAG-v0").num_envs == 1
    model = PPO("MlpPolicy", venv, n_steps=14, batch_size=14, n_epochs=1, seed=0, device="cpu").learn(42)
    assert model.num_timesteps == 42


def test_what_an_env_has_already_is_refused():
    for arguments in ({"num_envs": 3}, {"split": "train"}):
        with pytest.raises(TypeError, match="num_envs and arguments are for an id"):
            BatchedVecEnv(gym_causal.make_vec("CausalDAG-v0", 3), **arguments)
    with pytest.raises(ValueError, match="autoreset_mode must be same_step"):
        BatchedVecEnv("CausalDAG-v0", 3, autoreset_mode="next_step")


@pytest.mark.parametrize("env_id", ["CausalDAG-v0", "OddOneOut-v0"])
def test_any_block_of_episodes_can_be_begun(env_id):
    """Whatever was played before, and without beginning twice what has just begun."""
    many = gym_causal.make_vec(env_id, 12).reset(seed=3)[0]
    venv = gym_causal.make_vec(env_id, 4)
    venv.reset(seed=3)
    for first in (8, 4, 0):
        observations, infos = venv.begin_episodes(first)
        assert all((observations[key] == many[key][first : first + 4]).all() for key in many)
        assert infos["explanation"]["kind"].shape == (4,)
        venv.step(np.zeros(4, int))


def test_a_block_that_has_just_begun_is_not_begun_again(monkeypatch):
    venv = gym_causal.make_vec("CausalDAG-v0", 4)
    venv.reset(seed=0)
    for _ in range(7):
        venv.step(np.zeros(4, int))
    monkeypatch.setattr(type(venv.task), "begin", lambda *_: pytest.fail("it begins again"))
    venv.begin_episodes(4)
