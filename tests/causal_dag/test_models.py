"""One's own causal graphs: the argument ``models``, fixed or sampled."""

import json
import pickle
import re

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal import Episodes, collect, evaluate
from gym_causal.scm import StructuralCausalModels
from tests.conftest import row, same

A_TO_B, B_TO_C = 0.5, 2.0
CHAIN = StructuralCausalModels.from_weights([[0, A_TO_B, 0], [0, 0, B_TO_C], [0, 0, 0]], noise_scale=0.0)  # A -> B -> C
SET_B_TO_PLUS_5 = 1
THREE = {"num_variables": 3, "split": "unrestricted"}


def chains(rng: np.random.Generator, count: int) -> StructuralCausalModels:
    """A -> B -> C with random weights; sometimes also A -> C, so that batches differ in their widest list of parents."""
    weights = np.zeros((count, 3, 3))
    weights[:, 0, 1], weights[:, 1, 2] = rng.uniform(0.5, 2, size=(2, count))
    if rng.random() < 0.5:
        weights[:, 0, 2] = -1.0
    return StructuralCausalModels.from_weights(weights)


FORMS = {
    "models": CHAIN,
    "dict": CHAIN.to_dict(),
    "function": chains,
    "name": "tests.causal_dag.test_models:chains",
}
every_form = pytest.mark.parametrize("models", FORMS.values(), ids=FORMS)


def test_the_expert_of_a_fixed_chain_is_known_by_hand():
    """To raise C: B = +5 makes it 10, A = +5 only 0.5 * 2 * 5 = 5; eval_target always asks for C."""
    env = gym.make("CausalDAG-v0", models=CHAIN, num_variables=3, split="eval_target", graph_info=True).unwrapped
    _, info = env.reset(seed=0)
    for _ in range(5):
        assert np.array_equal(info["weights"], CHAIN.weights[0])
        for _ in range(3):
            observation, *_ = env.step(env.expert_action())
        assert observation["goal"] == 2 and env.expert_action() == SET_B_TO_PLUS_5
        _, reward, _, _, info = env.step(SET_B_TO_PLUS_5)
        assert reward == 10.0
        assert info["explanation"]["text"] == "Optimal: setting B to +5 moves C most, by +10, directly."
        *_, info = env.step(0)
        assert info["explanation"]["text"] == "Not optimal: setting B to +5 moves C most, by +10, directly."
        _, info = env.reset()


def test_another_intervention_value_scales_the_chain():
    env = gym.make("CausalDAG-v0", models=CHAIN, num_variables=3, split="eval_target", intervention_value=2).unwrapped
    env.reset(seed=0)
    texts = [env.step(action)[-1]["explanation"]["text"] for action in (0, 4, 2)]
    assert texts[0] == "Setting A to +2 moves B by +1, directly, and moves C by +2, through B."
    assert texts[1].startswith("Setting B to -2 moves C by -0.8")
    assert env.expert_action() == SET_B_TO_PLUS_5
    _, reward, *_ = env.step(SET_B_TO_PLUS_5)
    assert reward == 4.0


@every_form
def test_every_form_reaches_every_way_to_play(models):
    arguments = {"models": models, **THREE}
    observation, _ = gym.make("CausalDAG-v0", **arguments).reset(seed=3)
    venv = gym_causal.make_vec("CausalDAG-v0", 4, **arguments)
    assert same(row(venv.reset(seed=3)[0], 0), observation)
    expert = evaluate("expert", "CausalDAG-v0", num_episodes=50, seed=0, **arguments)
    assert expert.normalized_reward.mean == pytest.approx(1.0) and expert.optimal_action_rate.mean == 1.0
    assert len(collect("expert", "CausalDAG-v0", num_episodes=5, **arguments)) == 5


@every_form
def test_recorded_episodes_say_which_models_they_are_of(models, tmp_path):
    collect("expert", "CausalDAG-v0", num_episodes=3, models=models, **THREE).save(tmp_path / "episodes.npz")
    recorded = Episodes.load(tmp_path / "episodes.npz").metadata["env_kwargs"]["models"]
    assert recorded == (CHAIN.to_dict() if models in (CHAIN, FORMS["dict"]) else FORMS["name"])


@every_form
@pytest.mark.parametrize("split", ["eval_target", "unrestricted"])
def test_episode_i_is_the_same_whatever_num_envs(models, split):
    if callable(models) or isinstance(models, str):
        split = "unrestricted"
    arguments = {"models": models, "num_variables": 3, "split": split, "graph_info": True}
    single = gym.make("CausalDAG-v0", **arguments)
    episodes = [single.reset(seed=7 if i == 0 else None) for i in range(200)]
    observations, infos = gym_causal.make_vec("CausalDAG-v0", 200, **arguments).reset(seed=7)
    for i in (0, 63, 64, 199):
        assert same(row(observations, i), episodes[i][0]) and np.array_equal(infos["weights"][i], episodes[i][1]["weights"])


def test_each_episode_draws_one_of_several_models_uniformly():
    weights = np.zeros((3, 2, 2))
    weights[:, 0, 1] = [1, 2, 3]
    models = StructuralCausalModels.from_weights(weights)
    venv = gym_causal.make_vec("CausalDAG-v0", 6_000, num_variables=2, split="unrestricted", models=models, graph_info=True)
    drawn = venv.reset(seed=0)[1]["weights"][:, 0, 1]
    assert (np.abs(np.bincount(drawn.astype(int), minlength=4)[1:] - 2_000) < 4 * np.sqrt(6_000 * 2 / 9)).all()


def test_goals_are_uniform_and_splits_admit_only_what_satisfies_them():
    weights = np.stack([CHAIN.weights[0], np.zeros((3, 3))])  # B causes C in the first alone: training never shows it
    arguments = {"models": StructuralCausalModels.from_weights(weights), "num_variables": 3}
    train, target = (gym_causal.make_vec("CausalDAG-v0", 3_000, split=split, **arguments) for split in ("train", "eval_target"))
    train.reset(seed=0), target.reset(seed=0)
    assert not train.task.episodes.models.weights.any()
    assert (np.abs(np.bincount(train.task.episodes.goals, minlength=3) - 1_000) < 4 * np.sqrt(3_000 * 2 / 9)).all()
    assert np.array_equal(target.task.episodes.models.weights, np.repeat(CHAIN.weights, 3_000, axis=0))
    assert (target.task.episodes.goals == 2).all()


def test_a_split_that_admits_none_gives_up_with_an_error():
    env = gym.make("CausalDAG-v0", models=CHAIN, num_variables=3, split="train")
    with pytest.raises(ValueError, match=r"split: only 0 of \d+ models drawn .* satisfy: the held-out cause is never .* Use other models"):
        env.reset(seed=0)


@every_form
def test_envs_with_models_survive_pickling(models):
    env = gym.make("CausalDAG-v0", models=models, **THREE)
    env.reset(seed=0)
    twin = pickle.loads(pickle.dumps(env))
    assert same(env.step(1)[0], twin.step(1)[0]) and same(env.reset()[0], twin.reset()[0])


def test_models_are_part_of_the_spec_of_an_env():
    for form in ("dict", "name"):
        env = gym.make("CausalDAG-v0", models=FORMS[form], **THREE)
        spec = gym.envs.registration.EnvSpec.from_json(env.spec.to_json())
        assert same(gym.make(spec).reset(seed=1)[0], env.reset(seed=1)[0])


@pytest.mark.parametrize(
    ("models", "error", "message"),
    [
        (CHAIN, ValueError, "models must have num_variables=5 variables, as the env has, got 3"),
        (3, TypeError, "models must be StructuralCausalModels, their to_dict()"),
        ("chains", ValueError, "models: a name must be 'module:function', got 'chains'"),
        ("tests.causal_dag.test_models:ring", ValueError, "has no function 'ring'"),
        ("no.such.module:chains", ImportError, "no"),
        ({"weights": [[0]]}, ValueError, "must have the entries parents, parent_weights, noise_scale, negative_slope, got weights"),
        (CHAIN[np.zeros(0, int)], ValueError, "models must hold at least one model"),
    ],
)
def test_bad_models_are_refused_when_the_env_is_made(models, error, message):
    with pytest.raises(error, match=re.escape(message)):
        gym.make("CausalDAG-v0", models=models)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda rng, count: CHAIN.weights, TypeError, "must return StructuralCausalModels"),
        (lambda rng, count: CHAIN, ValueError, "must return the 64 models it was asked for, got 1"),
        (lambda rng, count: StructuralCausalModels.from_weights(np.zeros((count, 2, 2))), ValueError, "num_variables=3 variables"),
    ],
)
def test_what_a_function_returns_is_checked(function, error, message):
    with pytest.raises(error, match=message):
        gym.make("CausalDAG-v0", models=function, **THREE).reset(seed=0)


def test_the_cued_env_refuses_models_and_says_what_to_do_instead():
    with pytest.raises(ValueError, match=r"models must be None in CausalDAGCued-v0, .* use CausalDAG-v0, or reset\(options="):
        gym.make("CausalDAGCued-v0", models=CHAIN)


# --- as a dict -----------------------------------------------------------------------------------------------------------------


def test_models_survive_json():
    models = chains(np.random.default_rng(0), 5)
    again = StructuralCausalModels.from_dict(json.loads(json.dumps(models.to_dict())))
    for name in ("parents", "parent_weights", "noise_scale", "negative_slope"):
        assert np.array_equal(getattr(again, name), getattr(models, name))


def test_models_with_parent_lists_of_different_widths_can_be_joined():
    narrow, wide = CHAIN, StructuralCausalModels.from_weights([[0, 1.0, 1.0], [0, 0, 1.0], [0, 0, 0]], noise_scale=0.0)
    joined = StructuralCausalModels.concatenate([narrow, wide])
    assert np.array_equal(joined.weights, np.concatenate([narrow.weights, wide.weights]))
    assert joined.sample(np.zeros((2, 3)), 0, 5.0).tolist() == [[5.0, 2.5, 5.0], [5.0, 5.0, 10.0]]
    with pytest.raises(ValueError, match="one negative_slope"):
        StructuralCausalModels.concatenate([CHAIN, StructuralCausalModels.from_weights(np.zeros((3, 3)), negative_slope=1.0)])
    with pytest.raises(ValueError, match="one num_variables"):
        StructuralCausalModels.concatenate([CHAIN, StructuralCausalModels.from_weights(np.zeros((2, 2)))])
