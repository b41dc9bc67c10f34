"""What the networks for rooms see, what they may not see, and what must make no difference to them."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import torch

from agents.config.agent import AgentConfig, TrainingConfig
from agents.data.demonstrations import LAST_TRANSFORM, spaces
from agents.networks.odd_one_out import ObjectPatches, PatchExtractor
from agents.networks.registry import network
from agents.policies.sb3 import TransformerPolicy, build_policy
from gym_causal.odd_one_out.features import FLOOR_CELLS, NUM_CELLS, NUM_OBJECTS, NUM_VALUES, NUM_VISIBLE, sprites
from gym_causal.odd_one_out.frames import AGENT, OBJECT
from tests.agents.small import (
    ARCHITECTURES,
    ENV_IDS,
    ROOM_ARCHITECTURES,
    ROOM_ID,
    every_room_kind,
    every_sight,
    logits_of,
    make_room_policy,
    played_rooms,
)
from tests.odd_one_out.rooms import EVERY_LOOK, rooms_of, views_of

CLOSE = 1e-4


def by_cell(sight):
    """Of every view, what the cells in sight look like."""
    return [
        {int(cell): look.numpy() for cell, look, here in zip(*row, strict=True) if here}
        for row in zip(sight.cells, sight.looks, sight.present, strict=True)
    ]


def test_every_object_is_found_where_it_is_and_as_it_is_in_pixels_as_in_symbols():
    agents, cells, features = rooms_of(EVERY_LOOK)
    symbols, pixels = (views_of(agents, cells, features, observation) for observation in ("symbolic", "pixels"))
    read, seen = PatchExtractor(pixels=False)(torch.as_tensor(symbols)), PatchExtractor(pixels=True)(torch.as_tensor(pixels))
    pictures, found = sprites(), 0
    for view, as_read, as_seen in zip(symbols, by_cell(read), by_cell(seen), strict=True):
        expected = {cell: view.reshape(NUM_CELLS, 4)[cell, 1:] - 1 for cell in np.flatnonzero(view[..., 0] == OBJECT)}
        assert as_read.keys() == as_seen.keys() == expected.keys()
        for cell, look in expected.items():
            one_hot = np.concatenate([np.eye(count)[value] for value, count in zip(look, NUM_VALUES[:NUM_VISIBLE], strict=True)])
            assert (as_read[cell] == one_hot).all()
            assert np.array_equal(as_seen[cell], pictures[tuple(look)].ravel().astype(np.float32) / np.float32(255))
        found += len(expected)
    drawn = PatchExtractor(pixels=True)(torch.as_tensor(symbols))  # as in demonstrations, which are kept as symbols
    assert torch.equal(drawn.ground, seen.ground)
    for as_drawn, as_seen in zip(by_cell(drawn), by_cell(seen), strict=True):
        assert as_drawn.keys() == as_seen.keys() and all((as_drawn[cell] == as_seen[cell]).all() for cell in as_seen)
    assert found > len(agents) * 2.5 and {len(row) for row in by_cell(read)} >= {1, 2, 3, 4}


def test_no_object_looks_like_plain_ground():
    """Each of them alone, beside the agent."""
    count = EVERY_LOOK.shape[1]
    agents, cells = np.full(count, FLOOR_CELLS[40]), np.broadcast_to(FLOOR_CELLS[[41, 0, 0, 0], None], (NUM_OBJECTS, count)).copy()
    features = np.repeat(EVERY_LOOK[:, None], NUM_OBJECTS, axis=1)
    for observation in ("symbolic", "pixels"):
        sight = PatchExtractor(pixels=observation == "pixels")(torch.as_tensor(views_of(agents, cells, features, observation)))
        assert (sight.present.sum(1) == 2).all() and sight.ground[:, 60].any(-1).all() and not sight.ground[:, 61].any()


def test_plain_ground_is_the_same_in_pixels_as_in_symbols():
    agents, cells, features = rooms_of(EVERY_LOOK[:, ::17])
    symbols, pixels = (views_of(agents, cells, features, observation) for observation in ("symbolic", "pixels"))
    read, seen = PatchExtractor(pixels=False)(torch.as_tensor(symbols)), PatchExtractor(pixels=True)(torch.as_tensor(pixels))
    assert read.ground.shape == (len(agents), NUM_CELLS, AGENT + 1) and seen.ground.shape == (len(agents), NUM_CELLS, 3)
    palette = torch.tensor([[0, 0, 0], [40, 40, 40], [0, 0, 0], [255, 255, 255]]) / 255
    assert torch.allclose(read.ground @ palette, seen.ground)
    assert (read.ground.sum(-1) == torch.as_tensor(symbols[..., 0].reshape(len(agents), -1) != OBJECT)).all()


@every_sight
def test_the_order_in_which_objects_are_found_changes_nothing(observation):
    policy = make_room_policy("object", observation, settled=True)
    observations, _, _ = played_rooms(observation)
    expected = logits_of(policy, observations)

    class Shuffled(torch.nn.Module):
        def __init__(self, eyes):
            super().__init__()
            self.eyes, self.rng = eyes, torch.Generator().manual_seed(1)

        def forward(self, views):
            sight = self.eyes(views)
            order = torch.rand(len(views), NUM_OBJECTS, generator=self.rng).argsort(1)

            def shuffle(x):
                return x[torch.arange(len(x))[:, None], order]

            return ObjectPatches(shuffle(sight.looks), shuffle(sight.cells), shuffle(sight.present), sight.ground)

    policy.network.eyes = Shuffled(policy.network.eyes)
    assert torch.allclose(logits_of(policy, observations), expected, atol=CLOSE)


@every_room_kind
def test_symbols_are_read_as_the_pixels_that_they_stand_for(kind):
    policy = make_room_policy(kind, "pixels", settled=True)
    (pixels, _, _), (symbols, _, _) = played_rooms("pixels"), played_rooms("symbolic")
    assert pixels["view"].shape[2:] == (99, 99, 3) and symbols["view"].shape[2:] == (11, 11, 4)
    assert torch.allclose(logits_of(policy, symbols), logits_of(policy, pixels), atol=CLOSE)


def seeing(views, **others):
    """Observations (F, 1, ...) of first steps."""
    ints = {key: torch.full((len(views), 1), others.get(key, 0)) for key in ("may_transform", "touched", "trial", LAST_TRANSFORM)}
    return {"view": torch.as_tensor(views)[:, None], **ints, "last_reward": torch.full((len(views), 1, 1), others.get("last_reward", 0.0))}


def least_difference(policy, some, others):
    """How much the logits of the view differ that differ least."""
    return (logits_of(policy, some) - logits_of(policy, others)).abs().amax((1, 2)).min()


@every_sight
@every_room_kind
def test_all_that_is_observed_makes_a_difference(kind, observation):
    policy = make_room_policy(kind, observation, settled=True)
    agents, cells, features = rooms_of(EVERY_LOOK[:, ::40])
    agents[:] = FLOOR_CELLS[40]  # the middle, from which all is seen
    cells[:, (cells == agents).any(0)] = FLOOR_CELLS[[0, 1, 2, 3], None]
    mine = seeing(views_of(agents, cells, features, observation))
    for attribute, count in enumerate(NUM_VALUES[:NUM_VISIBLE]):
        changed = features.copy()
        changed[attribute, 1] = (changed[attribute, 1] + 1) % count
        assert least_difference(policy, mine, seeing(views_of(agents, cells, changed, observation))) > 1e-4, attribute
    moved = cells.copy()
    moved[2] = [next(cell for cell in FLOOR_CELLS if cell not in (*taken, agent)) for taken, agent in zip(cells.T, agents, strict=True)]
    assert least_difference(policy, mine, seeing(views_of(agents, moved, features, observation))) > 1e-4
    swapped = cells[[1, 0, 2, 3]]  # the same looks and the same places, but not together
    assert least_difference(policy, mine, seeing(views_of(agents, swapped, features, observation))) > 1e-4
    for other in ({"may_transform": 1}, {"touched": 1}, {"trial": 1}, {"last_reward": 1.0}, {LAST_TRANSFORM: 2}):
        assert least_difference(policy, mine, seeing(mine["view"][:, 0], **other)) > 1e-3, other


@every_sight
@every_room_kind
def test_walls_say_where_the_agent_is(kind, observation):
    """Though it sees no object: here it stands on all of them."""
    policy = make_room_policy(kind, observation, settled=True)
    cells = np.broadcast_to(FLOOR_CELLS, (NUM_OBJECTS, len(FLOOR_CELLS)))
    views = views_of(FLOOR_CELLS, cells, np.zeros((NUM_VISIBLE, *cells.shape), int), observation)
    logits = logits_of(policy, seeing(views))[:, 0]
    assert (torch.cdist(logits, logits) + torch.eye(len(logits))).min() > 1e-4


@every_sight
@every_room_kind
def test_the_future_changes_no_past_logits_in_rooms(kind, observation):
    policy = make_room_policy(kind, observation, settled=True)
    (mine, _, my_lengths), (others, _, _) = played_rooms(observation, seed=1), played_rooms(observation, seed=2)
    expected = logits_of(policy, mine)
    num_steps = min(expected.shape[1], others["trial"].shape[1])
    for now in range(0, num_steps - 1, 3):
        mixed = {key: torch.cat([mine[key][:, : now + 1], others[key][:, now + 1 : num_steps]], dim=1) for key in mine}
        logits = logits_of(policy, mixed)
        assert torch.allclose(logits[:, : now + 1], expected[:, : now + 1], atol=CLOSE)
        assert (logits[:, now + 1 :] - expected[:, now + 1 : num_steps]).abs().amax(dim=(1, 2)).min() > 1e-3  # it is seen when it comes
    # So it makes no difference what comes after the end of the shorter ones.
    over = torch.arange(expected.shape[1]) >= torch.as_tensor(my_lengths)[:, None]
    noise = {
        key: value[torch.arange(6)[:, None], torch.randint(num_steps, over.shape, generator=torch.Generator().manual_seed(0))]
        for key, value in others.items()
    }
    forged = {key: torch.where(over.reshape(*over.shape, *[1] * (value.ndim - 2)), noise[key], value) for key, value in mine.items()}
    assert over.sum() > 6 and torch.allclose(logits_of(policy, forged)[~over], expected[~over], atol=CLOSE)


@every_room_kind
def test_the_past_is_remembered_in_rooms(kind):
    policy = make_room_policy(kind, settled=True)
    (mine, _, lengths), (others, _, _) = played_rooms(seed=1), played_rooms(seed=2)
    forged = {key: torch.cat([others[key][:, :1], mine[key][:, 1:]], dim=1) for key in mine}
    difference = (logits_of(policy, forged) - logits_of(policy, mine)).abs().amax(2)
    assert all(difference[row, length - 1] > 1e-4 for row, length in enumerate(lengths))


# --- who is for which environment -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ROOM_ARCHITECTURES)
def test_other_environments_are_refused(kind):
    message = f"env_id must be that of an odd-one-out environment for an agent of kind '{kind}', got one that observes .*initial_values"
    with pytest.raises(ValueError, match=message):
        network(ROOM_ARCHITECTURES[kind], *spaces(ENV_IDS[0], {}))
    with pytest.raises(ValueError, match=message):
        build_policy(AgentConfig(env_id=ENV_IDS[1], architecture=ROOM_ARCHITECTURES[kind]))


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_rooms_are_no_causal_dags(kind):
    kind_of_network = ARCHITECTURES[kind].kind
    message = f"env_id must be that of a causal DAG environment for an agent of kind '{kind_of_network}', got one that observes .*view"
    with pytest.raises(ValueError, match=message):
        build_policy(AgentConfig(env_id=ROOM_ID, architecture=ARCHITECTURES[kind]))


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_no_explanations_of_causal_dags(kind):
    kind_of_network = ARCHITECTURES[kind].kind
    message = f"explanations must be none for an agent of kind '{kind_of_network}': it has no head that predicts them"
    with pytest.raises(ValueError, match=message):
        TransformerPolicy(*spaces(ENV_IDS[0], {}), ARCHITECTURES[kind], explains=True)
    with pytest.raises(ValueError, match=message):
        build_policy(AgentConfig(architecture=ARCHITECTURES[kind], training=TrainingConfig(explanations="full")))


@every_sight
@every_room_kind
def test_who_predicts_explanations(kind, observation):
    config = AgentConfig(env_id=ROOM_ID, env_kwargs={"observation": observation}, architecture=ROOM_ARCHITECTURES[kind])
    assert build_policy(config).explainer is None
    explaining = dataclasses.replace(config, training=TrainingConfig(explanations="outcome"))
    assert build_policy(explaining).explainer is not None
