"""The rules, on rooms with known answers."""

from __future__ import annotations

import numpy as np
import pytest

import gym_causal
from gym_causal.odd_one_out.features import Action
from gym_causal.odd_one_out.frames import OBJECT
from tests.odd_one_out.rooms import BLUE, RED, SOLID, TRIANGLE, begin, episode

CONFOUNDED, INTERVENTION = "OddOneOutConfounded-v0", "OddOneOutIntervention-v0"
NORTH, EAST, SOUTH, WEST = Action.NORTH, Action.EAST, Action.SOUTH, Action.WEST


def play(venv, *actions):
    """The last step's result."""
    for action in actions:
        result = venv.step(np.array([action]))
    return result


def text(infos):
    return infos["explanation"]["text"][0]


def test_a_wall_stops_and_costs_a_step():
    venv = begin(CONFOUNDED, episode(agent=(1, 5), color=1, texture=1, shape=1), max_trial_steps=2)
    before = venv.task.observations()["view"]
    observations, _, terminated, truncated, _ = play(venv, NORTH)
    assert np.array_equal(observations["view"], before) and not terminated[0] and not truncated[0]
    assert play(venv, NORTH)[3][0]


def test_a_touch_pays_once_then_the_board_stays_for_one_step():
    venv = begin(CONFOUNDED, episode(agent=(1, 3), color=1, texture=1, shape=1))
    _, rewards, terminated, _, infos = play(venv, WEST)
    assert rewards[0] == 0 and text(infos) == "Next to you is a blue object."
    observations, rewards, terminated, _, infos = play(venv, WEST)
    assert rewards[0] == 1 and not terminated[0] and observations["touched"][0] == 1
    assert text(infos) == "Correct, only this object is blue." and infos["choice"][0] == "several"
    _, rewards, terminated, truncated, infos = play(venv, EAST)
    assert rewards[0] == 0 and terminated[0] and not truncated[0]
    final = infos.ended.infos
    assert final["explanation"]["text"][0] == "Correct, only this object is blue." and infos["final_obs"][0]["touched"] == 1


def test_a_wrong_object_pays_nothing_and_is_explained():
    venv = begin(CONFOUNDED, episode(agent=(1, 2), color=2, texture=2, shape=2))
    _, rewards, *_, infos = play(venv, WEST)
    assert rewards[0] == 0 and text(infos) == "Incorrect, other objects are red." and infos["choice"][0] == "none"


def test_deconfounded_touch_is_explained_in_one_attribute_and_reported_in_all():
    # Object 0 is odd in shape; colour pays.
    venv = begin(CONFOUNDED, episode(agent=(1, 2), color=2, texture=4, shape=1), split="eval")
    *_, infos = play(venv, WEST)
    assert text(infos) == "Incorrect, other objects are red." and infos["choice"][0] == "shape"
    # Texture pays, colour is explained: the explanation stays true.
    record = episode(agent=(1, 2), color=2, texture=1, shape=4, rewarded=1)
    *_, infos = play(begin(CONFOUNDED, record, split="eval"), WEST)
    assert text(infos) == "Correct, although other objects are red."
    record = episode(agent=(1, 8), color=2, texture=1, shape=4, rewarded=1)
    *_, infos = play(begin(CONFOUNDED, record, split="eval"), EAST)
    assert text(infos) == "Incorrect, although only this object is blue."


def test_a_transform_changes_the_first_adjacent_object_clockwise_from_north():
    around = ((4, 4), (6, 5), (4, 6), (5, 4))  # northwest, south, northeast, west
    venv = begin(INTERVENTION, episode(4, cells=around))
    observations, *_ = play(venv, Action.TRANSFORM_COLOR)
    view = observations["view"][0]
    assert observations["may_transform"][0] == 0
    # Northeast comes first.
    assert view[4, 6].tolist() == [OBJECT, 1 + BLUE, 1 + SOLID, 1 + TRIANGLE]
    assert all(view[place].tolist() == [OBJECT, 1 + RED, 1 + SOLID, 1 + TRIANGLE] for place in ((4, 4), (6, 5), (5, 4)))
    after, *_ = play(venv, Action.TRANSFORM_TEXTURE)  # there was one only
    assert np.array_equal(after["view"][0], view)
    assert not venv.action_masks()[0, 8:].any()


def test_a_transform_with_nothing_near_spends_nothing():
    venv = begin(INTERVENTION, episode(4))
    assert venv.action_masks()[0].tolist() == [True] * 8 + [False] * 3
    before = venv.task.observations()["view"]
    observations, *_ = play(venv, Action.TRANSFORM_SHAPE)
    assert observations["may_transform"][0] == 1 and np.array_equal(observations["view"], before)


def test_changing_one_of_a_pair_makes_its_partner_the_odd_one():
    # Colours: objects 0 and 1 red, 2 and 3 blue. Object 0, next to the agent, becomes blue, so object 1 is the only red one.
    venv = begin(INTERVENTION, episode(4, agent=(1, 2), cells=((1, 1), (1, 3), (9, 1), (9, 9)), color=0b1100))
    _, rewards, *_ = play(venv, EAST)  # touches object 1 first: nothing is odd yet
    assert rewards[0] == 0
    # East comes before west, clockwise from north: the transform changes object 1, and object 0 pays.
    venv = begin(INTERVENTION, episode(4, agent=(1, 2), cells=((1, 1), (1, 3), (9, 1), (9, 9)), color=0b1100))
    _, rewards, *_, infos = play(venv, Action.TRANSFORM_COLOR, WEST)
    assert rewards[0] == 1 and text(infos) == "Correct, the attribute that pays is color: only this object is red."


def test_the_test_trial_pays_ten_times_and_allows_no_transform():
    record = episode(4, agent=(1, 2), color=0b0001, texture=0b0010, shape=0b0100)
    venv = begin(INTERVENTION, record)
    total = 0.0
    for trial in range(4):
        observations, rewards, *_ = play(venv, WEST)
        assert observations["trial"][0] == trial
        total += rewards[0]
        observations, _, terminated, _, infos = play(venv, WEST)
    assert total == 13 and terminated[0]
    assert infos["final_obs"][0]["trial"] == 4 and infos["final_obs"][0]["may_transform"] == 0


def test_time_outs_pay_nothing_and_the_last_one_truncates():
    venv = begin(INTERVENTION, episode(2, agent=(1, 5), color=1), num_experiments=1, max_trial_steps=3)
    observations, _, terminated, truncated, infos = play(venv, NORTH, NORTH, NORTH)
    assert observations["trial"][0] == 1 and observations["touched"][0] == 0 and not (terminated[0] or truncated[0])
    assert text(infos) == "" and infos["choice"][0] == ""
    *_, terminated, truncated, infos = play(venv, NORTH, NORTH, NORTH)
    assert truncated[0] and not terminated[0] and infos["final_obs"][0]["touched"] == 0


def test_a_touch_in_the_last_step_counts():
    venv = begin(CONFOUNDED, episode(agent=(1, 2), color=1, texture=1, shape=1), max_trial_steps=1)
    _, rewards, terminated, truncated, _ = play(venv, WEST)
    assert rewards[0] == 1 and not terminated[0] and not truncated[0]
    _, _, terminated, truncated, _ = play(venv, WEST)
    assert terminated[0] and not truncated[0]


@pytest.mark.parametrize("feedback_steps", [0, 1, 5])
def test_feedback_lasts_as_long_as_asked(feedback_steps):
    venv = begin(INTERVENTION, episode(4, agent=(1, 2), color=1), feedback_steps=feedback_steps)
    observations, _, _, _, infos = play(venv, WEST)
    for _ in range(feedback_steps):
        assert observations["trial"][0] == 0 and observations["touched"][0] == 1
        assert infos["explanation"]["kind"][0] == "reward" and not venv.action_masks()[0, 8:].any()
        observations, _, _, _, infos = play(venv, Action.TRANSFORM_COLOR)
    assert observations["trial"][0] == 1 and observations["touched"][0] == 0
    # Without feedback steps the explanation stands beside the next trial's first observation.
    assert infos["explanation"]["kind"][0] == ("properties" if feedback_steps else "reward")


def test_outcome_explanations_say_no_more_than_the_touch_shows():
    start = {"rewarded": 2, "agent": (1, 2)}
    venv = begin(INTERVENTION, episode(4, **start), explain="outcome")
    *_, infos = play(venv, Action.TRANSFORM_TEXTURE, WEST)
    assert text(infos) == "The attribute that pays must not be texture."
    venv = begin(INTERVENTION, episode(4, **start), explain="outcome")
    *_, infos = play(venv, Action.TRANSFORM_SHAPE, WEST)
    assert text(infos) == "The attribute that pays must be shape."
    venv = begin(INTERVENTION, episode(4, **start), explain="outcome")
    *_, infos = play(venv, WEST)
    assert text(infos) == "This says nothing about the attribute that pays."
    venv = begin(CONFOUNDED, episode(agent=(1, 2), color=1, texture=1, shape=1), explain="outcome")
    *_, infos = play(venv, WEST)
    assert text(infos) == "The attribute that pays may be color."


def test_modes_of_explanation():
    record = episode(agent=(1, 3), color=1, texture=1, shape=1)
    kinds = {}
    for mode in ("none", "properties", "reward", "outcome", "full"):
        venv = begin(CONFOUNDED, record, explain=mode)
        near, touch = play(venv, WEST)[-1], play(venv, WEST)[-1]
        kinds[mode] = [infos["explanation"]["kind"][0] for infos in (near, touch)]
    assert kinds == {
        "none": ["none", "none"],
        "properties": ["properties", "none"],
        "reward": ["none", "reward"],
        "outcome": ["none", "outcome"],
        "full": ["properties", "reward"],
    }


@pytest.mark.parametrize(
    ("env_id", "kwargs", "error", "said"),
    [
        ("OddOneOut-v0", {"split": "eval"}, ValueError, "split"),
        ("OddOneOut-v0", {"observation": "rgb"}, ValueError, "observation"),
        ("OddOneOut-v0", {"odd_attributes": ()}, ValueError, "odd_attributes"),
        ("OddOneOut-v0", {"odd_attributes": "color"}, ValueError, "odd_attributes"),
        ("OddOneOut-v0", {"mistake_rate": 1.5}, ValueError, "mistake_rate"),
        ("OddOneOut-v0", {"feedback_steps": -1}, ValueError, "feedback_steps"),
        ("OddOneOut-v0", {"max_trial_steps": 1.5}, TypeError, "max_trial_steps"),
        ("OddOneOut-v0", {"expert_info": 1}, TypeError, "expert_info"),
        ("OddOneOut-v0", {"colour": 1}, TypeError, "colour"),
        (CONFOUNDED, {"explained_attribute": "position"}, ValueError, "explained_attribute"),
        (CONFOUNDED, {"rewarded_attribute": "none"}, ValueError, "rewarded_attribute"),
        (INTERVENTION, {"generalization": "both"}, ValueError, "generalization"),
        (INTERVENTION, {"difficulties": (4,)}, ValueError, "difficulties"),
        (INTERVENTION, {"difficulties": 1}, TypeError, "difficulties"),
        (INTERVENTION, {"difficulties": (3,), "generalization": "hard_dimension"}, ValueError, "difficulties"),
        (INTERVENTION, {"mistake_rate": 0.1}, TypeError, "mistake_rate"),
        (INTERVENTION, {"expert": "omniscient"}, ValueError, "expert"),
    ],
)
def test_errors_name_the_argument(env_id, kwargs, error, said):
    with pytest.raises(error, match=said):
        gym_causal.make_vec(env_id, **kwargs)


def test_reset_options_are_checked():
    venv = gym_causal.make_vec(CONFOUNDED, 2)
    with pytest.raises(ValueError, match="options"):
        venv.reset(seed=0, options={"rooms": 1})
    with pytest.raises(ValueError, match="episodes"):
        venv.reset(seed=0, options={"episodes": episode(trials=4)})
