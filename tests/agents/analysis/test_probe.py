"""The probe, on hand-made agents whose reaction to evidence is known."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("imitation")

import torch

from agents.analysis.probe import probe
from agents.analysis.probe_plots import probe_curves, probe_slopes
from agents.config import ARCHITECTURES
from agents.policies.sequence_policy import SequencePolicy
from gym_causal.registry import make_task


class LinearAgent(torch.nn.Module):
    """Its logit of setting i to + is a bias plus slopes[i, goal] times the outcome of the goal in the trial that set i.

    With ``varies`` all logits of an episode are also scaled by 1.5 or 0.5, depending on an initial value.
    """

    device = "cpu"

    def __init__(self, slopes: np.ndarray, *, varies: bool = False) -> None:
        super().__init__()
        self.slopes, self.varies = torch.as_tensor(slopes, dtype=torch.float32), varies
        self.network = self.logits

    def logits(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """(B, 1, 2N) of the last step."""
        assert not self.training
        num_variables = len(self.slopes)
        goal = observations["goal"][:, -1].long()
        outcome = observations["last_outcome"][torch.arange(len(goal)), :, goal]  # (B, T)
        was_set = observations["last_intervention"] > 0
        seen = torch.cumsum(was_set * outcome[..., None], dim=1)  # (B, T, N)
        preference = torch.arange(num_variables) + self.slopes[:, goal].T[:, None] * seen
        if self.varies:
            preference = preference * (1 + observations["initial_values"][:, -1:, :1].sign() / 2)
        return torch.cat([preference, torch.zeros_like(preference)], dim=-1)


def known_slopes(num_variables: int = 5) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.2, 1.0, (num_variables, num_variables))


@pytest.fixture(scope="module")
def found():
    return probe(LinearAgent(known_slopes()), "CausalDAG-v0", num_episodes=40)


def test_known_slopes_are_found(found):
    off = ~np.eye(5, dtype=bool)
    slopes = known_slopes()
    assert np.allclose(found.slopes[off], slopes[off], atol=1e-4) and np.isnan(found.slopes[~off]).all()
    assert np.allclose(np.diff(found.response[off], axis=1), slopes[off][:, None] * np.diff(found.deltas), atol=1e-3)
    assert found.held_out == (3, 4) and found.names == list("ABCDE") and found.episodes == 40


def test_the_ratio_is_that_of_the_held_out_pair_to_the_mean_of_the_others(found):
    slopes = known_slopes()
    others = [slopes[i, j] for i in range(5) for j in range(5) if i != j and (i, j) != (3, 4)]
    ratio = found.held_out_ratio
    assert ratio.mean == pytest.approx(slopes[3, 4] / np.mean(others), abs=1e-3)
    assert ratio.low == pytest.approx(ratio.mean, abs=1e-3) and ratio.high == pytest.approx(ratio.mean, abs=1e-3)  # no two episodes differ


def test_a_bias_is_seen_in_the_response_and_not_in_the_slopes(found):
    """Biases of 0..4; the mean of the other 7 legal actions takes part of them away, and depends on the goal."""
    flat = probe(LinearAgent(np.zeros((5, 5))), "CausalDAG-v0", num_episodes=10)
    for cause, goal in ((0, 4), (3, 4), (4, 0)):
        expected = cause - (10 - cause - goal) / 7
        assert flat.response[cause, goal] == pytest.approx(np.full(len(flat.deltas), expected), abs=1e-4)
        assert flat.slopes[cause, goal] == pytest.approx(0, abs=1e-6)


def test_the_interval_is_over_episodes():
    few, many = (probe(LinearAgent(known_slopes(), varies=True), "CausalDAG-v0", num_episodes=n) for n in (30, 480))
    for found in (few, many):
        assert found.held_out_ratio.low <= found.held_out_ratio.mean <= found.held_out_ratio.high
    # An episode's scale is the same for all pairs, so the ratio hardly varies; slopes do.
    assert few.held_out_ratio.high - few.held_out_ratio.low < 0.02
    assert few.slopes[3, 4] / known_slopes()[3, 4] == pytest.approx(1, abs=0.35)
    assert many.slopes[3, 4] / known_slopes()[3, 4] == pytest.approx(1, abs=0.1)


def test_the_interval_covers_what_differs_between_pairs():
    """The slope of the held-out pair alone is 1 or 0 by the sign of A's initial value: the ratio varies as a mean of n coin flips does."""

    class HalfOfTheTime(LinearAgent):
        def logits(self, observations):
            self.slopes[3, 4] = 1.0
            reacting = super().logits(observations)
            self.slopes[3, 4] = 0.0
            return torch.where(observations["initial_values"][:, -1:, :1] > 0, reacting, super().logits(observations))

    ratio = probe(HalfOfTheTime(np.ones((5, 5))), "CausalDAG-v0", num_episodes=100).held_out_ratio
    assert ratio.mean == pytest.approx(0.5, abs=0.2)
    assert ratio.high - ratio.low == pytest.approx(2 * 1.96 * 0.05, rel=0.25)


def test_with_cues_only_relevant_pairs_are_evidence():
    slopes = known_slopes(10)
    found = probe(LinearAgent(slopes), "CausalDAGCued-v0", num_episodes=60)
    off = ~np.eye(10, dtype=bool)
    assert np.allclose(found.slopes[off], slopes[off], atol=1e-4)  # 60 episodes have every pair
    assert found.held_out_ratio.mean == pytest.approx(slopes[3, 4] / np.mean(np.delete(slopes[off], 3 * 9 + 3)), abs=1e-3)


def test_any_network_can_be_probed_without_dropout():
    architecture = dataclasses.replace(ARCHITECTURES["trial"], width=8, num_heads=1, dropout=0.5)
    policy = SequencePolicy(make_task("CausalDAG-v0", 1), architecture)
    first, second = (probe(policy, "CausalDAG-v0", num_episodes=20) for _ in range(2))
    assert np.array_equal(first.response, second.response, equal_nan=True) and np.ptp(first.response[0, 1]) > 0


@pytest.mark.parametrize(
    ("env_id", "arguments", "message"),
    [
        ("CausalDAG-v0", {"num_exploration_trials": 0}, "with exploration trials, got 'CausalDAG-v0'"),
        ("OddOneOut-v0", {}, "causal DAG"),
        ("CausalDAG-v0", {"deltas": (1.0, 1.0)}, "deltas must be at least two different numbers"),
    ],
)
def test_mistakes_are_named(env_id, arguments, message):
    with pytest.raises(ValueError, match=message):
        probe(LinearAgent(known_slopes()), env_id, num_episodes=5, **arguments)


def test_rows_and_figures_show_the_held_out_pair(found):
    rows = pd.DataFrame(found.rows())
    assert len(rows) == 20 * len(found.deltas) and not rows.duplicated(["cause", "goal", "delta"]).any()
    assert set(zip(rows[rows["held_out"]]["cause"], rows[rows["held_out"]]["goal"], strict=True)) == {("D", "E")}
    seeds = pd.concat([rows.assign(seed_of_training=0), rows.assign(seed_of_training=1, response=rows["response"] * 3)])
    figure = probe_curves({"one": rows, "two": seeds}, "red")
    for axes, factor in zip(figure.axes, (1, 2), strict=True):  # the mean of the response and three times the response
        (line,) = [line for line in axes.lines if line.get_color() == "red"]
        assert line.get_ydata()[-1] == pytest.approx(10 * factor * known_slopes()[3, 4], rel=1e-3)
        assert len(axes.lines) == 21  # all pairs, and zero
    (axes, _) = probe_slopes({"one": rows}).axes
    assert axes.images[0].get_array()[3, 4] == pytest.approx(found.held_out_ratio.mean, rel=1e-6)
