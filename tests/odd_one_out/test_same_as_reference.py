"""Whatever is played: rewards, ends, views, masks, infos and explanations are those of a plain second implementation of the rules."""

from __future__ import annotations

import numpy as np
import pytest

import gym_causal
from tests.odd_one_out.reference import Room, check_text
from tests.odd_one_out.rooms import records_of

BASIC, CONFOUNDED, INTERVENTION = "OddOneOut-v0", "OddOneOutConfounded-v0", "OddOneOutIntervention-v0"
CASES = [
    (BASIC, {}),
    (BASIC, {"explain": "outcome", "mistake_rate": 0.5}),
    (CONFOUNDED, {"explained_attribute": "shape"}),
    (CONFOUNDED, {"split": "eval"}),
    (CONFOUNDED, {"split": "eval", "explained_attribute": "texture", "rewarded_attribute": "random", "feedback_steps": 0}),
    (CONFOUNDED, {"split": "eval", "rewarded_attribute": "random", "explain": "outcome"}),
    (CONFOUNDED, {"explain": "outcome"}),
    (CONFOUNDED, {"explained_attribute": None}),
    (INTERVENTION, {}),
    (INTERVENTION, {"split": "eval", "generalization": "hard_dimension", "explain": "outcome"}),
    (INTERVENTION, {"feedback_steps": 0, "max_trial_steps": 9}),
    (INTERVENTION, {"feedback_steps": 3, "num_experiments": 1, "difficulties": (2,)}),
]


def check_row(room, observation, info, mask):
    """Compare what one row shows with the reference."""
    assert observation["view"].tolist() == room.grid()
    assert observation["may_transform"] == (room.transforms > 0)
    assert observation["touched"] == (room.touched is not None)
    assert observation["trial"] == room.trial and observation["last_reward"] == room.last_reward
    assert mask.tolist() == [room.legal(action) for action in range(room.config.num_actions)]
    assert info["rewarded_attribute"] == room.rewarded
    assert info["touched_object"] == (-1 if room.touched is None else room.touched)
    explanation = info["explanation"]
    kind, mode = explanation["kind"], room.config.explain
    if room.touch is not None:
        objects, touched, _ = room.touch
        odd = [a for a in range(4) if all(o[a] != objects[touched][a] for i, o in enumerate(objects) if i != touched)]
        assert info["choice"] == ("none" if not odd else "several" if len(odd) > 1 else ("color", "texture", "shape", "position")[odd[0]])
    else:
        assert info["choice"] == ""
    expected = "none"
    if room.touch is not None:
        expected = {"outcome": "outcome", "reward": "reward", "full": "reward"}.get(mode, "none")
    elif room.adjacent() is not None and mode in ("properties", "full"):
        expected = "properties"
    assert kind == (expected if room.config.named_attributes else "none")
    assert (explanation["text"] == "") == (kind == "none") == (not explanation["tokens"].any())
    if kind != "none":
        check_text(explanation["text"], room, kind)


def row_of(batch, row):
    return {key: row_of(value, row) if isinstance(value, dict) else value[row] for key, value in batch.items()}


def iter_rows(records, num_envs):
    """An iterator for each row: row b plays episodes b, b + num_envs, b + 2 * num_envs, ..."""
    return [iter(records[row::num_envs]) for row in range(num_envs)]


def play_beside_the_reference(env_id, kwargs, num_envs, num_steps, seed):
    """Random and expert actions; every step of every row is compared."""
    venv = gym_causal.make_vec(env_id, num_envs, observation="symbolic", explanation_text=True, **kwargs)
    rng = np.random.default_rng(seed)
    observations, infos = venv.reset(seed=seed)
    config = venv.task.config
    # More than are played: an episode takes several steps.
    records = iter_rows(records_of(venv.task, seed, num_steps // 2 + 2 * num_envs), num_envs)
    rooms = [Room(next(records[row]), config) for row in range(num_envs)]
    experts = rng.random(num_envs) < 0.4  # rows that reach the end often
    for _ in range(-(-num_steps // num_envs)):
        masks = venv.action_masks()
        for row, room in enumerate(rooms):
            check_row(room, row_of(observations, row), row_of(infos, row), masks[row])
        actions = np.where(experts, venv.expert_actions(), rng.integers(venv.single_action_space.n, size=num_envs))
        observations, rewards, terminated, truncated, infos = venv.step(actions)
        for row, room in enumerate(rooms):
            assert (rewards[row], terminated[row], truncated[row]) == room.step(int(actions[row]))
            if room.over:
                final = {key: value for key, value in infos["final_obs"][row].items()}
                no_transforms = np.array([action < 8 for action in range(config.num_actions)])
                check_row(room, final, row_of(infos.ended.infos, row), no_transforms)
                rooms[row] = Room(next(records[row]), config)


@pytest.mark.parametrize(("env_id", "kwargs"), CASES)
def test_same_as_the_reference(env_id, kwargs):
    play_beside_the_reference(env_id, kwargs, num_envs=16, num_steps=1_700, seed=1)  # 20,000 steps over the cases


@pytest.mark.slow
@pytest.mark.parametrize(("env_id", "kwargs"), CASES)
def test_a_million_steps_same_as_the_reference(env_id, kwargs):
    play_beside_the_reference(env_id, kwargs, num_envs=64, num_steps=84_000, seed=2)
