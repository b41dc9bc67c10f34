"""EpisodePPO: acting and learning agree, masks hold, it learns, and stable-baselines3's interface works."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

import torch
from stable_baselines3.common.callbacks import BaseCallback, CheckpointCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecMonitor

import gym_causal
from agents.algorithms import episode_sources
from agents.algorithms.ppo import EpisodePPO
from agents.config import ArchitectureConfig
from agents.data.collate import IGNORE_INDEX
from agents.vec_env import BatchedVecEnv
from gym_causal.core.vector_env import TaskVectorEnv
from tests.agents.small import ARCHITECTURES, ROOM_ARCHITECTURES, ROOM_ID, ROOM_KWARGS
from tests.hint_task import HintConfig, HintTask

ENVS = {
    "CausalDAG-v0": {"explain": "full"},
    "CausalDAGCued-v0": {"explain": "full"},
    ROOM_ID: {**ROOM_KWARGS, "observation": "symbolic", "explain": "full"},
}
every_env = pytest.mark.parametrize("env_id", ENVS)


def make(env_id="CausalDAG-v0", num_envs=24, **options):
    """A tiny PPO in one of ENVS."""
    architecture = ROOM_ARCHITECTURES["object"] if env_id == ROOM_ID else ARCHITECTURES["variable"]
    venv = BatchedVecEnv(gym_causal.make_vec(env_id, num_envs, **ENVS[env_id]))
    options = {"seed": 0, "batch_size": 16, "device": "cpu", "policy_kwargs": {"architecture": architecture}, **options}
    return EpisodePPO("TransformerPolicy", venv, **options)


class KeepBuffer(BaseCallback):
    """Calls a function at the end of each rollout."""

    def __init__(self, check):
        super().__init__()
        self.check, self.calls = check, 0

    def _on_step(self):
        return True

    def _on_rollout_end(self):
        self.calls += 1
        self.check(self.model)


def settle(model):
    """Random weights everywhere, so that no output is zero because it begins so."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter += 0.2 * torch.randn_like(parameter)


@every_env
def test_acting_with_the_cache_is_what_is_recomputed_in_parallel(env_id):
    def check(model):
        (samples,) = model.rollout_buffer.get()
        with torch.no_grad():
            evaluated = model.policy.evaluate_episodes(samples.observations, samples.actions, samples.action_masks, samples.is_step.sum(1))
        is_step = samples.is_step
        assert torch.allclose(evaluated.log_probs[is_step], samples.old_log_prob[is_step], atol=1e-4)
        assert torch.allclose(evaluated.values[is_step], samples.old_values[is_step], atol=1e-4)
        assert (samples.old_log_prob[is_step] < 0).any() and samples.old_values[is_step].std() > 0.01

    model, callback = make(env_id), KeepBuffer(check)
    settle(model)
    model.learn(1, callback)
    assert callback.calls == 1


@every_env
def test_masks_are_never_violated_and_steps_without_effect_carry_no_policy_loss(env_id):
    def check(model):
        buffer = model.rollout_buffer
        assert np.take_along_axis(buffer.action_masks, buffer.actions[..., None], axis=2)[..., 0][buffer.is_step].all()
        assert not buffer.action_masks[buffer.is_step].all()
        assert not buffer.has_effect[~buffer.is_step].any()
        effective = model.policy.task.has_effect(buffer.observations)
        assert (buffer.has_effect == (effective & buffer.is_step)).all()

    model = make(env_id)
    model.learn(2 * 24 * 7, KeepBuffer(check))
    assert model.num_iterations >= 1
    states, starts = None, np.ones(4, bool)
    venv = gym_causal.make_vec(env_id, 4, **ENVS[env_id])
    observations, _ = venv.reset(seed=3)
    for _ in range(6):
        masks = venv.action_masks()
        actions, states = model.predict(observations, states, starts, action_masks=masks)
        assert masks[np.arange(4), actions].all()
        observations, _, terminated, truncated, _ = venv.step(actions)
        starts = terminated | truncated


def test_policy_loss_ignores_steps_without_effect():
    """Their log-probabilities change nothing; those of other steps do."""
    model = make(ROOM_ID)

    def gradient(changed):
        (samples,) = model.rollout_buffer.get()
        samples.advantages[changed(samples)] += 5.0
        loss = model._loss()(model.policy, samples).policy_gradient
        return float(loss)

    results = []

    def check(model):
        buffer = model.rollout_buffer
        assert (buffer.is_step & ~buffer.has_effect).any()
        rng_state = np.random.get_state()  # noqa: NPY002 - the order of the minibatch
        for changed in (
            lambda samples: ~samples.is_step,
            lambda samples: samples.is_step & ~samples.has_effect,
            lambda samples: samples.has_effect & (samples.actions == 0),
        ):
            np.random.set_state(rng_state)  # noqa: NPY002
            results.append(gradient(changed))

    settle(model)
    model.normalize_advantage = False
    model.learn(1, KeepBuffer(check))
    assert results[0] == pytest.approx(results[1], abs=1e-6) and abs(results[2] - results[0]) > 0.01


def test_episodes_are_cut_after_n_steps_and_go_on_in_value():
    def check(model):
        buffer = model.rollout_buffer
        assert (buffer.lengths == 4).all()
        after = buffer.advantages[:, -1] - buffer.rewards[:, -1] + buffer.values[:, -1]
        assert (np.abs(after) > 1e-3).mean() > 0.9  # gamma times the value of what was observed then

    model = make(n_steps=4)
    settle(model)
    model.learn(24 * 4, KeepBuffer(check))
    assert model.num_timesteps == 24 * 4


def test_truncated_episodes_go_on_in_value_and_terminated_ones_do_not():
    ends = []

    def check(model):
        buffer, rows = model.rollout_buffer, np.arange(24)
        last = buffer.lengths - 1
        after = (buffer.advantages - buffer.rewards + buffer.values)[rows, last]
        ends.extend(zip(np.abs(after) > 1e-6, truncated.copy(), strict=True))

    model, truncated = make(ROOM_ID), np.zeros(24, bool)
    step = TaskVectorEnv.step

    def watched(self, actions):
        result = step(self, actions)
        first = ~over & (result[2] | result[3])
        truncated[first] = result[3][first]
        over[:] |= first
        return result

    over = np.zeros(24, bool)
    settle(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TaskVectorEnv, "step", watched)
        model.learn(1, KeepBuffer(check))
    assert {cut for _, cut in ends} == {True, False}
    assert all(valued == cut for valued, cut in ends)


@pytest.mark.parametrize(("target_kl", "steps"), [(None, 2 * 2), (1e-9, 1)])
def test_it_stops_once_the_policy_is_far_from_the_one_that_played(target_kl, steps):
    """The first minibatch sees the policy that played; the second one sees another."""
    model = make(target_kl=target_kl, learning_rate=1e-2)
    settle(model)
    step, calls = model.policy.optimizer.step, []
    model.policy.optimizer.step = lambda: calls.append(step())
    model.learn(1)
    assert len(calls) == steps


def hint_env(num_envs=32, **kwargs):
    return BatchedVecEnv(TaskVectorEnv(HintTask(HintConfig(**kwargs), num_envs)))


@pytest.mark.parametrize("seed", range(2))
def test_it_learns_to_do_what_pays(seed):
    """A hint names the action that pays; action 0 is illegal, so 2 * 2/3 is the most that can be had. Random play gets 2/3."""
    policy_kwargs = {"architecture": ARCHITECTURES["generic"]}
    venv = hint_env(64)
    options = {"learning_rate": 1e-2, "batch_size": 64, "gamma": 0.9, "device": "cpu", "explanation_weight": 1.0}
    model = EpisodePPO("TransformerPolicy", venv, seed=seed, policy_kwargs=policy_kwargs, **options)
    losses = []
    model.learn(64 * 2 * 25, KeepBuffer(lambda model: losses.append(model.logger.name_to_value.get("train/explanation_loss"))))
    assert np.mean([info["r"] for info in model.ep_info_buffer]) > 1.15
    assert losses[-1] < 0.1 * losses[1]  # the hint itself is the explanation


def test_explanations_are_those_of_the_state_before_the_action():
    def check(model):
        buffer = model.rollout_buffer
        assert (buffer.explanations[..., 0] == 1 + buffer.observations["hint"]).all() and buffer.is_step.all()

    arguments = {"batch_size": 8, "explanation_weight": 1.0, "device": "cpu"}
    EpisodePPO("TransformerPolicy", hint_env(), **arguments).learn(1, KeepBuffer(check))
    room = make(ROOM_ID, explanation_weight=1.0)
    room.learn(1, KeepBuffer(lambda model: (model.rollout_buffer.explanations[model.rollout_buffer.is_step] != IGNORE_INDEX).all()))
    with pytest.raises(ValueError, match="explanation_weight must be 0 for envs that give no explanations"):
        EpisodePPO("TransformerPolicy", hint_env(explain="none"), **arguments).learn(1)


@every_env
def test_rollouts_are_functions_of_the_seed_and_their_number(env_id):
    """Whatever was played before."""
    kept = {}

    def keep(name):
        return KeepBuffer(lambda model: kept.setdefault((name, model.num_iterations), model.rollout_buffer.actions))

    one, other = make(env_id), make(env_id)
    for model, name in ((one, "one"), (other, "other")):
        model.max_iterations = 2
        model.n_epochs = 0  # the weights stay the same
        if name == "other":
            model.num_iterations = 1
        model.learn(10**9, keep(name))
    assert np.array_equal(kept["one", 1], kept["other", 1])
    assert not np.array_equal(kept["one", 0], kept["one", 1])


def test_saving_and_going_on(tmp_path):
    model = make(explanation_weight=0.5)
    model.learn(200)
    model.save(tmp_path / "model")
    loaded = EpisodePPO.load(tmp_path / "model", env=model.env, device="cpu")
    alone = EpisodePPO.load(tmp_path / "model", device="cpu")
    observations = gym_causal.make_vec("CausalDAG-v0", 6).reset(seed=0)[0]
    assert np.array_equal(model.predict(observations, deterministic=True)[0], alone.predict(observations, deterministic=True)[0])
    for each in (model, loaded):
        each.learn(200, reset_num_timesteps=False)
    assert model.num_iterations == loaded.num_iterations == 4
    for mine, theirs in zip(model.policy.parameters(), loaded.policy.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_stable_baselines_callbacks_and_infos(tmp_path):
    class Stop(BaseCallback):
        def _on_step(self):
            infos = self.locals["infos"]
            assert len(infos) == 24 and len(list(infos)) == 24
            if self.locals["dones"].any():
                assert infos[3]["terminal_observation"]["trial"] == 7
            return self.num_timesteps < 24 * 10

    model = make()
    model.learn(10**6, [Stop(), CheckpointCallback(5, str(tmp_path))])
    assert model.num_timesteps == 24 * 10  # in the middle of the second rollout
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("wrap", [VecMonitor, None])
def test_other_vector_envs_are_played_too(wrap):
    """With masks, explanations and episodes of different lengths."""
    kwargs = ENVS[ROOM_ID]
    if wrap is None:
        venv = make_vec_env(f"gym_causal:{ROOM_ID}", 4, env_kwargs=kwargs)
    else:
        venv = wrap(BatchedVecEnv(gym_causal.make_vec(ROOM_ID, 4, **kwargs), infos=True))
    task = gym_causal.make_task(ROOM_ID, 1, **kwargs)
    policy_kwargs = {"architecture": ROOM_ARCHITECTURES["object"], "task": task}

    def check(model):
        buffer = model.rollout_buffer
        assert len(set(buffer.lengths)) > 1
        assert np.take_along_axis(buffer.action_masks, buffer.actions[..., None], axis=2)[..., 0][buffer.is_step].all()
        assert (buffer.explanations[buffer.is_step] >= 0).all()

    options = {"policy_kwargs": policy_kwargs, "explanation_weight": 1.0, "seed": 0, "batch_size": 4, "device": "cpu"}
    callback = KeepBuffer(check)
    EpisodePPO("TransformerPolicy", venv, **options).learn(30, callback)
    assert callback.calls


def test_it_stays_near_a_reference_policy(tmp_path):
    """It is not the reference that moves, and a saved model is given it again."""
    reference = make(seed=7).policy
    reference.set_training_mode(True)
    before = [parameter.clone() for parameter in reference.parameters()]
    divergences = {}
    for kl_coef in (0.01, 100.0):
        model = make(kl_coef=kl_coef, reference_policy=reference, learning_rate=1e-2)
        model.set_logger(configure(None, []))
        model.learn(24 * 7 * 8)
        divergences[kl_coef] = model.logger.name_to_value["train/kl_from_reference"]
    assert divergences[100.0] < 0.1 * divergences[0.01]
    assert not reference.training  # no dropout
    assert all(torch.equal(one, other) for one, other in zip(before, reference.parameters(), strict=True))
    model.save(tmp_path / "model")
    with pytest.raises(ValueError, match=r"reference_policy must be given with a kl_coef that is not 0, got None with 100.0"):
        EpisodePPO.load(tmp_path / "model", env=model.env, device="cpu").learn(1)
    EpisodePPO.load(tmp_path / "model", env=model.env, device="cpu", reference_policy=reference).learn(1)


def test_envs_of_which_only_spaces_are_known():
    """No dict, no masks, and a single env is enough."""
    model = EpisodePPO("TransformerPolicy", "CartPole-v1", batch_size=2, n_steps=15, device="cpu", verbose=0)
    model.learn(40)
    assert model.num_timesteps >= 40 and model.rollout_buffer.action_masks is None
    action, _ = model.predict(np.zeros(4, np.float32), deterministic=True)
    assert action in (0, 1)


def test_mistakes():
    with pytest.raises(ValueError, match="action_space must be Discrete"):
        EpisodePPO("TransformerPolicy", "Pendulum-v1")
    venv = BatchedVecEnv(gym_causal.make_vec("CausalDAG-v0", 4))
    with pytest.raises(ValueError, match="env_id must be that of an odd-one-out"):
        EpisodePPO("TransformerPolicy", venv, policy_kwargs={"architecture": ArchitectureConfig(kind="object")})
    task = gym_causal.make_task(ROOM_ID)
    with pytest.raises(ValueError, match="task must have the observations and actions of the env"):
        EpisodePPO("TransformerPolicy", venv, policy_kwargs={"task": task})
    wrapped = VecMonitor(BatchedVecEnv(gym_causal.make_vec("CausalDAG-v0", 4)))
    model = EpisodePPO("TransformerPolicy", wrapped, explanation_weight=1.0, batch_size=4, device="cpu")
    with pytest.raises(ValueError, match="explanation_weight must be 0 for envs that give no explanations"):
        model.learn(1)


def test_no_infos_are_made_unless_they_are_read(monkeypatch):
    monkeypatch.setattr(episode_sources.LazyInfos, "__getitem__", lambda *_: pytest.fail("they are made"))
    make().learn(24 * 7)
