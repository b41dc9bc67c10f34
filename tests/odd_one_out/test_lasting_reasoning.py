"""In how many steps the expert's reasoning of the step before is still true."""

import pytest

pytest.importorskip("tyro")

import gymnasium as gym

from tests.docs_scripts import load_script

script = load_script("count_lasting_reasoning")


def test_the_shares_are_those_of_the_single_environment():
    same, steps = dict.fromkeys(script.FIELDS, 0), 0
    env = gym.make(script.ENV_ID, explain="reasoning", observation="symbolic", expert_sight="review")
    _, info = env.reset(seed=0)
    over = False
    while not over:
        before = info["explanation"]
        _, _, terminated, truncated, info = env.step(env.unwrapped.expert_action())
        if over := terminated or truncated:
            break
        steps += 1
        for kind, names in script.FIELDS.items():
            same[kind] += all(info["explanation"][name] == before[name] for name in names)
    assert script.lasting(1, seed=0) == {kind: count / steps for kind, count in same.items()}
    assert 0 < same["intention"] < same["belief"] < steps
