"""The rollout buffer of whole episodes: advantages by hand, padding, truncation, minibatches."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

from gymnasium import spaces

from agents.algorithms.episode_buffer import EpisodeRolloutBuffer, generalized_advantages
from agents.algorithms.episode_sources import State
from agents.data.collate import IGNORE_INDEX
from agents.data.explanation_controls import ExplanationControl
from gym_causal.core.explanations import ExplanationSpec

SPACE = spaces.Dict({"seen": spaces.Box(-9, 9, (1,), np.float32)})
LENGTHS = np.array([3, 1])


def filled(explanations=False) -> EpisodeRolloutBuffer:
    """Two episodes, of three steps and of one; at step t env b sees 10 * b + t and plays t + b."""
    buffer = EpisodeRolloutBuffer(5, SPACE, spaces.Discrete(9), n_envs=2, gamma=0.5, gae_lambda=0.5)
    for step in range(3):
        envs = np.arange(2)
        tokens = np.array([[1 + step], [1 + step]]) if explanations else None
        state = State({"seen": (10.0 * envs + step)[:, None]}, np.ones((2, 9), bool), tokens)
        buffer.add(
            state,
            actions=step + envs,
            rewards=np.array([1.0, 8.0]),
            values=np.array([2.0, 4.0]),
            log_probs=np.array([-1.0, -2.0]),
            playing=step < LENGTHS,
        )
    buffer.close()
    return buffer


def test_advantages_by_hand():
    rewards = np.array([[1, 0, 2], [8, 7, 7], [1, 1, 7]], np.float32)  # 7: behind the end, where it means nothing
    values = np.array([[2, 4, 1], [4, 9, 9], [0, 2, 9]], np.float32)
    last_values = np.array([0, 0, 6], np.float32)  # the third episode was cut after two steps: 6 stands for the rest
    lengths = np.array([3, 1, 2])
    advantages = generalized_advantages(rewards, values, last_values, lengths, gamma=0.5, gae_lambda=0.5)
    # gamma * lambda = 1/4. First: d = (1 + 2 - 2, 0 + 0.5 - 4, 2 - 1) = (1, -3.5, 1); A = (1 + A1 / 4, -3.5 + 1 / 4, 1).
    # Second: 8 - 4. Third: d = (1 + 1 - 0, 1 + 3 - 2) = (2, 2); A = (2 + 2 / 4, 2).
    assert advantages.tolist() == [[1 - 3.25 / 4, -3.25, 1], [4, 0, 0], [2.5, 2, 0]]


def test_with_lambda_1_advantages_are_returns_minus_values():
    rng = np.random.default_rng(0)
    rewards, values = rng.normal(size=(2, 4, 6)).astype(np.float32)
    advantages = generalized_advantages(rewards, values, np.zeros(4, np.float32), np.full(4, 6), gamma=1, gae_lambda=1)
    assert np.allclose(advantages, rewards[:, ::-1].cumsum(1)[:, ::-1] - values, atol=1e-5)


def test_what_is_behind_the_end_is_padding():
    buffer = filled(explanations=True)
    assert buffer.lengths.tolist() == LENGTHS.tolist()
    assert buffer.actions.tolist() == [[0, 1, 2], [1, 0, 0]]
    assert buffer.observations["previous_action"].tolist() == [[0, 1, 2], [0, 2, 1]]
    assert buffer.rewards.tolist() == [[1, 1, 1], [8, 0, 0]]
    assert buffer.explanations[..., 0].tolist() == [[1, 2, 3], [1, IGNORE_INDEX, IGNORE_INDEX]]
    buffer.compute_returns_and_advantage(np.zeros(2))
    # d = (1 + 2 / 2 - 2, 1 + 2 / 2 - 2, 1 - 2) = (0, 0, -1) and gamma * lambda = 1/4.
    assert buffer.advantages.tolist() == [[-1 / 16, -1 / 4, -1], [4, 0, 0]]
    assert buffer.returns.tolist() == [[2 - 1 / 16, 2 - 1 / 4, 1], [8, 0, 0]]


def test_the_state_after_the_last_step():
    observations = filled().with_last(np.array([1, 0]), {"seen": np.array([[70.0], [80.0]])})
    assert observations["seen"][0, 1].tolist() == [70] and observations["seen"][1, :, 0].tolist() == [0, 1, 2, 80]
    assert observations["previous_action"][0, 1] == 1 + 1 and observations["previous_action"][1].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("batch_size", [1, 2, None])
def test_every_episode_is_in_one_minibatch(batch_size):
    buffer = filled()
    buffer.compute_returns_and_advantage(np.zeros(2))
    minibatches = list(buffer.get(batch_size, np.random.default_rng(0)))
    assert sum(len(samples.actions) for samples in minibatches) == 2
    for samples in minibatches:
        assert samples.actions.shape == samples.is_step.shape == samples.observations["seen"].shape[:2]
        assert samples.actions.shape[1] == int(samples.is_step.sum(1).max())  # no longer than its longest episode
        assert samples.action_masks.shape == (*samples.actions.shape, 9) and samples.explanations is None
    again = list(buffer.get(batch_size, np.random.default_rng(0)))
    assert all((one.actions == other.actions).all() for one, other in zip(minibatches, again, strict=True))


def test_it_must_be_closed_before_it_is_read():
    buffer = filled()
    buffer.reset()
    with pytest.raises(AssertionError, match="call close first"):
        next(buffer.get())


def test_controls_of_explanations_stay_within_episodes():
    spec = ExplanationSpec({"none": (), "full": ("hint",)}, ("", "a", "b", "c"), num_tokens=1)
    late = filled(explanations=True)
    late.control_explanations(ExplanationControl(spec, delay=1), np.random.default_rng(0))
    assert late.explanations[..., 0].tolist() == [[0, 1, 2], [0, IGNORE_INDEX, IGNORE_INDEX]]
    shuffled = filled(explanations=True)
    shuffled.control_explanations(ExplanationControl(spec, shuffled_share=1.0), np.random.default_rng(0))
    assert sorted(shuffled.explanations[shuffled.is_step][:, 0]) == [1, 1, 2, 3]  # as many of each as before
    assert (shuffled.explanations[~shuffled.is_step] == IGNORE_INDEX).all()
