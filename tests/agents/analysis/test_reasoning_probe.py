"""The probe of what hidden states hold of the expert's reasoning: it finds what is there, and nothing that is not."""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from agents.analysis.reasoning_probe import can_probe_reasoning, probe_reasoning
from agents.data.demonstrations import collect
from gym_causal.core.streams import SeedDomain
from gym_causal.odd_one_out.features import ATTRIBUTES, NUM_VISIBLE

ENV_ID, ARGUMENTS, COUNT = "OddOneOutIntervention-v0", {"observation": "symbolic", "difficulties": [0]}, 600


class Known:
    """A policy whose hidden states are given, (S, W), those of all steps of the probed episodes in their order."""

    device = torch.device("cpu")

    def __init__(self, states):
        self.network, self.states, self.next = self, states, 0

    def eval(self):
        return self

    def encode(self, observations):
        """(B, T, W); the last state again after an episode's end."""
        batch, longest = observations["trial"].shape
        these = slice(self.next, self.next + batch)
        lengths, starts = probed_episodes().lengths[these], probed_episodes().starts[:-1][these]
        self.next += batch
        rows = starts[:, None] + np.minimum(np.arange(longest), lengths[:, None] - 1)
        return torch.as_tensor(self.states[rows])

    def explanation_features(self, hidden_states):
        return hidden_states


@cache
def probed_episodes():
    arguments = {**ARGUMENTS, "split": "train", "explain": "reasoning", "expert_sight": "view"}
    return collect("expert", ENV_ID, COUNT, 0, arguments, domain=SeedDomain.PROBE)


def probed(*parts):
    states = np.concatenate([*parts, np.random.default_rng(0).normal(size=(len(probed_episodes().actions), 8))], axis=1)
    results = probe_reasoning(Known(states.astype(np.float32)), ENV_ID, split="train", num_episodes=COUNT, **ARGUMENTS)
    return {name: accuracy for name, (accuracy, _) in results.items()}


def of_each_step(key, size):
    """(S, size) one-hot; a fact of the reasoning at every step."""
    episodes = probed_episodes()
    state = np.arange(len(episodes.actions)) + np.repeat(np.arange(COUNT), episodes.lengths)
    return np.eye(size + 1)[episodes.explanations[key][state] + 1]


def test_noise_holds_nothing():
    found = probed()
    assert abs(found["decoded_attribute"] - 1 / 3) < 0.1 and found["decoded_target"] < 0.3


def test_what_is_there_is_found_and_only_that():
    beliefs = [of_each_step(f"belief_{name}", 3) for name in ATTRIBUTES[:NUM_VISIBLE]]
    found = probed(*beliefs)
    assert found["decoded_attribute"] == found["decoded_attribute_experiment"] == 1.0
    assert found["decoded_target"] < 0.3  # knowing the attribute is not knowing the object
    found = probed(of_each_step("target_value", 20))
    assert found["decoded_target"] > 0.8


def test_which_envs_can_be_probed():
    assert can_probe_reasoning(ENV_ID) and not can_probe_reasoning("OddOneOut-v0") and not can_probe_reasoning("CausalDAG-v0")
