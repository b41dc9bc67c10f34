"""What the networks for rooms depend on, and what must make no difference to them."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from agents.networks.patches import ObjectPatches, PatchExtractor
from agents.networks.registry import build_network
from gym_causal.odd_one_out.features import FLOOR_CELLS, NUM_CELLS, NUM_OBJECTS, NUM_VALUES, NUM_VISIBLE, Action, sprites
from gym_causal.odd_one_out.frames import AGENT, OBJECT
from gym_causal.registry import make_task
from tests.agents.small import (
    ENV_IDS,
    ROOM_ARCHITECTURES,
    every_room_kind,
    every_sight,
    logits_of,
    make_room_policy,
    played_rooms,
)
from tests.odd_one_out.rooms import EVERY_LOOK, rooms_of, views_of

CLOSE = 1e-4


def by_cell(patches):
    """Of every view, the appearance of each object patch by its cell."""
    return [
        {int(cell): appearance.numpy() for cell, appearance, here in zip(*row, strict=True) if here}
        for row in zip(patches.cells, patches.appearance, patches.present, strict=True)
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
    assert torch.equal(drawn.background, seen.background)
    for as_drawn, as_seen in zip(by_cell(drawn), by_cell(seen), strict=True):
        assert as_drawn.keys() == as_seen.keys() and all((as_drawn[cell] == as_seen[cell]).all() for cell in as_seen)
    assert found > len(agents) * 2.5 and {len(row) for row in by_cell(read)} >= {1, 2, 3, 4}


def test_no_object_is_taken_for_background():
    """Each of them alone, beside the agent."""
    count = EVERY_LOOK.shape[1]
    agents, cells = np.full(count, FLOOR_CELLS[40]), np.broadcast_to(FLOOR_CELLS[[41, 0, 0, 0], None], (NUM_OBJECTS, count)).copy()
    features = np.repeat(EVERY_LOOK[:, None], NUM_OBJECTS, axis=1)
    for observation in ("symbolic", "pixels"):
        patches = PatchExtractor(pixels=observation == "pixels")(torch.as_tensor(views_of(agents, cells, features, observation)))
        assert (patches.present.sum(1) == 2).all() and patches.background[:, 60].any(-1).all() and not patches.background[:, 61].any()


def test_the_background_is_the_same_in_pixels_as_in_symbols():
    agents, cells, features = rooms_of(EVERY_LOOK[:, ::17])
    symbols, pixels = (views_of(agents, cells, features, observation) for observation in ("symbolic", "pixels"))
    read, seen = PatchExtractor(pixels=False)(torch.as_tensor(symbols)), PatchExtractor(pixels=True)(torch.as_tensor(pixels))
    assert read.background.shape == (len(agents), NUM_CELLS, AGENT + 1) and seen.background.shape == (len(agents), NUM_CELLS, 3)
    palette = torch.tensor([[0, 0, 0], [40, 40, 40], [0, 0, 0], [255, 255, 255]]) / 255
    assert torch.allclose(read.background @ palette, seen.background)
    assert (read.background.sum(-1) == torch.as_tensor(symbols[..., 0].reshape(len(agents), -1) != OBJECT)).all()


@every_sight
def test_the_order_in_which_objects_are_found_changes_nothing(observation):
    policy = make_room_policy("object", observation, settled=True)
    observations, _, _ = played_rooms(observation)
    expected = logits_of(policy, observations)

    class Shuffled(torch.nn.Module):
        def __init__(self, extractor):
            super().__init__()
            self.extractor, self.rng = extractor, torch.Generator().manual_seed(1)

        def forward(self, views):
            patches = self.extractor(views)
            order = torch.rand(len(views), NUM_OBJECTS, generator=self.rng).argsort(1)

            def shuffle(x):
                return x[torch.arange(len(x))[:, None], order]

            return ObjectPatches(shuffle(patches.appearance), shuffle(patches.cells), shuffle(patches.present), patches.background)

    policy.network.patch_extractor = Shuffled(policy.network.patch_extractor)
    assert torch.allclose(logits_of(policy, observations), expected, atol=CLOSE)


@every_room_kind
def test_symbols_are_read_as_the_pixels_that_they_stand_for(kind):
    policy = make_room_policy(kind, "pixels", settled=True)
    (pixels, _, _), (symbols, _, _) = played_rooms("pixels"), played_rooms("symbolic")
    assert pixels["view"].shape[2:] == (99, 99, 3) and symbols["view"].shape[2:] == (11, 11, 4)
    assert torch.allclose(logits_of(policy, symbols), logits_of(policy, pixels), atol=CLOSE)


def first_steps(views, **others):
    """Observations (F, 1, ...) of first steps."""
    ints = {key: torch.full((len(views), 1), others.get(key, 0)) for key in ("may_transform", "touched", "trial", "previous_action")}
    return {"view": torch.as_tensor(views)[:, None], **ints, "last_reward": torch.full((len(views), 1, 1), others.get("last_reward", 0.0))}


def least_difference(policy, some, others):
    """Over views, the smallest of the largest differences of logits."""
    return (logits_of(policy, some) - logits_of(policy, others)).abs().amax((1, 2)).min()


@every_sight
@every_room_kind
def test_all_that_is_observed_makes_a_difference(kind, observation):
    policy = make_room_policy(kind, observation, settled=True)
    agents, cells, features = rooms_of(EVERY_LOOK[:, ::40])
    agents[:] = FLOOR_CELLS[40]  # the middle, from which all is seen
    cells[:, (cells == agents).any(0)] = FLOOR_CELLS[[0, 1, 2, 3], None]
    mine = first_steps(views_of(agents, cells, features, observation))
    for attribute, count in enumerate(NUM_VALUES[:NUM_VISIBLE]):
        changed = features.copy()
        changed[attribute, 1] = (changed[attribute, 1] + 1) % count
        assert least_difference(policy, mine, first_steps(views_of(agents, cells, changed, observation))) > 1e-4, attribute
    moved = cells.copy()
    moved[2] = [next(cell for cell in FLOOR_CELLS if cell not in (*taken, agent)) for taken, agent in zip(cells.T, agents, strict=True)]
    assert least_difference(policy, mine, first_steps(views_of(agents, moved, features, observation))) > 1e-4
    swapped = cells[[1, 0, 2, 3]]  # the same looks and the same places, but not together
    assert least_difference(policy, mine, first_steps(views_of(agents, swapped, features, observation))) > 1e-4
    for other in (
        {"may_transform": 1},
        {"touched": 1},
        {"trial": 1},
        {"last_reward": 1.0},
        {"previous_action": 1 + Action.TRANSFORM_TEXTURE},
    ):
        assert least_difference(policy, mine, first_steps(mine["view"][:, 0], **other)) > 1e-3, other
    # Of earlier actions only transforms are read.
    assert torch.equal(logits_of(policy, mine), logits_of(policy, first_steps(mine["view"][:, 0], previous_action=1 + Action.NORTHWEST)))


@every_sight
@every_room_kind
def test_walls_say_where_the_agent_is(kind, observation):
    """Though it sees no object: here it stands on all of them."""
    policy = make_room_policy(kind, observation, settled=True)
    cells = np.broadcast_to(FLOOR_CELLS, (NUM_OBJECTS, len(FLOOR_CELLS)))
    views = views_of(FLOOR_CELLS, cells, np.zeros((NUM_VISIBLE, *cells.shape), int), observation)
    logits = logits_of(policy, first_steps(views))[:, 0]
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
        assert (logits[:, now + 1 :] - expected[:, now + 1 : num_steps]).abs().amax(
            dim=(1, 2)
        ).min() > 1e-3  # they depend on it when it comes
    # So it makes no difference what comes after the end of the shorter ones.
    over = torch.arange(expected.shape[1]) >= torch.as_tensor(my_lengths)[:, None]
    noise = {
        key: value[torch.arange(6)[:, None], torch.randint(num_steps, over.shape, generator=torch.Generator().manual_seed(0))]
        for key, value in others.items()
    }
    forged = {key: torch.where(over.reshape(*over.shape, *[1] * (value.ndim - 2)), noise[key], value) for key, value in mine.items()}
    assert over.sum() > 6 and torch.allclose(logits_of(policy, forged)[~over], expected[~over], atol=CLOSE)


@every_room_kind
def test_the_past_changes_later_logits_in_rooms(kind):
    policy = make_room_policy(kind, settled=True)
    (mine, _, lengths), (others, _, _) = played_rooms(seed=1), played_rooms(seed=2)
    forged = {key: torch.cat([others[key][:, :1], mine[key][:, 1:]], dim=1) for key in mine}
    difference = (logits_of(policy, forged) - logits_of(policy, mine)).abs().amax(2)
    assert all(difference[row, length - 1] > 1e-4 for row, length in enumerate(lengths))


@pytest.mark.parametrize("kind", ROOM_ARCHITECTURES)
@pytest.mark.parametrize("env_id", ENV_IDS)
def test_another_task_is_refused(kind, env_id):
    message = f"env_id must be that of an odd-one-out environment for an agent of kind '{kind}', got one that observes .*initial_values"
    with pytest.raises(ValueError, match=message):
        build_network(ROOM_ARCHITECTURES[kind], make_task(env_id))


@every_room_kind
def test_episodes_of_different_lengths_are_encoded_as_if_each_were_alone(kind):
    """In groups of similar length. What stands after an episode's end has no influence, and the hidden states there are zeros."""
    network = make_room_policy(kind, settled=True).network
    observations, _, lengths = played_rooms(num_episodes=7)
    assert len(set(lengths.tolist())) > 4
    with torch.no_grad():
        found = network.encode_episodes(observations, torch.as_tensor(lengths))
        assert found.shape[:2] == (7, lengths.max())
        for row, length in enumerate(lengths.tolist()):
            alone = network.encode({key: value[row : row + 1, :length] for key, value in observations.items()})
            assert torch.allclose(found[row, :length], alone[0], atol=CLOSE)
            assert not found[row, length:].any()
        same = {key: value[:, :5] for key, value in observations.items()}
        assert torch.equal(network.encode_episodes(same, torch.full((7,), 5)), network.encode(same))
