"""The generic network: any observation space, episodes of any length, step by step as in whole episodes."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from gymnasium import spaces

from agents.config import ArchitectureConfig
from agents.networks.generic import GenericNetwork
from gym_causal.registry import make_task
from tests.agents.small import make_policy_for

SPACES = {
    "position": spaces.Box(-1.0, 1.0, (2,)),
    "speed": spaces.Box(-np.inf, np.inf, (3,)),
    "counts": spaces.Box(0, 9, (2, 2), np.int64),
    "room": spaces.Discrete(4, start=2),
    "doors": spaces.MultiBinary(3),
    "grid": spaces.Box(0, 255, (7, 7, 3), np.uint8),
    "picture": spaces.Box(0, 255, (40, 30, 3), np.uint8),
}
NUM_ACTIONS = 5


def make(keys=tuple(SPACES), seed=0, **architecture):
    torch.manual_seed(seed)
    config = ArchitectureConfig(kind="generic", width=16, num_layers=2, num_heads=2, **architecture)
    network = GenericNetwork(config, spaces.Dict({key: SPACES[key] for key in keys}), NUM_ACTIONS)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return network.eval()


def drawn(batch, steps, seed=0):
    """Observations (B, T, ...) of every space, and earlier actions."""
    rng = np.random.default_rng(seed)
    observations = {}
    for key, space in SPACES.items():
        space.seed(seed)
        observations[key] = torch.as_tensor(np.stack([[space.sample() for _ in range(steps)] for _ in range(batch)]))
    previous = rng.integers(1, NUM_ACTIONS + 1, (batch, steps))
    previous[:, 0] = 0
    return {**observations, "previous_action": torch.as_tensor(previous)}


@pytest.mark.parametrize("context", [None, 3])
@torch.no_grad()
def test_step_by_step_is_the_whole_episode(context):
    network, observations = make(context=context), drawn(2, 9)
    expected, cache = network(observations), network.new_cache()
    cache.reset(torch.ones(2, dtype=torch.bool))
    for step in range(9):
        logits = network({key: value[:, step : step + 1] for key, value in observations.items()}, cache)
        assert torch.allclose(logits[:, 0], expected[:, step], atol=1e-5)


@pytest.mark.parametrize("key", [*SPACES, "previous_action"])
@torch.no_grad()
def test_every_observation_makes_a_difference_now_and_later_but_not_before(key):
    network, mine, others = make(), drawn(2, 4, seed=0), drawn(2, 4, seed=1)
    changed = {**mine, key: mine[key].clone()}
    changed[key][:, 2] = others[key][:, 2]
    if key in ("room", "previous_action"):  # the draws may be the same
        changed[key][:, 2] = torch.where(mine[key][:, 2] == 2, 3, 2)
    difference = (network(changed) - network(mine)).abs().amax((0, 2))
    assert (difference[:2] < 1e-5).all() and (difference[2:] > 1e-4).all()


@torch.no_grad()
def test_large_values_stay_finite():
    network, observations = make(("speed",)), drawn(1, 1)
    observations["speed"][:] = 1e30
    assert network(observations).isfinite().all()


def test_a_space_that_it_cannot_read():
    with pytest.raises(ValueError, match="reads Box, Discrete and MultiBinary observations, got Text for 'mission'"):
        GenericNetwork(ArchitectureConfig(kind="generic"), spaces.Dict({"mission": spaces.Text(5)}), 2)


def test_cartpole_for_longer_than_its_context():
    """Acting goes on after more steps than the cache holds."""
    policy = make_policy_for(ArchitectureConfig(kind="generic", width=8, num_layers=1, num_heads=1, context=4), "CartPole-v1", {})
    task = make_task("CartPole-v1", 3)
    task.seed(0)
    task.begin(np.arange(3), np.arange(3))
    cache = None
    for step in range(30):
        observations = {key: torch.as_tensor(value) for key, value in task.observations().items()}
        logits, cache = policy.step(observations, cache, np.full(3, step == 0))
        cache.previous_actions = logits.argmax(-1) + 1
        task.step(logits.argmax(-1).numpy())
    assert logits.shape == (3, 2) and logits.isfinite().all() and cache.positions.tolist() == [30] * 3


def test_it_learns_to_repeat_what_it_saw_first():
    """A memory task: the action is the room of the first step."""
    network = make(("room",))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    rng = torch.Generator().manual_seed(0)
    for _ in range(60):
        rooms = torch.randint(2, 6, (64, 5), generator=rng)
        logits = network({"room": rooms, "previous_action": torch.zeros_like(rooms)})
        loss = torch.nn.functional.cross_entropy(logits[:, -1], rooms[:, 0] - 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1
